//! Flows at providers that have begun, until they come back.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Binary, Nullable, Text, Timestamptz},
};

use super::{Session, StoreError, cached::Cached, rows};
use crate::{
    domain::{Provider, UserId},
    secret::sha256,
};

/// A flow at a provider. No `Debug`: the verifier is a secret.
#[derive(Clone)]
pub struct SignInAttempt {
    /// The provider.
    pub provider: Provider,
    /// To whom the account is to be linked; `None` where somebody signs in.
    pub user: Option<UserId>,
    /// Comes back in the ID token.
    pub nonce: String,
    /// Makes a code worthless for whoever else has it.
    pub pkce_verifier: String,
    /// Where the provider was told to send the browser.
    pub redirect_uri: String,
    /// How long ago the person may have signed in there, in whole seconds.
    pub max_age: Option<Duration>,
}

/// What names an attempt: hashes of what the provider sends back, and of what the browser kept.
#[derive(Clone, Copy)]
pub struct AttemptName {
    state: [u8; 32],
    secret: [u8; 32],
}

impl AttemptName {
    /// The attempt with this state and this secret.
    pub fn of(state: &str, secret: &str) -> Self {
        Self { state: sha256(state.as_bytes()), secret: sha256(secret.as_bytes()) }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Nullable<Text>)]
    user_id: Option<String>,
    #[diesel(sql_type = Text)]
    nonce: String,
    #[diesel(sql_type = Text)]
    pkce_verifier: String,
    #[diesel(sql_type = Text)]
    redirect_uri: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    max_age: Option<i64>,
}

#[derive(QueryableByName)]
struct ExpireTime {
    #[diesel(sql_type = Timestamptz)]
    expire_time: DateTime<Utc>,
}

impl Session {
    /// Remembers an attempt for ten minutes, and says until when; `None` if its user is there no longer. One that
    /// is being deleted is waited for: its erasing must find what is there, or nothing comes after it.
    pub async fn insert_attempt(
        &mut self,
        name: AttemptName,
        attempt: &SignInAttempt,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        // The database's clock, which is one for all that serve from it.
        const SQL: &str = "INSERT INTO sign_in_attempts (tenant_id, state_hash, secret_hash, provider, user_id, nonce, \
              pkce_verifier, redirect_uri, max_age, expire_time) \
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, now() + interval '10 minutes' WHERE $5 IS NULL \
              OR EXISTS (SELECT FROM users WHERE tenant_id = $1 AND id = $5 FOR KEY SHARE) \
            RETURNING expire_time";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(name.state.as_slice())
            .bind::<Binary, _>(name.secret.as_slice())
            .bind::<Text, _>(attempt.provider.as_str())
            .bind::<Nullable<Text>, _>(attempt.user.as_ref().map(UserId::as_str))
            .bind::<Text, _>(&attempt.nonce)
            .bind::<Text, _>(&attempt.pkce_verifier)
            .bind::<Text, _>(&attempt.redirect_uri)
            .bind::<Nullable<BigInt>, _>(attempt.max_age.and_then(|age| i64::try_from(age.as_secs()).ok()));
        let row: Option<ExpireTime> = self.conn.load_one(Cached(query)).await?;
        Ok(row.map(|row| row.expire_time))
    }

    /// Takes an attempt away, so that of all who come with it one has it. Whatever comes of it then, it is used up.
    pub async fn claim_attempt(&mut self, name: AttemptName) -> Result<Option<SignInAttempt>, StoreError> {
        const SQL: &str = "DELETE FROM sign_in_attempts WHERE tenant_id = $1 AND state_hash = $2 AND secret_hash = $3 \
              AND expire_time > now() \
            RETURNING provider, user_id, nonce, pkce_verifier, redirect_uri, max_age";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(name.state.as_slice())
            .bind::<Binary, _>(name.secret.as_slice());
        let row: Option<Row> = self.conn.load_one(Cached(query)).await?;
        row.map(SignInAttempt::try_from).transpose()
    }
}

impl TryFrom<Row> for SignInAttempt {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            provider: Provider::parse(&row.provider).ok_or_else(|| StoreError::corrupt("provider of an attempt"))?,
            user: row.user_id.as_deref().map(rows::user_id).transpose()?,
            nonce: row.nonce,
            pkce_verifier: row.pkce_verifier,
            redirect_uri: row.redirect_uri,
            max_age: row.max_age.and_then(|age| u64::try_from(age).ok()).map(Duration::from_secs),
        })
    }
}
