//! The identity of the database cluster, which distinguishes epochs.

use diesel::result::QueryResult;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};

/// Reads the identity of the database cluster: its system identifier, and its timeline, which
/// increases when a standby takes over. An operator that restores a database therefore need not
/// declare it. A standby refuses this.
macro_rules! read_cluster {
    () => {
        "(SELECT system_identifier::text || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) \
          FROM pg_control_system())"
    };
}

/// The same identity, which [`record_cluster`] recorded in the connection's server process. Without
/// a record it is read.
macro_rules! cluster {
    () => {
        concat!(
            "coalesce(nullif(current_setting('identity_link.cluster', true), ''), ",
            $crate::store::cluster::read_cluster!(),
            ")"
        )
    };
}
pub(super) use {cluster, read_cluster};

/// Records the cluster's identity in a setting of a new connection, since reading it takes a third
/// of the time of a small `INSERT`.
///
/// A server process that does not recover keeps its timeline until it ends: only the end of a
/// recovery changes it, and a primary recovers only in a new process. The process of a standby
/// outlives its promotion, so nothing is recorded there, and its connections always read the
/// identity.
pub(super) async fn record_cluster(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    const SQL: &str = concat!(
        "SELECT set_config('identity_link.cluster', CASE WHEN pg_is_in_recovery() THEN '' ELSE ",
        read_cluster!(),
        " END, false)"
    );
    conn.batch_execute(SQL).await
}
