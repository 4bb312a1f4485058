//! `StartSignIn`.

use std::time::Duration;

use super::{MAX_URI, SignInHandler};
use crate::{
    auth::Permit,
    clock,
    domain::{DomainError, Provider},
    grpc::{proto as pb, requests::Checks, responses},
    oauth::AuthorizationRequest,
    use_cases::{Error, StartSignIn},
};

/// The longest login hint, in bytes.
const MAX_HINT: usize = 320;
/// The values of `prompt` that a caller may combine (OpenID Connect Core §3.1.2.1).
const PROMPTS: [&str; 3] = ["login", "consent", "select_account"];
/// The largest `max_age` of a sign-in at the provider.
const MAX_MAX_AGE: Duration = Duration::from_secs(365 * 24 * 3600);

impl SignInHandler {
    pub(super) async fn start(
        &self,
        permit: Permit,
        request: pb::StartSignInRequest,
    ) -> Result<pb::StartSignInResponse, Error> {
        let start = checked(permit, request)?;
        let started = start.execute(&self.use_cases).await?;
        Ok(pb::StartSignInResponse {
            attempt_secret: started.attempt_secret,
            authorization_url: started.authorization_url,
            expire_time: Some(responses::time(started.expire_time)),
        })
    }
}

fn checked(permit: Permit, request: pb::StartSignInRequest) -> Result<StartSignIn, DomainError> {
    let mut checks = Checks::default();
    let provider = Provider::parse(&request.provider);
    if provider.is_none() {
        checks.report("provider", Provider::FORM);
    }
    checks.required("redirect_uri", &request.redirect_uri, MAX_URI);
    let user_token = user_token(&mut checks, request.intent);
    checks.bounded("login_hint", &request.login_hint, MAX_HINT);
    if !is_prompt(&request.prompt) {
        checks.report(
            "prompt",
            format!(
                "must be \"none\", or some of {}, separated by single spaces",
                PROMPTS.join(", ")
            ),
        );
    }
    let max_age = request.max_age.and_then(|age| Duration::try_from(age).ok());
    if request.max_age.is_some()
        && max_age.is_none_or(|age| age.subsec_nanos() > 0 || age > MAX_MAX_AGE)
    {
        checks.report("max_age", "must be a whole number of seconds, from 0 to one year");
    }
    let scopes = checks.scopes("scopes", request.scopes);
    let provider = checks.into_result_with(provider)?;
    let given = |text: String| (!text.is_empty()).then_some(text);
    let authorization = AuthorizationRequest {
        redirect_uri: request.redirect_uri,
        login_hint: given(request.login_hint),
        prompt: given(request.prompt),
        max_age,
        scopes,
    };
    Ok(StartSignIn { permit, provider, user_token, authorization, now: clock::now() })
}

/// The token of the user to which the account is to be linked; `None` for a sign-in.
fn user_token(
    checks: &mut Checks,
    intent: Option<pb::start_sign_in_request::Intent>,
) -> Option<String> {
    use pb::start_sign_in_request::Intent;
    match intent {
        None => {
            checks.report("intent", "is required: sign_in or link");
            None
        }
        Some(Intent::SignIn(pb::SignInIntent {})) => None,
        Some(Intent::Link(pb::LinkIntent { user_token })) => {
            if user_token.is_empty() {
                checks.report(
                    "link.user_token",
                    "is required: the token of the user that the account is linked to",
                );
            }
            Some(user_token)
        }
    }
}

fn is_prompt(text: &str) -> bool {
    let mut words: Vec<&str> = text.split(' ').collect();
    words.sort_unstable();
    let is_each_once = words.windows(2).all(|pair| pair.first() != pair.last());
    matches!(text, "" | "none") || is_each_once && words.iter().all(|word| PROMPTS.contains(word))
}
