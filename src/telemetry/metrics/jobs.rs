//! The metrics of jobs.

use std::{sync::atomic::AtomicU64, time::Duration};

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
    lines: Family<KindLabels, Counter>,
    waiting: Gauge,
    longest_wait: Gauge<f64, AtomicU64>,
}

/// Counts the lines of one job.
#[derive(Debug, Clone)]
pub struct LineMetrics(Counter);

impl JobMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            running: registered(r, "jobs_running", "The jobs that this server carries out now"),
            ended: registered(
                r,
                "jobs_ended",
                "The jobs that this server no longer carries out, by how they ended or why they are another server's",
            ),
            lines: registered(r, "job_lines", "The lines that this server has stored for jobs"),
            waiting: registered(
                r,
                "jobs_waiting",
                "The jobs of all servers that no server works on, when this one last looked",
            ),
            longest_wait: registered(
                r,
                "jobs_longest_wait_seconds",
                "How long the one of them has waited that has waited longest",
            ),
        }
    }

    /// Begins the counts of a kind at zero: an alert on a rise needs to see where it began.
    pub fn know(&self, kind: &'static str) {
        drop(self.running.get_or_create(&KindLabels { kind }));
        drop(self.lines.get_or_create(&KindLabels { kind }));
        for outcome in ["failed", "lost", "interrupted"] {
            drop(self.ended.get_or_create(&EndLabels { kind, outcome }));
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

    /// The counter of the lines of a job of this kind.
    pub fn lines(&self, kind: &'static str) -> LineMetrics {
        LineMetrics(self.lines.get_or_create(&KindLabels { kind }).clone())
    }

    /// Sets how many jobs no server works on, and for how long the first of them has waited.
    pub fn set_waiting(&self, jobs: u64, longest: Duration) {
        self.waiting.set(i64::try_from(jobs).unwrap_or(i64::MAX));
        self.longest_wait.set(longest.as_secs_f64());
    }
}

impl LineMetrics {
    /// Counts lines that were stored.
    pub fn stored(&self, lines: usize) {
        self.0.inc_by(lines as u64);
    }
}
