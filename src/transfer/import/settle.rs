//! Settles batches: asks the database, and writes the users, the position and the counts together.

use std::io;

use chrono::{DateTime, Utc};
use futures_util::future::join;

use super::{
    ImportError, Source,
    attach::Attacher,
    judge::{Judgement, judge},
    outcome::{Outcome, Settled, number},
    reading::{Batch, NewUser, ReadRow, What},
    verdict::{GrowingFile, Refused, id_map_line},
};
use crate::{
    clock,
    domain::TenantId,
    store::{ImportRun, ImportedUser, LockKeys, Session, Store, StoreError, StoredNames},
};

/// How often a batch is tried as a whole, before its rows are written one by one.
const MAX_TRIES: usize = 3;

/// The files that grow with the batches.
pub(super) struct ReportFiles {
    /// The refused rows.
    pub report: GrowingFile,
    /// The ids of the source that could not stay.
    pub ids: GrowingFile,
}

/// Settles the batches of one run. While one of them commits, which takes the database a third of its
/// time, the next one is inserted in a transaction of its own. Its own commit comes after, so that the
/// position of the run never passes a batch that is not there.
pub(super) struct Settler<'a> {
    /// Inserts the batches.
    pub inserter: Inserter<'a>,
    /// Links the users that have accounts of rows; `None` if their rows are refused.
    pub attacher: Option<Attacher<'a>>,
    /// The files; `None` in a dry run, which writes nothing.
    pub files: Option<ReportFiles>,
    /// What became of the rows.
    pub settled: Settled,
    /// The batch to be committed next.
    pub pending: Option<Pending>,
}

/// Inserts batches.
#[derive(Clone, Copy)]
pub(super) struct Inserter<'a> {
    /// The database.
    pub store: &'a Store,
    /// The tenant.
    pub tenant_id: &'a TenantId,
    /// The files that are read, for their names.
    pub source: &'a Source,
    /// Whether the database is only asked.
    pub is_dry_run: bool,
    /// Whether the database is not asked for names before the inserts, which is quicker where all are
    /// new.
    pub expects_new: bool,
}

/// A batch, and its open transaction, or why there is none.
pub(super) struct Pending {
    batch: Batch,
    inserted: Result<Inserted, ImportError>,
}

/// The open transaction of a batch, which has its users.
struct Inserted {
    session: Session,
    /// The time of the transaction; `None` in a dry run, which has none.
    time: Option<DateTime<Utc>>,
    outcome: Outcome,
}

impl Settler<'_> {
    /// Inserts a batch, while the one before commits.
    ///
    /// # Errors
    /// [`ImportError`] of the batch before; then nothing of both is written.
    pub(super) async fn settle(&mut self, mut batch: Batch) -> Result<(), ImportError> {
        if let Some(attacher) = self.attacher {
            let found = attacher.find(&batch.rows).await?;
            if !found.is_empty() {
                // No transaction is open while links are made.
                self.commit_pending().await?;
                attacher.attach(&mut batch.rows, found).await?;
            }
        }
        let inserter = self.inserter;
        let (before, inserted) = join(self.commit_pending(), inserter.insert(&batch.rows)).await;
        before?;
        self.inserter.expects_new = !self.inserter.is_dry_run
            && inserted.as_ref().is_ok_and(|inserted| inserted.outcome.is_new());
        self.pending = Some(Pending { batch, inserted });
        Ok(())
    }

    /// Commits the last batch.
    ///
    /// # Errors
    /// [`ImportError`]; then nothing of the batch is written.
    pub(super) async fn commit_pending(&mut self) -> Result<(), ImportError> {
        let Some(Pending { batch, inserted }) = self.pending.take() else { return Ok(()) };
        let committed = match inserted {
            Ok(inserted) => self.commit(inserted, batch.end()).await,
            Err(error) => Err(error),
        };
        match committed {
            Err(ImportError::Store(StoreError::Conflict(_))) => self.settle_again(&batch).await,
            other => other,
        }
    }

    /// Records that all rows are settled.
    ///
    /// # Errors
    /// [`ImportError`].
    pub(super) async fn end(&mut self) -> Result<(), ImportError> {
        self.commit_pending().await?;
        if self.files.is_some() && self.settled.run.end_time.is_none() {
            let mut session = self.inserter.store.session(self.inserter.tenant_id).await?;
            self.settled.run.end_time = Some(clock::now());
            self.settled.run.update_time = clock::now();
            session.begin().await?;
            session.save_import_run(&self.settled.run);
            session.commit().await?;
        }
        Ok(())
    }

    /// Settles a batch for which another writer was faster.
    async fn settle_again(&mut self, batch: &Batch) -> Result<(), ImportError> {
        for _ in 1..MAX_TRIES {
            match self.try_settle(&batch.rows, batch.end()).await {
                Err(ImportError::Store(StoreError::Conflict(_))) => {}
                other => return other,
            }
        }
        // Another writer is faster each time: one row at a time, each conflict is one row's.
        for (end, row) in (batch.first + 1..).zip(batch.rows.chunks(1)) {
            self.settle_row(row, end).await?;
        }
        Ok(())
    }

    async fn settle_row(&mut self, row: &[ReadRow], end: u64) -> Result<(), ImportError> {
        for _ in 0..MAX_TRIES {
            match self.try_settle(row, end).await {
                Err(ImportError::Store(StoreError::Conflict(_))) => {}
                other => return other,
            }
        }
        Err(ImportError::Overtaken)
    }

    async fn try_settle(&mut self, rows: &[ReadRow], end: u64) -> Result<(), ImportError> {
        let inserted = self.inserter.insert(rows).await?;
        self.commit(inserted, end).await
    }

    /// Commits a batch together with the position and the counts, after the files have its lines.
    async fn commit(&mut self, inserted: Inserted, end: u64) -> Result<(), ImportError> {
        let Inserted { mut session, time, outcome } = inserted;
        let mut settled = self.settled.clone();
        settled.count(&outcome, end);
        if let (Some(files), Some(time)) = (&mut self.files, time) {
            settled.run.update_time = time;
            commit(&mut session, &outcome, files, &mut settled.run).await?;
        }
        self.settled = settled;
        Ok(())
    }
}

impl Inserter<'_> {
    /// Inserts the new users of these rows in a transaction.
    async fn insert(self, rows: &[ReadRow]) -> Result<Inserted, ImportError> {
        let mut session = self.store.session(self.tenant_id).await?;
        let users: Vec<&ImportedUser> = users(rows).map(|user| &user.imported).collect();
        if self.expects_new {
            // The inserts fail if a name is taken or was deleted: then the database is asked for all.
            let free: Vec<StoredNames> = users.iter().map(|user| StoredNames::free(user)).collect();
            let (new, outcome) = self.judge(rows, &free);
            match self.insert_new(&mut session, &new).await {
                Ok(time) => return Ok(Inserted { session, time, outcome }),
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let stored = session.stored_names(&users).await?;
        let (new, outcome) = self.judge(rows, &stored);
        let time = self.insert_new(&mut session, &new).await?;
        Ok(Inserted { session, time, outcome })
    }

    /// Inserts these users in a transaction, which is left open. Returns its time; `None` in a dry run.
    async fn insert_new(
        self,
        session: &mut Session,
        new: &[&ImportedUser],
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        if self.is_dry_run {
            return Ok(None);
        }
        let inserted = async {
            // No name is locked: see `crate::store::ImportedUser`.
            let now = session.begin_locked(&LockKeys::default()).await?;
            session.insert_imported(new, now)?;
            session.send().await?;
            Ok(Some(now))
        };
        let inserted = inserted.await;
        if inserted.is_err() {
            session.abandon().await?;
        }
        inserted
    }

    /// The users that are new, and what the rows come to.
    fn judge<'r>(
        &self,
        rows: &'r [ReadRow],
        stored: &[StoredNames],
    ) -> (Vec<&'r ImportedUser>, Outcome) {
        let (mut new, mut outcome) = (Vec::new(), Outcome::default());
        let mut stored = stored.iter();
        for ReadRow { place, what } in rows {
            let refused = match what {
                What::Skipped => {
                    outcome.skipped += 1;
                    continue;
                }
                What::Attached(row) => {
                    outcome.attach(row, &self.source.show(*place));
                    continue;
                }
                What::Refused(reasons) => reasons.clone(),
                What::User(row) => match stored.next().map(|stored| judge(row, stored)) {
                    None => continue,
                    Some(Judgement::Refused(reasons)) => {
                        outcome.refused_here += 1;
                        reasons
                    }
                    Some(Judgement::New) => {
                        outcome.rename(row.source_id.as_ref(), &row.imported.user.id);
                        outcome.created += 1;
                        new.push(&row.imported);
                        continue;
                    }
                    Some(Judgement::Present(id)) => {
                        outcome.rename(row.source_id.as_ref(), &id);
                        outcome.present += 1;
                        continue;
                    }
                },
            };
            outcome.refused.push((self.source.show(*place), refused));
        }
        (new, outcome)
    }
}

/// Commits what a batch comes to, after the files have it.
async fn commit(
    session: &mut Session,
    outcome: &Outcome,
    files: &mut ReportFiles,
    run: &mut ImportRun,
) -> Result<(), ImportError> {
    let (report, ids) = (files.report.length(), files.ids.length());
    let lines = outcome
        .refused
        .iter()
        .map(|(place, reasons)| line(&Refused { place: place.clone(), reasons }));
    files.report.append(lines.collect::<Result<String, _>>()?.as_bytes())?;
    let lines: String =
        outcome.renamed.iter().map(|(source, id)| id_map_line(source, id)).collect();
    files.ids.append(lines.as_bytes())?;
    run.report_bytes = number(files.report.length());
    run.ids_bytes = number(files.ids.length());
    let count = u32::try_from(outcome.created).unwrap_or(u32::MAX);
    session.save_import_run(run);
    let committed = match session.record_import(run.id, count, run.update_time) {
        Ok(()) => session.commit().await,
        Err(error) => Err(error),
    };
    match committed {
        // The batch may be there. The next run of the same command knows, and needs its lines.
        Ok(()) | Err(StoreError::CommitUnknown(_)) => {}
        Err(_) => {
            // If this fails, the pool discards the connection.
            drop(session.abandon().await);
            // The batch may be tried again, and would have its lines twice.
            files.report.cut(report)?;
            files.ids.cut(ids)?;
        }
    }
    Ok(committed?)
}

/// The users of the rows.
fn users(rows: &[ReadRow]) -> impl Iterator<Item = &NewUser> {
    rows.iter().filter_map(|row| match &row.what {
        What::User(user) => Some(&**user),
        What::Attached(_) | What::Skipped | What::Refused(_) => None,
    })
}

fn line(refused: &Refused<'_>) -> Result<String, io::Error> {
    Ok(format!("{}\n", serde_json::to_string(refused)?))
}
