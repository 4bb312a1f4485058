//! Jobs as operations.

use std::collections::BTreeMap;

use prost::Message;
use prost_types::Any;
use serde::Deserialize;
use tonic::Status;
use uuid::Uuid;

use crate::{
    domain::{JobKind, JobOutcome, duplicates::Rule},
    grpc::{
        proto::{
            self as pb,
            google::{
                longrunning::{Operation, operation},
                rpc,
            },
            job_metadata::Request,
        },
        responses, status,
    },
    store::{
        AppliedPlan, FindSettings, FoundDuplicates, ImportedUsers, Job, PlanSettings, UndoSettings,
    },
    use_cases::Error,
};

/// The counts of a job, as they are stored.
#[derive(Default, Deserialize)]
struct Counts {
    done: u64,
    already: u64,
    skipped: BTreeMap<String, u64>,
}

/// A job as an operation.
///
/// # Errors
/// [`Error::Store`] if the job has a form that this release does not know.
pub(super) fn operation(job: &Job) -> Result<Operation, Error> {
    let result = match job.outcome {
        None => None,
        Some(JobOutcome::Succeeded) => Some(operation::Result::Response(response(job)?)),
        Some(JobOutcome::Failed) => Some(operation::Result::Error(error(&status::fault()))),
        Some(JobOutcome::Cancelled) => Some(operation::Result::Error(error(&status::cancelled()))),
    };
    Ok(Operation {
        name: name(job.id),
        metadata: Some(any("JobMetadata", &metadata(job)?)),
        done: job.outcome.is_some(),
        result,
    })
}

fn metadata(job: &Job) -> Result<pb::JobMetadata, Error> {
    use pb::job_metadata::{Kind, State};
    let kind = match job.kind {
        Some(JobKind::FindDuplicates) => Kind::FindDuplicates,
        Some(JobKind::ApplyPlan) => Kind::ApplyPlan,
        Some(JobKind::UndoLinks) => Kind::UndoLinks,
        Some(JobKind::UploadPlan) => Kind::UploadPlan,
        Some(JobKind::ImportUsers) => Kind::ImportUsers,
        Some(JobKind::ExportUsers) => Kind::ExportUsers,
        None => Kind::Unspecified,
    };
    let state = match job.outcome {
        None if job.start_time.is_none() => State::Waiting,
        None => State::Running,
        Some(JobOutcome::Succeeded) => State::Succeeded,
        Some(JobOutcome::Failed) => State::Failed,
        Some(JobOutcome::Cancelled) => State::Cancelled,
    };
    Ok(pb::JobMetadata {
        kind: kind.into(),
        state: state.into(),
        done: number(job.done),
        total: number(job.total.unwrap_or_default()),
        counts: Some(counts(job)?),
        line_count: number(job.lines),
        cancel_requested: job.cancel_time.is_some(),
        create_time: Some(responses::time(job.create_time)),
        start_time: job.start_time.map(responses::time),
        end_time: job.end_time.map(responses::time),
        actor: Some(responses::actor(&job.actor)),
        request: request(job)?,
    })
}

/// What the call asked for.
fn request(job: &Job) -> Result<Option<Request>, Error> {
    Ok(match job.kind {
        Some(JobKind::FindDuplicates) => Some(Request::FindDuplicates(search(job.settings()?))),
        Some(JobKind::ApplyPlan) => Some(Request::ApplyPlan(apply(job.settings()?))),
        Some(JobKind::UndoLinks) => Some(Request::UndoLinks(undo(job.settings()?))),
        Some(JobKind::UploadPlan | JobKind::ImportUsers | JobKind::ExportUsers) | None => None,
    })
}

fn search(FindSettings { rules, primary }: FindSettings) -> pb::FindDuplicatesRequest {
    use pb::find_duplicates_request::Primary;
    let known = |text: &String| Rule::ALL.into_iter().find(|rule| rule.as_str() == text);
    let rules = rules.iter().map(|rule| match known(rule) {
        Some(Rule::VerifiedEmail) => pb::DuplicateRule::VerifiedEmail,
        Some(Rule::VerifiedPhone) => pb::DuplicateRule::VerifiedPhone,
        Some(Rule::EmailOneSide) => pb::DuplicateRule::EmailOneSide,
        Some(Rule::Gmail) => pb::DuplicateRule::Gmail,
        None => pb::DuplicateRule::Unspecified,
    });
    let rules = rules.map(i32::from).collect();
    let primary = if primary == "most-used" { Primary::MostUsed } else { Primary::Oldest };
    pb::FindDuplicatesRequest { rules, primary: primary.into(), request_id: String::new() }
}

fn apply(settings: PlanSettings) -> pb::ApplyPlanRequest {
    let PlanSettings { plan_job, validate_only, limit, rate, accepted_marks } = settings;
    pb::ApplyPlanRequest {
        operation: name(plan_job),
        validate_only,
        limit: number(limit.unwrap_or_default()),
        rate: i32::try_from(rate).unwrap_or(i32::MAX),
        accepted_marks,
        request_id: String::new(),
    }
}

fn undo(settings: UndoSettings) -> pb::UndoLinksRequest {
    use pb::undo_links_request::{MadeBy, Service};
    let UndoSettings { plan, automatic, service, since, until, validate_only, rate } = settings;
    let made_by = match (plan, service) {
        (Some(plan), _) => Some(MadeBy::PlanId(plan.to_string())),
        (None, Some((issuer, subject))) => Some(MadeBy::Service(Service { issuer, subject })),
        (None, None) => {
            automatic.then(|| MadeBy::Rule(pb::SignInRule::EmailVerifiedOnBothSides.into()))
        }
    };
    pb::UndoLinksRequest {
        made_by,
        start_time: since.map(responses::time),
        end_time: until.map(responses::time),
        validate_only,
        rate: i32::try_from(rate).unwrap_or(i32::MAX),
        request_id: String::new(),
    }
}

/// The name of the operation of a job.
fn name(job: Uuid) -> String {
    format!("operations/{job}")
}

fn counts(job: &Job) -> Result<pb::VerdictCounts, Error> {
    let Counts { done, already, skipped } = job.counts()?;
    let skipped = skipped
        .into_iter()
        .map(|(reason, count)| pb::verdict_counts::Skipped { reason, count: number(count) });
    Ok(pb::VerdictCounts {
        done: number(done),
        already: number(already),
        skipped: skipped.collect(),
    })
}

fn response(job: &Job) -> Result<Any, Error> {
    Ok(match job.kind {
        Some(JobKind::FindDuplicates) => any("FindDuplicatesResponse", &found(job)?),
        Some(JobKind::ApplyPlan) => {
            let applied: Option<AppliedPlan> = job.figures()?;
            let (plan, limited) =
                applied.map_or_else(Default::default, |of| (of.plan.to_string(), of.limited));
            let counts = Some(counts(job)?);
            any("ApplyPlanResponse", &pb::ApplyPlanResponse { plan_id: plan, counts, limited })
        }
        Some(JobKind::UndoLinks) => {
            any("UndoLinksResponse", &pb::UndoLinksResponse { counts: Some(counts(job)?) })
        }
        // The response of the call that stored it was this very operation.
        Some(JobKind::UploadPlan) => any("UploadPlanResponse", &pb::UploadPlanResponse::default()),
        Some(JobKind::ImportUsers) => any("ImportSummary", &imported(job)?),
        // It is read when it is downloaded.
        Some(JobKind::ExportUsers) => {
            any("ExportUsersResponse", &pb::ExportUsersResponse::default())
        }
        None => Any::default(),
    })
}

fn imported(job: &Job) -> Result<pb::ImportSummary, Error> {
    let ImportedUsers { run, fields, .. } = job.figures()?.unwrap_or_default();
    let Counts { done, already, skipped } = job.counts()?;
    let refused: u64 = skipped.values().sum();
    let losses =
        fields.into_iter().map(|(field, rows)| pb::ImportLoss { field, row_count: number(rows) });
    Ok(pb::ImportSummary {
        run_id: run.to_string(),
        row_count: number(done + already + refused),
        created_count: number(done),
        present_count: number(already),
        refused_count: number(refused),
        losses: losses.collect(),
        ..Default::default()
    })
}

fn found(job: &Job) -> Result<pb::FindDuplicatesResponse, Error> {
    use pb::find_duplicates_response::{Cluster, OfMark, OfRule};
    let figures: FoundDuplicates = job.figures()?.unwrap_or_default();
    let FoundDuplicates { read, clusters, users, marked, rules, marks, largest } = figures;
    let of_rule = |(rule, pairs, clusters)| OfRule {
        rule,
        pair_count: number(pairs),
        cluster_count: number(clusters),
    };
    let of_mark = |(mark, count)| OfMark { mark, cluster_count: number(count) };
    let cluster = |(line, users)| Cluster { line: number(line), user_count: number(users) };
    Ok(pb::FindDuplicatesResponse {
        plan_id: job.id.to_string(),
        identity_count: number(read),
        cluster_count: number(clusters),
        user_count: number(users),
        marked_count: number(marked),
        rules: rules.into_iter().map(of_rule).collect(),
        marks: marks.into_iter().map(of_mark).collect(),
        largest: largest.into_iter().map(cluster).collect(),
    })
}

/// The error of an operation: the same code, text and details as those of a refused call.
fn error(status: &Status) -> rpc::Status {
    rpc::Status::decode(status.details()).unwrap_or_else(|_| rpc::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    })
}

fn any(name: &str, message: &impl Message) -> Any {
    let type_url = format!("type.googleapis.com/identitylink.v1.{name}");
    Any { type_url, value: message.encode_to_vec() }
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
