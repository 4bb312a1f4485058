//! What can go wrong between us and the database.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// Why the database did not do what it was asked to. Nothing here reaches a client as text.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Every connection is busy and none came free in time, or a statement took too long.
    #[error("the database is busy")]
    Overloaded,
    /// The database cannot be reached or does not serve; nothing was changed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The connection was lost during the commit: the change may have been made or not.
    #[error("the outcome of the commit is unknown: {0}")]
    CommitUnknown(String),
    /// Another transaction stood in the way; the whole of this one may be tried again.
    #[error("another transaction stood in the way: {0}")]
    Conflict(String),
    /// Others held what was wanted for too long; trying again at once would only wait again.
    #[error("a lock was not had in time: {0}")]
    Busy(String),
    /// A fault of ours: a statement that does not run, a row that does not parse, a constraint
    /// that the rules should have kept.
    #[error("fault: {0}")]
    Fault(String),
}

impl StoreError {
    /// What an error of COMMIT means: an answer of the server is a violated deferred constraint
    /// or a conflict; no answer means that nobody knows.
    pub(super) fn at_commit(error: DieselError) -> Self {
        match Self::from(error) {
            Self::Unavailable(text) => Self::CommitUnknown(text),
            other => other,
        }
    }

    /// Whether an error text is that of a server which takes no more connections.
    pub(super) fn is_full(text: &str) -> bool {
        text.contains("too many clients") || text.contains("remaining connection slots")
    }

    /// A row that does not hold what the constraints promise.
    pub(super) fn corrupt(what: &str) -> Self {
        Self::Fault(format!("a stored {what} does not parse"))
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        use DatabaseErrorKind as Kind;
        let text = error.to_string();
        match &error {
            DieselError::DatabaseError(kind, _) => match kind {
                Kind::ClosedConnection | Kind::UnableToSendCommand | Kind::ReadOnlyTransaction => {
                    Self::Unavailable(text)
                }
                Kind::SerializationFailure => Self::Conflict(text),
                // diesel hides the SQLSTATE of the rest, and only the text is left.
                _ if text.contains("canceling statement due to lock timeout") => Self::Busy(text),
                _ if text.contains("canceling statement due to") => Self::Overloaded,
                _ if is_passing(&text) => Self::Unavailable(text),
                _ if text.contains("deadlock detected") => Self::Conflict(text),
                _ => Self::Fault(text),
            },
            DieselError::BrokenTransactionManager => Self::Unavailable(text),
            _ => Self::Fault(text),
        }
    }
}

/// Whether an error text speaks of a server that ends, starts, takes nobody in, or has no room left.
fn is_passing(text: &str) -> bool {
    const PASSING: [&str; 5] = [
        "terminating connection",
        "the database system is",
        "recovery is in progress",
        "connection closed",
        "No space left on device",
    ];
    StoreError::is_full(text) || PASSING.iter().any(|passing| text.contains(passing))
}
