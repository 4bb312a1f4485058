//! Carries out writes. A write is repeated if another writer was faster, and a request with a known
//! id gets the stored response.

use std::sync::Arc;

use tokio::task::{JoinError, JoinHandle};
use uuid::Uuid;

use super::{Error, UseCases, WriteUseCase, resolve};
use crate::{
    auth::{Permit, Purpose, Target},
    clock,
    domain::DomainError,
    store::{IdentifiedRequest, LockKeys, Session, StoreError, StoredResponse},
    telemetry::CallRecord,
};

/// The most attempts at a write before it fails with [`DomainError::ConflictRetry`].
const MAX_TRIES: usize = 3;

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
pub struct NotStored<T>(pub T);

impl<T: Send + 'static> Reply for NotStored<T> {
    fn to_bytes(&self) -> Vec<u8> {
        Vec::new()
    }

    fn from_bytes(_: &[u8]) -> Option<Self> {
        None
    }
}

impl UseCases {
    /// Carries out a write, to its end; `reply` builds the response. Under a request id the
    /// response is stored with the change: a retry of the same request gets the same response, and
    /// changes nothing.
    ///
    /// # Errors
    /// [`Error`] of the write; [`DomainError::ConflictRetry`] if other writers were faster each
    /// time; [`DomainError::RequestIdReused`] if another request has the id.
    pub async fn run<W: WriteUseCase, R: Reply>(
        self: &Arc<Self>,
        write: W,
        request_id: Option<RequestId>,
        reply: impl Fn(W::Output) -> R + Send + Sync + 'static,
    ) -> Result<R, Error> {
        if let Some(RequestId { id, .. }) = request_id {
            CallRecord::with_current(|record| {
                record.set_request_id(id);
                Some(())
            });
        }
        let use_cases = Arc::clone(self);
        self.run_to_end(async move {
            let outcome = use_cases.try_repeatedly(&write, request_id, &reply).await;
            if outcome.is_ok() {
                write.after_commit(&use_cases).await;
            }
            outcome
        })
        .await
    }

    /// Runs a future in a task of its own, to its end, even if the client disconnects.
    /// The end of the server waits for it.
    ///
    /// # Errors
    /// Those of the future; [`Error::Panicked`] if it panicked.
    pub fn run_to_end<T, W>(
        &self,
        work: W,
    ) -> impl Future<Output = Result<T, Error>> + Send + use<T, W>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        // Not an `async fn`, whose future would have room for the work beside that of the task.
        let task = self.tasks.spawn(CallRecord::inherited(work));
        async move { ended(task.await) }
    }

    /// Begins a future in a task of its own, which runs to its end. The end of the server waits for it.
    pub fn spawn_to_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.tasks.spawn(CallRecord::inherited(work))
    }

    /// The stored response of such a write under this request id, if the caller may still call;
    /// `None` without one.
    ///
    /// # Errors
    /// [`Error::Store`]; [`DomainError::RequestIdReused`] if another request has the id.
    pub async fn stored_response<W: WriteUseCase, R: Reply>(
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
            Err(Error::Retried(stored)) => again(stored).map(Some),
            Err(error @ Error::Store(_)) => Err(error),
            _ => Ok(None),
        }
    }

    /// The same for a service whose permission depends on no user.
    ///
    /// # Errors
    /// Those of [`UseCases::stored_response`].
    pub async fn stored_response_for_service<W: WriteUseCase, R: Reply>(
        &self,
        permit: &Permit,
        request_id: Option<RequestId>,
    ) -> Result<Option<R>, Error> {
        if request_id.is_none() {
            return Ok(None);
        }
        let stored = self.session::<W>(permit, request_id).await?.stored_response().await?;
        stored.map(again).transpose()
    }

    async fn try_repeatedly<W: WriteUseCase, R: Reply>(
        &self,
        write: &W,
        request_id: Option<RequestId>,
        reply: &(impl Fn(W::Output) -> R + Sync),
    ) -> Result<R, Error> {
        let mut session = self.session::<W>(write.permit(), request_id).await?;
        for _ in 0..MAX_TRIES {
            match self.try_once(write, &mut session, reply).await {
                Ok(reply) => return Ok(reply),
                Err(Error::Retried(stored)) => {
                    // A write may look for the response in its transaction. If this fails, the pool
                    // discards the connection.
                    drop(session.abandon().await);
                    return again(stored);
                }
                Err(Error::Stale | Error::Store(StoreError::Conflict(_))) => {
                    self.metrics.database.repeat("overtaken");
                    session.abandon().await?;
                }
                Err(Error::Domain(refusal)) if session.has_request_id() => {
                    session.abandon().await?;
                    // The same request may have been carried out while this one waited for it.
                    if session.stored_response().await?.is_none() {
                        return Err(refusal.into());
                    }
                }
                Err(Error::Store(StoreError::CommitUnknown(text))) if session.has_request_id() => {
                    self.metrics.database.repeat("commit_unknown");
                    // The session returns its connection first: the pool may have only one.
                    drop(session);
                    let mut settled = self.settled::<W>(write.permit(), request_id).await;
                    if let Err(Error::Store(StoreError::Unavailable(_))) = settled {
                        // The pool may have lost its other connections too, and not know of it yet.
                        settled = self.settled::<W>(write.permit(), request_id).await;
                    }
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
        Err(DomainError::ConflictRetry.into())
    }

    /// Makes the change once, and commits it together with the response.
    async fn try_once<W: WriteUseCase, R: Reply>(
        &self,
        write: &W,
        session: &mut Session,
        reply: &(impl Fn(W::Output) -> R + Sync),
    ) -> Result<R, Error> {
        let result = write.execute(self, session).await?;
        let for_retry = write.result_for_retry(&result);
        let concerned =
            W::concerned(for_retry.as_ref().map_or(&result, |(_, retry_result)| retry_result));
        let counted = write.counted(self, &result);
        let first_reply = reply(result);
        let retry_reply = for_retry.map(|(user, retry_result)| {
            session.note_caller(user);
            reply(retry_result)
        });
        session.insert_events()?;
        if session.has_request_id() {
            let stored = retry_reply.as_ref().unwrap_or(&first_reply).to_bytes();
            session.insert_response(stored, &concerned);
        }
        session.commit().await?;
        if let Some(count) = counted {
            count(&self.metrics);
        }
        Ok(first_reply)
    }

    /// A new session, and the stored response of a request whose commit had no response. The first
    /// transaction holds the lock of the request's id until it has committed or rolled back.
    async fn settled<W: WriteUseCase>(
        &self,
        permit: &Permit,
        request_id: Option<RequestId>,
    ) -> Result<(Session, Option<StoredResponse>), Error> {
        let mut session = self.session::<W>(permit, request_id).await?;
        session.begin_locked(&LockKeys::default()).await?;
        let stored = session.stored_response().await?;
        session.abandon().await?;
        Ok((session, stored))
    }

    async fn session<W: WriteUseCase>(
        &self,
        permit: &Permit,
        request_id: Option<RequestId>,
    ) -> Result<Session, Error> {
        let (issuer, subject) = permit.caller().issuer_and_subject();
        let request = request_id.map(|RequestId { id, fingerprint }| IdentifiedRequest {
            id,
            rpc: W::RPC,
            caller_kind: permit.kind(),
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            fingerprint,
        });
        let session = self.store.session(permit.tenant()).await?;
        Ok(session.for_request(request).in_slot(permit.slot()).under_lease(permit.lease()))
    }
}

/// The error if the response to a commit is lost, and its outcome cannot be found out either.
fn still_unknown(lost: &str, error: &Error) -> Error {
    Error::Store(StoreError::CommitUnknown(format!("{lost}; and then: {error:?}")))
}

/// The stored response.
fn again<R: Reply>(stored: StoredResponse) -> Result<R, Error> {
    match stored {
        StoredResponse::Same(bytes) => R::from_bytes(&bytes)
            .ok_or_else(|| Error::Fault("a stored response does not decode".to_owned())),
        StoredResponse::Other => Err(DomainError::RequestIdReused.into()),
    }
}

/// The result of a write's task.
fn ended<T>(task: Result<Result<T, Error>, JoinError>) -> Result<T, Error> {
    match task {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => Err(Error::Panicked),
        Err(error) => Err(Error::Fault(format!("a write's task did not finish: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_a_write_is_not_a_fault_to_log_again() {
        let task = tokio::spawn(async { panic!("open-sesame") });
        assert!(matches!(ended::<()>(task.await), Err(Error::Panicked)));

        let task = tokio::spawn(std::future::pending());
        task.abort();
        assert!(matches!(ended::<()>(task.await), Err(Error::Fault(_))));
    }
}
