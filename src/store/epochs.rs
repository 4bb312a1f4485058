//! Epochs of the feed, and the horizon up to which it can be read. Transaction ids are comparable
//! within one epoch.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Integer},
};

use super::{Session, Store, StoreError, cached::Cached, cluster::cluster, connection::Connection};

/// A bound in the feed: no event below it can still appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    pub(super) epoch: i32,
    pub(super) xid: i64,
}

impl Horizon {
    /// The current epoch.
    pub fn epoch(self) -> i32 {
        self.epoch
    }
}

macro_rules! last_epoch {
    () => {
        "(SELECT n, cluster FROM epochs ORDER BY n DESC LIMIT 1)"
    };
}
pub(super) use last_epoch;

#[derive(QueryableByName)]
struct HorizonRow {
    #[diesel(sql_type = Integer)]
    epoch: i32,
    #[diesel(sql_type = BigInt)]
    xid: i64,
}

impl Session {
    /// The current horizon of the feed. Read it in a statement of its own: the events below it must
    /// be read in a later snapshot.
    pub async fn horizon(&mut self) -> Result<Horizon, StoreError> {
        horizon(&mut self.conn).await
    }
}

impl Store {
    /// Begins an epoch if the cluster differs from that of the last epoch.
    pub(super) async fn begin_epoch(&self) -> Result<(), StoreError> {
        begin_epoch(&self.connection().await?).await
    }
}

/// The same as [`Store::begin_epoch`].
pub(super) async fn begin_epoch(conn: &Connection) -> Result<(), StoreError> {
    const SQL: &str = concat!(
        "INSERT INTO epochs (n, cluster) SELECT coalesce(last.n, 0) + 1, here.cluster \
         FROM (SELECT ",
        cluster!(),
        " AS cluster) here LEFT JOIN ",
        last_epoch!(),
        " last ON true \
         WHERE last.cluster IS DISTINCT FROM here.cluster ON CONFLICT ON CONSTRAINT epochs_pkey DO NOTHING"
    );
    conn.execute("begin_epoch", Cached(sql_query(SQL))).await?;
    Ok(())
}

/// The same as [`Session::horizon`].
pub(super) async fn horizon(conn: &mut Connection) -> Result<Horizon, StoreError> {
    // After the last epoch has ended and before the next one begins, no writer commits, so all
    // events can be read.
    const SQL: &str = concat!(
        "SELECT CASE WHEN last.cluster = here.cluster THEN last.n ELSE coalesce(last.n, 0) + 1 END AS epoch, \
           CASE WHEN last.cluster = here.cluster THEN (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint ELSE 0 END AS xid \
         FROM (SELECT ",
        cluster!(),
        " AS cluster) here LEFT JOIN ",
        last_epoch!(),
        " last ON true"
    );
    let row: Option<HorizonRow> = conn.load_one("horizon", Cached(sql_query(SQL))).await?;
    let row = row.ok_or_else(|| StoreError::Fault("there is no horizon".to_owned()))?;
    Ok(Horizon { epoch: row.epoch, xid: row.xid })
}
