//! Starting a flow at a provider, to sign in or to link.

use chrono::{DateTime, Utc};

use super::{Error, UseCases, flow, resolve};
use crate::{
    auth::Permit,
    domain::{DomainError, Provider, UserId, Violation},
    oauth::{AuthorizationRequest, Client, StartedFlow},
    secret::random_text,
    store::{AttemptKey, LockKeys, SignInAttempt},
};

/// Starts a flow at a provider.
pub struct StartSignIn {
    /// The backend's permit.
    pub permit: Permit,
    /// The provider.
    pub provider: Provider,
    /// The token of the user to which the account is to be linked; `None` for a sign-in.
    pub user_token: Option<String>,
    /// The parameters of the flow.
    pub authorization: AuthorizationRequest,
    /// The time of the call.
    pub now: DateTime<Utc>,
}

/// A flow that has started.
pub struct StartedSignIn {
    /// The secret that the browser keeps. It has to come back with the completion.
    pub attempt_secret: String,
    /// The URL to which the browser is sent.
    pub authorization_url: String,
    /// When the attempt expires.
    pub expire_time: DateTime<Utc>,
}

impl StartSignIn {
    /// Starts the flow, and stores its attempt.
    ///
    /// # Errors
    /// [`Error::Domain`] if the provider takes no such flow or the user may not link;
    /// [`Error::Auth`] if the user's token is not accepted.
    pub async fn execute(&self, use_cases: &UseCases) -> Result<StartedSignIn, Error> {
        let client = use_cases.client(&self.permit, &self.provider)?;
        let policy = &use_cases.tenant(&self.permit)?.provider(&self.provider).policy;
        if !policy.enabled || (policy.link_only && self.user_token.is_none()) {
            return Err(DomainError::ProviderDisabled.into());
        }
        self.expect_supported(client)?;
        let user = match &self.user_token {
            None => None,
            Some(token) => Some(self.user_to_link(use_cases, token).await?),
        };
        let (metrics, tenant) = (&use_cases.metrics.sign_ins, self.permit.tenant());
        let started = Box::pin(client.start(&self.authorization));
        let started = flow::in_flow(&self.permit, started)
            .await
            .map_err(|error| flow::failed(metrics, tenant, &self.provider, error))?;
        let started = self.store(use_cases, user, started).await?;
        metrics.flow(tenant.as_str(), self.provider.as_str(), "started");
        Ok(started)
    }

    /// Refuses what the provider's settings do not allow.
    ///
    /// # Errors
    /// [`DomainError::Invalid`] with all wrong fields.
    fn expect_supported(&self, client: &Client) -> Result<(), DomainError> {
        let mut violations = Vec::new();
        // Compared byte by byte: a similar URI may belong to another party.
        if !client.settings().redirect_uris.contains(&self.authorization.redirect_uri) {
            violations.push(Violation::new(
                "redirect_uri",
                "is not one of those that are configured for this provider",
            ));
        }
        if self.authorization.max_age.is_some() && !client.tells_auth_time() {
            violations.push(Violation::new(
                "max_age",
                "is for OpenID Connect: this provider does not report when a person signed in",
            ));
        }
        let settings = client.settings();
        let allowed = settings.tokens.as_ref().map(|tokens| &tokens.scopes);
        let is_allowed = |scope: &String| {
            settings.scopes.contains(scope) || allowed.is_some_and(|all| all.contains(scope))
        };
        if !self.authorization.scopes.iter().all(is_allowed) {
            violations.push(Violation::new(
                "scopes",
                "has one that the operator does not allow: have it added to oauth.tokens.scopes of this provider",
            ));
        }
        if self.authorization.prompt.is_some() && !client.takes_prompt() {
            violations.push(Violation::new("prompt", "is not for this provider, which takes none"));
        }
        if violations.is_empty() { Ok(()) } else { Err(DomainError::Invalid(violations)) }
    }

    /// The user of this token, if an account may be linked to it.
    async fn user_to_link(&self, use_cases: &UseCases, user_token: &str) -> Result<UserId, Error> {
        let target = use_cases.linking_user(&self.permit, user_token, self.now).await?.target;
        let mut session = use_cases.store.session(self.permit.tenant()).await?;
        let purpose = use_cases.fresh_write(&self.permit)?;
        let (user, []) = resolve(&mut session, &target, purpose, [], self.now).await?;
        Ok(user)
    }

    /// Stores the attempt of a started flow.
    async fn store(
        &self,
        use_cases: &UseCases,
        user: Option<UserId>,
        started: StartedFlow,
    ) -> Result<StartedSignIn, Error> {
        let StartedFlow { authorization_url, state, flow } = started;
        let attempt_secret = random_text()?;
        let name = AttemptKey::new(&state, &attempt_secret);
        let session = use_cases.store.session(self.permit.tenant()).await?;
        let mut session = session.in_slot(self.permit.slot());
        if let Some(user) = &user {
            // Waits for the writes to this user that are under way.
            session.wait_for_writers(&LockKeys::default().user(user)).await?;
        }
        let attempt = SignInAttempt {
            provider: self.provider.clone(),
            user,
            nonce: flow.nonce,
            pkce_verifier: flow.pkce_verifier,
            redirect_uri: flow.redirect_uri,
            max_age: flow.max_age,
            scopes: flow.scopes,
        };
        let expire_time =
            session.insert_attempt(name, &attempt).await?.ok_or(DomainError::UserNotFound)?;
        Ok(StartedSignIn { attempt_secret, authorization_url, expire_time })
    }
}
