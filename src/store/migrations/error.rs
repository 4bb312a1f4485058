//! Why migrations were not run.

use std::time::Duration;

use humantime::format_duration;

use super::{ATTEMPTS, SchemaMismatch};
use crate::store::StoreError;

/// Why migrations were not run, or not all of them.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database has a schema that this binary does not know well enough.
    #[error(transparent)]
    Schema(#[from] SchemaMismatch),
    /// There is no such version.
    #[error("{asked} is not a version of a migration: this release has {known}")]
    UnknownVersion {
        /// The version that was asked for.
        asked: String,
        /// All versions that there are.
        known: String,
    },
    /// Migrations that this binary does not know would have to be reversed.
    #[error("this release cannot reverse what it does not know ({0}): use the release that ran it")]
    Irreversible(String),
    /// Migrations would be reversed without consent.
    #[error(
        "this reverses {0}, and what only the newer schema can hold is lost: add --yes if that is intended"
    )]
    WouldReverse(String),
    /// A contract is pending among migrations that need it.
    #[error(
        "{contract} of an earlier release is pending, and {next} comes after it: run `identity-link migrate --to {contract}` first, when all servers run a release that has it"
    )]
    ContractPending {
        /// The contract.
        contract: String,
        /// The first migration that comes after it.
        next: String,
    },
    /// Other transactions held the locks that a migration needs.
    #[error(
        "{version} did not get its locks within {}, {ATTEMPTS} times, and was rolled back: find the long transaction in pg_stat_activity, and run it again when that has ended",
        format_duration(*.timeout)
    )]
    Locked {
        /// The migration.
        version: String,
        /// How long it waited each time.
        timeout: Duration,
    },
    /// A statement of a migration failed.
    #[error("a migration failed: {0}")]
    Failed(String),
}
