//! `ReadLines`.

use std::pin::Pin;

use futures_util::{Stream, stream};
use tonic::Status;
use uuid::Uuid;

use super::JobHandler;
use crate::{
    auth::{AuthError, Permit},
    clock,
    domain::{DomainError, JobKind},
    grpc::{proto as pb, requests::Checks, status},
    store::JobLine,
    use_cases::{Error, readable_job},
};

/// How many lines are read at once.
const LINES: usize = 1000;
/// About how many bytes of lines a message has.
const BYTES: usize = 64 * 1024;

/// The responses of a call.
pub(super) type Lines = Pin<Box<dyn Stream<Item = Result<pb::ReadLinesResponse, Status>> + Send>>;

/// Reads lines, a message at a time: each when the client takes it.
struct Reader {
    handler: JobHandler,
    /// Holds the slot of the call.
    permit: Permit,
    job: Uuid,
    after: i64,
}

impl JobHandler {
    pub(super) async fn lines(
        &self,
        permit: Permit,
        request: &pb::ReadLinesRequest,
    ) -> Result<Lines, Error> {
        let mut checks = Checks::default();
        let job = checks.operation("operation", &request.operation);
        if request.after_line < 0 {
            checks.report("after_line", "must not be negative");
        }
        let job = checks.into_result_with(job)?;
        let mut session = self.use_cases.store().session(permit.tenant()).await?;
        let of = readable_job(&mut session, job).await?;
        drop(session);
        if of.kind.is_some_and(JobKind::is_transfer) {
            let what = "has no lines here: GET /api/v2/jobs/{id}/errors has those of an import";
            return Err(DomainError::invalid("operation", what).into());
        }
        let reader = Reader { handler: self.clone(), permit, job, after: request.after_line };
        let responses = stream::unfold(Some(reader), |reader| async move {
            let mut reader = reader?;
            match reader.next().await {
                Ok(None) => None,
                Ok(Some(message)) => Some((Ok(message), Some(reader))),
                Err(status) => Some((Err(status), None)),
            }
        });
        Ok(Box::pin(responses))
    }
}

impl Reader {
    async fn next(&mut self) -> Result<Option<pb::ReadLinesResponse>, Status> {
        if self.handler.stop.is_cancelled() {
            return Err(status::stopping());
        }
        if self.handler.permissions_changed.is_cancelled() {
            return Err(status::watch_expired());
        }
        if self.permit.expire_time() <= clock::now() {
            return Err(status::from_auth_error(AuthError::TokenInvalid("it expired meanwhile")));
        }
        let found = self.read().await.map_err(status::from_error)?;
        let Some(last) = found.last() else { return Ok(None) };
        self.after = last.number;
        let line = |JobLine { number, line }| pb::read_lines_response::Line { number, json: line };
        Ok(Some(pb::ReadLinesResponse { lines: found.into_iter().map(line).collect() }))
    }

    async fn read(&self) -> Result<Vec<JobLine>, Error> {
        let mut session = self.handler.use_cases.store().session(self.permit.tenant()).await?;
        Ok(session.job_lines(self.job, self.after, LINES, BYTES).await?)
    }
}
