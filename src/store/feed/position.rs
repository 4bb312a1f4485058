//! Positions in the feed, and their rows.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Integer, SmallInt, Timestamptz},
};

/// The position of an event in the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The epoch in which `xid` counts.
    pub epoch: i32,
    /// The id of the transaction.
    pub xid: i64,
    /// The index of the event in its transaction.
    pub ordinal: i16,
    /// When the event happened. It distinguishes the event from one at the same position in another
    /// copy of the database.
    pub time: DateTime<Utc>,
}

impl Position {
    /// The position before the first possible event.
    pub const START: Self =
        Self { epoch: 0, xid: 0, ordinal: 0, time: DateTime::<Utc>::UNIX_EPOCH };

    /// Whether this position is after the other one.
    pub fn is_after(self, other: Self) -> bool {
        self.order_key() > other.order_key()
    }

    /// The later one of the two positions.
    #[must_use]
    pub fn latest(self, other: Self) -> Self {
        if self.is_after(other) { self } else { other }
    }

    fn order_key(self) -> (i32, i64, i16) {
        (self.epoch, self.xid, self.ordinal)
    }
}

/// The state of a position in the feed of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PositionState {
    /// All events after the position are kept.
    Good,
    /// Events after the position were removed. All events after the contained position are kept.
    Expired(Position),
    /// The feed has no such event, and never had it.
    Unknown,
}

#[derive(QueryableByName)]
pub(super) struct PositionRow {
    #[diesel(sql_type = Integer)]
    pub epoch: i32,
    #[diesel(sql_type = BigInt)]
    pub xid: i64,
    #[diesel(sql_type = SmallInt)]
    pub ordinal: i16,
    #[diesel(sql_type = Timestamptz)]
    pub event_time: DateTime<Utc>,
}

impl From<PositionRow> for Position {
    fn from(PositionRow { epoch, xid, ordinal, event_time }: PositionRow) -> Self {
        Self { epoch, xid, ordinal, time: event_time }
    }
}
