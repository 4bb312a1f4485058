//! What became of a batch, and of all rows so far.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    reading::Attached,
    verdict::{Reason, ReasonCode},
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
}

/// Rows with the same reason.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// How many there are.
    pub count: u64,
    /// The first of them: the place, the field and the sentence.
    pub examples: Vec<String>,
}

/// What a batch comes to.
#[derive(Default)]
pub(super) struct Outcome {
    /// The users of the batch itself.
    pub created: usize,
    /// The users that were created before the batch, each with an event of its own.
    pub created_before: usize,
    /// The users that were there.
    pub present: i64,
    /// The rows that are no users.
    pub skipped: i64,
    /// The refused rows.
    pub refused: Vec<(String, Vec<Reason>)>,
    /// How many of them are refused because of what the database has.
    pub refused_here: usize,
    /// The ids of the source that could not stay, with those here.
    pub renamed: Vec<(String, UserId)>,
    /// The users that were attached: a line for each.
    pub attached: Vec<String>,
}

impl Outcome {
    /// Whether the database had none of the names.
    pub(super) fn is_new(&self) -> bool {
        self.present == 0 && self.refused_here == 0
    }

    pub(super) fn rename(&mut self, source_id: Option<&String>, id: &UserId) {
        self.renamed.extend(source_id.map(|source_id| (source_id.clone(), id.clone())));
    }

    /// Counts a row whose user has its event already, as it was created before its batch.
    pub(super) fn attach(&mut self, row: &Attached, place: &str) {
        self.rename(row.source_id.as_ref(), &row.user);
        if row.is_created {
            self.created_before += 1;
        } else {
            self.present += 1;
        }
        let lines = row.linked.iter().map(|user| format!("{place}: {user} into {}", row.user));
        self.attached.extend(lines);
    }
}

impl Settled {
    /// Nothing of this process yet.
    pub(super) fn of(run: ImportRun) -> Self {
        Self { run, reasons: BTreeMap::new(), attached: Rows::default() }
    }

    /// Counts a batch up to the row before number `end`.
    pub(super) fn count(&mut self, outcome: &Outcome, end: u64) {
        self.run.rows = number(end);
        self.run.created += number(outcome.created + outcome.created_before);
        self.run.present += outcome.present;
        self.run.skipped += outcome.skipped;
        self.run.refused += number(outcome.refused.len());
        for line in &outcome.attached {
            self.attached.count += 1;
            self.attached.show(|| line.clone());
        }
        for (place, reasons) in &outcome.refused {
            let mut counted = BTreeSet::new();
            for reason in reasons {
                let rows = self.reasons.entry(reason.reason).or_default();
                rows.count += u64::from(counted.insert(reason.reason));
                rows.show(|| format!("{place}: {reason}"));
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
pub(super) fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}
