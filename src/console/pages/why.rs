//! *Why*: what would happen if an account signed in now, by which rule, and on what evidence.

use std::collections::BTreeSet;

use askama::Template;
use axum::{extract::State, response::Response};
use serde::Deserialize;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{
    Chrome, Form, Problem,
    find::Tenants,
    page,
    user::{Time, path_of, time},
};
use crate::{
    console::{App, sessions::Staff, texts::Texts},
    domain::{StaffRole, UserId},
    grpc::proto::{self as pb, Reason, SignInRule, sign_in_decision::Outcome},
};

/// The account that would sign in.
#[derive(Default, Deserialize)]
pub(in crate::console) struct Asked {
    form_token: String,
    tenant: String,
    provider: String,
    subject: String,
    email: String,
    /// Whether the provider says that it has verified the email.
    #[serde(default)]
    verified: bool,
}

#[derive(Template)]
#[template(path = "console/why.html")]
struct WhyPage<'a> {
    chrome: Chrome<'a>,
    tenants: Tenants<'a>,
    /// The providers of the tenant, to choose from.
    providers: BTreeSet<String>,
    asked: &'a Asked,
    /// Why nothing would come of it; empty if something would.
    problem: &'static str,
    decision: Option<Decision>,
}

/// What would happen.
struct Decision {
    outcome: &'static str,
    /// The user that would sign in; empty if none of today would.
    user: User,
    rule: &'static str,
    /// The name of the rule in the table of the documents.
    rule_name: &'static str,
    evidence: Vec<Evidence>,
    candidates: Vec<Candidate>,
}

/// A user and the path of its page.
#[derive(Default)]
struct User {
    id: String,
    path: String,
}

/// An email behind the decision.
struct Evidence {
    email: String,
    account: String,
    /// Empty for the account that would sign in.
    user: User,
    counts: bool,
    verified: Time,
    /// Who says that it is verified; empty if an import claims it, or if it is not verified.
    by: String,
}

/// A user that the person may be.
struct Candidate {
    user: User,
    providers: String,
}

/// The page with the empty form.
pub(in crate::console) async fn form(State(app): State<App>, staff: Staff) -> Response {
    let tenant = app.home.to_string();
    let asked = Asked { tenant, ..Asked::default() };
    app.why(&staff, &asked, false).await.unwrap_or_else(|problem| problem.page(staff.texts))
}

/// Says what would happen.
pub(in crate::console) async fn why(
    State(app): State<App>,
    staff: Staff,
    Form(asked): Form<Asked>,
) -> Response {
    if !staff.sent(&asked.form_token) {
        return Problem::Form.page(staff.texts);
    }
    app.why(&staff, &asked, true).await.unwrap_or_else(|problem| problem.page(staff.texts))
}

impl App {
    async fn why(&self, staff: &Staff, asked: &Asked, is_sent: bool) -> Result<Response, Problem> {
        staff.needs(StaffRole::Support)?;
        let t = staff.texts;
        let providers = self.providers(staff, &asked.tenant).await?;
        let (decision, problem) = match is_sent {
            true => match self.decide(staff, asked).await? {
                Ok(decision) => {
                    self.record_decision(staff, &asked.tenant, &decision).await?;
                    (Some(Decision::new(t, &asked.tenant, decision)), "")
                }
                Err(status) => (None, refusal(t, &status)?),
            },
            false => (None, ""),
        };
        Ok(page(&WhyPage {
            chrome: Chrome::of(t, Some(staff)),
            tenants: self.tenants(&asked.tenant),
            providers,
            asked,
            problem,
            decision,
        }))
    }

    async fn decide(
        &self,
        staff: &Staff,
        asked: &Asked,
    ) -> Result<Result<pb::SignInDecision, Status>, Problem> {
        let text = |text: &str| text.trim().to_owned();
        let account = pb::ProvenAccount {
            identity_ref: Some(pb::IdentityRef {
                provider: text(&asked.provider),
                subject: text(&asked.subject),
            }),
            email: text(&asked.email),
            email_verified: asked.verified && !asked.email.trim().is_empty(),
            ..pb::ProvenAccount::default()
        };
        self.preview_sign_in(&asked.tenant, staff, account).await.ok_or(Problem::NotHere)
    }

    /// The first hundred providers by which accounts arrive: the page lets the person type another one.
    async fn providers(&self, staff: &Staff, tenant: &str) -> Result<BTreeSet<String>, Problem> {
        let mut calls = self.calls(tenant, staff).ok_or(Problem::NotHere)?;
        let request = pb::ListConnectionsRequest { page_size: 100, page_token: String::new() };
        let connections = calls.list_connections(request).await?.into_inner().connections;
        Ok(connections.into_iter().map(|connection| connection.provider).collect())
    }

    /// Records that a person sees the users of a decision, before the person does.
    async fn record_decision(
        &self,
        staff: &Staff,
        tenant: &str,
        decision: &pb::SignInDecision,
    ) -> Result<(), Problem> {
        let evidence = decision.evidence.iter().map(|it| &it.user_id);
        let candidates = decision.candidates.iter().map(|it| &it.user_id);
        let user = decision.user.iter().map(|user| &user.id);
        let users: BTreeSet<UserId> =
            evidence.chain(candidates).chain(user).filter_map(|id| UserId::parse(id)).collect();
        let users: Vec<UserId> = users.into_iter().collect();
        if users.is_empty() {
            return Ok(());
        }
        self.record(staff, tenant, ("why", &users), None).await.map(drop)
    }
}

impl Decision {
    fn new(t: &Texts, tenant: &str, decision: pb::SignInDecision) -> Self {
        let user = |id: String| User { path: path_of(tenant, &id), id };
        let outcome = match decision.outcome() {
            Outcome::SignedIn => t.sign_in_check.signed_in,
            Outcome::Created => t.sign_in_check.created,
            Outcome::Linked => t.sign_in_check.linked,
            Outcome::Candidates => t.sign_in_check.candidates,
            Outcome::RegistrationNeeded => t.sign_in_check.registration_needed,
            Outcome::Unspecified => "",
        };
        let rule = decision.rule();
        let is_new = decision.outcome() == Outcome::Created;
        Self {
            outcome,
            user: decision.user.filter(|_| !is_new).map(|it| user(it.id)).unwrap_or_default(),
            rule: t.sign_in_check.rule(rule),
            rule_name: SignInRule::as_str_name(&rule).trim_start_matches("SIGN_IN_RULE_"),
            evidence: decision
                .evidence
                .into_iter()
                .map(|it| {
                    let account = it.identity.unwrap_or_default();
                    let by = [it.verifier_issuer, it.verifier_subject];
                    Evidence {
                        email: it.email,
                        account: format!("{}: {}", account.provider, account.subject),
                        user: match it.user_id.is_empty() {
                            true => User::default(),
                            false => user(it.user_id),
                        },
                        counts: it.counts,
                        verified: time(it.verify_time.as_ref()),
                        by: by.join(" ").trim().to_owned(),
                    }
                })
                .collect(),
            candidates: decision
                .candidates
                .into_iter()
                .map(|it| Candidate { user: user(it.user_id), providers: it.providers.join(", ") })
                .collect(),
        }
    }
}

/// What a refusal of a sign-in says.
///
/// # Errors
/// The page of a call that did not get as far as to be judged.
fn refusal(t: &Texts, status: &Status) -> Result<&'static str, Problem> {
    let name = status.get_details_error_info().map(|info| format!("REASON_{}", info.reason));
    let reason = name.and_then(|name| Reason::from_str_name(&name));
    match (reason.and_then(|reason| t.sign_in_check.refusal(reason)), status.code()) {
        (Some(text), _) => Ok(text),
        (None, Code::InvalidArgument) => Ok(t.sign_in_check.wrong),
        (None, _) => Err(status.clone().into()),
    }
}
