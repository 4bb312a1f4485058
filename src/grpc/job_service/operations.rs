//! `google.longrunning.Operations`: the state of jobs.

use std::time::Duration;

use chrono::DateTime;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::{JobHandler, shown};
use crate::{
    auth::Permit,
    domain::{DomainError, TenantId},
    grpc::{
        page::{self, PageTokens},
        proto::google::longrunning as lro,
        requests::Checks,
    },
    store::Job,
    use_cases::{Error, ForgetJob, StopJob},
};

/// How long a call waits at most. A client that waits longer calls again.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How often a waiting call looks whether another server has ended the job.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl JobHandler {
    pub(super) async fn list(
        &self,
        permit: &Permit,
        request: &lro::ListOperationsRequest,
    ) -> Result<lro::ListOperationsResponse, Error> {
        let mut checks = Checks::default();
        if !["", "operations"].contains(&request.name.as_str()) {
            checks.report("name", "must be empty or \"operations\"");
        }
        if !request.filter.is_empty() {
            checks.report("filter", "must be empty");
        }
        let size =
            checks.page_size("page_size", request.page_size, page::DEFAULT_PAGE, page::MAX_PAGE);
        let key = self.use_cases.store().key(permit.tenant())?;
        let pages = PageTokens::for_query(key, "ListOperations", &[]);
        let before = pages.open(&request.page_token).and_then(|token| position(&token));
        if before.is_none() {
            checks.report("page_token", page::INVALID_TOKEN);
        }
        let before = checks.into_result_with(before)?;
        let mut session = self.use_cases.store().session(permit.tenant()).await?;
        let mut jobs = session.jobs_before(before, size + 1).await?;
        let has_more = jobs.len() > size;
        jobs.truncate(size);
        let operations = jobs.iter().map(shown::operation).collect::<Result<Vec<_>, Error>>()?;
        let last = jobs.last().filter(|_| has_more);
        let token = last.map(|Job { create_time, id, .. }| {
            pages.token_after(&format!("{} {id}", create_time.timestamp_micros()))
        });
        let next_page_token = token.unwrap_or_default();
        Ok(lro::ListOperationsResponse { operations, next_page_token, ..Default::default() })
    }

    pub(super) async fn get(
        &self,
        permit: &Permit,
        request: &lro::GetOperationRequest,
    ) -> Result<lro::Operation, Error> {
        let id = named(&request.name)?;
        shown::operation(&self.job(permit.tenant(), id).await?)
    }

    pub(super) async fn delete(
        &self,
        permit: Permit,
        request: &lro::DeleteOperationRequest,
    ) -> Result<(), Error> {
        let job = named(&request.name)?;
        self.use_cases.run(ForgetJob { permit, job }, None, |()| ()).await
    }

    pub(super) async fn cancel(
        &self,
        permit: Permit,
        request: &lro::CancelOperationRequest,
    ) -> Result<(), Error> {
        let job = named(&request.name)?;
        self.use_cases.run(StopJob { permit, job }, None, |()| ()).await
    }

    /// Waits without a slot among the concurrent calls and without a connection. Of too many calls
    /// that wait, the last ones get the state at once, as the proto allows.
    pub(super) async fn wait(
        &self,
        permit: Permit,
        request: &lro::WaitOperationRequest,
    ) -> Result<lro::Operation, Error> {
        let mut checks = Checks::default();
        let id = checks.operation("name", &request.name);
        let time = checks.duration("timeout", request.timeout.as_ref());
        let id = checks.into_result_with(id)?;
        let end = Instant::now() + time.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
        let tenant = permit.tenant().clone();
        let mut ended = self.use_cases.jobs().ended.subscribe();
        let waiting = self.waiting.try_acquire();
        let mut slot = Some(permit);
        loop {
            let job = self.job(&tenant, id).await?;
            let is_over = job.outcome.is_some() || Instant::now() >= end || waiting.is_err();
            if is_over || self.stop.is_cancelled() {
                return shown::operation(&job);
            }
            drop(slot.take());
            let look = sleep_until((Instant::now() + LOOK_EVERY).min(end));
            tokio::select! {
                () = look => {}
                _ = ended.changed() => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    async fn job(&self, tenant: &TenantId, id: Uuid) -> Result<Job, Error> {
        let mut session = self.use_cases.store().session(tenant).await?;
        Ok(session.job(id).await?.ok_or(DomainError::OperationNotFound)?)
    }
}

/// The id in the name of an operation.
fn named(name: &str) -> Result<Uuid, DomainError> {
    let mut checks = Checks::default();
    let id = checks.operation("name", name);
    checks.into_result_with(id)
}

/// The position that a page token contains; `Some(None)` for the beginning.
fn position(token: &str) -> Option<Option<(DateTime<chrono::Utc>, Uuid)>> {
    if token.is_empty() {
        return Some(None);
    }
    let (micros, id) = token.split_once(' ')?;
    let time = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    Some(Some((time, Uuid::try_parse(id).ok()?)))
}
