//! What the start and the completion of a flow at a provider share.

use std::task::Poll;

use chrono::{DateTime, Utc};
use futures_util::poll;

use super::{Error, UseCases};
use crate::{
    auth::{AccessRule, AuthError, Permit, Target, TokenCaller, TokenUse},
    call_slots::WaitsFor,
    domain::{DomainError, Provider, TenantId},
    oauth::{Client, OAuthError},
    telemetry::metrics::SignInMetrics,
};

/// The rpc whose permission a person needs to link.
const LINK: &str = "/identitylink.v1.IdentityService/Link";

/// The user to which a flow links an account. A service sends its token along.
pub(super) struct LinkingUser {
    /// The permit that a caller of `Link` with this token gets. It holds the slot of the service's
    /// call.
    pub permit: Permit,
    /// The user.
    pub target: Target,
}

impl UseCases {
    /// The client at a provider of the permit's tenant.
    ///
    /// # Errors
    /// [`DomainError::ProviderUnknown`].
    pub(super) fn client(
        &self,
        permit: &Permit,
        provider: &Provider,
    ) -> Result<&Client, DomainError> {
        self.clients.get(permit.tenant(), provider).ok_or(DomainError::ProviderUnknown)
    }

    /// The user whose token a service sends along, if it may link.
    ///
    /// # Errors
    /// [`Error::Auth`] if the token is invalid, a service's, of another tenant, or without the
    /// permission.
    pub(super) async fn linking_user(
        &self,
        by: &Permit,
        user_token: &str,
        now: DateTime<Utc>,
    ) -> Result<LinkingUser, Error> {
        let token = self.issuers.verify(user_token, TokenUse::Bearer, now).await?;
        if token.caller == TokenCaller::Service || !token.tenants.contains(by.tenant()) {
            return Err(
                AuthError::TokenInvalid("the token of a service, or of another tenant").into()
            );
        }
        let rule = AccessRule::for_path(LINK)
            .ok_or_else(|| Error::Fault(format!("{LINK} is not in the access table")))?;
        let permit = rule.permit(&token, || Ok(by.tenant().clone()))?;
        self.expect_sign_in(&permit)?;
        Ok(LinkingUser { target: permit.target(None)?, permit: permit.in_slot_of(by) })
    }
}

/// Waits for a provider's answer, without a slot among the concurrent calls: a slow provider holds up
/// its own flows only. `None` if too many calls wait like this one. An answer that is there at once
/// takes no place. The future is boxed by the caller, so that it is not in the states of all that wait
/// for it.
pub(super) async fn at_provider<T>(
    permit: &Permit,
    waits_for: WaitsFor,
    mut answer: impl Future<Output = T> + Unpin,
) -> Option<T> {
    if let Poll::Ready(answer) = poll!(&mut answer) {
        return Some(answer);
    }
    let Some(slot) = permit.slot() else { return Some(answer.await) };
    slot.step_aside(waits_for)?;
    let answer = answer.await;
    // However long that takes: a provider accepts a code once, and a call that returns is the next to
    // get a slot.
    slot.step_back().await;
    Some(answer)
}

/// Waits for a provider's answer in a flow: see [`at_provider`].
///
/// # Errors
/// Those of the provider; [`OAuthError::Unavailable`] if too many flows wait already.
pub(super) async fn in_flow<T>(
    permit: &Permit,
    answer: impl Future<Output = Result<T, OAuthError>> + Unpin,
) -> Result<T, OAuthError> {
    let answer = at_provider(permit, WaitsFor::Provider, answer).await;
    answer.unwrap_or_else(|| {
        Err(OAuthError::Unavailable("too many flows wait for providers".to_owned()))
    })
}

/// The error of a flow that failed; the cause goes to the log.
pub(super) fn failed(
    metrics: &SignInMetrics,
    tenant: &TenantId,
    provider: &Provider,
    error: OAuthError,
) -> Error {
    let step = match error {
        OAuthError::Rejected(_) => "rejected",
        OAuthError::ClientNotAccepted(_) => "client_not_accepted",
        OAuthError::DoesNotFit(_) => "does_not_fit",
        OAuthError::Unavailable(_) => "unavailable",
        OAuthError::Fault(_) => "failed",
    };
    metrics.flow(tenant.as_str(), provider.as_str(), step);
    match error {
        OAuthError::Rejected(why) => {
            tracing::info!(%tenant, %provider, why, "a sign-in at a provider was rejected");
            DomainError::ProviderRejected.into()
        }
        OAuthError::ClientNotAccepted(why) => {
            tracing::warn!(%tenant, %provider, why, "a provider does not accept the client: check its id and secret");
            DomainError::ProviderRejected.into()
        }
        OAuthError::DoesNotFit(why) => {
            tracing::warn!(%tenant, %provider, why, "no sign-in was started: the settings do not fit the provider's metadata");
            DomainError::ProviderRejected.into()
        }
        OAuthError::Unavailable(why) => {
            tracing::warn!(%tenant, %provider, why, "a provider is unavailable");
            DomainError::ProviderUnavailable.into()
        }
        OAuthError::Fault(text) => Error::Fault(text),
    }
}
