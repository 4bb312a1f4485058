//! The refresh of an access token: one at a time, for all who wait on all servers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::super::{Error, UseCases};
use crate::{
    clock,
    domain::{DomainError, IdentityRef, KeptTokens, TenantId},
    oauth::{OAuthError, PROVIDER_TIMEOUT, RefreshError},
    store::{RefreshLease, RefreshSaved, StoreError},
};

/// How long a server has the lease of a refresh: the provider's time, and that of storing the result.
/// After that another one refreshes: the server with the lease has ended.
const LEASE: Duration = PROVIDER_TIMEOUT.saturating_add(Duration::from_secs(5));
/// The pause before a server looks again whether the refresh of another one has ended.
const PAUSE: Duration = Duration::from_millis(200);
/// How many times storing the provider's result is tried, and the pause between two tries.
const TRIES: usize = 5;
const TRY_PAUSE: Duration = Duration::from_secs(1);

/// Why tokens were not refreshed, for each call that waits.
#[derive(Debug, Clone)]
pub(super) enum NotRefreshed {
    Domain(DomainError),
    Store(StoreError),
    Fault(String),
}

impl From<NotRefreshed> for Error {
    fn from(error: NotRefreshed) -> Self {
        match error {
            NotRefreshed::Domain(refusal) => Self::Domain(refusal),
            NotRefreshed::Store(error) => Self::Store(error),
            NotRefreshed::Fault(text) => Self::Fault(text),
        }
    }
}

impl From<StoreError> for NotRefreshed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Error> for NotRefreshed {
    fn from(error: Error) -> Self {
        match error {
            Error::Domain(refusal) => Self::Domain(refusal),
            Error::Store(error) => Self::Store(error),
            other => Self::Fault(format!("{other:?}")),
        }
    }
}

type Key = (TenantId, IdentityRef);
type Refresh = Shared<BoxFuture<'static, Result<(), NotRefreshed>>>;

/// The refreshes of this process that are under way.
#[derive(Default)]
pub(in crate::use_cases) struct Refreshes(Mutex<HashMap<Key, Refresh>>);

/// Removes a refresh when it has ended, however it did.
struct Running {
    use_cases: Arc<UseCases>,
    key: Key,
}

impl Drop for Running {
    fn drop(&mut self) {
        let running = &self.use_cases.refreshes.0;
        running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl UseCases {
    /// Ends when these tokens have been refreshed, or others are there. The refresh runs in a task of
    /// its own, to its end: the provider may accept a refresh token only once.
    pub(super) async fn refreshed(
        self: &Arc<Self>,
        tenant: &TenantId,
        identity: &IdentityRef,
        seen: KeptTokens,
    ) -> Result<(), NotRefreshed> {
        let key = (tenant.clone(), identity.clone());
        let refresh = {
            let mut running = self.refreshes.0.lock().unwrap_or_else(PoisonError::into_inner);
            let start = || {
                let running = Running { use_cases: Arc::clone(self), key: key.clone() };
                // The task begins at the first poll, without the lock, which its end takes.
                let ended = async move {
                    let use_cases = Arc::clone(&running.use_cases);
                    let task = use_cases.spawn_to_end(async move {
                        let (tenant, identity) = &running.key;
                        running.use_cases.refresh(tenant, identity, &seen).await
                    });
                    task.await.unwrap_or_else(|error| {
                        Err(NotRefreshed::Fault(format!("a refresh did not finish: {error}")))
                    })
                };
                ended.boxed().shared()
            };
            running.entry(key.clone()).or_insert_with(start).clone()
        };
        refresh.await
    }

    async fn refresh(
        &self,
        tenant: &TenantId,
        identity: &IdentityRef,
        seen: &KeptTokens,
    ) -> Result<(), NotRefreshed> {
        let (lease, begun) = (Uuid::new_v4(), Instant::now());
        loop {
            let mut session = self.store.session(tenant).await?;
            match session.lease_refresh(identity, &seen.sealed, lease, LEASE).await? {
                RefreshLease::Taken => break,
                RefreshLease::Changed => return Ok(()),
                // Other servers try one after another and fail.
                RefreshLease::Busy if begun.elapsed() > 2 * LEASE => {
                    return Err(NotRefreshed::Domain(DomainError::ProviderUnavailable));
                }
                RefreshLease::Busy => {}
            }
            drop(session);
            sleep(PAUSE).await;
        }
        let outcome = self.refresh_with_lease(tenant, identity, seen, lease).await;
        if let Err(error) = &outcome {
            let is_gone = matches!(error, NotRefreshed::Domain(DomainError::ProviderTokenGone));
            let mut session = self.store.session(tenant).await?;
            session.end_refresh(identity, lease, is_gone).await?;
        }
        outcome
    }

    async fn refresh_with_lease(
        &self,
        tenant: &TenantId,
        identity: &IdentityRef,
        seen: &KeptTokens,
        lease: Uuid,
    ) -> Result<(), NotRefreshed> {
        let (provider, metrics) = (&identity.provider, &self.metrics.provider_tokens);
        let count = |outcome| metrics.refreshed(tenant.as_str(), provider.as_str(), outcome);
        let client = self.clients.get(tenant, provider);
        let client = client.ok_or(NotRefreshed::Domain(DomainError::ProviderUnknown))?;
        let closed = |error| match error {
            // The tokens stay: the operator may bring the key back.
            Error::Domain(DomainError::ProviderTokenGone) => {
                NotRefreshed::Domain(DomainError::ProviderRejected)
            }
            error => error.into(),
        };
        let opened = self.opened(tenant, identity, seen).map_err(closed)?;
        let refresh = opened.refresh.ok_or(NotRefreshed::Domain(DomainError::ProviderTokenGone))?;
        let (account, scopes) = (&identity.subject, seen.scopes.clone());
        let fresh = match client.refresh(account, &refresh, scopes, clock::now()).await {
            Ok(fresh) => fresh,
            Err(RefreshError::Gone(why)) => {
                count("gone");
                tracing::info!(%tenant, %provider, why, "a provider refreshes a token no longer");
                return Err(NotRefreshed::Domain(DomainError::ProviderTokenGone));
            }
            Err(RefreshError::Failed(error)) => {
                count(match error {
                    OAuthError::Unavailable(_) => "unavailable",
                    OAuthError::Rejected(_) => "rejected",
                    OAuthError::ClientNotAccepted(_) => "client_not_accepted",
                    OAuthError::DoesNotFit(_) | OAuthError::Fault(_) => "failed",
                });
                return Err(refused(tenant, identity, error).into());
            }
        };
        let kept = self.sealed(tenant, identity, seen.issuer.clone(), &fresh)?;
        let kept = kept.map_err(|why| {
            count("failed");
            tracing::error!(%tenant, %provider, %why, "a refreshed token of a provider was not kept");
            NotRefreshed::Domain(DomainError::ProviderRejected)
        })?;
        count("refreshed");
        self.save(tenant, identity, lease, &kept).await?;
        Ok(())
    }

    /// Stores the result, which the provider may give only once; tries again while the database is
    /// unavailable. If the identity has left meanwhile, the tokens are revoked.
    async fn save(
        &self,
        tenant: &TenantId,
        identity: &IdentityRef,
        lease: Uuid,
        kept: &KeptTokens,
    ) -> Result<(), StoreError> {
        let once = async || {
            let mut session = self.store.session(tenant).await?;
            match session.save_refresh(identity, lease, kept).await? {
                RefreshSaved::Saved | RefreshSaved::Replaced => Ok(()),
                RefreshSaved::Gone => session.queue_revocation(identity, kept).await,
            }
        };
        let mut saved = once().await;
        for _ in 1..TRIES {
            if saved.is_ok() {
                break;
            }
            sleep(TRY_PAUSE).await;
            saved = once().await;
        }
        saved
    }
}

/// The refusal for a provider that did not refresh; the cause goes to the log.
fn refused(tenant: &TenantId, identity: &IdentityRef, error: OAuthError) -> Error {
    let provider = &identity.provider;
    match error {
        OAuthError::Rejected(why) | OAuthError::DoesNotFit(why) => {
            tracing::warn!(%tenant, %provider, why, "a provider did not refresh a token");
            DomainError::ProviderRejected.into()
        }
        OAuthError::ClientNotAccepted(why) => {
            tracing::warn!(%tenant, %provider, why, "a provider does not accept the client: check its id and secret");
            DomainError::ProviderRejected.into()
        }
        OAuthError::Unavailable(why) => {
            tracing::warn!(%tenant, %provider, why, "a provider is unavailable");
            DomainError::ProviderUnavailable.into()
        }
        OAuthError::Fault(text) => Error::Fault(text),
    }
}
