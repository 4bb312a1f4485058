//! The schema: its migrations are embedded in the binary, run under a lock, and compared with the
//! database's before the server serves and while it does.
//!
//! The name of a migration's folder is `DATE-NUMBER.KIND_NAME`. All before the first `_`, without
//! hyphens, is its version, under which the database remembers it. So the version says the kind, also
//! to a binary that does not have the migration.

mod error;
mod fit;
mod plan;
mod run;

use diesel::{
    QueryableByName,
    migration::{Migration, MigrationSource},
    pg::Pg,
    sql_query,
    sql_types::{Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::{Address, StoreError, connect};
pub use error::MigrateError;
pub use fit::SchemaMismatch;
pub use plan::Target;
pub use run::{LOCK_TIMEOUT, MigrateOptions, Migrated};

const EMBEDDED: EmbeddedMigrations = embed_migrations!("migrations");

/// How often a migration is tried that does not get its locks.
const ATTEMPTS: u32 = 10;

/// What a migration does to servers that do not know it. The first migration has no kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationKind {
    /// It adds what older servers need not know.
    Expand,
    /// It fills what an earlier release has added, in steps, while servers write.
    Move,
    /// It removes what this release and later ones do not use.
    Contract,
}

impl MigrationKind {
    /// The kind that a version says; `None` if it says none.
    fn of(version: &str) -> Option<Self> {
        match version.split_once('.')?.1 {
            "expand" => Some(Self::Expand),
            "move" => Some(Self::Move),
            "contract" => Some(Self::Contract),
            _ => None,
        }
    }

    /// The kind as versions have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Move => "move",
            Self::Contract => "contract",
        }
    }
}

/// The migrations that a binary knows, in their order.
pub struct Migrations(Vec<Box<dyn Migration<Pg>>>);

/// A migration, and whether it has run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its version, under which the database remembers it.
    pub version: String,
    /// Its name; `None` if this binary does not know it.
    pub name: Option<String>,
    /// Its kind; `None` for the first one, and for one that says none.
    pub kind: Option<MigrationKind>,
    /// Whether it has run.
    pub has_run: bool,
}

/// The migrations that this binary or the database knows, in order.
#[derive(Debug)]
pub struct SchemaStatus {
    /// The migrations.
    pub migrations: Vec<MigrationStatus>,
    /// Whether this binary serves on this schema.
    pub fits: Result<(), SchemaMismatch>,
}

impl Migrations {
    /// The migrations of this binary.
    ///
    /// # Errors
    /// [`StoreError::Fault`] if they cannot be read.
    pub fn embedded() -> Result<Self, StoreError> {
        Self::new(&EMBEDDED)
    }

    /// The migrations of another source.
    ///
    /// # Errors
    /// [`StoreError::Fault`] if they cannot be read.
    pub fn new(source: &impl MigrationSource<Pg>) -> Result<Self, StoreError> {
        let mut migrations = source.migrations().map_err(|error| {
            StoreError::Fault(format!("the migrations cannot be read: {error}"))
        })?;
        migrations.sort_by_cached_key(|migration| version(migration.as_ref()));
        Ok(Self(migrations))
    }

    /// Which migrations have run. Changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn state_of(&self, address: &Address) -> Result<SchemaStatus, StoreError> {
        let ran = ran(&mut connect(address).await?).await?;
        let known = self.0.iter().map(|migration| {
            let version = version(migration.as_ref());
            let name = migration.name().to_string();
            let name = name.split_once('_').map_or(name.as_str(), |(_, name)| name).to_owned();
            MigrationStatus {
                kind: MigrationKind::of(&version),
                has_run: ran.contains(&version),
                name: Some(name),
                version,
            }
        });
        let mut migrations: Vec<MigrationStatus> = known.collect();
        let versions = self.versions();
        let unknown = ran.iter().filter(|version| !versions.contains(version));
        migrations.extend(unknown.map(|version| MigrationStatus {
            version: version.clone(),
            name: None,
            kind: MigrationKind::of(version),
            has_run: true,
        }));
        migrations.sort_by(|a, b| a.version.cmp(&b.version));
        Ok(SchemaStatus { migrations, fits: fit::compare(&versions, &ran) })
    }

    /// Runs or reverses migrations, as `options` say, while no other process does. `notice` gets a
    /// sentence if that has to wait. Needs a multi-thread runtime.
    ///
    /// # Errors
    /// [`MigrateError`]. What ran before the error stays.
    pub async fn migrate(
        &self,
        address: &Address,
        options: &MigrateOptions,
        notice: impl Fn(&str),
    ) -> Result<Migrated, MigrateError> {
        run::migrate(self, connect(address).await?, options, notice).await
    }

    fn versions(&self) -> Vec<String> {
        self.0.iter().map(|migration| version(migration.as_ref())).collect()
    }

    fn find(&self, wanted: &str) -> Option<&dyn Migration<Pg>> {
        self.0.iter().map(AsRef::as_ref).find(|migration| version(*migration) == wanted)
    }
}

fn version(migration: &dyn Migration<Pg>) -> String {
    migration.name().version().to_string()
}

/// Compares the database's migrations with the embedded ones.
pub(super) async fn check(
    conn: &mut AsyncPgConnection,
) -> Result<Result<(), SchemaMismatch>, StoreError> {
    let known = Migrations::embedded()?.versions();
    Ok(fit::compare(&known, &ran(conn).await?))
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

#[derive(QueryableByName)]
struct Exists {
    #[diesel(sql_type = Bool)]
    exists: bool,
}

/// The versions of the migrations that have run, in order.
async fn ran(conn: &mut AsyncPgConnection) -> Result<Vec<String>, StoreError> {
    let rows: Result<Vec<Version>, _> =
        sql_query("SELECT version FROM __diesel_schema_migrations ORDER BY version COLLATE \"C\"")
            .load(conn)
            .await;
    let error = match rows {
        Ok(rows) => return Ok(rows.into_iter().map(|row| row.version).collect()),
        Err(error) => error,
    };
    // An empty database has no such table. This is asked only after an error, so that a check is
    // one statement.
    let table: Exists =
        sql_query("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS exists")
            .get_result(conn)
            .await?;
    if table.exists { Err(error.into()) } else { Ok(Vec::new()) }
}
