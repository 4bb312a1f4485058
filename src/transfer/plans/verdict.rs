//! What became of each link, and the report of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    domain::{DomainError, UserId, UserRef},
    store::NewLine,
    transfer::lines::LinesError,
};

/// Why a link was neither made nor taken back. The words of refusals are those of the rpcs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SkipReason {
    /// The line has marks that were not accepted.
    Marked,
    /// The plan's link was made, and was undone since.
    Undone,
    /// A user has changed since the plan was written.
    VersionMismatch,
    /// A user does not exist any more.
    UserNotFound,
    /// A user was absorbed by another one.
    UserAbsorbed,
    /// A user is blocked.
    UserBlocked,
    /// The users share no email that is verified on both sides now.
    EmailNotShared,
    /// Together they would have more identities than a user can have.
    TooManyIdentities,
    /// The link does not exist any more.
    LinkNotFound,
    /// The link cannot be undone.
    LinkNotUndoable,
    /// Others changed the same users each time.
    ConflictRetry,
}

impl SkipReason {
    /// All reasons.
    pub const ALL: [Self; 11] = [
        Self::Marked,
        Self::Undone,
        Self::VersionMismatch,
        Self::UserNotFound,
        Self::UserAbsorbed,
        Self::UserBlocked,
        Self::EmailNotShared,
        Self::TooManyIdentities,
        Self::LinkNotFound,
        Self::LinkNotUndoable,
        Self::ConflictRetry,
    ];

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Marked => "MARKED",
            Self::Undone => "UNDONE",
            Self::VersionMismatch => "VERSION_MISMATCH",
            Self::UserNotFound => "USER_NOT_FOUND",
            Self::UserAbsorbed => "USER_ABSORBED",
            Self::UserBlocked => "USER_BLOCKED",
            Self::EmailNotShared => "EMAIL_NOT_SHARED",
            Self::TooManyIdentities => "TOO_MANY_IDENTITIES",
            Self::LinkNotFound => "LINK_NOT_FOUND",
            Self::LinkNotUndoable => "LINK_NOT_UNDOABLE",
            Self::ConflictRetry => "CONFLICT_RETRY",
        }
    }

    /// The reason of a refusal that a plan can meet; `None` for others.
    pub(super) fn of(refusal: &DomainError) -> Option<Self> {
        Some(match refusal {
            DomainError::VersionMismatch => Self::VersionMismatch,
            DomainError::UserNotFound => Self::UserNotFound,
            DomainError::UserAbsorbed => Self::UserAbsorbed,
            DomainError::UserBlocked => Self::UserBlocked,
            DomainError::EmailNotShared => Self::EmailNotShared,
            DomainError::TooManyIdentities => Self::TooManyIdentities,
            DomainError::LinkNotFound => Self::LinkNotFound,
            DomainError::LinkNotUndoable(_) => Self::LinkNotUndoable,
            DomainError::ConflictRetry => Self::ConflictRetry,
            _ => return None,
        })
    }
}

/// What became of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub(super) enum Verdict {
    /// It was made.
    Linked {
        /// Its id; absent for users that are one without a link.
        #[serde(skip_serializing_if = "Option::is_none")]
        link: Option<Uuid>,
    },
    /// A dry run would have made it, if it were none.
    WouldLink,
    /// It was taken back.
    Undone {
        /// Its id.
        link: Uuid,
    },
    /// A dry run would have taken it back, if it were none.
    WouldUndo {
        /// Its id.
        link: Uuid,
    },
    /// It was as it should be before.
    Already {
        /// Its id; absent for users that are one without a link.
        #[serde(skip_serializing_if = "Option::is_none")]
        link: Option<Uuid>,
    },
    /// It is as it was before.
    Skipped {
        /// Why.
        reason: SkipReason,
        /// Its id; absent if there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        link: Option<Uuid>,
        /// The marks of the line that were not accepted, as the plan has them; of
        /// [`SkipReason::Marked`] only.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        marks: Vec<String>,
        /// What prevents an undo, as a sentence.
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'static str>,
    },
}

/// A line of the report.
#[derive(Serialize)]
pub(super) struct VerdictLine<'a> {
    /// The line of the plan; absent where there is no plan's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The primary user; absent where it does not exist any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<&'a UserId>,
    /// The secondary user; absent for an attached account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secondary: Option<&'a UserId>,
    /// What became of the link.
    #[serde(flatten)]
    pub verdict: &'a Verdict,
}

impl VerdictLine<'_> {
    /// The line, and the same without its users.
    ///
    /// # Errors
    /// [`LinesError::File`] if it has no form in JSON; all of ours have one.
    pub(super) fn to_line(&self) -> Result<NewLine, LinesError> {
        let json = |line: &Self| {
            serde_json::to_string(line).map_err(|error| LinesError::File(error.into()))
        };
        let without_users = Self { primary: None, secondary: None, ..*self };
        let users = self.primary.into_iter().chain(self.secondary);
        Ok(NewLine {
            line: json(self)?,
            concerned: users.cloned().map(UserRef::UserId).collect(),
            without_users: Some(json(&without_users)?),
        })
    }
}

/// How many links have each verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Made or taken back, or in a dry run would be.
    pub done: u64,
    /// As it should be before.
    pub already: u64,
    /// As it was before, for each reason.
    pub skipped: BTreeMap<SkipReason, u64>,
    /// How many of those have each mark that was not accepted. A job has them in its lines alone.
    #[serde(skip)]
    pub marks: BTreeMap<String, u64>,
}

impl Counts {
    /// Counts a verdict. Returns whether a link was made or taken back.
    pub(super) fn add(&mut self, verdict: &Verdict) -> bool {
        match verdict {
            Verdict::Linked { .. }
            | Verdict::WouldLink
            | Verdict::Undone { .. }
            | Verdict::WouldUndo { .. } => self.done += 1,
            Verdict::Already { .. } => self.already += 1,
            Verdict::Skipped { reason, marks, .. } => {
                *self.skipped.entry(*reason).or_default() += 1;
                for mark in marks {
                    *self.marks.entry(mark.clone()).or_default() += 1;
                }
            }
        }
        matches!(verdict, Verdict::Linked { .. } | Verdict::Undone { .. })
    }

    /// How many links have a verdict.
    pub fn all(&self) -> u64 {
        self.done + self.already + self.skipped.values().sum::<u64>()
    }
}
