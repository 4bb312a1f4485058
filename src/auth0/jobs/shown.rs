//! Jobs in Auth0's JSON format.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{download, link::ExportLink};
use crate::{
    auth::Permit,
    auth0::{AppState, shapes::to_the_millisecond},
    clock,
    domain::{JobKind, JobOutcome},
    store::{ExportSettings, ImportSettings, ImportedUsers, Job},
    transfer::import::RowCounts,
    use_cases::Error,
};

/// The most fields that the details name.
const MAX_FIELDS: usize = 20;

/// A job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub(super) struct JobBody {
    /// `users_import` or `users_export`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// `pending`, `processing`, `completed` or `failed`.
    status: &'static str,
    /// When the job was created, in UTC to the millisecond.
    #[serde(serialize_with = "to_the_millisecond")]
    #[schema(value_type = String, format = DateTime)]
    created_at: DateTime<Utc>,
    /// The id of the job, a UUID.
    id: String,
    /// The name of the connection; absent for an export of all users.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    connection_id: Option<String>,
    /// The same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    connection: Option<String>,
    /// The client's own name of the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    external_id: Option<String>,
    /// Always false: users that are here are not changed. Of an import alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    upsert: Option<bool>,
    /// Always false: no email is sent. Of an import alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    send_completion_email: Option<bool>,
    /// `json` or `csv`. Of an export alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    format: Option<&'static str>,
    /// The most users. Of an export alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    limit: Option<u64>,
    /// The fields of an export, if the client named them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    fields: Option<Vec<ShownField>>,
    /// The link to an export, which is good for 60 seconds. Each response has another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    location: Option<String>,
    /// How much is done.
    percentage_done: u64,
    /// What became of the users, after the end of an import.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    summary: Option<Summary>,
    /// What else there is to know, as a text for people: what was left out, or why the job ended
    /// early.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status_details: Option<String>,
}

/// A field of an export.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportedField)]
struct ShownField {
    /// The path of the field in a user.
    name: String,
    /// Its name in the export.
    export_as: String,
}

/// What became of the users of an import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportSummary)]
struct Summary {
    /// The users that were refused, also because they were here already.
    failed: u64,
    /// Always 0.
    updated: u64,
    /// The new users.
    inserted: u64,
    /// All users of the file.
    total: u64,
}

/// A refused user of an import, for the description.
#[derive(ToSchema)]
#[schema(as = ImportError)]
#[expect(dead_code, reason = "the entries are stored in this form, and are sent as they are")]
pub(super) struct ErrorEntry {
    /// The user as the file has it, without what is secret.
    user: Map<String, Value>,
    /// Why it was refused.
    errors: Vec<EntryError>,
}

/// Why a user was refused.
#[derive(ToSchema)]
#[schema(as = ImportErrorReason)]
#[expect(dead_code, reason = "as above")]
struct EntryError {
    /// `FORMAT`, `DUPLICATED_USER` for one that the file has twice, or `CONFLICT` for one that is
    /// here, or was deleted here.
    code: String,
    /// What is wrong, as a sentence for people.
    message: String,
    /// The field; absent if the whole user is meant.
    path: Option<String>,
}

impl JobBody {
    /// A job as the caller with this permit sees it. `base` is the beginning of links.
    ///
    /// # Errors
    /// [`Error::Store`] if the job has a form that this release does not know.
    pub(super) fn of(
        job: &Job,
        state: &AppState,
        permit: &Permit,
        base: Option<&str>,
    ) -> Result<Self, Error> {
        match job.kind {
            Some(JobKind::ExportUsers) => Self::of_export(job, state, permit, base),
            _ => Self::of_import(job),
        }
    }

    fn of_import(job: &Job) -> Result<Self, Error> {
        let ImportSettings { connection, external_id, rows, .. } = job.settings()?;
        let counts: RowCounts = job.counts()?;
        let (inserted, failed) = (counts.done, counts.already + counts.refused());
        let summary = Summary { failed, updated: 0, inserted, total: rows };
        let settled = (inserted + failed).min(rows);
        let status_details = match job.outcome {
            None => None,
            Some(JobOutcome::Succeeded) => left_out(job.figures()?.unwrap_or_default()),
            Some(JobOutcome::Cancelled) => {
                Some("The job was cancelled. The users that it had imported stay.".to_owned())
            }
            Some(JobOutcome::Failed) => Some(
                "The job failed, and the server has logged the cause. The users that it had imported stay."
                    .to_owned(),
            ),
        };
        Ok(Self {
            external_id,
            upsert: Some(false),
            send_completion_email: Some(false),
            percentage_done: match job.outcome {
                Some(_) => 100,
                None => (settled * 100).checked_div(rows).unwrap_or_default(),
            },
            summary: job.outcome.map(|_| summary),
            status_details,
            ..Self::new("users_import", job, Some(connection))
        })
    }

    fn of_export(
        job: &Job,
        state: &AppState,
        permit: &Permit,
        base: Option<&str>,
    ) -> Result<Self, Error> {
        let ExportSettings { connection, is_csv, limit, fields } = job.settings()?;
        let link = ExportLink::new(job.id, permit, clock::now());
        let link = link.text(state.use_cases.store().key(permit.tenant())?);
        let fields: Vec<ShownField> =
            fields.into_iter().map(|(name, export_as)| ShownField { name, export_as }).collect();
        Ok(Self {
            format: Some(if is_csv { "csv" } else { "json" }),
            limit,
            fields: Some(fields).filter(|fields| !fields.is_empty()),
            location: base.map(|base| format!("{base}{}{link}", download::PREFIX)),
            percentage_done: 100,
            ..Self::new("users_export", job, connection)
        })
    }

    fn new(kind: &'static str, job: &Job, connection: Option<String>) -> Self {
        Self {
            kind,
            status: match job.outcome {
                None if job.start_time.is_none() => "pending",
                None => "processing",
                Some(JobOutcome::Succeeded) => "completed",
                Some(JobOutcome::Failed | JobOutcome::Cancelled) => "failed",
            },
            created_at: job.create_time,
            id: job.id.to_string(),
            connection_id: connection.clone(),
            connection,
            external_id: None,
            upsert: None,
            send_completion_email: None,
            format: None,
            limit: None,
            fields: None,
            location: None,
            percentage_done: 0,
            summary: None,
            status_details: None,
        }
    }
}

/// What an import has left out, each with its number, in a sentence; `None` for nothing.
fn left_out(ImportedUsers { left_out, fields, .. }: ImportedUsers) -> Option<String> {
    let named = left_out.iter().chain(fields.iter().take(MAX_FIELDS));
    let named = named.map(|(what, count)| format!("{what} ({count})"));
    let more = (fields.len() > MAX_FIELDS).then(|| "other fields".to_owned());
    let all: Vec<String> = named.chain(more).collect();
    (!all.is_empty()).then(|| format!("Left out: {}.", all.join(", ")))
}
