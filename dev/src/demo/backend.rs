//! The calls that a login backend makes.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use identity_link_proto::v1::{
    CompleteSignInRequest, CompleteSignInResponse, GetUserRequest, LinkIntent, LinkRecord,
    LinkRequest, LinkResponse, LinkTerms, ListLinksRequest, ListProvidersRequest, MetadataMerge,
    ResolveSignInRequest, SetPrimaryIdentityRequest, SignInDecision, SignInIntent, SignInProvider,
    StartSignInRequest, StartSignInResponse, UndoLinkRequest, UndoLinkResponse, UnlinkRequest,
    UnlinkResponse, User,
    identity_service_client::IdentityServiceClient,
    link_request,
    metadata_merge::{Arrays, Conflict, Strategy},
    resolve_sign_in_request::Proof,
    sign_in_service_client::SignInServiceClient,
    start_sign_in_request::Intent,
};
use serde::Deserialize;
use tonic::{
    Request, Status,
    metadata::MetadataValue,
    transport::{Channel, Endpoint},
};

use super::catalog::redirect_uri;
use crate::issuers::{self, Bearer, TENANTS, TokenRequest};

/// The lifetime of the demo's tokens: each is for one call.
const TTL: Duration = Duration::from_secs(60);
/// The scopes of a user's token, for the calls that the demo makes as the user.
const USER_SCOPE: &str = "read:current_user update:current_user_identities";
/// The scope of the backend's own token.
const BACKEND_SCOPE: &str = "sign_in:users";

/// How the metadata of an absorbed user is merged: what only one of the two has is kept.
const MERGE: MetadataMerge = MetadataMerge {
    strategy: Strategy::Merge as i32,
    conflict: Conflict::PrimaryWins as i32,
    arrays: Arrays::Union as i32,
};

/// What a provider sends back by the browser (RFC 6749 §4.1.2, RFC 9207 §2); what is missing is
/// empty.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct AuthorizationResponse {
    state: String,
    code: String,
    iss: String,
    error: String,
}

/// The demo's client of the service.
pub(super) struct Backend {
    channel: Channel,
    data_dir: PathBuf,
    /// The URL at which browsers reach the demo.
    url: String,
}

impl Backend {
    /// A client of the service at this address, for the demo at `url`, with the local issuers of
    /// `data_dir`.
    pub(super) fn new(service: SocketAddr, data_dir: PathBuf, url: String) -> Result<Self, String> {
        let endpoint = Endpoint::from_shared(format!("http://{service}"))
            .map_err(|error| error.to_string())?;
        Ok(Self { channel: endpoint.connect_lazy(), data_dir, url })
    }

    /// The providers for a login page.
    pub(super) async fn providers(&self) -> Result<Vec<SignInProvider>, Status> {
        let request = self.as_backend(ListProvidersRequest::default())?;
        Ok(self.sign_in().list_providers(request).await?.into_inner().providers)
    }

    /// Begins a sign-in, or a link if a user is signed in.
    pub(super) async fn start(
        &self,
        provider: &str,
        user: Option<&str>,
    ) -> Result<StartSignInResponse, Status> {
        let intent = match user {
            Some(user) => {
                Intent::Link(LinkIntent { user_token: self.token(Bearer::User(user.to_owned()))? })
            }
            None => Intent::SignIn(SignInIntent {}),
        };
        let request = StartSignInRequest {
            provider: provider.to_owned(),
            redirect_uri: redirect_uri(&self.url, provider),
            intent: Some(intent),
            ..Default::default()
        };
        Ok(self.sign_in().start_sign_in(self.as_backend(request)?).await?.into_inner())
    }

    /// Ends the flow with what the browser brought back from a provider. A link is previewed: the
    /// response has a ticket, with which the user can decide.
    pub(super) async fn complete(
        &self,
        provider: &str,
        returned: AuthorizationResponse,
        attempt_secret: &str,
        user: Option<&str>,
    ) -> Result<CompleteSignInResponse, Status> {
        let user_token = match user {
            Some(user) => self.token(Bearer::User(user.to_owned()))?,
            None => String::new(),
        };
        let request = CompleteSignInRequest {
            attempt_secret: attempt_secret.to_owned(),
            state: returned.state,
            code: returned.code,
            iss: returned.iss,
            error: returned.error,
            user_token,
            redirect_uri: redirect_uri(&self.url, provider),
            link: user.map(|_| LinkTerms { user_metadata: Some(MERGE), ..Default::default() }),
            validate_only: user.is_some(),
            ..Default::default()
        };
        Ok(self.sign_in().complete_sign_in(self.as_backend(request)?).await?.into_inner())
    }

    /// Creates a user for the account that this ticket proves.
    pub(super) async fn own_user(&self, ticket: &str) -> Result<SignInDecision, Status> {
        let request = ResolveSignInRequest {
            proof: Some(Proof::SignInTicket(ticket.to_owned())),
            ..Default::default()
        };
        let response = self.sign_in().resolve_sign_in(self.as_backend(request)?).await?;
        response.into_inner().decision.ok_or_else(|| Status::internal("no decision"))
    }

    /// Reads the user.
    pub(super) async fn user(&self, user: &str) -> Result<User, Status> {
        let request = self.as_user(user, GetUserRequest::default())?;
        let response = self.identity().get_user(request).await?;
        response.into_inner().user.ok_or_else(|| Status::internal("no user"))
    }

    /// Reads the user's links, the newest first.
    pub(super) async fn links(&self, user: &str) -> Result<Vec<LinkRecord>, Status> {
        let request = ListLinksRequest { page_size: 100, ..Default::default() };
        let response = self.identity().list_links(self.as_user(user, request)?).await?;
        Ok(response.into_inner().links)
    }

    /// Links the account of a ticket to the user, who has this version. Without a version it is a
    /// preview, which does not use the ticket up.
    pub(super) async fn link_ticket(
        &self,
        user: &str,
        ticket: &str,
        expected_version: Option<i64>,
    ) -> Result<LinkResponse, Status> {
        let request = LinkRequest {
            secondary: Some(link_request::Secondary::LinkTicket(ticket.to_owned())),
            user_metadata: Some(MERGE),
            expected_version,
            validate_only: expected_version.is_none(),
            ..Default::default()
        };
        Ok(self.identity().link(self.as_user(user, request)?).await?.into_inner())
    }

    /// Unlinks an account from the user.
    pub(super) async fn unlink(
        &self,
        user: &str,
        request: UnlinkRequest,
    ) -> Result<UnlinkResponse, Status> {
        Ok(self.identity().unlink(self.as_user(user, request)?).await?.into_inner())
    }

    /// Undoes a link of the user.
    pub(super) async fn undo(
        &self,
        user: &str,
        request: UndoLinkRequest,
    ) -> Result<UndoLinkResponse, Status> {
        Ok(self.identity().undo_link(self.as_user(user, request)?).await?.into_inner())
    }

    /// Makes an account of the user the primary one.
    pub(super) async fn set_primary(
        &self,
        user: &str,
        request: SetPrimaryIdentityRequest,
    ) -> Result<User, Status> {
        let request = self.as_user(user, request)?;
        let response = self.identity().set_primary_identity(request).await?;
        response.into_inner().user.ok_or_else(|| Status::internal("no user"))
    }

    fn sign_in(&self) -> SignInServiceClient<Channel> {
        SignInServiceClient::new(self.channel.clone())
    }

    fn identity(&self) -> IdentityServiceClient<Channel> {
        IdentityServiceClient::new(self.channel.clone())
    }

    fn as_backend<T>(&self, message: T) -> Result<Request<T>, Status> {
        self.signed(Bearer::Service("demo".to_owned()), message)
    }

    fn as_user<T>(&self, user: &str, message: T) -> Result<Request<T>, Status> {
        self.signed(Bearer::User(user.to_owned()), message)
    }

    fn signed<T>(&self, bearer: Bearer, message: T) -> Result<Request<T>, Status> {
        let bearer: MetadataValue<_> = format!("Bearer {}", self.token(bearer)?)
            .parse()
            .map_err(|_| Status::internal("a token is not ASCII"))?;
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", bearer);
        Ok(request)
    }

    fn token(&self, bearer: Bearer) -> Result<String, Status> {
        let scope = match bearer {
            Bearer::Service(_) => BACKEND_SCOPE,
            Bearer::User(_) | Bearer::Identity { .. } => USER_SCOPE,
        };
        let request = TokenRequest {
            bearer,
            scope: scope.to_owned(),
            tenant: TENANTS[0].to_owned(),
            ttl: TTL,
        };
        issuers::sign(&self.data_dir, &request).map_err(|error| Status::internal(error.to_string()))
    }
}
