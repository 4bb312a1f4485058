//! The result, as text and as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    arms::Arm,
    rows::Row,
    sample::{Round, Sample},
};

pub(super) struct Report<'a> {
    pub(super) rows: &'a [Row],
    pub(super) rounds: &'a [Round],
    /// The medians of the rounds.
    pub(super) medians: &'a Round,
    /// System calls of the server per unit, where they could be counted.
    pub(super) syscalls: &'a BTreeMap<Arm, f64>,
}

impl Report<'_> {
    /// The values of a row, one for each round that has its arms.
    fn values(&self, row: &Row) -> Vec<f64> {
        let whole = |round: &&Round| row.arms.iter().all(|arm| round.contains_key(arm));
        self.rounds.iter().filter(whole).map(|round| (row.value)(round)).collect()
    }

    pub(super) fn text(&self) {
        println!(
            "{:<30} {:>9} {:>9} {:>9}  of the median, of the worst round, the target",
            "row", "value", "worst", "target"
        );
        for row in self.rows {
            let (value, worst) = ((row.value)(self.medians), row.worst(&self.values(row)));
            println!(
                "{:<30} {value:>9.2} {worst:>9.2} {}{:>8.2}{} {:<6} {}",
                row.name,
                if row.is_rate { ">" } else { "<" },
                row.target,
                row.unit,
                if row.is_met_by(worst) { "met" } else { "missed" },
                row.what
            );
        }
        println!(
            "\n{:<36} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}  µs; CPU per unit of client, server, Postgres",
            "arm", "per s", "p50", "p99", "client", "server", "Postgres", "syscalls"
        );
        for (arm, sample) in self.medians {
            let Sample { rate, refused, refused_p99, p50, p99, client, server, postgres, .. } =
                sample;
            let syscalls = self
                .syscalls
                .get(arm)
                .map_or_else(|| "-".to_owned(), |count| format!("{count:.1}"));
            print!(
                "{:<36} {rate:>9.0} {p50:>8.0} {p99:>8.0} {client:>8.1} {server:>8.1} {postgres:>8.1} {syscalls:>8}",
                arm.to_string()
            );
            println!(
                "{}",
                if *refused > 0.0 {
                    format!("  {refused:.0} refused, p99 {refused_p99:.0}")
                } else {
                    String::new()
                }
            );
        }
    }

    pub(super) fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let values = self.values(row);
            json!({
                "name": row.name, "what": row.what, "unit": row.unit.trim(), "value": (row.value)(self.medians),
                "worst": row.worst(&values), "rounds": values, "target": row.target, "reach": row.reach,
                "better": if row.is_rate { "higher" } else { "lower" },
            })
        });
        let arms = self.medians.iter().map(|(arm, median)| {
            let rounds = self.rounds.iter().filter_map(|round| round.get(arm));
            json!({
                "name": arm.to_string(), "median": numbers(median), "rounds": rounds.map(numbers).collect::<Vec<_>>(),
                "syscalls": self.syscalls.get(arm),
            })
        });
        json!({"rows": rows.collect::<Vec<_>>(), "arms": arms.collect::<Vec<_>>()})
    }
}

fn numbers(sample: &Sample) -> Value {
    json!({
        "per_second": sample.rate, "refused_per_second": sample.refused, "refused_p99_us": sample.refused_p99, "p50_us": sample.p50, "p99_us": sample.p99,
        "client_cpu_us": sample.client, "server_cpu_us": sample.server, "postgres_cpu_us": sample.postgres,
        "memory_mib": sample.memory,
    })
}
