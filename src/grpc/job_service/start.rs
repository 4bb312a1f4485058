//! `FindDuplicates`, `ApplyPlan` and `UndoLinks`: they start jobs.

use std::mem::take;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{JobHandler, shown};
use crate::{
    auth::Permit,
    domain::{
        JobKind,
        duplicates::{Mark, Rule},
    },
    grpc::{
        proto::{self as pb, google::longrunning::Operation},
        requests::{Checks, UNKNOWN_ENUM},
    },
    secret::sha256,
    store::{FindSettings, PlanSettings, UndoSettings},
    use_cases::{Error, PlanJob, RequestId, StartJob},
};

/// The rate if the request sets none, in links per second.
const DEFAULT_RATE: u32 = 50;
/// The highest rate, in links per second.
const MAX_RATE: u32 = 10_000;
/// The longest issuer or subject of a service, in bytes.
const MAX_NAME: usize = 2048;

impl JobHandler {
    pub(super) async fn find(
        &self,
        permit: Permit,
        mut request: pb::FindDuplicatesRequest,
    ) -> Result<Operation, Error> {
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        let request_id = checks.request_id("request_id", &id, &request, false);
        let rules = rules(&mut checks, &request.rules);
        let primary = match pb::find_duplicates_request::Primary::try_from(request.primary) {
            Ok(pb::find_duplicates_request::Primary::MostUsed) => "most-used",
            Ok(_) => "oldest",
            Err(_) => {
                checks.report("primary", UNKNOWN_ENUM);
                "oldest"
            }
        };
        checks.into_result()?;
        let settings = FindSettings { rules, primary: primary.to_owned() };
        self.start(permit, JobKind::FindDuplicates, &settings, None, request_id).await
    }

    pub(super) async fn apply(
        &self,
        permit: Permit,
        mut request: pb::ApplyPlanRequest,
    ) -> Result<Operation, Error> {
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        let request_id = checks.request_id("request_id", &id, &request, false);
        let plan_job = checks.operation("operation", &request.operation);
        let limit = match u64::try_from(request.limit) {
            Ok(limit) => Some(limit).filter(|limit| *limit > 0),
            Err(_) => {
                checks.report("limit", "must not be negative");
                None
            }
        };
        let rate = rate(&mut checks, request.rate);
        if request.accepted_marks.iter().any(|mark| Mark::parse(mark).is_none()) {
            checks.report("accepted_marks", "must name marks of a plan");
        }
        let id = checks.into_result_with(plan_job)?;
        let settings = PlanSettings {
            plan_job: id,
            validate_only: request.validate_only,
            limit,
            rate,
            accepted_marks: request.accepted_marks,
        };
        let plan = Some(PlanJob { id });
        self.start(permit, JobKind::ApplyPlan, &settings, plan, request_id).await
    }

    pub(super) async fn undo(
        &self,
        permit: Permit,
        mut request: pb::UndoLinksRequest,
    ) -> Result<Operation, Error> {
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        let request_id = checks.request_id("request_id", &id, &request, false);
        let settings = undo_settings(&mut checks, request);
        checks.into_result()?;
        self.start(permit, JobKind::UndoLinks, &settings, None, request_id).await
    }

    async fn start(
        &self,
        permit: Permit,
        kind: JobKind,
        settings: &impl Serialize,
        plan: Option<PlanJob>,
        request_id: Option<RequestId>,
    ) -> Result<Operation, Error> {
        let settings: Value =
            serde_json::to_value(settings).map_err(|error| Error::Fault(error.to_string()))?;
        // The requests of these rpcs may have the same bytes, and share their ids.
        let request_id = request_id.map(|RequestId { id, fingerprint }| {
            let fingerprint = sha256(&[kind.as_str().as_bytes(), &fingerprint].concat());
            RequestId { id, fingerprint }
        });
        let start = StartJob { permit, kind, settings, plan, rows: Vec::new() };
        let started =
            self.use_cases.run(start, request_id, |job| shown::operation(&job).unwrap_or_default());
        started.await
    }
}

/// The rules, in the words of a plan.
fn rules(checks: &mut Checks, rules: &[i32]) -> Vec<String> {
    use pb::DuplicateRule::{EmailOneSide, Gmail, Unspecified, VerifiedEmail, VerifiedPhone};
    if rules.is_empty() {
        return vec![Rule::VerifiedEmail.as_str().to_owned()];
    }
    let rule = |rule: &i32| match pb::DuplicateRule::try_from(*rule) {
        Ok(VerifiedEmail) => Some(Rule::VerifiedEmail),
        Ok(VerifiedPhone) => Some(Rule::VerifiedPhone),
        Ok(EmailOneSide) => Some(Rule::EmailOneSide),
        Ok(Gmail) => Some(Rule::Gmail),
        Ok(Unspecified) | Err(_) => None,
    };
    let known: Option<Vec<Rule>> = rules.iter().map(rule).collect();
    let Some(mut known) = known else {
        checks.report("rules", "must name rules that the proto names");
        return Vec::new();
    };
    known.sort_unstable();
    known.dedup();
    known.into_iter().map(|rule| rule.as_str().to_owned()).collect()
}

fn rate(checks: &mut Checks, rate: i32) -> u32 {
    match u32::try_from(rate) {
        Ok(0) => DEFAULT_RATE,
        Ok(rate) if rate <= MAX_RATE => rate,
        _ => {
            checks.report("rate", format!("must be 0 to {MAX_RATE}"));
            DEFAULT_RATE
        }
    }
}

fn undo_settings(checks: &mut Checks, request: pb::UndoLinksRequest) -> UndoSettings {
    use pb::undo_links_request::MadeBy;
    let pb::UndoLinksRequest {
        made_by, start_time, end_time, validate_only, rate: per_second, ..
    } = request;
    let since = checks.time("start_time", start_time.as_ref());
    let until = checks.time("end_time", end_time.as_ref());
    if since.zip(until).is_some_and(|(since, until)| since >= until) {
        checks.report("end_time", "must be after start_time");
    }
    if matches!(made_by, Some(MadeBy::Rule(_) | MadeBy::Service(_))) && start_time.is_none() {
        checks.report("start_time", "is required, except with plan_id");
    }
    let (mut plan, mut automatic, mut service) = (None, false, None);
    match made_by {
        None => checks.report("made_by", "is required: plan_id, rule or service"),
        Some(MadeBy::PlanId(id)) => plan = plan_id(checks, &id),
        Some(MadeBy::Rule(rule)) => {
            automatic = true;
            if rule != pb::SignInRule::EmailVerifiedOnBothSides as i32 {
                checks.report(
                    "rule",
                    "must be a rule that links: SIGN_IN_RULE_EMAIL_VERIFIED_ON_BOTH_SIDES",
                );
            }
        }
        Some(MadeBy::Service(pb::undo_links_request::Service { issuer, subject })) => {
            checks.required("service.issuer", &issuer, MAX_NAME);
            checks.required("service.subject", &subject, MAX_NAME);
            service = Some((issuer, subject));
        }
    }
    let rate = rate(checks, per_second);
    UndoSettings { plan, automatic, service, since, until, validate_only, rate }
}

fn plan_id(checks: &mut Checks, text: &str) -> Option<Uuid> {
    if text.is_empty() {
        checks.report("plan_id", "is required");
    }
    checks.optional_uuid("plan_id", text)
}
