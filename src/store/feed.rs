//! Reads the feed: in order, from any position on, as long as its events are kept.

mod page;
mod position;
mod tail;

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz},
};

pub use self::{
    page::{EventPage, PastEvent},
    position::{Position, PositionState},
    tail::Tail,
};
use self::{
    page::{EventRow, event_columns, page},
    position::PositionRow,
};
use super::{Horizon, Session, StoreError, bind::bigint, cached::Cached};
use crate::domain::UserId;

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
            Some(user) => {
                self.conn.load("events_after", Cached(query.bind::<Text, _>(user.as_str()))).await?
            }
            None => self.conn.load("events_after", Cached(query)).await?,
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
        let row: Option<PositionStateRow> =
            self.conn.load_one("position_state", Cached(query)).await?;
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
        let row: Option<PositionRow> = self.conn.load_one("oldest_position", Cached(query)).await?;
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
        let row: Option<PositionRow> = self.conn.load_one("newest_position", Cached(query)).await?;
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
        let oldest: Vec<PositionRow> = self.conn.load("sweep_events", Cached(query)).await?;
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
        self.conn.execute("sweep_events", Cached(raise)).await?;
        let remove = sql_query(REMOVE)
            .bind::<Text, _>(&tenant)
            .bind::<Integer, _>(last.epoch)
            .bind::<BigInt, _>(last.xid)
            .bind::<SmallInt, _>(last.ordinal);
        let removed = self.conn.execute("sweep_events", Cached(remove)).await?;
        self.commit().await?;
        Ok(removed)
    }
}
