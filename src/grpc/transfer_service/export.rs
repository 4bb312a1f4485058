//! `ExportUsers`.

use std::{io, pin::Pin};

use futures_util::{Stream, StreamExt as _, stream};
use tokio::{
    runtime::Handle,
    sync::{
        OwnedSemaphorePermit,
        mpsc::{self, error::SendTimeoutError},
    },
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    TransferHandler,
    call::{Conclusion, StreamEnd, until_ended},
};
use crate::{
    auth::Permit,
    domain::{DomainError, UserId},
    feed::PositionCodec,
    grpc::{
        proto::{
            self as pb, export_users_request::Form as FormOfRequest, export_users_response::Part,
        },
        requests::Checks,
        status,
    },
    store::Store,
    transfer::{
        export::{Export, ExportError, Exported, Form, NamedIds, Output, Selection},
        limits::TransferLimits,
    },
    use_cases::Error,
};

/// The most ids of a request.
const MAX_IDS: usize = 10_000;

/// The responses of an export.
pub(super) type Responses =
    Pin<Box<dyn Stream<Item = Result<pb::ExportUsersResponse, Status>> + Send>>;

/// An export that has its position.
struct Call {
    permit: Permit,
    store: Store,
    export: Export,
    /// The ids of the request, in its order.
    ids: Vec<String>,
    limits: TransferLimits,
    _slot: OwnedSemaphorePermit,
}

impl TransferHandler {
    pub(super) async fn export(
        &self,
        permit: Permit,
        request: pb::ExportUsersRequest,
    ) -> Result<Responses, Status> {
        let limits = self.limits.clone();
        let slot = limits.exports.clone().try_acquire_owned();
        let _slot = slot.map_err(|_| status::exports_busy())?;
        let (selection, form) = self.selection_and_form(&request).map_err(status::from_error)?;
        let (store, tenant) = (self.use_cases.store().clone(), permit.tenant());
        let export = Export::begin(&store, tenant, selection, form).await;
        let export = export.map_err(|error| refusal(error, &store, &permit))?;
        let position = export.position().to_owned();
        let call = Call { permit, store, export, ids: request.user_ids, limits, _slot };
        let (lines, taken) = mpsc::channel(1);
        let conclusion = self.use_cases.spawn_to_end(call.run(lines));
        Ok(responses(position, taken, conclusion))
    }

    /// Which users are exported, and how.
    fn selection_and_form(
        &self,
        request: &pb::ExportUsersRequest,
    ) -> Result<(Selection, Form), Error> {
        let mut checks = Checks::default();
        let pb::ExportUsersRequest { user_ids, since_position, include_links, .. } = request;
        if user_ids.len() > MAX_IDS {
            checks.report("user_ids", format!("must be at most {MAX_IDS}"));
        }
        let ids = user_ids.iter().take(MAX_IDS).enumerate();
        let ids: Vec<UserId> =
            ids.filter_map(|(at, id)| checks.user_id(&format!("user_ids[{at}]"), id)).collect();
        if !since_position.is_empty() && !user_ids.is_empty() {
            checks.report("since_position", "must be empty where user_ids are given");
        }
        let form = match FormOfRequest::try_from(request.form) {
            Ok(FormOfRequest::Unspecified | FormOfRequest::Neutral) => {
                Some(Form::Neutral { has_links: *include_links })
            }
            Ok(FormOfRequest::Auth0) => {
                if *include_links {
                    checks.report("include_links", "must be unset: Auth0's form has no links");
                }
                if !since_position.is_empty() {
                    let text = "must be empty: Auth0's form has no deleted users";
                    checks.report("since_position", text);
                }
                Some(self.auth0_form.clone())
            }
            Err(_) => {
                checks.report("form", "is not one of the values that the proto names");
                None
            }
        };
        let form = checks.into_result_with(form)?;
        let selection = match (user_ids.as_slice(), since_position.as_str()) {
            ([], "") => Selection::All,
            ([], since) => Selection::ChangedSince(since.to_owned()),
            // Each id is a line, so its line says which one it is.
            (_, _) => Selection::Named(NamedIds::few(ids)),
        };
        Ok((selection, form))
    }
}

impl Call {
    /// Writes all lines, as fast as the client takes them.
    async fn run(self, lines: mpsc::Sender<Vec<u8>>) -> Conclusion<pb::ExportSummary> {
        let stop = CancellationToken::new();
        let (permit, limits, client) = (self.permit.clone(), self.limits.clone(), lines.clone());
        let exporting = self.export(&stop, lines);
        until_ended(&permit, &limits, &stop, client.closed(), exporting).await
    }

    async fn export(
        self,
        stop: &CancellationToken,
        lines: mpsc::Sender<Vec<u8>>,
    ) -> Conclusion<pb::ExportSummary> {
        let Self { permit, store, export, ids, limits, _slot } = self;
        let (runtime, stopped, patience) = (Handle::current(), stop.clone(), limits.max_pause);
        // On the writer's own thread: no page is read, and no connection held, while it waits.
        let output = Output::lines(move |whole| {
            let sent = lines.send_timeout(whole, patience);
            match runtime.block_on(stopped.run_until_cancelled(sent)) {
                Some(Ok(())) => Ok(()),
                Some(Err(SendTimeoutError::Timeout(_))) => Err(io::ErrorKind::TimedOut.into()),
                None | Some(Err(SendTimeoutError::Closed(_))) => {
                    Err(io::ErrorKind::BrokenPipe.into())
                }
            }
        });
        match export.write(output, |_| {}, stop).await {
            Ok(Exported { written, unknown_lines }) => {
                let (tenant, users, deleted) = (permit.tenant(), written.users, written.deleted);
                tracing::info!(%tenant, users, deleted, "an export over gRPC has ended");
                let unknown = unknown_lines
                    .iter()
                    .filter_map(|line| ids.get(usize::try_from(*line).ok()?.checked_sub(1)?));
                let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
                let last = pb::ExportSummary {
                    user_count: number(written.users),
                    deleted_count: number(written.deleted),
                    unknown_user_ids: unknown.cloned().collect(),
                };
                Conclusion { last: Some(last), refusal: None }
            }
            Err(error) => Conclusion::refused(refusal(error, &store, &permit)),
        }
    }
}

/// The messages of an export: its position, the lines, and its end.
fn responses(
    position: String,
    lines: mpsc::Receiver<Vec<u8>>,
    conclusion: JoinHandle<Conclusion<pb::ExportSummary>>,
) -> Responses {
    let message = |part| pb::ExportUsersResponse { part: Some(part) };
    let first = stream::iter([Ok(message(Part::Position(position)))]);
    let rest = stream::unfold(
        (lines, StreamEnd::new(conclusion)),
        move |(mut lines, mut end)| async move {
            let next = match lines.recv().await {
                Some(whole) => Ok(message(Part::Lines(whole))),
                None => end.next().await?.map(|summary| message(Part::Summary(summary))),
            };
            Some((next, (lines, end)))
        },
    );
    Box::pin(first.chain(rest))
}

/// The status of an export that ended early.
fn refusal(error: ExportError, store: &Store, permit: &Permit) -> Status {
    match error {
        ExportError::UnknownPosition => status::from_domain_error(DomainError::PositionInvalid),
        ExportError::ExpiredPosition(oldest) => {
            let positions = store.key(permit.tenant()).and_then(PositionCodec::new);
            match positions {
                Ok(positions) => status::from_domain_error(positions.expired(oldest)),
                Err(error) => status::from_error(error.into()),
            }
        }
        ExportError::Imported => status::imported_since(),
        ExportError::Stopped => status::stopping(),
        ExportError::Output(error) if error.kind() == io::ErrorKind::TimedOut => status::stalled(),
        // The client has gone, or the call is stopped, which has a status of its own.
        ExportError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            status::stopping()
        }
        ExportError::List(error) | ExportError::Output(error) => {
            status::from_error(Error::Fault(error.to_string()))
        }
        ExportError::Store(error) => status::from_error(error.into()),
    }
}
