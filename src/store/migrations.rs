//! The schema: embedded in the binary, migrated under a lock, and checked before the server serves.

use diesel::{
    QueryableByName,
    migration::{Migration, MigrationSource as _},
    pg::Pg,
    result::Error as DieselError,
    sql_query,
    sql_types::{BigInt, Text},
};
use diesel_async::{
    AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::StoreError;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// An arbitrary number that no other program uses: "idlink" in ASCII.
const LOCK: i64 = 0x6964_6c69_6e6b;

/// Why the database's schema does not fit this binary.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SchemaMismatch {
    /// Migrations are pending.
    #[error(
        "the database's schema is older than this binary: run `identity-link migrate` first (missing: {0})"
    )]
    Older(String),
    /// The database has migrations that this binary does not know.
    #[error(
        "the database's schema is newer than this binary: run the release that made it, or a later one (unknown: {0})"
    )]
    Newer(String),
}

/// Runs the pending migrations, and returns their names. Needs a multi-thread runtime.
pub(super) async fn run(mut conn: AsyncPgConnection) -> Result<Vec<String>, StoreError> {
    // A migration may take any time; two at once are not allowed.
    conn.batch_execute(&format!(
        "SET statement_timeout = 0; SET lock_timeout = 0; SELECT pg_advisory_lock({LOCK})"
    ))
    .await?;
    let mut harness = AsyncMigrationHarness::new(conn);
    let ran = harness
        .run_pending_migrations(MIGRATIONS)
        .map(|versions| versions.iter().map(ToString::to_string).collect())
        .map_err(|error| StoreError::Fault(format!("a migration failed: {error}")));
    // The lock is released with the connection, also after a failure.
    drop(harness);
    ran
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Compares the database's migrations with the embedded ones.
pub(super) async fn check(
    conn: &mut AsyncPgConnection,
) -> Result<Result<(), SchemaMismatch>, StoreError> {
    let known = known()?;
    let tables: Count = sql_query(
        "SELECT count(*) AS count FROM pg_tables WHERE tablename = '__diesel_schema_migrations'",
    )
    .get_result(conn)
    .await?;
    let ran: Vec<Version> = if tables.count == 0 {
        Vec::new()
    } else {
        sql_query("SELECT version FROM __diesel_schema_migrations ORDER BY version")
            .load(conn)
            .await?
    };
    let ran: Vec<String> = ran.into_iter().map(|row| row.version).collect();
    Ok(compare(&known, &ran))
}

/// Compares the migrations that this binary knows with those that ran.
fn compare(known: &[String], ran: &[String]) -> Result<(), SchemaMismatch> {
    let only_in = |these: &[String], others: &[String]| -> Option<String> {
        let these = these.iter().filter(|version| !others.contains(version));
        let these: Vec<&str> = these.map(String::as_str).collect();
        (!these.is_empty()).then(|| these.join(", "))
    };
    match (only_in(ran, known), only_in(known, ran)) {
        (Some(unknown), _) => Err(SchemaMismatch::Newer(unknown)),
        (None, Some(missing)) => Err(SchemaMismatch::Older(missing)),
        (None, None) => Ok(()),
    }
}

fn known() -> Result<Vec<String>, StoreError> {
    let migrations: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(|error| {
        StoreError::from(DieselError::QueryBuilderError(error.to_string().into()))
    })?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_older_if_any_migration_is_missing_and_newer_if_any_is_unknown() {
        let versions = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let compared = |ran: &str| compare(&versions("1 2 3"), &versions(ran));
        let (older, newer) = (
            |missing: &str| Err(SchemaMismatch::Older(missing.to_owned())),
            |unknown: &str| Err(SchemaMismatch::Newer(unknown.to_owned())),
        );
        assert_eq!(compared("1 2 3"), Ok(()));
        assert_eq!(compared(""), older("1, 2, 3"));
        assert_eq!(compared("1 2"), older("3"));
        // The missing one need not be the last.
        assert_eq!(compared("1 3"), older("2"));
        assert_eq!(compared("1 2 3 4"), newer("4"));
        assert_eq!(compared("1 4 5"), newer("4, 5"));
    }
}
