//! What the server does that works on a job: it takes the job, renews its lease, and ends the job or
//! gives it back.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{
        Array, BigInt, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
    },
};
use serde_json::Value;
use uuid::Uuid;

use super::{Job, Row, job_columns};
use crate::{
    domain::{JobKind, JobLease, JobOutcome, TenantId},
    store::{Actor, Session, Store, StoreError, cached::Cached, stored::to_json, writes::Expected},
};

/// Why a write of a job does not commit.
pub(super) const LOST: &str = "another server works on this job";

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

    /// Commits, or rolls back so that the session can go on.
    pub(super) async fn commit_or_abandon(&mut self) -> Result<(), StoreError> {
        let committed = self.commit().await;
        if committed.is_err() {
            // If this fails, the pool discards the connection.
            drop(self.abandon().await);
        }
        committed
    }
}

/// How long a lease holds, for a statement.
pub(super) fn seconds(lease: JobLease) -> i32 {
    i32::try_from(lease.seconds).unwrap_or(i32::MAX)
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
