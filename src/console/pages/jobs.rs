//! *Duplicates and jobs*: searches for users that are likely one person, links by a plan, and links that
//! are taken back. A plan is seen first, and done by the approval of its preview.

mod job;
mod lines;
mod live;
mod shown;

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{FromRequestParts, Query, State},
    response::{IntoResponse as _, Redirect, Response},
};
use http::{header, request::Parts};
use serde::Deserialize;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use self::{
    job::SCRIPT,
    shown::{Job, id_of, path_of_job},
};
pub(in crate::console) use self::{
    job::{act, page_of_job},
    live::live,
};
use super::{Chrome, Form, Problem, find::Tenants, page};
use crate::{
    auth::StatedReason,
    console::{App, sessions::Staff, sign_in, texts::Texts},
    domain::{StaffRole, duplicates::Rule},
    grpc::proto::{
        self as pb, Reason, find_duplicates_request::Primary,
        google::longrunning::ListOperationsRequest,
    },
};

/// How many jobs a page shows.
const PAGE: i32 = 50;

/// Which jobs to list.
#[derive(Deserialize)]
pub(in crate::console) struct Wanted {
    /// Empty for the first tenant of the console.
    #[serde(default)]
    tenant: String,
    /// Where the page before ended; empty for the newest jobs.
    #[serde(default)]
    page: String,
}

/// The form of a search.
#[derive(Deserialize, Default)]
pub(in crate::console) struct Asked {
    form_token: String,
    tenant: String,
    #[serde(default)]
    primary: String,
    #[serde(default)]
    reason: String,
    /// A key for each rule that is chosen, see [`Asked::has`].
    #[serde(flatten)]
    rules: BTreeMap<String, String>,
}

#[derive(Template)]
#[template(path = "console/jobs.html")]
struct JobsPage<'a> {
    chrome: Chrome<'a>,
    tenants: Tenants<'a>,
    tenant: &'a str,
    jobs: Vec<Job>,
    /// Requests the page with older jobs; empty on the last one.
    older: String,
    asked: &'a Asked,
    /// What is wrong with the form; empty if nothing is.
    problem: &'static str,
    /// Where to sign in again before the form can be sent; empty if that is not needed.
    again: String,
}

impl Asked {
    /// Whether a rule is chosen.
    fn has(&self, rule: Rule) -> bool {
        self.rules.contains_key(&format!("rule-{}", rule.as_str()))
    }
}

impl JobsPage<'_> {
    /// The rules, each with the name of its field.
    fn rules(&self) -> [(String, &'static str, bool); 4] {
        Rule::ALL.map(|rule| {
            let name = format!("rule-{}", rule.as_str());
            (name, self.chrome.t.jobs.rule(rule), self.asked.has(rule))
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let wanted = Query::from_request_parts(parts, state).await;
        wanted
            .map(|Query(wanted)| wanted)
            .map_err(|_| Problem::NotHere.page(Texts::of(&parts.headers)))
    }
}

/// The page of all jobs.
pub(in crate::console) async fn page_of_jobs(
    State(app): State<App>,
    staff: Staff,
    wanted: Wanted,
) -> Response {
    let chosen =
        BTreeMap::from([(format!("rule-{}", Rule::VerifiedEmail.as_str()), String::new())]);
    let asked = Asked { rules: chosen, tenant: wanted.tenant, ..Asked::default() };
    let listed = app.jobs_page(&staff, &asked, &wanted.page, "").await;
    listed.unwrap_or_else(|problem| problem.page(staff.texts))
}

/// Starts a search.
pub(in crate::console) async fn find(
    State(app): State<App>,
    staff: Staff,
    Form(asked): Form<Asked>,
) -> Response {
    if !staff.sent(&asked.form_token) {
        return Problem::Form.page(staff.texts);
    }
    app.find_duplicates(&staff, &asked).await.unwrap_or_else(|problem| problem.page(staff.texts))
}

/// The script of the page of a job.
pub(in crate::console) async fn script() -> impl axum::response::IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript")], SCRIPT)
}

impl App {
    async fn jobs_page(
        &self,
        staff: &Staff,
        asked: &Asked,
        older: &str,
        problem: &'static str,
    ) -> Result<Response, Problem> {
        staff.needs(StaffRole::Operator)?;
        let t = staff.texts;
        let tenant = if asked.tenant.is_empty() { self.home.as_str() } else { &asked.tenant };
        let mut calls = self.job_calls(tenant, staff, None).ok_or(Problem::NotHere)?;
        let request = ListOperationsRequest {
            page_size: PAGE,
            page_token: older.to_owned(),
            ..ListOperationsRequest::default()
        };
        let listed = match calls.operations.list_operations(request).await {
            Ok(listed) => listed.into_inner(),
            // The address was changed by hand, or is of an earlier time.
            Err(status) if status.code() == Code::InvalidArgument => return Err(Problem::NotHere),
            Err(status) => return Err(status.into()),
        };
        let jobs = listed.operations.iter().map(|of| Job::new(t, tenant, of));
        let is_sent = !asked.form_token.is_empty();
        Ok(page(&JobsPage {
            chrome: Chrome::of(t, Some(staff)),
            tenants: self.tenants(tenant),
            tenant,
            jobs: jobs.collect::<Result<_, Problem>>()?,
            older: listed.next_page_token,
            asked,
            problem,
            again: match is_sent && !staff.may_change() {
                true => sign_in::path_again(&format!("/jobs?tenant={tenant}")),
                false => String::new(),
            },
        }))
    }

    async fn find_duplicates(&self, staff: &Staff, asked: &Asked) -> Result<Response, Problem> {
        staff.needs(StaffRole::Operator)?;
        let texts = &staff.texts.jobs;
        let reason = StatedReason::parse(&asked.reason);
        let rules: Vec<i32> =
            Rule::ALL.into_iter().filter(|rule| asked.has(*rule)).map(in_proto).collect();
        let problem = match (&reason, rules.is_empty()) {
            // What was typed stays, and the page can be sent again after the sign-in.
            _ if !staff.may_change() => Some(""),
            (_, true) => Some(texts.rules_wrong),
            (None, _) => Some(staff.texts.reason_wrong),
            (Some(_), false) => None,
        };
        if let Some(problem) = problem {
            return self.jobs_page(staff, asked, "", problem).await;
        }
        let mut calls = self.job_calls(&asked.tenant, staff, reason).ok_or(Problem::NotHere)?;
        let primary = match &*asked.primary {
            "most-used" => Primary::MostUsed,
            _ => Primary::Oldest,
        };
        let request =
            pb::FindDuplicatesRequest { rules, primary: primary.into(), request_id: String::new() };
        match calls.jobs.find_duplicates(request).await {
            Ok(started) => Ok(to_job(&asked.tenant, &started.into_inner().name)),
            Err(status) => self.jobs_page(staff, asked, "", refusal(staff.texts, &status)?).await,
        }
    }
}

/// Sends the browser to the page of a job.
fn to_job(tenant: &str, operation: &str) -> Response {
    Redirect::to(&path_of_job(tenant, id_of(operation))).into_response()
}

/// What a refusal of a call says to a person.
///
/// # Errors
/// The page of a call that did not get as far as to be judged.
fn refusal(t: &'static Texts, status: &Status) -> Result<&'static str, Problem> {
    let name = status.get_details_error_info().map(|info| format!("REASON_{}", info.reason));
    let reason = name.and_then(|name| Reason::from_str_name(&name));
    match (reason.and_then(|reason| t.jobs.refusal(reason)), status.code()) {
        (Some(text), _) => Ok(text),
        (None, Code::NotFound) => Err(Problem::NoJob),
        // The pages send what they have checked, unless the form was changed on the way.
        (None, Code::InvalidArgument) => Err(Problem::Form),
        (None, _) => Err(status.clone().into()),
    }
}

fn in_proto(rule: Rule) -> i32 {
    let rule = match rule {
        Rule::VerifiedEmail => pb::DuplicateRule::VerifiedEmail,
        Rule::Gmail => pb::DuplicateRule::Gmail,
        Rule::VerifiedPhone => pb::DuplicateRule::VerifiedPhone,
        Rule::EmailOneSide => pb::DuplicateRule::EmailOneSide,
    };
    rule.into()
}
