//! Runs and reverses migrations.

use std::time::Duration;

use diesel::{
    QueryableByName,
    migration::Migration,
    pg::Pg,
    sql_query,
    sql_types::{BigInt, Bool},
};
use diesel_async::{
    AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _,
};
use diesel_migrations::MigrationHarness as _;
use tokio::time::sleep;

use super::{
    ATTEMPTS, MigrateError, Migrations, Target,
    plan::{Plan, plan},
    ran, version,
};
use crate::store::StoreError;

/// An arbitrary number that no other program uses: "idlink" in ASCII.
const LOCK: i64 = 0x6964_6c69_6e6b;
/// How often that lock is tried while another process has it. A statement that waited for it would
/// hold a snapshot, and an index that is built concurrently waits until all older ones are gone.
const TRY_EVERY: Duration = Duration::from_millis(200);

/// How long a migration waits for a lock by default: less than Postgres's `deadlock_timeout`, a second
/// by default. If a migration and a call wait for each other, the migration gives up before the
/// database ends the call.
pub const LOCK_TIMEOUT: Duration = Duration::from_millis(500);

/// What to migrate to, and how.
#[derive(Debug, Clone)]
pub struct MigrateOptions {
    /// Which migrations shall have run.
    pub target: Target,
    /// Whether migrations may be reversed on the way.
    pub may_reverse: bool,
    /// How long a migration may wait for a lock, at least a millisecond: calls that need the table
    /// wait behind it. It waits as long before it is tried again.
    pub lock_timeout: Duration,
}

/// What was done, as versions of migrations.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Migrated {
    /// Those that were reversed.
    pub reversed: Vec<String>,
    /// Those that ran.
    pub ran: Vec<String>,
    /// The contracts that are left until all servers run this release.
    pub left: Vec<String>,
}

#[derive(Clone, Copy)]
enum Direction {
    Up,
    Down,
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

/// Runs or reverses migrations on this connection, with which the lock is released.
pub(super) async fn migrate(
    migrations: &Migrations,
    mut conn: AsyncPgConnection,
    options: &MigrateOptions,
    notice: impl Fn(&str),
) -> Result<Migrated, MigrateError> {
    // A migration may take any time.
    conn.batch_execute("SET statement_timeout = 0").await.map_err(StoreError::from)?;
    lock(&mut conn, notice).await?;
    let has_run = ran(&mut conn).await?;
    let Plan { reverse, run, left } = plan(&migrations.versions(), &has_run, &options.target)?;
    if !reverse.is_empty() && !options.may_reverse {
        return Err(MigrateError::WouldReverse(reverse.join(", ")));
    }
    if has_run.is_empty() {
        conn = with_table(conn)?;
    }
    let reversed = reverse.iter().map(|version| (version, Direction::Down));
    for (version, direction) in reversed.chain(run.iter().map(|version| (version, Direction::Up))) {
        let migration = migrations.find(version).ok_or_else(|| failed("it is unknown"))?;
        conn = step(conn, migration, direction, options.lock_timeout).await?;
    }
    Ok(Migrated { reversed: reverse, ran: run, left })
}

/// Waits until no other process runs migrations.
async fn lock(conn: &mut AsyncPgConnection, notice: impl Fn(&str)) -> Result<(), StoreError> {
    let mut has_waited = false;
    loop {
        let lock: Locked = sql_query("SELECT pg_try_advisory_lock($1) AS locked")
            .bind::<BigInt, _>(LOCK)
            .get_result(conn)
            .await?;
        if lock.locked {
            return Ok(());
        }
        if !has_waited {
            notice("another `migrate` is at work: waiting for its end");
            has_waited = true;
        }
        sleep(TRY_EVERY).await;
    }
}

/// Makes the table in which diesel remembers what ran, if there is none.
fn with_table(conn: AsyncPgConnection) -> Result<AsyncPgConnection, MigrateError> {
    let mut harness = AsyncMigrationHarness::new(conn);
    harness.applied_migrations().map_err(|error| failed(error.to_string()))?;
    Ok(harness.into_inner())
}

/// Runs or reverses one migration. Returns the connection.
///
/// A migration waits for a lock only briefly: each call that needs the same table waits behind it,
/// also a call that would not wait for the lock's holder. In the pause these calls go on. A migration
/// without a transaction takes no lock for which calls wait, and it could not be rolled back.
async fn step(
    mut conn: AsyncPgConnection,
    migration: &dyn Migration<Pg>,
    direction: Direction,
    lock_timeout: Duration,
) -> Result<AsyncPgConnection, MigrateError> {
    let is_whole = migration.metadata().run_in_transaction();
    let millis = if is_whole { lock_timeout.as_millis().max(1) } else { 0 };
    let setting = format!("SET lock_timeout = '{millis}ms'");
    conn.batch_execute(&setting).await.map_err(StoreError::from)?;
    for _ in 0..ATTEMPTS {
        let mut harness = AsyncMigrationHarness::new(conn);
        let outcome = match direction {
            Direction::Up => harness.run_migration(migration),
            Direction::Down => harness.revert_migration(migration),
        };
        conn = harness.into_inner();
        match outcome.map_err(|error| error.to_string()) {
            Ok(_) => return Ok(conn),
            Err(text) if text.contains("canceling statement due to lock timeout") => {
                sleep(lock_timeout).await;
            }
            Err(text) => return Err(failed(text)),
        }
    }
    Err(MigrateError::Locked { version: version(migration), timeout: lock_timeout })
}

fn failed(error: impl Into<String>) -> MigrateError {
    MigrateError::Failed(error.into())
}
