//! What the server does that works on a job: it takes the job, renews its lease, stores lines, and
//! ends the job or gives it back.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{
        Array, BigInt, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
    },
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Job, JobPlace, Row, job_columns};
use crate::{
    domain::{JobKind, JobLease, JobOutcome, TenantId, UserRef},
    store::{
        Actor, Session, Store, StoreError, bind::bigint, cached::Cached, stored::to_json,
        writes::Expected,
    },
};

/// Why a write of a job does not commit.
const LOST: &str = "another server works on this job";
/// The most lines that one statement removes.
const AT_ONCE: usize = 1000;

/// The jobs of a tenant that no server works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingJobs {
    /// The tenant.
    pub tenant: TenantId,
    /// How many there are.
    pub jobs: u64,
    /// How long the one has waited that has waited longest, since its start or the end of its last
    /// lease.
    pub longest: Duration,
}

/// A line to store, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLine {
    /// The line, without its line break.
    pub line: String,
    /// The users and identities in it.
    pub concerned: Vec<UserRef>,
    /// What is stored in its place if one of the users does not exist any more; `None` for nothing.
    pub without_users: Option<String>,
}

/// A batch of a job.
#[derive(Debug)]
pub struct JobStep<'a, C> {
    /// The next lines.
    pub lines: Vec<NewLine>,
    /// Up to where the lines go now.
    pub place: Option<JobPlace>,
    /// The counts up to there.
    pub counts: &'a C,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobProgress {
    /// How much is done.
    pub done: u64,
    /// How much there is to do; `None` while that is not known.
    pub total: Option<u64>,
}

#[derive(QueryableByName)]
struct WaitingRow {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = BigInt)]
    jobs: i64,
    #[diesel(sql_type = Double)]
    seconds: f64,
}

#[derive(QueryableByName)]
struct Renewed {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    cancel_time: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Text)]
    id: String,
}

impl Store {
    /// The jobs to take of those among these tenants that have some, the tenant with the oldest job
    /// first. One statement for all tenants.
    ///
    /// # Errors
    /// As of [`Store::session`].
    pub async fn waiting_jobs(&self, tenants: &[TenantId]) -> Result<Vec<WaitingJobs>, StoreError> {
        const SQL: &str = "SELECT tenant_id, count(*) AS jobs, \
              extract(epoch FROM now() - min(coalesce(lease_until, create_time)))::float8 AS seconds \
            FROM jobs WHERE tenant_id = ANY($1) AND end_time IS NULL \
            AND kind = ANY($2) AND (lease_until IS NULL OR lease_until < now()) \
            AND (expire_time IS NULL OR expire_time > now()) \
            GROUP BY tenant_id ORDER BY min(create_time)";
        let names: Vec<&str> = tenants.iter().map(TenantId::as_str).collect();
        let query = sql_query(SQL).bind::<Array<Text>, _>(names).bind::<Array<Text>, _>(kinds());
        let conn = self.connection().await?;
        let rows: Vec<WaitingRow> = conn.load("waiting_jobs", Cached(query)).await?;
        let waiting = |row: WaitingRow| {
            let tenant = TenantId::parse(&row.tenant_id);
            Ok(WaitingJobs {
                tenant: tenant.ok_or_else(|| StoreError::corrupt("tenant"))?,
                jobs: u64::try_from(row.jobs).unwrap_or_default(),
                longest: Duration::try_from_secs_f64(row.seconds).unwrap_or_default(),
            })
        };
        rows.into_iter().map(waiting).collect()
    }
}

fn kinds() -> Vec<&'static str> {
    JobKind::WORKED_ON.map(JobKind::as_str).into()
}

impl Session {
    /// Takes the oldest job that no server works on, for this owner; `None` if there is none.
    pub async fn take_job(&mut self, owner: Uuid, seconds: u32) -> Result<Option<Job>, StoreError> {
        const SQL: &str = concat!(
            "UPDATE jobs SET lease_owner = $3, lease_until = now() + make_interval(secs => $4), \
              start_time = coalesce(start_time, now()) \
             WHERE tenant_id = $1 AND id = (SELECT id FROM jobs WHERE tenant_id = $1 AND end_time IS NULL \
               AND kind = ANY($2) AND (lease_until IS NULL OR lease_until < now()) \
               AND (expire_time IS NULL OR expire_time > now()) \
               ORDER BY create_time LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING ",
            job_columns!()
        );
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Array<Text>, _>(kinds())
            .bind::<SqlUuid, _>(owner)
            .bind::<Integer, _>(i32::try_from(seconds).unwrap_or(i32::MAX));
        let row: Option<Row> = self.conn.load_one("take_job", Cached(query)).await?;
        row.map(Job::try_from).transpose()
    }

    /// Begins the upload of a plan, in a transaction of its own. Without an end it is forgotten in a
    /// day.
    pub async fn begin_upload(&mut self, lease: JobLease, actor: &Actor) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO jobs (tenant_id, id, kind, settings, actor, lease_owner, lease_until, start_time, \
              expire_time) \
            VALUES ($1, $2, $3, '{}', $4, $5, now() + make_interval(secs => $6), now(), now() + interval '1 day')";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<SqlUuid, _>(lease.job)
            .bind::<Text, _>(JobKind::UploadPlan.as_str())
            .bind::<Jsonb, _>(to_json(actor)?)
            .bind::<SqlUuid, _>(lease.owner)
            .bind::<Integer, _>(seconds(lease));
        self.conn.execute("begin_upload", Cached(query)).await.map(drop)
    }

    /// Renews the lease, and notes how far the job is. Returns whether a caller has cancelled the
    /// job; `None` if the lease is lost.
    pub async fn renew_job(
        &mut self,
        lease: JobLease,
        JobProgress { done, total }: JobProgress,
    ) -> Result<Option<bool>, StoreError> {
        const SQL: &str = "UPDATE jobs SET lease_until = now() + make_interval(secs => $4), \
              done = greatest(done, $5), total = coalesce($6, total) \
            WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3 RETURNING cancel_time";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<SqlUuid, _>(lease.job)
            .bind::<SqlUuid, _>(lease.owner)
            .bind::<Integer, _>(seconds(lease))
            .bind::<BigInt, _>(number(done))
            .bind::<Nullable<BigInt>, _>(total.map(number));
        let row: Option<Renewed> = self.conn.load_one("renew_job", Cached(query)).await?;
        Ok(row.map(|row| row.cancel_time.is_some()))
    }

    /// Adds to the writes of the open transaction that the lease is still its owner's, and that no server
    /// takes the job before the transaction ends. Other transactions of the same owner do not wait for
    /// it: several links of a job commit together.
    pub(in crate::store) fn hold_lease(&mut self, lease: JobLease) {
        const SQL: &str = "SELECT FROM jobs WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3 \
            AND end_time IS NULL FOR KEY SHARE";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<SqlUuid, _>(lease.job)
            .bind::<SqlUuid, _>(lease.owner);
        self.write("hold_lease", Cached(query), Expected::Unless(1, LOST));
    }

    /// Stores a batch of a job, in a transaction of its own, and renews the lease. Of a line that concerns a user who does
    /// not exist any more, what has no user is stored. Returns the places in the batch of the lines of
    /// which nothing is.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the lease is lost; then nothing is stored.
    pub async fn step_job<C: Serialize>(
        &mut self,
        lease: JobLease,
        step: JobStep<'_, C>,
    ) -> Result<Vec<usize>, StoreError> {
        let JobStep { lines, place, counts } = step;
        self.conn.begin().await?;
        let stored = self.of_existing_users(lines).await?;
        let places = stored.iter().enumerate();
        let left_out = places.filter(|(_, line)| line.is_none()).map(|(at, _)| at).collect();
        self.write_step(lease, stored.into_iter().flatten().collect(), place, counts)?;
        self.commit_or_abandon().await?;
        Ok(left_out)
    }

    /// Adds a batch of a job to the open transaction, which also has what the batch says. Its lines
    /// concern identities alone.
    ///
    /// # Errors
    /// [`StoreError::Fault`] if the counts have no form in JSON; all of ours have one.
    pub fn add_job_step<C: Serialize>(
        &mut self,
        lease: JobLease,
        JobStep { lines, place, counts }: JobStep<'_, C>,
    ) -> Result<(), StoreError> {
        let lines = lines.into_iter().map(|line| (line.line, line.concerned)).collect();
        self.write_step(lease, lines, place, counts)
    }

    /// Adds to the open transaction the lines of a batch, its place and its counts, on the condition
    /// that the lease is still its owner's.
    fn write_step<C: Serialize>(
        &mut self,
        lease: JobLease,
        lines: Vec<(String, Vec<UserRef>)>,
        place: Option<JobPlace>,
        counts: &C,
    ) -> Result<(), StoreError> {
        let step = lines.len();
        self.insert_lines(lease.job, None, lines)?;
        const SQL: &str = "UPDATE jobs SET lines = lines + $4, position = coalesce($5, position), counts = $6, \
              lease_until = now() + make_interval(secs => $7) \
            WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3 AND end_time IS NULL";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<SqlUuid, _>(lease.job)
            .bind::<SqlUuid, _>(lease.owner)
            .bind::<BigInt, _>(bigint(step))
            .bind::<Nullable<Jsonb>, _>(place.map(|place| to_json(&place)).transpose()?)
            .bind::<Jsonb, _>(to_json(counts)?)
            .bind::<Integer, _>(seconds(lease));
        self.write("step_job", Cached(query), Expected::Unless(1, LOST));
        Ok(())
    }

    /// Removes the lines of a job that begins again, in small steps. Returns when none is left.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the lease is lost.
    pub async fn begin_lines_again(&mut self, lease: JobLease) -> Result<(), StoreError> {
        const LINES: &str = "DELETE FROM job_lines WHERE tenant_id = $1 AND job_id = $2 AND number = ANY (ARRAY ( \
            SELECT number FROM job_lines WHERE tenant_id = $1 AND job_id = $2 ORDER BY number LIMIT $3))";
        const JOB: &str = "UPDATE jobs SET lines = 0, done = 0, total = NULL, position = NULL \
            WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3 AND end_time IS NULL";
        loop {
            self.conn.begin().await?;
            let lines = sql_query(LINES)
                .bind::<Text, _>(self.tenant.as_str())
                .bind::<SqlUuid, _>(lease.job)
                .bind::<BigInt, _>(bigint(AT_ONCE));
            let removed = self.conn.execute("begin_lines_again", Cached(lines)).await?;
            let job = sql_query(JOB)
                .bind::<Text, _>(self.tenant.to_string())
                .bind::<SqlUuid, _>(lease.job)
                .bind::<SqlUuid, _>(lease.owner);
            self.write("begin_lines_again", Cached(job), Expected::Unless(1, LOST));
            self.commit_or_abandon().await?;
            if removed < AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Ends a job, with its figures if it has succeeded. It is kept for 30 days, and an import for one,
    /// without its rows.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the lease is lost.
    pub async fn end_job(
        &mut self,
        lease: JobLease,
        outcome: JobOutcome,
        figures: Option<Value>,
        progress: JobProgress,
    ) -> Result<(), StoreError> {
        self.conn.begin().await?;
        self.write_end(lease, outcome, figures, progress);
        self.commit_or_abandon().await
    }

    /// Adds the end of a job to the writes of the open transaction.
    pub fn write_end(
        &mut self,
        lease: JobLease,
        outcome: JobOutcome,
        figures: Option<Value>,
        progress: JobProgress,
    ) {
        const SQL: &str = "UPDATE jobs SET end_time = now(), outcome = $4, figures = $5, \
              done = greatest(done, $6), total = coalesce($7, total), \
              expire_time = now() + CASE kind WHEN 'import_users' THEN interval '1 day' ELSE interval '30 days' END, \
              lease_owner = NULL, lease_until = NULL \
            WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3 AND end_time IS NULL";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<SqlUuid, _>(lease.job)
            .bind::<SqlUuid, _>(lease.owner)
            .bind::<Text, _>(outcome.as_str())
            .bind::<Nullable<Jsonb>, _>(figures)
            .bind::<BigInt, _>(number(progress.done))
            .bind::<Nullable<BigInt>, _>(progress.total.map(number));
        self.write("end_job", Cached(query), Expected::Unless(1, LOST));
        self.forget_rows(lease.job);
    }

    /// Adds to the open transaction that the rows of an import that has ended are removed.
    pub(super) fn forget_rows(&mut self, job: Uuid) {
        const SQL: &str = "DELETE FROM job_lines l USING jobs j WHERE j.tenant_id = $1 AND j.id = $2 \
            AND j.kind = 'import_users' AND j.end_time IS NOT NULL \
            AND l.tenant_id = j.tenant_id AND l.job_id = j.id AND l.number <= (j.settings ->> 'rows')::bigint";
        let query = sql_query(SQL).bind::<Text, _>(self.tenant.to_string()).bind::<SqlUuid, _>(job);
        self.write("forget_rows", Cached(query), Expected::Any);
    }

    /// Adds the first lines of a new job to the open transaction.
    pub(super) fn insert_first_lines(
        &mut self,
        job: Uuid,
        rows: &[NewLine],
    ) -> Result<(), StoreError> {
        let lines = rows.iter().map(|row| (row.line.clone(), row.concerned.clone())).collect();
        self.insert_lines(job, Some(0), lines)
    }

    /// Gives a job back, so that another server takes it at once.
    pub async fn give_job_back(&mut self, lease: JobLease) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE jobs SET lease_owner = NULL, lease_until = NULL \
            WHERE tenant_id = $1 AND id = $2 AND lease_owner = $3";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<SqlUuid, _>(lease.job)
            .bind::<SqlUuid, _>(lease.owner);
        self.conn.execute("give_job_back", Cached(query)).await.map(drop)
    }

    /// The lines, with what is stored of each: all of it if its users exist. These cannot be deleted
    /// before the transaction ends, and after it their deletion finds the lines.
    async fn of_existing_users(
        &mut self,
        lines: Vec<NewLine>,
    ) -> Result<Vec<Option<(String, Vec<UserRef>)>>, StoreError> {
        const SQL: &str =
            "SELECT id FROM users WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id FOR KEY SHARE";
        let mut ids: Vec<&str> = lines.iter().flat_map(|line| user_ids(&line.concerned)).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut existing: Vec<String> = Vec::new();
        if !ids.is_empty() {
            let query =
                sql_query(SQL).bind::<Text, _>(self.tenant.as_str()).bind::<Array<Text>, _>(ids);
            let rows: Vec<Id> = self.conn.load("existing_users", Cached(query)).await?;
            existing = rows.into_iter().map(|row| row.id).collect();
            existing.sort_unstable();
        }
        let exist = |id: &str| existing.binary_search_by(|other| other.as_str().cmp(id)).is_ok();
        let stored = lines.into_iter().map(|line| {
            if user_ids(&line.concerned).all(exist) {
                return Some((line.line, line.concerned));
            }
            line.without_users.map(|text| (text, Vec::new()))
        });
        Ok(stored.collect())
    }

    /// Adds lines to the open transaction, behind the one with this number, or behind those of the
    /// job.
    fn insert_lines(
        &mut self,
        job: Uuid,
        after: Option<i64>,
        lines: Vec<(String, Vec<UserRef>)>,
    ) -> Result<(), StoreError> {
        // An array of arrays has only rows of one length, so the names come as JSON.
        const SQL: &str = "INSERT INTO job_lines (tenant_id, job_id, number, line, concerned) \
            SELECT $1, $2, coalesce($5, j.lines) + l.n, l.line, ARRAY (SELECT jsonb_array_elements_text(l.concerned)) \
            FROM jobs j, ROWS FROM (unnest($3::text[]), jsonb_array_elements($4)) WITH ORDINALITY AS l(line, concerned, n) \
            WHERE j.tenant_id = $1 AND j.id = $2";
        if lines.is_empty() {
            return Ok(());
        }
        let count = lines.len();
        let (texts, concerned): (Vec<String>, Vec<Vec<UserRef>>) = lines.into_iter().unzip();
        let names = |refs: &Vec<UserRef>| refs.iter().map(text).collect::<Vec<_>>();
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<SqlUuid, _>(job)
            .bind::<Array<Text>, _>(texts)
            .bind::<Jsonb, _>(to_json(&concerned.iter().map(names).collect::<Vec<_>>())?)
            .bind::<Nullable<BigInt>, _>(after);
        self.write("insert_lines", Cached(query), Expected::Locked(count));
        Ok(())
    }

    /// Commits, or rolls back so that the session can go on.
    async fn commit_or_abandon(&mut self) -> Result<(), StoreError> {
        let committed = self.commit().await;
        if committed.is_err() {
            // If this fails, the pool discards the connection.
            drop(self.abandon().await);
        }
        committed
    }
}

/// How long a lease holds, for a statement.
fn seconds(lease: JobLease) -> i32 {
    i32::try_from(lease.seconds).unwrap_or(i32::MAX)
}

fn user_ids(refs: &[UserRef]) -> impl Iterator<Item = &str> {
    refs.iter().filter_map(|named| match named {
        UserRef::UserId(id) => Some(id.as_str()),
        UserRef::Identity(_) => None,
    })
}

fn text(named: &UserRef) -> String {
    match named {
        UserRef::UserId(id) => id.to_string(),
        UserRef::Identity(identity) => identity.to_string(),
    }
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
