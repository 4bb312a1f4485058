//! Tickets: accounts that were just proven, and nobody's yet.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Jsonb, Text, Timestamptz},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Session, StoreError,
    cached::Cached,
    links::json,
    rows::{identity_ref, json as document, metadata, user_id, verifier, verifier_json},
};
use crate::domain::{IdentityEmail, UserId, Verified, linking::UnownedIdentity, tickets::Ticket};

/// The account of a ticket, as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredAccount {
    connection: String,
    email: Option<StoredEmail>,
    profile_data: Value,
}

#[derive(Serialize, Deserialize)]
struct StoredEmail {
    given: String,
    canonical: Option<String>,
    verify_time: Option<DateTime<Utc>>,
    verifier: Option<Value>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Jsonb)]
    account: Value,
    #[diesel(sql_type = Array<Text>)]
    candidate_ids: Vec<String>,
    #[diesel(sql_type = Array<BigInt>)]
    candidate_versions: Vec<i64>,
    #[diesel(sql_type = Timestamptz)]
    issue_time: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Expiry {
    #[diesel(sql_type = Timestamptz)]
    expire_time: DateTime<Utc>,
}

impl Session {
    /// Keeps a ticket, under its hash, for ten minutes, and says until when that is.
    pub async fn insert_ticket(&mut self, hash: &[u8; 32], ticket: &Ticket) -> Result<DateTime<Utc>, StoreError> {
        const SQL: &str = "INSERT INTO sign_in_tickets (tenant_id, hash, provider, subject, account, candidate_ids, \
              candidate_versions, issue_time, expire_time) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + interval '10 minutes') RETURNING expire_time";
        let (ids, versions): (Vec<&str>, Vec<i64>) =
            ticket.candidates.iter().map(|(id, version)| (id.as_str(), *version)).unzip();
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(hash.as_slice())
            .bind::<Text, _>(ticket.account.id.provider.as_str())
            .bind::<Text, _>(ticket.account.id.subject.as_str())
            .bind::<Jsonb, _>(json(&stored(&ticket.account)))
            .bind::<Array<Text>, _>(ids)
            .bind::<Array<BigInt>, _>(versions)
            .bind::<Timestamptz, _>(ticket.issue_time);
        let kept: Option<Expiry> = self.conn.load_one(Cached(query)).await?;
        let kept = kept.ok_or_else(|| StoreError::Fault("a ticket was not kept".to_owned()))?;
        Ok(kept.expire_time)
    }

    /// The ticket with this hash, unless it has expired.
    pub async fn ticket(&mut self, hash: &[u8; 32]) -> Result<Option<Ticket>, StoreError> {
        // The database's clock, which is one for all that serve from it.
        const SQL: &str = "SELECT provider, subject, account, candidate_ids, candidate_versions, issue_time \
            FROM sign_in_tickets WHERE tenant_id = $1 AND hash = $2 AND expire_time > now()";
        let query = sql_query(SQL).bind::<Text, _>(self.tenant.as_str()).bind::<Binary, _>(hash.as_slice());
        let row: Option<Row> = self.conn.load_one(Cached(query)).await?;
        row.map(Ticket::try_from).transpose()
    }
}

fn stored(account: &UnownedIdentity) -> StoredAccount {
    let email = account.email.as_ref().map(|email| StoredEmail {
        given: email.given.clone(),
        canonical: email.canonical.clone(),
        verify_time: email.verified.as_ref().map(|verified| verified.time),
        verifier: email.verified.as_ref().map(|verified| verifier_json(&verified.by)),
    });
    StoredAccount { connection: account.connection.clone(), email, profile_data: document(&account.profile_data) }
}

impl TryFrom<Row> for Ticket {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let account: StoredAccount =
            serde_json::from_value(row.account).map_err(|_| StoreError::corrupt("account of a ticket"))?;
        let email = account.email.map(|email| {
            let verified = email.verify_time.zip(email.verifier);
            let verified = verified.map(|(time, by)| Ok::<_, StoreError>(Verified { time, by: verifier(&by)? }));
            Ok::<_, StoreError>(IdentityEmail {
                given: email.given,
                canonical: email.canonical,
                verified: verified.transpose()?,
                counts: None,
            })
        });
        let candidates = row.candidate_ids.iter().zip(row.candidate_versions);
        let candidates: Result<Vec<(UserId, i64)>, StoreError> =
            candidates.map(|(id, version)| Ok((user_id(id)?, version))).collect();
        Ok(Self {
            account: UnownedIdentity {
                id: identity_ref(&row.provider, &row.subject)?,
                connection: account.connection,
                // What it is now, the configuration says.
                social: false,
                email: email.transpose()?,
                profile_data: metadata(account.profile_data)?,
            },
            candidates: candidates?,
            issue_time: row.issue_time,
        })
    }
}
