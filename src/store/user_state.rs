//! The state of the user that a name leads to, in the form in which statements select it.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::{
    StoreError,
    rows::{absorbed, moved, user_id},
};
use crate::domain::UserState;

/// The columns of [`UserStateRow`], for a query with these tables: `q.id` and `q.token`, the user
/// id and the token of the look-up; `i`, the identity; `home`, its origin user; `n`, the named user;
/// `h`, its holder; `t`, the tombstone. `$sign_in` and `$others` are the parameters of
/// `SignInProviders`.
macro_rules! user_state_columns {
    ($sign_in:literal, $others:literal) => {
        concat!(
            "n.id AS named_id, n.create_time, n.absorbed_into, n.absorbed_by_link, n.alias_of, n.absorbed_time, h.id AS holder_id, h.blocked, \
              greatest(CASE WHEN n.spared_token = q.token THEN NULL ELSE n.tokens_valid_from END, \
                CASE WHEN h.spared_token = q.token THEN NULL ELSE h.tokens_valid_from END, \
                CASE WHEN home.spared_token = q.token THEN NULL ELSE home.tokens_valid_from END, i.tokens_valid_from, \
                date_trunc('second', t.delete_time) + interval '1 second') AS tokens_valid_from, \
              CASE WHEN i.email_proven_since = h.writes_valid_from THEN NULL WHEN i.owner_id IS NOT NULL THEN h.writes_valid_from \
                ELSE greatest(n.writes_valid_from, h.writes_valid_from) END AS writes_valid_from, \
              i.owner_since, coalesce(i.moved_by_proof, false) AS moved_by_proof, \
              q.id IS NULL OR EXISTS (SELECT FROM identities own WHERE own.tenant_id = $1 \
                AND own.owner_id = coalesce(n.absorbed_into, n.id) AND (n.absorbed_into IS NULL OR own.home_id = coalesce(n.alias_of, n.id)) \
                AND (own.provider = ANY(",
            $sign_in,
            ")) <> ",
            $others,
            ") AS has_identity"
        )
    };
}
/// The tables `i` and `home`, for a query with `q.provider` and `q.subject`. Each subquery has a
/// LIMIT, which keeps the planner from scanning a table when many users are looked up at once.
macro_rules! named_identity {
    () => {
        "LEFT JOIN LATERAL (SELECT * FROM identities WHERE tenant_id = $1 AND provider = q.provider \
           AND subject = q.subject LIMIT 1) i ON true \
         LEFT JOIN LATERAL (SELECT * FROM users WHERE tenant_id = $1 AND id = i.home_id LIMIT 1) home ON true "
    };
}
/// The tables `n`, the user with this id, and `h`.
macro_rules! named_user {
    ($id:literal) => {
        concat!(
            "LEFT JOIN LATERAL (SELECT * FROM users WHERE tenant_id = $1 AND id = ",
            $id,
            " LIMIT 1) n ON true \
             LEFT JOIN LATERAL (SELECT * FROM users WHERE tenant_id = $1 AND id = coalesce(n.absorbed_into, n.id) \
               LIMIT 1) h ON true "
        )
    };
}
/// The table `t`, for a query with `q.tombstone`.
macro_rules! tombstone {
    () => {
        "LEFT JOIN LATERAL (SELECT * FROM tombstones WHERE tenant_id = $1 AND id_hash = q.tombstone LIMIT 1) t \
           ON true "
    };
}
pub(super) use {named_identity, named_user, tombstone, user_state_columns};

/// The state of a user.
#[derive(QueryableByName)]
pub(super) struct UserStateRow {
    #[diesel(sql_type = Nullable<Text>)]
    named_id: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    create_time: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    absorbed_into: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    absorbed_by_link: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    alias_of: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    absorbed_time: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    holder_id: Option<String>,
    #[diesel(sql_type = Nullable<Bool>)]
    blocked: Option<bool>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    tokens_valid_from: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    writes_valid_from: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    owner_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    moved_by_proof: bool,
    #[diesel(sql_type = Bool)]
    has_identity: bool,
}

impl UserStateRow {
    /// The state; `None` if no user has the name.
    pub(super) fn into_state(self) -> Result<Option<UserState>, StoreError> {
        let (Some(named), Some(holder), Some(create_time)) =
            (self.named_id, self.holder_id, self.create_time)
        else {
            return Ok(None);
        };
        Ok(Some(UserState {
            named: user_id(&named)?,
            holder: user_id(&holder)?,
            blocked: self.blocked.unwrap_or(true),
            tokens_valid_from: self.tokens_valid_from,
            writes_valid_from: self.writes_valid_from,
            moved: moved(self.owner_since, self.moved_by_proof, true),
            create_time,
            absorbed: absorbed(
                self.absorbed_into,
                self.absorbed_by_link,
                self.alias_of,
                self.absorbed_time,
            )?,
            has_identity: self.has_identity,
        }))
    }
}
