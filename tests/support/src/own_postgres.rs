//! A Postgres of one test, which the test stops, halts and kills, its base backup and its standby.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use identity_link::store::{Address, Store};
use identity_link_dev::Postgres;
use rustix::process::{Pid, Signal, kill_process};

use super::{artifacts, child::run_command, cluster::Database};

/// What a standby needs. No test stops the machine, and what Postgres has written outlives its
/// processes without fsync.
const SETTINGS: [(&str, &str); 2] = [("fsync", "off"), ("wal_level", "replica")];
/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two looks at a process that ends.
const POLL: Duration = Duration::from_millis(5);

/// A Postgres with its data in a folder of its own. It ends with the thread that started it.
pub struct OwnPostgres {
    dir: PathBuf,
    settings: Vec<(String, String)>,
    /// `None` between an end and the next start.
    postgres: Option<Postgres>,
}

impl OwnPostgres {
    /// Starts one without data, in a folder with this name.
    pub fn start(name: &str) -> Self {
        Self::start_in(empty(name))
    }

    /// Starts one on what is in this folder.
    pub fn start_in(dir: PathBuf) -> Self {
        Self::start_with(dir, Vec::new())
    }

    /// The same with further settings.
    pub fn start_with(dir: PathBuf, settings: Vec<(String, String)>) -> Self {
        let mut postgres = Self { dir, settings, postgres: None };
        postgres.start_again();
        postgres
    }

    /// Starts it on its data, after its end.
    pub fn start_again(&mut self) {
        // The folder is free only after the former one is dropped.
        self.postgres = None;
        let further = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let settings: Vec<_> = SETTINGS.into_iter().chain(further).collect();
        let started = Postgres::start(&self.dir, &settings, &mut |text| eprintln!("{text}"));
        self.postgres = Some(started.unwrap());
    }

    /// Stops it, which disconnects its clients.
    pub fn stop(&mut self) {
        self.end_by(Signal::INT);
    }

    /// Sends a signal that ends it to its first process, and waits until all its processes have
    /// ended: `INT` is a fast stop, `QUIT` an immediate one.
    pub fn end_by(&mut self, signal: Signal) {
        let children = self.children();
        kill_process(self.first(), signal).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() || children.iter().any(|child| runs(*child)) {
            assert!(Instant::now() < deadline, "Postgres should end by {signal:?}");
            thread::sleep(POLL);
        }
    }

    /// Whether its first process has ended.
    pub fn has_ended(&mut self) -> bool {
        self.postgres.as_mut().is_none_or(|postgres| postgres.try_wait().unwrap().is_some())
    }

    /// Stops all its processes where they are.
    pub fn halt(&self) {
        // A first process that stands still starts no other.
        kill_process(self.first(), Signal::STOP).unwrap();
        self.signal_children(Signal::STOP);
    }

    /// Lets all its processes go on.
    pub fn go_on(&self) {
        self.signal_children(Signal::CONT);
        kill_process(self.first(), Signal::CONT).unwrap();
    }

    /// A database that exists.
    pub fn database(&self, name: &str) -> Database {
        let postgres = self.postgres.as_ref().expect("Postgres should run");
        Database { name: name.to_owned(), url: postgres.url(name) }
    }

    /// A new database with the schema and no rows.
    pub async fn db_migrated(&self, name: &str) -> Database {
        self.database("postgres").db_execute(&format!("CREATE DATABASE {name}")).await;
        let database = self.database(name);
        Store::migrate(&Address::parse(&database.url).unwrap()).await.unwrap();
        database
    }

    /// The folder of the write-ahead log.
    pub fn log_dir(&self) -> PathBuf {
        self.dir.join("postgres/pg_wal")
    }

    /// Makes a base backup in a folder with this name, with further options of `pg_basebackup`, and
    /// an empty file of this name in it, if any. Returns the folder.
    pub async fn db_base_backup(
        &self,
        name: &str,
        options: &[&str],
        file: Option<&str>,
    ) -> PathBuf {
        let (dir, first) = (empty(name), self.database("postgres"));
        let programs =
            first.db_texts("SELECT setting FROM pg_config WHERE name = 'BINDIR'").await.remove(0);
        fs::create_dir_all(&dir).unwrap();
        let mut copy = Command::new(Path::new(&programs).join("pg_basebackup"));
        copy.args(["--checkpoint=fast", "--no-sync", "--dbname", &first.url, "--pgdata"]);
        copy.arg(dir.join("postgres")).args(options);
        let ran = run_command(copy);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        if let Some(file) = file {
            fs::write(dir.join("postgres").join(file), "").unwrap();
        }
        give(&dir, &fs::metadata(self.dir.join("postgres")).unwrap());
        dir
    }

    /// Starts a standby with its data in a folder with this name.
    pub async fn db_standby(&self, name: &str) -> Self {
        Self::start_in(self.db_base_backup(name, &["--write-recovery-conf"], None).await)
    }

    /// Makes a standby the primary.
    pub async fn db_promote(&self) {
        let promote = "DO $$ BEGIN PERFORM pg_promote(); END $$";
        self.database("postgres").db_execute(promote).await;
    }

    /// The addresses of a database of two clusters, as a host part of a URL: a client connects to
    /// the first one that fits.
    pub fn either(&self, other: &Self, name: &str) -> Database {
        let host = |postgres: &Self| {
            let url = postgres.database(name).url;
            let (host, _) =
                url.strip_prefix("postgres://postgres@").unwrap().split_once('/').unwrap();
            host.to_owned()
        };
        let hosts = format!("{},{}", host(self), host(other));
        Database { name: name.to_owned(), url: format!("postgres://postgres@{hosts}/{name}") }
    }

    /// The same; a client connects to the one that accepts writes.
    pub fn the_writable_one(&self, other: &Self, name: &str) -> Database {
        let Database { name, url } = self.either(other, name);
        Database { name, url: format!("{url}?target_session_attrs=read-write") }
    }

    fn first(&self) -> Pid {
        let postgres = self.postgres.as_ref().expect("Postgres should run");
        Pid::from_raw(postgres.pid().try_into().unwrap()).unwrap()
    }

    fn children(&self) -> Vec<Pid> {
        let first = self.first().as_raw_nonzero();
        // A process that has ended has no such file.
        let children = fs::read_to_string(format!("/proc/{first}/task/{first}/children"));
        let children = children.unwrap_or_default();
        children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().unwrap())).collect()
    }

    fn signal_children(&self, signal: Signal) {
        for child in self.children() {
            // It may just have ended.
            let _ = kill_process(child, signal);
        }
    }
}

/// Whether this process has not ended. One that has ended may wait to be reaped.
fn runs(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap().starts_with(" Z"))
}

/// The path of a folder that does not exist yet.
fn empty(name: &str) -> PathBuf {
    let dir = artifacts::tmp_dir().join(name);
    if dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    dir
}

/// Gives everything in a folder to the owner of `like`.
fn give(path: &Path, like: &fs::Metadata) {
    chown(path, Some(like.uid()), Some(like.gid())).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path(), like));
    }
}
