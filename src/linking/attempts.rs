//! Carrying out a write: begun again where somebody else was faster, and told again where the same
//! request comes again under its id.

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

/// How often a write is tried before the caller is told to.
const ATTEMPTS: usize = 3;

/// The id under which a caller may make a request again.
#[derive(Debug, Clone, Copy)]
pub struct RequestId {
    /// What the caller chose.
    pub id: Uuid,
    /// Tells the request from others under this id.
    pub fingerprint: [u8; 32],
}

/// What a caller is told, in a form that can be kept.
pub trait Reply: Sized + Send + 'static {
    /// As bytes.
    fn to_bytes(&self) -> Vec<u8>;

    /// Out of such bytes.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// An answer to a request without an id: nobody can ask for it again, so that it is never kept.
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
    /// Carries out a write, to its end; `reply` makes what the caller is told. Under a request id that
    /// is kept with the change: the same request is told the same again, and changes nothing.
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

    /// Does something in a task of its own, to its end, even if whoever asked for it goes away.
    /// [`Linking::drain`] waits for it.
    pub async fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        ended(self.tasks.spawn(work).await)
    }

    /// What such a write was answered under this request id, if the caller may still call.
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

    /// The same for a service that calls for nobody whom its permission depends on.
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
                    // The very same request may have been carried out while this one waited for it.
                    if session.stored_answer().await?.is_none() {
                        return Err(refusal.into());
                    }
                }
                Err(Error::Store(StoreError::CommitUnknown(text))) if session.has_request_id() => {
                    // Its place in the pool first: there may be only one.
                    drop(session);
                    let settled = self.settled::<W>(write.permit(), request_id).await;
                    let (fresh, stored) = settled.map_err(|error| still_unknown(&text, &error))?;
                    if let Some(stored) = stored {
                        return again(stored);
                    }
                    session = fresh;
                }
                Err(error) => {
                    // If this fails too, the pool throws the connection away.
                    drop(session.abandon().await);
                    return Err(error);
                }
            }
        }
        Err(Refusal::ConflictRetry.into())
    }

    /// Makes the change once, and commits it together with the answer.
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

    /// A new session, and what is stored of the request now that a commit of it has no answer. The
    /// transaction holds the lock of the request's id until it has ended, one way or the other.
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

/// What is told when the answer of a commit is lost, and what it came to cannot be found out either.
fn still_unknown(lost: &str, error: &Error) -> Error {
    Error::Store(StoreError::CommitUnknown(format!("{lost}; and then: {error:?}")))
}

/// What was answered, told again.
fn again<R: Reply>(stored: StoredAnswer) -> Result<R, Error> {
    match stored {
        StoredAnswer::Same(bytes) => {
            R::from_bytes(&bytes).ok_or_else(|| Error::Fault("a stored answer does not decode".to_owned()))
        }
        StoredAnswer::Other => Err(Refusal::RequestIdReused.into()),
    }
}

/// What came of the task of a write.
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
