//! A job, as its pages show it.

use prost::Message;
use prost_types::Any;

use crate::{
    console::{
        pages::{
            Problem,
            user::{Time, time},
        },
        texts::{JobsTexts, Texts},
    },
    domain::duplicates::{Mark, Rule},
    grpc::proto::{
        self as pb, JobMetadata,
        google::longrunning::{Operation, operation},
        job_metadata::{Kind, Request, State},
        undo_links_request::MadeBy,
    },
};

/// A job.
pub(super) struct Job {
    pub path: String,
    pub kind: &'static str,
    pub state: &'static str,
    pub is_over: bool,
    pub progress: Progress,
    pub by: String,
    /// Why it was started; empty if that was not said.
    pub reason: String,
    pub created: Time,
    pub begun: Time,
    pub ended: Time,
}

/// How far a job is.
pub(super) struct Progress {
    pub done: i64,
    /// 0 while it is not known.
    pub total: i64,
    /// The same in words; empty before the first.
    pub text: String,
}

/// Something that a page says of a job.
pub(super) struct Fact {
    pub label: String,
    pub text: String,
    /// Where it leads; empty if that is nowhere.
    pub href: String,
}

/// The id in the name of an operation.
pub(super) fn id_of(operation: &str) -> &str {
    operation.strip_prefix("operations/").unwrap_or(operation)
}

/// The path of the page of a job.
pub(super) fn path_of_job(tenant: &str, id: &str) -> String {
    format!("/jobs/{tenant}/{id}")
}

/// The metadata of an operation.
pub(super) fn metadata(operation: &Operation) -> Result<JobMetadata, Problem> {
    decode(operation.metadata.as_ref())
}

/// The response of an operation that has succeeded, whose kind says which type it has.
pub(super) fn response<T: Message + Default>(operation: &Operation) -> Result<T, Problem> {
    match &operation.result {
        Some(operation::Result::Response(response)) => decode(Some(response)),
        _ => Ok(T::default()),
    }
}

fn decode<T: Message + Default>(any: Option<&Any>) -> Result<T, Problem> {
    let bytes = any.map(|any| any.value.as_slice()).unwrap_or_default();
    T::decode(bytes).map_err(|error| Problem::fault(&error.to_string()))
}

impl Job {
    pub(super) fn new(t: &Texts, tenant: &str, operation: &Operation) -> Result<Self, Problem> {
        let of = metadata(operation)?;
        let actor = of.actor.clone().unwrap_or_default();
        let state = match of.cancel_requested && !operation.done {
            true => t.jobs.stopping,
            false => t.jobs.state(of.state()),
        };
        Ok(Self {
            path: path_of_job(tenant, id_of(&operation.name)),
            kind: kind(&t.jobs, &of),
            state,
            is_over: operation.done,
            progress: Progress::new(&t.jobs, &of),
            by: t.actor(&actor),
            reason: actor.reason,
            created: time(of.create_time.as_ref()),
            begun: time(of.start_time.as_ref()),
            ended: time(of.end_time.as_ref()),
        })
    }
}

impl Progress {
    pub(super) fn new(t: &JobsTexts, of: &JobMetadata) -> Self {
        let text = match (of.done, of.total) {
            (0, 0) => String::new(),
            (done, 0) => done.to_string(),
            (done, total) => format!("{done} {} {total}", t.of),
        };
        Self { done: of.done, total: of.total, text }
    }
}

/// Whether a job only says what would happen.
pub(super) fn is_preview(of: &JobMetadata) -> bool {
    match &of.request {
        Some(Request::ApplyPlan(request)) => request.validate_only,
        Some(Request::UndoLinks(request)) => request.validate_only,
        Some(Request::FindDuplicates(_)) | None => false,
    }
}

fn kind(t: &JobsTexts, of: &JobMetadata) -> &'static str {
    match (of.kind(), is_preview(of)) {
        (Kind::Unspecified, _) => t.other,
        (Kind::FindDuplicates, _) => t.search,
        (Kind::ApplyPlan, true) => t.apply_preview,
        (Kind::ApplyPlan, false) => t.apply,
        (Kind::UndoLinks, true) => t.undo_preview,
        (Kind::UndoLinks, false) => t.undo,
        (Kind::UploadPlan, _) => t.upload,
        (Kind::ImportUsers, _) => t.import,
        (Kind::ExportUsers, _) => t.export,
    }
}

/// What was asked for.
pub(super) fn asked(t: &Texts, tenant: &str, of: &JobMetadata) -> Vec<Fact> {
    let texts = &t.jobs;
    match &of.request {
        Some(Request::FindDuplicates(request)) => search(texts, request),
        Some(Request::ApplyPlan(request)) => apply(texts, tenant, request),
        Some(Request::UndoLinks(request)) => undo(texts, request),
        None => Vec::new(),
    }
}

fn search(t: &JobsTexts, request: &pb::FindDuplicatesRequest) -> Vec<Fact> {
    use pb::find_duplicates_request::Primary;
    let rules = request.rules().filter_map(|rule| match rule {
        pb::DuplicateRule::Unspecified => None,
        pb::DuplicateRule::VerifiedEmail => Some(t.rule(Rule::VerifiedEmail)),
        pb::DuplicateRule::VerifiedPhone => Some(t.rule(Rule::VerifiedPhone)),
        pb::DuplicateRule::EmailOneSide => Some(t.rule(Rule::EmailOneSide)),
        pb::DuplicateRule::Gmail => Some(t.rule(Rule::Gmail)),
    });
    let primary = match request.primary() {
        Primary::MostUsed => t.most_used,
        Primary::Unspecified | Primary::Oldest => t.oldest,
    };
    let rules: Vec<_> = rules.collect();
    vec![Fact::new(t.by_rules, rules.join("; ")), Fact::new(t.primary, primary)]
}

fn apply(t: &JobsTexts, tenant: &str, request: &pb::ApplyPlanRequest) -> Vec<Fact> {
    let plan = id_of(&request.operation);
    let limit = match request.limit {
        0 => t.no_limit.to_owned(),
        limit => limit.to_string(),
    };
    let mut facts = vec![
        Fact { href: path_of_job(tenant, plan), ..Fact::new(t.plan, plan) },
        Fact::new(t.limit, limit),
        Fact::new(t.rate, request.rate.to_string()),
    ];
    let accepted = request.accepted_marks.iter().filter_map(|mark| Mark::parse(mark));
    let accepted: Vec<_> = accepted.map(|mark| t.mark(mark)).collect();
    if !accepted.is_empty() {
        facts.push(Fact::new(t.accepted, accepted.join(" ")));
    }
    facts
}

fn undo(t: &JobsTexts, request: &pb::UndoLinksRequest) -> Vec<Fact> {
    let made_by = match &request.made_by {
        Some(MadeBy::PlanId(plan)) => Some(Fact::new(t.of_plan, plan.as_str())),
        Some(MadeBy::Rule(_)) => Some(Fact::new(t.of_sign_ins, "")),
        Some(MadeBy::Service(service)) => Some(Fact::new(t.of_service, service.subject.as_str())),
        None => None,
    };
    let times = [(t.since, &request.start_time), (t.until, &request.end_time)];
    let times = times
        .into_iter()
        .filter_map(|(label, at)| at.as_ref().map(|at| Fact::new(label, time(Some(at)).text)));
    let rate = Fact::new(t.rate, request.rate.to_string());
    made_by.into_iter().chain(times).chain([rate]).collect()
}

/// What a job has found or done.
pub(super) fn figures(
    t: &JobsTexts,
    (path, operation): (&str, &Operation),
    of: &JobMetadata,
) -> Result<Vec<Fact>, Problem> {
    let mut facts = Vec::new();
    match of.kind() {
        Kind::FindDuplicates if of.state() == State::Succeeded => {
            let found: pb::FindDuplicatesResponse = response(operation)?;
            facts.extend(found_figures(t, path, &found));
        }
        Kind::ApplyPlan | Kind::UndoLinks | Kind::ImportUsers => {
            facts.extend(counts(t, of));
            let applied = of.kind() == Kind::ApplyPlan && of.state() == State::Succeeded;
            if applied && response::<pb::ApplyPlanResponse>(operation)?.limited {
                facts.push(Fact::new(t.limited, ""));
            }
        }
        _ => {}
    }
    Ok(facts)
}

fn found_figures(t: &JobsTexts, path: &str, found: &pb::FindDuplicatesResponse) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new(t.read, found.identity_count.to_string()),
        Fact::new(t.clusters, found.cluster_count.to_string()),
        Fact::new(t.users, found.user_count.to_string()),
        Fact::new(t.marked, found.marked_count.to_string()),
    ];
    let largest = found.largest.iter().map(|cluster| Fact {
        // The page begins with that line.
        href: format!("{path}?after={}#lines", cluster.line - 1),
        ..Fact::new(
            t.largest,
            format!("{} {}: {} {}", t.line, cluster.line, cluster.user_count, t.size),
        )
    });
    facts.extend(largest);
    facts
}

fn counts(t: &JobsTexts, of: &JobMetadata) -> Vec<Fact> {
    let counts = of.counts.clone().unwrap_or_default();
    let (done, already) = match (of.kind(), is_preview(of)) {
        (Kind::ImportUsers, _) => (t.created, t.already_there),
        (Kind::UndoLinks, true) => (t.would_undo, t.already),
        (Kind::UndoLinks, false) => (t.undone, t.already),
        (_, true) => (t.would_link, t.already),
        (_, false) => (t.linked, t.already),
    };
    let counted = [(done, counts.done), (already, counts.already)];
    let counted = counted.map(|(label, count)| Fact::new(label, count.to_string()));
    let skipped =
        counts.skipped.iter().map(|of| Fact::new(t.skip(&of.reason), of.count.to_string()));
    counted.into_iter().chain(skipped).collect()
}

impl Fact {
    fn new(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self { label: label.into(), text: text.into(), href: String::new() }
    }
}
