//! The question before a change, after its preview.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use clap::Args;

use super::super::{EX_NOT_CONFIRMED, Failure};

#[derive(Args)]
pub(in crate::cli) struct Confirmation {
    /// Make the change without a preview and without a question
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Show the preview, and change nothing
    #[arg(long)]
    dry_run: bool,
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
    pub(super) fn plan(&self) -> Plan {
        match (self.yes, self.dry_run) {
            (true, _) => Plan::Change,
            (false, true) => Plan::Preview,
            (false, false) => Plan::Ask,
        }
    }
}

/// Whether a person can be asked.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Shows the preview of a change, and asks whether to make it. Only `y` and `yes` do. Both are on
/// stderr: stdout has results alone.
///
/// # Errors
/// If the person declines: nothing is changed.
pub(super) fn ask(preview: &str, question: &str) -> Result<(), Failure> {
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

/// The failure where there is no person to ask.
pub(super) fn no_terminal() -> Failure {
    not_confirmed(
        "nothing was changed: there is no terminal on which to ask. --yes makes the change, and --dry-run shows it alone",
    )
}

fn not_confirmed(text: &str) -> Failure {
    Failure { text: text.to_owned(), code: EX_NOT_CONFIRMED }
}
