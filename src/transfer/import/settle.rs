//! Settles batches: asks the database, and writes the users, the position and the counts together.

use std::mem;

use chrono::{DateTime, Utc};
use futures_util::future::join;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    ImportError, Source,
    attach::Attacher,
    judge::{Judgement, judge},
    outcome::{Outcome, Settled},
    reading::{Batch, NewUser, ReadRow, What},
    report::{DryRunReport, JobReport, ReportFiles, VerdictSender},
    sharing::Sharing,
    verdict::{RowVerdict, Verdict},
};
use crate::{
    clock,
    domain::TenantId,
    store::{ImportRun, ImportedUser, LockKeys, Session, Store, StoreError, StoredNames},
};

/// How often a batch is tried as a whole, before its rows are written one by one.
const MAX_TRIES: usize = 3;

/// Where the verdicts go besides the counts.
pub(super) enum Report {
    /// Nowhere.
    Counts,
    /// Into these files; the database keeps how far the run came.
    Files(ReportFiles),
    /// Into this file, of a dry run.
    DryRun(DryRunReport),
    /// To this receiver.
    Receiver(VerdictSender),
    /// To the lines of this job.
    Job(JobReport),
}

/// Settles the batches of one run. While one of them commits, which takes the database a third of its
/// time, the next one is inserted in a transaction of its own. Its own commit comes after, so that the
/// position of the run never passes a batch that is not there.
pub(super) struct Settler<'a> {
    /// Inserts the batches.
    pub inserter: Inserter<'a>,
    /// Links the users that have accounts of rows; `None` if their rows are refused.
    pub attacher: Option<Attacher<'a>>,
    /// Where the verdicts go.
    pub report: Report,
    /// What became of the rows.
    pub settled: Settled,
    /// The verdicts that the receiver has not been sent.
    pub unsent: Vec<RowVerdict>,
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
    /// The search for users that share an email; `None` if the tenant had no user with one.
    pub sharing: Option<Sharing<'a>>,
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
            && inserted.as_ref().is_ok_and(|inserted| inserted.outcome.is_new);
        self.pending = Some(Pending { batch, inserted });
        Ok(())
    }

    /// Waits until the receiver can be sent the verdicts of one more batch. No transaction is open
    /// meanwhile: it would hold back others for as long as the receiver likes.
    ///
    /// # Errors
    /// [`ImportError`] of the batch before; [`ImportError::Stopped`] also if the receiver has gone;
    /// [`ImportError::Unread`].
    pub(super) async fn make_room(&mut self, stop: &CancellationToken) -> Result<(), ImportError> {
        let Report::Receiver(VerdictSender { verdicts, patience }) = &self.report else {
            return Ok(());
        };
        if verdicts.capacity() >= VerdictSender::ROOM {
            return Ok(());
        }
        let (verdicts, patience) = (verdicts.clone(), *patience);
        self.commit_pending().await?;
        let room = timeout(patience, verdicts.reserve_many(VerdictSender::ROOM));
        match stop.run_until_cancelled(room).await {
            Some(Ok(Ok(_))) => Ok(()),
            Some(Err(_)) => Err(ImportError::Unread),
            None | Some(Ok(Err(_))) => Err(ImportError::Stopped),
        }
    }

    /// Commits the last batch, and sends its verdicts.
    ///
    /// # Errors
    /// [`ImportError`]; then nothing of the batch is written, or only its first rows.
    pub(super) async fn commit_pending(&mut self) -> Result<(), ImportError> {
        let Some(Pending { batch, inserted }) = self.pending.take() else { return Ok(()) };
        let committed = match inserted {
            Ok(inserted) => self.commit(inserted, batch.end()).await,
            Err(error) => Err(error),
        };
        let settled = match committed {
            Err(error) if is_others(&error) => self.settle_again(&batch).await,
            other => other,
        };
        if let Report::Receiver(sender) = &self.report {
            let unsent = mem::take(&mut self.unsent);
            // There is room, so this fails only if the receiver has gone, which ends the run soon.
            drop(sender.verdicts.try_send(unsent));
        }
        settled
    }

    /// Records that all rows are settled.
    ///
    /// # Errors
    /// [`ImportError`].
    pub(super) async fn end(&mut self) -> Result<(), ImportError> {
        self.commit_pending().await?;
        if matches!(self.report, Report::Files(_)) && self.settled.run.end_time.is_none() {
            let mut session = self.inserter.store.session(self.inserter.tenant_id).await?;
            self.settled.run.end_time = Some(clock::now());
            self.settled.run.update_time = clock::now();
            session.begin().await?;
            session.save_import_run(&self.settled.run);
            session.commit().await.map_err(|error| match error {
                // Another process has just ended the same one.
                StoreError::Conflict(_) => ImportError::Overtaken,
                other => other.into(),
            })?;
        }
        Ok(())
    }

    /// Settles a batch for which another writer was faster.
    async fn settle_again(&mut self, batch: &Batch) -> Result<(), ImportError> {
        for _ in 1..MAX_TRIES {
            match self.try_settle(&batch.rows, batch.end()).await {
                Err(error) if is_others(&error) => {}
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
                Err(error) if is_others(&error) => {}
                other => return other,
            }
        }
        Err(ImportError::Overtaken)
    }

    async fn try_settle(&mut self, rows: &[ReadRow], end: u64) -> Result<(), ImportError> {
        let inserted = self.inserter.insert(rows).await?;
        self.commit(inserted, end).await
    }

    /// Commits a batch. Files have its lines before that, and the position and the counts are
    /// committed with it.
    async fn commit(&mut self, inserted: Inserted, end: u64) -> Result<(), ImportError> {
        let Inserted { mut session, time, outcome } = inserted;
        let mut settled = self.settled.clone();
        settled.count(&outcome, end, self.inserter.source);
        if let Some(time) = time {
            let run = &mut settled.run;
            run.update_time = time;
            match &mut self.report {
                Report::Files(files) => {
                    let before = files.lengths();
                    let Outcome { verdicts, renamed, .. } = &outcome;
                    files.append(verdicts, renamed, self.inserter.source, run)?;
                    session.save_import_run(run);
                    let committed = commit(&mut session, &outcome, run).await;
                    // The batch may be there if that is unknown: the next run of the same command
                    // knows, and needs its lines. Otherwise it may be tried again, and would have
                    // them twice.
                    if !matches!(committed, Ok(()) | Err(StoreError::CommitUnknown(_))) {
                        files.cut(before)?;
                    }
                    committed?;
                }
                Report::Job(job) => {
                    if let Err(error) = job.add(&mut session, &outcome.verdicts, run) {
                        session.abandon().await?;
                        return Err(error.into());
                    }
                    commit(&mut session, &outcome, run).await?;
                }
                Report::Counts | Report::DryRun(_) | Report::Receiver(_) => {
                    commit(&mut session, &outcome, run).await?;
                }
            }
        }
        if let Report::DryRun(file) = &mut self.report {
            file.append(&outcome.verdicts, self.inserter.source)?;
        }
        self.settled = settled;
        if matches!(self.report, Report::Receiver(_)) {
            self.unsent.extend(outcome.verdicts);
        }
        Ok(())
    }
}

impl Inserter<'_> {
    /// Inserts the new users of these rows in a transaction.
    async fn insert(self, rows: &[ReadRow]) -> Result<Inserted, ImportError> {
        let mut session = self.store.session(self.tenant_id).await?;
        // A row whose names others have too may be a user that is here.
        let is_repeated = users(rows).any(|user| !user.repeated.is_empty());
        let users: Vec<&ImportedUser> = users(rows).map(|user| &user.imported).collect();
        if self.expects_new && !is_repeated {
            // The inserts fail if a name is taken or was deleted: then the database is asked for all.
            let free: Vec<StoredNames> = users.iter().map(|user| StoredNames::free(user)).collect();
            let (new, mut outcome) = self.judge(rows, &free);
            outcome.shared = self.shared(&mut session, rows, &new).await?;
            match self.insert_new(&mut session, &new).await {
                Ok(time) => return Ok(Inserted { session, time, outcome }),
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let stored = session.stored_names(&users).await?;
        let (new, mut outcome) = self.judge(rows, &stored);
        outcome.shared = self.shared(&mut session, rows, &new).await?;
        let time = self.insert_new(&mut session, &new).await?;
        Ok(Inserted { session, time, outcome })
    }

    /// The new users that share an email with one that is here: a line for each.
    async fn shared(
        self,
        session: &mut Session,
        rows: &[ReadRow],
        new: &[&ImportedUser],
    ) -> Result<Vec<String>, ImportError> {
        match self.sharing {
            Some(sharing) => Ok(sharing.find(session, rows, new, self.source).await?),
            None => Ok(Vec::new()),
        }
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
        let (mut new, mut outcome) = (Vec::new(), Outcome { is_new: true, ..Outcome::default() });
        let mut stored = stored.iter();
        for ReadRow { place, what } in rows {
            let verdict = match what {
                What::Skipped => Verdict::Skipped,
                What::Refused(row) => Verdict::Refused(row.clone()),
                What::Attached(row) => {
                    outcome.rename(row.source_id.as_ref(), &row.user);
                    outcome.is_new &= row.is_created;
                    Verdict::Attached {
                        user: row.user.clone(),
                        is_created: row.is_created,
                        linked: row.linked.clone(),
                    }
                }
                What::User(row) => match stored.next().map(|stored| judge(row, stored)) {
                    None => continue,
                    Some(Judgement::Refused(reasons)) => {
                        outcome.is_new = false;
                        Verdict::Refused(row.refused(reasons))
                    }
                    Some(Judgement::New) => {
                        let id = &row.imported.user.id;
                        outcome.rename(row.source_id.as_ref(), id);
                        outcome.created += 1;
                        new.push(&row.imported);
                        let is_kept = row.has_own_id || !self.is_dry_run;
                        Verdict::Created(is_kept.then(|| id.clone()))
                    }
                    Some(Judgement::Present(id)) => {
                        outcome.rename(row.source_id.as_ref(), &id);
                        outcome.is_new = false;
                        Verdict::Present(id)
                    }
                },
            };
            outcome.verdicts.push(RowVerdict { place: *place, verdict });
        }
        (new, outcome)
    }
}

/// Whether other writers were faster, or held a lock for too long: then the batch may be tried again.
fn is_others(error: &ImportError) -> bool {
    matches!(error, ImportError::Store(StoreError::Conflict(_) | StoreError::Busy(_)))
}

/// Commits the transaction of a batch, with its event.
async fn commit(
    session: &mut Session,
    outcome: &Outcome,
    run: &ImportRun,
) -> Result<(), StoreError> {
    let count = u32::try_from(outcome.created).unwrap_or(u32::MAX);
    let committed = match session.record_import(run.id, count, run.update_time) {
        Ok(()) => session.commit().await,
        Err(error) => Err(error),
    };
    if !matches!(committed, Ok(()) | Err(StoreError::CommitUnknown(_))) {
        // If this fails, the pool discards the connection.
        drop(session.abandon().await);
    }
    committed
}

/// The users of the rows.
fn users(rows: &[ReadRow]) -> impl Iterator<Item = &NewUser> {
    rows.iter().filter_map(|row| match &row.what {
        What::User(user) => Some(&**user),
        What::Attached(_) | What::Skipped | What::Refused(_) => None,
    })
}
