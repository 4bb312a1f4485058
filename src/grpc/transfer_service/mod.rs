//! `identitylink.v1.TransferService`.

mod call;
mod export;
mod import;
mod settings;
mod verdicts;

use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming};

use self::verdicts::Responses;
use super::{
    permitted,
    proto::{self as pb, transfer_service_server::TransferService},
};
use crate::{
    transfer::{export::Form, limits::TransferLimits},
    use_cases::UseCases,
};

/// Handles the rpcs of `TransferService`.
pub struct TransferHandler {
    use_cases: Arc<UseCases>,
    limits: TransferLimits,
    /// Auth0's form of an export.
    auth0_form: Form,
}

impl TransferHandler {
    /// Handles them with these use cases, within these limits. `auth0_form` is Auth0's form of an
    /// export.
    pub fn new(use_cases: Arc<UseCases>, limits: TransferLimits, auth0_form: Form) -> Self {
        Self { use_cases, limits, auth0_form }
    }
}

#[tonic::async_trait]
impl TransferService for TransferHandler {
    type ImportUsersStream = Responses;
    type ExportUsersStream = export::Responses;

    async fn import_users(
        &self,
        request: Request<Streaming<pb::ImportUsersRequest>>,
    ) -> Result<Response<Responses>, Status> {
        let (permit, messages) = permitted(request)?;
        self.import(permit, messages).await.map(Response::new)
    }

    async fn export_users(
        &self,
        request: Request<pb::ExportUsersRequest>,
    ) -> Result<Response<export::Responses>, Status> {
        let (permit, message) = permitted(request)?;
        self.export(permit, message).await.map(Response::new)
    }
}
