//! The users that changed after a position of the feed.

use super::{ExportError, expect_kept, next_ids::NextIds};
use crate::{
    domain::UserId,
    store::{Horizon, Position, Session},
};

/// How many ids are kept at once, about 20 MB. For each so many users that changed, the events are
/// read once more.
const MAX_KEPT: usize = 200_000;
/// How many events are read at once.
const EVENTS: usize = 1000;

/// The users that changed after a position and below a horizon: those left.
pub(super) struct ChangedUsers {
    since: Position,
    horizon: Horizon,
    ids: NextIds<()>,
}

impl ChangedUsers {
    pub(super) fn new(since: Position, horizon: Horizon) -> Self {
        Self { since, horizon, ids: NextIds::new(MAX_KEPT) }
    }

    /// The position after which the users changed.
    pub(super) fn since(&self) -> Position {
        self.since
    }

    /// The next ids in their order, at most so many; none after the last one. Each id comes once.
    ///
    /// # Errors
    /// [`ExportError::ExpiredPosition`] if events were removed before they were read;
    /// [`ExportError::Imported`] if users were imported since; [`ExportError::Store`].
    pub(super) async fn next_ids(
        &mut self,
        session: &mut Session,
        count: usize,
    ) -> Result<Vec<UserId>, ExportError> {
        if self.ids.must_read() {
            self.read_events(session).await?;
        }
        Ok(self.ids.take(count).into_iter().map(|(id, ())| id).collect())
    }

    /// Reads all events, and keeps the next ids of users that they changed.
    async fn read_events(&mut self, session: &mut Session) -> Result<(), ExportError> {
        self.ids.begin();
        let mut after = self.since;
        loop {
            let page = session.events_after(after, self.horizon, None, EVENTS).await?;
            for past in &page.events {
                // An event may change more users. They are absorbed ones, which have no line.
                let (user, other) = past.event.sides();
                // The feed does not name the users that an import created.
                let user = user.ok_or(ExportError::Imported)?;
                [Some(user), other].into_iter().flatten().for_each(|id| self.ids.offer(id, ()));
            }
            match page.events.last() {
                Some(last) if !page.is_last => after = last.position,
                _ => break,
            }
        }
        // Judged last, so that events that were removed meanwhile are noticed.
        expect_kept(session.position_state(self.since).await?)
    }
}
