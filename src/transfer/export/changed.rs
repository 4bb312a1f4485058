//! The users that changed after a position of the feed.

use std::collections::BTreeSet;

use super::{ExportError, expect_kept};
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
    ids: NextIds,
}

/// The next ids to look up, in their order.
#[derive(Default)]
struct NextIds {
    /// At most `max`.
    ids: BTreeSet<UserId>,
    max: usize,
    /// The ids up to this one were looked up.
    last: Option<UserId>,
    /// Whether more follow after `ids`.
    has_more: bool,
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
        Ok(self.ids.take(count))
    }

    /// Reads all events, and keeps the next ids of users that they changed.
    async fn read_events(&mut self, session: &mut Session) -> Result<(), ExportError> {
        self.ids.has_more = false;
        let mut after = self.since;
        loop {
            let page = session.events_after(after, self.horizon, None, EVENTS).await?;
            for past in &page.events {
                // An event may change more users. They are absorbed ones, which have no line.
                let (user, other) = past.event.sides();
                // The feed does not name the users that an import created.
                let user = user.ok_or(ExportError::Imported)?;
                [Some(user), other].into_iter().flatten().for_each(|id| self.ids.keep(id));
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

impl NextIds {
    fn new(max: usize) -> Self {
        // Nothing was read yet.
        Self { max, has_more: true, ..Self::default() }
    }

    /// Whether the events must be read for the next ids.
    fn must_read(&self) -> bool {
        self.ids.is_empty() && self.has_more
    }

    /// Keeps the id if it is still to be looked up, and among the first `max` of these.
    fn keep(&mut self, id: &UserId) {
        if self.last.as_ref().is_some_and(|last| id <= last) || self.ids.contains(id) {
            return;
        }
        if self.ids.len() >= self.max {
            self.has_more = true;
            if self.ids.last().is_some_and(|last| id > last) {
                return;
            }
            self.ids.pop_last();
        }
        self.ids.insert(id.clone());
    }

    /// Takes the first ids, at most so many.
    fn take(&mut self, count: usize) -> Vec<UserId> {
        let first: Vec<UserId> = std::iter::from_fn(|| self.ids.pop_first()).take(count).collect();
        self.last = first.last().cloned().or(self.last.take());
        first
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(number: u8) -> UserId {
        UserId::parse(&number.to_string()).unwrap()
    }

    /// The ids that are looked up for these events, two at a time, if three are kept.
    fn looked_up(events: &[u8]) -> Vec<UserId> {
        let mut next = NextIds::new(3);
        let mut all = Vec::new();
        loop {
            if next.must_read() {
                next.has_more = false;
                events.iter().for_each(|number| next.keep(&id(*number)));
                assert!(next.ids.len() <= 3);
            }
            let page = next.take(2);
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    proptest! {
        #[test]
        fn each_id_comes_once_and_in_order(events in proptest::collection::vec(any::<u8>(), 0..40)) {
            let expected: BTreeSet<UserId> = events.iter().map(|number| id(*number)).collect();
            prop_assert_eq!(looked_up(&events), Vec::from_iter(expected));
        }
    }
}
