//! The progress of imports.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use crate::store::{Session, StoreError, cached::Cached, writes::Expected};

/// The progress of an import: which rows of its input are settled, and how.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct ImportRun {
    /// Identifies the import.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The settled rows, counted from the beginning of the input: the sum of the four outcomes.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// The rows whose user was created.
    #[diesel(sql_type = BigInt)]
    pub created: i64,
    /// The rows whose user was there already.
    #[diesel(sql_type = BigInt)]
    pub present: i64,
    /// The rows that are no user by the word of their source.
    #[diesel(sql_type = BigInt)]
    pub skipped: i64,
    /// The rows that were refused.
    #[diesel(sql_type = BigInt)]
    pub refused: i64,
    /// The length of the report up to the last settled row, in bytes.
    #[diesel(sql_type = BigInt)]
    pub report_bytes: i64,
    /// The length of the file of new ids up to the last settled row, in bytes.
    #[diesel(sql_type = BigInt)]
    pub ids_bytes: i64,
    /// When the import began.
    #[diesel(sql_type = Timestamptz)]
    pub begin_time: DateTime<Utc>,
    /// When the last part was committed.
    #[diesel(sql_type = Timestamptz)]
    pub update_time: DateTime<Utc>,
    /// When the last row of the input was settled; `None` before.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub end_time: Option<DateTime<Utc>>,
}

impl ImportRun {
    /// An import of which no row is settled.
    pub fn new(id: Uuid, now: DateTime<Utc>) -> Self {
        let (rows, created, present, skipped, refused, report_bytes, ids_bytes) =
            Default::default();
        Self {
            id,
            rows,
            created,
            present,
            skipped,
            refused,
            report_bytes,
            ids_bytes,
            begin_time: now,
            update_time: now,
            end_time: None,
        }
    }
}

impl Session {
    /// The progress of an import; `None` if no part of it was committed.
    pub async fn import_run(&mut self, id: Uuid) -> Result<Option<ImportRun>, StoreError> {
        const SQL: &str = "SELECT id, rows, created, present, skipped, refused, report_bytes, ids_bytes, begin_time, \
              update_time, end_time FROM import_runs WHERE tenant_id = $1 AND id = $2";
        let query = sql_query(SQL).bind::<Text, _>(self.tenant.as_str()).bind::<SqlUuid, _>(id);
        self.conn.load_one("import_run", Cached(query)).await
    }

    /// Writes the progress in the open transaction. It only moves on: the transaction does not
    /// commit if as many rows are settled already, by another process with the same import, unless
    /// this ends it. An import that has ended can only begin again.
    pub fn save_import_run(&mut self, run: &ImportRun) {
        const SQL: &str = "INSERT INTO import_runs AS r (tenant_id, id, rows, created, present, skipped, refused, \
              report_bytes, ids_bytes, begin_time, update_time, end_time) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
            ON CONFLICT ON CONSTRAINT import_runs_pkey DO UPDATE SET begin_time = excluded.begin_time, rows = excluded.rows, created = excluded.created, \
              present = excluded.present, skipped = excluded.skipped, refused = excluded.refused, \
              report_bytes = excluded.report_bytes, ids_bytes = excluded.ids_bytes, update_time = excluded.update_time, \
              end_time = excluded.end_time \
            WHERE CASE WHEN r.end_time IS NULL \
              THEN r.rows < excluded.rows OR r.rows = excluded.rows AND excluded.end_time IS NOT NULL \
              ELSE excluded.rows = 0 AND excluded.end_time IS NULL END";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<SqlUuid, _>(run.id)
            .bind::<BigInt, _>(run.rows)
            .bind::<BigInt, _>(run.created)
            .bind::<BigInt, _>(run.present)
            .bind::<BigInt, _>(run.skipped)
            .bind::<BigInt, _>(run.refused)
            .bind::<BigInt, _>(run.report_bytes)
            .bind::<BigInt, _>(run.ids_bytes)
            .bind::<Timestamptz, _>(run.begin_time)
            .bind::<Timestamptz, _>(run.update_time)
            .bind::<Nullable<Timestamptz>, _>(run.end_time);
        let expected = Expected::Unless(1, "another process runs this import");
        self.write("save_import_run", Cached(query), expected);
    }
}
