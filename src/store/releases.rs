//! Released accounts: what their tombstones keep, and what a sign-in reads of it.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, Binary, Bool, Text, Timestamptz},
};

use super::{Session, StoreError, cached::Cached, rows::user_id, writes::Expected};
use crate::domain::{IdentityRef, User, UserId, UserRef, sign_in::AccountHistory};

#[derive(QueryableByName)]
struct AccountHistoryRow {
    #[diesel(sql_type = Bool)]
    deleted: bool,
    #[diesel(sql_type = Array<Text>)]
    released_by: Vec<String>,
}

impl Session {
    /// Writes the tombstone of a released identity: a keyed hash of it, the time, and `users`, to
    /// which an email never links it again.
    pub fn insert_release(
        &mut self,
        identity: &IdentityRef,
        users: &[&UserId],
        now: DateTime<Utc>,
    ) {
        // An earlier deletion and earlier releasers stay recorded.
        const SQL: &str = "INSERT INTO tombstones AS t (tenant_id, id_hash, delete_time, deleted, released_by) \
            VALUES ($1, $2, $3, false, $4) \
            ON CONFLICT ON CONSTRAINT tombstones_pkey DO UPDATE SET \
              delete_time = greatest(t.delete_time, excluded.delete_time), \
              released_by = ARRAY (SELECT DISTINCT r FROM unnest(t.released_by || excluded.released_by) AS r)";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Binary, _>(self.tombstone_hash(&UserRef::Identity(identity.clone())).to_vec())
            .bind::<Timestamptz, _>(now)
            .bind::<Array<Text>, _>(users.iter().map(ToString::to_string).collect::<Vec<_>>());
        self.write("insert_release", Cached(query), Expected::Any);
    }

    /// What is kept of the users that an account had before, as far as it concerns `holders`, which
    /// are live users.
    pub async fn account_history(
        &mut self,
        account: &IdentityRef,
        holders: &[User],
    ) -> Result<AccountHistory, StoreError> {
        // The ids of releasers include their present holders. A holder matches by its own id, those
        // of the users it holds, and the ancestors of all.
        const SQL: &str = "SELECT t.deleted, ARRAY (SELECT h FROM unnest($3::text[]) AS h WHERE EXISTS ( \
                SELECT FROM (SELECT m.id, m.ancestors FROM users m WHERE m.tenant_id = $1 AND m.id = h \
                  UNION ALL SELECT m.id, m.ancestors FROM users m WHERE m.tenant_id = $1 AND m.absorbed_into = h) m \
                WHERE m.id = ANY(r.ids) OR m.ancestors && r.ids)) AS released_by \
            FROM tombstones t CROSS JOIN LATERAL (SELECT t.released_by || ARRAY (SELECT u.absorbed_into FROM users u \
              WHERE u.tenant_id = $1 AND u.id = ANY(t.released_by)) AS ids) r \
            WHERE t.tenant_id = $1 AND t.id_hash = $2";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(self.tombstone_hash(&UserRef::Identity(account.clone())).to_vec())
            .bind::<Array<Text>, _>(
                holders.iter().map(|user| user.id.as_str()).collect::<Vec<_>>(),
            );
        let Some(row): Option<AccountHistoryRow> =
            self.conn.load_one("account_history", Cached(query)).await?
        else {
            return Ok(AccountHistory::default());
        };
        let released_by = row.released_by.iter().map(|id| user_id(id)).collect::<Result<_, _>>()?;
        Ok(AccountHistory { was_deleted: row.deleted, released_by })
    }
}
