//! Flows at providers, from their start until they return. A flow that returned under a request id
//! is kept until it expires.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Jsonb, Nullable, Text, Timestamptz},
};
use serde_json::Value;

use super::{
    LockKeys, Session, StoreError,
    cached::Cached,
    rows::{identity_ref, owner, user_id},
    stored::{account::StoredAccount, from_json, to_json},
};
use crate::{
    domain::{Provider, UserId, UserRef, linking::UnownedIdentity, tickets::ProvenAccount},
    secret::sha256,
};

/// A flow at a provider. It has no `Debug`, because the verifier is a secret.
#[derive(Clone)]
pub struct SignInAttempt {
    /// The provider.
    pub provider: Provider,
    /// The user to which the account is to be linked; `None` for a sign-in.
    pub user: Option<UserId>,
    /// The nonce that the ID token must contain.
    pub nonce: String,
    /// The PKCE verifier, which makes the code worthless to any other party.
    pub pkce_verifier: String,
    /// The redirect URI that was sent to the provider.
    pub redirect_uri: String,
    /// The largest age of the sign-in at the provider, in whole seconds; `None` for any.
    pub max_age: Option<Duration>,
    /// The scopes that it requests beside those of the configuration.
    pub scopes: BTreeSet<String>,
}

/// An attempt that a request has claimed.
pub struct ClaimedAttempt {
    /// The attempt.
    pub attempt: SignInAttempt,
    /// The attempt's progress.
    pub stage: Stage,
}

/// The progress of a claimed attempt.
pub enum Stage {
    /// This call exchanges the code.
    Exchange {
        /// Whether an earlier call began to exchange the code and recorded no result: the provider
        /// may have accepted it.
        interrupted: bool,
    },
    /// Another call of the same request is exchanging the code.
    UnderWay,
    /// The provider rejected the code.
    Rejected,
    /// The account is proven.
    Proven(Box<ProvenAccount>),
}

/// The result of storing a proven account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountStored {
    /// The account is stored.
    Stored,
    /// The attempt is gone or further on, or the account was deleted since.
    Overtaken,
}

/// How an exchange ended that proved no account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeEnd {
    /// The provider rejected the code, which is final.
    Rejected,
    /// The provider did not respond, or was not called: the next call of the request may try.
    Unanswered,
    /// The provider rejected a code that it may have accepted before. The attempt cannot continue.
    Lost,
}

/// The key of an attempt: hashes of the state that the provider returns, and of the secret that the
/// browser keeps.
#[derive(Clone, Copy)]
pub struct AttemptKey {
    pub(super) state: [u8; 32],
    pub(super) secret: [u8; 32],
}

impl AttemptKey {
    /// The key for this state and this secret.
    pub fn new(state: &str, secret: &str) -> Self {
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
    #[diesel(sql_type = Bool)]
    interrupted: bool,
    #[diesel(sql_type = Bool)]
    rejected: bool,
    #[diesel(sql_type = Nullable<Text>)]
    subject: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    account: Option<Value>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    sign_in_time: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    prove_time: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    owner_id: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    owner_version: Option<i64>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    scopes: Option<Vec<String>>,
}

#[derive(QueryableByName)]
struct ExpireTime {
    #[diesel(sql_type = Timestamptz)]
    expire_time: DateTime<Utc>,
}

/// The columns of a [`Row`].
macro_rules! columns {
    () => {
        "provider, user_id, nonce, pkce_verifier, redirect_uri, max_age, interrupted, rejected, subject, account, \
         sign_in_time, prove_time, owner_id, owner_version, scopes"
    };
}

/// A condition, used by all queries here: the attempt whose key is `$2` and `$3`.
macro_rules! named {
    () => {
        "tenant_id = $1 AND state_hash = $2 AND secret_hash = $3"
    };
}

impl Session {
    /// Stores an attempt for ten minutes, and returns its expiry; `None` if its user no longer
    /// exists. A running deletion of the user is waited for, so that its erasing finds each attempt
    /// and none follows.
    pub async fn insert_attempt(
        &mut self,
        name: AttemptKey,
        attempt: &SignInAttempt,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        // The database's clock, which all servers share.
        const SQL: &str = "INSERT INTO sign_in_attempts (tenant_id, state_hash, secret_hash, provider, user_id, nonce, \
              pkce_verifier, redirect_uri, max_age, scopes, expire_time) \
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now() + interval '10 minutes' WHERE $5 IS NULL \
              OR EXISTS (SELECT FROM users WHERE tenant_id = $1 AND id = $5 FOR KEY SHARE) \
            RETURNING expire_time";
        let scopes = Some(attempt.scopes.iter().map(String::as_str).collect::<Vec<_>>());
        let scopes = scopes.filter(|scopes| !scopes.is_empty());
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(name.state.as_slice())
            .bind::<Binary, _>(name.secret.as_slice())
            .bind::<Text, _>(attempt.provider.as_str())
            .bind::<Nullable<Text>, _>(attempt.user.as_ref().map(UserId::as_str))
            .bind::<Text, _>(&attempt.nonce)
            .bind::<Text, _>(&attempt.pkce_verifier)
            .bind::<Text, _>(&attempt.redirect_uri)
            .bind::<Nullable<BigInt>, _>(
                attempt.max_age.and_then(|age| i64::try_from(age.as_secs()).ok()),
            )
            .bind::<Nullable<Array<Text>>, _>(scopes);
        let row: Option<ExpireTime> = self.conn.load_one("insert_attempt", Cached(query)).await?;
        Ok(row.map(|row| row.expire_time))
    }

    /// Removes and returns an attempt that no request has claimed; `None` if there is none. Of
    /// several callers only one gets it, and the attempt is then used up.
    pub async fn take_attempt(
        &mut self,
        name: AttemptKey,
    ) -> Result<Option<SignInAttempt>, StoreError> {
        const SQL: &str = concat!(
            "DELETE FROM sign_in_attempts WHERE ",
            named!(),
            " AND claimed_by IS NULL AND expire_time > now() RETURNING ",
            columns!()
        );
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(name.state.as_slice())
            .bind::<Binary, _>(name.secret.as_slice());
        let row: Option<Row> = self.conn.load_one("take_attempt", Cached(query)).await?;
        Ok(row.map(ClaimedAttempt::try_from).transpose()?.map(|claimed| claimed.attempt))
    }

    /// Claims an attempt for the request with the digest `by`, and returns its progress; `None` if
    /// it does not exist, or another request has claimed it. One call of the request exchanges the
    /// code. If that call has recorded no result after `lease`, the next one may try.
    pub async fn claim_attempt(
        &mut self,
        name: AttemptKey,
        by: &[u8; 32],
        lease: Duration,
    ) -> Result<Option<ClaimedAttempt>, StoreError> {
        // SET reads the row's old values.
        const CLAIM: &str = concat!(
            "UPDATE sign_in_attempts SET claimed_by = $4, claim_time = now(), \
              interrupted = interrupted OR claim_time IS NOT NULL WHERE ",
            named!(),
            " AND expire_time > now() AND (claimed_by IS NULL OR claimed_by = $4 AND subject IS NULL AND NOT rejected \
              AND (claim_time IS NULL OR claim_time <= now() - interval '1 second' * $5)) RETURNING ",
            columns!()
        );
        let claim = sql_query(CLAIM)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(name.state.as_slice())
            .bind::<Binary, _>(name.secret.as_slice())
            .bind::<Binary, _>(by.as_slice())
            .bind::<BigInt, _>(i64::try_from(lease.as_secs()).unwrap_or(i64::MAX));
        let row: Option<Row> = self.conn.load_one("claim_attempt", Cached(claim)).await?;
        match row {
            Some(row) => {
                let stage = Stage::Exchange { interrupted: row.interrupted };
                Ok(Some(ClaimedAttempt { stage, ..ClaimedAttempt::try_from(row)? }))
            }
            None => self.claimed_attempt(name, by).await,
        }
    }

    /// The progress of an attempt that this request has claimed; `None` if it has claimed none.
    pub async fn claimed_attempt(
        &mut self,
        name: AttemptKey,
        by: &[u8; 32],
    ) -> Result<Option<ClaimedAttempt>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM sign_in_attempts WHERE ",
            named!(),
            " AND expire_time > now() AND claimed_by = $4"
        );
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(name.state.as_slice())
            .bind::<Binary, _>(name.secret.as_slice())
            .bind::<Binary, _>(by.as_slice());
        let row: Option<Row> = self.conn.load_one("claimed_attempt", Cached(query)).await?;
        row.map(ClaimedAttempt::try_from).transpose()
    }

    /// Stores the account that an attempt has proven, with its owner at `now`, the start of the
    /// call, before a decision rests on it. An account that was deleted since is not stored, and none
    /// whose session its provider has ended since. This
    /// waits for the account's lock, so that an erasing finds each stored account and none follows.
    pub async fn store_account(
        &mut self,
        name: AttemptKey,
        by: &[u8; 32],
        (account, proven_at): (&UnownedIdentity, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Result<AccountStored, StoreError> {
        const SQL: &str = concat!(
            "UPDATE sign_in_attempts SET nonce = '', pkce_verifier = '', subject = $5, account = $6, sign_in_time = $10, prove_time = $7, \
              (owner_id, owner_version) = (SELECT u.id, u.identities_version FROM identities i \
                JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.owner_id \
                WHERE i.tenant_id = $1 AND i.provider = $8 AND i.subject = $5 AND u.create_time <= $7) WHERE ",
            named!(),
            " AND claimed_by = $4 AND subject IS NULL AND NOT rejected AND NOT EXISTS (SELECT FROM tombstones t \
              WHERE t.tenant_id = $1 AND t.id_hash = $9 AND t.delete_time >= $7) AND NOT EXISTS (SELECT FROM identities e \
              WHERE e.tenant_id = $1 AND e.provider = $8 AND e.subject = $5 AND e.tokens_valid_from > $10)"
        );
        let locked = self.begin_locked(&LockKeys::default().identity(&account.id)).await?;
        // Deletions are dated by the clock of the database, which may be behind the server's.
        let now = now.min(locked);
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(name.state.as_slice())
            .bind::<Binary, _>(name.secret.as_slice())
            .bind::<Binary, _>(by.as_slice())
            .bind::<Text, _>(account.id.subject.as_str())
            .bind::<Jsonb, _>(to_json(&StoredAccount::from(account))?)
            .bind::<Timestamptz, _>(now)
            .bind::<Text, _>(account.id.provider.as_str())
            .bind::<Binary, _>(self.tombstone_hash(&UserRef::Identity(account.id.clone())).to_vec())
            .bind::<Timestamptz, _>(proven_at);
        let rows = self.conn.execute("store_account", Cached(query)).await?;
        self.commit().await?;
        Ok(if rows == 1 { AccountStored::Stored } else { AccountStored::Overtaken })
    }

    /// Records how an exchange ended that proved no account, unless another call of the request has
    /// stored one since.
    pub async fn end_exchange(
        &mut self,
        name: AttemptKey,
        by: &[u8; 32],
        end: ExchangeEnd,
    ) -> Result<(), StoreError> {
        const OPEN: &str = concat!(" WHERE ", named!(), " AND claimed_by = $4 AND subject IS NULL");
        let change = match end {
            ExchangeEnd::Rejected => "UPDATE sign_in_attempts SET rejected = true",
            ExchangeEnd::Unanswered => "UPDATE sign_in_attempts SET claim_time = NULL",
            ExchangeEnd::Lost => "DELETE FROM sign_in_attempts",
        };
        let query = sql_query(format!("{change}{OPEN}"))
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(name.state.as_slice())
            .bind::<Binary, _>(name.secret.as_slice())
            .bind::<Binary, _>(by.as_slice());
        self.conn.execute("end_exchange", Cached(query)).await?;
        Ok(())
    }
}

impl TryFrom<Row> for ClaimedAttempt {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let proven = match row.subject.zip(row.account).zip(row.sign_in_time.zip(row.prove_time)) {
            Some(((subject, account), (proven_at, time))) => {
                let account: StoredAccount = from_json("account of an attempt", account)?;
                Some(ProvenAccount {
                    account: account.into_account(identity_ref(&row.provider, &subject)?),
                    owner: owner(row.owner_id.as_deref(), row.owner_version)?,
                    proven_at,
                    time,
                })
            }
            None => None,
        };
        let stage = match proven {
            Some(proven) => Stage::Proven(Box::new(proven)),
            None if row.rejected => Stage::Rejected,
            None => Stage::UnderWay,
        };
        let attempt = SignInAttempt {
            provider: Provider::parse(&row.provider)
                .ok_or_else(|| StoreError::corrupt("provider of an attempt"))?,
            user: row.user_id.as_deref().map(user_id).transpose()?,
            nonce: row.nonce,
            pkce_verifier: row.pkce_verifier,
            redirect_uri: row.redirect_uri,
            max_age: row.max_age.and_then(|age| u64::try_from(age).ok()).map(Duration::from_secs),
            scopes: row.scopes.unwrap_or_default().into_iter().collect(),
        };
        Ok(Self { attempt, stage })
    }
}
