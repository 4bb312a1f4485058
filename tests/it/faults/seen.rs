//! What the clients of a load see.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Whether the connections of clients may end, as they do with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connections {
    Stay,
    MayEnd,
}

/// What all clients have seen.
#[derive(Debug)]
pub(super) struct Seen {
    /// The calls that succeeded.
    pub calls: usize,
    /// The changes among them.
    pub changes: usize,
    /// How often each refusal occurred.
    pub refused: BTreeMap<String, usize>,
    /// The longest time between two changes.
    pub longest_gap: Duration,
    last: Instant,
}

impl Default for Seen {
    fn default() -> Self {
        let (calls, changes, refused, longest_gap) = Default::default();
        Self { calls, changes, refused, longest_gap, last: Instant::now() }
    }
}

impl Seen {
    /// How many calls were refused.
    pub(super) fn refusals(&self) -> usize {
        self.refused.values().sum()
    }

    /// Counts a change.
    pub(super) fn changed(&mut self) {
        self.changes += 1;
        let now = Instant::now();
        self.longest_gap = self.longest_gap.max(now - self.last);
        self.last = now;
    }
}
