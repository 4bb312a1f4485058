//! `WatchEvents`.

use std::pin::Pin;

use futures_util::{Stream, StreamExt as _, stream};
use prost::Message as _;
use tonic::Status;

use super::{EventHandler, expired, filter, start};
use crate::{
    auth::{Denial, Permit},
    feed::{Filter, Told, Watch, WatchEnd},
    grpc::{answers, position::Positions, proto as pb, requests::Checks, status},
    linking::Error,
    store::{Position, TenantKey},
};

/// A message that has grown to this size ends, in bytes: clients read many small ones as fast as a
/// few large ones, and each is held until it is taken.
const ENOUGH_BYTES: usize = 64 * 1024;

/// What a watch is answered with.
pub(super) type Responses = Pin<Box<dyn Stream<Item = Result<pb::WatchEventsResponse, Status>> + Send>>;

impl EventHandler {
    pub(super) async fn watch(&self, permit: Permit, request: pb::WatchEventsRequest) -> Result<Responses, Status> {
        let key = self.feed.store().key(permit.tenant()).map_err(|error| status::status(error.into()))?.clone();
        let (position, filter) = self.begin(&permit, request, &key).await.map_err(status::status)?;
        let tenant = permit.tenant().clone();
        let expire_time = permit.expire_time();
        // Who watches is no call under way: those have their own bound.
        drop(permit);
        let watch = Watch::begin(&self.feed, tenant, filter, position, expire_time).ok_or_else(status::overloaded)?;
        Ok(Box::pin(responses(watch, key)))
    }

    async fn begin(
        &self,
        permit: &Permit,
        request: pb::WatchEventsRequest,
        key: &TenantKey,
    ) -> Result<(Position, Filter), Error> {
        use pb::watch_events_request::Start::{After, From};
        let mut checks = Checks::default();
        let start = match request.start {
            Some(After(text)) => start(&mut checks, Some(text), None),
            Some(From(end)) => start(&mut checks, None, Some(end)),
            None => start(&mut checks, None, None),
        };
        let user = checks.optional_user_id("user_id", &request.user_id);
        let filter = filter(&mut checks, &request.kinds, user);
        let start = checks.finish_with(start)?;
        let positions = Positions::of(key);
        let place = start.at(&positions)?;
        let position = place.position(&mut self.session(permit).await?, &positions).await?;
        Ok((position, filter))
    }
}

/// Everything that is told, until there is no more.
fn responses(watch: Watch, key: TenantKey) -> impl Stream<Item = Result<pb::WatchEventsResponse, Status>> + Send {
    let told = stream::unfold(Some((watch, key)), |state| async move {
        let (mut watch, key) = state?;
        match watch.next().await {
            Ok(told) => {
                let messages = messages(&told, &Positions::of(&key));
                Some((messages, Some((watch, key))))
            }
            Err(end) => Some((vec![Err(ended(end, &Positions::of(&key)))], None)),
        }
    });
    told.flat_map(stream::iter)
}

/// The messages that tell this: one, unless it is large.
fn messages(told: &Told, positions: &Positions<'_>) -> Vec<Result<pb::WatchEventsResponse, Status>> {
    let delay_millis = i64::try_from(told.delay.as_millis()).unwrap_or(i64::MAX);
    let message = |events| pb::WatchEventsResponse { events, position: String::new(), delay_millis };
    let (mut messages, mut bytes) = (vec![message(Vec::new())], 0);
    for past in &told.events {
        let event = answers::event(past, positions);
        if bytes >= ENOUGH_BYTES {
            messages.push(message(Vec::new()));
            bytes = 0;
        }
        bytes += event.encoded_len();
        if let Some(last) = messages.last_mut() {
            last.position.clone_from(&event.position);
            last.events.push(event);
        }
    }
    if let Some(last) = messages.last_mut() {
        last.position = positions.text(told.position);
    }
    messages.into_iter().map(Ok).collect()
}

fn ended(end: WatchEnd, positions: &Positions<'_>) -> Status {
    match end {
        WatchEnd::Stopping => status::stopping(),
        WatchEnd::TokenExpired => status::denied(Denial::TokenInvalid("it expired while its bearer watched")),
        WatchEnd::Expired(oldest) => status::refused(expired(positions, oldest)),
        WatchEnd::Unknown => status::refused(crate::domain::Refusal::PositionInvalid),
        WatchEnd::Store(error) => status::status(error.into()),
    }
}
