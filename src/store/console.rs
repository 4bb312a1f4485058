//! The console: sign-ins that have begun, sessions, and which users its people looked at. All times are
//! those of the database's clock, which all servers share.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, Binary, Bool, Double, Nullable, Text, Timestamptz},
};

use super::{AttemptKey, Session, StoreError, cached::Cached};
use crate::domain::{StaffRole, UserId};

/// A sign-in to the console that has begun. It has no `Debug`, because the verifier is a secret.
pub struct ConsoleAttempt {
    /// The nonce that the ID token must contain.
    pub nonce: String,
    /// The PKCE verifier, which makes the code worthless to any other party.
    pub pkce_verifier: String,
    /// The page that is shown after the sign-in.
    pub return_to: String,
}

/// A person that is signed in to the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffMember {
    /// The issuer of the person's ID token.
    pub issuer: String,
    /// The person, as that issuer names it.
    pub subject: String,
    /// The name of the person, for the page.
    pub name: String,
    /// What the person may do.
    pub role: StaffRole,
    /// When the person signed in at the provider; the beginning of Unix time if the provider does not say.
    pub sign_in_time: DateTime<Utc>,
}

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimes {
    /// Without a page that is opened.
    pub idle: Duration,
    /// In any case.
    pub longest: Duration,
}

/// A page of users that a person opens.
pub struct Look<'a> {
    /// The hash of the session's token.
    pub session: &'a [u8; 32],
    /// The person.
    pub by: &'a StaffMember,
    /// The name of the page.
    pub page: &'static str,
    /// The users on it.
    pub users: &'a [UserId],
    /// Why the person looks; `None` if that was not said now.
    pub reason: Option<&'a str>,
    /// How long the row is kept.
    pub kept: Duration,
}

#[derive(QueryableByName)]
struct AttemptRow {
    #[diesel(sql_type = Text)]
    nonce: String,
    #[diesel(sql_type = Text)]
    pkce_verifier: String,
    #[diesel(sql_type = Text)]
    return_to: String,
}

#[derive(QueryableByName)]
struct SessionRow {
    #[diesel(sql_type = Text)]
    issuer: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Timestamptz)]
    sign_in_time: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct ReasonRow {
    #[diesel(sql_type = Bool)]
    has_reason: bool,
}

impl TryFrom<SessionRow> for StaffMember {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        let SessionRow { issuer, subject, name, role, sign_in_time } = row;
        let role = StaffRole::parse(&role).ok_or_else(|| StoreError::corrupt("role"))?;
        Ok(Self { issuer, subject, name, role, sign_in_time })
    }
}

impl Session {
    /// Stores a sign-in that has begun, for ten minutes. Anyone who reaches the console can begin one, so
    /// there is a bound.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] if 10,000 have begun in the last ten minutes.
    pub async fn insert_console_attempt(
        &mut self,
        key: &AttemptKey,
        attempt: &ConsoleAttempt,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO console_attempts (tenant_id, state_hash, secret_hash, nonce, pkce_verifier, \
              return_to, expire_time) \
            SELECT $1, $2, $3, $4, $5, $6, now() + interval '10 minutes' WHERE (SELECT count(*) FROM ( \
              SELECT FROM console_attempts WHERE tenant_id = $1 AND expire_time > now() LIMIT 10000) a) < 10000";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(key.state.as_slice())
            .bind::<Binary, _>(key.secret.as_slice())
            .bind::<Text, _>(attempt.nonce.as_str())
            .bind::<Text, _>(attempt.pkce_verifier.as_str())
            .bind::<Text, _>(attempt.return_to.as_str());
        match self.conn.execute("insert_console_attempt", Cached(query)).await? {
            0 => Err(StoreError::Overloaded),
            _ => Ok(()),
        }
    }

    /// Uses a sign-in up; `None` if there is none with this key, or it has expired.
    pub async fn take_console_attempt(
        &mut self,
        key: &AttemptKey,
    ) -> Result<Option<ConsoleAttempt>, StoreError> {
        const SQL: &str = "DELETE FROM console_attempts WHERE tenant_id = $1 AND state_hash = $2 AND secret_hash = $3 \
            AND expire_time > now() RETURNING nonce, pkce_verifier, return_to";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(key.state.as_slice())
            .bind::<Binary, _>(key.secret.as_slice());
        let row: Option<AttemptRow> =
            self.conn.load_one("take_console_attempt", Cached(query)).await?;
        Ok(row.map(|row| {
            let AttemptRow { nonce, pkce_verifier, return_to } = row;
            ConsoleAttempt { nonce, pkce_verifier, return_to }
        }))
    }

    /// Begins the session whose token has this hash.
    pub async fn insert_console_session(
        &mut self,
        token_hash: &[u8; 32],
        staff: &StaffMember,
        times: SessionTimes,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO console_sessions (tenant_id, token_hash, issuer, subject, name, role, \
              sign_in_time, idle_time, expire_time) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8), now() + make_interval(secs => $9))";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(token_hash.as_slice())
            .bind::<Text, _>(staff.issuer.as_str())
            .bind::<Text, _>(staff.subject.as_str())
            .bind::<Text, _>(staff.name.as_str())
            .bind::<Text, _>(staff.role.name())
            .bind::<Timestamptz, _>(staff.sign_in_time)
            .bind::<Double, _>(times.idle.as_secs_f64())
            .bind::<Double, _>(times.longest.as_secs_f64());
        self.conn.execute("insert_console_session", Cached(query)).await.map(drop)
    }

    /// The person of the session whose token has this hash, which then lasts for `idle` more, but no
    /// longer than its end; `None` if there is no such session, or it has ended.
    pub async fn continue_console_session(
        &mut self,
        token_hash: &[u8; 32],
        idle: Duration,
    ) -> Result<Option<StaffMember>, StoreError> {
        const SQL: &str = "UPDATE console_sessions SET idle_time = now() + make_interval(secs => $3) \
            WHERE tenant_id = $1 AND token_hash = $2 AND idle_time > now() AND expire_time > now() \
            RETURNING issuer, subject, name, role, sign_in_time";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(token_hash.as_slice())
            .bind::<Double, _>(idle.as_secs_f64());
        let row: Option<SessionRow> =
            self.conn.load_one("continue_console_session", Cached(query)).await?;
        row.map(StaffMember::try_from).transpose()
    }

    /// The person of the session whose token has this hash; `None` if there is no such session, or it has
    /// ended.
    pub async fn console_session(
        &mut self,
        token_hash: &[u8; 32],
    ) -> Result<Option<StaffMember>, StoreError> {
        const SQL: &str = "SELECT issuer, subject, name, role, sign_in_time FROM console_sessions \
            WHERE tenant_id = $1 AND token_hash = $2 AND idle_time > now() AND expire_time > now()";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(token_hash.as_slice());
        let row: Option<SessionRow> = self.conn.load_one("console_session", Cached(query)).await?;
        row.map(StaffMember::try_from).transpose()
    }

    /// Ends the session whose token has this hash.
    pub async fn end_console_session(&mut self, token_hash: &[u8; 32]) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM console_sessions WHERE tenant_id = $1 AND token_hash = $2";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Binary, _>(token_hash.as_slice());
        self.conn.execute("end_console_session", Cached(query)).await.map(drop)
    }

    /// Records that a person looks at users. Returns whether the person has said why, now or before in
    /// this session, for each of them.
    ///
    /// The row of each user is locked against its deletion, so that an erasure finds the look; a user
    /// that is deleted meanwhile is not named.
    pub async fn record_looks(&mut self, look: &Look<'_>) -> Result<bool, StoreError> {
        const SQL: &str = "WITH seen AS ( \
              SELECT id FROM users WHERE tenant_id = $1 AND id = ANY($8) ORDER BY id FOR KEY SHARE), \
            noted AS ( \
              INSERT INTO console_looks (tenant_id, id, look_time, expire_time, session_hash, issuer, subject, role, page, \
                user_id, reason) \
              SELECT $1, gen_random_uuid(), now(), now() + make_interval(secs => $2), $3, $4, $5, $6, $7, seen.id, $9 \
              FROM seen RETURNING user_id) \
            SELECT coalesce(bool_and($9 IS NOT NULL OR EXISTS ( \
              SELECT FROM console_looks l WHERE l.tenant_id = $1 AND l.user_id = noted.user_id AND l.session_hash = $3 \
                AND l.reason IS NOT NULL)), false) AS has_reason FROM noted";
        let users: Vec<&str> = look.users.iter().map(UserId::as_str).collect();
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Double, _>(look.kept.as_secs_f64())
            .bind::<Binary, _>(look.session.as_slice())
            .bind::<Text, _>(look.by.issuer.as_str())
            .bind::<Text, _>(look.by.subject.as_str())
            .bind::<Text, _>(look.by.role.name())
            .bind::<Text, _>(look.page)
            .bind::<Array<Text>, _>(users)
            .bind::<Nullable<Text>, _>(look.reason);
        let row: Option<ReasonRow> = self.conn.load_one("record_looks", Cached(query)).await?;
        Ok(row.is_some_and(|row| row.has_reason))
    }
}
