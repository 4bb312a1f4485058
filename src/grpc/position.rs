//! Positions in the feed as clients keep them: sealed for their tenant.

use chrono::DateTime;

use super::seal::Seal;
use crate::store::{Position, TenantKey};

/// The longest position that is looked at, in bytes.
const MAX_BYTES: usize = 200;

/// The positions of one tenant.
pub(super) struct Positions<'a>(Seal<'a>);

impl<'a> Positions<'a> {
    /// Those that this key seals.
    pub(super) fn of(key: &'a TenantKey) -> Self {
        Self(Seal::new(key, "feed position", String::new()))
    }

    /// A position as a client keeps it.
    pub(super) fn text(&self, position: Position) -> String {
        let Position { epoch, xid, ordinal, time } = position;
        self.0.seal(&format!("{epoch} {xid} {ordinal} {}", time.timestamp_micros()))
    }

    /// What a client has kept; `None` if it is none of ours.
    pub(super) fn parse(&self, text: &str) -> Option<Position> {
        let opened = self.0.open(Some(text).filter(|text| text.len() <= MAX_BYTES)?)?;
        let mut parts = opened.split(' ');
        let epoch = parts.next()?.parse().ok()?;
        let xid = parts.next()?.parse().ok()?;
        let ordinal = parts.next()?.parse().ok()?;
        let time = DateTime::from_timestamp_micros(parts.next()?.parse().ok()?)?;
        Some(Position { epoch, xid, ordinal, time })
    }
}
