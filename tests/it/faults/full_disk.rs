//! The disk of the database fills up under load.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use diesel_async::SimpleAsyncConnection as _;
use identity_link::store::Address;

use super::{database::FULL_DISK, load::Load, probes::Probed, seen::Connections};
use crate::support::{
    Races, artifacts, child::run_command, cluster::Database, own_postgres::OwnPostgres,
};

/// A file system in memory, which is unmounted on drop.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one of 256 MiB; `None` if this process may not mount.
    fn mount() -> Option<Self> {
        let dir = artifacts::tmp_dir().join("faults-full");
        fs::create_dir_all(&dir).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256m,mode=0755", "faults"]).arg(&dir);
        (run_command(mount).code == Some(0)).then_some(Self(dir))
    }

    /// A file that leaves no space.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("ballast");
        let mut ballast = File::create(&path).unwrap();
        while ballast.write_all(&[0; 4096]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let mut unmount = Command::new("umount");
        unmount.arg("--lazy").arg(&self.0);
        run_command(unmount);
    }
}

/// F14: Postgres has no space for rows, and then none for its log of changes either, which ends it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: `just faults`"]
async fn a_full_disk_in_full() {
    let rounds = 6;
    let Some(disk) = SmallDisk::mount() else {
        println!("faults: disk full: not run, since this user may not mount a file system");
        return;
    };
    let mut postgres = OwnPostgres::start_in(disk.0.clone());
    let database = postgres.db_migrated("full_disk").await;
    let (server, mut races) = (Probed::start(&database), Races::begin());
    let load = Load::start(&server.service(), Connections::Stay);
    let mut longest = Duration::ZERO;
    for round in 0..rounds {
        load.until_more_changes(races.number(10..=60)).await;
        let ballast = disk.fill();
        if round % 2 == 1 {
            db_end_log_file(&database).await;
        }
        load.until_more_refusals(races.number(20..=60)).await;
        free(&ballast, &mut postgres);
        longest = longest.max(load.until_served().await);
        server.until(true).await;
    }
    load.db_end(&format!("disk full, {rounds} rounds"), longest, &database).await;
}

/// Begins a new file of the log of changes, for which there may be no space.
async fn db_end_log_file(database: &Database) {
    // It ends Postgres, or finds it ended.
    if let Ok(mut conn) = Address::parse(&database.url).unwrap().connect().await {
        drop(conn.batch_execute("SELECT pg_switch_wal()").await);
    }
}

/// What an operator does: makes space, and starts Postgres if it has ended.
fn free(ballast: &Path, postgres: &mut OwnPostgres) {
    fs::remove_file(ballast).unwrap();
    if postgres.has_ended() {
        postgres.start_again();
    }
}

/// F14: the same in short, by a trigger.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_loses_no_acknowledged_change() {
    let rounds = 2;
    let postgres = OwnPostgres::start("faults-no-space");
    let database = postgres.db_migrated("no_space").await;
    let (server, mut races) = (Probed::start(&database), Races::begin());
    let load = Load::start(&server.service(), Connections::Stay);
    let mut longest = Duration::ZERO;
    for _ in 0..rounds {
        load.until_more_changes(races.number(10..=60)).await;
        let fill = "CREATE TRIGGER full_disk BEFORE INSERT ON events EXECUTE FUNCTION full_disk()";
        database.db_execute(&format!("{FULL_DISK} {fill}")).await;
        load.until_more_refusals(races.number(20..=40)).await;
        let free = "DROP TRIGGER full_disk ON events; DROP FUNCTION full_disk()";
        database.db_execute(free).await;
        longest = longest.max(load.until_served().await);
        server.until(true).await;
    }
    load.db_end(&format!("disk full by a trigger, {rounds} rounds"), longest, &database).await;
}
