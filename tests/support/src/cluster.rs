//! Two clusters of Postgres for the whole test run, and in them one database per test, copied from
//! a migrated template and dropped after its test.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
};

use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use identity_link::store::{Address, Store};
use identity_link_dev::Postgres;
use tokio_postgres::config::Host;

const TEMPLATE: &str = "template_of_tests";
/// The role whose members need a password to connect.
const BY_PASSWORD: &str = "by_password";

/// The running cluster.
pub struct Cluster {
    /// `postgres://…/`, to which a database's name is appended.
    base_url: String,
    /// The server's log file.
    pub log_file: PathBuf,
    /// Takes the names of databases that no test needs any more.
    unneeded: mpsc::Sender<String>,
}

/// A role that needs a password, and the URL of its database without one.
pub struct Role {
    pub name: String,
    pub url: String,
}

/// A database of one test.
#[derive(Debug, Clone)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its URL.
    pub url: String,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    datname: String,
}

/// Databases that are dropped after this value: a thousand tests would fill a small disk otherwise.
struct Owned(Vec<(mpsc::Sender<String>, String)>);

impl Drop for Owned {
    fn drop(&mut self) {
        for (unneeded, name) in self.0.drain(..) {
            // Without a receiver the cluster has ended, and its data with it.
            let _ = unneeded.send(name);
        }
    }
}

thread_local! {
    /// The databases of the test that runs on this thread: the harness gives each test a thread,
    /// and the threads of its runtime end before it.
    static OF_THIS_TEST: RefCell<Owned> = const { RefCell::new(Owned(Vec::new())) };
}

/// The cluster, started by the first test that needs it.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| start("postgres"))
}

/// A cluster for the tests of the feed: an open transaction of any database in a cluster holds back
/// the feed of all of them.
pub fn feed_cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| start("feed-postgres"))
}

fn start(name: &'static str) -> Cluster {
    let (tell, told) = mpsc::channel();
    let (unneeded, names) = mpsc::channel();
    // The server ends with the thread that starts it, and a test's thread ends with its test.
    thread::spawn(move || {
        let dir = super::artifacts::tmp_dir().join(name);
        forget(&dir.join("postgres"));
        // No data of a test outlives the test, so durability is off.
        let rules = write_rules(&dir);
        let settings = [
            ("fsync", "off"),
            ("max_connections", "300"),
            ("log_line_prefix", "%d|%p|%a|"),
            ("hba_file", &rules),
        ];
        let postgres = Postgres::start(&dir, &settings, &mut |text| eprintln!("{text}"));
        let started = postgres.as_ref().map_err(ToString::to_string).map(|postgres| Cluster {
            base_url: postgres.url(""),
            log_file: postgres.log_file().to_owned(),
            unneeded,
        });
        tell.send(started).expect("the thread that starts the cluster waits for it");
        if let Ok(postgres) = &postgres {
            // The cluster is static, so its sender lives as long as the process.
            drop_databases(&postgres.url("postgres"), &names);
        }
    });
    let cluster =
        told.recv().expect("the thread should send a result").expect("Postgres should start");
    // A runtime and a thread of its own, since the caller may be inside another runtime.
    thread::scope(|scope| {
        let prepared = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(cluster.prepare());
        });
        prepared.join().expect("the template should be made");
    });
    cluster
}

/// Drops the databases of these names, as they come.
fn drop_databases(url: &str, names: &mpsc::Receiver<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut conn = Address::parse(url).unwrap().connect().await.unwrap();
        for name in names {
            // A test may have dropped its database.
            let drop = format!("DROP DATABASE IF EXISTS {name} (FORCE)");
            if let Err(e) = conn.batch_execute(&drop).await {
                eprintln!("the database {name} of a test stays: {e}");
            }
        }
    });
}

/// Writes the rules who may connect: some roles by password, all others without. Returns the file.
fn write_rules(dir: &Path) -> String {
    let file = dir.join("hba.conf");
    std::fs::create_dir_all(dir).unwrap();
    let rules = format!("local all +{BY_PASSWORD} scram-sha-256\nlocal all all trust\n");
    std::fs::write(&file, rules).unwrap();
    std::path::absolute(file).unwrap().to_str().unwrap().to_owned()
}

/// Removes an earlier run's cluster: to drop hundreds of databases takes minutes, a new cluster
/// takes a second. A cluster that runs belongs to another test run, and stays.
fn forget(data: &Path) {
    const FEW: usize = 40;
    let databases = std::fs::read_dir(data.join("base")).map_or(0, Iterator::count);
    if databases > FEW && !data.join("postmaster.pid").exists() {
        std::fs::remove_dir_all(data).expect("the data of an earlier run should be removable");
    }
}

impl Cluster {
    /// Drops the databases that an earlier run left, and migrates the template.
    async fn prepare(&self) {
        let mut conn = Address::parse(&self.url("postgres")).unwrap().connect().await.unwrap();
        let left: Vec<Name> = sql_query(
            "SELECT datname::text FROM pg_database WHERE datname LIKE 'test\\_%' OR datname = $1",
        )
        .bind::<Text, _>(TEMPLATE)
        .load(&mut conn)
        .await
        .unwrap();
        for Name { datname } in left {
            conn.batch_execute(&format!("DROP DATABASE {datname} (FORCE)")).await.unwrap();
        }
        conn.batch_execute(&format!("CREATE DATABASE {TEMPLATE}")).await.unwrap();
        let create = format!(
            "DO $$BEGIN CREATE ROLE {BY_PASSWORD}; EXCEPTION WHEN duplicate_object THEN END$$"
        );
        conn.batch_execute(&create).await.unwrap();
        Store::migrate(&Address::parse(&self.url(TEMPLATE)).unwrap()).await.unwrap();
    }

    /// The URL of a database of this cluster.
    pub fn url(&self, database: &str) -> String {
        format!("{}{database}", self.base_url)
    }

    /// An empty database.
    pub async fn db_empty(&self) -> Database {
        self.db_create("template0").await
    }

    /// A database with our schema and no rows.
    pub async fn db_migrated(&self) -> Database {
        self.db_create(TEMPLATE).await
    }

    async fn db_create(&self, template: &str) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut conn = Address::parse(&self.url("postgres")).unwrap().connect().await.unwrap();
        conn.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await.unwrap();
        OF_THIS_TEST.with_borrow_mut(|owned| {
            owned.0.push((self.unneeded.clone(), name.clone()));
        });
        Database { url: self.url(&name), name }
    }
}

impl Database {
    /// A copy in the cluster of the tests of the feed, where this database must be. No client may
    /// be connected to it.
    pub async fn db_copy(&self) -> Self {
        feed_cluster().db_create(&self.name).await
    }

    /// Runs statements on a connection of its own.
    pub async fn db_execute(&self, sql: &str) {
        self.db_connect().await.batch_execute(sql).await.unwrap();
    }

    /// A role of this database that may read and write rows, and connects by this password.
    pub async fn db_role_with_password(&self, password: &str) -> Role {
        let name = format!("role_{}", self.name);
        self.db_execute(&format!(
            "DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN PASSWORD '{password}'; \
             GRANT {BY_PASSWORD}, pg_read_all_data, pg_write_all_data TO {name}"
        ))
        .await;
        let url = self.url.replacen("postgres@", &format!("{name}@"), 1);
        Role { name, url }
    }

    /// The first column, a text, of every row.
    pub async fn db_texts(&self, sql: &str) -> Vec<String> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            text: String,
        }
        let rows: Vec<Row> = sql_query(format!("SELECT q.text FROM ({sql}) AS q(text)"))
            .load(&mut self.db_connect().await)
            .await
            .unwrap();
        rows.into_iter().map(|row| row.text).collect()
    }

    /// The socket on which its server listens.
    pub fn socket(&self) -> PathBuf {
        let config: tokio_postgres::Config = self.url.parse().unwrap();
        let [Host::Unix(folder)] = config.get_hosts() else {
            panic!("the tests' Postgres has one socket")
        };
        folder.join(".s.PGSQL.5432")
    }

    /// The database's plan for this statement with any parameters, one line per element.
    pub async fn db_plan(&self, statement: &str) -> Vec<String> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
            line: String,
        }
        let parameters = (1..).take_while(|n| statement.contains(&format!("${n}"))).count();
        let execute = match parameters {
            0 => "EXECUTE asked".to_owned(),
            count => format!("EXECUTE asked ({})", vec!["NULL"; count].join(", ")),
        };
        let mut conn = self.db_connect().await;
        conn.batch_execute(&format!("PREPARE asked AS {statement}")).await.unwrap();
        let rows: Vec<Row> = sql_query(format!("EXPLAIN {execute}")).load(&mut conn).await.unwrap();
        rows.into_iter().map(|row| row.line).collect()
    }

    /// Every row of every table, as text: what a call that changes nothing must leave unchanged.
    pub async fn db_everything(&self) -> Vec<String> {
        let tables =
            ["users", "identities", "links", "tombstones", "request_ids", "erasures", "events"];
        let union: Vec<String> = tables
            .iter()
            .map(|table| format!("SELECT '{table} ' || to_jsonb(t)::text FROM {table} t"))
            .collect();
        let mut rows = self.db_texts(&union.join(" UNION ALL ")).await;
        rows.sort_unstable();
        rows
    }

    /// A connection of its own.
    pub(super) async fn db_connect(&self) -> AsyncPgConnection {
        Address::parse(&self.url).unwrap().connect().await.unwrap()
    }
}
