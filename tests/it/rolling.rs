//! Replicas are replaced one by one, under load, while the schema changes: no call fails, and no
//! acknowledged link is lost.
//!
//! In a normal run, all replicas are of this build, and a migration of a later release comes in
//! between. `.ci/rolling-upgrade` runs the same with the builds of two commits.

mod load;

use std::{env, path::PathBuf, process::Command};

use identity_link::store::{Address, Store, Target};

use self::load::{Load, Replicas};
use crate::{
    migrate::{later, to},
    support::{
        artifacts,
        child::{config_file, run_command},
        cluster::{Database, cluster},
    },
};

/// How many calls have to succeed in each phase.
const CALLS: usize = 60;

/// The programs of the two releases, and how the newer one migrates.
struct Releases {
    old: PathBuf,
    new: PathBuf,
    /// Whether the newer one is a program of its own, with migrations of its own.
    are_two: bool,
}

impl Releases {
    fn of_environment() -> Self {
        match (env::var_os("IDENTITY_LINK_OLD"), env::var_os("IDENTITY_LINK_NEW")) {
            (Some(old), Some(new)) => Self { old: old.into(), new: new.into(), are_two: true },
            _ => Self { old: artifacts::service(), new: artifacts::service(), are_two: false },
        }
    }

    /// Runs the older release's migrations, and returns the version of the last one.
    async fn db_migrate_old(&self, database: &Database) -> String {
        if self.are_two {
            self.run(&self.old, database, &[]);
        } else {
            Store::migrate(&Address::parse(&database.url).unwrap()).await.unwrap();
        }
        let last = "SELECT max(version COLLATE \"C\") FROM __diesel_schema_migrations";
        database.db_texts(last).await.remove(0)
    }

    /// Runs the newer release's migrations.
    async fn db_migrate(&self, database: &Database) {
        let before = database.db_texts("SELECT version FROM __diesel_schema_migrations").await;
        if self.are_two {
            self.run(&self.new, database, &[]);
        } else {
            later(database, to("20990101000003"), false).await.unwrap();
        }
        let after = database.db_texts("SELECT version FROM __diesel_schema_migrations").await;
        assert!(after.len() > before.len(), "the newer release should have a migration");
    }

    /// Reverses the newer release's migrations.
    async fn db_reverse(&self, database: &Database, last: &str) {
        if self.are_two {
            self.run(&self.new, database, &["--to", last, "--yes"]);
        } else {
            later(database, Target::Version(last.to_owned()), true).await.unwrap();
        }
    }

    fn run(&self, program: &PathBuf, database: &Database, options: &[&str]) {
        let mut command = Command::new(program);
        command
            .arg("migrate")
            .args(options)
            .arg("--config")
            .arg(config_file(database, |toml| toml));
        let ran = run_command(command);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_are_upgraded_and_taken_back_without_a_failed_call_or_a_lost_link() {
    let releases = Releases::of_environment();
    let database = cluster().db_empty().await;
    let last = releases.db_migrate_old(&database).await;
    let mut replicas = Replicas::start(&releases.old, &database).await;
    let load = Load::start(&replicas);
    load.until_more_calls(CALLS).await;

    // Under the prepared statements of the old replicas, and with their calls in flight.
    releases.db_migrate(&database).await;
    load.until_more_calls(CALLS).await;
    // An old replica restarts in the middle of the rollout.
    replicas.replace(0, &releases.old).await;
    load.until_more_calls(CALLS).await;
    for n in [0, 1] {
        replicas.replace(n, &releases.new).await;
        load.until_more_calls(CALLS).await;
    }

    for n in [0, 1] {
        replicas.replace(n, &releases.old).await;
        load.until_more_calls(CALLS).await;
    }
    releases.db_reverse(&database, &last).await;
    load.until_more_calls(CALLS).await;

    let outcome = load.end().await;
    assert_eq!(outcome.failed, [""; 0]);
    let lost = replicas.without(&outcome.linked).await;
    println!(
        "calls: {}, failed: {}, acknowledged links: {}, lost: {}",
        outcome.calls,
        outcome.failed.len(),
        outcome.linked.len(),
        lost.len()
    );
    assert_eq!(lost, [""; 0]);
    assert!(outcome.linked.len() >= CALLS);
    database.db_assert_invariants().await;
}
