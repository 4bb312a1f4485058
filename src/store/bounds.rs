//! The bounds that the database applies to what a connection does. They hold even if this process
//! hangs, and without them one locked row takes every connection. A connection asks for them when it
//! opens ([`mod@super::connect`]), and a pooler in between may drop what it asks for without an error.

use diesel::{QueryResult, QueryableByName, sql_query, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

/// The settings that are bounds; zero is no bound.
const UNBOUNDED: &str = "SELECT name FROM unnest(ARRAY['statement_timeout', 'lock_timeout', \
    'idle_in_transaction_session_timeout']) AS name WHERE current_setting(name) = '0'";

/// Bounds that are not in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("these bounds are not in force: {}", .0.join(", "))]
pub struct MissingBounds(Vec<String>);

impl MissingBounds {
    /// What an operator does about it.
    pub const ADVICE: &str = "let a pooler in between pass the startup option `options` on, or set them with \
        ALTER ROLE, such as statement_timeout = '10s', lock_timeout = '5s', \
        idle_in_transaction_session_timeout = '30s'; set none of them to 0";
}

#[derive(QueryableByName)]
struct Unbounded {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Reads back whether each bound is in force on a connection.
pub(super) async fn check(conn: &mut AsyncPgConnection) -> QueryResult<Result<(), MissingBounds>> {
    let unbounded: Vec<Unbounded> = sql_query(UNBOUNDED).load(conn).await?;
    if unbounded.is_empty() {
        return Ok(Ok(()));
    }
    Ok(Err(MissingBounds(unbounded.into_iter().map(|setting| setting.name).collect())))
}
