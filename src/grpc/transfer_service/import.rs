//! `ImportUsers`.

use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    task::spawn_blocking,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::{
    TransferHandler,
    call::{Conclusion, until_ended},
    settings::{checker, first_message, refused},
    verdicts::{Responses, responses, summary},
};
use crate::{
    auth::Permit,
    domain::{DomainError, TenantId},
    grpc::{
        proto::{self as pb, import_users_request::Part},
        requests::Checks,
        status,
    },
    store::Store,
    transfer::{
        import::{
            Checker, ImportError, KeysError, Reporting, RowVerdict, SentRows, SentRowsEnd,
            SentRowsError, Settled, SurveyError, VerdictSender,
        },
        input::{Lines, LinesError},
        limits::TransferLimits,
        sources::Format,
    },
    use_cases::Error,
};

/// An import, before its rows have arrived.
struct Call {
    permit: Permit,
    store: Store,
    checker: Checker,
    is_dry_run: bool,
    messages: Streaming<pb::ImportUsersRequest>,
    limits: TransferLimits,
    _slot: OwnedSemaphorePermit,
}

impl TransferHandler {
    pub(super) async fn import(
        &self,
        permit: Permit,
        mut messages: Streaming<pb::ImportUsersRequest>,
    ) -> Result<Responses, Status> {
        let limits = self.limits.clone();
        // Taken before the first message, so that the limit also bounds how many wait for it.
        let slot = limits.imports.clone().try_acquire_owned();
        let _slot = slot.map_err(|_| status::imports_busy())?;
        let settings = first_message(&mut messages).await?;
        let checker = checker(&self.use_cases, &permit, &settings).map_err(status::from_error)?;
        let (store, is_dry_run) = (self.use_cases.store().clone(), settings.validate_only);
        let call = Call { permit, store, checker, is_dry_run, messages, limits, _slot };
        // A batch that is inserted while another one commits, beside those that wait for the client.
        let (verdicts, taken) = mpsc::channel(VerdictSender::ROOM + 1);
        // A transaction is not cut off in the middle when the client goes.
        let conclusion = self.use_cases.spawn_to_end(call.run(verdicts));
        Ok(responses(taken, conclusion))
    }
}

impl Call {
    /// Receives the rows and imports them, until the end of all rows or of the call. The batch that is
    /// being written then is committed, with its verdicts.
    async fn run(self, verdicts: mpsc::Sender<Vec<RowVerdict>>) -> Conclusion<pb::ImportSummary> {
        let stop = CancellationToken::new();
        let (permit, limits, client) = (self.permit.clone(), self.limits.clone(), verdicts.clone());
        let importing = self.import(&stop, verdicts);
        until_ended(&permit, &limits, &stop, client.closed(), importing).await
    }

    async fn import(
        mut self,
        stop: &CancellationToken,
        verdicts: mpsc::Sender<Vec<RowVerdict>>,
    ) -> Conclusion<pb::ImportSummary> {
        let lines = match self.receive(stop).await {
            Ok(lines) => lines,
            Err(status) => return Conclusion::refused(status),
        };
        let Self { permit, store, checker, is_dry_run, limits, .. } = self;
        let tenant = permit.tenant().clone();
        let format = Format::Neutral;
        let rows = SentRows { store, tenant: tenant.clone(), checker, lines, format, is_dry_run };
        let verdicts = VerdictSender { verdicts, patience: limits.max_pause };
        match rows.settle(stop, Reporting::Receiver(verdicts), &|_| {}).await {
            Ok(end) => concluded(&tenant, &end, is_dry_run),
            Err(error) => Conclusion::refused(refusal(error)),
        }
    }

    /// The rows, after the client has sent the end of them. A client that cancels its call may look
    /// like one that has sent all: without the end no row is written, since the next one could have
    /// refused it.
    async fn receive(&mut self, stop: &CancellationToken) -> Result<Lines, Status> {
        let mut lines = Lines::new(self.limits.max_import_bytes).map_err(unusable)?;
        loop {
            let next = timeout(self.limits.max_pause, self.messages.message());
            let next = stop.run_until_cancelled(next).await.ok_or_else(status::stopping)?;
            let message = next.map_err(|_| status::stalled())?.map_err(status::of_message)?;
            let rows = match message.map(|pb::ImportUsersRequest { part }| part) {
                Some(Some(Part::Rows(rows))) => rows,
                Some(Some(Part::RowsEnd(pb::ImportEnd {}))) => return Ok(lines),
                Some(Some(Part::Settings(_)) | None) => {
                    let mut checks = Checks::default();
                    checks.report("rows", "or rows_end are required in each message but the first");
                    return Err(refused(checks));
                }
                None => {
                    let mut checks = Checks::default();
                    checks
                        .report("rows_end", "is required after the last row: nothing was written");
                    return Err(refused(checks));
                }
            };
            // A file may block.
            let adding = spawn_blocking(move || lines.add(&rows).map(|()| lines));
            lines = match adding.await {
                Ok(Ok(lines)) => lines,
                Ok(Err(LinesError::TooLong(max))) => return Err(status::rows_too_long(max)),
                Ok(Err(LinesError::Io(error))) => return Err(unusable(error)),
                Err(error) => return Err(status::from_error(Error::Fault(error.to_string()))),
            };
        }
    }
}

/// The end of an import that was not cut short. It is logged without a value of a row.
fn concluded(
    tenant: &TenantId,
    end: &SentRowsEnd,
    is_dry_run: bool,
) -> Conclusion<pb::ImportSummary> {
    let last = Some(summary(end));
    let Some(Settled { run, .. }) = &end.settled else {
        let violation = DomainError::invalid(
            "settings.providers",
            "needs an entry for each provider that the summary has without one",
        );
        return Conclusion { last, refusal: Some(status::from_domain_error(violation)) };
    };
    tracing::info!(
        %tenant,
        run = %run.id,
        validate_only = is_dry_run,
        rows = run.rows,
        created = run.created,
        present = run.present,
        skipped = run.skipped,
        refused = run.refused,
        "an import over gRPC has ended"
    );
    Conclusion { last, refusal: None }
}

/// The status of an import that ended early.
fn refusal(error: SentRowsError) -> Status {
    let fault = |text: String| status::from_error(Error::Fault(text));
    match error {
        SentRowsError::Survey(SurveyError::Keys(KeysError::TooMany)) => {
            let text =
                "have more accounts or ids in several rows than are listed: send one row per user";
            status::from_domain_error(DomainError::invalid("rows", text))
        }
        SentRowsError::Survey(SurveyError::Stopped)
        | SentRowsError::Import(ImportError::Stopped) => status::stopping(),
        SentRowsError::Import(ImportError::Unread) => status::stalled(),
        SentRowsError::Import(ImportError::Overtaken) => {
            status::from_domain_error(DomainError::ConflictRetry)
        }
        SentRowsError::Import(ImportError::Store(error)) => status::from_error(error.into()),
        SentRowsError::Survey(
            error @ (SurveyError::Input(_) | SurveyError::Keys(_) | SurveyError::Panicked(_)),
        ) => fault(error.to_string()),
        SentRowsError::Import(
            error @ (ImportError::Input(_) | ImportError::File(_) | ImportError::Changed),
        ) => fault(error.to_string()),
    }
}

/// The status of a call whose temporary file cannot be used.
fn unusable(error: std::io::Error) -> Status {
    status::from_error(Error::Fault(LinesError::Io(error).to_string()))
}
