//! The page of a job: what it is asked for, how far it is, what it found or did, and what can be done next.

use std::{collections::BTreeMap, sync::LazyLock};

use askama::Template;
use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    response::{IntoResponse as _, Redirect, Response},
};
use data_encoding::BASE64;
use serde::Deserialize;
use tonic::{Code, Status};

use super::{
    lines::Lines,
    refusal,
    shown::{self, Fact, Job, is_preview, metadata, path_of_job, response},
    to_job,
};
use crate::{
    auth::StatedReason,
    console::{
        App, Scripted,
        calls::JobCalls,
        pages::{Chrome, Form, Problem, page},
        sessions::Staff,
        sign_in,
    },
    domain::{StaffRole, duplicates::Mark},
    grpc::proto::{
        self as pb, JobMetadata,
        google::longrunning::{CancelOperationRequest, GetOperationRequest, Operation},
        job_metadata::{Kind, Request, State as JobState},
        undo_links_request::MadeBy,
    },
    secret::sha256,
};

/// The script of the page.
pub(super) const SCRIPT: &str = include_str!("../../../../templates/console/job.js");
/// The hash by which a browser knows the script (Subresource Integrity §3).
static INTEGRITY: LazyLock<String> =
    LazyLock::new(|| format!("sha256-{}", BASE64.encode(&sha256(SCRIPT.as_bytes()))));
/// The usual rate, in links per second.
const RATE: i32 = 50;
/// The highest rate, in links per second.
const MAX_RATE: i32 = 10_000;

/// Which lines of the job to show.
#[derive(Deserialize)]
pub(in crate::console) struct Wanted {
    /// The number of the last line that is left out.
    #[serde(default)]
    after: u32,
}

/// What a person wants to be done about a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    /// Stop it.
    #[default]
    Stop,
    /// See what its plan would do.
    Preview,
    /// Do what this preview shows.
    Approve,
    /// See what it would be to take all links of its plan back.
    Undo,
}

/// The forms of the page.
#[derive(Deserialize, Default)]
pub(in crate::console) struct Asked {
    form_token: String,
    #[serde(default)]
    action: Action,
    /// The most links; empty for all.
    #[serde(default)]
    limit: String,
    /// The most links per second.
    #[serde(default)]
    rate: String,
    #[serde(default)]
    reason: String,
    /// Makes an approval that is sent twice begin one job. What changes nothing has none: a page can be
    /// sent again with other fields.
    #[serde(default)]
    request_id: String,
    /// A key for each mark that is accepted, see [`Asked::has`].
    #[serde(flatten)]
    marks: BTreeMap<String, String>,
}

#[derive(Template)]
#[template(path = "console/job.html")]
struct JobPage<'a> {
    chrome: Chrome<'a>,
    id: &'a str,
    tenant: &'a str,
    job: Job,
    facts: Vec<Fact>,
    figures: Vec<Fact>,
    /// `None` if a job of this kind has no lines, or has not ended.
    lines: Option<Lines>,
    /// What can be done next; `None` if nothing can be.
    next: Option<Next>,
    asked: &'a Asked,
    /// What is wrong with the form; empty if nothing is.
    problem: &'static str,
    /// Where to sign in again before a form can be sent; empty if that is not needed.
    again: String,
    /// For an approval.
    request_id: String,
    integrity: &'static str,
}

/// What can be done about a job.
enum Next {
    /// It can be stopped.
    Stop,
    /// What its plan would do can be seen. The marks are those of the plan.
    Preview(Vec<Mark>),
    /// The links of this preview can be made.
    ApproveLinks,
    /// The links of this preview can be taken back.
    ApproveUndo,
    /// What it would be to take the links of its plan back can be seen.
    Undo,
}

impl Asked {
    /// Whether a mark is accepted.
    fn has(&self, mark: Mark) -> bool {
        self.marks.contains_key(&format!("mark-{}", mark.as_str()))
    }

    /// The most links and the most per second; `None` if one is no such number.
    fn numbers(&self) -> Option<(i64, i32)> {
        let limit = match self.limit.trim() {
            "" => Some(0),
            limit => limit.parse().ok().filter(|limit| *limit > 0),
        };
        let rate = match self.rate.trim() {
            "" => Some(RATE),
            rate => rate.parse().ok().filter(|rate| (1..=MAX_RATE).contains(rate)),
        };
        limit.zip(rate)
    }
}

impl JobPage<'_> {
    /// Each mark of the plan, with the name of its field, its text, and whether it is accepted.
    fn marks(&self, marks: &[Mark]) -> Vec<(String, &'static str, bool)> {
        let field = |mark: &Mark| {
            let name = format!("mark-{}", mark.as_str());
            (name, self.chrome.t.jobs.mark(*mark), self.asked.has(*mark))
        };
        marks.iter().map(field).collect()
    }
}

/// The page of a job.
pub(in crate::console) async fn page_of_job(
    State(app): State<App>,
    staff: Staff,
    Path((tenant, id)): Path<(String, String)>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let t = staff.texts;
    let Ok(Query(Wanted { after })) = wanted else { return Problem::NotHere.page(t) };
    let asked = Asked { rate: RATE.to_string(), ..Asked::default() };
    let shown = app.job_page(&staff, (&tenant, &id), after.into(), (&asked, "")).await;
    shown.unwrap_or_else(|problem| problem.page(t))
}

/// Takes each form of the page.
pub(in crate::console) async fn act(
    State(app): State<App>,
    staff: Staff,
    Path((tenant, id)): Path<(String, String)>,
    Form(asked): Form<Asked>,
) -> Response {
    if !staff.sent(&asked.form_token) {
        return Problem::Form.page(staff.texts);
    }
    let done = app.act(&staff, (&tenant, &id), &asked).await;
    done.unwrap_or_else(|problem| problem.page(staff.texts))
}

impl App {
    /// The job of this id, as its operation.
    pub(super) async fn job(&self, calls: &mut JobCalls, id: &str) -> Result<Operation, Problem> {
        let request = GetOperationRequest { name: format!("operations/{id}") };
        match calls.operations.get_operation(request).await {
            Ok(operation) => Ok(operation.into_inner()),
            Err(status) if matches!(status.code(), Code::NotFound | Code::InvalidArgument) => {
                Err(Problem::NoJob)
            }
            Err(status) => Err(status.into()),
        }
    }

    async fn job_page(
        &self,
        staff: &Staff,
        (tenant, id): (&str, &str),
        after: i64,
        (asked, problem): (&Asked, &'static str),
    ) -> Result<Response, Problem> {
        staff.needs(StaffRole::Operator)?;
        let t = staff.texts;
        let mut calls = self.job_calls(tenant, staff, None).ok_or(Problem::NotHere)?;
        let operation = self.job(&mut calls, id).await?;
        let of = metadata(&operation)?;
        let path = path_of_job(tenant, id);
        let lines = match operation.done && has_lines(of.kind()) {
            true => Some(Lines::read(t, &mut calls, (tenant, id), (&of, after)).await?),
            false => None,
        };
        if let Some(lines) = &lines {
            self.record(staff, tenant, ("job", &lines.users), None).await?;
        }
        let is_sent = !asked.form_token.is_empty();
        let again = match is_sent && !staff.may_change() {
            true => sign_in::path_again(&path),
            false => String::new(),
        };
        let shown = JobPage {
            chrome: Chrome::of(t, Some(staff)),
            id,
            tenant,
            job: Job::new(t, tenant, &operation)?,
            facts: shown::asked(t, tenant, &of),
            figures: shown::figures(&t.jobs, (&path, &operation), &of)?,
            lines,
            next: next(&operation, &of)?,
            asked,
            problem,
            again,
            request_id: uuid::Uuid::new_v4().to_string(),
            integrity: &INTEGRITY,
        };
        let mut response = page(&shown);
        response.extensions_mut().insert(Scripted);
        Ok(response)
    }

    async fn act(
        &self,
        staff: &Staff,
        (tenant, id): (&str, &str),
        asked: &Asked,
    ) -> Result<Response, Problem> {
        staff.needs(StaffRole::Operator)?;
        let reason = StatedReason::parse(&asked.reason);
        let problem = match (&reason, asked.numbers()) {
            // What was typed stays, and the page can be sent again after the sign-in.
            _ if !staff.may_change() => Some(""),
            (None, _) => Some(staff.texts.reason_wrong),
            (_, None) => Some(staff.texts.jobs.numbers_wrong),
            (Some(_), Some(_)) => None,
        };
        if let Some(problem) = problem {
            return self.job_page(staff, (tenant, id), 0, (asked, problem)).await;
        }
        let mut calls = self.job_calls(tenant, staff, reason).ok_or(Problem::NotHere)?;
        let done = match asked.action {
            Action::Stop => stop(&mut calls, id).await,
            Action::Preview => preview(&mut calls, id, asked).await,
            Action::Approve | Action::Undo => {
                let of = self.job(&mut calls, id).await?;
                let request = match asked.action {
                    Action::Approve => approved(&of)?,
                    _ => self.undo(&mut calls, &of).await?,
                };
                start(&mut calls, request.ok_or(Problem::Form)?, &asked.request_id).await
            }
        };
        match done {
            Ok(Some(operation)) => Ok(to_job(tenant, &operation.name)),
            Ok(None) => Ok(Redirect::to(&path_of_job(tenant, id)).into_response()),
            Err(status) => {
                let problem = refusal(staff.texts, &status)?;
                self.job_page(staff, (tenant, id), 0, (asked, problem)).await
            }
        }
    }

    /// The request to see what it would be to take the links back that a job made by a plan; `None` for
    /// another job.
    async fn undo(
        &self,
        calls: &mut JobCalls,
        operation: &Operation,
    ) -> Result<Option<Request>, Problem> {
        let of = metadata(operation)?;
        let Some(Request::ApplyPlan(applied)) = &of.request else { return Ok(None) };
        let plan = response::<pb::ApplyPlanResponse>(operation)?.plan_id;
        let plan = match plan.is_empty() {
            // Of a job that was stopped or has failed the plan itself says which it is.
            true => Lines::plan(calls, &applied.operation).await?,
            false => Some(plan),
        };
        Ok(plan.map(|plan| {
            Request::UndoLinks(pb::UndoLinksRequest {
                made_by: Some(MadeBy::PlanId(plan)),
                validate_only: true,
                rate: applied.rate,
                ..pb::UndoLinksRequest::default()
            })
        }))
    }
}

async fn stop(calls: &mut JobCalls, id: &str) -> Result<Option<Operation>, Status> {
    let request = CancelOperationRequest { name: format!("operations/{id}") };
    calls.operations.cancel_operation(request).await.map(|_| None)
}

async fn preview(
    calls: &mut JobCalls,
    id: &str,
    asked: &Asked,
) -> Result<Option<Operation>, Status> {
    let (limit, rate) = asked.numbers().unwrap_or_default();
    let marks = Mark::ALL.into_iter().filter(|mark| asked.has(*mark));
    let request = pb::ApplyPlanRequest {
        operation: format!("operations/{id}"),
        validate_only: true,
        limit,
        rate,
        accepted_marks: marks.map(|mark| mark.as_str().to_owned()).collect(),
        request_id: String::new(),
    };
    start(calls, Request::ApplyPlan(request), "").await
}

async fn start(
    calls: &mut JobCalls,
    request: Request,
    request_id: &str,
) -> Result<Option<Operation>, Status> {
    let request_id = request_id.to_owned();
    let started = match request {
        Request::FindDuplicates(request) => {
            calls.jobs.find_duplicates(pb::FindDuplicatesRequest { request_id, ..request }).await
        }
        Request::ApplyPlan(request) => {
            calls.jobs.apply_plan(pb::ApplyPlanRequest { request_id, ..request }).await
        }
        Request::UndoLinks(request) => {
            calls.jobs.undo_links(pb::UndoLinksRequest { request_id, ..request }).await
        }
    };
    Ok(Some(started?.into_inner()))
}

/// What a preview has shown, to be done; `None` for a job that is no preview, or has not succeeded.
fn approved(operation: &Operation) -> Result<Option<Request>, Problem> {
    let of = metadata(operation)?;
    if of.state() != JobState::Succeeded || !is_preview(&of) {
        return Ok(None);
    }
    Ok(match of.request {
        Some(Request::ApplyPlan(plan)) => {
            Some(Request::ApplyPlan(pb::ApplyPlanRequest { validate_only: false, ..plan }))
        }
        Some(Request::UndoLinks(undo)) => {
            Some(Request::UndoLinks(pb::UndoLinksRequest { validate_only: false, ..undo }))
        }
        Some(Request::FindDuplicates(_)) | None => None,
    })
}

/// What can be done about a job.
fn next(operation: &Operation, of: &JobMetadata) -> Result<Option<Next>, Problem> {
    if !operation.done {
        return Ok((!of.cancel_requested).then_some(Next::Stop));
    }
    let done = of.counts.as_ref().map_or(0, |counts| counts.done);
    let has_succeeded = of.state() == JobState::Succeeded;
    Ok(match (of.kind(), is_preview(of)) {
        (Kind::FindDuplicates, _) if has_succeeded => {
            let found: pb::FindDuplicatesResponse = response(operation)?;
            let marks = found.marks.iter().filter_map(|of| Mark::parse(&of.mark));
            (found.cluster_count > 0).then(|| Next::Preview(marks.collect()))
        }
        (Kind::UploadPlan, _) if has_succeeded => Some(Next::Preview(Mark::ALL.to_vec())),
        (Kind::ApplyPlan, true) if has_succeeded && done > 0 => Some(Next::ApproveLinks),
        (Kind::UndoLinks, true) if has_succeeded && done > 0 => Some(Next::ApproveUndo),
        (Kind::ApplyPlan, false) if done > 0 => Some(Next::Undo),
        _ => None,
    })
}

/// Whether a job of this kind has lines that are read here.
fn has_lines(kind: Kind) -> bool {
    matches!(kind, Kind::FindDuplicates | Kind::ApplyPlan | Kind::UndoLinks | Kind::UploadPlan)
}
