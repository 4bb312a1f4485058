//! The lines of a job, which are stored in batches.

use std::{mem::take, time::Duration};

use tokio::time::Instant;

use crate::{
    domain::{JobLease, TenantId},
    store::{JobPlace, JobStep, NewLine, Store},
    telemetry::metrics::LineMetrics,
    transfer::{
        lines::{LineSink, LinesError, Milestone},
        plans::Counts,
    },
};

/// The most lines of a batch.
const MOST_LINES: usize = 500;
/// How many bytes make a batch.
const ENOUGH_BYTES: usize = 1024 * 1024;
/// How long lines wait for a batch that changes nothing.
const LONGEST: Duration = Duration::from_secs(1);

/// The lines of a job. A line about a change is stored at once, together with those before it.
pub(super) struct JobLines {
    store: Store,
    tenant: TenantId,
    lease: JobLease,
    metrics: LineMetrics,
    waiting: Vec<NewLine>,
    bytes: usize,
    place: Option<JobPlace>,
    counts: Counts,
    stored: Instant,
}

impl JobLines {
    /// No lines yet, behind those that have these counts.
    pub(super) fn new(
        store: Store,
        tenant: TenantId,
        lease: JobLease,
        metrics: LineMetrics,
        counts: Counts,
    ) -> Self {
        let (waiting, bytes, place, stored) = (Vec::new(), 0, None, Instant::now());
        Self { store, tenant, lease, metrics, waiting, bytes, place, counts, stored }
    }
}

impl LineSink for JobLines {
    async fn write(
        &mut self,
        lines: Vec<NewLine>,
        milestone: Option<Milestone<'_>>,
    ) -> Result<(), LinesError> {
        self.bytes += lines.iter().map(|line| line.line.len()).sum::<usize>();
        self.waiting.extend(lines);
        let mut is_change = false;
        if let Some(milestone) = milestone {
            self.place = Some(milestone.place);
            self.counts.clone_from(milestone.counts);
            is_change = milestone.is_change;
        }
        let is_full = self.waiting.len() >= MOST_LINES || self.bytes >= ENOUGH_BYTES;
        match is_change || is_full || self.stored.elapsed() >= LONGEST {
            true => self.finish().await,
            false => Ok(()),
        }
    }

    async fn finish(&mut self) -> Result<(), LinesError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let (lines, place) = (take(&mut self.waiting), self.place.clone());
        self.bytes = 0;
        let count = lines.len();
        let step = JobStep { lines, place, counts: &self.counts };
        let mut session = self.store.session(&self.tenant).await?;
        // A line of a plan whose user was deleted meanwhile is of no use.
        drop(session.step_job(self.lease, step).await?);
        self.metrics.stored(count);
        self.stored = Instant::now();
        Ok(())
    }
}
