//! Jobs, and their lines.
//!
//! A job is carried out by the server that has its lease. The server renews the lease while it works.
//! Each transaction of the job changes the row of the job, or for a link locks it as a key, on the
//! condition that the lease is still its own. So a server that was halted and has lost its job commits
//! nothing more, whatever it believes. A server that takes a job locks its row against both, and passes
//! over rows that such a transaction has locked.
//!
//! Locks are taken in this order: users, then the row of the job.

mod lines;
mod settings;
mod work;

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

pub use self::{
    lines::{JobStep, NewLine},
    settings::{
        AppliedPlan, ExportSettings, FindSettings, FoundDuplicates, ImportSettings, ImportedUsers,
        JobPlace, PlanSettings, UndoSettings,
    },
    work::{JobProgress, WaitingJobs},
};
use super::{
    Actor, Session, StoreError,
    bind::bigint,
    cached::Cached,
    stored::{from_json, to_json},
    writes::Expected,
};
use crate::domain::{JobKind, JobOutcome};

/// A job that a call starts.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id.
    pub id: Uuid,
    /// What it does.
    pub kind: JobKind,
    /// What the call asks for, in the form of the kind.
    pub settings: Value,
    /// The service that starts it.
    pub actor: Actor,
    /// The lines that it has from the start: the rows of an import.
    pub rows: Vec<NewLine>,
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// What it does; `None` for a kind of a later release.
    pub kind: Option<JobKind>,
    settings: Value,
    /// The service that started it.
    pub actor: Actor,
    position: Option<Value>,
    /// How much is done, in a unit of the kind.
    pub done: u64,
    /// How much there is to do; `None` while that is not known.
    pub total: Option<u64>,
    counts: Value,
    /// The number of the last line.
    pub lines: u64,
    figures: Option<Value>,
    /// How it has ended; `None` before.
    pub outcome: Option<JobOutcome>,
    /// When it was started.
    pub create_time: DateTime<Utc>,
    /// When a server first took it; `None` before.
    pub start_time: Option<DateTime<Utc>>,
    /// When a caller cancelled it; `None` if none did.
    pub cancel_time: Option<DateTime<Utc>>,
    /// When it has ended; `None` before.
    pub end_time: Option<DateTime<Utc>>,
}

/// A line of a job.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct JobLine {
    /// Its number, from 1.
    #[diesel(sql_type = BigInt)]
    pub number: i64,
    /// The line, without its line break.
    #[diesel(sql_type = Text)]
    pub line: String,
}

/// The columns of a job, for [`Row`].
macro_rules! job_columns {
    () => {
        "id, kind, settings, actor, position, done, total, counts, lines, figures, outcome, create_time, start_time, \
         cancel_time, end_time"
    };
}
use job_columns;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Jsonb)]
    settings: Value,
    #[diesel(sql_type = Jsonb)]
    actor: Value,
    #[diesel(sql_type = Nullable<Jsonb>)]
    position: Option<Value>,
    #[diesel(sql_type = BigInt)]
    done: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    total: Option<i64>,
    #[diesel(sql_type = Jsonb)]
    counts: Value,
    #[diesel(sql_type = BigInt)]
    lines: i64,
    #[diesel(sql_type = Nullable<Jsonb>)]
    figures: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    outcome: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    create_time: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    start_time: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    cancel_time: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    end_time: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Job {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let number = |number: i64| u64::try_from(number).unwrap_or_default();
        let outcome = row.outcome.map(|text| {
            JobOutcome::parse(&text).ok_or_else(|| StoreError::corrupt("outcome of a job"))
        });
        Ok(Self {
            id: row.id,
            kind: JobKind::parse(&row.kind),
            settings: row.settings,
            actor: from_json("actor of a job", row.actor)?,
            position: row.position,
            done: number(row.done),
            total: row.total.map(number),
            counts: row.counts,
            lines: number(row.lines),
            figures: row.figures,
            outcome: outcome.transpose()?,
            create_time: row.create_time,
            start_time: row.start_time,
            cancel_time: row.cancel_time,
            end_time: row.end_time,
        })
    }
}

impl Job {
    /// A job that was started at this time, and that no server has taken yet, or has to take.
    pub fn started(job: NewJob, create_time: DateTime<Utc>) -> Self {
        let NewJob { id, kind, settings, actor, rows } = job;
        let end_time = Some(create_time).filter(|_| kind == JobKind::ExportUsers);
        Self {
            id,
            kind: Some(kind),
            settings,
            actor,
            position: None,
            done: 0,
            total: None,
            counts: Value::Null,
            lines: u64::try_from(rows.len()).unwrap_or(u64::MAX),
            figures: None,
            outcome: end_time.map(|_| JobOutcome::Succeeded),
            create_time,
            start_time: end_time,
            cancel_time: None,
            end_time,
        }
    }

    /// What the call asked for, in the form of the kind.
    ///
    /// # Errors
    /// [`StoreError::Fault`] if it has another form.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        from_json("settings of a job", self.settings.clone())
    }

    /// Up to where its lines are stored and counted; `None` before the first.
    ///
    /// # Errors
    /// [`StoreError::Fault`] if this release does not know the form.
    pub fn position(&self) -> Result<Option<JobPlace>, StoreError> {
        self.position.clone().map(|at| from_json("position of a job", at)).transpose()
    }

    /// Its counts, as far as its lines are stored; the default before the first.
    ///
    /// # Errors
    /// [`StoreError::Fault`] if they have another form.
    pub fn counts<T: DeserializeOwned + Default>(&self) -> Result<T, StoreError> {
        match self.counts.as_object().is_none_or(serde_json::Map::is_empty) {
            true => Ok(T::default()),
            false => from_json("counts of a job", self.counts.clone()),
        }
    }

    /// Its result; `None` unless it has succeeded.
    ///
    /// # Errors
    /// [`StoreError::Fault`] if it has another form.
    pub fn figures<T: DeserializeOwned>(&self) -> Result<Option<T>, StoreError> {
        self.figures.clone().map(|figures| from_json("figures of a job", figures)).transpose()
    }
}

impl NewJob {
    /// A job with these settings.
    ///
    /// # Errors
    /// [`StoreError::Fault`] if they have no form in JSON; all of ours have one.
    pub fn new(
        id: Uuid,
        kind: JobKind,
        settings: &impl Serialize,
        actor: Actor,
    ) -> Result<Self, StoreError> {
        Ok(Self { id, kind, settings: to_json(settings)?, actor, rows: Vec::new() })
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Session {
    /// A job; `None` if there is none, or it was forgotten.
    pub async fn job(&mut self, id: Uuid) -> Result<Option<Job>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            job_columns!(),
            " FROM jobs WHERE tenant_id = $1 AND id = $2 AND (expire_time IS NULL OR expire_time > now())"
        );
        let query = sql_query(SQL).bind::<Text, _>(self.tenant.as_str()).bind::<SqlUuid, _>(id);
        let row: Option<Row> = self.conn.load_one("job", Cached(query)).await?;
        row.map(Job::try_from).transpose()
    }

    /// The jobs of the tenant, the newest first, at most `limit`, those after the job that was
    /// started then and has this id.
    pub async fn jobs_before(
        &mut self,
        before: Option<(DateTime<Utc>, Uuid)>,
        limit: usize,
    ) -> Result<Vec<Job>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            job_columns!(),
            " FROM jobs WHERE tenant_id = $1 AND (create_time, id) < ($2, $3) \
             AND (expire_time IS NULL OR expire_time > now()) ORDER BY create_time DESC, id DESC LIMIT $4"
        );
        let (time, id) = before.unwrap_or((DateTime::<Utc>::MAX_UTC, Uuid::max()));
        // The latest time of the database is before that of chrono.
        let latest = DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(time);
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Timestamptz, _>(time.min(latest))
            .bind::<SqlUuid, _>(id)
            .bind::<BigInt, _>(bigint(limit));
        let rows: Vec<Row> = self.conn.load("jobs_before", Cached(query)).await?;
        rows.into_iter().map(Job::try_from).collect()
    }

    /// How many jobs of the tenant have not ended.
    pub async fn unfinished_jobs(&mut self) -> Result<u64, StoreError> {
        // An upload that was broken off has no end, and is forgotten later.
        const SQL: &str = "SELECT count(*) AS count FROM jobs WHERE tenant_id = $1 AND end_time IS NULL \
            AND (kind <> 'upload_plan' OR lease_until > now())";
        let query = sql_query(SQL).bind::<Text, _>(self.tenant.as_str());
        let row: Option<Count> = self.conn.load_one("unfinished_jobs", Cached(query)).await?;
        Ok(row.and_then(|row| u64::try_from(row.count).ok()).unwrap_or_default())
    }

    /// The lines of a job with a number above `after`, in their order, at most `limit`, and as many
    /// as have together about `bytes`, but at least one.
    pub async fn job_lines(
        &mut self,
        job: Uuid,
        after: i64,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<JobLine>, StoreError> {
        const SQL: &str = "SELECT number, line FROM (SELECT number, line, \
              coalesce(sum(octet_length(line)) OVER (ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) \
                AS before \
              FROM (SELECT number, line FROM job_lines WHERE tenant_id = $1 AND job_id = $2 AND number > $3 \
                ORDER BY number LIMIT $4) l) s WHERE before < $5 ORDER BY number";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<SqlUuid, _>(job)
            .bind::<BigInt, _>(after)
            .bind::<BigInt, _>(bigint(limit))
            .bind::<BigInt, _>(bigint(bytes));
        self.conn.load("job_lines", Cached(query)).await
    }

    /// Adds a job to the open transaction. The rows of an import are forgotten in a day if no server
    /// takes it.
    pub fn insert_job(&mut self, job: &NewJob, now: DateTime<Utc>) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO jobs (tenant_id, id, kind, settings, actor, create_time, lines, start_time, end_time, \
              outcome, expire_time) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, CASE WHEN $8 THEN $6 END, CASE WHEN $8 THEN $6 END, \
              CASE WHEN $8 THEN 'succeeded' END, CASE WHEN $9 THEN $6 + interval '1 day' END)";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<SqlUuid, _>(job.id)
            .bind::<Text, _>(job.kind.as_str())
            .bind::<Jsonb, _>(job.settings.clone())
            .bind::<Jsonb, _>(to_json(&job.actor)?)
            .bind::<Timestamptz, _>(now)
            .bind::<BigInt, _>(bigint(job.rows.len()))
            .bind::<Bool, _>(job.kind == JobKind::ExportUsers)
            .bind::<Bool, _>(job.kind.is_transfer());
        self.write("insert_job", Cached(query), Expected::Locked(1));
        self.insert_first_lines(job.id, &job.rows)
    }

    /// Cancels a job in the open transaction, unless it has ended. The server that works on it ends
    /// it; a job that no server works on has ended at once.
    pub fn cancel_job(&mut self, id: Uuid) {
        const SQL: &str = "UPDATE jobs SET cancel_time = coalesce(cancel_time, now()), \
              end_time = CASE WHEN lease_owner IS NULL THEN now() END, \
              outcome = CASE WHEN lease_owner IS NULL THEN 'cancelled' END, \
              expire_time = CASE WHEN lease_owner IS NULL THEN now() + CASE kind WHEN 'import_users' THEN interval '1 day' \
                ELSE interval '30 days' END ELSE expire_time END \
            WHERE tenant_id = $1 AND id = $2 AND end_time IS NULL";
        let query = sql_query(SQL).bind::<Text, _>(self.tenant.to_string()).bind::<SqlUuid, _>(id);
        self.write("cancel_job", Cached(query), Expected::Any);
        self.forget_rows(id);
    }

    /// Forgets a job that has ended, in the open transaction. The sweep removes its rows.
    pub fn forget_job(&mut self, id: Uuid) {
        const SQL: &str = "UPDATE jobs SET expire_time = now() \
            WHERE tenant_id = $1 AND id = $2 AND end_time IS NOT NULL AND expire_time > now()";
        let query = sql_query(SQL).bind::<Text, _>(self.tenant.to_string()).bind::<SqlUuid, _>(id);
        self.write("forget_job", Cached(query), Expected::Any);
    }
}
