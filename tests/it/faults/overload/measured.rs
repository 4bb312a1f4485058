//! How long calls took by the server's own measure, which does not contain the time that the clients
//! of a busy machine need.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use crate::support::http1::Http1;

const SERIES: &str = "identity_link_call_duration_seconds_bucket{";

/// The counts of calls with one outcome, by the bounds of their durations in seconds.
#[derive(Clone, Default)]
pub(super) struct Measured {
    /// How many calls took at most so many microseconds.
    counts: BTreeMap<u64, f64>,
}

impl Measured {
    /// The calls so far that ended with this code.
    pub(super) async fn now(management: SocketAddr, code: &str) -> Self {
        let request = "GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n";
        let report = Http1::connect(management).await.ask(request).await.body;
        let mut all = Self::default();
        for line in report.lines().filter(|line| line.starts_with(SERIES) && line.contains(code)) {
            let (_, from) = line.split_once("le=\"").unwrap();
            let (bound, _) = from.split_once('"').unwrap();
            let bound: f64 = bound.parse().unwrap_or(f64::INFINITY);
            let count: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            // The bound of the last one is as large as there is.
            let micros = Duration::try_from_secs_f64(bound)
                .map_or(u64::MAX, |bound| u64::try_from(bound.as_micros()).unwrap());
            *all.counts.entry(micros).or_default() += count;
        }
        all
    }

    /// The calls since an earlier time.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let counts = self.counts.iter().map(|(bound, count)| {
            (*bound, count - earlier.counts.get(bound).copied().unwrap_or_default())
        });
        Self { counts: counts.collect() }
    }

    /// The least bound within which so many of a hundred calls ended.
    pub(super) fn within(&self, hundredths: f64) -> Duration {
        let all = self.counts.values().last().copied().unwrap_or_default();
        let bound = self.counts.iter().find(|(_, count)| **count * 100.0 >= all * hundredths);
        Duration::from_micros(bound.map_or(0, |(bound, _)| *bound))
    }

    /// How many of a hundred calls ended within this time, which is one of the bounds.
    pub(super) fn share(&self, time: Duration) -> f64 {
        let all = self.counts.values().last().copied().unwrap_or_default();
        let bound = u64::try_from(time.as_micros()).unwrap();
        100.0 * self.counts.get(&bound).copied().unwrap_or_default() / all
    }
}
