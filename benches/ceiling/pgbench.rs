//! Runs pgbench: prepared statements, over TCP, in one thread.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use identity_link_test_support::process;

use super::{
    cluster::Cluster,
    population::{BASE, PAIRS},
    sample::{Cpu, Sample},
};

/// The share of look-ups whose latency is logged in a closed loop: to log each one slows pgbench.
const LOGGED: &str = "0.05";

/// As the service connects; and no statement is planned twice, which is pgbench at its best.
pub(super) const SETTINGS: &str = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off \
    -c enable_mergejoin=off -c enable_material=off -c enable_memoize=off -c jit=off -c timezone=UTC";

/// One run.
pub(super) struct Run<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) database: &'a str,
    pub(super) users: u64,
    pub(super) script: &'a Path,
    pub(super) clients: usize,
    pub(super) seconds: u32,
    /// Transactions per second; as many as possible without it.
    pub(super) rate: Option<f64>,
    /// Whether each transaction is one short statement.
    pub(super) is_look_up: bool,
}

impl Run<'_> {
    pub(super) fn sample(&self) -> Sample {
        let prefix = self.cluster.folder.join("pgbench_log");
        let from = self.cpu();
        let mut command = self.command(&prefix);
        let ran = command.output().unwrap();
        let to = self.cpu();
        let text = String::from_utf8_lossy(&ran.stdout);
        let errors = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success() && !errors.contains("aborted"), "{text}{errors}");
        let latencies = latencies(&logs(&self.cluster.folder));
        let (rate, count) = (number(&text, "tps = "), number(&text, "actually processed: "));
        let sample = Sample::new(latencies, 1.0, Cpu::default(), Cpu::default());
        let per_unit = |from: f64, to: f64| 1e6 * (to - from) / count;
        Sample {
            rate,
            client: per_unit(from.client, to.client),
            server: 0.0,
            postgres: per_unit(from.postgres, to.postgres),
            ..sample
        }
    }

    fn cpu(&self) -> Cpu {
        Cpu {
            client: process::cpu_of_ended_children(std::process::id()),
            server: 0.0,
            postgres: self.cluster.cpu(),
        }
    }

    fn command(&self, prefix: &Path) -> Command {
        let mut command = Command::new(self.cluster.program("pgbench"));
        command
            .args(["-n", "-M", "prepared", "-j", "1", "-h", "127.0.0.1", "-U", "postgres"])
            .args(["-p", &self.cluster.port().to_string()])
            .args(["-c", &self.clients.to_string(), "-T", &self.seconds.to_string()])
            .args(["-D", &format!("base={BASE}"), "-D", &format!("users={}", self.users)])
            .args(["-D", &format!("pairs={PAIRS}"), "-D", &format!("clients={}", self.clients)])
            .arg("-f")
            .arg(self.script)
            .arg("-l")
            .arg(format!("--log-prefix={}", prefix.display()))
            .env("PGOPTIONS", SETTINGS);
        match self.rate {
            Some(rate) => _ = command.arg(format!("--rate={rate}")),
            None if self.is_look_up => _ = command.arg(format!("--sampling-rate={LOGGED}")),
            None => {}
        }
        command.arg(self.database);
        command
    }
}

/// The log files of the run, which are read once.
fn logs(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|file| {
            file.file_name().and_then(|name| name.to_str()).unwrap().starts_with("pgbench_log")
        })
        .collect()
}

/// The latencies in these files, in microseconds, from when the transaction was due: the third
/// field of each line.
fn latencies(files: &[PathBuf]) -> Vec<u32> {
    let mut latencies = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        fs::remove_file(file).unwrap();
        let third = |line: &str| line.split(' ').nth(2).unwrap().parse::<u32>().unwrap();
        latencies.extend(text.lines().map(third));
    }
    latencies
}

/// The number behind these words.
fn number(text: &str, words: &str) -> f64 {
    // Without a transaction in time, there is no rate.
    let Some((_, behind)) = text.rsplit_once(words) else { return 0.0 };
    let digits: String = behind.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    digits.parse().unwrap()
}
