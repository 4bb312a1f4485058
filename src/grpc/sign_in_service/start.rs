//! `StartSignIn`.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{MAX_URI, SignInHandler, failed};
use crate::{
    auth::Permit,
    clock,
    domain::{DomainError, Provider, UserId},
    grpc::{proto as pb, requests::Checks, responses},
    oauth::{AuthorizationRequest, Client},
    secret::random_text,
    store::{AttemptKey, LockKeys, SignInAttempt},
    use_cases::{Error, resolve},
};

/// The longest login hint, in bytes.
const MAX_HINT: usize = 320;
/// The values of `prompt` that a caller may combine (OpenID Connect Core §3.1.2.1).
const PROMPTS: [&str; 3] = ["login", "consent", "select_account"];
/// The largest `max_age` of a sign-in at the provider.
const MAX_MAX_AGE: Duration = Duration::from_secs(365 * 24 * 3600);

/// The purpose of the flow.
enum Intent<'a> {
    SignIn,
    Link { user_token: &'a str },
}

impl SignInHandler {
    pub(super) async fn start(
        &self,
        permit: Permit,
        request: pb::StartSignInRequest,
    ) -> Result<pb::StartSignInResponse, Error> {
        let now = clock::now();
        let (provider, intent, authorization) = checked(&request)?;
        let client = self.client(&permit, &provider)?;
        let policy = &self.use_cases.tenant(&permit)?.provider(&provider).policy;
        if !policy.enabled || (policy.link_only && matches!(intent, Intent::SignIn)) {
            return Err(DomainError::ProviderDisabled.into());
        }
        check_for(client, &authorization)?;
        let user = match intent {
            Intent::SignIn => None,
            Intent::Link { user_token } => Some(self.user_to_link(&permit, user_token, now).await?),
        };

        let started = client
            .start(&authorization)
            .await
            .map_err(|error| failed(permit.tenant(), &provider, error))?;
        let secret = random_text()?;
        let name = AttemptKey::new(&started.state, &secret);
        let attempt = SignInAttempt {
            provider,
            user,
            nonce: started.flow.nonce,
            pkce_verifier: started.flow.pkce_verifier,
            redirect_uri: started.flow.redirect_uri,
            max_age: started.flow.max_age,
        };
        let mut session = self.use_cases.store().session(permit.tenant()).await?;
        if let Some(user) = &attempt.user {
            // Waits for the writes to this user that are under way.
            session.wait_for_writers(&LockKeys::default().user(user)).await?;
        }
        let expire_time =
            session.insert_attempt(name, &attempt).await?.ok_or(DomainError::UserNotFound)?;
        Ok(pb::StartSignInResponse {
            attempt_secret: secret,
            authorization_url: started.authorization_url,
            expire_time: Some(responses::time(expire_time)),
        })
    }

    /// The user of this token, if an account may be linked to it.
    async fn user_to_link(
        &self,
        permit: &Permit,
        user_token: &str,
        now: DateTime<Utc>,
    ) -> Result<UserId, Error> {
        let target = self.use_cases.permit_link(permit, user_token, now).await?.target(None)?;
        let mut session = self.use_cases.store().session(permit.tenant()).await?;
        let purpose = self.use_cases.fresh_write(permit)?;
        let (user, []) = resolve(&mut session, &target, purpose, [], now).await?;
        Ok(user)
    }
}

fn checked(
    request: &pb::StartSignInRequest,
) -> Result<(Provider, Intent<'_>, AuthorizationRequest), DomainError> {
    use pb::start_sign_in_request::Intent as PbIntent;
    let mut checks = Checks::default();
    let provider = Provider::parse(&request.provider);
    if provider.is_none() {
        checks.report("provider", Provider::FORM);
    }
    checks.required("redirect_uri", &request.redirect_uri, MAX_URI);
    let intent = match &request.intent {
        None => {
            checks.report("intent", "is required: sign_in or link");
            None
        }
        Some(PbIntent::SignIn(pb::SignInIntent {})) => Some(Intent::SignIn),
        Some(PbIntent::Link(pb::LinkIntent { user_token })) => {
            if user_token.is_empty() {
                checks.report(
                    "link.user_token",
                    "is required: the token of the user that the account is linked to",
                );
            }
            Some(Intent::Link { user_token })
        }
    };
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
    let (provider, intent) = checks.into_result_with(provider.zip(intent))?;
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    let authorization = AuthorizationRequest {
        redirect_uri: request.redirect_uri.clone(),
        login_hint: given(&request.login_hint),
        prompt: given(&request.prompt),
        max_age,
    };
    Ok((provider, intent, authorization))
}

fn is_prompt(text: &str) -> bool {
    let mut words: Vec<&str> = text.split(' ').collect();
    words.sort_unstable();
    let is_each_once = words.windows(2).all(|pair| pair.first() != pair.last());
    matches!(text, "" | "none") || is_each_once && words.iter().all(|word| PROMPTS.contains(word))
}

/// Checks what depends on the provider's settings.
fn check_for(client: &Client, authorization: &AuthorizationRequest) -> Result<(), DomainError> {
    let mut checks = Checks::default();
    // Compared byte by byte: a similar URI may belong to another party.
    if !client.settings().redirect_uris.contains(&authorization.redirect_uri) {
        checks.report("redirect_uri", "is not one of those that are configured for this provider");
    }
    if authorization.max_age.is_some() && !client.tells_auth_time() {
        checks.report(
            "max_age",
            "is for OpenID Connect: this provider does not report when a person signed in",
        );
    }
    checks.into_result()
}
