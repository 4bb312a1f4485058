//! Reads the feed: in order, from any position on, as long as its events are kept.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::{
    Horizon, Session, Store, StoreError,
    cached::Cached,
    connection::Connection,
    epochs,
    stored::{actor::Actor, from_text},
};
use crate::domain::{Event, TenantId, UserId};

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
    fn from_rows(rows: Vec<EventRow>, limit: usize) -> Result<Self, StoreError> {
        let found = rows.first().map_or(0, |row| usize::try_from(row.found).unwrap_or(usize::MAX));
        let is_last = found < limit && rows.len() == found;
        Ok(Self {
            events: rows.into_iter().map(PastEvent::try_from).collect::<Result<_, _>>()?,
            is_last,
        })
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

macro_rules! event_columns {
    () => {
        "e.tenant_id, e.epoch, e.xid, e.ordinal, e.event_time, e.actor::text AS actor, e.request_id, e.detail::text AS detail"
    };
}

#[derive(QueryableByName)]
struct PositionRow {
    #[diesel(sql_type = Integer)]
    epoch: i32,
    #[diesel(sql_type = BigInt)]
    xid: i64,
    #[diesel(sql_type = SmallInt)]
    ordinal: i16,
    #[diesel(sql_type = Timestamptz)]
    event_time: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct WaitingRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    event_time: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct PositionStateRow {
    #[diesel(sql_type = Bool)]
    is_there: bool,
    #[diesel(sql_type = Nullable<Integer>)]
    epoch: Option<i32>,
    #[diesel(sql_type = Nullable<BigInt>)]
    xid: Option<i64>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    ordinal: Option<i16>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    event_time: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct EventRow {
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

impl Session {
    /// The events of this tenant after a position and below the horizon: at most `limit`, and only
    /// those of `user` if it is set.
    pub async fn events_after(
        &mut self,
        after: Position,
        horizon: Horizon,
        user: Option<&UserId>,
        limit: usize,
    ) -> Result<EventPage, StoreError> {
        const ALL: &str = page!(
            "SELECT ",
            event_columns!(),
            " FROM events e \
             WHERE e.tenant_id = $1 AND (e.epoch, e.xid, e.ordinal) > ($2, $3, $4) AND (e.epoch, e.xid) < ($5, $6) \
             ORDER BY e.epoch, e.xid, e.ordinal LIMIT $7"
        );
        const OF_USER: &str = page!(
            "SELECT ",
            event_columns!(),
            " FROM ( \
               (SELECT * FROM events WHERE tenant_id = $1 AND user_id = $8 AND (epoch, xid, ordinal) > ($2, $3, $4) \
                  AND (epoch, xid) < ($5, $6) ORDER BY epoch, xid, ordinal LIMIT $7) \
               UNION ALL \
               (SELECT * FROM events WHERE tenant_id = $1 AND other_user_id = $8 AND (epoch, xid, ordinal) > ($2, $3, $4) \
                  AND (epoch, xid) < ($5, $6) ORDER BY epoch, xid, ordinal LIMIT $7)) e \
             ORDER BY e.epoch, e.xid, e.ordinal LIMIT $7"
        );
        let query = sql_query(if user.is_some() { OF_USER } else { ALL })
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Integer, _>(after.epoch)
            .bind::<BigInt, _>(after.xid)
            .bind::<SmallInt, _>(after.ordinal)
            .bind::<Integer, _>(horizon.epoch)
            .bind::<BigInt, _>(horizon.xid)
            .bind::<BigInt, _>(bigint(limit));
        let rows: Vec<EventRow> = match user {
            Some(user) => self.conn.load(Cached(query.bind::<Text, _>(user.as_str()))).await?,
            None => self.conn.load(Cached(query)).await?,
        };
        EventPage::from_rows(rows, limit)
    }

    /// The state of a position in this tenant's feed.
    pub async fn position_state(
        &mut self,
        position: Position,
    ) -> Result<PositionState, StoreError> {
        const SQL: &str = "SELECT EXISTS (SELECT FROM events WHERE tenant_id = $1 AND epoch = $2 AND xid = $3 AND ordinal = $4 \
              AND event_time = $5) AS is_there, f.epoch, f.xid, f.ordinal, f.event_time \
            FROM (SELECT) one LEFT JOIN event_floors f ON f.tenant_id = $1";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Integer, _>(position.epoch)
            .bind::<BigInt, _>(position.xid)
            .bind::<SmallInt, _>(position.ordinal)
            .bind::<Timestamptz, _>(position.time);
        let row: Option<PositionStateRow> = self.conn.load_one(Cached(query)).await?;
        let row = row.ok_or_else(|| StoreError::Fault("a position was not judged".to_owned()))?;
        let floor = match (row.epoch, row.xid, row.ordinal, row.event_time) {
            (Some(epoch), Some(xid), Some(ordinal), Some(time)) => {
                Some(Position { epoch, xid, ordinal, time })
            }
            _ => None,
        };
        Ok(match floor {
            Some(floor) if position == floor => PositionState::Good,
            Some(floor) if floor.is_after(position) => PositionState::Expired(floor),
            None if position == Position::START => PositionState::Good,
            _ if row.is_there => PositionState::Good,
            _ => PositionState::Unknown,
        })
    }

    /// The position before the oldest kept event of this tenant.
    pub async fn oldest_position(&mut self) -> Result<Position, StoreError> {
        const SQL: &str =
            "SELECT epoch, xid, ordinal, event_time FROM event_floors WHERE tenant_id = $1";
        let query = sql_query(SQL).bind::<Text, _>(self.tenant.as_str());
        let row: Option<PositionRow> = self.conn.load_one(Cached(query)).await?;
        Ok(row.map_or(Position::START, Position::from))
    }

    /// The position of the newest event of this tenant below the horizon; without one, the oldest
    /// position.
    pub async fn newest_position(&mut self, horizon: Horizon) -> Result<Position, StoreError> {
        const SQL: &str = "SELECT e.epoch, e.xid, e.ordinal, e.event_time FROM events e \
            WHERE e.tenant_id = $1 AND (e.epoch, e.xid) < ($2, $3) \
            ORDER BY e.epoch DESC, e.xid DESC, e.ordinal DESC LIMIT 1";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Integer, _>(horizon.epoch)
            .bind::<BigInt, _>(horizon.xid);
        let row: Option<PositionRow> = self.conn.load_one(Cached(query)).await?;
        match row {
            Some(row) => Ok(row.into()),
            None => self.oldest_position().await,
        }
    }

    /// Removes the oldest events of this tenant that happened before `before`: at most `limit`.
    /// Returns their number.
    pub async fn sweep_events(
        &mut self,
        before: DateTime<Utc>,
        limit: usize,
    ) -> Result<usize, StoreError> {
        const OLDEST: &str = "SELECT epoch, xid, ordinal, event_time FROM events WHERE tenant_id = $1 \
            ORDER BY epoch, xid, ordinal LIMIT $2";
        const RAISE: &str = "INSERT INTO event_floors AS f (tenant_id, epoch, xid, ordinal, event_time) \
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT ON CONSTRAINT event_floors_pkey DO UPDATE SET \
              epoch = excluded.epoch, xid = excluded.xid, ordinal = excluded.ordinal, event_time = excluded.event_time \
            WHERE (f.epoch, f.xid, f.ordinal) < (excluded.epoch, excluded.xid, excluded.ordinal)";
        const REMOVE: &str =
            "DELETE FROM events WHERE tenant_id = $1 AND (epoch, xid, ordinal) <= ($2, $3, $4)";
        let query = sql_query(OLDEST)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<BigInt, _>(bigint(limit));
        let oldest: Vec<PositionRow> = self.conn.load(Cached(query)).await?;
        let Some(last) = oldest.iter().take_while(|row| row.event_time < before).last() else {
            return Ok(0);
        };
        let tenant = self.tenant.to_string();
        self.begin().await?;
        // In one transaction, so that no reader sees a gap that the floor does not show.
        let raise = sql_query(RAISE)
            .bind::<Text, _>(&tenant)
            .bind::<Integer, _>(last.epoch)
            .bind::<BigInt, _>(last.xid)
            .bind::<SmallInt, _>(last.ordinal)
            .bind::<Timestamptz, _>(last.event_time);
        self.conn.execute(Cached(raise)).await?;
        let remove = sql_query(REMOVE)
            .bind::<Text, _>(&tenant)
            .bind::<Integer, _>(last.epoch)
            .bind::<BigInt, _>(last.xid)
            .bind::<SmallInt, _>(last.ordinal);
        let removed = self.conn.execute(Cached(remove)).await?;
        self.commit().await?;
        Ok(removed)
    }
}

/// The end of the feed, of all tenants together.
pub struct Tail(Connection);

impl Store {
    /// Opens the feed for the one reader that follows all tenants.
    ///
    /// # Errors
    /// As of [`Store::session`].
    pub async fn tail(&self) -> Result<Tail, StoreError> {
        Ok(Tail(self.connection().await?))
    }
}

impl Tail {
    /// The same as [`Session::horizon`].
    pub async fn horizon(&mut self) -> Result<Horizon, StoreError> {
        epochs::horizon(&mut self.0).await
    }

    /// The events of all tenants after a position and below the horizon: at most `limit`.
    pub async fn events_after(
        &mut self,
        after: Position,
        horizon: Horizon,
        limit: usize,
    ) -> Result<EventPage, StoreError> {
        const SQL: &str = page!(
            "SELECT ",
            event_columns!(),
            " FROM events e \
             WHERE e.ordinal >= 0 AND (e.epoch, e.xid, e.ordinal) > ($1, $2, $3) AND (e.epoch, e.xid) < ($4, $5) \
             ORDER BY e.epoch, e.xid, e.ordinal LIMIT $6"
        );
        let query = sql_query(SQL)
            .bind::<Integer, _>(after.epoch)
            .bind::<BigInt, _>(after.xid)
            .bind::<SmallInt, _>(after.ordinal)
            .bind::<Integer, _>(horizon.epoch)
            .bind::<BigInt, _>(horizon.xid)
            .bind::<BigInt, _>(bigint(limit));
        EventPage::from_rows(self.0.load(Cached(query)).await?, limit)
    }

    /// The position of the newest event below the horizon; without one, [`Position::START`].
    pub async fn newest_position(&mut self, horizon: Horizon) -> Result<Position, StoreError> {
        const SQL: &str = "SELECT e.epoch, e.xid, e.ordinal, e.event_time FROM events e WHERE e.ordinal >= 0 AND (e.epoch, e.xid) < ($1, $2) \
            ORDER BY e.epoch DESC, e.xid DESC, e.ordinal DESC LIMIT 1";
        let query = sql_query(SQL).bind::<Integer, _>(horizon.epoch).bind::<BigInt, _>(horizon.xid);
        let row: Option<PositionRow> = self.0.load_one(Cached(query)).await?;
        Ok(row.map_or(Position::START, Position::from))
    }

    /// The time of the oldest committed event that is not below the horizon; `None` if there is
    /// none.
    pub async fn waiting_since(
        &mut self,
        horizon: Horizon,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        const SQL: &str = "SELECT (SELECT e.event_time FROM events e WHERE e.ordinal >= 0 AND (e.epoch, e.xid) >= ($1, $2) \
            ORDER BY e.epoch, e.xid, e.ordinal LIMIT 1) AS event_time";
        let query = sql_query(SQL).bind::<Integer, _>(horizon.epoch).bind::<BigInt, _>(horizon.xid);
        let row: Option<WaitingRow> = self.0.load_one(Cached(query)).await?;
        Ok(row.and_then(|row| row.event_time))
    }
}

impl From<PositionRow> for Position {
    fn from(PositionRow { epoch, xid, ordinal, event_time }: PositionRow) -> Self {
        Self { epoch, xid, ordinal, time: event_time }
    }
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

fn bigint(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
