//! What a failure says as long as no server has answered.

use std::sync::atomic::{AtomicBool, Ordering};

use tonic::Code;

use crate::error::Failure;

/// Whether a server has answered the clients of one connection.
pub(crate) struct Reach {
    /// What to check while none has.
    hint: String,
    has_answered: AtomicBool,
}

impl Reach {
    /// The server at this URL.
    pub(crate) fn of_url(url: &str, has_tls: bool) -> Self {
        let other = if has_tls {
            "write http:// if the server speaks no TLS"
        } else {
            "write https:// if the server speaks TLS"
        };
        Self::new(format!("no server at {url} has answered yet: check the address, and {other}"))
    }

    /// The server of a channel that the caller has made.
    pub(crate) fn of_channel() -> Self {
        let hint = "no server has answered yet: check the channel's address and settings of TLS";
        Self::new(hint.to_owned())
    }

    fn new(hint: String) -> Self {
        Self { hint, has_answered: AtomicBool::new(false) }
    }

    /// A response has come.
    pub(crate) fn answered(&self) {
        // A store would take the cache line from the other cores at each call.
        if !self.has_answered.load(Ordering::Relaxed) {
            self.has_answered.store(true, Ordering::Relaxed);
        }
    }

    /// The failure of an attempt: with what to check, if it may be that no server can be reached.
    pub(crate) fn explained(&self, failure: Failure) -> Failure {
        if failure.is_refusal() {
            self.answered();
        } else if !self.has_answered.load(Ordering::Relaxed)
            // A server that speaks TLS leads to INTERNAL or UNKNOWN: its bytes are not HTTP/2.
            && matches!(
                failure.code(),
                Code::Unavailable | Code::DeadlineExceeded | Code::Internal | Code::Unknown
            )
        {
            return failure.with_hint(&self.hint);
        }
        failure
    }
}
