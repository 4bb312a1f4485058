//! Tickets: proven accounts, each for one purpose.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Jsonb, Nullable, Text, Timestamptz},
};
use serde_json::Value;

use super::{
    Session, StoreError,
    cached::Cached,
    rows::{identity_ref, owner, user_id},
    stored::{account::StoredAccount, from_json, to_json},
    writes::Expected,
};
use crate::domain::tickets::{ProvenAccount, Ticket, TicketPurpose, UserSnapshot};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Jsonb)]
    account: Value,
    #[diesel(sql_type = Text)]
    purpose: String,
    #[diesel(sql_type = Array<Text>)]
    candidate_ids: Vec<String>,
    #[diesel(sql_type = Array<BigInt>)]
    candidate_versions: Vec<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    owner_id: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    owner_version: Option<i64>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    sign_in_time: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    issue_time: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Expiry {
    #[diesel(sql_type = Timestamptz)]
    expire_time: DateTime<Utc>,
}

impl Session {
    /// Stores a ticket under its hash for ten minutes, and returns its expiry. A ticket of the same
    /// hash comes from the same request, which is processed again, and is replaced.
    pub async fn insert_ticket(
        &mut self,
        hash: &[u8; 32],
        ticket: &Ticket,
    ) -> Result<DateTime<Utc>, StoreError> {
        const SQL: &str = "INSERT INTO sign_in_tickets (tenant_id, hash, provider, subject, account, purpose, \
              candidate_ids, candidate_versions, owner_id, owner_version, sign_in_time, issue_time, expire_time) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now() + interval '10 minutes') \
            ON CONFLICT ON CONSTRAINT sign_in_tickets_pkey DO UPDATE SET provider = excluded.provider, \
              subject = excluded.subject, account = excluded.account, purpose = excluded.purpose, \
              candidate_ids = excluded.candidate_ids, candidate_versions = excluded.candidate_versions, \
              owner_id = excluded.owner_id, owner_version = excluded.owner_version, \
              sign_in_time = excluded.sign_in_time, issue_time = excluded.issue_time, expire_time = excluded.expire_time \
            RETURNING expire_time";
        let Ticket { proven, purpose } = ticket;
        let (purpose, users) = stored(purpose);
        let (ids, versions): (Vec<&str>, Vec<i64>) =
            users.iter().map(|user| (user.id.as_str(), user.identities_version)).unzip();
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(hash.as_slice())
            .bind::<Text, _>(proven.account.id.provider.as_str())
            .bind::<Text, _>(proven.account.id.subject.as_str())
            .bind::<Jsonb, _>(to_json(&StoredAccount::from(&proven.account))?)
            .bind::<Text, _>(purpose)
            .bind::<Array<Text>, _>(ids)
            .bind::<Array<BigInt>, _>(versions)
            .bind::<Nullable<Text>, _>(proven.owner.as_ref().map(|owner| owner.id.as_str()))
            .bind::<Nullable<BigInt>, _>(
                proven.owner.as_ref().map(|owner| owner.identities_version),
            )
            .bind::<Timestamptz, _>(proven.proven_at)
            .bind::<Timestamptz, _>(proven.time);
        let kept: Option<Expiry> = self.conn.load_one("insert_ticket", Cached(query)).await?;
        let kept = kept.ok_or_else(|| StoreError::Fault("a ticket was not stored".to_owned()))?;
        Ok(kept.expire_time)
    }

    /// The ticket with this hash; `None` if it does not exist or has expired.
    pub async fn ticket(&mut self, hash: &[u8; 32]) -> Result<Option<Ticket>, StoreError> {
        // The database's clock, which all servers share.
        const SQL: &str = "SELECT provider, subject, account, purpose, candidate_ids, candidate_versions, owner_id, \
              owner_version, sign_in_time, issue_time \
            FROM sign_in_tickets WHERE tenant_id = $1 AND hash = $2 AND expire_time > now()";
        let query =
            sql_query(SQL).bind::<Text, _>(self.tenant.as_str()).bind::<Binary, _>(hash.as_slice());
        let row: Option<Row> = self.conn.load_one("ticket", Cached(query)).await?;
        row.map(Ticket::try_from).transpose()
    }

    /// Uses a ticket up. The lock of its account ensures that no other call does.
    pub fn use_ticket(&mut self, hash: &[u8; 32]) {
        const SQL: &str = "DELETE FROM sign_in_tickets WHERE tenant_id = $1 AND hash = $2";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Binary, _>(hash.to_vec());
        self.write("use_ticket", Cached(query), Expected::Any);
    }
}

/// The stored name of a purpose, and the users that it names.
fn stored(purpose: &TicketPurpose) -> (&'static str, &[UserSnapshot]) {
    match purpose {
        TicketPurpose::Candidates(candidates) => ("candidates", candidates),
        TicketPurpose::SignIn => ("sign_in", &[]),
        TicketPurpose::Registration => ("registration", &[]),
        TicketPurpose::Link(user) => ("link", std::slice::from_ref(user)),
    }
}

fn purpose_of(stored: &str, mut users: Vec<UserSnapshot>) -> Result<TicketPurpose, StoreError> {
    match stored {
        "candidates" => Ok(TicketPurpose::Candidates(users)),
        "sign_in" => Ok(TicketPurpose::SignIn),
        "registration" => Ok(TicketPurpose::Registration),
        "link" => users
            .pop()
            .map(TicketPurpose::Link)
            .ok_or_else(|| StoreError::corrupt("user of a ticket")),
        _ => Err(StoreError::corrupt("purpose of a ticket")),
    }
}

impl TryFrom<Row> for Ticket {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let users = row.candidate_ids.iter().zip(row.candidate_versions);
        let users: Result<_, StoreError> = users
            .map(|(id, identities_version)| {
                Ok(UserSnapshot { id: user_id(id)?, identities_version })
            })
            .collect();
        let account: StoredAccount = from_json("account of a ticket", row.account)?;
        let proven = ProvenAccount {
            account: account.into_account(identity_ref(&row.provider, &row.subject)?),
            owner: owner(row.owner_id.as_deref(), row.owner_version)?,
            proven_at: row.sign_in_time.unwrap_or(row.issue_time),
            time: row.issue_time,
        };
        Ok(Self { proven, purpose: purpose_of(&row.purpose, users?)? })
    }
}
