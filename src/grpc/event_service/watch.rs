//! `WatchEvents`.

use std::{collections::VecDeque, pin::Pin};

use futures_util::{Stream, future::BoxFuture, stream};
use prost::Message as _;
use tonic::Status;

use super::{EventHandler, filter, start};
use crate::{
    auth::{AuthError, Permit},
    domain::DomainError,
    feed::{Filter, PositionCodec, Watch, WatchEnd, WatchMessage},
    grpc::{long_calls::outdated, proto as pb, requests::Checks, responses, status},
    store::{PastEvent, Position},
    use_cases::{Error, FeedStart},
};

/// The size at which a message ends, in bytes. Clients read many small messages as fast as a few
/// large ones, and each is held until the client takes it.
const ENOUGH_BYTES: usize = 64 * 1024;

/// The responses of a watch.
pub(super) type Responses =
    Pin<Box<dyn Stream<Item = Result<pb::WatchEventsResponse, Status>> + Send>>;

impl EventHandler {
    pub(super) async fn watch(
        &self,
        permit: Permit,
        request: pb::WatchEventsRequest,
    ) -> Result<Responses, Status> {
        let key = self.use_cases.store().key(permit.tenant());
        let positions =
            key.and_then(PositionCodec::new).map_err(|error| status::from_error(error.into()))?;
        let (start, filter) = start_and_filter(request).map_err(status::from_error)?;
        // Taken before the watch waits for its turn to read, so that the limit also bounds how many
        // wait.
        let slot = self.feed.acquire_slot().ok_or_else(status::overloaded)?;
        let position = self.use_cases.feed_position(&self.feed, &permit, &start).await;
        let position = position.map_err(status::from_error)?;
        let tenant = permit.tenant().clone();
        let watch = Watch::start(&self.feed, slot, tenant, filter, position, permit.expire_time());
        let outdated = outdated(&permit, self.permissions_changed.clone());
        Ok(Box::pin(response_stream(watch, positions, outdated)))
    }
}

/// Where a request begins to read the feed, and which events it wants.
fn start_and_filter(request: pb::WatchEventsRequest) -> Result<(FeedStart<String>, Filter), Error> {
    use pb::watch_events_request::Start::{After, FromEnd};
    let mut checks = Checks::default();
    let start = match request.start {
        Some(After(text)) => start(&mut checks, Some(text), None),
        Some(FromEnd(end)) => start(&mut checks, None, Some(end)),
        None => start(&mut checks, None, None),
    };
    let user = checks.optional_user_id("user_id", &request.user_id);
    let filter = filter(&mut checks, &request.kinds, user);
    Ok((checks.into_result_with(start)?, filter))
}

/// The messages of a watch, until it ends, or `outdated` does.
fn response_stream(
    watch: Watch,
    positions: PositionCodec,
    outdated: BoxFuture<'static, ()>,
) -> impl Stream<Item = Result<pb::WatchEventsResponse, Status>> + Send {
    let batcher = MessageBatcher { watch, positions, left: VecDeque::new(), position: None };
    stream::unfold(Some((batcher, outdated)), |watching| async move {
        let (mut batcher, mut outdated) = watching?;
        let next = tokio::select! {
            biased;
            () = &mut outdated => Err(WatchEnd::Over),
            next = batcher.next() => next,
        };
        match next {
            Ok(message) => Some((Ok(message), Some((batcher, outdated)))),
            Err(end) => Some((Err(ended(end, &batcher.positions)), None)),
        }
    })
}

/// Puts events into messages, one at a time: each is made when the client takes it.
struct MessageBatcher {
    watch: Watch,
    positions: PositionCodec,
    /// The events that are not yet in a message.
    left: VecDeque<PastEvent>,
    /// The position after the last of these events.
    position: Option<Position>,
}

impl MessageBatcher {
    async fn next(&mut self) -> Result<pb::WatchEventsResponse, WatchEnd> {
        let mut message = pb::WatchEventsResponse::default();
        if self.left.is_empty() {
            let WatchMessage { events, position, delay } = self.watch.next().await?;
            message.delay_millis = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            (self.left, self.position) = (events.into(), Some(position));
        }
        let mut bytes = 0;
        while bytes < ENOUGH_BYTES
            && let Some(past) = self.left.pop_front()
        {
            let event = responses::event(&past, &self.positions);
            bytes += event.encoded_len();
            message.position.clone_from(&event.position);
            message.events.push(event);
        }
        if let Some(position) = self.position.filter(|_| self.left.is_empty()) {
            message.position = self.positions.text(position);
        }
        Ok(message)
    }
}

fn ended(end: WatchEnd, positions: &PositionCodec) -> Status {
    match end {
        WatchEnd::Stopping => status::stopping(),
        WatchEnd::TokenExpired => {
            status::from_auth_error(AuthError::TokenInvalid("it expired during the watch"))
        }
        WatchEnd::Over => status::watch_expired(),
        WatchEnd::Expired(oldest) => status::from_domain_error(positions.expired(oldest)),
        WatchEnd::Unknown => status::from_domain_error(DomainError::PositionInvalid),
        WatchEnd::Store(error) => status::from_error(error.into()),
    }
}
