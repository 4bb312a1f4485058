//! Carries out writes. A write is repeated if another writer was faster, and a request with a known id gets the
//! stored response.

use std::sync::Arc;

use tokio::task::JoinError;
use uuid::Uuid;

use super::{Error, Linking, Write, resolve};
use crate::{
    auth::{Permit, Purpose, Target},
    clock,
    domain::Refusal,
    store::{AnswerInserted, EventsInserted, LockKeys, Request, Session, StoreError, StoredAnswer},
};

/// The most attempts at a write before it fails with [`Refusal::ConflictRetry`].
const ATTEMPTS: usize = 3;

/// The id under which a caller may retry a request.
#[derive(Debug, Clone, Copy)]
pub struct RequestId {
    /// The id that the caller chose.
    pub id: Uuid,
    /// Distinguishes the request from others with the same id.
    pub fingerprint: [u8; 32],
}

/// A response in a form that can be stored.
pub trait Reply: Sized + Send + 'static {
    /// The response as bytes.
    fn to_bytes(&self) -> Vec<u8>;

    /// The response from such bytes; `None` if they do not decode.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// The response to a request without an id. It is never stored, because no retry can ask for it.
pub struct Unkept<T>(pub T);

impl<T: Send + 'static> Reply for Unkept<T> {
    fn to_bytes(&self) -> Vec<u8> {
        Vec::new()
    }

    fn from_bytes(_: &[u8]) -> Option<Self> {
        None
    }
}

impl Linking {
    /// Carries out a write, to its end; `reply` builds the response. Under a request id the response is stored with
    /// the change: a retry of the same request gets the same response, and changes nothing.
    ///
    /// # Errors
    /// [`Error`] of the write; [`Refusal::ConflictRetry`] if other writers were faster each time;
    /// [`Refusal::RequestIdReused`] if another request has the id.
    pub async fn run<W: Write, R: Reply>(
        self: &Arc<Self>,
        write: W,
        request_id: Option<RequestId>,
        reply: impl Fn(W::Answer) -> R + Send + Sync + 'static,
    ) -> Result<R, Error> {
        let linking = Arc::clone(self);
        self.to_its_end(async move {
            let outcome = linking.attempts(&write, request_id, &reply).await;
            if outcome.is_ok() {
                write.finish(&linking).await;
            }
            outcome
        })
        .await
    }

    /// Runs a future in a task of its own, to its end, even if the client disconnects. [`Linking::drain`] waits for
    /// it.
    ///
    /// # Errors
    /// Those of the future; [`Error::Panicked`] if it panicked.
    pub async fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        ended(self.tasks.spawn(work).await)
    }

    /// The stored response of such a write under this request id, if the caller may still call; `None` without one.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Refusal::RequestIdReused`] if another request has the id.
    pub async fn answered<W: Write, R: Reply>(
        &self,
        permit: &Permit,
        target: &Target,
        request_id: Option<RequestId>,
    ) -> Result<Option<R>, Error> {
        if request_id.is_none() {
            return Ok(None);
        }
        let mut session = self.session::<W>(permit, request_id).await?;
        match resolve(&mut session, target, Purpose::Read, [], clock::now()).await {
            Err(Error::Answered(stored)) => again(stored).map(Some),
            Err(error @ Error::Store(_)) => Err(error),
            _ => Ok(None),
        }
    }

    /// The same for a service whose permission depends on no user.
    ///
    /// # Errors
    /// Those of [`Linking::answered`].
    pub async fn answered_to_service<W: Write, R: Reply>(
        &self,
        permit: &Permit,
        request_id: Option<RequestId>,
    ) -> Result<Option<R>, Error> {
        if request_id.is_none() {
            return Ok(None);
        }
        let stored = self.session::<W>(permit, request_id).await?.stored_answer().await?;
        stored.map(again).transpose()
    }

    async fn attempts<W: Write, R: Reply>(
        &self,
        write: &W,
        request_id: Option<RequestId>,
        reply: &(impl Fn(W::Answer) -> R + Sync),
    ) -> Result<R, Error> {
        let mut session = self.session::<W>(write.permit(), request_id).await?;
        for _ in 0..ATTEMPTS {
            match self.attempt(write, &mut session, reply).await {
                Ok(reply) => return Ok(reply),
                Err(Error::Answered(stored)) => return again(stored),
                Err(Error::Moved | Error::Store(StoreError::Conflict(_))) => session.abandon().await?,
                Err(Error::Refused(refusal)) if session.has_request_id() => {
                    session.abandon().await?;
                    // The same request may have been carried out while this one waited for it.
                    if session.stored_answer().await?.is_none() {
                        return Err(refusal.into());
                    }
                }
                Err(Error::Store(StoreError::CommitUnknown(text))) if session.has_request_id() => {
                    // The session returns its connection first: the pool may have only one.
                    drop(session);
                    let settled = self.settled::<W>(write.permit(), request_id).await;
                    let (fresh, stored) = settled.map_err(|error| still_unknown(&text, &error))?;
                    if let Some(stored) = stored {
                        return again(stored);
                    }
                    session = fresh;
                }
                Err(error) => {
                    // If this fails too, the pool discards the connection.
                    drop(session.abandon().await);
                    return Err(error);
                }
            }
        }
        Err(Refusal::ConflictRetry.into())
    }

    /// Makes the change once, and commits it together with the response.
    async fn attempt<W: Write, R: Reply>(
        &self,
        write: &W,
        session: &mut Session,
        reply: &(impl Fn(W::Answer) -> R + Sync),
    ) -> Result<R, Error> {
        let answer = write.attempt(self, session).await?;
        let left = write.left(&answer);
        let concerned = W::concerned(left.as_ref().map_or(&answer, |(_, told)| told));
        let told_first = reply(answer);
        let told_again = left.map(|(user, told)| {
            session.note_caller(user);
            reply(told)
        });
        if session.insert_events().await? == EventsInserted::EpochIsOver {
            session.abandon().await?;
            session.begin_epoch().await?;
            return Err(Error::Moved);
        }
        if session.has_request_id()
            && session.insert_answer(&told_again.as_ref().unwrap_or(&told_first).to_bytes(), &concerned).await?
                == AnswerInserted::Answered
        {
            return Err(Error::Moved);
        }
        session.commit().await?;
        Ok(told_first)
    }

    /// A new session, and the stored response of a request whose commit had no response. The first transaction holds
    /// the lock of the request's id until it has committed or rolled back.
    async fn settled<W: Write>(
        &self,
        permit: &Permit,
        request_id: Option<RequestId>,
    ) -> Result<(Session, Option<StoredAnswer>), Error> {
        let mut session = self.session::<W>(permit, request_id).await?;
        session.begin_locked(&LockKeys::default()).await?;
        let stored = session.stored_answer().await?;
        session.abandon().await?;
        Ok((session, stored))
    }

    async fn session<W: Write>(&self, permit: &Permit, request_id: Option<RequestId>) -> Result<Session, Error> {
        let (issuer, subject) = permit.caller().issuer_and_subject();
        let request = request_id.map(|RequestId { id, fingerprint }| Request {
            id,
            rpc: W::RPC,
            caller_kind: permit.kind(),
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            fingerprint,
        });
        Ok(self.store.session(permit.tenant()).await?.for_request(request))
    }
}

/// The error if the response to a commit is lost, and its outcome cannot be found out either.
fn still_unknown(lost: &str, error: &Error) -> Error {
    Error::Store(StoreError::CommitUnknown(format!("{lost}; and then: {error:?}")))
}

/// The stored response.
fn again<R: Reply>(stored: StoredAnswer) -> Result<R, Error> {
    match stored {
        StoredAnswer::Same(bytes) => {
            R::from_bytes(&bytes).ok_or_else(|| Error::Fault("a stored answer does not decode".to_owned()))
        }
        StoredAnswer::Other => Err(Refusal::RequestIdReused.into()),
    }
}

/// The result of a write's task.
fn ended<T>(task: Result<Result<T, Error>, JoinError>) -> Result<T, Error> {
    match task {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => Err(Error::Panicked),
        Err(error) => Err(Error::Fault(format!("a write did not end: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_write_that_panics_is_no_fault_that_would_be_logged_again() {
        let task = tokio::spawn(async { panic!("open-sesame") });
        assert!(matches!(ended::<()>(task.await), Err(Error::Panicked)));

        let task = tokio::spawn(std::future::pending());
        task.abort();
        assert!(matches!(ended::<()>(task.await), Err(Error::Fault(_))));
    }
}
