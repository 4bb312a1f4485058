//! An import of rows that a caller sent, from the survey to the last verdict.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Checker, Files, Import, ImportError, Reporting, Settled, Source, Survey, SurveyError};
use crate::{
    domain::TenantId,
    store::Store,
    transfer::{input::Lines, sources::Format},
};

/// An import of rows that a caller sent.
pub struct SentRows {
    /// The database.
    pub store: Store,
    /// The tenant of the users.
    pub tenant: TenantId,
    /// What the rows are checked by.
    pub checker: Checker,
    /// The rows.
    pub lines: Lines,
    /// Their form.
    pub format: Format,
    /// Whether nothing is written.
    pub is_dry_run: bool,
}

/// How an import of sent rows ended.
pub struct SentRowsEnd {
    /// What the rows hold.
    pub survey: Arc<Survey>,
    /// What became of them; `None` if nothing was begun, because a provider is not mapped.
    pub settled: Option<Settled>,
}

/// Why an import of sent rows ended early.
#[derive(Debug, thiserror::Error)]
pub enum SentRowsError {
    /// In the survey, so that nothing is written.
    #[error(transparent)]
    Survey(#[from] SurveyError),
    /// In the import; the batches before are written.
    #[error(transparent)]
    Import(#[from] ImportError),
}

impl SentRows {
    /// Reads all rows, and then settles them in batches, on two connections at most. `done` gets the
    /// number of rows that are settled.
    ///
    /// # Errors
    /// [`SentRowsError`].
    pub async fn settle(
        self,
        stop: &CancellationToken,
        reporting: Reporting,
        done: &(dyn Fn(u64) + Sync),
    ) -> Result<SentRowsEnd, SentRowsError> {
        let Self { store, tenant, checker, lines, format, is_dry_run } = self;
        let source = Source::new(Files::Sent(lines), format, &checker.providers);
        let source = Arc::new(source);
        // A thread of its own, since it reads and writes files.
        let surveying = {
            let (source, checker, stop) = (Arc::clone(&source), checker.clone(), stop.clone());
            tokio::task::spawn_blocking(move || Survey::of(&source, &checker, &stop, &|_| {}))
        };
        let survey = surveying.await.map_err(|error| SurveyError::Panicked(error.to_string()))?;
        let survey = Arc::new(survey?);
        if survey.unmapped().next().is_some() {
            return Ok(SentRowsEnd { survey, settled: None });
        }
        let import = Import {
            store: &store,
            tenant: &tenant,
            checker: &checker,
            survey: &survey,
            attach: None,
            is_dry_run,
            reporting,
        };
        let settled = import.run(&source, stop, done).await?;
        Ok(SentRowsEnd { survey, settled: Some(settled) })
    }
}
