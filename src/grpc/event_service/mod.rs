//! `identity.v1.EventService`.

mod list;
mod watch;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use self::watch::Responses;
use super::{
    permitted,
    position::Positions,
    proto::{self as pb, event_service_server::EventService},
    requests::Checks,
    status,
};
use crate::{
    auth::Permit,
    domain::{EventKind, Refusal, UserId},
    feed::{Feed, Filter},
    linking::Error,
    store::{Position, PositionStanding, Session},
};

/// The most kinds that a filter may name.
const MAX_KINDS: usize = 20;

/// Handles the rpcs of `EventService`.
pub struct EventHandler {
    feed: Arc<Feed>,
}

impl EventHandler {
    /// Handles them with this feed.
    pub fn new(feed: Arc<Feed>) -> Self {
        Self { feed }
    }
}

#[tonic::async_trait]
impl EventService for EventHandler {
    type WatchEventsStream = Responses;

    async fn list_events(
        &self,
        request: Request<pb::ListEventsRequest>,
    ) -> Result<Response<pb::ListEventsResponse>, Status> {
        let (permit, message) = permitted(request)?;
        self.list(permit, message).await.map(Response::new).map_err(status::status)
    }

    async fn watch_events(&self, request: Request<pb::WatchEventsRequest>) -> Result<Response<Responses>, Status> {
        let (permit, message) = permitted(request)?;
        self.watch(permit, message).await.map(Response::new)
    }
}

/// Where a caller wants to begin, not yet looked up.
enum Start {
    After(String),
    Oldest,
    Newest,
}

impl Start {
    fn at(self, positions: &Positions) -> Result<Place, Refusal> {
        match self {
            Self::After(text) => positions.parse(&text).map(Place::Behind).ok_or(Refusal::PositionInvalid),
            Self::Oldest => Ok(Place::Oldest),
            Self::Newest => Ok(Place::Newest),
        }
    }
}

enum Place {
    Behind(Position),
    Oldest,
    Newest,
}

impl Place {
    /// The position, after a check that the feed still has it.
    async fn position(self, session: &mut Session, positions: &Positions) -> Result<Position, Error> {
        match self {
            Self::Behind(position) => match session.position_standing(position).await? {
                PositionStanding::Good => Ok(position),
                PositionStanding::Expired(oldest) => Err(expired(positions, oldest).into()),
                PositionStanding::Unknown => Err(Refusal::PositionInvalid.into()),
            },
            Self::Oldest => Ok(session.oldest_position().await?),
            Self::Newest => {
                let horizon = session.horizon().await?;
                Ok(session.newest_position(horizon).await?)
            }
        }
    }
}

fn expired(positions: &Positions, oldest: Position) -> Refusal {
    Refusal::PositionExpired { oldest: positions.text(oldest) }
}

/// The filter of a request.
fn filter(checks: &mut Checks, kinds: &[i32], user: Option<UserId>) -> Filter {
    if kinds.len() > MAX_KINDS {
        checks.wrong("kinds", format!("must be at most {MAX_KINDS}"));
    }
    let kinds = kinds.iter().take(MAX_KINDS).filter_map(|kind| {
        let known = event_kind(*kind);
        if known.is_none() {
            checks.wrong("kinds", "must name kinds that the proto names");
        }
        known
    });
    Filter { kinds: kinds.collect(), user }
}

fn start(checks: &mut Checks, after: Option<String>, end: Option<i32>) -> Option<Start> {
    match (after, end.map(pb::FeedEnd::try_from)) {
        (Some(text), None) => Some(Start::After(text)),
        (None, Some(Ok(pb::FeedEnd::Oldest))) => Some(Start::Oldest),
        (None, Some(Ok(pb::FeedEnd::Newest))) => Some(Start::Newest),
        (None, Some(_)) => {
            checks.wrong("from", "must be FEED_END_OLDEST or FEED_END_NEWEST");
            None
        }
        _ => {
            checks.wrong("start", "is required: after a position, or from one end of the feed");
            None
        }
    }
}

fn event_kind(kind: i32) -> Option<EventKind> {
    Some(match pb::EventKind::try_from(kind).ok()? {
        pb::EventKind::Unspecified => return None,
        pb::EventKind::UserCreated => EventKind::UserCreated,
        pb::EventKind::UserUpdated => EventKind::UserUpdated,
        pb::EventKind::UserBlocked => EventKind::UserBlocked,
        pb::EventKind::UserDeleted => EventKind::UserDeleted,
        pb::EventKind::UserLinked => EventKind::UserLinked,
        pb::EventKind::UserUnlinked => EventKind::UserUnlinked,
        pb::EventKind::LinkUndone => EventKind::LinkUndone,
        pb::EventKind::IdentityAttached => EventKind::IdentityAttached,
        pb::EventKind::IdentityDetached => EventKind::IdentityDetached,
        pb::EventKind::IdentityReleased => EventKind::IdentityReleased,
        pb::EventKind::IdentityUpdated => EventKind::IdentityUpdated,
        pb::EventKind::UserMetadataMerged => EventKind::UserMetadataMerged,
        pb::EventKind::UserPrimaryIdentityChanged => EventKind::UserPrimaryIdentityChanged,
    })
}

impl EventHandler {
    async fn session(&self, permit: &Permit) -> Result<Session, Error> {
        Ok(self.feed.store().session(permit.tenant()).await?)
    }
}
