//! Starting, cancelling and forgetting jobs.

use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::{Error, UseCases, WriteUseCase};
use crate::{
    auth::{Caller, Permit},
    domain::{DomainError, JobKind, JobLease, JobOutcome, UserRef},
    store::{Actor, ActorKind, Job, JobProgress, LockKeys, NewJob, NewLine, Session, StoreError},
};

/// How many jobs of a tenant there may be that have not ended. Calls that start some at the same
/// time may exceed it by their number.
pub const MAX_UNFINISHED: u64 = 100;

/// Tells the work on jobs of this process what calls do, and calls what the work does. Other
/// processes look at the database now and then.
#[derive(Debug, Default)]
pub struct JobSignals {
    /// A job was started, or was cancelled.
    pub changed: watch::Sender<()>,
    /// A job has ended.
    pub ended: watch::Sender<()>,
}

/// Starts a job.
pub struct StartJob {
    /// The permit of the call.
    pub permit: Permit,
    /// What the job does.
    pub kind: JobKind,
    /// What it is asked for, in the form of the kind.
    pub settings: Value,
    /// The job whose plan it needs, if it needs one.
    pub plan: Option<PlanJob>,
    /// The rows that it needs: those of an import.
    pub rows: Vec<NewLine>,
}

/// A job that has a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanJob {
    /// Its id.
    pub id: Uuid,
}

impl WriteUseCase for StartJob {
    type Output = Job;

    const RPC: &'static str = "StartJob";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn execute(&self, _: &UseCases, session: &mut Session) -> Result<Job, Error> {
        let now = session.begin_locked(&LockKeys::default()).await?;
        if let Some(stored) = session.stored_response().await? {
            return Err(Error::Retried(stored));
        }
        if let Some(PlanJob { id }) = self.plan {
            let job = session.job(id).await?.ok_or(DomainError::OperationNotFound)?;
            expect_plan(&job)?;
        }
        if session.unfinished_jobs().await? >= MAX_UNFINISHED {
            return Err(DomainError::TooManyOperations.into());
        }
        let (id, actor) = (Uuid::new_v4(), actor_of_job(&self.permit)?);
        let mut job = NewJob::new(id, self.kind, &self.settings, actor)?;
        job.rows.clone_from(&self.rows);
        session.insert_job(&job, now)?;
        Ok(Job::started(job, now))
    }

    fn concerned(_: &Job) -> Vec<UserRef> {
        Vec::new()
    }

    async fn after_commit(&self, use_cases: &UseCases) {
        use_cases.jobs.changed.send_replace(());
    }
}

/// Refuses a job that has no plan, or not the whole of it.
fn expect_plan(job: &Job) -> Result<(), DomainError> {
    if !job.kind.is_some_and(JobKind::has_plan) {
        let what = "must be of a search or of an upload";
        return Err(DomainError::invalid("operation", what));
    }
    match job.outcome {
        Some(JobOutcome::Succeeded) => Ok(()),
        Some(JobOutcome::Failed | JobOutcome::Cancelled) => Err(DomainError::PlanIncomplete),
        None => Err(DomainError::OperationUnfinished),
    }
}

/// The actor of what a job changes.
///
/// # Errors
/// [`Error::Fault`] if the caller is no service; the access table admits services only.
pub fn actor_of_job(permit: &Permit) -> Result<Actor, Error> {
    match permit.caller() {
        Caller::Service { issuer, subject } => {
            let (issuer, subject) = (issuer.clone(), subject.clone());
            let reason = permit.reason().map(|reason| reason.as_str().to_owned());
            Ok(Actor { kind: ActorKind::Service, issuer, subject, reason })
        }
        Caller::User(_) | Caller::Operator | Caller::Provider { .. } => {
            Err(Error::Fault("a job was started by a caller that is no service".to_owned()))
        }
    }
}

/// Ends the upload of a plan: from then on `ApplyPlan` accepts it.
pub struct EndUpload {
    /// The permit of the call.
    pub permit: Permit,
    /// The lease of the upload.
    pub lease: JobLease,
    /// How many lines it has.
    pub lines: u64,
}

impl WriteUseCase for EndUpload {
    type Output = Job;

    const RPC: &'static str = "UploadPlan";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn execute(&self, _: &UseCases, session: &mut Session) -> Result<Job, Error> {
        session.begin_locked(&LockKeys::default()).await?;
        if let Some(stored) = session.stored_response().await? {
            return Err(Error::Retried(stored));
        }
        let progress = JobProgress { done: self.lines, total: Some(self.lines) };
        session.write_end(self.lease, JobOutcome::Succeeded, Some(json!({})), progress);
        session.send().await?;
        Ok(session.job(self.lease.job).await?.ok_or(DomainError::OperationNotFound)?)
    }

    fn concerned(_: &Job) -> Vec<UserRef> {
        Vec::new()
    }
}

/// Cancels a job. One that has ended stays as it is.
pub struct StopJob {
    /// The permit of the call.
    pub permit: Permit,
    /// The job.
    pub job: Uuid,
}

impl WriteUseCase for StopJob {
    type Output = ();

    const RPC: &'static str = "CancelOperation";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn execute(&self, _: &UseCases, session: &mut Session) -> Result<(), Error> {
        session.job(self.job).await?.ok_or(DomainError::OperationNotFound)?;
        session.begin().await?;
        session.cancel_job(self.job);
        Ok(())
    }

    fn concerned((): &()) -> Vec<UserRef> {
        Vec::new()
    }

    async fn after_commit(&self, use_cases: &UseCases) {
        use_cases.jobs.changed.send_replace(());
        use_cases.jobs.ended.send_replace(());
    }
}

/// Forgets a job that has ended.
pub struct ForgetJob {
    /// The permit of the call.
    pub permit: Permit,
    /// The job.
    pub job: Uuid,
}

impl WriteUseCase for ForgetJob {
    type Output = ();

    const RPC: &'static str = "DeleteOperation";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn execute(&self, _: &UseCases, session: &mut Session) -> Result<(), Error> {
        readable_job(session, self.job).await?;
        session.begin().await?;
        session.forget_job(self.job);
        Ok(())
    }

    fn concerned((): &()) -> Vec<UserRef> {
        Vec::new()
    }
}

/// A job that has ended, so that its lines stay as they are.
///
/// # Errors
/// [`DomainError::OperationNotFound`] and [`DomainError::OperationUnfinished`]; [`StoreError`].
pub async fn readable_job(session: &mut Session, id: Uuid) -> Result<Job, Error> {
    let job: Result<Option<Job>, StoreError> = session.job(id).await;
    let job = job?.ok_or(DomainError::OperationNotFound)?;
    match job.outcome {
        Some(_) => Ok(job),
        None => Err(DomainError::OperationUnfinished.into()),
    }
}
