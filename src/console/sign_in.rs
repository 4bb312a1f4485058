//! How people sign in and out: a flow of the console's own at the provider of the staff, with PKCE
//! (RFC 7636), a nonce, a state, and a secret that the browser keeps.

use std::collections::BTreeSet;

use axum::{
    extract::{Query, State},
    response::{IntoResponse as _, Redirect, Response},
};
use axum_extra::extract::CookieJar;
use chrono::DateTime;
use http::{HeaderMap, request::Parts};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::{
    App,
    pages::{Chrome, Form, Problem, SignInPage, page},
    sessions::{Kind, Staff},
    texts::Texts,
};
use crate::{
    auth::{Claims, RECENT_SIGN_IN},
    clock,
    config::CALLBACK,
    domain::StaffRole,
    oauth::{Account, AuthorizationRequest, AuthorizationResponse, Flow, OAuthError},
    secret::{random_text, sha256},
    store::{AttemptKey, ConsoleAttempt, StaffMember, StoreError},
};

/// The path that begins a flow. It is a link, not a form: of a form, browsers would also restrict the
/// redirect to the provider by `form-action`.
pub(super) const START: &str = "/sign-in/start";
/// The longest path to which a sign-in returns, in bytes.
const MAX_PATH: usize = 1024;
/// The longest name of a person that is shown, in characters.
const MAX_NAME: usize = 100;

/// The page that is shown after the sign-in.
#[derive(Deserialize)]
pub(super) struct To {
    #[serde(default)]
    to: String,
    /// Whether the provider shall ask the person again, although it knows who it is.
    #[serde(default)]
    again: bool,
}

/// What the provider sends with the browser.
#[derive(Deserialize)]
pub(super) struct Returned {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// A session that has begun.
struct Begun {
    /// Its token.
    token: String,
    /// The secret of the browser's forms.
    forms: String,
    /// The page to which the sign-in leads.
    return_to: String,
}

/// Signs the person of the session out.
#[derive(Deserialize)]
pub(super) struct SignOut {
    form_token: String,
}

/// The path of the sign-in that returns to this page.
pub(super) fn path(to: &str) -> String {
    format!("/sign-in?to={}", utf8_percent_encode(to, NON_ALPHANUMERIC))
}

/// The path that begins a flow in which the provider asks the person again, and returns to this page.
pub(super) fn path_again(to: &str) -> String {
    format!("{START}?again=true&to={}", utf8_percent_encode(to, NON_ALPHANUMERIC))
}

/// The path, if it is one of this host: neither a URL nor the beginning of one.
fn own_path(to: &str) -> &str {
    let rest = to.strip_prefix('/').filter(|rest| !rest.starts_with(['/', '\\']));
    let is_path = rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_graphic()));
    if is_path && to.len() <= MAX_PATH { to } else { "/" }
}

/// The page with the button.
fn page_of(texts: &'static Texts, to: &str) -> Response {
    let start = format!("{START}?to={}", utf8_percent_encode(own_path(to), NON_ALPHANUMERIC));
    page(&SignInPage { chrome: Chrome::of(texts, None), start })
}

/// The page with the button; for a person that is signed in, the page itself.
pub(super) async fn button(
    State(app): State<App>,
    Query(To { to, .. }): Query<To>,
    parts: Parts,
) -> Response {
    let texts = Texts::of(&parts.headers);
    match app.signed_in(&parts).await {
        Ok(Some(_)) => Redirect::to(own_path(&to)).into_response(),
        Ok(None) => page_of(texts, &to),
        Err(error) => Problem::of_store(error).page(texts),
    }
}

/// Begins a flow, and sends the browser to the provider.
pub(super) async fn start(
    State(app): State<App>,
    Query(To { to, again }): Query<To>,
    headers: HeaderMap,
    jar: CookieJar,
) -> Response {
    match app.begin(own_path(&to), again).await {
        Ok((url, secret)) => {
            (jar.add(app.cookie(Kind::Attempt, secret)), Redirect::to(&url)).into_response()
        }
        Err(problem) => problem.page(Texts::of(&headers)),
    }
}

/// Ends a flow, and begins a session.
pub(super) async fn end(
    State(app): State<App>,
    Query(returned): Query<Returned>,
    headers: HeaderMap,
    jar: CookieJar,
) -> Response {
    match app.complete(returned, &jar).await {
        Ok(begun) => {
            let jar = jar
                .remove(app.cookie(Kind::Attempt, ""))
                .add(app.cookie(Kind::Forms, begun.forms))
                .add(app.cookie(Kind::Session, begun.token));
            (jar, Redirect::to(&begun.return_to)).into_response()
        }
        Err(problem) => problem.page(Texts::of(&headers)),
    }
}

/// Ends the session.
pub(super) async fn sign_out(
    State(app): State<App>,
    staff: Staff,
    jar: CookieJar,
    Form(SignOut { form_token }): Form<SignOut>,
) -> Response {
    if !staff.sent(&form_token) {
        return Problem::Form.page(staff.texts);
    }
    match app.forget(&staff.session).await {
        Ok(()) => {
            let jar = jar.remove(app.cookie(Kind::Session, "")).remove(app.cookie(Kind::Forms, ""));
            (jar, Redirect::to("/sign-in")).into_response()
        }
        Err(error) => Problem::of_store(error).page(staff.texts),
    }
}

impl App {
    /// Begins a flow. Returns the URL of the provider, and the secret that the browser keeps.
    async fn begin(&self, return_to: &str, again: bool) -> Result<(String, String), Problem> {
        let client = self.use_cases.clients().staff().ok_or(Problem::Fault)?;
        let authorization = AuthorizationRequest {
            redirect_uri: self.redirect_uri(),
            prompt: again.then(|| "login".to_owned()),
            // Some providers say when the person signed in only if they are asked for an age.
            max_age: again.then_some(RECENT_SIGN_IN.to_std().unwrap_or_default()),
            ..AuthorizationRequest::default()
        };
        let started = client.start(&authorization).await.map_err(|error| failed(&error))?;
        let secret = random_text().map_err(|error| Problem::fault(&error.to_string()))?;
        let attempt = ConsoleAttempt {
            nonce: started.flow.nonce,
            pkce_verifier: started.flow.pkce_verifier,
            return_to: return_to.to_owned(),
        };
        let mut session = self.use_cases.store().session(&self.home).await?;
        session.insert_console_attempt(&AttemptKey::new(&started.state, &secret), &attempt).await?;
        Ok((started.authorization_url, secret))
    }

    /// Ends a flow, and the session that the browser had.
    async fn complete(&self, returned: Returned, jar: &CookieJar) -> Result<Begun, Problem> {
        let Returned { code, state, iss, error, error_description } = returned;
        let secret = self.cookie_value(jar, Kind::Attempt).unwrap_or_default();
        let mut session = self.use_cases.store().session(&self.home).await?;
        let attempt = session.take_console_attempt(&AttemptKey::new(&state, &secret)).await?;
        let attempt = attempt.ok_or(Problem::SignInExpired)?;
        drop(session);
        if let Some(error) = error {
            let description = error_description.unwrap_or_default();
            tracing::warn!(
                error,
                description,
                "a sign-in to the console was refused by the provider"
            );
            return Err(Problem::SignInFailed);
        }
        let client = self.use_cases.clients().staff().ok_or(Problem::Fault)?;
        let flow = Flow {
            nonce: attempt.nonce,
            pkce_verifier: attempt.pkce_verifier,
            redirect_uri: self.redirect_uri(),
            max_age: None,
            scopes: BTreeSet::new(),
        };
        let response = AuthorizationResponse { code, iss };
        let account = client
            .complete(&flow, &response, clock::now())
            .await
            .map_err(|error| failed(&error))?;
        let member = self.member(account)?;
        let new = || random_text().map_err(|error| Problem::fault(&error.to_string()));
        let token = new()?;
        let forms = self.cookie_value(jar, Kind::Forms).map_or_else(new, Ok)?;
        let mut session = self.use_cases.store().session(&self.home).await?;
        let hash = sha256(token.as_bytes());
        session.insert_console_session(&hash, &member, self.settings.session_times).await?;
        if let Some(before) = self.cookie_value(jar, Kind::Session) {
            session.end_console_session(&sha256(before.as_bytes())).await?;
        }
        Ok(Begun { token, forms, return_to: attempt.return_to })
    }

    /// The person of this account.
    ///
    /// # Errors
    /// [`Problem::NoRole`] if the account has none.
    fn member(&self, account: Account) -> Result<StaffMember, Problem> {
        let Account { identity, issuer, authenticated_at, id_claims: claims, .. } = account;
        let subject = identity.subject.to_string();
        let values = claims.texts(&self.settings.role_claim);
        let Some(role) =
            values.as_ref().and_then(|values| self.settings.role(values.iter().copied()))
        else {
            let claim = &self.settings.role_claim;
            match values {
                None => tracing::warn!(
                    issuer,
                    subject,
                    claim,
                    "a sign-in to the console has no role: the ID token lacks the claim, or it is neither a text nor a list of texts"
                ),
                Some(_) => tracing::warn!(
                    issuer,
                    subject,
                    claim,
                    "a sign-in to the console has no role: no value of the claim gives one"
                ),
            }
            return Err(Problem::NoRole);
        };
        // Without it the ID token says only when it was issued, which a provider does for each browser
        // that it knows.
        let sign_in_time = claims.has("auth_time").then_some(authenticated_at);
        if sign_in_time.is_none() && role >= StaffRole::Support {
            tracing::warn!(
                issuer,
                subject,
                "a sign-in to the console permits no changes: the ID token has no auth_time"
            );
        }
        let sign_in_time = sign_in_time.unwrap_or(DateTime::UNIX_EPOCH);
        let name = shown_name(&claims).unwrap_or_else(|| subject.clone());
        Ok(StaffMember { issuer, subject, name, role, sign_in_time })
    }

    async fn forget(&self, session: &[u8; 32]) -> Result<(), StoreError> {
        self.use_cases.store().session(&self.home).await?.end_console_session(session).await
    }

    /// The URI to which the provider sends the browser.
    fn redirect_uri(&self) -> String {
        format!("{}{CALLBACK}", self.settings.base_url)
    }
}

/// The name of a person, for the page alone.
fn shown_name(claims: &Claims) -> Option<String> {
    let names = ["name", "preferred_username", "email"];
    let name = names.into_iter().find_map(|name| claims.text(name))?;
    let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    Some(name).filter(|name| !name.trim().is_empty())
}

/// Logs in full what the operator has to mend.
fn failed(error: &OAuthError) -> Problem {
    tracing::error!(%error, "a sign-in to the console failed");
    Problem::SignInFailed
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn a_sign_in_returns_to_a_page_of_this_host() {
        for good in ["/", "/users/default/a%7Cb", "/?q=1"] {
            assert_eq!(own_path(good), good);
        }
        let long = format!("/{}", "a".repeat(2000));
        for bad in
            ["", "https://evil.example", "//evil.example", "/\\evil.example", "/a b", "/\n", &long]
        {
            assert_eq!(own_path(bad), "/", "{bad:?}");
        }
    }
}
