//! The lines of a job: what it found or did, and the rows of an import.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use serde::Serialize;
use uuid::Uuid;

use super::{
    JobPlace,
    work::{LOST, seconds},
};
use crate::{
    domain::{JobLease, UserRef},
    store::{Session, StoreError, bind::bigint, cached::Cached, stored::to_json, writes::Expected},
};

/// The most lines that one statement removes.
const AT_ONCE: usize = 1000;

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

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Text)]
    id: String,
}

impl Session {
    /// Stores a batch of a job, in a transaction of its own, and renews the lease. Of a line that
    /// concerns a user who does not exist any more, what has no user is stored. Returns the places in
    /// the batch of the lines of which nothing is.
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
