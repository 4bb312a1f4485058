//! The next ids to look up, in their order, of which only a part is in memory.

use std::collections::BTreeMap;

use crate::domain::UserId;

/// The next ids, at most so many, each with what is noted with it. For each so many ids their source is
/// read once more.
#[derive(Debug)]
pub(super) struct NextIds<T> {
    /// At most `max`.
    ids: BTreeMap<UserId, T>,
    max: usize,
    /// The ids up to this one were looked up.
    last: Option<UserId>,
    /// Whether more follow after `ids`.
    has_more: bool,
}

impl<T> NextIds<T> {
    /// At most `max` at once. Nothing was read yet.
    pub(super) fn new(max: usize) -> Self {
        Self { ids: BTreeMap::new(), max, last: None, has_more: true }
    }

    /// Whether the source must be read for the next ids.
    pub(super) fn must_read(&self) -> bool {
        self.ids.is_empty() && self.has_more
    }

    /// Begins to read the source: all its ids are to be offered.
    pub(super) fn begin(&mut self) {
        self.has_more = false;
    }

    /// Keeps an id if it is still to be looked up, and among the first `max` of these. What was noted
    /// with it first stays.
    pub(super) fn offer(&mut self, id: &UserId, note: T) {
        if self.last.as_ref().is_some_and(|last| id <= last) || self.ids.contains_key(id) {
            return;
        }
        if self.ids.len() >= self.max {
            self.has_more = true;
            if self.ids.last_key_value().is_some_and(|(last, _)| id > last) {
                return;
            }
            self.ids.pop_last();
        }
        self.ids.insert(id.clone(), note);
    }

    /// Takes the first ids, at most so many.
    pub(super) fn take(&mut self, count: usize) -> Vec<(UserId, T)> {
        let first: Vec<_> = std::iter::from_fn(|| self.ids.pop_first()).take(count).collect();
        self.last = first.last().map(|(id, _)| id.clone()).or(self.last.take());
        first
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn id(number: u8) -> UserId {
        UserId::parse(&number.to_string()).unwrap()
    }

    /// The ids that are looked up of this source, two at a time, if three are kept.
    fn looked_up(source: &[u8]) -> Vec<UserId> {
        let mut next = NextIds::new(3);
        let mut all = Vec::new();
        loop {
            if next.must_read() {
                next.begin();
                source.iter().for_each(|number| next.offer(&id(*number), ()));
                assert!(next.ids.len() <= 3);
            }
            let page = next.take(2);
            if page.is_empty() {
                return all;
            }
            all.extend(page.into_iter().map(|(id, ())| id));
        }
    }

    proptest! {
        #[test]
        fn each_id_comes_once_and_in_order(source in proptest::collection::vec(any::<u8>(), 0..40)) {
            let expected: BTreeSet<UserId> = source.iter().map(|number| id(*number)).collect();
            prop_assert_eq!(looked_up(&source), Vec::from_iter(expected));
        }
    }
}
