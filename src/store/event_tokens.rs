//! What tokens by which providers report events end: the bounds that they set on tokens of identities and users, and
//! which of these tokens were carried out.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Binary, Bool, Text, Timestamptz},
};

use super::{Session, StoreError, cached::Cached, writes::Expected};
use crate::domain::{IdentityRef, UserId, UserRef};

/// A logout token or a security event token, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedEventToken {
    /// SHA-256 of the provider, its issuer and the `jti`.
    pub jti_hash: [u8; 32],
    /// SHA-256 of the signed text.
    pub token_hash: [u8; 32],
    /// From when on the token would be refused as too old.
    pub expire_time: DateTime<Utc>,
}

/// Whether a token was carried out before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenUsed {
    /// It was not. This transaction carries it out.
    Now,
    /// It was.
    Before,
    /// Another token with its `jti` was.
    ByAnother,
}

#[derive(QueryableByName)]
struct SameRow {
    #[diesel(sql_type = Bool)]
    is_same: bool,
}

impl Session {
    /// Records in the open transaction that a token is carried out, unless one with its `jti` was.
    /// Waits for another transaction that is carrying out one with this `jti`.
    pub async fn use_event_token(
        &mut self,
        token: &UsedEventToken,
    ) -> Result<TokenUsed, StoreError> {
        const INSERT: &str = "INSERT INTO event_tokens (tenant_id, jti_hash, token_hash, expire_time) \
            VALUES ($1, $2, $3, $4) ON CONFLICT ON CONSTRAINT event_tokens_pkey DO NOTHING";
        const COMPARE: &str = "SELECT token_hash = $3 AS is_same FROM event_tokens \
            WHERE tenant_id = $1 AND jti_hash = $2";
        let named = |sql| {
            sql_query(sql)
                .bind::<Text, _>(self.tenant.to_string())
                .bind::<Binary, _>(token.jti_hash.to_vec())
                .bind::<Binary, _>(token.token_hash.to_vec())
        };
        let insert = Cached(named(INSERT).bind::<Timestamptz, _>(token.expire_time));
        if self.conn.execute("use_event_token", insert).await? == 1 {
            return Ok(TokenUsed::Now);
        }
        let compare = Cached(named(COMPARE));
        let row: Option<SameRow> = self.conn.load_one("used_event_token", compare).await?;
        match row {
            Some(SameRow { is_same: true }) => Ok(TokenUsed::Before),
            Some(SameRow { is_same: false }) => Ok(TokenUsed::ByAnother),
            None => Err(StoreError::Conflict("an expired token was removed".to_owned())),
        }
    }

    /// Refuses tokens that name this identity, which has an owner, and were issued before `from`. An
    /// earlier bound does not replace a later one.
    pub fn end_tokens_of(&mut self, id: &IdentityRef, from: DateTime<Utc>) {
        const SQL: &str = "UPDATE identities SET tokens_valid_from = greatest(tokens_valid_from, $4) \
            WHERE tenant_id = $1 AND provider = $2 AND subject = $3";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Text, _>(id.provider.to_string())
            .bind::<Text, _>(id.subject.to_string())
            .bind::<Timestamptz, _>(from);
        self.write("end_tokens_of", Cached(query), Expected::Locked(1));
    }

    /// The same for an identity without an owner, up to the end of the second of `time`. It may get an
    /// owner, whose tokens count from then on: so its tombstone has the time, which tokens and proofs
    /// are judged by, as after a release. It names no user that released it.
    pub fn end_tokens_of_unowned(&mut self, id: &IdentityRef, time: DateTime<Utc>) {
        const SQL: &str = "INSERT INTO tombstones AS t (tenant_id, id_hash, delete_time, deleted) \
            VALUES ($1, $2, $3, false) ON CONFLICT ON CONSTRAINT tombstones_pkey \
            DO UPDATE SET delete_time = greatest(t.delete_time, excluded.delete_time)";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Binary, _>(self.tombstone_hash(&UserRef::Identity(id.clone())).to_vec())
            .bind::<Timestamptz, _>(time);
        self.write("end_tokens_of_unowned", Cached(query), Expected::Any);
    }

    /// Refuses all tokens of a user, whose row is locked, that were issued before `from`, the spared
    /// one included.
    pub fn withdraw_tokens_of(&mut self, user: &UserId, from: DateTime<Utc>) {
        const SQL: &str = "UPDATE users SET tokens_valid_from = greatest(tokens_valid_from, $3), spared_token = NULL \
            WHERE tenant_id = $1 AND id = $2";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Text, _>(user.to_string())
            .bind::<Timestamptz, _>(from);
        self.write("withdraw_tokens_of", Cached(query), Expected::Locked(1));
    }

    /// Deletes tickets of this identity, and what flows have proven of it, as far as the person signed
    /// in before `from`: that was in the session that ended.
    pub fn forget_sign_ins_of(&mut self, id: &IdentityRef, from: DateTime<Utc>) {
        const TICKETS: &str = "DELETE FROM sign_in_tickets WHERE tenant_id = $1 AND provider = $2 AND subject = $3 \
            AND coalesce(sign_in_time, issue_time) < $4";
        const ATTEMPTS: &str = "DELETE FROM sign_in_attempts WHERE tenant_id = $1 AND provider = $2 AND subject = $3 \
            AND sign_in_time < $4";
        for sql in [TICKETS, ATTEMPTS] {
            let query = sql_query(sql)
                .bind::<Text, _>(self.tenant.to_string())
                .bind::<Text, _>(id.provider.to_string())
                .bind::<Text, _>(id.subject.to_string())
                .bind::<Timestamptz, _>(from);
            self.write("forget_sign_ins_of", Cached(query), Expected::Any);
        }
    }
}
