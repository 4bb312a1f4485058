//! Errors of the database.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// Why a database operation failed. No client sees these texts.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// All connections are busy and none became free in time, or a statement took too long.
    #[error("the database is busy")]
    Overloaded,
    /// The database cannot be reached or refuses to serve. Nothing was changed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// A provider of the tenant has another issuer since it moved: nothing of the tenant is read or
    /// written with the configuration from before.
    #[error("{0}")]
    OtherIssuer(String),
    /// The connection was lost during the commit. The change may or may not have been made.
    #[error("the outcome of the commit is unknown: {0}")]
    CommitUnknown(String),
    /// The transaction conflicted with another one. The whole transaction may be retried.
    #[error("the transaction conflicted with another one: {0}")]
    Conflict(String),
    /// Other transactions held the locks for too long. An immediate retry would wait again.
    #[error("a lock was not acquired in time: {0}")]
    Busy(String),
    /// A defect of this program: a statement that does not run, a row that does not parse, a
    /// constraint that the rules should have kept.
    #[error("fault: {0}")]
    Fault(String),
}

impl StoreError {
    /// Converts an error of COMMIT. An error that the server sent is a violated deferred constraint
    /// or a conflict. Without a response, the outcome is unknown.
    pub(super) fn at_commit(error: DieselError) -> Self {
        match Self::from(error) {
            Self::Unavailable(text) => Self::CommitUnknown(text),
            other => other,
        }
    }

    /// Whether an error text is that of a server that accepts no more connections.
    pub(super) fn is_full(text: &str) -> bool {
        text.contains("too many clients") || text.contains("remaining connection slots")
    }

    /// Whether an error text is that of a statement that waited too long for a lock.
    pub(super) fn is_lock_timeout(text: &str) -> bool {
        text.contains("canceling statement due to lock timeout")
    }

    /// A row that violates what the constraints promise.
    pub(super) fn corrupt(what: &str) -> Self {
        Self::Fault(format!("cannot parse the stored {what}"))
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
                // diesel hides the SQLSTATE of the other errors, so only the text is left.
                _ if Self::is_lock_timeout(&text) => Self::Busy(text),
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

/// Whether an error text is that of a server that is stopping or starting, accepts no connections,
/// or has no space left.
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
