//! What became of a batch, and of all rows so far.

use std::collections::BTreeMap;

use super::{
    Source,
    verdict::{ReasonCode, RefusedRow, RowVerdict, Verdict},
};
use crate::{domain::UserId, store::ImportRun};

/// The most rows of which the summary shows a reason.
const EXAMPLES: usize = 20;

/// What became of the rows so far.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The run, with its counts.
    pub run: ImportRun,
    /// For each reason, how many rows of this process have it, and the first of them.
    pub reasons: BTreeMap<ReasonCode, Rows>,
    /// How many users this process linked into users of rows, or in a dry run would link, and the
    /// first of them.
    pub attached: Rows,
    /// The new users that share a verified email with a user that was here before.
    pub shared: Rows,
}

/// Rows with the same reason.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// How many there are.
    pub count: u64,
    /// The first of them: the place, and all fields with their sentences.
    pub examples: Vec<String>,
}

/// What a batch comes to.
#[derive(Default)]
pub(super) struct Outcome {
    /// What became of each row.
    pub verdicts: Vec<RowVerdict>,
    /// The users of the batch itself. Those that were created before it have events of their own.
    pub created: usize,
    /// Whether the database had none of the names.
    pub is_new: bool,
    /// The ids of the source that could not stay, with those here.
    pub renamed: Vec<(String, UserId)>,
    /// The new users that share a verified email with one that was here: a line for each.
    pub shared: Vec<String>,
}

impl Outcome {
    pub(super) fn rename(&mut self, source_id: Option<&String>, id: &UserId) {
        self.renamed.extend(source_id.map(|source_id| (source_id.clone(), id.clone())));
    }
}

impl Settled {
    /// Nothing of this process yet.
    pub(super) fn of(run: ImportRun) -> Self {
        Self { run, reasons: BTreeMap::new(), attached: Rows::default(), shared: Rows::default() }
    }

    /// Counts a batch up to the row before number `end`.
    pub(super) fn count(&mut self, outcome: &Outcome, end: u64, source: &Source) {
        self.run.rows = number(end);
        for line in &outcome.shared {
            self.shared.count += 1;
            self.shared.show(|| line.clone());
        }
        for RowVerdict { place, verdict } in &outcome.verdicts {
            match verdict {
                Verdict::Created(_) => self.run.created += 1,
                Verdict::Present(_) => self.run.present += 1,
                Verdict::Skipped => self.run.skipped += 1,
                Verdict::Attached { user, is_created, linked } => {
                    if *is_created {
                        self.run.created += 1;
                    } else {
                        self.run.present += 1;
                    }
                    for earlier in linked {
                        self.attached.count += 1;
                        let line = || format!("{}: {earlier} into {user}", source.show(*place));
                        self.attached.show(line);
                    }
                }
                Verdict::Refused(RefusedRow { reasons, .. }) => {
                    self.run.refused += 1;
                    let mut of_row: BTreeMap<ReasonCode, Vec<String>> = BTreeMap::new();
                    for reason in reasons {
                        of_row.entry(reason.reason).or_default().push(reason.to_string());
                    }
                    for (code, texts) in of_row {
                        let rows = self.reasons.entry(code).or_default();
                        rows.count += 1;
                        rows.show(|| format!("{}: {}", source.show(*place), texts.join("\n    ")));
                    }
                }
            }
        }
    }
}

impl Rows {
    /// Shows an example, if few are shown.
    fn show(&mut self, example: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }
}

/// A count as the database has it.
fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}
