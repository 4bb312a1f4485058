//! One job, from the moment at which this server has its lease to the one at which it has not.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use serde_json::Value;
use tokio::{
    task::{JoinError, JoinHandle},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    JobWorker,
    work::{Work, WorkError, kind_text},
};
use crate::{
    domain::{JobLease, JobOutcome, TenantId},
    store::{Job, JobProgress, StoreError},
};

/// A job that this server carries out.
pub(super) struct CarriedOut {
    pub(super) tenant: TenantId,
    pub(super) job: Job,
    pub(super) lease: JobLease,
}

/// How far the work is. The renewals of the lease store it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    done: AtomicU64,
    /// 0 while that is not known.
    total: AtomicU64,
}

impl Progress {
    pub(super) fn set_done(&self, done: u64) {
        self.done.store(done, Relaxed);
    }

    pub(super) fn set_total(&self, total: u64) {
        self.total.store(total, Relaxed);
    }

    fn now(&self) -> JobProgress {
        let total = Some(self.total.load(Relaxed)).filter(|total| *total > 0);
        JobProgress { done: self.done.load(Relaxed), total }
    }
}

/// Why a server no longer waits for the end of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notice {
    /// A caller has cancelled the job.
    Cancelled,
    /// The job is another server's.
    Lost,
}

type Working = JoinHandle<Result<Value, WorkError>>;

impl CarriedOut {
    /// Carries the job out, to its end, or until `stop`.
    pub(super) async fn carry_out(self, worker: Arc<JobWorker>, stop: CancellationToken) {
        let Self { tenant, job, lease } = self;
        let (id, kind) = (job.id, kind_text(job.kind));
        let metrics = &worker.use_cases.metrics().jobs;
        metrics.begun(kind);
        tracing::info!(%tenant, job = %id, kind, "a job is carried out");
        let ended = Self { tenant: tenant.clone(), job, lease }.end(&worker, stop).await;
        let how = match &ended {
            Ok(how) => *how,
            Err(_) => "interrupted",
        };
        match ended {
            Ok(_) => {
                tracing::info!(%tenant, job = %id, kind, outcome = how, "a job is no longer carried out");
            }
            // The lease runs out, and then a server continues.
            Err(error) => {
                tracing::warn!(%tenant, job = %id, kind, %error, "a job was interrupted: a server continues when the lease is over");
            }
        }
        metrics.ended(kind, how);
        worker.use_cases.jobs().ended.send_replace(());
    }

    /// Returns how it ended for this server.
    async fn end(
        self,
        worker: &Arc<JobWorker>,
        stop: CancellationToken,
    ) -> Result<&'static str, StoreError> {
        let Self { tenant, job, lease } = self;
        let store = worker.use_cases.store();
        let progress = Arc::new(Progress::default());
        let mut is_cancelled = job.cancel_time.is_some();
        let halt = stop.child_token();
        if is_cancelled {
            halt.cancel();
        }
        let work = Work {
            worker: Arc::clone(worker),
            tenant: tenant.clone(),
            job,
            lease,
            progress: Arc::clone(&progress),
            halt: halt.clone(),
        };
        // In a task of its own, whose panic ends the job alone.
        let mut working: Working = tokio::spawn(work.run());
        let done = loop {
            let notice = tokio::select! {
                done = &mut working => break done,
                notice = keep_lease(worker, &tenant, lease, &progress, is_cancelled) => notice,
            };
            halt.cancel();
            match notice {
                Notice::Cancelled => is_cancelled = true,
                Notice::Lost => {
                    working.abort();
                    return Ok("lost");
                }
            }
        };
        let outcome = match judged(done) {
            Ok(figures) => (JobOutcome::Succeeded, Some(figures)),
            Err(WorkError::Stopped) if is_cancelled => (JobOutcome::Cancelled, None),
            Err(WorkError::Stopped) => {
                store.session(&tenant).await?.give_job_back(lease).await?;
                return Ok("given_back");
            }
            Err(WorkError::Store(StoreError::Conflict(_))) => return Ok("lost"),
            Err(WorkError::Store(error)) => return Err(error),
            Err(WorkError::Fault(error)) => {
                tracing::error!(%tenant, job = %lease.job, error, "a job failed");
                (JobOutcome::Failed, None)
            }
        };
        let (outcome, figures) = outcome;
        store.session(&tenant).await?.end_job(lease, outcome, figures, progress.now()).await?;
        Ok(outcome.as_str())
    }
}

/// What the task of the work has ended with.
fn judged(done: Result<Result<Value, WorkError>, JoinError>) -> Result<Value, WorkError> {
    done.unwrap_or_else(|error| Err(WorkError::Fault(format!("the work did not finish: {error}"))))
}

/// Renews the lease until there is something to notice. Once the job is cancelled, only its loss is.
async fn keep_lease(
    worker: &JobWorker,
    tenant: &TenantId,
    lease: JobLease,
    progress: &Progress,
    is_cancelled: bool,
) -> Notice {
    let mut changes = worker.use_cases.jobs().changed.subscribe();
    let mut looks = worker.looks();
    let mut renewed = Instant::now();
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            _ = changes.changed() => {}
        }
        let renewing = async {
            worker.use_cases.store().session(tenant).await?.renew_job(lease, progress.now()).await
        };
        match renewing.await {
            Ok(Some(true)) if !is_cancelled => return Notice::Cancelled,
            Ok(Some(_)) => renewed = Instant::now(),
            Ok(None) => return Notice::Lost,
            // Another server may have the job by now.
            Err(_) if renewed.elapsed() >= worker.lease => return Notice::Lost,
            Err(error) => {
                tracing::warn!(%tenant, job = %lease.job, %error, "the lease of a job could not be renewed: the next attempt follows");
            }
        }
    }
}
