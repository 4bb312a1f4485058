//! What the commands share that make or undo many links: their options, their pauses and their
//! reports.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    num::NonZeroU32,
    path::PathBuf,
    sync::Arc,
};

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{
    EX_INTERRUPTED, EX_PARTLY, Failure, client::ReasonArgument, output_file::cannot_write,
    progress::Progress, serve::on_signal,
};
use crate::{
    auth::{Permit, StatedReason},
    config::CommandConfig,
    domain::TenantId,
    store::Store,
    telemetry::metrics::Metrics,
    transfer::{
        export::Output,
        lines::FileLines,
        plans::{Busy, Counts, Pace, PlansError, SkipReason},
    },
    use_cases::UseCases,
};

/// How many links are made at once at most. Few machines commit faster with more.
const AT_ONCE: usize = 6;
/// How many connections such a command uses: one for each link, one with which it looks what the plan
/// has made, and whether others wait, and one to spare.
const CONNECTIONS: usize = AT_ONCE + 2;

#[derive(Args)]
pub(super) struct ManyLinks {
    /// Write nothing, and say what would happen to each link alone
    #[arg(long)]
    pub dry_run: bool,
    /// How many links per second at most
    #[arg(long, value_name = "NUMBER", default_value = "50")]
    rate: NonZeroU32,
    /// The file for the verdict on each link, a line of JSON, which must not exist
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    reason: ReasonArgument,
}

/// What such a command works with.
pub(super) struct Tools {
    /// The use cases, of the command's configuration.
    pub use_cases: Arc<UseCases>,
    /// How fast it goes.
    pub pace: Pace<'static>,
    /// Where the verdicts go.
    pub report: FileLines,
    /// Is cancelled by a signal.
    pub stop: CancellationToken,
}

impl ManyLinks {
    /// Why the changes are made.
    pub(super) fn reason(&self) -> Option<&StatedReason> {
        self.reason.reason.as_ref()
    }

    /// The permission of the operator, for changes that are made for this reason.
    pub(super) fn permit(&self, tenant: TenantId) -> Permit {
        Permit::of_operator(tenant).because(self.reason().cloned())
    }

    /// What the command works with. Needs a runtime.
    pub(super) async fn tools(&self, config: &CommandConfig) -> Result<Tools, Failure> {
        let stop = on_signal()?;
        let (address, policies) = (&config.database.address, config.policies());
        let store = Store::open(address, CONNECTIONS, policies, &Metrics::default()).await?;
        let pace = Pace::new(&store, self.rate, AT_ONCE, &say_pause);
        let use_cases = Arc::new(UseCases::of_command(store, config.tenants.clone()));
        Ok(Tools { use_cases, pace, report: self.report()?, stop })
    }

    /// The report, if one is asked for.
    fn report(&self) -> Result<FileLines, Failure> {
        match &self.report {
            Some(file) => {
                let output = Output::create(file, false);
                output.map(FileLines::from).map_err(|error| cannot_write(file, &error))
            }
            None => Ok(FileLines::default()),
        }
    }

    /// Shows how far a command is that does this.
    pub(super) fn progress(
        &self,
        doing: &'static str,
        of: &'static str,
        total: Option<u64>,
    ) -> Progress {
        Progress::new(if self.dry_run { "checking" } else { doing }, of, total)
    }
}

/// Says that a pause begins, and why, or that it ends.
fn say_pause(busy: Option<Busy>) {
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
    Counts { skipped, marks, .. }: &Counts,
) -> Result<(), Failure> {
    progress.end();
    let all: u64 = skipped.values().sum();
    let _ = write!(text, ", skipped: {all}");
    for (reason, count) in skipped {
        let _ = write!(text, "\n  {}: {count}", reason.word());
        // A line may have several marks.
        for (mark, count) in marks.iter().filter(|_| *reason == SkipReason::Marked) {
            let _ = write!(text, "\n    {}: {count}", mark.escape_debug());
        }
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
