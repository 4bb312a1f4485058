//! `StartSignIn`.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{MAX_URI, SignInHandler, failed};
use crate::{
    auth::Permit,
    clock,
    domain::{Provider, Refusal, UserId},
    grpc::{answers, proto as pb, requests::Checks},
    linking::{Error, resolve},
    oauth::{Client, Wish},
    secret::random_text,
    store::{AttemptName, LockKeys, SignInAttempt},
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
        let (provider, intent, wish) = checked(&request)?;
        let client = self.client(&permit, &provider)?;
        let policy = &self.linking.tenant(&permit)?.provider(&provider).policy;
        if !policy.enabled || (policy.link_only && matches!(intent, Intent::SignIn)) {
            return Err(Refusal::ProviderDisabled.into());
        }
        check_for(client, &wish)?;
        let user = match intent {
            Intent::SignIn => None,
            Intent::Link { user_token } => Some(self.user_to_link(&permit, user_token, now).await?),
        };

        let begun = client.begin(&wish).await.map_err(|error| failed(permit.tenant(), &provider, error))?;
        let secret = random_text()?;
        let name = AttemptName::of(&begun.state, &secret);
        let attempt = SignInAttempt {
            provider,
            user,
            nonce: begun.flow.nonce,
            pkce_verifier: begun.flow.pkce_verifier,
            redirect_uri: begun.flow.redirect_uri,
            max_age: begun.flow.max_age,
        };
        let mut session = self.linking.store().session(permit.tenant()).await?;
        if let Some(user) = &attempt.user {
            // Waits for the writes to this user that are under way.
            session.stand_in_line(&LockKeys::default().user(user)).await?;
        }
        let expire_time = session.insert_attempt(name, &attempt).await?.ok_or(Refusal::UserNotFound)?;
        Ok(pb::StartSignInResponse {
            attempt_secret: secret,
            authorization_url: begun.authorization_url,
            expire_time: Some(answers::time(expire_time)),
        })
    }

    /// The user of this token, if an account may be linked to it.
    async fn user_to_link(&self, permit: &Permit, user_token: &str, now: DateTime<Utc>) -> Result<UserId, Error> {
        let target = self.linking.permit_link(permit, user_token, now).await?.target(None)?;
        let mut session = self.linking.store().session(permit.tenant()).await?;
        let purpose = self.linking.fresh_write(permit)?;
        let (user, []) = resolve(&mut session, &target, purpose, [], now).await?;
        Ok(user)
    }
}

fn checked(request: &pb::StartSignInRequest) -> Result<(Provider, Intent<'_>, Wish), Refusal> {
    use pb::start_sign_in_request::Intent as PbIntent;
    let mut checks = Checks::default();
    let provider = Provider::parse(&request.provider);
    if provider.is_none() {
        checks.wrong("provider", Provider::FORM);
    }
    checks.required("redirect_uri", &request.redirect_uri, MAX_URI);
    let intent = match &request.intent {
        None => {
            checks.wrong("intent", "is required: sign_in or link");
            None
        }
        Some(PbIntent::SignIn(pb::SignInIntent {})) => Some(Intent::SignIn),
        Some(PbIntent::Link(pb::LinkIntent { user_token })) => {
            if user_token.is_empty() {
                checks.wrong("link.user_token", "is required: the token of the user that the account is linked to");
            }
            Some(Intent::Link { user_token })
        }
    };
    checks.bounded("login_hint", &request.login_hint, MAX_HINT);
    if !is_prompt(&request.prompt) {
        checks.wrong("prompt", format!("must be \"none\", or some of {}, with a space between", PROMPTS.join(", ")));
    }
    let max_age = request.max_age.and_then(|age| Duration::try_from(age).ok());
    if request.max_age.is_some() && max_age.is_none_or(|age| age.subsec_nanos() > 0 || age > MAX_MAX_AGE) {
        checks.wrong("max_age", "must be a whole number of seconds, from none to a year");
    }
    let (provider, intent) = checks.finish_with(provider.zip(intent))?;
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    let wish = Wish {
        redirect_uri: request.redirect_uri.clone(),
        login_hint: given(&request.login_hint),
        prompt: given(&request.prompt),
        max_age,
    };
    Ok((provider, intent, wish))
}

fn is_prompt(text: &str) -> bool {
    let mut words: Vec<&str> = text.split(' ').collect();
    words.sort_unstable();
    let is_each_once = words.windows(2).all(|pair| pair.first() != pair.last());
    matches!(text, "" | "none") || is_each_once && words.iter().all(|word| PROMPTS.contains(word))
}

/// Checks what depends on the provider's settings.
fn check_for(client: &Client, wish: &Wish) -> Result<(), Refusal> {
    let mut checks = Checks::default();
    // Compared byte by byte: a similar URI may belong to another party.
    if !client.settings().redirect_uris.contains(&wish.redirect_uri) {
        checks.wrong("redirect_uri", "is not one of those that are configured for this provider");
    }
    if wish.max_age.is_some() && !client.tells_auth_time() {
        checks.wrong("max_age", "is for OpenID Connect: this provider does not report when a person signed in");
    }
    checks.finish()
}
