//! `identitylink.v1.EventService`.

mod list;
mod watch;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use self::watch::Responses;
use super::{
    permitted,
    position::PositionCodec,
    proto::{self as pb, event_service_server::EventService},
    requests::Checks,
    status,
};
use crate::{
    auth::Permit,
    domain::{DomainError, EventKind, UserId},
    feed::{Feed, Filter},
    store::{Position, PositionState, Session},
    use_cases::Error,
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
        self.list(permit, message).await.map(Response::new).map_err(status::from_error)
    }

    async fn watch_events(
        &self,
        request: Request<pb::WatchEventsRequest>,
    ) -> Result<Response<Responses>, Status> {
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
    fn at(self, positions: &PositionCodec) -> Result<StartPosition, DomainError> {
        match self {
            Self::After(text) => {
                positions.parse(&text).map(StartPosition::After).ok_or(DomainError::PositionInvalid)
            }
            Self::Oldest => Ok(StartPosition::Oldest),
            Self::Newest => Ok(StartPosition::Newest),
        }
    }
}

enum StartPosition {
    After(Position),
    Oldest,
    Newest,
}

impl StartPosition {
    /// The position, after a check that the feed still has it.
    async fn position(
        self,
        session: &mut Session,
        positions: &PositionCodec,
    ) -> Result<Position, Error> {
        match self {
            Self::After(position) => match session.position_state(position).await? {
                PositionState::Good => Ok(position),
                PositionState::Expired(oldest) => Err(expired(positions, oldest).into()),
                PositionState::Unknown => Err(DomainError::PositionInvalid.into()),
            },
            Self::Oldest => Ok(session.oldest_position().await?),
            Self::Newest => {
                let horizon = session.horizon().await?;
                Ok(session.newest_position(horizon).await?)
            }
        }
    }
}

fn expired(positions: &PositionCodec, oldest: Position) -> DomainError {
    DomainError::PositionExpired { oldest: positions.text(oldest) }
}

/// The filter of a request.
fn filter(checks: &mut Checks, kinds: &[i32], user: Option<UserId>) -> Filter {
    if kinds.len() > MAX_KINDS {
        checks.report("kinds", format!("must be at most {MAX_KINDS}"));
    }
    let kinds = kinds.iter().take(MAX_KINDS).filter_map(|kind| {
        let known = event_kind(*kind);
        if known.is_none() {
            checks.report("kinds", "must name kinds that the proto names");
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
            checks.report("from", "must be FEED_END_OLDEST or FEED_END_NEWEST");
            None
        }
        _ => {
            checks.report("start", "is required: after a position, or from one end of the feed");
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
