//! Storing a plan that a service sends: a plan that a person has read and shortened. Of each line, what
//! an application needs is stored, and nothing else that the line has.

use serde_json::json;
use uuid::Uuid;

use super::{PlanError, PlanId, plan_file::stored_line};
use crate::{
    auth::Permit,
    domain::{DomainError, JobLease, JobOutcome, TenantId, Violation},
    store::{Job, JobProgress, JobStep, NewLine, Store},
    transfer::duplicates::FORM,
    use_cases::{Error, MAX_UNFINISHED, actor_of_job},
};

/// The most lines of a plan.
const MOST_LINES: u64 = 100_000;
/// The most bytes of a plan.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// The most wrong lines that are noted.
const MOST_VIOLATIONS: usize = 100;
/// How many lines are stored at once.
const BATCH: usize = 500;
/// How long the lease of an upload holds, in seconds. No other server takes an upload.
const LEASE: u32 = 60;

/// A plan that arrives.
pub struct PlanUpload {
    store: Store,
    tenant: TenantId,
    lease: JobLease,
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
    pub async fn begin(store: &Store, permit: &Permit) -> Result<Self, Error> {
        let (store, tenant) = (store.clone(), permit.tenant().clone());
        let mut session = store.session(&tenant).await?;
        if session.unfinished_jobs().await? >= MAX_UNFINISHED {
            return Err(DomainError::TooManyOperations.into());
        }
        let lease = JobLease { job: Uuid::new_v4(), owner: Uuid::new_v4(), seconds: LEASE };
        session.begin_upload(lease, &actor_of_job(permit)?).await?;
        drop(session);
        let (waiting, violations) = Default::default();
        Ok(Self { store, tenant, lease, number: 0, bytes: 0, waiting, violations })
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
    /// it is not complete.
    ///
    /// # Errors
    /// [`DomainError::Invalid`] with all wrong lines; [`Error::Store`].
    pub async fn finish(mut self, is_complete: bool) -> Result<Job, Error> {
        if self.number == 0 {
            self.wrong("lines", "is required: the first line is the header of a plan");
        }
        if !is_complete && self.violations.is_empty() {
            self.wrong("complete", "is required in the last message: lines may be missing");
        }
        self.store_waiting().await?;
        let mut session = self.store.session(&self.tenant).await?;
        let progress = JobProgress { done: self.number, total: Some(self.number) };
        if self.violations.is_empty() {
            session.end_job(self.lease, JobOutcome::Succeeded, Some(json!({})), progress).await?;
            let job = session.job(self.lease.job).await?;
            return Ok(job.ok_or(DomainError::OperationNotFound)?);
        }
        session.end_job(self.lease, JobOutcome::Failed, None, progress).await?;
        session.begin().await?;
        session.forget_job(self.lease.job);
        session.commit().await?;
        Err(DomainError::Invalid(self.violations).into())
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

    fn wrong(&mut self, field: &str, what: impl Into<String>) {
        if self.violations.len() < MOST_VIOLATIONS {
            self.violations.push(Violation::new(field, what));
        }
    }
}
