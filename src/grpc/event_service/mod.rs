//! `identitylink.v1.EventService`.

mod list;
mod watch;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use self::watch::Responses;
use super::{
    permitted,
    proto::{self as pb, event_service_server::EventService},
    requests::Checks,
    status,
};
use crate::{
    domain::{EventKind, UserId},
    feed::{Feed, Filter},
    use_cases::{FeedStart, UseCases},
};

/// The most kinds that a filter may name.
const MAX_KINDS: usize = 20;

/// Handles the rpcs of `EventService`.
pub struct EventHandler {
    use_cases: Arc<UseCases>,
    feed: Arc<Feed>,
    /// Cancelled when a configuration is in use that may permit a caller less.
    permissions_changed: CancellationToken,
}

impl EventHandler {
    /// Handles them with these use cases and this feed. Watches end at the latest when
    /// `permissions_changed` is cancelled.
    pub fn new(
        use_cases: Arc<UseCases>,
        feed: Arc<Feed>,
        permissions_changed: CancellationToken,
    ) -> Self {
        Self { use_cases, feed, permissions_changed }
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

/// Where a request begins to read the feed: after a position, or from one end.
fn start(
    checks: &mut Checks,
    after: Option<String>,
    end: Option<i32>,
) -> Option<FeedStart<String>> {
    match (after, end.map(pb::FeedEnd::try_from)) {
        (Some(text), None) => Some(FeedStart::After(text)),
        (None, Some(Ok(pb::FeedEnd::Oldest))) => Some(FeedStart::Oldest),
        (None, Some(Ok(pb::FeedEnd::Newest))) => Some(FeedStart::Newest),
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
        pb::EventKind::UsersImported => EventKind::UsersImported,
        pb::EventKind::UserUpdated => EventKind::UserUpdated,
        pb::EventKind::UserBlocked => EventKind::UserBlocked,
        pb::EventKind::UserDeleted => EventKind::UserDeleted,
        pb::EventKind::UserLinked => EventKind::UserLinked,
        pb::EventKind::UserUnlinked => EventKind::UserUnlinked,
        pb::EventKind::LinkUndone => EventKind::LinkUndone,
        pb::EventKind::IdentityAttached => EventKind::IdentityAttached,
        pb::EventKind::IdentityDetached => EventKind::IdentityDetached,
        pb::EventKind::IdentityReleased => EventKind::IdentityReleased,
        pb::EventKind::IdentitiesRenamed => EventKind::IdentitiesRenamed,
        pb::EventKind::IdentityUpdated => EventKind::IdentityUpdated,
        pb::EventKind::UserMetadataMerged => EventKind::UserMetadataMerged,
        pb::EventKind::UserPrimaryIdentityChanged => EventKind::UserPrimaryIdentityChanged,
        pb::EventKind::IdentityLoggedOut => EventKind::IdentityLoggedOut,
        pb::EventKind::AccountEventReported => EventKind::AccountEventReported,
    })
}
