//! What became of each link, and the report of it.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::Path,
};

use serde::Serialize;
use uuid::Uuid;

use crate::{
    domain::{DomainError, UserId},
    transfer::export::Output,
};

/// Why a link was neither made nor taken back. The words of refusals are those of the rpcs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SkipReason {
    /// The line has a mark that was not accepted.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub(super) enum Verdict {
    /// It was made, or in a dry run would be.
    Linked {
        /// Its id; absent in a dry run.
        #[serde(skip_serializing_if = "Option::is_none")]
        link: Option<Uuid>,
    },
    /// It was taken back, or in a dry run would be.
    Undone {
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
    /// The primary user.
    pub primary: &'a UserId,
    /// The secondary user; absent for an attached account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secondary: Option<&'a UserId>,
    /// What became of the link.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// How many links have each verdict.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Made or taken back.
    pub done: u64,
    /// As it should be before.
    pub already: u64,
    /// As it was before, for each reason.
    pub skipped: BTreeMap<SkipReason, u64>,
}

impl Counts {
    pub(super) fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Linked { .. } | Verdict::Undone { .. } => self.done += 1,
            Verdict::Already { .. } => self.already += 1,
            Verdict::Skipped { reason, .. } => *self.skipped.entry(reason).or_default() += 1,
        }
    }

    pub(super) fn all(&self) -> u64 {
        self.done + self.already + self.skipped.values().sum::<u64>()
    }
}

/// The report: a line of JSON for each link.
#[derive(Default)]
pub struct Report(Option<Output>);

impl Report {
    /// A report in a new file, which only its owner can read.
    ///
    /// # Errors
    /// As of [`Output::create`].
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self(Some(Output::create(path, false)?)))
    }

    /// Writes a line. It is in the file before the next link is made.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write(&mut self, line: &VerdictLine<'_>) -> io::Result<()> {
        let Some(output) = &mut self.0 else { return Ok(()) };
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        output.write_all(&bytes)?;
        output.flush()
    }

    /// Makes the file durable.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn finish(self) -> io::Result<()> {
        self.0.map_or(Ok(()), Output::finish)
    }
}
