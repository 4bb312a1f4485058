//! `migrate`, and what a server does on a schema that is newer than its own.

mod locks;
mod reversed;
mod status;

use std::path::Path;

use identity_link::store::{
    Address, LOCK_TIMEOUT, MigrateError, MigrateOptions, Migrated, Migrations, Target,
};

use crate::{
    migrations::OfLaterReleases,
    support::{
        child::{Ran, binary, run_command},
        cluster::Database,
    },
};

/// The last migration of this release.
const BASE: &str = "20261204000013.expand";

/// Runs `migrate` with these options.
fn migrate(config: &Path, options: &[&str]) -> Ran {
    let mut command = binary(&["migrate", "--config", config.to_str().unwrap()]);
    command.args(options);
    run_command(command)
}

/// The exit code, and all that it printed.
fn said(ran: Ran) -> String {
    let Ran { code, stdout, stderr } = ran;
    format!("{} {stdout}{stderr}", code.unwrap())
}

/// What a later release's `migrate` does, here with this limit on the wait for a lock.
async fn later_with(
    database: &Database,
    target: Target,
    may_reverse: bool,
    lock_timeout: std::time::Duration,
) -> Result<Migrated, MigrateError> {
    let migrations = Migrations::new(&OfLaterReleases).unwrap();
    let options = MigrateOptions { target, may_reverse, lock_timeout };
    migrations.migrate(&Address::parse(&database.url).unwrap(), &options, |_| {}).await
}

/// What a later release's `migrate` does.
pub(crate) async fn later(
    database: &Database,
    target: Target,
    may_reverse: bool,
) -> Result<Migrated, MigrateError> {
    later_with(database, target, may_reverse, LOCK_TIMEOUT).await
}

/// The target with this version.
pub(crate) fn to(version: &str) -> Target {
    Target::Version(version.to_owned())
}
