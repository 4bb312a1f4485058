//! From an attempt to the account that it proves. Of all calls with one attempt, only one asks the
//! provider.
//!
//! Without a request id, that call removes the attempt. With one, it claims the attempt and stores
//! the result of the exchange in it before anything is decided: a retry continues from the stored
//! result.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::sleep;

use super::{Completion, LinkingUser};
use crate::{
    auth::{Purpose, RECENT_SIGN_IN},
    domain::{DomainError, TenantId, linking::UnownedIdentity, tickets::ProvenAccount},
    oauth::{AuthorizationResponse, Flow, OAuthError, PROVIDER_TIMEOUT},
    store::{
        AccountStored, ClaimedAttempt, ExchangeEnd, Session, SignInAttempt, Stage, StoreError,
    },
    use_cases::{Error, flow, resolve},
};

/// The time after which other calls of the same request stop waiting for the one that exchanges the
/// code: by then it has ended, and its server with it.
const LEASE: Duration = PROVIDER_TIMEOUT.saturating_mul(3);
/// How many times storing the provider's result is tried, and the pause between two tries.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// The account that a flow has proven.
pub(super) enum FlowAccount {
    /// An account proven by this very call, and when the provider asserted it.
    Fresh(Box<UnownedIdentity>, DateTime<Utc>),
    /// An account proven by an earlier call of the same request.
    Stored(Box<ProvenAccount>),
}

impl Completion {
    /// The account that the flow has proven; `None` if there is no such attempt for this call.
    pub(super) async fn flow_account(&self) -> Result<Option<FlowAccount>, Error> {
        // Boxed, as what follows the provider's answer is: many flows wait for it at a time.
        let claimed = Box::pin(self.claim()).await?;
        // A code from another redirect URI would be another provider's, which this one must not see
        // (RFC 9700 §4.4).
        let claimed =
            claimed.filter(|claimed| claimed.attempt.redirect_uri == self.complete.redirect_uri);
        let Some(ClaimedAttempt { attempt, stage }) = claimed else { return Ok(None) };
        let response = match &self.complete.authorization {
            Ok(response) => response,
            Err(error) => {
                let error = OAuthError::sent_back(error);
                let metrics = &self.use_cases.metrics.sign_ins;
                return Err(flow::failed(metrics, self.tenant(), &attempt.provider, error));
            }
        };
        match stage {
            Stage::Exchange { interrupted } => self.exchange(attempt, response, interrupted).await,
            stage => account_of_stage(stage).map(Some),
        }
    }

    /// Takes or claims the attempt, if the caller is the one that began it: by the secret that the
    /// browser kept, and for a link by the user. This is checked before any request to the
    /// provider.
    async fn claim(&self) -> Result<Option<ClaimedAttempt>, Error> {
        let mut session = self.session().await?;
        let user = match &self.linking_user {
            Some(LinkingUser { target, .. }) => {
                let now = self.complete.now;
                Some(resolve(&mut session, target, Purpose::Write, [], now).await?.0)
            }
            None => None,
        };
        let claimed = match &self.claim {
            Some(by) => session.claim_attempt(self.name, by, LEASE).await?,
            None => {
                let taken = session.take_attempt(self.name).await?;
                taken.map(|attempt| ClaimedAttempt {
                    attempt,
                    stage: Stage::Exchange { interrupted: false },
                })
            }
        };
        Ok(claimed.filter(|claimed| claimed.attempt.user == user))
    }

    /// Exchanges the code. Under a request id, the result is stored with the attempt.
    async fn exchange(
        &self,
        attempt: SignInAttempt,
        response: &AuthorizationResponse,
        interrupted: bool,
    ) -> Result<Option<FlowAccount>, Error> {
        let outcome = self.account(attempt, response).await;
        let now = |(account, proven_at)| FlowAccount::Fresh(Box::new(account), proven_at);
        let Some(by) = &self.claim else { return outcome.map(now).map(Some) };
        let (end, error) = match outcome {
            Ok(proven) => match Box::pin(self.store_account(by, &proven)).await? {
                AccountStored::Stored => return Ok(Some(now(proven))),
                // If no other call has stored it, the account was deleted meanwhile.
                AccountStored::Overtaken => (ExchangeEnd::Lost, DomainError::SignInInvalid.into()),
            },
            Err(error) => match &error {
                // The provider may have accepted the code of the call that was interrupted.
                Error::Domain(DomainError::ProviderRejected) if interrupted => {
                    (ExchangeEnd::Lost, DomainError::SignInInvalid.into())
                }
                Error::Domain(DomainError::ProviderRejected) => (ExchangeEnd::Rejected, error),
                _ => (ExchangeEnd::Unanswered, error),
            },
        };
        match Box::pin(self.end_without_account(by, end)).await? {
            // The call that seemed interrupted was only slow.
            Some(account) => Ok(Some(account)),
            None => Err(error),
        }
    }

    /// Ends the exchange of this request. Returns the result that another call of the same request has
    /// stored meanwhile.
    async fn end_without_account(
        &self,
        by: &[u8; 32],
        end: ExchangeEnd,
    ) -> Result<Option<FlowAccount>, Error> {
        self.session().await?.end_exchange(self.name, by, end).await?;
        // The caller's own error says more than that of this look-up.
        Ok(self.read_stored_account(by).await.unwrap_or_default())
    }

    /// The result that another call of the same request has stored meanwhile.
    async fn read_stored_account(&self, by: &[u8; 32]) -> Result<Option<FlowAccount>, Error> {
        match self.session().await?.claimed_attempt(self.name, by).await? {
            Some(ClaimedAttempt { stage, .. }) => account_of_stage(stage).map(Some),
            None => Ok(None),
        }
    }

    /// Stores the account, which the provider proves only once; tries again while the database is
    /// unavailable.
    async fn store_account(
        &self,
        by: &[u8; 32],
        proven: &(UnownedIdentity, DateTime<Utc>),
    ) -> Result<AccountStored, Error> {
        let mut kept = self.try_to_store_account(by, proven).await;
        for _ in 1..TRIES {
            if kept.is_ok() {
                break;
            }
            sleep(PAUSE).await;
            kept = self.try_to_store_account(by, proven).await;
        }
        Ok(kept?)
    }

    async fn try_to_store_account(
        &self,
        by: &[u8; 32],
        (account, proven_at): &(UnownedIdentity, DateTime<Utc>),
    ) -> Result<AccountStored, StoreError> {
        let mut session = self.session().await?;
        session.store_account(self.name, by, (account, *proven_at), self.complete.now).await
    }

    /// The account that signed in, and when the provider asserted it. Holds no database connection
    /// meanwhile.
    async fn account(
        &self,
        attempt: SignInAttempt,
        response: &AuthorizationResponse,
    ) -> Result<(UnownedIdentity, DateTime<Utc>), Error> {
        let (permit, now) = (&self.complete.permit, self.complete.now);
        let SignInAttempt { provider, user, nonce, pkce_verifier, redirect_uri, max_age, scopes } =
            attempt;
        // The provider may have been removed from the configuration since.
        let client = self.use_cases.client(permit, &provider)?;
        if !self.use_cases.tenant(permit)?.provider(&provider).policy.enabled {
            return Err(DomainError::ProviderDisabled.into());
        }
        let sent = Flow { nonce, pkce_verifier, redirect_uri, max_age, scopes };
        let (metrics, tenant) = (&self.use_cases.metrics.sign_ins, permit.tenant());
        let failed = |error| flow::failed(metrics, tenant, &provider, error);
        let account = Box::pin(client.complete(&sent, response, now));
        let account = flow::in_flow(permit, account).await.map_err(failed)?;
        // A link takes a user along, so the sign-in must be as fresh as for `link_with`, even if
        // the provider renews silently.
        if user.is_some() && account.authenticated_at < now - RECENT_SIGN_IN {
            let old = "the person signed in there more than ten minutes ago";
            return Err(failed(OAuthError::Rejected(old.to_owned())));
        }
        metrics.flow(tenant.as_str(), provider.as_str(), "exchanged");
        let proven_at = account.proven_at;
        let tokens = self.use_cases.kept(tenant, &account.identity, &account.tokens)?;
        Ok((UnownedIdentity { tokens, ..account.into() }, proven_at))
    }

    fn tenant(&self) -> &TenantId {
        self.complete.permit.tenant()
    }

    async fn session(&self) -> Result<Session, StoreError> {
        let session = self.use_cases.store.session(self.tenant()).await?;
        Ok(session.in_slot(self.complete.permit.slot()))
    }
}

/// The result of an attempt whose code this call does not exchange.
fn account_of_stage(stage: Stage) -> Result<FlowAccount, Error> {
    match stage {
        Stage::Proven(proven) => Ok(FlowAccount::Stored(proven)),
        Stage::Rejected => Err(DomainError::ProviderRejected.into()),
        Stage::UnderWay | Stage::Exchange { .. } => Err(DomainError::CallUnderWay.into()),
    }
}
