//! The database of the benchmark, and the commands on it.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use identity_link_dev::Postgres;
use identity_link_test_support::{artifacts, server::config_toml, tokens::iss};
use tokio::runtime::Runtime;
use tokio_postgres::NoTls;

/// The provider that moves, and its new issuer.
pub(super) const PROVIDER: &str = "google-oauth2";
pub(super) const NEW_ISSUER: &str = "https://elsewhere.example.com";

/// A durable Postgres, and the folder of this benchmark.
pub(super) struct Bench {
    postgres: Postgres,
    url: String,
    pub(super) folder: PathBuf,
    config: PathBuf,
}

impl Bench {
    pub(super) fn start() -> Self {
        let folder = artifacts::tmp_dir().join("transfer");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = [
            ("listen_addresses", "127.0.0.1"),
            ("port", &*port.to_string()),
            ("shared_buffers", "512MB"),
            ("max_wal_size", "8GB"),
            ("checkpoint_timeout", "1h"),
        ];
        let postgres = Postgres::start(&folder, &settings, &mut |text| eprintln!("{text}"))
            .unwrap_or_else(|error| panic!("{error}"));
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let config = folder.join("transfer.toml");
        let toml = configuration(&url);
        fs::write(&config, &toml).unwrap();
        let moved = toml.replace(&iss(PROVIDER), NEW_ISSUER);
        fs::write(folder.join("moved.toml"), moved).unwrap();
        Self { postgres, url, folder, config }
    }

    /// An empty database.
    pub(super) fn begin(&self) {
        self.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        self.command("migrate", &[]).status().unwrap();
    }

    /// Searches for duplicates. Returns the plan, how long that took, and the most memory that it had.
    pub(super) fn duplicates(&self) -> (PathBuf, f64, f64) {
        self.sql("ANALYZE");
        let plan = self.folder.join("plan.ndjson");
        let _ = fs::remove_file(&plan);
        let arguments = ["--tenant", "default", "--output", plan.to_str().unwrap()];
        let (took, memory) = seconds(self.command("duplicates", &arguments).spawn().unwrap());
        (plan, took, memory)
    }

    pub(super) fn psql(&self, commands: &[String]) {
        let server = fs::read_link(format!("/proc/{}/exe", self.postgres.pid())).unwrap();
        let mut psql = Command::new(server.with_file_name("psql"));
        psql.args(["-q", "-v", "ON_ERROR_STOP=1", &self.url]);
        for command in commands {
            psql.args(["-c", command]);
        }
        assert!(psql.status().unwrap().success());
    }

    /// Executes statements, and returns the first value of the last one.
    pub(super) fn sql(&self, sql: &str) -> String {
        runtime().block_on(async {
            let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
            tokio::spawn(connection);
            let messages = client.simple_query(sql).await.unwrap();
            let value = messages.iter().rev().find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            });
            value.unwrap_or_default()
        })
    }

    pub(super) fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(artifacts::service());
        command.arg(name).arg("--config").arg(&self.config).args(arguments);
        command.current_dir(&self.folder).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// An import whose own files go away with the next one.
    pub(super) fn importing(&self, arguments: &[&str]) -> Command {
        for entry in fs::read_dir(&self.folder).unwrap().map(Result::unwrap) {
            if is_of_import(&entry.path()) {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        let mut command = self.command("import", &["--tenant", "default", "--from", "neutral"]);
        command.args(arguments);
        command
    }
}

/// A configuration in which the emails of the import count, and the provider is one tenant's.
fn configuration(url: &str) -> String {
    let toml = config_toml("127.0.0.1:0".parse().unwrap(), url);
    let counting = format!("{PROVIDER} = {{ imported_emails = true, social = true,");
    let toml = toml.replacen(&format!("{PROVIDER} = {{ social = true,"), &counting, 1);
    let table = format!("[issuers.{PROVIDER}]\n");
    assert!(toml.contains(&counting) && toml.contains(&table));
    toml.replacen(&table, &format!("{table}tenants = [\"default\"]\n"), 1)
}

pub(super) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn is_of_import(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("import-"))
}

/// How long a program runs, and the most memory that it had.
pub(super) fn seconds(mut child: Child) -> (f64, f64) {
    let (begun, mut kib) = (Instant::now(), 0.0_f64);
    loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let most = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kib = kib.max(most.unwrap_or_default());
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success(), "{ended}");
            return (begun.elapsed().as_secs_f64(), kib / 1024.0);
        }
        thread::sleep(Duration::from_millis(20));
    }
}
