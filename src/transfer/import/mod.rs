//! Imports users from files: a pass that checks all rows, and one that writes them in batches.
//!
//! Each batch is one transaction, with the users, the position of the run, and one event. So a run
//! that was interrupted anywhere continues where its last batch ended, and a second run of the same
//! files makes no user twice. Rows that a caller sends have no position: each run gives the verdicts
//! of all of them, and those that are users already are present.

mod attach;
mod check;
mod judge;
pub(in crate::transfer) mod keys;
mod outcome;
mod providers;
mod reading;
mod report;
mod sent;
mod settle;
mod sharing;
mod source;
mod survey;
mod verdict;

use std::{io, sync::Arc};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::{
    attach::Attacher,
    reading::read_batches,
    report::DryRunReport,
    settle::{Inserter, Report, Settler},
    sharing::Sharing,
};
use super::input::InputError;
use crate::{
    auth::Permit,
    domain::TenantId,
    store::{ImportRun, Store, StoreError},
    use_cases::UseCases,
};
pub use check::Checker;
pub use keys::KeysError;
pub use outcome::{Rows, Settled};
pub use providers::{Mapped, ProviderMap, ProviderMapError};
pub use report::{FilePath, FilePaths, JobReport, LineOfRow, Reporting, RowCounts, VerdictSender};
pub use sent::{SentRows, SentRowsEnd, SentRowsError};
pub use source::{Files, Source};
pub use survey::{FileProvider, Survey, SurveyError};
pub use verdict::{Reason, ReasonCode, RefusedRow, RowVerdict, Verdict};

/// How many batches are read ahead of the one that is written.
const READ_AHEAD: usize = 2;

/// Why an import ended early. The batches before are written.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file is broken.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The database does not respond, or responds with an error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The report, or the map of ids, cannot be written.
    #[error("{0}")]
    File(#[from] io::Error),
    /// Other writers were faster each time.
    #[error(
        "another process imports the same users, or others create them: wait until that is done, and import again"
    )]
    Overtaken,
    /// The files have changed since the first pass.
    #[error("the files have changed while they were read: import them again")]
    Changed,
    /// A stop was requested.
    #[error("stopped before the end: the same command continues")]
    Stopped,
    /// The receiver of the verdicts takes none.
    #[error("the verdicts were not taken in time")]
    Unread,
}

/// An import whose first pass is done.
pub struct Import<'a> {
    /// The database.
    pub store: &'a Store,
    /// The tenant of the users.
    pub tenant: &'a TenantId,
    /// What the rows are checked by.
    pub checker: &'a Checker,
    /// The result of the first pass.
    pub survey: &'a Arc<Survey>,
    /// What links a user that has accounts of a row into the user of the row; `None` if such rows are
    /// refused.
    pub attach: Option<Attaching<'a>>,
    /// Whether nothing is written.
    pub is_dry_run: bool,
    /// Where the verdicts go. A dry run has no [`Reporting::Files`].
    pub reporting: Reporting,
}

/// Links users into those of rows.
pub struct Attaching<'a> {
    /// The use cases, whose store is that of the import.
    pub use_cases: &'a Arc<UseCases>,
    /// Who links.
    pub permit: Permit,
}

impl Import<'_> {
    /// Settles all rows, with files from where an earlier run of the same files ended. `done` gets the
    /// number of rows that are settled.
    ///
    /// # Errors
    /// [`ImportError`]; what was settled before it stays.
    pub async fn run(
        &self,
        source: &Arc<Source>,
        stop: &CancellationToken,
        done: &(dyn Fn(u64) + Sync),
    ) -> Result<Settled, ImportError> {
        let run = self.begin().await?;
        let report = match &self.reporting {
            Reporting::Counts => Report::Counts,
            Reporting::Files(paths) => Report::Files(paths.open(&run)?),
            Reporting::DryRun(path) => Report::DryRun(DryRunReport::create(path)?),
            Reporting::Receiver(sender) => Report::Receiver(sender.clone()),
            Reporting::Job(job) => Report::Job(job.clone()),
        };
        let from = u64::try_from(run.rows).unwrap_or_default();
        let (sender, mut batches) = mpsc::channel(READ_AHEAD);
        let (checker, survey, read) =
            (self.checker.clone(), Arc::clone(self.survey), Arc::clone(source));
        let reading = tokio::task::spawn_blocking(move || {
            let hand_out = |batch| sender.blocking_send(batch).is_ok();
            read_batches(&read, &checker, &survey, from, hand_out)
        });
        let sharing = Sharing { in_files: &self.survey.shared_in_files };
        let has_emails = self.store.session(self.tenant).await?.has_emails().await?;
        let inserter = Inserter {
            store: self.store,
            tenant_id: self.tenant,
            source,
            is_dry_run: self.is_dry_run,
            sharing: has_emails.then_some(sharing),
            expects_new: false,
        };
        let attacher = self.attach.as_ref().map(|Attaching { use_cases, permit }| Attacher {
            use_cases,
            permit,
            tenant_id: self.tenant,
            run: run.id,
            is_dry_run: self.is_dry_run,
        });
        let settled = Settled::of(run);
        let mut settler =
            Settler { inserter, attacher, report, settled, unsent: Vec::new(), pending: None };
        done(from);
        while let Some(batch) = batches.recv().await {
            if stop.is_cancelled() {
                settler.commit_pending().await?;
                return Err(ImportError::Stopped);
            }
            settler.make_room(stop).await?;
            settler.settle(batch).await?;
            done(u64::try_from(settler.settled.run.rows).unwrap_or_default());
        }
        reading.await.map_err(|error| ImportError::File(io::Error::other(error)))??;
        settler.end().await?;
        if let Reporting::Files(paths) = &self.reporting {
            paths.rename()?;
        }
        Ok(settler.settled)
    }

    /// The run as an earlier process left it, or a new one.
    async fn begin(&self) -> Result<ImportRun, ImportError> {
        let mut new = ImportRun::new(self.survey.run, self.checker.now);
        if let Reporting::Job(job) = &self.reporting {
            job.continue_run(&mut new);
        }
        // A dry run, and a receiver, ask for all rows anew; a job has its own row.
        let Reporting::Files(paths) = &self.reporting else { return Ok(new) };
        let mut session = self.store.session(self.tenant).await?;
        let known = session.import_run(self.survey.run).await?;
        paths.expect_new(known.is_none())?;
        match known {
            Some(run) if run.end_time.is_none() => return Ok(run),
            // An import after the last one's end asks for all rows anew too.
            Some(_) | None => {}
        }
        session.begin().await?;
        session.save_import_run(&new);
        session.commit().await.map_err(|error| match error {
            // Another process has just begun the same one.
            StoreError::Conflict(_) => ImportError::Overtaken,
            other => other.into(),
        })?;
        Ok(new)
    }
}
