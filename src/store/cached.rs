//! Prepared statements for queries that diesel would otherwise prepare on each execution, and rows
//! that are decoded by position.

use std::marker::PhantomData;

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

/// A query by text whose columns have these types, so that its rows are decoded by position. Its
/// prepared statement is cached if that of the query is.
pub(super) struct Positional<Q, ST> {
    query: Q,
    columns: PhantomData<ST>,
}

impl<Q, ST> Positional<Q, ST> {
    pub(super) fn new(query: Q) -> Self {
        Self { query, columns: PhantomData }
    }
}

impl<Q, ST> QueryId for Positional<Q, ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<Pg>, ST> QueryFragment<Pg> for Positional<Q, ST> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.query.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, backend: &Pg) -> QueryResult<bool> {
        self.query.is_safe_to_cache_prepared(backend)
    }
}

impl<Q, ST> Query for Positional<Q, ST> {
    type SqlType = ST;
}
