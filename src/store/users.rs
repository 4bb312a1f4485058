//! Reads and writes users, each with its identities.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods as _,
    pg::Pg,
    query_builder::QueryFragment,
    sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use futures_util::future::{join, join3};

use super::{
    AccountState, LockKeys, Session, StoreError,
    bind::{bigint, column},
    cached::{Cached, Positional},
    reads::{users_by_identities, users_by_ids},
    rows::json,
    schema::{identities, users},
    user_rows::{
        UserRow, UserRowSql, identities_of_user, user_and_identities, user_columns, users_in_order,
    },
    writes::Expected,
};
use crate::domain::{
    Absorbed, Identity, IdentityRef, User, UserId, UserRef, user_with_absorbed::StandingLink,
};

/// The users with these ids, in a query whose `$1` is the tenant; with `FOR UPDATE`, their rows are
/// locked, in the order of the ids. One look-up for each id finds them by the index of ids also in
/// tables of which the database knows nothing.
macro_rules! users_with_ids {
    ($ids:expr $(, $lock:literal)?) => {
        concat!(
            "SELECT ",
            user_columns!("0::bigint"),
            " FROM (SELECT DISTINCT id FROM unnest(",
            $ids,
            ") AS id ORDER BY id) q",
            user_and_identities!("q.id" $(, $lock)?)
        )
    };
}

/// The ids of the live user `$2`, of the users that it holds, and of others, `$3`.
macro_rules! with_absorbed {
    () => {
        "ARRAY(SELECT id FROM users WHERE tenant_id = $1 AND absorbed_into = $2) || $2::text || $3::text[]"
    };
}

impl Session {
    /// The users of a query for [`UserRow`]s, in the order of its positions.
    pub(super) async fn load_users<Q>(&self, query: Q) -> Result<Vec<User>, StoreError>
    where
        Q: QueryFragment<Pg> + Send,
    {
        let rows: Vec<UserRow> =
            self.conn.load("load_users", Positional::<_, UserRowSql>::new(query)).await?;
        users_in_order(rows, &self.trust.policies)
    }

    /// The same as [`super::Reads::user_by_id`], in this session's transaction.
    pub async fn user_by_id(&mut self, id: &UserId) -> Result<Option<User>, StoreError> {
        let ids = std::slice::from_ref(id);
        only(users_by_ids(&mut self.conn, &self.tenant, &self.trust, ids).await?)
    }

    /// The same as [`super::Reads::user_by_identity`], in this session's transaction.
    pub async fn user_by_identity(&mut self, id: &IdentityRef) -> Result<Option<User>, StoreError> {
        let ids = std::slice::from_ref(id);
        only(users_by_identities(&mut self.conn, &self.tenant, &self.trust, ids).await?)
    }

    /// The live users in the order of their ids: at most `limit`, those after `after`.
    pub async fn live_users(&mut self, after: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!("0::bigint"),
            " FROM (SELECT * FROM users WHERE tenant_id = $1 AND id > $2 AND absorbed_into IS NULL \
              ORDER BY id LIMIT $3) u",
            identities_of_user!()
        );
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(after)
            .bind::<BigInt, _>(bigint(limit));
        self.load_users(Cached(query)).await
    }

    /// The id of the live user in this place, counted from 1, after an id; `None` if fewer follow.
    pub async fn live_user_at(
        &mut self,
        after: &str,
        place: usize,
    ) -> Result<Option<String>, StoreError> {
        const SQL: &str = "SELECT id FROM users WHERE tenant_id = $1 AND id > $2 AND absorbed_into IS NULL \
            ORDER BY id OFFSET $3 LIMIT 1";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(after)
            .bind::<BigInt, _>(bigint(place.saturating_sub(1)));
        let rows: Vec<(String,)> =
            self.conn.load("live_user_at", Positional::<_, (Text,)>::new(Cached(query))).await?;
        Ok(rows.into_iter().next().map(|(id,)| id))
    }

    /// The live users after an id up to another one, or all after it, in the order of their ids.
    pub async fn live_users_between(
        &mut self,
        after: &str,
        until: Option<&str>,
    ) -> Result<Vec<User>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!("0::bigint"),
            " FROM (SELECT * FROM users WHERE tenant_id = $1 AND id > $2 AND id <= $3 AND absorbed_into IS NULL \
              ORDER BY id OFFSET 0) u",
            identities_of_user!()
        );
        // No id has a character beyond ASCII.
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(after)
            .bind::<Text, _>(until.unwrap_or("\u{7f}"));
        self.load_users(Cached(query)).await
    }

    /// The users with these ids, absorbed or not, in the order of their ids; unknown ids are left
    /// out.
    pub async fn users(&mut self, ids: &[&UserId]) -> Result<Vec<User>, StoreError> {
        const SQL: &str = users_with_ids!("$2::text[]");
        self.users_by(SQL, ids).await
    }

    /// Begins a transaction, and takes the locks of these keys and those of the rows of these
    /// users, in one round trip. The keys must contain those of the users: the rows then never wait
    /// for another writer of this service, and are what earlier writers left. Returns the time of
    /// [`Session::begin_locked`] too.
    ///
    /// # Errors
    /// As of [`Session::begin_locked`].
    pub async fn lock_users(
        &mut self,
        keys: &LockKeys,
        ids: &[&UserId],
    ) -> Result<(Vec<User>, DateTime<Utc>), StoreError> {
        let locks = self.line_up(keys).await?;
        let (begun, users) = join(self.begin_with(locks), self.users_for_update(ids)).await;
        let time = begun?;
        Ok((users?, time))
    }

    /// The same as [`Session::lock_users`], and what is stored of an account, whose key must be
    /// among the keys.
    ///
    /// # Errors
    /// As of [`Session::begin_locked`].
    pub async fn lock_users_and_account(
        &mut self,
        keys: &LockKeys,
        ids: &[&UserId],
        account: &IdentityRef,
    ) -> Result<(Vec<User>, AccountState, DateTime<Utc>), StoreError> {
        let locks = self.line_up(keys).await?;
        let (users, account) = (self.users_for_update(ids), self.account_state(account));
        let (begun, users, account) = join3(self.begin_with(locks), users, account).await;
        let time = begun?;
        Ok((users?, account?, time))
    }

    /// The same as [`Session::users`], with the rows locked, in a transaction that holds the locks
    /// of their keys.
    pub async fn users_for_update(&self, ids: &[&UserId]) -> Result<Vec<User>, StoreError> {
        const SQL: &str = users_with_ids!("$2::text[]", " FOR UPDATE");
        self.users_by(SQL, ids).await
    }

    /// This live user and all users that it holds, and those of `others` that exist, in the order
    /// of their ids.
    pub async fn with_absorbed(
        &mut self,
        id: &UserId,
        others: &[&UserId],
    ) -> Result<Vec<User>, StoreError> {
        const SQL: &str = users_with_ids!(with_absorbed!());
        self.with_absorbed_by(SQL, id, others).await
    }

    /// Begins a transaction as [`Session::lock_users`] does, and locks and reads the users of
    /// [`Session::with_absorbed`]. The lock of the live user's key covers the users that it holds.
    ///
    /// # Errors
    /// As of [`Session::begin_locked`].
    pub async fn lock_with_absorbed(
        &mut self,
        keys: &LockKeys,
        id: &UserId,
        others: &[&UserId],
    ) -> Result<(Vec<User>, DateTime<Utc>), StoreError> {
        let locks = self.line_up(keys).await?;
        let users = self.with_absorbed_for_update(id, others);
        let (begun, users) = join(self.begin_with(locks), users).await;
        let time = begun?;
        Ok((users?, time))
    }

    /// The same as [`Session::lock_with_absorbed`], and the standing links into the live user and
    /// the users that it holds.
    ///
    /// # Errors
    /// As of [`Session::begin_locked`].
    pub async fn lock_with_absorbed_and_links(
        &mut self,
        keys: &LockKeys,
        id: &UserId,
        others: &[&UserId],
    ) -> Result<(Vec<User>, Vec<StandingLink>, DateTime<Utc>), StoreError> {
        let locks = self.line_up(keys).await?;
        let users = self.with_absorbed_for_update(id, others);
        let links = self.standing_links_into(id);
        let (begun, users, links) = join3(self.begin_with(locks), users, links).await;
        let time = begun?;
        Ok((users?, links?, time))
    }

    async fn with_absorbed_for_update(
        &self,
        id: &UserId,
        others: &[&UserId],
    ) -> Result<Vec<User>, StoreError> {
        const SQL: &str = users_with_ids!(with_absorbed!(), " FOR UPDATE");
        self.with_absorbed_by(SQL, id, others).await
    }

    async fn with_absorbed_by(
        &self,
        sql: &str,
        id: &UserId,
        others: &[&UserId],
    ) -> Result<Vec<User>, StoreError> {
        let others: Vec<&str> = others.iter().map(|id| id.as_str()).collect();
        let query =
            sql_query(sql).bind::<Text, _>(self.tenant.as_str()).bind::<Text, _>(id.as_str());
        self.load_users(Cached(query.bind::<Array<Text>, _>(others))).await
    }

    async fn users_by(&self, sql: &str, ids: &[&UserId]) -> Result<Vec<User>, StoreError> {
        let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        let query =
            sql_query(sql).bind::<Text, _>(self.tenant.as_str()).bind::<Array<Text>, _>(ids);
        self.load_users(Cached(query)).await
    }

    /// Writes all columns of these users' rows, in one statement.
    pub fn save_users(&mut self, users: &[&User]) {
        const SQL: &str = "UPDATE users u SET version = n.version, update_time = n.update_time, \
            absorbed_into = n.absorbed_into, absorbed_by_link = n.absorbed_by_link, absorbed_time = n.absorbed_time, \
            primary_provider = n.primary_provider, primary_subject = n.primary_subject, \
            user_metadata = n.user_metadata, app_metadata = n.app_metadata, profile_overrides = n.profile_overrides, \
            blocked = n.blocked, tokens_valid_from = n.tokens_valid_from, spared_token = n.spared_token, \
            writes_valid_from = n.writes_valid_from, identities_version = n.identities_version \
            FROM (SELECT * FROM unnest($2::text[], $3::bigint[], $4::timestamptz[], $5::text[], $6::uuid[], $7::timestamptz[], \
              $8::text[], $9::text[], $10::jsonb[], $11::jsonb[], $12::jsonb[], $13::boolean[], $14::timestamptz[], $15::bigint[], \
              $16::bytea[], $17::timestamptz[]) LIMIT cardinality($2)) \
              AS n(id, version, update_time, absorbed_into, absorbed_by_link, absorbed_time, \
              primary_provider, primary_subject, user_metadata, app_metadata, profile_overrides, blocked, tokens_valid_from, \
              identities_version, spared_token, writes_valid_from) \
            WHERE u.tenant_id = $1 AND u.id = n.id";
        let absorbed = |user: &&User| user.absorbed.clone();
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Array<Text>, _>(column(users, |user| user.id.to_string()))
            .bind::<Array<BigInt>, _>(column(users, |user| user.version))
            .bind::<Array<Timestamptz>, _>(column(users, |user| user.update_time))
            .bind::<Array<Nullable<Text>>, _>(column(users, |user| {
                absorbed(user).map(|a| a.into.to_string())
            }))
            .bind::<Array<Nullable<SqlUuid>>, _>(column(users, |user| {
                absorbed(user).as_ref().and_then(Absorbed::by_link)
            }))
            .bind::<Array<Nullable<Timestamptz>>, _>(column(users, |user| {
                absorbed(user).map(|a| a.time)
            }))
            .bind::<Array<Text>, _>(column(users, |user| user.primary.provider.to_string()))
            .bind::<Array<Text>, _>(column(users, |user| user.primary.subject.to_string()))
            .bind::<Array<Jsonb>, _>(column(users, |user| json(&user.user_metadata)))
            .bind::<Array<Jsonb>, _>(column(users, |user| json(&user.app_metadata)))
            .bind::<Array<Jsonb>, _>(column(users, |user| json(&user.profile_overrides)))
            .bind::<Array<Bool>, _>(column(users, |user| user.blocked))
            .bind::<Array<Nullable<Timestamptz>>, _>(column(users, |user| user.tokens_valid_from))
            .bind::<Array<BigInt>, _>(column(users, |user| user.identities_version))
            .bind::<Array<Nullable<Binary>>, _>(column(users, |user| {
                user.spared_token.map(Vec::from)
            }))
            .bind::<Array<Nullable<Timestamptz>>, _>(column(users, |user| user.writes_valid_from));
        self.write("save_users", Cached(query), Expected::Locked(users.len()));
    }

    /// Points the users that `from` had absorbed, this many, to `to` instead, so that an absorbed
    /// user always points to its live holder. They keep the bound of `from` on tokens, which then
    /// also applies to the token that they had spared.
    pub fn repoint_absorbed(&mut self, from: &User, count: usize, to: &UserId, now: DateTime<Utc>) {
        const SQL: &str = "UPDATE users SET absorbed_into = $3, absorbed_time = $4, \
              tokens_valid_from = greatest(tokens_valid_from, $5), \
              spared_token = CASE WHEN $5 >= coalesce(tokens_valid_from, $5) THEN NULL ELSE spared_token END \
            WHERE tenant_id = $1 AND absorbed_into = $2";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Text, _>(from.id.to_string())
            .bind::<Text, _>(to.to_string())
            .bind::<Timestamptz, _>(now)
            .bind::<Nullable<Timestamptz>, _>(from.tokens_valid_from);
        self.write("repoint_absorbed", Cached(query), Expected::Locked(count));
    }

    /// Inserts a live user with its only identity.
    pub fn insert_user(&mut self, user: &User, identity: &Identity) -> Result<(), StoreError> {
        self.insert_user_row(user);
        self.insert_identity(identity, &user.id)
    }

    /// Inserts a live user whose identity exists, or follows in this transaction. The transaction
    /// does not commit if the id is taken. The id of a deleted user is taken, unless the identity
    /// that it names was that user's own.
    pub fn insert_user_row(&mut self, user: &User) {
        const SQL: &str = "INSERT INTO users (tenant_id, id, version, create_time, update_time, primary_provider, \
              primary_subject, user_metadata, app_metadata, profile_overrides, blocked, tokens_valid_from, spared_token, \
              writes_valid_from, ancestors, identities_version) \
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16 \
            WHERE NOT EXISTS (SELECT FROM tombstones WHERE tenant_id = $1 AND id_hash = $17 AND NOT returnable) \
            ON CONFLICT DO NOTHING";
        let ancestors: Vec<String> = user.ancestors.iter().map(UserId::to_string).collect();
        let ancestors = Some(ancestors).filter(|ancestors| !ancestors.is_empty());
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Text, _>(user.id.to_string())
            .bind::<BigInt, _>(user.version)
            .bind::<Timestamptz, _>(user.create_time)
            .bind::<Timestamptz, _>(user.update_time)
            .bind::<Text, _>(user.primary.provider.to_string())
            .bind::<Text, _>(user.primary.subject.to_string())
            .bind::<Jsonb, _>(json(&user.user_metadata))
            .bind::<Jsonb, _>(json(&user.app_metadata))
            .bind::<Jsonb, _>(json(&user.profile_overrides))
            .bind::<Bool, _>(user.blocked)
            .bind::<Nullable<Timestamptz>, _>(user.tokens_valid_from)
            .bind::<Nullable<Binary>, _>(user.spared_token.map(Vec::from))
            .bind::<Nullable<Timestamptz>, _>(user.writes_valid_from)
            .bind::<Nullable<Array<Text>>, _>(ancestors)
            .bind::<BigInt, _>(user.identities_version)
            .bind::<Binary, _>(self.tombstone_hash(&UserRef::UserId(user.id.clone())).to_vec());
        self.write(
            "insert_user_row",
            Cached(query),
            Expected::Unless(1, "the id of the new user is taken"),
        );
    }

    /// Deletes a live user, its identities, and `absorbed`, the users that it has absorbed.
    pub fn delete_user(&mut self, id: &UserId, absorbed: &[UserId]) {
        let identities = diesel::delete(identities::table)
            .filter(identities::tenant_id.eq(self.tenant.to_string()))
            .filter(identities::owner_id.eq(id.to_string()));
        self.write("delete_user", identities, Expected::Any);
        let ids: Vec<String> = absorbed.iter().chain([id]).map(UserId::to_string).collect();
        let deleted = Expected::Locked(ids.len());
        let users = diesel::delete(users::table)
            .filter(users::tenant_id.eq(self.tenant.to_string()))
            .filter(users::id.eq_any(ids));
        self.write("delete_user", users, deleted);
    }
}

/// What was found for the only key.
fn only<T>(found: Vec<Result<Option<T>, StoreError>>) -> Result<Option<T>, StoreError> {
    found.into_iter().next().unwrap_or(Ok(None))
}
