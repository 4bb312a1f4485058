//! The calls to identity-link.

use std::{fs, path::PathBuf, time::Duration};

use identity_link::grpc::proto::{
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

/// The longest time for a call, or for the start of a stream.
const CALL: Duration = Duration::from_secs(30);
/// A stream that is silent for this long is dead: it is some heartbeats of the server.
const SILENCE: Duration = Duration::from_secs(60);
/// The maximum number of ids of one `ResolveUsers` call.
const IDS_AT_ONCE: usize = 1000;

/// A client of identity-link.
pub struct Identity {
    users: IdentityServiceClient<Channel>,
    events: EventServiceClient<Channel>,
    token_file: PathBuf,
}

impl Identity {
    /// A client that connects at its first call, and reconnects when necessary.
    pub fn new(endpoint: &Endpoint, token_file: PathBuf) -> Self {
        let channel = endpoint.clone().connect_timeout(CALL).timeout(CALL).connect_lazy();
        let (users, events) = (IdentityServiceClient::new(channel.clone()), EventServiceClient::new(channel));
        Self { users, events, token_file }
    }

    /// The end of the feed, at the time of the call.
    ///
    /// # Errors
    /// [`Stopped::Token`] if the token file cannot be read, [`Stopped::Identity`] if the call fails.
    pub async fn position(&self) -> Result<String, Stopped> {
        let request = self.request(ListUsersRequest { page_size: 1, ..Default::default() })?;
        Ok(self.users.clone().list_users(request).await?.into_inner().position)
    }

    /// The holders of these ids, in calls of at most [`IDS_AT_ONCE`].
    ///
    /// # Errors
    /// As [`Identity::position`].
    pub async fn holders_of(&self, ids: Vec<String>) -> Result<Holders, Stopped> {
        let mut holders = Holders::default();
        for ids in ids.chunks(IDS_AT_ONCE) {
            let request = self.request(ResolveUsersRequest { user_ids: ids.to_vec() })?;
            let resolved = self.users.clone().resolve_users(request).await?.into_inner().users;
            resolved.into_iter().for_each(|user| holders.note_resolved(user));
        }
        Ok(holders)
    }

    /// The events after a position, of the kinds in [`KINDS`].
    ///
    /// # Errors
    /// As [`Identity::position`].
    pub async fn watch(&self, position: &str) -> Result<Streaming<WatchEventsResponse>, Stopped> {
        let start = Some(Start::After(position.to_owned()));
        let kinds = KINDS.map(i32::from).to_vec();
        let request = self.request(WatchEventsRequest { start, kinds, user_id: String::new() })?;
        Ok(self.events.clone().watch_events(request).await?.into_inner())
    }

    /// A request with the token, which is read each time: the token is renewed by replacing the file.
    fn request<T>(&self, message: T) -> Result<Request<T>, Stopped> {
        let token = fs::read_to_string(&self.token_file)?;
        let bearer = format!("Bearer {}", token.trim_ascii()).parse();
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", bearer.map_err(|_| Status::unauthenticated("not a token"))?);
        Ok(request)
    }
}

/// The next message of the stream.
///
/// # Errors
/// [`Stopped::Silence`] if there is none for [`SILENCE`], [`Stopped::Identity`] if the stream ends.
pub async fn next(events: &mut Streaming<WatchEventsResponse>) -> Result<WatchEventsResponse, Stopped> {
    let told = timeout(SILENCE, events.message()).await.map_err(|_| Stopped::Silence(SILENCE))??;
    Ok(told.ok_or_else(|| Status::unavailable("the stream was cut off"))?)
}
