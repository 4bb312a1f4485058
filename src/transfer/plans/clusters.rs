//! Where the clusters of a plan come from: its file, or the lines of a job.

use std::{collections::VecDeque, sync::Arc};

use tokio::{sync::mpsc, task::JoinHandle};
use uuid::Uuid;

use super::{PlanError, PlanFile, PlansError, plan_file::PlannedCluster};
use crate::{
    domain::TenantId,
    store::{JobLine, Store},
};

/// How many clusters are read ahead of a file.
const READ_AHEAD: usize = 16;
/// How many lines of a job are read at once.
const LINES: usize = 100;
/// About how many bytes of lines are read at once.
const BYTES: usize = 1024 * 1024;

/// The clusters of a plan, one after the other.
pub trait Clusters: Send {
    /// The next one; `None` after the last.
    ///
    /// # Errors
    /// [`PlansError::Plan`] and [`PlansError::Store`].
    fn next(&mut self) -> impl Future<Output = Result<Option<PlannedCluster>, PlansError>> + Send;
}

/// Those of a file, which a thread of its own reads.
pub struct FileClusters {
    clusters: mpsc::Receiver<PlannedCluster>,
    reading: Option<JoinHandle<Result<(), PlanError>>>,
}

impl FileClusters {
    /// Begins to read a file. Needs a runtime.
    pub fn of(plan: Arc<PlanFile>) -> Self {
        let (sender, clusters) = mpsc::channel(READ_AHEAD);
        // The reader ends when it has no receiver.
        let reading = tokio::task::spawn_blocking(move || {
            plan.read(|cluster| sender.blocking_send(cluster).is_ok())
        });
        Self { clusters, reading: Some(reading) }
    }
}

impl Clusters for FileClusters {
    async fn next(&mut self) -> Result<Option<PlannedCluster>, PlansError> {
        let next = self.clusters.recv().await;
        if next.is_none()
            && let Some(reading) = self.reading.take()
        {
            let read = reading.await.map_err(|error| PlanError::Read(std::io::Error::other(error)));
            read??;
        }
        Ok(next)
    }
}

/// Those of a job.
pub struct StoredClusters {
    store: Store,
    tenant: TenantId,
    job: Uuid,
    read: VecDeque<JobLine>,
    last: i64,
}

impl StoredClusters {
    /// The clusters behind the header, which is the first line.
    pub fn of(store: Store, tenant: TenantId, job: Uuid) -> Self {
        Self { store, tenant, job, read: VecDeque::new(), last: 1 }
    }
}

impl Clusters for StoredClusters {
    async fn next(&mut self) -> Result<Option<PlannedCluster>, PlansError> {
        if self.read.is_empty() {
            let mut session = self.store.session(&self.tenant).await?;
            self.read = session.job_lines(self.job, self.last, LINES, BYTES).await?.into();
        }
        let Some(JobLine { number, line }) = self.read.pop_front() else { return Ok(None) };
        self.last = number;
        let number = u64::try_from(number).unwrap_or_default();
        Ok(Some(PlannedCluster::parse(number, line.as_bytes())?))
    }
}
