//! The login page, and the return from a provider.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Form,
    extract::{Path, Query, State, rejection::FormRejection},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use axum_extra::extract::CookieJar;
use identity_link_proto::v1::{
    SignInDecision, complete_sign_in_response::Result as Completed, sign_in_decision::Outcome,
    sign_in_provider::Mode,
};
use serde::Deserialize;

use super::{
    Demo, accounts,
    backend::AuthorizationResponse,
    catalog::display_name,
    pages::{self, CandidatesPage, LoginPage, Page, ProviderButton, Refusal, WelcomePage},
    sentences::{self, FAULT},
    sessions::{ATTEMPT, SignedIn, SignedOut, TICKET, cookie, value, without},
};

/// The provider of a button.
#[derive(Deserialize)]
pub(super) struct ProviderForm {
    pub provider: String,
}

/// The page with the sign-in buttons.
pub(super) async fn page(
    State(demo): State<Arc<Demo>>,
    _: SignedOut,
    jar: CookieJar,
) -> Result<Page<LoginPage>, Refusal> {
    let providers = demo.backend.providers().await?;
    let offered = providers.into_iter().filter(|provider| provider.mode() == Mode::SignIn);
    Ok(Page(LoginPage {
        has_ticket: !value(&jar, TICKET).is_empty(),
        buttons: offered.map(ProviderButton::explained).collect(),
    }))
}

/// Redirects to a provider, for a sign-in.
pub(super) async fn sign_in(
    State(demo): State<Arc<Demo>>,
    _: SignedOut,
    jar: CookieJar,
    form: Result<Form<ProviderForm>, FormRejection>,
) -> Result<(CookieJar, Redirect), Refusal> {
    let Form(form) = form?;
    go_to_provider(&demo, jar, &form.provider, None).await
}

/// Redirects to a provider, for a link if a user is signed in, and for a sign-in otherwise.
pub(super) async fn go_to_provider(
    demo: &Demo,
    jar: CookieJar,
    provider: &str,
    user: Option<&str>,
) -> Result<(CookieJar, Redirect), Refusal> {
    let started = demo.backend.start(provider, user).await?;
    let jar = jar.add(cookie(ATTEMPT, started.attempt_secret));
    Ok((jar, Redirect::to(&started.authorization_url)))
}

/// Handles the return from a provider.
pub(super) async fn return_from_provider(
    State(demo): State<Arc<Demo>>,
    user: Option<SignedIn>,
    jar: CookieJar,
    Path(provider): Path<String>,
    Query(returned): Query<AuthorizationResponse>,
) -> (CookieJar, Response) {
    let user = user.as_ref().map(|SignedIn(user)| user.as_str());
    let completed = demo.backend.complete(&provider, returned, value(&jar, ATTEMPT), user).await;
    let jar = without(jar, ATTEMPT);
    match completed.map(|completed| (completed.result, completed.ticket)) {
        Ok((Some(Completed::Decision(decision)), _)) => after_decision(&demo, jar, &decision),
        Ok((Some(Completed::Link(_)), ticket)) => {
            (jar.add(cookie(TICKET, ticket)), Redirect::to("/join").into_response())
        }
        Ok((None, _)) => (jar, undecided()),
        Err(refused) => (jar, Refusal::from(refused).into_response()),
    }
}

/// Handles the choice to be a new user instead of a candidate.
pub(super) async fn create_own_user(
    State(demo): State<Arc<Demo>>,
    _: SignedOut,
    jar: CookieJar,
) -> (CookieJar, Response) {
    let decided = demo.backend.own_user(value(&jar, TICKET)).await;
    let jar = without(jar, TICKET);
    match decided {
        Ok(decision) => after_decision(&demo, jar, &decision),
        Err(refused) => (jar, Refusal::from(refused).into_response()),
    }
}

fn after_decision(demo: &Demo, jar: CookieJar, decision: &SignInDecision) -> (CookieJar, Response) {
    let why = sentences::rule(decision.rule());
    match (sentences::outcome(decision.outcome()), &decision.user) {
        // The account that waits may be this user's: a page asks.
        (Some(_), Some(user))
            if decision.outcome() == Outcome::SignedIn && !value(&jar, TICKET).is_empty() =>
        {
            (demo.sessions.begin(jar, &user.id), Redirect::to("/join").into_response())
        }
        (Some(outcome), Some(user)) => {
            // An account that waited was for another person.
            let jar = without(jar, TICKET);
            let page = Page(WelcomePage { outcome, why });
            (demo.sessions.begin(jar, &user.id), page.into_response())
        }
        _ if decision.outcome() == Outcome::Candidates => {
            let account = accounts::short(&decision.identity.clone().unwrap_or_default());
            let page = Page(CandidatesPage { account, why, buttons: candidate_buttons(decision) });
            (jar.add(cookie(TICKET, &decision.ticket)), page.into_response())
        }
        _ => (jar, undecided()),
    }
}

/// The page after a response of the service that the demo does not know.
fn undecided() -> Response {
    pages::problem(StatusCode::BAD_GATEWAY, FAULT).into_response()
}

/// The buttons of the candidates' providers: a sign-in at one of them proves a candidate.
fn candidate_buttons(decision: &SignInDecision) -> Vec<ProviderButton> {
    let providers: BTreeSet<&String> =
        decision.candidates.iter().flat_map(|candidate| &candidate.providers).collect();
    let button = |name: &String| ProviderButton {
        name: name.clone(),
        display_name: display_name(name).to_owned(),
        about: "",
    };
    providers.into_iter().map(button).collect()
}
