//! What an export reads of users beside the users themselves.

use std::collections::HashMap;

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Text},
};

use super::{
    Session, StoreError,
    bind::{bigint, column},
    cached::Cached,
    reads::users_by_ids,
    rows::user_id,
};
use crate::domain::{Provider, User, UserId};

#[derive(QueryableByName)]
struct AbsorbedRow {
    #[diesel(sql_type = Text)]
    holder: String,
    #[diesel(sql_type = Text)]
    id: String,
}

/// An account, and who owns it.
#[derive(Debug)]
pub struct AccountOwner {
    /// The account's name at its provider.
    pub subject: String,
    /// The connection through which it signs in.
    pub connection: String,
    /// The user that owns it.
    pub owner: UserId,
}

#[derive(QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    connection: String,
    #[diesel(sql_type = Text)]
    owner_id: String,
}

#[derive(QueryableByName)]
struct EstimateRow {
    #[diesel(sql_type = BigInt)]
    users: i64,
}

impl Session {
    /// The live user for each of these ids, in their order: the user itself, or the one that
    /// absorbed it; `None` if no user has the id.
    pub async fn users_by_ids(&mut self, ids: &[UserId]) -> Result<Vec<Option<User>>, StoreError> {
        users_by_ids(&mut self.conn, &self.tenant, &self.trust, ids).await?.into_iter().collect()
    }

    /// The ids of the users that each of these live users has absorbed, in the order of the ids.
    /// Users that have absorbed none are left out.
    pub async fn absorbed_of(
        &mut self,
        holders: &[&UserId],
    ) -> Result<HashMap<UserId, Vec<UserId>>, StoreError> {
        const SQL: &str = "SELECT q.id AS holder, a.id FROM unnest($2::text[]) AS q(id) CROSS JOIN LATERAL ( \
              SELECT id FROM users WHERE tenant_id = $1 AND absorbed_into = q.id OFFSET 0) a ORDER BY a.id";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Array<Text>, _>(column(holders, |id| id.as_str()));
        let rows: Vec<AbsorbedRow> = self.conn.load("absorbed_of", Cached(query)).await?;
        let mut absorbed: HashMap<UserId, Vec<UserId>> = HashMap::new();
        for row in rows {
            absorbed.entry(user_id(&row.holder)?).or_default().push(user_id(&row.id)?);
        }
        Ok(absorbed)
    }

    /// The next `limit` accounts of a provider after one, in the order of their subjects. An empty
    /// subject is before all.
    pub async fn accounts_at_provider(
        &mut self,
        provider: &Provider,
        after: &str,
        limit: usize,
    ) -> Result<Vec<AccountOwner>, StoreError> {
        const SQL: &str = "SELECT subject, connection, owner_id FROM identities \
            WHERE tenant_id = $1 AND provider = $2 AND subject > $3 ORDER BY subject LIMIT $4";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(provider.as_str())
            .bind::<Text, _>(after)
            .bind::<BigInt, _>(bigint(limit));
        let rows: Vec<AccountRow> = self.conn.load("accounts_at_provider", Cached(query)).await?;
        let owner = |AccountRow { subject, connection, owner_id }| {
            Ok(AccountOwner { subject, connection, owner: user_id(&owner_id)? })
        };
        rows.into_iter().map(owner).collect()
    }

    /// About how many users there are, absorbed ones and those of other tenants included, as the
    /// database last counted them; `None` if it has not yet.
    pub async fn estimated_users(&mut self) -> Result<Option<u64>, StoreError> {
        const SQL: &str =
            "SELECT reltuples::bigint AS users FROM pg_class WHERE oid = 'users'::regclass";
        let row: Option<EstimateRow> =
            self.conn.load_one("estimated_users", Cached(sql_query(SQL))).await?;
        Ok(row.and_then(|row| u64::try_from(row.users).ok()))
    }
}
