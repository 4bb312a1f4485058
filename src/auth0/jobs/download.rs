//! The download of an export: users as gzip data, by a link alone. The link is the permission, since a
//! client follows it as it follows Auth0's, without a token.

use std::{io, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use futures_util::{Stream, future::BoxFuture, stream};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use hyper::body::Bytes;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, mpsc},
    task::JoinHandle,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::link::ExportLink;
use crate::{
    auth0::{
        AppState, access_table::Route, error::ApiError, export::ExportForm, params::PathParts,
    },
    calls::{admitted, outdated::outdated},
    clock,
    domain::{JobKind, TenantId},
    store::{ExportSettings, Job, StoreError},
    telemetry::CallRecord,
    transfer::{
        export::{Export, ExportError, Exported, Form, Output, Selection},
        limits::TransferLimits,
    },
};

/// The beginning of the path, in front of the link.
pub(super) const PREFIX: &str = "/api/v2/exports/";
/// The path of the route.
pub(in crate::auth0) const PATH: &str = "/api/v2/exports/{link}";
/// The name under which calls are logged. The link itself is never logged.
const NAME: &str = "GET /api/v2/exports/{link}";

/// Sends an export as long as it lasts.
pub(in crate::auth0) async fn download(
    State(state): State<AppState>,
    PathParts(link): PathParts<String>,
    request: Request,
) -> Response {
    let record = request.extensions().get::<CallRecord>().cloned().unwrap_or_default();
    record.set_name(NAME);
    match begin(&state, &link, &record).await {
        Ok(response) => admitted(response),
        Err(refusal) => refusal.into_response(),
    }
}

/// An export that has begun.
struct Download {
    export: Export,
    link: ExportLink,
    limits: TransferLimits,
    /// Ends when its link would not be made any more.
    outdated: BoxFuture<'static, ()>,
    _slot: OwnedSemaphorePermit,
}

async fn begin(state: &AppState, text: &str, record: &CallRecord) -> Result<Response, ApiError> {
    let store = state.use_cases.store();
    let key = |tenant: &TenantId| store.key(tenant).ok().filter(|_| state.tenants.contains(tenant));
    let link = ExportLink::parse(text, clock::now(), key).ok_or_else(ApiError::link)?;
    record.set_tenant(link.tenant.as_str());
    // What a reload took away is gone for links too.
    let route = Route::on_rpc("ExportUsers").ok_or_else(ApiError::link)?;
    let issuers = state.use_cases.issuers();
    if !route.rule.service_scope.is_some_and(|scope| link.is_permitted(issuers, scope)) {
        return Err(ApiError::link());
    }
    // So is a link whose token would not be verified any more.
    let verified_by = issuers.still_verified_by(&link.issuer, &link.key).await;
    let verified_by = verified_by.map_err(|error| ApiError::from_auth_error(route, error))?;
    let verified_by = verified_by.ok_or_else(ApiError::link)?;
    let limits = state.transfers.clone();
    let slot = Arc::clone(&limits.exports).try_acquire_owned();
    let _slot = slot.map_err(|_| ApiError::too_many_exports())?;
    let job: Option<Job> = async { store.session(&link.tenant).await?.job(link.job).await }
        .await
        .map_err(ApiError::from_store_error)?;
    let job =
        job.filter(|job| job.kind == Some(JobKind::ExportUsers)).ok_or_else(ApiError::link)?;
    let ExportSettings { connection, is_csv, limit, fields } =
        job.settings().map_err(ApiError::from_store_error)?;
    let selection = match &connection {
        None => Selection::All,
        Some(connection) => {
            let tenant = state.use_cases.tenant_of(&link.tenant);
            // The configuration may have lost the connection since.
            let provider = tenant.and_then(|tenant| tenant.provider_of_connection(connection));
            let provider = provider.ok_or_else(ApiError::connection)?.clone();
            Selection::Connection { provider, connection: connection.clone() }
        }
    };
    let form = ExportForm::new(state.looks.clone(), connection, is_csv, fields);
    let form = Form::Other(Arc::new(form));
    let export = Export::begin(store, &link.tenant, selection, form).await;
    let export = export.map_err(refusal)?.at_most(limit);
    let file = format!("attachment; filename=\"users.{}.gz\"", if is_csv { "csv" } else { "json" });
    let (chunks, taken) = mpsc::channel(1);
    let outdated = outdated(Some(verified_by), limits.permissions_changed.clone());
    let download = Download { export, link, limits, outdated, _slot };
    let written = state.use_cases.spawn_to_end(download.run(chunks));
    let headers = [(CONTENT_TYPE, "application/gzip"), (CONTENT_DISPOSITION, file.as_str())];
    Ok((headers, Body::from_stream(body(taken, written))).into_response())
}

impl Download {
    /// Writes the export as fast as the client takes it, until its end, or until the token of the
    /// link expires, the server stops, or what the link's caller was judged by changes.
    async fn run(self, chunks: mpsc::Sender<Bytes>) -> Result<(), ExportError> {
        let Self { export, link, limits, outdated, _slot } = self;
        let (stop, client) = (CancellationToken::new(), chunks.clone());
        let left = (link.token_end - clock::now()).to_std().unwrap_or_default();
        let (runtime, stopped, patience) = (Handle::current(), stop.clone(), limits.max_pause);
        // On the writer's own thread: no page is read, and no connection held, while it waits.
        let output = Output::compressed(move |chunk| {
            let sent = chunks.send_timeout(chunk.into(), patience);
            match runtime.block_on(stopped.run_until_cancelled(sent)) {
                Some(Ok(())) => Ok(()),
                None | Some(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            }
        });
        let ended = async {
            tokio::select! {
                () = limits.stop.cancelled() => {}
                () = outdated => {}
                () = client.closed() => {}
                () = sleep(left) => {}
            }
        };
        let writing = export.write(output, |_| {}, &stop);
        tokio::pin!(writing);
        let written = tokio::select! {
            biased;
            written = &mut writing => written,
            () = ended => {
                stop.cancel();
                writing.await
            }
        };
        let (tenant, job) = (&link.tenant, link.job);
        match written {
            Ok(Exported { written, .. }) => {
                tracing::info!(%tenant, %job, users = written.users, "an export over HTTP has ended");
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%tenant, %job, %error, "an export over HTTP ended early");
                Err(error)
            }
        }
    }
}

/// The body: the chunks, and an error behind them if the export is not complete. The client sees that
/// the connection or the stream breaks, and that the data has no end.
fn body(
    taken: mpsc::Receiver<Bytes>,
    written: JoinHandle<Result<(), ExportError>>,
) -> impl Stream<Item = Result<Bytes, io::Error>> {
    stream::unfold(Some((taken, written)), |parts| async move {
        let (mut taken, written) = parts?;
        if let Some(chunk) = taken.recv().await {
            return Some((Ok(chunk), Some((taken, written))));
        }
        match written.await {
            Ok(Ok(())) => None,
            Ok(Err(_)) | Err(_) => Some((Err(io::ErrorKind::BrokenPipe.into()), None)),
        }
    })
}

/// The refusal of an export that could not begin.
fn refusal(error: ExportError) -> ApiError {
    match error {
        ExportError::Store(error) => ApiError::from_store_error(error),
        error => ApiError::from_store_error(StoreError::Fault(error.to_string())),
    }
}
