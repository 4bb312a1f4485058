//! `identity.v1.SignInService`: for the backend behind a login page.

mod resolve;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{
    permitted,
    proto::{self as pb, sign_in_service_server::SignInService},
    status,
};
use crate::linking::Linking;

/// Answers the rpcs of `SignInService`.
pub struct SignInHandler {
    linking: Arc<Linking>,
}

impl SignInHandler {
    /// Answers by these use cases.
    pub fn new(linking: Arc<Linking>) -> Self {
        Self { linking }
    }
}

#[tonic::async_trait]
impl SignInService for SignInHandler {
    async fn resolve_sign_in(
        &self,
        request: Request<pb::ResolveSignInRequest>,
    ) -> Result<Response<pb::ResolveSignInResponse>, Status> {
        let (permit, message) = permitted(request)?;
        self.resolve(permit, message).await.map(Response::new).map_err(status::status)
    }
}
