//! The question before a change, after its preview.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use clap::Args;

use super::{
    super::{EX_NOT_CONFIRMED, Failure, say},
    connection::OutputForm,
};
use crate::auth::StatedReason;

#[derive(Args)]
pub(in crate::cli) struct Confirmation {
    /// Make the change without a preview and without a question
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Show the preview, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    reason: ReasonArgument,
}

/// Why a change is made.
#[derive(Args)]
pub(in crate::cli) struct ReasonArgument {
    /// Why, for the people who read the history, such as the number of a ticket: at most 500 characters
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<StatedReason>,
}

/// What follows the preview of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// The change, without a preview.
    Change,
    /// Nothing: the preview is the result.
    Preview,
    /// A question.
    Ask,
}

impl Confirmation {
    pub(super) fn reason(&self) -> Option<&StatedReason> {
        self.reason.reason.as_ref()
    }

    pub(super) fn plan(&self) -> Plan {
        Plan::of(self.yes, self.dry_run)
    }
}

impl Plan {
    /// The plan by the options `--yes` and `--dry-run`, which exclude each other.
    pub(super) fn of(yes: bool, dry_run: bool) -> Self {
        match (yes, dry_run) {
            (true, _) => Self::Change,
            (false, true) => Self::Preview,
            (false, false) => Self::Ask,
        }
    }

    /// Shows the preview of a change, and asks whether to make it. Returns whether to make it: for a
    /// plan of a preview alone it is the result of the command. `preview` is its text in a form.
    ///
    /// # Errors
    /// If the person declines, and if there is no terminal on which to ask: nothing is changed.
    pub(super) fn confirmed(
        self,
        output: OutputForm,
        preview: impl Fn(OutputForm) -> Result<String, Failure>,
        question: &str,
    ) -> Result<bool, Failure> {
        match self {
            Self::Change => Ok(true),
            Self::Preview => say(&preview(output)?).map(|()| false),
            Self::Ask if can_ask() => ask(&preview(OutputForm::Table)?, question).map(|()| true),
            Self::Ask => {
                say(&preview(output)?)?;
                Err(not_confirmed(
                    "nothing was changed: there is no terminal on which to ask. --yes makes the change, and --dry-run shows it alone",
                ))
            }
        }
    }
}

/// Whether a person can be asked.
fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question after this preview. Only `y` and `yes` agree. Both are on stderr: stdout has
/// results alone.
fn ask(preview: &str, question: &str) -> Result<(), Failure> {
    let mut stderr = io::stderr();
    write!(stderr, "{preview}\n\n{question} [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(not_confirmed("nothing was changed")),
    }
}

fn not_confirmed(text: &str) -> Failure {
    Failure { text: text.to_owned(), code: EX_NOT_CONFIRMED }
}
