//! gRPC clients, each with the token of its caller.

use futures_util::Stream;
use identity_link::grpc::proto::{
    self as pb, event_service_client::EventServiceClient,
    google::longrunning::operations_client::OperationsClient,
    identity_service_client::IdentityServiceClient, job_service_client::JobServiceClient,
    sign_in_service_client::SignInServiceClient, transfer_service_client::TransferServiceClient,
};
use tonic::{Request, Status, Streaming, transport::Channel};

/// A client of all gRPC services.
#[derive(Clone)]
pub struct Caller {
    client: IdentityServiceClient<Channel>,
    events: EventServiceClient<Channel>,
    sign_in: SignInServiceClient<Channel>,
    pub(super) jobs: JobServiceClient<Channel>,
    pub(super) operations: OperationsClient<Channel>,
    transfers: TransferServiceClient<Channel>,
    bearer: Option<String>,
    /// Further metadata.
    metadata: Vec<(&'static str, String)>,
}

impl Caller {
    pub fn new(channel: Channel, bearer: Option<String>) -> Self {
        let (client, events) =
            (IdentityServiceClient::new(channel.clone()), EventServiceClient::new(channel.clone()));
        Self {
            client,
            events,
            jobs: JobServiceClient::new(channel.clone()),
            operations: OperationsClient::new(channel.clone()),
            sign_in: SignInServiceClient::new(channel.clone()),
            transfers: TransferServiceClient::new(channel),
            bearer,
            metadata: Vec::new(),
        }
    }

    /// The same with one more piece of metadata.
    pub fn with_metadata(mut self, name: &'static str, value: &str) -> Self {
        self.metadata.push((name, value.to_owned()));
        self
    }

    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(bearer) = &self.bearer {
            request
                .metadata_mut()
                .insert("authorization", format!("Bearer {bearer}").parse().unwrap());
        }
        for (name, value) in &self.metadata {
            request.metadata_mut().append(*name, value.parse().unwrap());
        }
        request
    }
}

/// One method per rpc: message in, message or status out.
macro_rules! rpcs {
    ($client:ident, $($name:ident: $request:ident => $response:ident),+ $(,)?) => {
        impl Caller {
            $(
                pub async fn $name(&self, message: pb::$request) -> Result<pb::$response, Status> {
                    let request = self.request(message);
                    self.$client.clone().$name(request).await.map(tonic::Response::into_inner)
                }
            )+
        }
    };
}

rpcs! {
    client,
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

rpcs! {
    sign_in,
    list_providers: ListProvidersRequest => ListProvidersResponse,
    receive_logout_token: ReceiveLogoutTokenRequest => ReceiveLogoutTokenResponse,
    receive_security_events: ReceiveSecurityEventsRequest => ReceiveSecurityEventsResponse,
    start_sign_in: StartSignInRequest => StartSignInResponse,
    complete_sign_in: CompleteSignInRequest => CompleteSignInResponse,
    resolve_sign_in: ResolveSignInRequest => ResolveSignInResponse,
}

impl Caller {
    pub async fn list_events(
        &self,
        message: pb::ListEventsRequest,
    ) -> Result<pb::ListEventsResponse, Status> {
        self.events
            .clone()
            .list_events(self.request(message))
            .await
            .map(tonic::Response::into_inner)
    }

    pub async fn watch_events(
        &self,
        message: pb::WatchEventsRequest,
    ) -> Result<Streaming<pb::WatchEventsResponse>, Status> {
        self.events
            .clone()
            .watch_events(self.request(message))
            .await
            .map(tonic::Response::into_inner)
    }

    pub async fn import_users(
        &self,
        messages: impl Stream<Item = pb::ImportUsersRequest> + Send + 'static,
    ) -> Result<Streaming<pb::ImportUsersResponse>, Status> {
        self.transfers
            .clone()
            .import_users(self.request(messages))
            .await
            .map(tonic::Response::into_inner)
    }

    pub async fn export_users(
        &self,
        message: pb::ExportUsersRequest,
    ) -> Result<Streaming<pb::ExportUsersResponse>, Status> {
        self.transfers
            .clone()
            .export_users(self.request(message))
            .await
            .map(tonic::Response::into_inner)
    }

    /// Creates a user with this first identity, without metadata.
    pub async fn create(&self, provider: &str, subject: &str) -> pb::User {
        self.create_with(provider, subject, |_| {}).await
    }

    /// Creates a user with this first identity.
    pub async fn create_with(
        &self,
        provider: &str,
        subject: &str,
        change: impl FnOnce(&mut pb::CreateUserRequest),
    ) -> pb::User {
        let identity = pb::NewIdentity {
            identity_ref: super::identity_ref(provider, subject),
            ..Default::default()
        };
        let mut request = pb::CreateUserRequest { identity: Some(identity), ..Default::default() };
        change(&mut request);
        self.create_user(request).await.unwrap().user.unwrap()
    }

    /// The user with this id, as it is now.
    pub async fn user(&self, id: &str) -> pb::User {
        self.get_user(pb::GetUserRequest { user_id: id.to_owned() }).await.unwrap().user.unwrap()
    }
}
