//! `ReceiveLogoutToken` and `ReceiveSecurityEvents`.

use super::SignInHandler;
use crate::{
    auth::{EventTokenKind, Permit},
    clock,
    domain::Provider,
    grpc::{proto as pb, requests::Checks},
    use_cases::{Error, NotStored},
};

/// The longest token that is read, in bytes.
const MAX_TOKEN: usize = 8 * 1024;

impl SignInHandler {
    pub(super) async fn logout_token(
        &self,
        permit: Permit,
        request: pb::ReceiveLogoutTokenRequest,
    ) -> Result<pb::ReceiveLogoutTokenResponse, Error> {
        let pb::ReceiveLogoutTokenRequest { provider, logout_token } = request;
        let token = (EventTokenKind::Logout, "logout_token", logout_token.as_str());
        self.receive(permit, &provider, token).await?;
        Ok(pb::ReceiveLogoutTokenResponse {})
    }

    pub(super) async fn security_events(
        &self,
        permit: Permit,
        request: pb::ReceiveSecurityEventsRequest,
    ) -> Result<pb::ReceiveSecurityEventsResponse, Error> {
        let pb::ReceiveSecurityEventsRequest { provider, security_event_token } = request;
        let token =
            (EventTokenKind::SecurityEvents, "security_event_token", security_event_token.as_str());
        self.receive(permit, &provider, token).await?;
        Ok(pb::ReceiveSecurityEventsResponse {})
    }

    async fn receive(
        &self,
        permit: Permit,
        provider: &str,
        (kind, field, token): (EventTokenKind, &str, &str),
    ) -> Result<(), Error> {
        let mut checks = Checks::default();
        let named = Provider::parse(provider);
        if named.is_none() {
            checks.report("provider", Provider::FORM);
        }
        checks.required(field, token, MAX_TOKEN);
        let provider = checks.into_result_with(named)?;
        let tenant = permit.tenant().clone();
        let named = (&tenant, provider);
        let events = self
            .use_cases
            .verified_events(named, (kind, token), Some(permit), clock::now())
            .await?;
        self.use_cases.run(events, None, |_| NotStored(())).await?;
        Ok(())
    }
}
