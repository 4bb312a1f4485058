//! What one run of an arm gave.

use std::collections::BTreeMap;

use super::arms::Arm;

/// The numbers of one run. A unit is one call, one pair of Link and Unlink, or one transaction.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sample {
    /// Units per second.
    pub(super) rate: f64,
    /// Refused calls per second, and the latency of the slowest of a hundred, in microseconds.
    pub(super) refused: f64,
    pub(super) refused_p99: f64,
    /// Latencies, in microseconds.
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// CPU per unit, in microseconds: of the client, of the server, of Postgres.
    pub(super) client: f64,
    pub(super) server: f64,
    pub(super) postgres: f64,
    /// The server's memory at most, in MiB; and at the end, as a multiple of that after a quarter.
    pub(super) memory: f64,
    pub(super) growth: f64,
}

/// The samples of a round, or their medians.
pub(super) type Round = BTreeMap<Arm, Sample>;

/// CPU time in seconds, of all parties.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cpu {
    pub(super) client: f64,
    pub(super) server: f64,
    pub(super) postgres: f64,
}

impl Sample {
    /// From the latencies in microseconds of so many seconds, and the CPU time.
    pub(super) fn new(mut latencies: Vec<u32>, seconds: f64, from: Cpu, to: Cpu) -> Self {
        let units = latencies.len() as f64;
        let [p50, p99] = percentiles(&mut latencies, [50, 99]);
        let per_unit = |from: f64, to: f64| 1e6 * (to - from) / units;
        Self {
            rate: units / seconds,
            p50,
            p99,
            client: per_unit(from.client, to.client),
            server: per_unit(from.server, to.server),
            postgres: per_unit(from.postgres, to.postgres),
            ..Self::default()
        }
    }

    /// Number by number, the median of these samples.
    pub(super) fn median(samples: &[Self]) -> Self {
        let of = |number: fn(&Self) -> f64| median(samples.iter().map(number).collect());
        Self {
            rate: of(|sample| sample.rate),
            refused: of(|sample| sample.refused),
            refused_p99: of(|sample| sample.refused_p99),
            p50: of(|sample| sample.p50),
            p99: of(|sample| sample.p99),
            client: of(|sample| sample.client),
            server: of(|sample| sample.server),
            postgres: of(|sample| sample.postgres),
            memory: of(|sample| sample.memory),
            growth: of(|sample| sample.growth),
        }
    }
}

/// The values below which so many hundredths of these latencies are.
pub(super) fn percentiles<const N: usize>(
    latencies: &mut [u32],
    hundredths: [usize; N],
) -> [f64; N] {
    latencies.sort_unstable();
    hundredths
        .map(|share| f64::from(latencies.get(latencies.len() * share / 100).copied().unwrap_or(0)))
}

pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}
