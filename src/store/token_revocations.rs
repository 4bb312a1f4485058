//! Tokens that are still to be revoked at their providers.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Integer, Text, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::{Session, Store, StoreError, bind::column, cached::Cached, writes::Expected};
use crate::domain::{IdentityRef, KeptTokens, Provider, TenantId};

/// Tokens to revoke.
pub struct TokenRevocation {
    /// Identifies the row.
    pub id: Uuid,
    /// The provider.
    pub provider: Provider,
    /// The issuer of the tokens.
    pub issuer: String,
    /// What binds the tokens to their identity: see [`super::TenantKey::token_binding`].
    pub binding: [u8; 32],
    /// Names the key that opens them.
    pub key_id: String,
    /// The sealed tokens.
    pub sealed: Vec<u8>,
    /// How often it was tried, with this time.
    pub tries: i32,
}

/// The revocations of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRevocations {
    /// The tenant.
    pub tenant: TenantId,
    /// How many there are.
    pub waiting: i64,
    /// How many of them are due now.
    pub due: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    issuer: String,
    #[diesel(sql_type = Binary)]
    binding: Vec<u8>,
    #[diesel(sql_type = Text)]
    key_id: String,
    #[diesel(sql_type = Binary)]
    sealed: Vec<u8>,
    #[diesel(sql_type = Integer)]
    tries: i32,
}

#[derive(QueryableByName)]
struct WaitingRow {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = BigInt)]
    due: i64,
}

impl Session {
    /// Has the tokens of these identities revoked, in the open transaction, which removes the
    /// identities.
    pub fn queue_revocations(&mut self, identities: &[IdentityRef]) {
        // The rows are locked, so that a refresh that is under way finds none when it ends, and what
        // it brought is revoked too.
        const SQL: &str = "INSERT INTO provider_token_revocations (tenant_id, provider, issuer, binding, key_id, sealed) \
            SELECT t.tenant_id, t.provider, t.issuer, n.binding, t.key_id, t.sealed \
            FROM (SELECT * FROM unnest($2::text[], $3::text[], $4::bytea[]) LIMIT cardinality($2)) \
              AS n(provider, subject, binding) \
            JOIN provider_tokens t ON t.tenant_id = $1 AND t.provider = n.provider AND t.subject = n.subject FOR UPDATE OF t";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Array<Text>, _>(column(identities, |id| id.provider.to_string()))
            .bind::<Array<Text>, _>(column(identities, |id| id.subject.to_string()))
            .bind::<Array<Binary>, _>(column(identities, |id| self.key.token_binding(id).to_vec()));
        self.write("queue_revocations", Cached(query), Expected::Any);
    }

    /// Has tokens revoked that no row has, in a transaction of its own.
    pub async fn queue_revocation(
        &mut self,
        identity: &IdentityRef,
        tokens: &KeptTokens,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO provider_token_revocations (tenant_id, provider, issuer, binding, key_id, sealed) \
            VALUES ($1, $2, $3, $4, $5, $6)";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(identity.provider.as_str())
            .bind::<Text, _>(&tokens.issuer)
            .bind::<Binary, _>(self.key.token_binding(identity).to_vec())
            .bind::<Text, _>(&tokens.key_id)
            .bind::<Binary, _>(&tokens.sealed);
        self.conn.execute("queue_revocation", Cached(query)).await?;
        Ok(())
    }

    /// Takes a revocation that is due; `None` if there is none. It is due again later: after one
    /// minute, two, four, at most a day.
    pub async fn take_revocation(&mut self) -> Result<Option<TokenRevocation>, StoreError> {
        const SQL: &str = "UPDATE provider_token_revocations SET tries = tries + 1, \
              next_time = now() + least(interval '1 minute' * 2 ^ least(tries, 20), interval '1 day') \
            WHERE tenant_id = $1 AND id = (SELECT id FROM provider_token_revocations \
              WHERE tenant_id = $1 AND next_time <= now() ORDER BY next_time LIMIT 1 FOR UPDATE SKIP LOCKED) \
            RETURNING id, provider, issuer, binding, key_id, sealed, tries";
        let query = sql_query(SQL).bind::<Text, _>(self.tenant.as_str());
        let row: Option<Row> = self.conn.load_one("take_revocation", Cached(query)).await?;
        row.map(TokenRevocation::try_from).transpose()
    }

    /// Removes a revocation that is done, or that is given up.
    pub async fn end_revocation(&mut self, id: Uuid) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM provider_token_revocations WHERE tenant_id = $1 AND id = $2";
        let query = sql_query(SQL).bind::<Text, _>(self.tenant.as_str()).bind::<SqlUuid, _>(id);
        self.conn.execute("end_revocation", Cached(query)).await?;
        Ok(())
    }
}

impl Store {
    /// The revocations of those of these tenants that have some. One statement for all tenants.
    ///
    /// # Errors
    /// As of [`Store::session`].
    pub async fn waiting_revocations(
        &self,
        tenants: &[TenantId],
    ) -> Result<Vec<WaitingRevocations>, StoreError> {
        const SQL: &str = "SELECT tenant_id, count(*) AS waiting, count(*) FILTER (WHERE next_time <= now()) AS due \
            FROM provider_token_revocations WHERE tenant_id = ANY($1) GROUP BY tenant_id";
        let names: Vec<&str> = tenants.iter().map(TenantId::as_str).collect();
        let query = sql_query(SQL).bind::<Array<Text>, _>(names);
        let conn = self.connection().await?;
        let rows: Vec<WaitingRow> = conn.load("waiting_revocations", Cached(query)).await?;
        let waiting = |WaitingRow { tenant_id, waiting, due }| {
            let tenant =
                TenantId::parse(&tenant_id).ok_or_else(|| StoreError::corrupt("tenant"))?;
            Ok(WaitingRevocations { tenant, waiting, due })
        };
        rows.into_iter().map(waiting).collect()
    }
}

impl TryFrom<Row> for TokenRevocation {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let Row { id, provider, issuer, binding, key_id, sealed, tries } = row;
        let provider = Provider::parse(&provider).ok_or_else(|| StoreError::corrupt("provider"))?;
        let binding = binding.try_into().map_err(|_| StoreError::corrupt("binding"))?;
        Ok(Self { id, provider, issuer, binding, key_id, sealed, tries })
    }
}
