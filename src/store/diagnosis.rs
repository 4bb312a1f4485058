//! What an operator has to know of a database before a server uses it. Nothing here writes.

use std::time::Instant;

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, Bool, Integer, Text, Timestamptz},
};
use diesel_async::RunQueryDsl as _;

use super::{
    Address, MissingBounds, SchemaMismatch, SealedRows, StoreError, bounds, connect, migrations,
    provider_tokens::SEALED_ROWS,
};
use crate::domain::TenantId;

/// The state of a database.
pub struct Diagnosis {
    /// Its version, such as `18.1`.
    pub version: String,
    /// Its version as a number, such as 180001.
    pub version_number: i32,
    /// Whether it refuses writes: a standby, or a database that is set so.
    pub is_read_only: bool,
    /// The language of its messages, such as `en_US.UTF-8`.
    pub messages: String,
    /// Its time at `at`.
    pub time: DateTime<Utc>,
    /// When the time was read, in the middle of the request.
    pub at: Instant,
    /// Whether it bounds a statement, a wait for a lock and an idle transaction.
    pub bounds: Result<(), MissingBounds>,
    /// Whether this binary serves on its schema, which may be that of a newer release.
    pub schema: Result<(), SchemaMismatch>,
    /// The keys that sealed tokens of providers need; empty if the schema does not fit.
    pub sealed: Vec<SealedRows>,
}

#[derive(QueryableByName)]
struct Server {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Integer)]
    number: i32,
    #[diesel(sql_type = Bool)]
    read_only: bool,
    #[diesel(sql_type = Text)]
    messages: String,
    #[diesel(sql_type = Timestamptz)]
    time: DateTime<Utc>,
}

impl Diagnosis {
    /// Reads the state of the database at this address, on a connection of its own, with the keys
    /// that these tenants need.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it cannot be reached.
    pub async fn read(address: &Address, tenants: &[TenantId]) -> Result<Self, StoreError> {
        let mut conn = connect(address).await?;
        let asked = Instant::now();
        let server: Server = sql_query(
            "SELECT current_setting('server_version') AS version, \
             current_setting('server_version_num')::integer AS number, \
             current_setting('transaction_read_only')::boolean AS read_only, \
             current_setting('lc_messages') AS messages, \
             clock_timestamp() AS time",
        )
        .get_result(&mut conn)
        .await?;
        let at = asked + asked.elapsed() / 2;
        let bounds = bounds::check(&mut conn).await?;
        let schema = migrations::check(&mut conn).await?;
        let sealed = match &schema {
            Ok(()) => {
                let tenants: Vec<&str> = tenants.iter().map(TenantId::as_str).collect();
                sql_query(SEALED_ROWS).bind::<Array<Text>, _>(tenants).load(&mut conn).await?
            }
            Err(_) => Vec::new(),
        };
        Ok(Self {
            version: server.version,
            version_number: server.number,
            is_read_only: server.read_only,
            messages: server.messages,
            time: server.time,
            at,
            bounds,
            schema,
            sealed,
        })
    }
}
