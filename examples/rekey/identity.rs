//! The calls to identity-link.

use std::{fs, path::PathBuf, time::Duration};

use identity_link_proto::v1::{
    ListUsersRequest, ResolveUsersRequest, WatchEventsRequest, WatchEventsResponse,
    event_service_client::EventServiceClient, identity_service_client::IdentityServiceClient,
    watch_events_request::Start,
};
use tokio::time::timeout;
use tonic::{
    Request, Status, Streaming,
    transport::{Channel, Endpoint},
};

use super::{
    Stopped,
    holders::{Holders, KINDS},
};

/// How long a call may take; for a stream, until it begins.
const CALL: Duration = Duration::from_secs(30);
/// How long a stream may be silent before it counts as dead: some heartbeats of the server.
const SILENCE: Duration = Duration::from_secs(60);
/// How many ids `ResolveUsers` accepts.
const IDS_AT_ONCE: usize = 1000;

/// The client of identity-link.
pub(crate) struct Identity {
    users: IdentityServiceClient<Channel>,
    events: EventServiceClient<Channel>,
    token_file: PathBuf,
}

impl Identity {
    /// A client that connects at its first call, and again when it must.
    pub(crate) fn new(endpoint: &Endpoint, token_file: PathBuf) -> Self {
        let channel = endpoint.clone().connect_timeout(CALL).timeout(CALL).connect_lazy();
        let (users, events) =
            (IdentityServiceClient::new(channel.clone()), EventServiceClient::new(channel));
        Self { users, events, token_file }
    }

    /// The current position of the feed, or one from a moment ago.
    pub(crate) async fn position(&self) -> Result<String, Stopped> {
        let request = self.request(ListUsersRequest { page_size: 1, ..Default::default() })?;
        Ok(self.users.clone().list_users(request).await?.into_inner().position)
    }

    /// The holders of these ids.
    pub(crate) async fn holders_of(&self, ids: Vec<String>) -> Result<Holders, Stopped> {
        let mut holders = Holders::default();
        for ids in ids.chunks(IDS_AT_ONCE) {
            let request = self.request(ResolveUsersRequest { user_ids: ids.to_vec() })?;
            let resolved = self.users.clone().resolve_users(request).await?.into_inner().users;
            resolved.into_iter().for_each(|user| holders.note_resolved(user));
        }
        Ok(holders)
    }

    /// Watches the events after a position that this service needs.
    pub(crate) async fn watch(
        &self,
        position: &str,
    ) -> Result<Streaming<WatchEventsResponse>, Stopped> {
        let start = Some(Start::After(position.to_owned()));
        let kinds = KINDS.map(i32::from).to_vec();
        let request = self.request(WatchEventsRequest { start, kinds, user_id: String::new() })?;
        Ok(self.events.clone().watch_events(request).await?.into_inner())
    }

    /// Reads the token for each call, because its renewal replaces the file.
    fn request<T>(&self, message: T) -> Result<Request<T>, Stopped> {
        let token = fs::read_to_string(&self.token_file)?;
        let bearer = format!("Bearer {}", token.trim_ascii()).parse();
        let mut request = Request::new(message);
        request
            .metadata_mut()
            .insert("authorization", bearer.map_err(|_| Status::unauthenticated("not a token"))?);
        Ok(request)
    }
}

/// The next message of a stream.
pub(crate) async fn next(
    events: &mut Streaming<WatchEventsResponse>,
) -> Result<WatchEventsResponse, Stopped> {
    let message =
        timeout(SILENCE, events.message()).await.map_err(|_| Stopped::Silence(SILENCE))??;
    Ok(message.ok_or_else(|| Status::unavailable("the stream was cut off"))?)
}
