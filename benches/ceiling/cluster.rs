//! The cluster of the benchmark: durable, with its own port, ended with this process.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    time::Instant,
};

use identity_link_dev::Postgres;
use identity_link_test_support::{artifacts, process};
use tokio_postgres::NoTls;

use super::{population, server};

/// Names the schema: every column, constraint and index.
const SCHEMA: &str = "SELECT left(md5(string_agg(what, ' ' ORDER BY what)), 12) FROM ( \
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' \
    UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace \
    UNION ALL SELECT relname || coalesce(reloptions::text, '') FROM pg_class WHERE relnamespace = 'public'::regnamespace \
    UNION ALL SELECT concat_ws(' ', table_name, column_name, data_type, column_default, generation_expression) \
      FROM information_schema.columns WHERE table_schema = 'public') AS known(what)";

pub(super) struct Cluster {
    postgres: Postgres,
    /// The service's program.
    program: PathBuf,
    port: u16,
    pub(super) folder: PathBuf,
}

impl Cluster {
    /// Starts it. The main thread has to call this: the server ends with the thread.
    pub(super) fn start(program: &Path) -> Self {
        let folder = artifacts::tmp_dir().join("ceiling");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = [
            ("listen_addresses", "127.0.0.1"),
            ("port", &port.to_string()),
            ("max_connections", "400"),
            ("shared_buffers", "512MB"),
            // A checkpoint in the middle of one arm would slow that arm alone.
            ("max_wal_size", "8GB"),
            ("checkpoint_timeout", "1h"),
            ("log_line_prefix", "%d|%p|"),
        ];
        let postgres = Postgres::start(&folder, &settings, &mut |text| eprintln!("{text}"))
            .unwrap_or_else(|error| panic!("{error}"));
        Self { postgres, program: program.to_owned(), port, folder }
    }

    /// The URL of a database, over TCP.
    pub(super) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn pid(&self) -> u32 {
        self.postgres.pid()
    }

    pub(super) fn log_file(&self) -> &Path {
        self.postgres.log_file()
    }

    /// The CPU time of all its processes so far.
    pub(super) fn cpu(&self) -> f64 {
        process::cpu_with_children(self.pid())
    }

    /// A program of the same installation as the running server.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        let postgres = fs::read_link(format!("/proc/{}/exe", self.pid())).unwrap();
        postgres.with_file_name(name)
    }

    pub(super) async fn connect(&self, database: &str) -> tokio_postgres::Client {
        let (client, connection) =
            tokio_postgres::connect(&self.url(database), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    pub(super) async fn execute(&self, database: &str, sql: &str) {
        self.connect(database).await.batch_execute(sql).await.unwrap();
    }

    /// A database with so many users, for this run alone: a copy of one that later runs copy, too.
    pub(super) async fn database(&self, name: &str, users: u64) -> String {
        let name = format!("run_{name}");
        let template = self.template(users).await;
        self.drop_database(&name).await;
        // Faster than by the log, and it ends with a checkpoint.
        let sql = format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy");
        self.execute("postgres", &sql).await;
        name
    }

    /// An empty database for this run, by its URL.
    pub(super) async fn empty_database(&self, name: &str) -> String {
        let name = format!("run_{name}");
        self.drop_database(&name).await;
        self.execute("postgres", &format!("CREATE DATABASE {name}")).await;
        self.url(&name)
    }

    /// Drops what this and earlier runs made, except for the templates.
    pub(super) async fn clean_up(&self) {
        let postgres = self.connect("postgres").await;
        let sql = "SELECT datname FROM pg_database WHERE datname LIKE 'run\\_%'";
        for row in postgres.query(sql, &[]).await.unwrap() {
            self.drop_database(row.get(0)).await;
        }
    }

    async fn drop_database(&self, name: &str) {
        self.execute("postgres", &format!("DROP DATABASE IF EXISTS {name} (FORCE)")).await;
    }

    /// The name of the template with so many users in the schema of today.
    async fn template(&self, users: u64) -> String {
        self.drop_database("run_new").await;
        self.execute("postgres", "CREATE DATABASE run_new").await;
        server::migrate(&self.program, &self.folder, &self.url("run_new"));
        let client = self.connect("run_new").await;
        let schema: String = client.query_one(SCHEMA, &[]).await.unwrap().get(0);
        drop(client);
        let name = format!("users_{users}_{schema}");
        let postgres = self.connect("postgres").await;
        let sql = "SELECT FROM pg_database WHERE datname = $1";
        if postgres.query_opt(sql, &[&name]).await.unwrap().is_none() {
            self.fill("run_new", users).await;
            // A connection that was closed a moment ago may still be there.
            self.execute("postgres", "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'run_new'").await;
            self.execute("postgres", &format!("ALTER DATABASE run_new RENAME TO {name}")).await;
        }
        name
    }

    async fn fill(&self, database: &str, users: u64) {
        let begun = Instant::now();
        self.execute(database, &population::insert(users)).await;
        self.execute(database, "VACUUM (FREEZE, ANALYZE)").await;
        eprintln!("made {users} users in {:.0} s", begun.elapsed().as_secs_f64());
    }
}
