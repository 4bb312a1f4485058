//! How close the service comes to the database's own bench client: real servers and pgbench, in
//! turns in one run. Prints ratios, each with its target. docs/development/performance.md says how
//! to read them. `cargo bench --bench ceiling -- --help`

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot continue fails"
)]

mod arms;
mod auth0;
mod bench;
mod calls;
mod captured;
mod client;
mod cluster;
mod feed;
mod http1;
mod load;
mod mas;
mod memory;
mod options;
mod otlp;
mod peers;
mod pgbench;
mod population;
mod prototype;
mod report;
mod rows;
mod sample;
mod scripts;
mod server;
mod syscalls;

use std::{collections::BTreeMap, path::Path};

use clap::Parser as _;
use identity_link_test_support::artifacts;

use self::{
    arms::Arm,
    bench::Bench,
    cluster::Cluster,
    options::Options,
    report::Report,
    rows::Row,
    sample::{Round, Sample},
    syscalls::Count,
};

fn main() {
    let options = Options::parse();
    if options.test {
        return;
    }
    if let (Some(url), Some(captured)) = (&options.prototype, &options.captured) {
        return prototype::serve(url, captured);
    }
    let mut rows = rows::all(&options);
    rows.retain(|row| {
        options.rows.is_empty() || options.rows.iter().any(|name| row.name.contains(name))
    });
    if options.list {
        for row in rows {
            println!(
                "{:<30} {} {:>6}{} {}",
                row.name,
                if row.is_rate { ">" } else { "<" },
                row.target,
                row.unit,
                row.what
            );
        }
        return;
    }
    let program = options.server.clone().unwrap_or_else(artifacts::service);
    let cluster = Cluster::start(&program);
    measure(&cluster, &options, &program, &rows);
}

/// One thread for the client, as pgbench has.
#[tokio::main(flavor = "current_thread")]
async fn measure(cluster: &Cluster, options: &Options, program: &Path, rows: &[Row]) {
    cluster.clean_up().await;
    let arms = arms(rows);
    let mut bench = Bench::new(cluster, options, program);
    for arm in &arms {
        bench.prepare(*arm).await;
    }
    let mut rounds = Vec::new();
    // In a round that does not count, the servers open their connections, and the database reads
    // its pages and writes each of them to its log as a whole, which it does once.
    for number in 0..=options.rounds {
        let mut round = Round::new();
        for arm in arms.iter().filter(|arm| number == 1 || !arm.runs_once()) {
            let sample = bench.run(*arm, &round).await;
            eprintln!("round {number}: {arm}: {:.0} per second", sample.rate);
            round.insert(*arm, sample);
        }
        if number > 0 {
            rounds.push(round);
        }
    }
    let medians = medians(&rounds);
    let syscalls = syscalls(&bench, options, &arms).await;
    let report = Report { rows, rounds: &rounds, medians: &medians, syscalls: &syscalls };
    if options.json {
        println!("{:#}", report.json());
    } else {
        report.text();
    }
    drop(bench);
    cluster.clean_up().await;
}

/// The arms of these rows, each once, in the order of the rows.
fn arms(rows: &[Row]) -> Vec<Arm> {
    let mut arms = Vec::new();
    for arm in rows.iter().flat_map(|row| &row.arms) {
        if !arms.contains(arm) {
            arms.push(*arm);
        }
    }
    arms
}

fn medians(rounds: &[Round]) -> Round {
    let mut samples: BTreeMap<Arm, Vec<Sample>> = BTreeMap::new();
    for (arm, sample) in rounds.iter().flatten() {
        samples.entry(*arm).or_default().push(*sample);
    }
    samples.into_iter().map(|(arm, samples)| (arm, Sample::median(&samples))).collect()
}

/// Runs the arms with a server once more. The count slows the server a little, so these runs are
/// not measured otherwise.
async fn syscalls(bench: &Bench<'_>, options: &Options, arms: &[Arm]) -> BTreeMap<Arm, f64> {
    let mut counts = BTreeMap::new();
    for arm in arms {
        let Some(server) = bench.server(*arm) else { continue };
        let seconds = f64::from(options.seconds);
        let Some(count) = Count::begin(server.pid(), seconds) else { continue };
        let sample = bench.run(*arm, &Round::new()).await;
        if let Some(count) = count.end() {
            counts.insert(*arm, count / seconds / sample.rate);
        }
    }
    counts
}
