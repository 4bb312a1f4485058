//! `/jobs`: users in bulk. An import is a job of the database, as those over gRPC are. An export is one
//! too, but nothing of it is stored: it is read while the client downloads it.

pub(super) mod download;
pub(super) mod export;
pub(super) mod form;
pub(super) mod import;
mod link;
mod shown;

use std::{mem::take, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};
use http::{
    HeaderMap, StatusCode, Uri,
    header::{CONTENT_TYPE, HOST},
};
use hyper::body::Bytes;
use uuid::Uuid;

use self::shown::{ErrorEntry, JobBody};
use super::{
    AppState,
    access_table::Rpc,
    error::{ApiError, JSON},
    gate::AdmittedCall,
    json,
    params::{Params, PathParts},
};
use crate::{
    auth::Permit,
    domain::{DomainError, JobKind},
    store::{ImportSettings, Job, JobLine},
    use_cases::{Error, UseCases},
};

/// How many entries are read at once.
const LINES: usize = 1000;
/// About how many bytes of entries are read at once.
const BYTES: usize = 64 * 1024;

/// Reads a job. A caller that may import reads imports, and one that may export exports.
#[utoipa::path(
    get,
    path = "/jobs/{id}",
    operation_id = "get_jobs_by_id",
    params(("id" = String, Path, description = "The job.")),
    responses((status = 200, description = "The job. That of an export has a new link each time.", body = JobBody)),
    extensions(("x-rpc" = json!("ExportUsers")), ("x-or-rpc" = json!("ImportUsers"))),
)]
pub(super) async fn read(
    State(state): State<AppState>,
    call: AdmittedCall,
    PathParts(id): PathParts<String>,
    params: Params,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    params.into_result()?;
    let job = find(&state.use_cases, &call, &id).await?;
    let base = state.base(&uri, &headers);
    let body = JobBody::of(&job, &state, &call.permit, base.as_deref());
    json(StatusCode::OK, &body.map_err(|error| ApiError::from_error(call.route, error))?)
}

/// Lists the users of an import that were refused, each with the reasons.
#[utoipa::path(
    get,
    path = "/jobs/{id}/errors",
    operation_id = "get_jobs_errors",
    params(("id" = String, Path, description = "The job.")),
    responses(
        (status = 200, description = "The refused users so far.", body = [ErrorEntry]),
        (status = 204, description = "No user was refused so far."),
    ),
    extensions(("x-rpc" = json!("ExportUsers")), ("x-or-rpc" = json!("ImportUsers"))),
)]
pub(super) async fn errors(
    State(AppState { use_cases, .. }): State<AppState>,
    call: AdmittedCall,
    PathParts(id): PathParts<String>,
    params: Params,
) -> Result<Response, ApiError> {
    params.into_result()?;
    let refused = |error| ApiError::from_error(call.route, error);
    let job = find(&use_cases, &call, &id).await?;
    if job.kind != Some(JobKind::ImportUsers) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let ImportSettings { rows, .. } = job.settings().map_err(|error| refused(error.into()))?;
    let after = i64::try_from(rows).unwrap_or(i64::MAX);
    let mut entries =
        Entries { use_cases, permit: call.permit, job: job.id, after, is_first: true };
    let Some(first) = entries.next().await.map_err(refused)? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let rest = stream::unfold(Some(entries), |entries| async move {
        let mut entries = entries?;
        match entries.next().await {
            Ok(Some(part)) => Some((Ok(part), Some(entries))),
            Ok(None) => Some((Ok(Bytes::from_static(b"]")), None)),
            // The list is cut, and is no JSON.
            Err(error) => Some((Err(format!("{error:?}")), None)),
        }
    });
    let whole = stream::iter([Ok(first)]).chain(rest);
    Ok((StatusCode::OK, [(CONTENT_TYPE, JSON)], Body::from_stream(whole)).into_response())
}

/// The entries of a list of errors, which are stored in the form in which they are sent.
struct Entries {
    use_cases: Arc<UseCases>,
    /// Holds the slot of the call.
    permit: Permit,
    job: Uuid,
    after: i64,
    is_first: bool,
}

impl Entries {
    /// The next ones, with what is in front of each; `None` after the last one.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let mut session = self.use_cases.store().session(self.permit.tenant()).await?;
        let lines = session.job_lines(self.job, self.after, LINES, BYTES).await?;
        let Some(last) = lines.last() else { return Ok(None) };
        self.after = last.number;
        let mut part = String::new();
        for JobLine { line, .. } in &lines {
            part.push(if take(&mut self.is_first) { '[' } else { ',' });
            part.push_str(line);
        }
        Ok(Some(Bytes::from(part)))
    }
}

/// A job that the caller may read.
async fn find(use_cases: &UseCases, call: &AdmittedCall, id: &str) -> Result<Job, ApiError> {
    let Ok(id) = Uuid::try_parse(id) else { return Err(ApiError::job_not_found()) };
    let found = async {
        let mut session = use_cases.store().session(call.permit.tenant()).await?;
        Ok(session.job(id).await?.ok_or(DomainError::OperationNotFound)?)
    };
    let job: Job = found.await.map_err(|error| ApiError::from_error(call.route, error))?;
    let rpc = match job.kind {
        Some(JobKind::ImportUsers) => Rpc::ImportUsers,
        Some(JobKind::ExportUsers) => Rpc::ExportUsers,
        _ => return Err(ApiError::job_not_found()),
    };
    if call.rpcs.contains(&rpc) { Ok(job) } else { Err(ApiError::job_not_found()) }
}

impl AppState {
    /// The beginning of the links of a response: the configured URL, or that of the request over
    /// https. `None` for a request that does not say to which host it goes.
    fn base(&self, uri: &Uri, headers: &HeaderMap) -> Option<String> {
        if let Some(url) = &self.url {
            return Some(url.to_string());
        }
        // Over HTTP/2 the host is in the URI (RFC 9113 §8.3.1).
        let host = match uri.authority() {
            Some(authority) => authority.as_str(),
            None => headers.get(HOST)?.to_str().ok()?,
        };
        let is_host = host.parse::<http::uri::Authority>().is_ok() && !host.contains('@');
        is_host.then(|| format!("https://{host}"))
    }
}
