//! Settles batches: asks the database, and writes the users, the position and the counts together.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use super::{
    ImportError, Source,
    judge::{Judgement, judge},
    reading::{Batch, NewUser, ReadRow, What},
    verdict::{GrowingFile, Reason, ReasonCode, Refused, id_map_line},
};
use crate::{
    clock,
    domain::{TenantId, UserId},
    store::{ImportRun, ImportedUser, LockKeys, Session, Store, StoreError, StoredNames},
};

/// How often a batch is tried as a whole, before its rows are written one by one.
const MAX_TRIES: usize = 3;
/// The most rows of which the summary shows a reason.
const EXAMPLES: usize = 20;

/// What became of the rows so far.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The run, with its counts.
    pub run: ImportRun,
    /// For each reason, how many rows of this process have it, and the first of them.
    pub reasons: BTreeMap<ReasonCode, Rows>,
}

/// Rows with the same reason.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// How many there are.
    pub count: u64,
    /// The first of them: the place, the field and the sentence.
    pub examples: Vec<String>,
}

/// The files that grow with the batches.
pub(super) struct ReportFiles {
    /// The refused rows.
    pub report: GrowingFile,
    /// The ids of the source that could not stay.
    pub ids: GrowingFile,
}

/// Settles the batches of one run.
pub(super) struct Settler<'a> {
    /// The database.
    pub store: &'a Store,
    /// The tenant.
    pub tenant_id: &'a TenantId,
    /// The files that are read, for their names.
    pub source: &'a Source,
    /// The files; `None` in a dry run, which writes nothing.
    pub files: Option<ReportFiles>,
    /// What became of the rows.
    pub settled: Settled,
}

/// What is to be written of a batch.
#[derive(Default)]
struct Plan<'r> {
    users: Vec<&'r ImportedUser>,
    present: i64,
    skipped: i64,
    refused: Vec<(String, Vec<Reason>)>,
    renamed: Vec<(String, UserId)>,
}

impl Settler<'_> {
    /// Settles a batch.
    ///
    /// # Errors
    /// [`ImportError`]; then nothing of the batch is written.
    pub(super) async fn settle(&mut self, batch: Batch) -> Result<(), ImportError> {
        let end = (batch.first..).zip(&batch.rows).last().map_or(batch.first, |(at, _)| at + 1);
        for _ in 0..MAX_TRIES {
            match self.try_settle(&batch.rows, end).await {
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

    /// Records that all rows are settled.
    ///
    /// # Errors
    /// [`ImportError::Store`].
    pub(super) async fn end(&mut self) -> Result<(), ImportError> {
        if self.files.is_some() && self.settled.run.end_time.is_none() {
            let mut session = self.store.session(self.tenant_id).await?;
            self.settled.run.end_time = Some(clock::now());
            self.settled.run.update_time = clock::now();
            session.begin().await?;
            session.save_import_run(&self.settled.run);
            session.commit().await?;
        }
        Ok(())
    }

    async fn settle_row(&mut self, row: &[ReadRow], end: u64) -> Result<(), ImportError> {
        let mut last = Err(ImportError::Overtaken);
        for _ in 0..MAX_TRIES {
            last = self.try_settle(row, end).await;
            if !matches!(last, Err(ImportError::Store(StoreError::Conflict(_)))) {
                return last;
            }
        }
        last
    }

    async fn try_settle(&mut self, rows: &[ReadRow], end: u64) -> Result<(), ImportError> {
        let mut session = self.store.session(self.tenant_id).await?;
        let users: Vec<&ImportedUser> = users(rows).map(|user| &user.imported).collect();
        let stored = session.stored_names(&users).await?;
        let plan = self.plan(rows, &stored);
        let mut settled = self.settled.clone();
        settled.count(&plan, end);
        if let Some(files) = &mut self.files {
            write(&mut session, &plan, files, &mut settled.run).await?;
        }
        self.settled = settled;
        Ok(())
    }

    /// What is to be done with the rows, by what is stored under the names of each user.
    fn plan<'r>(&self, rows: &'r [ReadRow], stored: &[StoredNames]) -> Plan<'r> {
        let mut plan = Plan::default();
        let mut stored = stored.iter();
        for ReadRow { place, what } in rows {
            let refused = match what {
                What::Skipped => {
                    plan.skipped += 1;
                    continue;
                }
                What::Refused(reasons) => reasons.clone(),
                What::User(row) => match stored.next().map(|stored| judge(row, stored)) {
                    None => continue,
                    Some(Judgement::Refused(reasons)) => reasons,
                    Some(Judgement::New) => {
                        plan.rename(row, &row.imported.user.id);
                        plan.users.push(&row.imported);
                        continue;
                    }
                    Some(Judgement::Present(id)) => {
                        plan.rename(row, &id);
                        plan.present += 1;
                        continue;
                    }
                },
            };
            plan.refused.push((self.source.show(*place), refused));
        }
        plan
    }
}

impl Plan<'_> {
    fn rename(&mut self, row: &NewUser, id: &UserId) {
        self.renamed.extend(row.source_id.clone().map(|source_id| (source_id, id.clone())));
    }
}

/// Writes what a batch comes to, in one transaction, after the files have it.
async fn write(
    session: &mut Session,
    plan: &Plan<'_>,
    files: &mut ReportFiles,
    run: &mut ImportRun,
) -> Result<(), ImportError> {
    let (report, ids) = (files.report.length(), files.ids.length());
    let lines = plan
        .refused
        .iter()
        .map(|(place, reasons)| line(&Refused { place: place.clone(), reasons }));
    files.report.append(lines.collect::<Result<String, _>>()?.as_bytes())?;
    let lines: String = plan.renamed.iter().map(|(source, id)| id_map_line(source, id)).collect();
    files.ids.append(lines.as_bytes())?;
    run.report_bytes = number(files.report.length());
    run.ids_bytes = number(files.ids.length());
    let count = u32::try_from(plan.users.len()).unwrap_or(u32::MAX);
    let written = async {
        // No name is locked: see `crate::store::ImportedUser`.
        run.update_time = session.begin_locked(&LockKeys::default()).await?;
        session.insert_imported(&plan.users, run.update_time)?;
        session.save_import_run(run);
        session.record_import(run.id, count, run.update_time)?;
        session.commit().await
    };
    let written = written.await;
    match written {
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
    Ok(written?)
}

/// The users of the rows.
fn users(rows: &[ReadRow]) -> impl Iterator<Item = &NewUser> {
    rows.iter().filter_map(|row| match &row.what {
        What::User(user) => Some(&**user),
        What::Skipped | What::Refused(_) => None,
    })
}

fn line(refused: &Refused<'_>) -> Result<String, io::Error> {
    Ok(format!("{}\n", serde_json::to_string(refused)?))
}

/// A count as the database has it.
fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

impl Settled {
    fn count(&mut self, plan: &Plan<'_>, end: u64) {
        self.run.rows = number(end);
        self.run.created += number(plan.users.len());
        self.run.present += plan.present;
        self.run.skipped += plan.skipped;
        self.run.refused += number(plan.refused.len());
        for (place, reasons) in &plan.refused {
            let mut counted = BTreeSet::new();
            for reason in reasons {
                let rows = self.reasons.entry(reason.reason).or_default();
                rows.count += u64::from(counted.insert(reason.reason));
                if rows.examples.len() < EXAMPLES {
                    rows.examples.push(format!("{place}: {reason}"));
                }
            }
        }
    }
}
