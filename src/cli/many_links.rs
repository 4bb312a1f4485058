//! What the commands share that make or undo many links: their options, their pauses and their
//! reports.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write as _},
    num::NonZeroU32,
    path::PathBuf,
    sync::Arc,
};

use clap::Args;

use super::{EX_INTERRUPTED, EX_PARTLY, Failure, output_file::cannot_write, progress::Progress};
use crate::{
    config::Config,
    store::Store,
    telemetry::metrics::Metrics,
    transfer::plans::{Busy, PlansError, Report, SkipReason},
    use_cases::UseCases,
};

/// How many connections such a command uses: one for its writes, and one with which it looks whether
/// others wait.
const CONNECTIONS: usize = 2;

#[derive(Args)]
pub(super) struct ManyLinks {
    /// Write nothing, and say what would happen to each link alone
    #[arg(long)]
    pub dry_run: bool,
    /// How many links per second at most
    #[arg(long, value_name = "NUMBER", default_value = "50")]
    pub rate: NonZeroU32,
    /// The file for the verdict on each link, a line of JSON, which must not exist
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl ManyLinks {
    /// The report, if one is asked for.
    pub(super) fn report(&self) -> Result<Report, Failure> {
        match &self.report {
            Some(file) => Report::create(file).map_err(|error| cannot_write(file, &error)),
            None => Ok(Report::default()),
        }
    }
}

/// The use cases of a command.
pub(super) async fn use_cases(config: &Config) -> Result<Arc<UseCases>, Failure> {
    let (address, policies) = (&config.database.address, config.policies());
    let store = Store::open(address, CONNECTIONS, policies, &Metrics::default()).await?;
    Ok(Arc::new(UseCases::of_command(store, config.tenants.clone())))
}

/// Says that a pause begins, and why, or that it ends.
pub(super) fn say_pause(busy: Option<Busy>) {
    // If stderr is closed, it cannot be said.
    let _ = match busy {
        Some(busy) => writeln!(io::stderr(), "paused: {busy}"),
        None => writeln!(io::stderr(), "going on"),
    };
}

/// Ends a command: prints what was done, and fails if it ended early or left links out.
pub(super) fn conclude(
    progress: &Progress,
    outcome: Result<(), PlansError>,
    mut text: String,
    skipped: &BTreeMap<SkipReason, u64>,
) -> Result<(), Failure> {
    progress.end();
    let all: u64 = skipped.values().sum();
    let _ = write!(text, ", skipped: {all}");
    for (reason, count) in skipped {
        let _ = write!(text, "\n  {}: {count}", reason.word());
    }
    super::say(&text)?;
    match outcome {
        Ok(()) if all == 0 => Ok(()),
        Ok(()) => {
            let were = if all == 1 { "link was" } else { "links were" };
            Err(Failure { text: format!("{all} {were} skipped"), code: EX_PARTLY })
        }
        Err(error) => {
            let code = if matches!(error, PlansError::Stopped) { EX_INTERRUPTED } else { 1 };
            Err(Failure {
                text: format!("{error}: what is done stays, and the same command continues"),
                code,
            })
        }
    }
}
