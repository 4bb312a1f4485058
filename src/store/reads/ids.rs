//! What became of user ids.

use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    query_builder::QueryFragment,
    sql_query,
    sql_types::{Array, BigInt, Binary, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::Scope;
use crate::{
    domain::{Absorbed, UserId, UserRef},
    store::{
        StoreError,
        bind::column,
        cached::{Cached, Positional},
        connection::Connection,
        rows::absorbed,
    },
};

/// What became of a user id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdState {
    /// A live user has it.
    Live {
        /// When the user was created.
        create_time: DateTime<Utc>,
    },
    /// Another user holds the user that has it.
    Absorbed(Absorbed),
    /// The user that had it was deleted last at this time.
    Deleted(DateTime<Utc>),
    /// No user ever had it.
    Unknown,
}

type RowSql = (
    BigInt,
    Nullable<Timestamptz>,
    Nullable<Text>,
    Nullable<SqlUuid>,
    Nullable<Text>,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
);
type Row = (
    i64,
    Option<DateTime<Utc>>,
    Option<String>,
    Option<Uuid>,
    Option<String>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
);

/// Looks up users by ids. The first part is what is known of deleted ones, the second one names the
/// ids, and the third one joins what the first one names.
macro_rules! states_sql {
    ($delete_time:literal, $ids:literal, $tombstones:literal) => {
        concat!(
            "SELECT q.position, n.create_time, n.absorbed_into, n.absorbed_by_link, n.alias_of, n.absorbed_time, ",
            $delete_time,
            " FROM ",
            $ids,
            " LEFT JOIN LATERAL (SELECT * FROM users WHERE tenant_id = $1 AND id = q.id LIMIT 1) n ON true",
            $tombstones
        )
    };
}

const USERS: &str =
    states_sql!("NULL::timestamptz", "unnest($2::text[]) WITH ORDINALITY AS q(id, position)", "");
/// A tombstone is looked up only for an id that no user has.
const USERS_AND_TOMBSTONES: &str = states_sql!(
    "t.delete_time",
    "unnest($2::text[], $3::bytea[]) WITH ORDINALITY AS q(id, tombstone, position)",
    " LEFT JOIN LATERAL (SELECT delete_time FROM tombstones WHERE n.id IS NULL AND tenant_id = $1 \
      AND id_hash = q.tombstone LIMIT 1) t ON true"
);

/// What became of each of these ids, in their order. Most ids have users, so no id is hashed, and no
/// tombstone looked for, before it is known to have none.
pub(super) async fn states(
    conn: &mut Connection,
    scope: &Scope,
    ids: &[UserId],
) -> Result<Vec<IdState>, StoreError> {
    let query = sql_query(USERS)
        .bind::<Text, _>(scope.tenant.as_str())
        .bind::<Array<Text>, _>(column(ids, UserId::as_str));
    let mut states = read(conn, query).await?;
    let (unknown, ids): (Vec<_>, Vec<_>) = states
        .iter_mut()
        .zip(ids.iter().cloned())
        .filter(|(state, _)| **state == IdState::Unknown)
        .unzip();
    if !ids.is_empty() {
        let hash = |id: &UserId| scope.key.tombstone_hash(&UserRef::UserId(id.clone())).to_vec();
        // The users too: one may have come since, and its tombstone gone.
        let query = sql_query(USERS_AND_TOMBSTONES)
            .bind::<Text, _>(scope.tenant.as_str())
            .bind::<Array<Text>, _>(column(&ids, UserId::as_str))
            .bind::<Array<Binary>, _>(column(&ids, hash));
        for (state, found) in unknown.into_iter().zip(read(conn, query).await?) {
            *state = found;
        }
    }
    Ok(states)
}

async fn read<Q>(conn: &mut Connection, query: Q) -> Result<Vec<IdState>, StoreError>
where
    Q: QueryFragment<Pg> + Send,
{
    let mut rows: Vec<Row> =
        conn.load("id_states", Positional::<_, RowSql>::new(Cached(query))).await?;
    // The database returns them in this order, but does not promise it.
    rows.sort_by_key(|row| row.0);
    rows.into_iter().map(state).collect()
}

fn state(row: Row) -> Result<IdState, StoreError> {
    let (_, create_time, into, by_link, alias_of, absorbed_time, delete_time) = row;
    Ok(match (create_time, absorbed(into, by_link, alias_of, absorbed_time)?, delete_time) {
        (Some(_), Some(absorbed), _) => IdState::Absorbed(absorbed),
        (Some(create_time), None, _) => IdState::Live { create_time },
        (None, _, Some(deleted)) => IdState::Deleted(deleted),
        (None, _, None) => IdState::Unknown,
    })
}
