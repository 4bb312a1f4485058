//! Storing a plan that a service sends: a plan that a person has read and shortened. Of each line, what
//! an application needs is stored, and nothing else that the line has.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::{PlanError, PlanId, plan_file::stored_line};
use crate::{
    auth::Permit,
    domain::{DomainError, JobLease, JobOutcome, TenantId, Violation},
    secret::sha256,
    store::{Job, JobProgress, JobStep, NewLine, Store, StoreError},
    transfer::duplicates::FORM,
    use_cases::{EndUpload, Error, MAX_UNFINISHED, Reply, RequestId, UseCases, actor_of_job},
};

/// The most lines of a plan.
const MOST_LINES: u64 = 100_000;
/// The most bytes of a plan.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// The most wrong lines that are noted.
const MOST_VIOLATIONS: usize = 100;
/// How many lines are stored at once.
const BATCH: usize = 500;
/// How long the lease of an upload holds after a batch, in seconds. No other server takes an upload; as
/// long as it holds, the upload counts as one that has not ended.
const LEASE: u32 = 120;

/// A plan that arrives.
pub struct PlanUpload {
    store: Store,
    permit: Permit,
    tenant: TenantId,
    lease: JobLease,
    /// The id under which the same lines are stored once.
    request_id: Option<Uuid>,
    /// Distinguishes the lines until now from others.
    fingerprint: [u8; 32],
    /// How many lines have arrived.
    number: u64,
    bytes: usize,
    waiting: Vec<(u64, NewLine)>,
    violations: Vec<Violation>,
}

impl PlanUpload {
    /// Begins an upload. If it is not finished, its lines are removed within a day.
    ///
    /// # Errors
    /// [`DomainError::TooManyOperations`]; [`Error::Store`].
    pub async fn begin(
        store: &Store,
        permit: &Permit,
        request_id: Option<Uuid>,
    ) -> Result<Self, Error> {
        let (store, tenant) = (store.clone(), permit.tenant().clone());
        let mut session = store.session(&tenant).await?;
        if session.unfinished_jobs().await? >= MAX_UNFINISHED {
            return Err(DomainError::TooManyOperations.into());
        }
        let lease = JobLease { job: Uuid::new_v4(), owner: Uuid::new_v4(), seconds: LEASE };
        session.begin_upload(lease, &actor_of_job(permit)?).await?;
        drop(session);
        let (fingerprint, number, bytes, waiting, violations) = Default::default();
        let permit = permit.clone();
        Ok(Self {
            store,
            permit,
            tenant,
            lease,
            request_id,
            fingerprint,
            number,
            bytes,
            waiting,
            violations,
        })
    }

    /// Takes the next lines, which are late if the plan was said to be complete before them. Returns
    /// whether more may follow.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn take(&mut self, lines: Vec<String>, is_late: bool) -> Result<bool, Error> {
        if is_late {
            self.wrong("complete", "must be in the last message only");
            return Ok(false);
        }
        for line in lines {
            self.number += 1;
            self.bytes += line.len();
            if self.number > MOST_LINES || self.bytes > MOST_BYTES {
                let most = MOST_BYTES / (1024 * 1024);
                self.wrong("lines", format!("must be at most {MOST_LINES}, of {most} MiB"));
                return Ok(false);
            }
            self.fingerprint = sha256(&[&self.fingerprint, line.as_bytes()].concat());
            match self.judged(&line) {
                Ok(line) => self.waiting.push((self.number, line)),
                Err(what) => self.wrong(&format!("lines[{}]", self.number), what),
            }
            if self.waiting.len() >= BATCH {
                self.store_waiting().await?;
            }
        }
        Ok(self.violations.len() < MOST_VIOLATIONS)
    }

    /// Ends the upload: the plan is stored, unless a line is wrong, or lines may be missing because
    /// it is not complete. Under the id of an earlier upload of the same lines, that one is the result.
    /// `reply` builds the response.
    ///
    /// # Errors
    /// [`DomainError::Invalid`] with all wrong lines; [`DomainError::RequestIdReused`] if another
    /// upload has the id; [`Error::Store`].
    pub async fn finish<R: Reply>(
        mut self,
        use_cases: &Arc<UseCases>,
        is_complete: bool,
        reply: impl Fn(Job) -> R + Send + Sync + 'static,
    ) -> Result<R, Error> {
        if self.number == 0 {
            self.wrong("lines", "is required: the first line is the header of a plan");
        }
        if !is_complete && self.violations.is_empty() {
            self.wrong("complete", "is required in the last message: lines may be missing");
        }
        self.store_waiting().await?;
        if !self.violations.is_empty() {
            let violations = std::mem::take(&mut self.violations);
            self.discard().await;
            return Err(DomainError::Invalid(violations).into());
        }
        let fingerprint = self.fingerprint;
        let request_id = self.request_id.map(|id| RequestId { id, fingerprint });
        let permit = self.permit.clone();
        let end = EndUpload { permit, lease: self.lease, lines: self.number };
        let ended = use_cases.run(end, request_id, reply).await;
        self.discard().await;
        ended
    }

    /// Forgets the upload, unless its plan is stored. If this fails, it is forgotten in a day.
    async fn discard(self) {
        let forget = async {
            let mut session = self.store.session(&self.tenant).await?;
            if session.job(self.lease.job).await?.is_none_or(|job| job.outcome.is_some()) {
                return Ok(());
            }
            let progress = JobProgress { done: self.number, total: None };
            session.end_job(self.lease, JobOutcome::Failed, None, progress).await?;
            session.begin().await?;
            session.forget_job(self.lease.job);
            session.commit().await
        };
        if let Err::<(), StoreError>(error) = forget.await {
            tracing::warn!(tenant = %self.tenant, %error, "a plan that was not stored could not be removed: the sweep removes it");
        }
    }

    /// What is stored of a line.
    fn judged(&self, line: &str) -> Result<NewLine, String> {
        if self.number > 1 {
            return stored_line(self.number, line.as_bytes()).map_err(str::to_owned);
        }
        let plan = PlanId::parse(line.as_bytes()).map_err(|error| match error {
            PlanError::Form(form) => format!("has the form {form}, and this release reads {FORM}"),
            PlanError::Read(_) | PlanError::Header | PlanError::Line { .. } => {
                "must be the header of a plan".to_owned()
            }
        })?;
        if plan.tenant != self.tenant {
            return Err("is of a plan of another tenant".to_owned());
        }
        let header = json!({"plan": plan.id, "form": FORM, "tenant": plan.tenant.as_str()});
        Ok(NewLine { line: header.to_string(), concerned: Vec::new(), without_users: None })
    }

    async fn store_waiting(&mut self) -> Result<(), Error> {
        let waiting = std::mem::take(&mut self.waiting);
        // The plan is refused anyway.
        if waiting.is_empty() || !self.violations.is_empty() {
            return Ok(());
        }
        let (numbers, lines): (Vec<u64>, Vec<NewLine>) = waiting.into_iter().unzip();
        let step = JobStep { lines, place: None, counts: &json!({}) };
        let mut session = self.store.session(&self.tenant).await?;
        let left_out = session.step_job(self.lease, step).await?;
        for at in left_out {
            if let Some(number) = numbers.get(at) {
                self.wrong(&format!("lines[{number}]"), "names a user that does not exist");
            }
        }
        Ok(())
    }

    /// Adds violations of fields other than the lines.
    pub fn report(&mut self, violations: Vec<Violation>) {
        self.violations.extend(violations);
    }

    fn wrong(&mut self, field: &str, what: impl Into<String>) {
        if self.violations.len() < MOST_VIOLATIONS {
            self.violations.push(Violation::new(field, what));
        }
    }
}
