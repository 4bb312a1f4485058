//! The job that imports the users of a file, by the same code as the command. Each batch commits with
//! its verdicts and its counts, so another server continues behind it.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::work::{Work, WorkError, to_json};
use crate::{
    clock,
    domain::Provider,
    store::{ImportSettings, ImportedUsers, JobLine, JobPlace, NewLine, StoreError},
    transfer::{
        import::{
            Checker, ImportError, JobReport, ProviderMap, Reason, ReasonCode, RefusedRow,
            Reporting, RowCounts, SentRows, SentRowsEnd, SentRowsError, SurveyError, Verdict,
        },
        input::Lines,
        sources::{Format, auth0_job},
    },
};

/// How many rows are read at once.
const ROWS: usize = 1000;
/// About how many bytes of rows are read at once.
const BYTES: usize = 1024 * 1024;
/// The most bytes of rows, with what the job adds to each.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// The code of a user that others stand in the way of.
const CONFLICT: &str = "CONFLICT";

impl Work {
    /// Imports the rows that have no verdict yet. Those before are read too: an account that two rows
    /// have refuses both.
    pub(super) async fn import(self) -> Result<Value, WorkError> {
        let settings: ImportSettings = self.job.settings()?;
        let counts: RowCounts = self.job.counts()?;
        let rows = self.rows(settings.rows).await?;
        let after = match self.job.position()? {
            Some(JobPlace::Row { line }) => line,
            Some(_) | None => 0,
        };
        let numbers: Vec<u64> = rows.iter().map(number).collect();
        // A row of a user who was deleted meanwhile is missing.
        let settled = numbers.iter().filter(|number| **number <= after).count() as u64;
        self.progress.set_total(settings.rows);
        let tenant = self.worker.use_cases.tenant(&self.permit());
        let tenant = tenant.map_err(|error| WorkError::Fault(format!("{error:?}")))?.clone();
        let provider = Provider::parse(&settings.provider).filter(|provider| {
            tenant.provider_of_connection(&settings.connection) == Some(provider)
        });
        let Some(provider) = provider else {
            let text = "the connection is not the configured one any more".to_owned();
            return Err(WorkError::Fault(text));
        };
        let rows: Arc<[String]> = rows.into_iter().map(|row| row.line).collect();
        let sent = {
            let (rows, settings) = (Arc::clone(&rows), settings.clone());
            spawn_blocking(move || lines(&rows, &settings)).await
        };
        let lines = sent.map_err(|error| WorkError::Fault(error.to_string()))??;
        let line = move |at: usize, verdict: &Verdict| entry(rows.get(at)?, verdict, &provider);
        let report =
            JobReport { lease: self.lease, numbers, settled, counts, line: Arc::new(line) };
        let (tenant, providers) = (Arc::new(tenant), Arc::new(ProviderMap::default()));
        let sent = SentRows {
            store: self.store().clone(),
            tenant: self.tenant.clone(),
            checker: Checker { tenant, providers, now: clock::now() },
            lines,
            format: Format::Auth0Job,
            is_dry_run: false,
        };
        let progress = Arc::clone(&self.progress);
        let done = move |rows| progress.set_done(rows);
        let end = sent.settle(&self.halt, Reporting::Job(report), &done).await?;
        if end.settled.is_none() {
            let text = "the provider is not in the configuration any more".to_owned();
            return Err(WorkError::Fault(text));
        }
        to_json(&imported(&end))
    }

    /// The rows of the job, in their order.
    async fn rows(&self, count: u64) -> Result<Vec<JobLine>, WorkError> {
        let mut session = self.store().session(&self.tenant).await?;
        let mut rows: Vec<JobLine> = Vec::new();
        loop {
            let after = rows.last().map_or(0, |row| row.number);
            let found = session.job_lines(self.job.id, after, ROWS, BYTES).await?;
            let before = rows.len();
            // The lines behind the rows are about those that are refused.
            rows.extend(found.into_iter().filter(|line| number(line) <= count));
            if rows.len() == before {
                return Ok(rows);
            }
        }
    }
}

fn number(line: &JobLine) -> u64 {
    u64::try_from(line.number).unwrap_or_default()
}

/// The rows as records of their format, one a line.
fn lines(rows: &[String], settings: &ImportSettings) -> Result<Lines, WorkError> {
    let fault = |error: &dyn std::fmt::Display| WorkError::Fault(error.to_string());
    let mut lines = Lines::new(MOST_BYTES).map_err(|error| fault(&error))?;
    for row in rows {
        let record = auth0_job::record(row, &settings.provider, &settings.connection);
        lines.add(record.as_bytes()).map_err(|error| fault(&error))?;
    }
    Ok(lines)
}

/// The line about a row in the list of errors, in Auth0's form; `None` for a new user. Of a user that
/// was deleted it has no more than the id.
fn entry(row: &str, verdict: &Verdict, provider: &Provider) -> Option<NewLine> {
    let (errors, is_deleted) = match verdict {
        Verdict::Created(_) => return None,
        Verdict::Refused(RefusedRow { reasons, .. }) => {
            let is_deleted = reasons.iter().any(|reason| reason.reason == ReasonCode::Deleted);
            (reasons.iter().map(error).collect(), is_deleted)
        }
        Verdict::Present(_) | Verdict::Attached { .. } | Verdict::Skipped => {
            let message = "This user is here already, and was not changed.";
            (vec![json!({"code": CONFLICT, "message": message})], false)
        }
    };
    let (user, errors): (_, Vec<Value>) = (auth0_job::shown(row, is_deleted), errors);
    let line = json!({"user": user, "errors": errors}).to_string();
    let concerned = auth0_job::account(row, provider).into_iter().collect();
    Some(NewLine { line, concerned, without_users: None })
}

fn error(Reason { field, reason, description }: &Reason) -> Value {
    let code = code(*reason);
    match path(field) {
        Some(path) => json!({"code": code, "message": description, "path": path}),
        None => json!({"code": code, "message": description}),
    }
}

/// The code that Auth0's documents have for a reason ("Bulk User Imports", failed entries).
fn code(reason: ReasonCode) -> &'static str {
    match reason {
        ReasonCode::Invalid => "FORMAT",
        ReasonCode::Repeated => "DUPLICATED_USER",
        ReasonCode::IdentityTaken
        | ReasonCode::IdTaken
        | ReasonCode::Deleted
        | ReasonCode::NotAttached => CONFLICT,
    }
}

/// A place in what the importer reads, as a path in the row of the file; `None` for the whole row.
fn path(field: &str) -> Option<String> {
    let field = field.strip_prefix("identities/0/").unwrap_or(field);
    match field {
        "" => None,
        "id" | "subject" | "provider" | "connection" | "identities/0" => Some("user_id".to_owned()),
        _ => {
            let field = field.strip_prefix("profile_data/").unwrap_or(field);
            Some(field.replace('/', "."))
        }
    }
}

/// What the job says of an import beside its counts.
fn imported(SentRowsEnd { survey, .. }: &SentRowsEnd) -> ImportedUsers {
    let kinds = survey.left_out.kinds.iter();
    ImportedUsers {
        run: survey.run,
        left_out: kinds.map(|(kind, count)| (kind.plural().to_owned(), *count)).collect(),
        fields: survey.left_out.fields.clone(),
    }
}

impl From<SentRowsError> for WorkError {
    fn from(error: SentRowsError) -> Self {
        match error {
            SentRowsError::Survey(SurveyError::Stopped)
            | SentRowsError::Import(ImportError::Stopped) => Self::Stopped,
            SentRowsError::Import(ImportError::Store(error)) => error.into(),
            // Another server has the job, or others create the same users: the next owner of the
            // lease continues.
            SentRowsError::Import(error @ ImportError::Overtaken) => {
                Self::Store(StoreError::Conflict(error.to_string()))
            }
            SentRowsError::Survey(_) | SentRowsError::Import(_) => Self::Fault(error.to_string()),
        }
    }
}
