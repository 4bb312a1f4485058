//! Pages of the feed: consecutive events, and their rows.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::Position;
use crate::{
    domain::{Event, TenantId},
    store::{
        StoreError,
        stored::{actor::Actor, from_text},
    },
};

/// An event as the feed stores it.
#[derive(Debug, Clone)]
pub struct PastEvent {
    /// The tenant of the event.
    pub tenant: TenantId,
    /// The position of the event.
    pub position: Position,
    /// The caller that caused the event.
    pub actor: Actor,
    /// The request id of the call; `None` if it had none.
    pub request_id: Option<Uuid>,
    /// The change.
    pub event: Event,
}

/// Consecutive events of the feed.
#[derive(Debug)]
pub struct EventPage {
    /// The events: at most the limit. A page ends with the event that fills 256 KiB.
    pub events: Vec<PastEvent>,
    /// Whether no more events follow below the horizon.
    pub is_last: bool,
}

impl EventPage {
    pub(super) fn from_rows(rows: Vec<EventRow>, limit: usize) -> Result<Self, StoreError> {
        let found = rows.first().map_or(0, |row| usize::try_from(row.found).unwrap_or(usize::MAX));
        let is_last = found < limit && rows.len() == found;
        Ok(Self {
            events: rows.into_iter().map(PastEvent::try_from).collect::<Result<_, _>>()?,
            is_last,
        })
    }
}

/// Limits the rows of a query by bytes, with at least one row. Each row contains the number of rows
/// that the query found.
macro_rules! page {
    ($($events:expr),+ $(,)?) => {
        concat!(
            "SELECT p.* FROM ( \
               SELECT e.*, count(*) OVER () AS found, \
                 sum(octet_length(e.detail)) OVER (ORDER BY e.epoch, e.xid, e.ordinal) - octet_length(e.detail) AS before \
               FROM (", $($events),+, ") e) p \
             WHERE p.before < 262144 ORDER BY p.epoch, p.xid, p.ordinal"
        )
    };
}

pub(super) use page;

/// The columns of an [`EventRow`], for a query in which `e` is the event.
macro_rules! event_columns {
    () => {
        "e.tenant_id, e.epoch, e.xid, e.ordinal, e.event_time, e.actor::text AS actor, e.request_id, e.detail::text AS detail"
    };
}
pub(super) use event_columns;

#[derive(QueryableByName)]
pub(super) struct EventRow {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Integer)]
    epoch: i32,
    #[diesel(sql_type = BigInt)]
    xid: i64,
    #[diesel(sql_type = SmallInt)]
    ordinal: i16,
    #[diesel(sql_type = Timestamptz)]
    event_time: DateTime<Utc>,
    // As text, which is parsed in one pass; a `jsonb` would first become a tree.
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    request_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    detail: String,
    #[diesel(sql_type = BigInt)]
    found: i64,
}

impl TryFrom<EventRow> for PastEvent {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        Ok(Self {
            tenant: TenantId::parse(&row.tenant_id)
                .ok_or_else(|| StoreError::corrupt("tenant id"))?,
            position: Position {
                epoch: row.epoch,
                xid: row.xid,
                ordinal: row.ordinal,
                time: row.event_time,
            },
            actor: from_text("actor of an event", &row.actor)?,
            request_id: row.request_id,
            event: from_text("event", &row.detail)?,
        })
    }
}
