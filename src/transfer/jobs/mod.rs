//! Carries jobs out: the same work as that of the commands, by whichever server has the job's lease.
//!
//! A server looks for jobs at its start, when one of its own calls starts or cancels one, and as often
//! as three times in the time of a lease, by one statement. While it works on a job it renews the
//! lease as often. It gives a job back when it stops, or when another configuration is in use, and
//! the next server continues after the last batch.
//!
//! All this happens on connections of the jobs' own: a job goes on while calls keep all theirs busy,
//! and takes none from calls.

mod import;
mod lines;
mod one;
mod work;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::one::CarriedOut;
use crate::{
    domain::{JobKind, JobLease, ProviderPolicies, TenantId},
    store::{StoreError, WaitingJobs},
    use_cases::UseCases,
};

/// How often a server looks for jobs and renews its leases, in the time of one lease.
const LOOKS_PER_LEASE: u32 = 3;

/// How many connections to the database a server uses that carries out so many jobs at once: one to
/// look for jobs, and those of each job.
pub const fn connections(at_once: usize) -> usize {
    at_once * work::CONNECTIONS + 1
}

/// Carries out the jobs of all tenants of a configuration.
pub struct JobWorker {
    /// The use cases of this configuration, on connections of the jobs' own.
    pub use_cases: Arc<UseCases>,
    /// Its tenants, with their policies.
    pub policies: BTreeMap<TenantId, ProviderPolicies>,
    /// How many jobs are carried out at once; with 0 none is, and the metrics show those that wait.
    pub at_once: usize,
    /// How long a lease holds, in whole seconds.
    pub lease: Duration,
}

impl JobWorker {
    /// Works until `stop`, and then until each job is given back, which is after its current batch.
    pub async fn work(self, stop: CancellationToken) {
        let worker = Arc::new(self);
        let metrics = &worker.use_cases.metrics().jobs;
        JobKind::WORKED_ON.into_iter().for_each(|kind| metrics.know(kind.as_str()));
        let tenants: Vec<TenantId> = worker.policies.keys().cloned().collect();
        let mut changes = worker.use_cases.jobs().changed.subscribe();
        let mut looks = worker.looks();
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = running.join_next(), if !running.is_empty() => {}
                _ = looks.tick() => {}
                _ = changes.changed() => {}
            }
            if let Err(error) = worker.take_more(&tenants, &mut running, &stop).await {
                tracing::warn!(%error, "jobs could not be looked for: the next look tries again");
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// When to look for jobs, or to renew a lease: now, and then in intervals.
    fn looks(&self) -> tokio::time::Interval {
        let mut looks = interval((self.lease / LOOKS_PER_LEASE).max(Duration::from_millis(1)));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        looks
    }

    /// Takes jobs, as long as there are some and it may carry out more.
    async fn take_more(
        self: &Arc<Self>,
        tenants: &[TenantId],
        running: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        loop {
            let waiting = self.look(tenants).await?;
            if running.len() >= self.at_once {
                return Ok(());
            }
            let Some(taken) = self.take(waiting).await? else { return Ok(()) };
            running.spawn(taken.carry_out(Arc::clone(self), stop.child_token()));
        }
    }

    /// The jobs that wait, which the metrics then show.
    async fn look(&self, tenants: &[TenantId]) -> Result<Vec<WaitingJobs>, StoreError> {
        let waiting = self.use_cases.store().waiting_jobs(tenants).await?;
        let longest = waiting.iter().map(|of| of.longest).max().unwrap_or_default();
        let jobs = waiting.iter().map(|of| of.jobs).sum();
        self.use_cases.metrics().jobs.set_waiting(jobs, longest);
        Ok(waiting)
    }

    async fn take(&self, waiting: Vec<WaitingJobs>) -> Result<Option<CarriedOut>, StoreError> {
        let store = self.use_cases.store();
        let seconds = u32::try_from(self.lease.as_secs()).unwrap_or(u32::MAX).max(1);
        for WaitingJobs { tenant, .. } in waiting {
            // Each time another one: a server that takes a job that it has lost is not its owner by
            // the lease of before.
            let owner = Uuid::new_v4();
            if let Some(job) = store.session(&tenant).await?.take_job(owner, seconds).await? {
                let lease = JobLease { job: job.id, owner, seconds };
                return Ok(Some(CarriedOut { tenant, job, lease }));
            }
        }
        Ok(None)
    }
}
