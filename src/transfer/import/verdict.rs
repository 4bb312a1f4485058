//! What became of a row, and why it is refused.

use std::fmt;

use serde::Serialize;

use crate::{
    domain::{UserId, Violation},
    transfer::input::Place,
};

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowVerdict {
    /// Where it begins.
    pub place: Place,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is a new user, with this id; in a dry run it would be, and there is no id if that would
    /// be random.
    Created(Option<UserId>),
    /// It is this user already.
    Present(UserId),
    /// It is a user into which others were linked that had accounts of the row, or in a dry run would
    /// be.
    Attached {
        /// The user of the row.
        user: UserId,
        /// Whether it is a new one.
        is_created: bool,
        /// The others.
        linked: Vec<UserId>,
    },
    /// It is no user by the word of its source.
    Skipped,
    /// Nothing of it was written.
    Refused(RefusedRow),
}

/// A row of which nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedRow {
    /// The user's id as the file has it, which need not be well-formed; `None` if it has none, or a
    /// longer one than any user has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Why, at least one reason.
    pub reasons: Vec<Reason>,
}

impl RefusedRow {
    /// The longest id that is shown, in characters.
    const LONGEST_ID: usize = 255;

    /// A row with this id in the file.
    pub(super) fn new(user_id: Option<&str>, reasons: Vec<Reason>) -> Self {
        let is_shown = |id: &&str| !id.is_empty() && id.chars().nth(Self::LONGEST_ID).is_none();
        Self { user_id: user_id.filter(is_shown).map(str::to_owned), reasons }
    }
}

/// Why a row is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The place in the row, such as `identities/0/subject`; empty for the whole row.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// A stable word.
    pub reason: ReasonCode,
    /// A sentence that says what is wrong.
    pub description: String,
}

/// The stable words of the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReasonCode {
    /// A field is not well-formed.
    Invalid,
    /// Another row of the file has the same account or id.
    Repeated,
    /// The account belongs to another user here.
    IdentityTaken,
    /// The id is another user's here, or is the name of a user that was absorbed.
    IdTaken,
    /// The user or the account was deleted here.
    Deleted,
    /// The account belongs to a user that may not be attached.
    NotAttached,
}

impl ReasonCode {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::Repeated => "REPEATED",
            Self::IdentityTaken => "IDENTITY_TAKEN",
            Self::IdTaken => "ID_TAKEN",
            Self::Deleted => "DELETED",
            Self::NotAttached => "NOT_ATTACHED",
        }
    }
}

impl Reason {
    /// A reason at a field.
    pub(super) fn new(
        reason: ReasonCode,
        field: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), reason, description: description.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.description),
            field => write!(f, "{field}: {}", self.description),
        }
    }
}

impl From<Violation> for Reason {
    fn from(Violation { field, description }: Violation) -> Self {
        Self::new(ReasonCode::Invalid, field, description)
    }
}
