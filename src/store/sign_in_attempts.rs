//! Flows at providers that have begun, until they come back; those that came back under a request id, until they
//! expire.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Binary, Bool, Jsonb, Nullable, Text, Timestamptz},
};
use serde_json::Value;

use super::{
    LockKeys, Session, StoreError,
    accounts::{account_json, account_of, owner_of},
    cached::Cached,
    rows,
};
use crate::{
    domain::{Named, Provider, UserId, linking::UnownedIdentity, tickets::Proven},
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

/// An attempt that a request has claimed.
pub struct Claimed {
    /// The attempt.
    pub attempt: SignInAttempt,
    /// How far it has come.
    pub stage: Stage,
}

/// How far a claimed attempt has come.
pub enum Stage {
    /// The code is this call's to exchange.
    Exchange {
        /// Whether a call before exchanged the code and never said what came of it: the provider may have taken it.
        interrupted: bool,
    },
    /// Another call of the same request exchanges the code.
    UnderWay,
    /// The provider rejected the code.
    Rejected,
    /// The account is proven.
    Proven(Box<Proven>),
}

/// What came of keeping a proven account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is kept.
    Kept,
    /// The attempt is gone or has come further, or the account was deleted meanwhile.
    Overtaken,
}

/// How an exchange ended that proved no account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeEnd {
    /// The provider rejected the code, which is final.
    Rejected,
    /// The provider did not answer, or was not asked: the next call of the request may ask it.
    Unanswered,
    /// The provider rejected the code, which it may have taken before: nothing can be gone on with.
    Lost,
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
         sign_in_time, prove_time, owner_id, owner_version"
    };
}

/// The attempt with the name in `$2` and `$3`, in the words of every query here.
macro_rules! named {
    () => {
        "tenant_id = $1 AND state_hash = $2 AND secret_hash = $3"
    };
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

    /// Takes an attempt away that no request has claimed, so that of all who come with it one has it. Whatever comes
    /// of it then, it is used up.
    pub async fn take_attempt(&mut self, name: AttemptName) -> Result<Option<SignInAttempt>, StoreError> {
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
        let row: Option<Row> = self.conn.load_one(Cached(query)).await?;
        Ok(row.map(Claimed::try_from).transpose()?.map(|claimed| claimed.attempt))
    }

    /// Claims an attempt for a request, the digest of which is `by`, unless another has; and says how far it has
    /// come. Of all calls of the request one exchanges the code. If none has said after `lease` what came of that, the
    /// next one may try.
    pub async fn claim_attempt(
        &mut self,
        name: AttemptName,
        by: &[u8; 32],
        lease: Duration,
    ) -> Result<Option<Claimed>, StoreError> {
        // What SET reads is the row as it was.
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
        let row: Option<Row> = self.conn.load_one(Cached(claim)).await?;
        match row {
            Some(row) => {
                let stage = Stage::Exchange { interrupted: row.interrupted };
                Ok(Some(Claimed { stage, ..Claimed::try_from(row)? }))
            }
            None => self.look_at_attempt(name, by).await,
        }
    }

    /// How far an attempt has come that this request has claimed.
    pub async fn look_at_attempt(&mut self, name: AttemptName, by: &[u8; 32]) -> Result<Option<Claimed>, StoreError> {
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
        let row: Option<Row> = self.conn.load_one(Cached(query)).await?;
        row.map(Claimed::try_from).transpose()
    }

    /// Keeps the account that an attempt has proven, and whose it was at `now`, when the call began, before anything is
    /// decided on it; not if the account was deleted since. This waits for the account's lock: an erasing finds what is there, or nothing
    /// comes after it.
    pub async fn keep_account(
        &mut self,
        name: AttemptName,
        by: &[u8; 32],
        (account, proven_at): (&UnownedIdentity, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Result<Kept, StoreError> {
        const SQL: &str = concat!(
            "UPDATE sign_in_attempts SET nonce = '', pkce_verifier = '', subject = $5, account = $6, sign_in_time = $10, prove_time = $7, \
              (owner_id, owner_version) = (SELECT u.id, u.identities_version FROM identities i \
                JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.owner_id \
                WHERE i.tenant_id = $1 AND i.provider = $8 AND i.subject = $5 AND u.create_time <= $7) WHERE ",
            named!(),
            " AND claimed_by = $4 AND subject IS NULL AND NOT rejected AND NOT EXISTS (SELECT FROM tombstones t \
              WHERE t.tenant_id = $1 AND t.id_hash = $9 AND t.delete_time >= $7)"
        );
        self.begin_locked(&LockKeys::default().identity(&account.id)).await?;
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(name.state.as_slice())
            .bind::<Binary, _>(name.secret.as_slice())
            .bind::<Binary, _>(by.as_slice())
            .bind::<Text, _>(account.id.subject.as_str())
            .bind::<Jsonb, _>(account_json(account))
            .bind::<Timestamptz, _>(now)
            .bind::<Text, _>(account.id.provider.as_str())
            .bind::<Binary, _>(self.tombstone_hash(&Named::Identity(account.id.clone())).to_vec())
            .bind::<Timestamptz, _>(proven_at);
        let rows = self.conn.execute(Cached(query)).await?;
        self.commit().await?;
        Ok(if rows == 1 { Kept::Kept } else { Kept::Overtaken })
    }

    /// Notes how an exchange ended that proved no account, unless another call of the request has kept one meanwhile.
    pub async fn end_exchange(&mut self, name: AttemptName, by: &[u8; 32], end: ExchangeEnd) -> Result<(), StoreError> {
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
        self.conn.execute(Cached(query)).await?;
        Ok(())
    }
}

impl TryFrom<Row> for Claimed {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let proven = match row.subject.zip(row.account).zip(row.sign_in_time.zip(row.prove_time)) {
            Some(((subject, account), (proven_at, time))) => Some(Proven {
                account: account_of(&row.provider, &subject, account)?,
                owner: owner_of(row.owner_id.as_deref(), row.owner_version)?,
                proven_at,
                time,
            }),
            None => None,
        };
        let stage = match proven {
            Some(proven) => Stage::Proven(Box::new(proven)),
            None if row.rejected => Stage::Rejected,
            None => Stage::UnderWay,
        };
        let attempt = SignInAttempt {
            provider: Provider::parse(&row.provider).ok_or_else(|| StoreError::corrupt("provider of an attempt"))?,
            user: row.user_id.as_deref().map(rows::user_id).transpose()?,
            nonce: row.nonce,
            pkce_verifier: row.pkce_verifier,
            redirect_uri: row.redirect_uri,
            max_age: row.max_age.and_then(|age| u64::try_from(age).ok()).map(Duration::from_secs),
        };
        Ok(Self { attempt, stage })
    }
}
