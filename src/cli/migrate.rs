//! `migrate`: runs and reverses migrations, or shows them.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use clap::Args;
use serde_json::{Value, json};

use super::{ConfigFile, Failure, parse_duration, runtime, say};
use crate::store::{
    LOCK_TIMEOUT, MigrateError, MigrateOptions, Migrated, MigrationKind, MigrationStatus,
    Migrations, SchemaStatus, Target,
};

#[derive(Args)]
pub(super) struct MigrateArguments {
    #[command(flatten)]
    config: ConfigFile,
    /// Run contract migrations too: only when all servers run this release
    #[arg(long, conflicts_with = "to")]
    contract: bool,
    /// Run or reverse migrations until this one is the last that has run
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Let --to reverse migrations: what only the newer schema can hold is lost
    #[arg(long, requires = "to")]
    yes: bool,
    /// How long a migration may wait for a lock, while calls wait behind it; it is tried ten times
    #[arg(long, value_name = "TIME", default_value_t = LOCK_TIMEOUT.into(), value_parser = lock_timeout)]
    lock_timeout: humantime::Duration,
    /// Change nothing, and show which migrations have run
    #[arg(long, conflicts_with_all = ["contract", "to", "lock_timeout"])]
    status: bool,
    /// Show them as JSON
    #[arg(long, requires = "status")]
    json: bool,
}

pub(super) fn run(arguments: MigrateArguments) -> Result<(), Failure> {
    let MigrateArguments { config, contract, to, yes, lock_timeout, status, json } = arguments;
    let address = config.load_for_command()?.database.address;
    let migrations = Migrations::embedded()?;
    if status {
        let status = runtime()?.block_on(migrations.state_of(&address))?;
        return say(&if json { as_json(&status).to_string() } else { as_table(&status) });
    }
    let target = match to {
        Some(version) => Target::Version(version),
        None if contract => Target::Complete,
        None => Target::Rollout,
    };
    let lock_timeout = lock_timeout.into();
    let options = MigrateOptions { target, may_reverse: yes, lock_timeout };
    // If stderr is closed, the notice cannot be given.
    let notice = |text: &str| drop(writeln!(io::stderr(), "identity-link: {text}"));
    let migrated = runtime()?.block_on(migrations.migrate(&address, &options, notice));
    let Migrated { reversed, ran, left } = migrated.map_err(refused)?;
    if reversed.is_empty() && ran.is_empty() {
        say("the schema is up to date")?;
    }
    for (what, versions) in [("reversed", reversed), ("migrated", ran)] {
        if !versions.is_empty() {
            say(&format!("{what}: {}", versions.join(", ")))?;
        }
    }
    if !left.is_empty() {
        let left = left.join(", ");
        say(&format!("left for `migrate --contract`, when all servers run this release: {left}"))?;
    }
    Ok(())
}

/// What only other options cure has the exit code for wrong options.
fn refused(error: MigrateError) -> Failure {
    match error {
        MigrateError::UnknownVersion { .. } | MigrateError::WouldReverse(_) => {
            Failure::usage(error.to_string())
        }
        _ => error.into(),
    }
}

fn lock_timeout(text: &str) -> Result<humantime::Duration, String> {
    let bounds = Duration::from_millis(1)..=Duration::from_secs(3600);
    match parse_duration(text)? {
        timeout if bounds.contains(&timeout) => Ok(timeout.into()),
        _ => Err("must be from 1ms to 1h".to_owned()),
    }
}

fn kind(migration: &MigrationStatus) -> Option<&'static str> {
    migration.kind.map(MigrationKind::word)
}

/// Whether it has run, and whether this release knows it.
fn state(migration: &MigrationStatus) -> &'static str {
    match (migration.has_run, &migration.name) {
        (true, Some(_)) => "applied",
        (true, None) => "applied, and unknown to this release",
        (false, _) => "pending",
    }
}

/// A line per migration, and a sentence.
fn as_table(status: &SchemaStatus) -> String {
    let cells = |migration: &MigrationStatus| {
        [
            migration.version.clone(),
            kind(migration).unwrap_or("-").to_owned(),
            migration.name.clone().unwrap_or_else(|| "-".to_owned()),
            state(migration).to_owned(),
        ]
    };
    let head = ["version", "kind", "name", "state"].map(str::to_owned);
    let rows: Vec<[String; 4]> =
        std::iter::once(head).chain(status.migrations.iter().map(cells)).collect();
    let width = |column| {
        let cells = rows.iter().filter_map(|row| row.get::<usize>(column));
        cells.map(String::len).max().unwrap_or_default()
    };
    let (versions, kinds, names) = (width(0), width(1), width(2));
    let lines = rows.iter().map(|[version, kind, name, state]| {
        format!("{version:versions$}  {kind:kinds$}  {name:names$}  {state}\n")
    });
    let sentence = match &status.fits {
        Ok(()) => "this release serves on this schema".to_owned(),
        Err(mismatch) => mismatch.to_string(),
    };
    format!("{}{sentence}", lines.collect::<String>())
}

fn as_json(status: &SchemaStatus) -> Value {
    let migrations = status.migrations.iter().map(|migration| {
        json!({
            "version": migration.version,
            "kind": kind(migration),
            "name": migration.name,
            "applied": migration.has_run,
            "known": migration.name.is_some(),
        })
    });
    json!({
        "migrations": migrations.collect::<Vec<Value>>(),
        "serves": status.fits.is_ok(),
        "reason": status.fits.as_ref().err().map(ToString::to_string),
    })
}
