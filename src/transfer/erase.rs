//! Erases users by a list of ids, as the operator.
//!
//! Each user is deleted as `DeleteUser` deletes it, with all users that it has absorbed, in a
//! transaction of its own. An id that is deleted already counts as such: so a run that was interrupted
//! anywhere is begun again with the same list.

use std::{
    collections::HashSet,
    io::{self, Write as _},
};

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    export::Output,
    id_list::{IdList, IdListWriter},
};
use crate::{
    domain::{TenantId, UserId},
    store::{IdState, Store, StoreError},
    use_cases::{Error, delete_as_operator},
};

/// How many ids are looked up at once.
const BATCH: usize = 200;

/// What became of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its user was deleted, with all that it had absorbed.
    Deleted,
    /// Its user was deleted with the user that held it, which is in the list too.
    WithHolder,
    /// Its user had been deleted before.
    Already,
    /// The user was not deleted: another user, which is not in the list, holds it.
    Absorbed,
    /// No user ever had the id.
    Unknown,
    /// Other calls change the user again and again.
    Busy,
}

/// How many ids had each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// [`Outcome::Deleted`].
    pub deleted: u64,
    /// The users that were deleted because one of these had absorbed them.
    pub absorbed: u64,
    /// [`Outcome::WithHolder`].
    pub with_holder: u64,
    /// [`Outcome::Already`].
    pub already: u64,
    /// The ids that were refused.
    pub refused: u64,
}

/// Why an erasure ended early. What was deleted before it stays deleted.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The database does not respond, or responds with an error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The report cannot be written.
    #[error("the report cannot be written: {0}")]
    Report(#[from] io::Error),
    /// The copy of the list cannot be read.
    #[error("the temporary copy of the list cannot be used: {0}")]
    List(#[source] io::Error),
    /// A defect of this program.
    #[error("a user could not be deleted: {0}")]
    Fault(String),
    /// A stop was requested.
    #[error(
        "stopped before the end: what was deleted stays deleted, and the same command deletes the rest"
    )]
    Stopped,
}

/// An erasure of the users of a list.
pub struct Erase<'a> {
    /// The database.
    pub store: &'a Store,
    /// The tenant of the users.
    pub tenant: &'a TenantId,
    /// The ids.
    pub ids: &'a IdList,
    /// Whether nothing is changed.
    pub dry_run: bool,
}

/// A line of the report.
#[derive(Serialize)]
struct Line<'a> {
    line: u64,
    id: &'a UserId,
    outcome: Outcome,
    /// The user that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<&'a UserId>,
}

impl Erase<'_> {
    /// Deletes the users. Each id gets a line in the report. `done` gets the number of ids that are
    /// settled.
    ///
    /// # Errors
    /// [`EraseError`].
    pub async fn run(
        &self,
        report: Option<Output>,
        stop: &CancellationToken,
        done: &dyn Fn(u64),
    ) -> Result<Erased, EraseError> {
        let mut run = Run { erased: Erased::default(), report, count: 0, taken: HashSet::new() };
        let mut left = IdListWriter::new().map_err(EraseError::List)?;
        for ids in self.ids.chunks(BATCH).map_err(EraseError::List)? {
            let ids = ids.map_err(EraseError::List)?;
            for (id, state) in self.states(&ids).await? {
                if stop.is_cancelled() {
                    run.finish()?;
                    return Err(EraseError::Stopped);
                }
                match state {
                    // Its holder may be in the list, and is deleted first.
                    IdState::Absorbed(_) => left.push(id.0, id.1).map_err(EraseError::List)?,
                    state => self.settle(&mut run, id, &state).await?,
                }
                done(run.count);
            }
        }
        let left = left.finish().map_err(EraseError::List)?;
        for ids in left.chunks(BATCH).map_err(EraseError::List)? {
            let ids = ids.map_err(EraseError::List)?;
            for (id, state) in self.states(&ids).await? {
                if stop.is_cancelled() {
                    run.finish()?;
                    return Err(EraseError::Stopped);
                }
                match state {
                    IdState::Deleted(_) => run.note(id, Outcome::WithHolder, None)?,
                    IdState::Absorbed(ref absorbed) if run.taken.contains(id.0) => {
                        run.note(id, Outcome::WithHolder, Some(&absorbed.into))?;
                    }
                    state => self.settle(&mut run, id, &state).await?,
                }
                done(run.count);
            }
        }
        run.finish()
    }

    async fn states<'i>(
        &self,
        ids: &'i [(UserId, u64)],
    ) -> Result<Vec<((&'i UserId, u64), IdState)>, EraseError> {
        let names: Vec<UserId> = ids.iter().map(|(id, _)| id.clone()).collect();
        let states = self.store.reads(self.tenant)?.id_states(&names).await?;
        Ok(ids.iter().map(|(id, line)| (id, *line)).zip(states).collect())
    }

    async fn settle(
        &self,
        run: &mut Run,
        id: (&UserId, u64),
        state: &IdState,
    ) -> Result<(), EraseError> {
        let outcome = match state {
            IdState::Deleted(_) => Outcome::Already,
            IdState::Unknown => Outcome::Unknown,
            IdState::Absorbed(absorbed) => {
                return run.note(id, Outcome::Absorbed, Some(&absorbed.into));
            }
            IdState::Live { .. } => {
                match delete_as_operator(self.store, self.tenant, id.0, self.dry_run).await {
                    Ok(deleted) => {
                        let others = deleted.len().saturating_sub(1);
                        run.erased.absorbed += u64::try_from(others).unwrap_or_default();
                        if self.dry_run {
                            // The database does not say so afterwards.
                            run.taken.extend(deleted.into_iter().filter(|other| other != id.0));
                        }
                        Outcome::Deleted
                    }
                    Err(Error::Stale) => Outcome::Busy,
                    Err(Error::Store(error)) => return Err(error.into()),
                    Err(error) => return Err(EraseError::Fault(format!("{error:?}"))),
                }
            }
        };
        run.note(id, outcome, None)
    }
}

/// An erasure that runs.
struct Run {
    erased: Erased,
    report: Option<Output>,
    count: u64,
    /// The absorbed users that a dry run would have deleted.
    taken: HashSet<UserId>,
}

impl Run {
    fn note(
        &mut self,
        (id, line): (&UserId, u64),
        outcome: Outcome,
        holder: Option<&UserId>,
    ) -> Result<(), EraseError> {
        self.count += 1;
        *match outcome {
            Outcome::Deleted => &mut self.erased.deleted,
            Outcome::WithHolder => &mut self.erased.with_holder,
            Outcome::Already => &mut self.erased.already,
            Outcome::Absorbed | Outcome::Unknown | Outcome::Busy => &mut self.erased.refused,
        } += 1;
        if let Some(report) = &mut self.report {
            let line = Line { line, id, outcome, holder };
            let line = serde_json::to_string(&line).map_err(io::Error::from)?;
            writeln!(report, "{line}")?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Erased, EraseError> {
        self.report.take().map_or(Ok(()), Output::finish)?;
        Ok(self.erased)
    }
}
