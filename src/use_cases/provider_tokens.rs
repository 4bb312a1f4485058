//! Tokens of providers: kept by flows, handed to services, and revoked when their identity leaves.

mod refresh;
mod revoke;
mod sealed;

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};

pub(super) use self::refresh::Refreshes;
use super::{Error, UseCases, flow, resolve};
use crate::{
    auth::{AuthError, Caller, Permit, Purpose, Target},
    call_slots::WaitsFor,
    clock,
    domain::{DomainError, Identity, IdentityRef, KeptTokens, User},
    oauth::Client,
    secret::Secret,
    store::StoreError,
};

/// How often one call reads the tokens: before a refresh, after it, and once more if a flow replaced
/// them meanwhile.
const MAX_READS: usize = 3;

/// Gets an access token of a provider.
pub struct GetProviderToken {
    /// The service's permit.
    pub permit: Permit,
    /// The user that must own the identity.
    pub target: Target,
    /// The identity.
    pub identity: IdentityRef,
    /// The scopes that the token must have.
    pub scopes: BTreeSet<String>,
}

/// An access token that can be used now.
pub struct AccessToken {
    /// The token, a bearer token.
    pub token: Secret,
    /// When it expires; `None` if the provider did not say.
    pub expire_time: Option<DateTime<Utc>>,
    /// Its scopes.
    pub scopes: BTreeSet<String>,
}

impl GetProviderToken {
    /// Returns the access token, refreshed if it expires within a minute. All calls that wait for a
    /// token, on whichever server, make one request to the provider. No connection to the database
    /// is held meanwhile.
    ///
    /// # Errors
    /// [`AuthError::ScopeInsufficient`] if the provider keeps no tokens for this service;
    /// [`DomainError::ProviderTokenGone`] if there is none; [`DomainError::ProviderScopesMissing`];
    /// those of the user and the identity, and of the provider.
    pub async fn execute(self, use_cases: &Arc<UseCases>) -> Result<AccessToken, Error> {
        let client = use_cases.client(&self.permit, &self.identity.provider)?;
        use_cases.expect_listed(&self.permit, client)?;
        if !use_cases.tenant(&self.permit)?.provider(&self.identity.provider).policy.enabled {
            return Err(DomainError::ProviderDisabled.into());
        }
        let mut is_refreshed = false;
        for _ in 0..MAX_READS {
            // Judged anew after each wait: the identity may have left the user meanwhile.
            let tokens = self.read(use_cases).await?;
            // Never sent to another issuer than the one that issued them.
            if tokens.issuer != client.settings().issuer() {
                return Err(DomainError::ProviderTokenGone.into());
            }
            let missing = tokens.missing(&self.scopes);
            if !missing.is_empty() {
                return Err(DomainError::ProviderScopesMissing(missing).into());
            }
            let now = clock::now();
            // A provider's tokens may live for less than a minute.
            let lives = || tokens.expire_time.is_none_or(|expires| now < expires);
            if tokens.is_good(now) || is_refreshed && lives() {
                return self.opened(use_cases, tokens);
            }
            if !tokens.refreshable {
                return Err(DomainError::ProviderTokenGone.into());
            }
            self.refresh(use_cases, tokens).await?;
            is_refreshed = true;
        }
        Err(DomainError::ProviderUnavailable.into())
    }

    /// The kept tokens, if the user owns the identity and is not blocked.
    async fn read(&self, use_cases: &UseCases) -> Result<KeptTokens, Error> {
        let session = use_cases.store.session(self.permit.tenant()).await?;
        let mut session = session.in_slot(self.permit.slot());
        let (user, []) =
            resolve(&mut session, &self.target, Purpose::Write, [], clock::now()).await?;
        let found = session.provider_tokens(&self.identity, &user).await?;
        let found = found.ok_or(DomainError::IdentityNotFound)?;
        if found.is_blocked {
            return Err(DomainError::UserBlocked.into());
        }
        Ok(found.tokens.ok_or(DomainError::ProviderTokenGone)?)
    }

    /// Waits until the tokens are refreshed.
    async fn refresh(&self, use_cases: &Arc<UseCases>, seen: KeptTokens) -> Result<(), Error> {
        let refreshed = Box::pin(use_cases.refreshed(self.permit.tenant(), &self.identity, seen));
        let refreshed = flow::at_provider(&self.permit, WaitsFor::Refresh, refreshed).await;
        Ok(refreshed.ok_or(StoreError::Overloaded)??)
    }

    fn opened(&self, use_cases: &UseCases, tokens: KeptTokens) -> Result<AccessToken, Error> {
        let opened = use_cases.opened(self.permit.tenant(), &self.identity, &tokens)?;
        let KeptTokens { scopes, expire_time, .. } = tokens;
        Ok(AccessToken { token: opened.access, expire_time, scopes })
    }
}

impl UseCases {
    /// The access tokens that are kept for identities of this user, as far as this service may get
    /// them and they have not expired. None is refreshed.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn kept_access_tokens(
        &self,
        permit: &Permit,
        user: &User,
    ) -> Result<Vec<(IdentityRef, Secret)>, Error> {
        let tenant = self.tenant(permit)?;
        let is_listed = |identity: &&Identity| {
            let client = self.clients.get(permit.tenant(), &identity.id.provider);
            tenant.provider(&identity.id.provider).policy.enabled
                && client.is_some_and(|client| self.expect_listed(permit, client).is_ok())
        };
        let listed: Vec<_> = user.identities.iter().filter(is_listed).collect();
        if listed.is_empty() || user.blocked {
            return Ok(Vec::new());
        }
        let session = self.store.session(permit.tenant()).await?;
        let mut session = session.in_slot(permit.slot());
        let mut found = Vec::new();
        for (identity, tokens) in session.tokens_of_user(&user.id).await? {
            let client = self.clients.get(permit.tenant(), &identity.provider);
            let is_its = client.is_some_and(|client| client.settings().issuer() == tokens.issuer);
            if is_its
                && listed.iter().any(|of| of.id == identity)
                && let Ok(opened) = self.opened(permit.tenant(), &identity, &tokens)
            {
                found.push((identity, opened.access));
            }
        }
        Ok(found)
    }

    /// Refuses a service that the operator has not listed for the provider.
    fn expect_listed(&self, permit: &Permit, client: &Client) -> Result<(), AuthError> {
        let Caller::Service { issuer, subject } = permit.caller() else {
            return Err(refused("only services get tokens of providers"));
        };
        let Some(settings) = &client.settings().tokens else {
            return Err(refused(
                "no tokens of this provider are kept: have the operator add oauth.tokens",
            ));
        };
        let name = self.issuers.service_name(issuer, subject);
        if name.is_some_and(|name| settings.services.contains(&*name)) {
            return Ok(());
        }
        Err(refused(
            "this service is not listed for tokens of this provider: have the operator list it",
        ))
    }
}

fn refused(text: &str) -> AuthError {
    AuthError::ScopeInsufficient(text.to_owned())
}
