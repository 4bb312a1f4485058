//! The messages of an import: what became of the rows.

use std::{collections::VecDeque, pin::Pin};

use futures_util::{Stream, stream};
use prost::Message as _;
use tokio::{sync::mpsc, task::JoinHandle};
use tonic::Status;

use super::call::{Conclusion, StreamEnd};
use crate::{
    grpc::proto::{
        self as pb, import_refusal::Reason, import_users_response::Part, import_verdict::Outcome,
        imported_provider::Target,
    },
    transfer::import::{
        FileProvider, Mapped, ReasonCode, RefusedRow, RowVerdict, SentRowsEnd, Settled, Survey,
        Verdict,
    },
};

/// The size at which a message ends, in bytes.
const ENOUGH_BYTES: usize = 64 * 1024;
/// The most reasons of one row.
const MAX_REASONS: usize = 100;

/// The responses of an import.
pub(super) type Responses =
    Pin<Box<dyn Stream<Item = Result<pb::ImportUsersResponse, Status>> + Send>>;

/// The messages of an import, one at a time: each is made when the client takes it.
struct Messages {
    verdicts: mpsc::Receiver<Vec<RowVerdict>>,
    /// The verdicts that are not yet in a message.
    left: VecDeque<RowVerdict>,
    end: StreamEnd<pb::ImportSummary>,
}

/// The messages of an import: these verdicts, and then its end. If the client goes, they are dropped.
pub(super) fn responses(
    verdicts: mpsc::Receiver<Vec<RowVerdict>>,
    conclusion: JoinHandle<Conclusion<pb::ImportSummary>>,
) -> Responses {
    let (left, end) = (VecDeque::new(), StreamEnd::new(conclusion));
    let messages = Messages { verdicts, left, end };
    Box::pin(stream::unfold(messages, |mut messages| async move {
        messages.next().await.map(|next| (next, messages))
    }))
}

impl Messages {
    async fn next(&mut self) -> Option<Result<pb::ImportUsersResponse, Status>> {
        while self.left.is_empty()
            && let Some(batch) = self.verdicts.recv().await
        {
            self.left.extend(batch);
        }
        if !self.left.is_empty() {
            return Some(Ok(self.message()));
        }
        let summary = self.end.next().await?;
        Some(summary.map(|summary| pb::ImportUsersResponse { part: Some(Part::Summary(summary)) }))
    }

    fn message(&mut self) -> pb::ImportUsersResponse {
        let (mut verdicts, mut bytes) = (Vec::new(), 0);
        while bytes < ENOUGH_BYTES
            && let Some(verdict) = self.left.pop_front()
        {
            let verdict = message(verdict);
            bytes += verdict.encoded_len();
            verdicts.push(verdict);
        }
        pb::ImportUsersResponse { part: Some(Part::Verdicts(pb::ImportVerdicts { verdicts })) }
    }
}

fn message(RowVerdict { place, verdict }: RowVerdict) -> pb::ImportVerdict {
    let (outcome, user, reasons) = match verdict {
        Verdict::Created(id) => (Outcome::Created, id, Vec::new()),
        Verdict::Present(id) => (Outcome::Present, Some(id), Vec::new()),
        // Only the command attaches users.
        Verdict::Attached { user, is_created: true, .. } => {
            (Outcome::Created, Some(user), Vec::new())
        }
        Verdict::Attached { user, .. } => (Outcome::Present, Some(user), Vec::new()),
        Verdict::Skipped => (Outcome::Skipped, None, Vec::new()),
        Verdict::Refused(RefusedRow { reasons, .. }) => (Outcome::Refused, None, reasons),
    };
    let refusals = reasons.into_iter().take(MAX_REASONS).map(|reason| pb::ImportRefusal {
        reason: reason_code(reason.reason).into(),
        field: reason.field,
        description: reason.description,
    });
    pb::ImportVerdict {
        line: number(place.line),
        outcome: outcome.into(),
        user_id: user.map(|id| id.to_string()).unwrap_or_default(),
        refusals: refusals.collect(),
    }
}

fn reason_code(reason: ReasonCode) -> Reason {
    match reason {
        ReasonCode::Invalid => Reason::Invalid,
        ReasonCode::Repeated => Reason::Repeated,
        ReasonCode::IdentityTaken | ReasonCode::NotAttached => Reason::IdentityTaken,
        ReasonCode::IdTaken => Reason::IdTaken,
        ReasonCode::Deleted => Reason::Deleted,
    }
}

/// The summary of an import. Before it has begun, nothing is settled.
pub(super) fn summary(SentRowsEnd { survey, settled }: &SentRowsEnd) -> pb::ImportSummary {
    let Survey { run, verified_emails, counting_emails, shared_emails, left_out, .. } = &**survey;
    let counts = settled.as_ref().map(|Settled { run, .. }| run);
    let count = |of: fn(&_) -> i64| counts.map(of).unwrap_or_default();
    let providers = survey.providers.iter().map(|(name, FileProvider { accounts, mapped })| {
        let target = match mapped {
            Mapped::To(provider) => Some(Target::Provider(provider.to_string())),
            Mapped::LeftOut => Some(Target::LeftOut(true)),
            Mapped::Missing => None,
        };
        pb::ImportedProvider { name: name.clone(), account_count: number(*accounts), target }
    });
    let losses = left_out
        .fields
        .iter()
        .map(|(field, rows)| pb::ImportLoss { field: field.clone(), row_count: number(*rows) });
    pb::ImportSummary {
        run_id: run.to_string(),
        row_count: count(|run| run.rows),
        created_count: count(|run| run.created),
        present_count: count(|run| run.present),
        skipped_count: count(|run| run.skipped),
        refused_count: count(|run| run.refused),
        providers: providers.collect(),
        verified_email_count: number(*verified_emails),
        counting_email_count: number(*counting_emails),
        shared_email_count: number(*shared_emails),
        losses: losses.collect(),
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
