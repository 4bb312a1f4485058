//! Prepared statements for queries that diesel would otherwise prepare on each execution.

use diesel::{
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
};

/// A query whose prepared statement is cached on the connection, which saves a round trip per call.
///
/// diesel caches automatically only the queries whose shape it knows statically, and `sql_query`
/// and `UPDATE` are not among them. The cache has no bound: wrap fixed SQL texts only.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cached<Q>(pub Q);

impl<Q> QueryId for Cached<Q> {
    type QueryId = ();
    // The SQL text is the cache key.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Cached<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q: Query> Query for Cached<Q> {
    type SqlType = Q::SqlType;
}
