//! The end of the feed, of all tenants together.

use std::time::Duration;

use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Double, Integer, Nullable, SmallInt},
};

use super::{
    EventPage, Position,
    page::{event_columns, page},
    position::PositionRow,
};
use crate::store::{
    Horizon, Store, StoreError, bind::bigint, cached::Cached, connection::Connection, epochs,
};

#[derive(QueryableByName)]
struct WaitingRow {
    #[diesel(sql_type = Nullable<Double>)]
    seconds: Option<f64>,
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
    /// The same as [`Session::horizon`](crate::store::Session::horizon).
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
        EventPage::from_rows(self.0.load("events_after", Cached(query)).await?, limit)
    }

    /// The position of the newest event below the horizon; without one, [`Position::START`].
    pub async fn newest_position(&mut self, horizon: Horizon) -> Result<Position, StoreError> {
        const SQL: &str = "SELECT e.epoch, e.xid, e.ordinal, e.event_time FROM events e WHERE e.ordinal >= 0 AND (e.epoch, e.xid) < ($1, $2) \
            ORDER BY e.epoch DESC, e.xid DESC, e.ordinal DESC LIMIT 1";
        let query = sql_query(SQL).bind::<Integer, _>(horizon.epoch).bind::<BigInt, _>(horizon.xid);
        let row: Option<PositionRow> = self.0.load_one("newest_position", Cached(query)).await?;
        Ok(row.map_or(Position::START, Position::from))
    }

    /// How long the oldest committed event has waited that is not below the horizon, by the clock
    /// of the database, which dated it; `None` if there is none.
    pub async fn oldest_waits(&mut self, horizon: Horizon) -> Result<Option<Duration>, StoreError> {
        const SQL: &str = "SELECT (SELECT extract(epoch FROM clock_timestamp() - e.event_time)::float8 \
            FROM events e WHERE e.ordinal >= 0 AND (e.epoch, e.xid) >= ($1, $2) \
            ORDER BY e.epoch, e.xid, e.ordinal LIMIT 1) AS seconds";
        let query = sql_query(SQL).bind::<Integer, _>(horizon.epoch).bind::<BigInt, _>(horizon.xid);
        let row: Option<WaitingRow> = self.0.load_one("oldest_waits", Cached(query)).await?;
        let seconds = row.and_then(|row| row.seconds);
        Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()))
    }
}
