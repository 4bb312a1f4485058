//! `identitylink.v1.IdentityService`: one function per rpc, from request to response.

mod candidates;
mod connections;
mod find;
mod history;
mod link;
mod metadata;
mod primary;
mod provider_token;
mod undo;
mod unlink;
mod users;

use std::sync::Arc;

pub(super) use self::link::linked;

use prost::Message;
use tonic::{Request, Response, Status};

use super::{
    permitted,
    proto::{self as pb, identity_service_server::IdentityService},
    status,
};
use crate::use_cases::{Reply, UseCases};

/// Handles the rpcs of `IdentityService`.
pub struct IdentityHandler {
    use_cases: Arc<UseCases>,
}

impl IdentityHandler {
    /// Handles them with these use cases.
    pub fn new(use_cases: Arc<UseCases>) -> Self {
        Self { use_cases }
    }
}

/// Implements the rpcs of the service by functions from permit and message to response.
macro_rules! rpcs {
    ($($name:ident: $request:ident => $response:ident),+ $(,)?) => {
        #[tonic::async_trait]
        impl IdentityService for IdentityHandler {
            $(
                async fn $name(&self, request: Request<pb::$request>) -> Result<Response<pb::$response>, Status> {
                    let (permit, message) = permitted(request)?;
                    IdentityHandler::$name(self, permit, message).await.map(Response::new).map_err(status::from_error)
                }
            )+
        }
    };
}

rpcs! {
    link: LinkRequest => LinkResponse,
    unlink: UnlinkRequest => UnlinkResponse,
    undo_link: UndoLinkRequest => UndoLinkResponse,
    find_by_email: FindByEmailRequest => FindByEmailResponse,
    merge_metadata: MergeMetadataRequest => MergeMetadataResponse,
    create_user: CreateUserRequest => CreateUserResponse,
    get_user: GetUserRequest => GetUserResponse,
    update_user: UpdateUserRequest => UpdateUserResponse,
    delete_user: DeleteUserRequest => DeleteUserResponse,
    find_by_identity: FindByIdentityRequest => FindByIdentityResponse,
    resolve_users: ResolveUsersRequest => ResolveUsersResponse,
    set_primary_identity: SetPrimaryIdentityRequest => SetPrimaryIdentityResponse,
    list_links: ListLinksRequest => ListLinksResponse,
    list_users: ListUsersRequest => ListUsersResponse,
    list_link_candidates: ListLinkCandidatesRequest => ListLinkCandidatesResponse,
    list_connections: ListConnectionsRequest => ListConnectionsResponse,
    get_provider_token: GetProviderTokenRequest => GetProviderTokenResponse,
}

impl<M: Message + Default + 'static> Reply for M {
    fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        M::decode(bytes).ok()
    }
}
