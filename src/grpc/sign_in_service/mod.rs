//! `identitylink.v1.SignInService`, for the backend behind a login page.

mod complete;
mod events;
mod providers;
mod resolve;
mod start;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{
    permitted,
    proto::{self as pb, sign_in_service_server::SignInService},
    status,
};
use crate::use_cases::{TicketText, UseCases};

/// The longest redirect URI that is read, in bytes.
const MAX_URI: usize = 2048;

/// Handles the rpcs of `SignInService`.
pub struct SignInHandler {
    use_cases: Arc<UseCases>,
}

impl SignInHandler {
    /// Handles them with these use cases.
    pub fn new(use_cases: Arc<UseCases>) -> Self {
        Self { use_cases }
    }
}

/// Sets the text of a decision's ticket, if it has one: the response that is stored for retries
/// lacks it.
fn with_ticket(decision: &mut pb::SignInDecision, ticket: &TicketText) {
    if decision.ticket_expire_time.is_some() {
        ticket.as_str().clone_into(&mut decision.ticket);
    }
}

#[tonic::async_trait]
impl SignInService for SignInHandler {
    async fn list_providers(
        &self,
        request: Request<pb::ListProvidersRequest>,
    ) -> Result<Response<pb::ListProvidersResponse>, Status> {
        let (permit, message) = permitted(request)?;
        self.providers(&permit, &message).map(Response::new).map_err(status::from_error)
    }

    async fn receive_logout_token(
        &self,
        request: Request<pb::ReceiveLogoutTokenRequest>,
    ) -> Result<Response<pb::ReceiveLogoutTokenResponse>, Status> {
        let (permit, message) = permitted(request)?;
        self.logout_token(permit, message).await.map(Response::new).map_err(status::from_error)
    }

    async fn receive_security_events(
        &self,
        request: Request<pb::ReceiveSecurityEventsRequest>,
    ) -> Result<Response<pb::ReceiveSecurityEventsResponse>, Status> {
        let (permit, message) = permitted(request)?;
        self.security_events(permit, message).await.map(Response::new).map_err(status::from_error)
    }

    async fn start_sign_in(
        &self,
        request: Request<pb::StartSignInRequest>,
    ) -> Result<Response<pb::StartSignInResponse>, Status> {
        let (permit, message) = permitted(request)?;
        self.start(permit, message).await.map(Response::new).map_err(status::from_error)
    }

    async fn complete_sign_in(
        &self,
        request: Request<pb::CompleteSignInRequest>,
    ) -> Result<Response<pb::CompleteSignInResponse>, Status> {
        let (permit, message) = permitted(request)?;
        self.complete(permit, message).await.map(Response::new).map_err(status::from_error)
    }

    async fn resolve_sign_in(
        &self,
        request: Request<pb::ResolveSignInRequest>,
    ) -> Result<Response<pb::ResolveSignInResponse>, Status> {
        let (permit, message) = permitted(request)?;
        self.resolve(permit, message).await.map(Response::new).map_err(status::from_error)
    }
}
