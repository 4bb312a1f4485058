//! Checks all rows of a file of new subjects against the accounts, and changes nothing.

use std::{collections::BTreeMap, io::Write as _};

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    BATCH, MoveError, Reason, ReasonCode, Step, SubjectMap,
    subject_map::{MapRow, Survey},
};
use crate::{
    store::{Accounts, ProviderMove, Rename, RenameState, Store},
    transfer::export::Output,
};

/// The most rows of which the summary shows a reason.
const EXAMPLES: usize = 20;

/// What the check of a file found.
#[derive(Debug, Default)]
pub struct Checked {
    /// The rows of the file.
    pub rows: u64,
    /// The accounts that the file names.
    pub found: Accounts,
    /// Of these, the accounts that would get another subject.
    pub renamed: i64,
    /// The rows whose account was deleted or released.
    pub deleted: i64,
    /// The accounts of the provider that the file does not name.
    pub unmapped: i64,
    /// How many rows are refused, for each reason.
    pub refused: BTreeMap<ReasonCode, u64>,
    /// The first of them: the place and the sentence.
    pub examples: Vec<String>,
}

impl Checked {
    /// Whether nothing may be changed. Rows that name no account block nothing.
    pub fn is_blocked(&self, keeps_unmapped: bool) -> bool {
        let blocks = |(reason, _): (&ReasonCode, &u64)| *reason != ReasonCode::Unknown;
        self.refused.iter().any(blocks) || self.unmapped > 0 && !keeps_unmapped
    }

    /// How many rows are refused.
    pub fn refused_rows(&self) -> u64 {
        self.refused.values().sum()
    }
}

/// A check.
pub(super) struct Check<'a> {
    pub store: &'a Store,
    pub order: &'a ProviderMove,
    pub map: &'a SubjectMap,
    pub survey: &'a Survey,
}

/// A refused row, as a line of the report.
#[derive(Serialize)]
struct Refused<'a> {
    place: &'a str,
    #[serde(flatten)]
    reason: &'a Reason,
}

impl Check<'_> {
    /// Checks all rows, and writes the refused ones to the report.
    ///
    /// # Errors
    /// [`MoveError`].
    pub(super) async fn run(
        &self,
        mut report: Option<Output>,
        stop: &CancellationToken,
        progress: &dyn Fn(Step),
    ) -> Result<Checked, MoveError> {
        let mut checked = Checked { rows: self.survey.rows, ..Checked::default() };
        let mut rows = self.map.rows();
        let mut done = 0;
        loop {
            let batch: Vec<MapRow> = rows.by_ref().take(BATCH).collect::<Result<_, _>>()?;
            if batch.is_empty() {
                break;
            }
            if stop.is_cancelled() {
                return Err(MoveError::Stopped);
            }
            done += u64::try_from(batch.len()).unwrap_or_default();
            self.judge(&batch, &mut checked, report.as_mut()).await?;
            progress(Step::Checking(done, self.survey.rows));
        }
        report.map_or(Ok(()), Output::finish)?;
        Ok(checked)
    }

    async fn judge(
        &self,
        batch: &[MapRow],
        checked: &mut Checked,
        mut report: Option<&mut Output>,
    ) -> Result<(), MoveError> {
        let renames: Vec<Rename> =
            batch.iter().filter_map(|row| row.rename.as_ref().ok().cloned()).collect();
        let mut session = self.store.session(&self.order.tenant).await?;
        let states = session.rename_states(&self.order.provider, &renames).await?;
        let mut states = states.into_iter();
        for row in batch {
            let refused = match &row.rename {
                Err(reason) => Some(reason.clone()),
                Ok(rename) => {
                    let state = states.next().ok_or(MoveError::Changed)?;
                    self.judge_row(row.number, rename, &state, checked)
                }
            };
            let Some(reason) = refused else { continue };
            let place = self.map.show(row.place);
            if let Some(report) = report.as_deref_mut() {
                let line = serde_json::to_string(&Refused { place: &place, reason: &reason })
                    .map_err(std::io::Error::from)?;
                writeln!(report, "{line}")?;
            }
            if checked.examples.len() < EXAMPLES {
                checked.examples.push(format!("{place}: {}", reason.description));
            }
            *checked.refused.entry(reason.reason).or_default() += 1;
        }
        Ok(())
    }

    /// Counts a row; returns why it is refused.
    fn judge_row(
        &self,
        number: u64,
        rename: &Rename,
        state: &RenameState,
        checked: &mut Checked,
    ) -> Option<Reason> {
        if let Some(repeated) = self.survey.repeated.get(&number) {
            let other = repeated.first().map(|(_, place)| self.map.show(*place));
            let text = format!(
                "A subject of this row is also in {}, as its old or its new one: each may be in one row only.",
                other.unwrap_or_default()
            );
            return Some(Reason::new(ReasonCode::Repeated, text));
        }
        if state.is_taken {
            let text = "The new subject is another account's here: two people would become one.";
            return Some(Reason::new(ReasonCode::SubjectTaken, text));
        }
        if state.is_tombstone {
            let text = "An account with the new subject was deleted or released here.";
            return Some(Reason::new(ReasonCode::Deleted, text));
        }
        match state {
            RenameState { is_account: true, digest, .. } => {
                checked.found.count += 1;
                checked.found.digest += i128::from(*digest);
                checked.renamed += i64::from(rename.old != rename.new);
                None
            }
            RenameState { was_deleted: true, .. } => {
                checked.deleted += 1;
                None
            }
            _ => Some(Reason::new(ReasonCode::Unknown, "No account has the old subject.")),
        }
    }
}
