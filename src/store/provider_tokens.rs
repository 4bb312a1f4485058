//! Tokens of providers, sealed: one row per identity, and a lease for the refresh that is under way.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{
        Array, BigInt, Binary, Bool, Double, Nullable, Text, Timestamptz, Uuid as SqlUuid,
    },
};
use uuid::Uuid;

use super::{Session, StoreError, TenantKey, cached::Cached, writes::Expected};
use crate::domain::{IdentityRef, KeptTokens, Provider, Subject, UserId};

/// The tokens of an identity, as the row of its owner was read.
pub struct TokensOfIdentity {
    /// The tokens; `None` if none are kept.
    pub tokens: Option<KeptTokens>,
    /// Whether the identity's owner is blocked.
    pub is_blocked: bool,
}

/// The result of asking for the lease of a refresh.
pub enum RefreshLease {
    /// The lease is the caller's.
    Taken,
    /// Another refresh is under way.
    Busy,
    /// The tokens are no longer those that the caller saw.
    Changed,
}

/// What became of the tokens that a refresh brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshSaved {
    /// They are stored.
    Saved,
    /// Others were stored meanwhile, which stay.
    Replaced,
    /// The identity was released or deleted meanwhile: they are to be revoked.
    Gone,
}

/// How many rows a key opens.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct SealedRows {
    /// Names the key.
    #[diesel(sql_type = Text)]
    pub key_id: String,
    /// How many rows it opens.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
}

#[derive(QueryableByName)]
struct OwnedRow {
    #[diesel(sql_type = Bool)]
    blocked: bool,
    #[diesel(sql_type = Nullable<Text>)]
    issuer: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    key_id: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    sealed: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    scopes: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Bool>)]
    refreshable: Option<bool>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expire_time: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct SealedRow {
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    issuer: String,
    #[diesel(sql_type = Text)]
    key_id: String,
    #[diesel(sql_type = Binary)]
    sealed: Vec<u8>,
}

#[derive(QueryableByName)]
struct LeaseRow {
    #[diesel(sql_type = Bool)]
    is_taken: bool,
    #[diesel(sql_type = Bool)]
    is_same: bool,
}

#[derive(QueryableByName)]
struct ThereRow {
    #[diesel(sql_type = Bool)]
    is_there: bool,
}

/// A condition: the row of this identity.
macro_rules! named {
    () => {
        "tenant_id = $1 AND provider = $2 AND subject = $3"
    };
}

impl TenantKey {
    /// A keyed hash of an identity: what binds its sealed tokens to it. It names the identity to no
    /// other party, so that a row may outlive the identity.
    pub fn token_binding(&self, identity: &IdentityRef) -> [u8; 32] {
        self.mac("provider tokens", identity.to_string().as_bytes())
    }
}

impl Session {
    /// Stores the tokens that a flow brought for this identity, in the open transaction. They replace
    /// earlier ones, except for those of the same issuer that can do more: earlier ones with each of
    /// the new scopes stay if they have further scopes, or if only they can be refreshed, unless they
    /// have expired for good.
    pub fn keep_tokens(&mut self, identity: &IdentityRef, tokens: &KeptTokens) {
        const SQL: &str = "INSERT INTO provider_tokens AS t (tenant_id, provider, subject, issuer, key_id, sealed, scopes, \
              refreshable, expire_time) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
            ON CONFLICT ON CONSTRAINT provider_tokens_pkey DO UPDATE SET issuer = excluded.issuer, \
              key_id = excluded.key_id, sealed = excluded.sealed, scopes = excluded.scopes, \
              refreshable = excluded.refreshable, expire_time = excluded.expire_time, keep_time = now(), \
              lease_owner = NULL, lease_until = NULL \
            WHERE t.issuer <> excluded.issuer OR NOT excluded.scopes <@ t.scopes \
              OR NOT t.refreshable AND t.expire_time <= now() \
              OR t.scopes <@ excluded.scopes AND (excluded.refreshable OR NOT t.refreshable)";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Text, _>(identity.provider.to_string())
            .bind::<Text, _>(identity.subject.to_string())
            .bind::<Text, _>(tokens.issuer.clone())
            .bind::<Text, _>(tokens.key_id.clone())
            .bind::<Binary, _>(tokens.sealed.clone())
            .bind::<Array<Text>, _>(tokens.scopes.iter().cloned().collect::<Vec<_>>())
            .bind::<Bool, _>(tokens.refreshable)
            .bind::<Nullable<Timestamptz>, _>(tokens.expire_time);
        self.write("keep_tokens", Cached(query), Expected::Any);
    }

    /// The tokens of an identity; `None` if this user does not own the identity.
    pub async fn provider_tokens(
        &mut self,
        identity: &IdentityRef,
        owner: &UserId,
    ) -> Result<Option<TokensOfIdentity>, StoreError> {
        const SQL: &str = "SELECT u.blocked, t.issuer, t.key_id, t.sealed, t.scopes, t.refreshable, t.expire_time \
            FROM identities i JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.owner_id \
            LEFT JOIN provider_tokens t ON t.tenant_id = i.tenant_id AND t.provider = i.provider AND t.subject = i.subject \
            WHERE i.tenant_id = $1 AND i.provider = $2 AND i.subject = $3 AND i.owner_id = $4";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(identity.provider.as_str())
            .bind::<Text, _>(identity.subject.as_str())
            .bind::<Text, _>(owner.as_str());
        let row: Option<OwnedRow> = self.conn.load_one("provider_tokens", Cached(query)).await?;
        Ok(row.map(|row| {
            let is_blocked = row.blocked;
            TokensOfIdentity { tokens: row.tokens(), is_blocked }
        }))
    }

    /// The tokens of the identities that this user owns, without those whose access token has
    /// expired. They come without scopes and expiry.
    pub async fn tokens_of_user(
        &mut self,
        owner: &UserId,
    ) -> Result<Vec<(IdentityRef, KeptTokens)>, StoreError> {
        const SQL: &str = "SELECT t.provider, t.subject, t.issuer, t.key_id, t.sealed FROM identities i \
            JOIN provider_tokens t ON t.tenant_id = i.tenant_id AND t.provider = i.provider AND t.subject = i.subject \
            WHERE i.tenant_id = $1 AND i.owner_id = $2 AND (t.expire_time IS NULL OR t.expire_time > now())";
        let query =
            sql_query(SQL).bind::<Text, _>(self.tenant.as_str()).bind::<Text, _>(owner.as_str());
        let rows: Vec<SealedRow> = self.conn.load("tokens_of_user", Cached(query)).await?;
        rows.into_iter().map(SealedRow::into_tokens).collect()
    }

    /// Takes the lease to refresh these tokens, `seen` as they were sealed, for this time.
    pub async fn lease_refresh(
        &mut self,
        identity: &IdentityRef,
        seen: &[u8],
        owner: Uuid,
        time: Duration,
    ) -> Result<RefreshLease, StoreError> {
        const SQL: &str = concat!(
            "WITH taken AS (UPDATE provider_tokens SET lease_owner = $5, lease_until = now() + make_interval(secs => $6) \
               WHERE ",
            named!(),
            " AND sealed = $4 AND (lease_until IS NULL OR lease_until < now()) RETURNING 1) \
             SELECT EXISTS (SELECT FROM taken) AS is_taken, \
               EXISTS (SELECT FROM provider_tokens WHERE ",
            named!(),
            " AND sealed = $4) AS is_same"
        );
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(identity.provider.as_str())
            .bind::<Text, _>(identity.subject.as_str())
            .bind::<Binary, _>(seen)
            .bind::<SqlUuid, _>(owner)
            .bind::<Double, _>(time.as_secs_f64());
        let row: Option<LeaseRow> = self.conn.load_one("lease_refresh", Cached(query)).await?;
        Ok(match row {
            Some(LeaseRow { is_taken: true, .. }) => RefreshLease::Taken,
            Some(LeaseRow { is_same: true, .. }) => RefreshLease::Busy,
            _ => RefreshLease::Changed,
        })
    }

    /// Stores what a refresh brought, if its lease was not taken over, and ends the lease.
    pub async fn save_refresh(
        &mut self,
        identity: &IdentityRef,
        owner: Uuid,
        tokens: &KeptTokens,
    ) -> Result<RefreshSaved, StoreError> {
        const SAVE: &str = concat!(
            "UPDATE provider_tokens SET key_id = $5, sealed = $6, scopes = $7, refreshable = $8, expire_time = $9, \
               keep_time = now(), lease_owner = NULL, lease_until = NULL WHERE ",
            named!(),
            " AND lease_owner = $4"
        );
        let save = sql_query(SAVE)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(identity.provider.as_str())
            .bind::<Text, _>(identity.subject.as_str())
            .bind::<SqlUuid, _>(owner)
            .bind::<Text, _>(&tokens.key_id)
            .bind::<Binary, _>(&tokens.sealed)
            .bind::<Array<Text>, _>(tokens.scopes.iter().map(String::as_str).collect::<Vec<_>>())
            .bind::<Bool, _>(tokens.refreshable)
            .bind::<Nullable<Timestamptz>, _>(tokens.expire_time);
        if self.conn.execute("save_refresh", Cached(save)).await? == 1 {
            return Ok(RefreshSaved::Saved);
        }
        // A statement of its own: the first one may have waited for a deletion, and does not see it.
        const THERE: &str =
            concat!("SELECT EXISTS (SELECT FROM provider_tokens WHERE ", named!(), ") AS is_there");
        let there = sql_query(THERE)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(identity.provider.as_str())
            .bind::<Text, _>(identity.subject.as_str());
        let row: Option<ThereRow> = self.conn.load_one("save_refresh", Cached(there)).await?;
        Ok(match row {
            Some(ThereRow { is_there: true }) => RefreshSaved::Replaced,
            _ => RefreshSaved::Gone,
        })
    }

    /// Ends the lease of a refresh that brought nothing. The tokens stay, or with `is_gone` they are
    /// removed: the provider accepts them no longer.
    pub async fn end_refresh(
        &mut self,
        identity: &IdentityRef,
        owner: Uuid,
        is_gone: bool,
    ) -> Result<(), StoreError> {
        const END: &str = concat!(
            "UPDATE provider_tokens SET lease_owner = NULL, lease_until = NULL WHERE ",
            named!(),
            " AND lease_owner = $4"
        );
        const REMOVE: &str =
            concat!("DELETE FROM provider_tokens WHERE ", named!(), " AND lease_owner = $4");
        let query = sql_query(if is_gone { REMOVE } else { END })
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(identity.provider.as_str())
            .bind::<Text, _>(identity.subject.as_str())
            .bind::<SqlUuid, _>(owner);
        self.conn.execute("end_refresh", Cached(query)).await?;
        Ok(())
    }

    /// Removes the tokens of an identity that were written before `from`, in the open transaction: the
    /// provider accepts them no longer, so they are not revoked. What a refresh that is under way brings
    /// is revoked when it ends.
    pub fn drop_tokens(&mut self, identity: &IdentityRef, from: DateTime<Utc>) {
        const SQL: &str =
            concat!("DELETE FROM provider_tokens WHERE ", named!(), " AND keep_time < $4");
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Text, _>(identity.provider.to_string())
            .bind::<Text, _>(identity.subject.to_string())
            .bind::<Timestamptz, _>(from);
        self.write("drop_tokens", Cached(query), Expected::Any);
    }

    /// Some of the tenant's tokens that are sealed with one of these keys. They come without scopes and
    /// expiry.
    pub async fn old_seals(
        &mut self,
        key_ids: &[&str],
        limit: i64,
    ) -> Result<Vec<(IdentityRef, KeptTokens)>, StoreError> {
        const SQL: &str = "SELECT provider, subject, issuer, key_id, sealed FROM provider_tokens \
            WHERE tenant_id = $1 AND key_id = ANY($2) LIMIT $3";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Array<Text>, _>(key_ids)
            .bind::<BigInt, _>(limit);
        let rows: Vec<SealedRow> = self.conn.load("old_seals", Cached(query)).await?;
        rows.into_iter().map(SealedRow::into_tokens).collect()
    }

    /// Replaces sealed bytes by others of the same content. Returns whether they were still these.
    pub async fn reseal(
        &mut self,
        identity: &IdentityRef,
        old: &[u8],
        (key_id, new): (&str, &[u8]),
    ) -> Result<bool, StoreError> {
        const SQL: &str = concat!(
            "UPDATE provider_tokens SET key_id = $5, sealed = $6 WHERE ",
            named!(),
            " AND sealed = $4"
        );
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(identity.provider.as_str())
            .bind::<Text, _>(identity.subject.as_str())
            .bind::<Binary, _>(old)
            .bind::<Text, _>(key_id)
            .bind::<Binary, _>(new);
        Ok(self.conn.execute("reseal", Cached(query)).await? == 1)
    }
}

/// How many rows of the tenants `$1` each key opens.
pub(super) const SEALED_ROWS: &str = "SELECT key_id, count(*) AS rows FROM ( \
      SELECT key_id FROM provider_tokens WHERE tenant_id = ANY($1) \
      UNION ALL SELECT key_id FROM provider_token_revocations WHERE tenant_id = ANY($1)) s \
    GROUP BY key_id ORDER BY key_id";

impl OwnedRow {
    fn tokens(self) -> Option<KeptTokens> {
        Some(KeptTokens {
            issuer: self.issuer?,
            key_id: self.key_id?,
            sealed: self.sealed?,
            scopes: self.scopes?.into_iter().collect(),
            refreshable: self.refreshable?,
            expire_time: self.expire_time,
        })
    }
}

impl SealedRow {
    /// The identity and its tokens, without scopes and expiry.
    fn into_tokens(self) -> Result<(IdentityRef, KeptTokens), StoreError> {
        let Self { provider, subject, issuer, key_id, sealed } = self;
        let provider = Provider::parse(&provider).ok_or_else(|| StoreError::corrupt("provider"))?;
        let subject = Subject::parse(&subject).ok_or_else(|| StoreError::corrupt("subject"))?;
        let (scopes, refreshable, expire_time) = (Default::default(), false, None);
        let tokens = KeptTokens { issuer, key_id, sealed, scopes, refreshable, expire_time };
        Ok((IdentityRef { provider, subject }, tokens))
    }
}
