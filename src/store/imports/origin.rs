//! What a user was before an import that has its accounts.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Bool, Text},
};

use crate::{
    domain::{UserId, attaching::EarlierUser},
    store::{Session, StoreError, cached::Cached},
};

#[derive(QueryableByName)]
struct CreationRow {
    #[diesel(sql_type = Bool)]
    was_created: bool,
}

impl Session {
    /// The live user with this very id, with what is stored of its past; `None` if there is none.
    pub async fn earlier_user(&mut self, id: &UserId) -> Result<Option<EarlierUser>, StoreError> {
        let mut users = self.with_absorbed(id, &[]).await?;
        let Some(at) = users.iter().position(|user| user.id == *id && user.absorbed.is_none())
        else {
            return Ok(None);
        };
        let user = users.swap_remove(at);
        let mut had_former_owner = false;
        for identity in &user.identities {
            had_former_owner |= self.account_state(&identity.id).await?.delete_time.is_some();
        }
        Ok(Some(EarlierUser {
            holds_others: !users.is_empty(),
            was_created_by_call: self.was_created_by_call(id).await?,
            had_former_owner,
            user,
        }))
    }

    /// Whether the feed has the event of this user's creation.
    async fn was_created_by_call(&mut self, id: &UserId) -> Result<bool, StoreError> {
        const SQL: &str = "SELECT EXISTS (SELECT FROM events e WHERE e.tenant_id = $1 AND e.user_id = $2 \
              AND e.detail->>'kind' = 'user_created') AS was_created";
        let query =
            sql_query(SQL).bind::<Text, _>(self.tenant.as_str()).bind::<Text, _>(id.as_str());
        let row: Option<CreationRow> =
            self.conn.load_one("was_created_by_call", Cached(query)).await?;
        Ok(row.is_some_and(|row| row.was_created))
    }
}
