//! The metrics of jobs.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::registered;

/// A kind of job.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

/// How a job of a kind ended for this server.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EndLabels {
    kind: &'static str,
    outcome: &'static str,
}

/// The metrics of jobs.
#[derive(Debug, Clone)]
pub struct JobMetrics {
    running: Family<KindLabels, Gauge>,
    ended: Family<EndLabels, Counter>,
}

impl JobMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            running: registered(r, "jobs_running", "The jobs that this server carries out now"),
            ended: registered(
                r,
                "jobs_ended",
                "The jobs that this server no longer carries out, by how they ended or why they are another server's",
            ),
        }
    }

    /// Counts a job that this server has taken.
    pub fn begun(&self, kind: &'static str) {
        self.running.get_or_create(&KindLabels { kind }).inc();
    }

    /// Counts a job that it no longer carries out.
    pub fn ended(&self, kind: &'static str, outcome: &'static str) {
        self.running.get_or_create(&KindLabels { kind }).dec();
        self.ended.get_or_create(&EndLabels { kind, outcome }).inc();
    }
}
