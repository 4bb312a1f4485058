//! Counts moves of providers: see `pins.rs`.

use diesel::{QueryResult, QueryableByName, sql_query, sql_types::BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Counts the beginnings and ends of moves so far.
pub(super) async fn count_moves(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    const SQL: &str = "SELECT count(*) + count(end_time) AS count FROM provider_moves";
    let row: Count = sql_query(SQL).get_result(conn).await?;
    Ok(row.count)
}
