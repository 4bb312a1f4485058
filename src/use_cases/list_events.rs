//! Reading the feed.

use super::{Error, FeedStart, UseCases, feed_start::expect_kept};
use crate::{
    auth::Permit,
    feed::{Filter, PositionCodec},
    store::{EventPage, PastEvent, Position},
};

/// Lists events of the feed. It only reads.
pub struct ListEvents {
    /// The permit of the call.
    pub permit: Permit,
    /// Where the caller begins to read.
    pub start: FeedStart<String>,
    /// The events that the caller wants.
    pub filter: Filter,
    /// How many events the caller wants at most, up to [`ListEvents::MAX_SIZE`].
    pub size: usize,
}

/// A part of the feed.
pub struct ListedEvents {
    /// The events that the caller wants, in order. They may be more than the size.
    pub events: Vec<PastEvent>,
    /// Everything up to this position is in `events`, or filtered out.
    pub end: Position,
    /// Whether no more events follow at present.
    pub is_last: bool,
}

impl ListEvents {
    /// The largest size, and the most events that are read if only some kinds are wanted.
    pub const MAX_SIZE: usize = 1000;

    /// Reads the events.
    ///
    /// # Errors
    /// [`Error::Domain`] if the feed does not have the position, or not all events after it.
    pub async fn execute(&self, use_cases: &UseCases) -> Result<ListedEvents, Error> {
        let Self { permit, start, filter, size } = self;
        let positions = PositionCodec::new(use_cases.store.key(permit.tenant())?)?;
        let start = start.parse(&positions)?;
        let mut session = use_cases.store.session(permit.tenant()).await?;
        let after = start.position(&mut session, &positions).await?;
        let horizon = session.horizon().await?;
        // Reads a full page if only some kinds are wanted, so that the caller needs fewer calls.
        let limit = if filter.kinds.is_empty() { size + 1 } else { Self::MAX_SIZE };
        let EventPage { mut events, is_last } =
            session.events_after(after, horizon, filter.user.as_ref(), limit).await?;
        // Events that were removed during the read must not be skipped silently.
        expect_kept(&mut session, &positions, after).await?;
        let end = match is_last {
            true => session.newest_position(horizon).await?.latest(after),
            false => events.last().map_or(after, |last| last.position),
        };
        events.retain(|past| filter.matches(&past.event));
        Ok(ListedEvents { events, end, is_last })
    }
}
