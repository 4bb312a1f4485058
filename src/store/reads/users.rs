//! Look-ups of whole users, for many keys in one statement.
//!
//! Each subquery is LATERAL with a LIMIT or OFFSET, so that the database looks up one key after the
//! other by an index, whatever it knows about the tables.

use std::sync::Arc;

use diesel::{
    pg::Pg,
    query_builder::QueryFragment,
    sql_query,
    sql_types::{Array, BigInt, Bool, Text},
};

use super::{Scope, batch::BatchQuery};
use crate::{
    domain::{IdentityRef, TenantId, User, UserId},
    store::{
        StoreError,
        bind::{bigint, column},
        cached::{Cached, Positional},
        connection::Connection,
        trust::{Trust, email_counts},
        user_rows::{UserRow, UserRowSql, user_and_identities, user_columns, users_by_key},
    },
};

/// Users by their own ids, or by those of users that they hold.
pub(super) struct UserById(pub Arc<Scope>);

impl BatchQuery for UserById {
    type Key = UserId;
    type Found = Option<User>;

    const NAME: &'static str = "users_by_ids";

    async fn run(
        &self,
        conn: &mut Connection,
        keys: &[UserId],
    ) -> Result<Vec<Result<Option<User>, StoreError>>, StoreError> {
        users_by_ids(conn, &self.0.tenant, &self.0.trust, keys).await
    }
}

/// The same as [`super::Reads::user_by_id`] for each of these ids.
pub(in crate::store) async fn users_by_ids(
    conn: &mut Connection,
    tenant: &TenantId,
    trust: &Trust,
    ids: &[UserId],
) -> Result<Vec<Result<Option<User>, StoreError>>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        user_columns!("q.position"),
        " FROM unnest($2::text[]) WITH ORDINALITY AS q(id, position) \
         JOIN LATERAL (SELECT * FROM users WHERE tenant_id = $1 AND id = q.id LIMIT 1) n ON true",
        user_and_identities!("coalesce(n.absorbed_into, n.id)")
    );
    let query = sql_query(SQL)
        .bind::<Text, _>(tenant.as_str())
        .bind::<Array<Text>, _>(column(ids, UserId::as_str));
    Ok(firsts(load(conn, UserById::NAME, query, ids.len(), trust).await?))
}

/// Users by their identities.
pub(super) struct UserByIdentity(pub Arc<Scope>);

impl BatchQuery for UserByIdentity {
    type Key = IdentityRef;
    type Found = Option<User>;

    const NAME: &'static str = "users_by_identities";

    async fn run(
        &self,
        conn: &mut Connection,
        keys: &[IdentityRef],
    ) -> Result<Vec<Result<Option<User>, StoreError>>, StoreError> {
        users_by_identities(conn, &self.0.tenant, &self.0.trust, keys).await
    }
}

/// The same as [`super::Reads::user_by_identity`] for each of these identities.
pub(in crate::store) async fn users_by_identities(
    conn: &mut Connection,
    tenant: &TenantId,
    trust: &Trust,
    ids: &[IdentityRef],
) -> Result<Vec<Result<Option<User>, StoreError>>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        user_columns!("q.position"),
        " FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS q(provider, subject, position) \
         JOIN LATERAL (SELECT owner_id FROM identities WHERE tenant_id = $1 AND provider = q.provider \
           AND subject = q.subject LIMIT 1) n ON true",
        user_and_identities!("n.owner_id")
    );
    let query = sql_query(SQL)
        .bind::<Text, _>(tenant.as_str())
        .bind::<Array<Text>, _>(column(ids, |id| id.provider.as_str()))
        .bind::<Array<Text>, _>(column(ids, |id| id.subject.as_str()));
    Ok(firsts(load(conn, UserByIdentity::NAME, query, ids.len(), trust).await?))
}

/// A search for the users with an identity that has an email.
#[derive(Debug, Clone)]
pub struct EmailSearch {
    /// The canonical email.
    pub canonical: String,
    /// Whether identities count whose email is not verified.
    pub include_unverified: bool,
    /// The id after which the users begin; empty for the first ones.
    pub after: String,
    /// The most users that are found.
    pub limit: usize,
}

/// Users by the emails of their identities.
pub(super) struct UsersByEmail(pub Arc<Scope>);

impl BatchQuery for UsersByEmail {
    type Key = EmailSearch;
    type Found = Vec<User>;

    const NAME: &'static str = "users_by_emails";

    async fn run(
        &self,
        conn: &mut Connection,
        keys: &[EmailSearch],
    ) -> Result<Vec<Result<Vec<User>, StoreError>>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!("q.position"),
            " FROM unnest($2::text[], $3::text[], $4::boolean[], $5::bigint[]) \
                WITH ORDINALITY AS q(email, after, unverified, size, position) \
             JOIN LATERAL (SELECT DISTINCT i.owner_id FROM identities i WHERE i.tenant_id = $1 \
               AND i.email_canonical = q.email AND i.owner_id > q.after AND (q.unverified OR ",
            email_counts!("i", "$6", "$7", "$8", "$9"),
            ") ORDER BY i.owner_id LIMIT q.size) n ON true",
            user_and_identities!("n.owner_id")
        );
        let verifiers = &self.0.trust.verifiers;
        let query = sql_query(SQL)
            .bind::<Text, _>(self.0.tenant.as_str())
            .bind::<Array<Text>, _>(column(keys, |key| key.canonical.as_str()))
            .bind::<Array<Text>, _>(column(keys, |key| key.after.as_str()))
            .bind::<Array<Bool>, _>(column(keys, |key| key.include_unverified))
            .bind::<Array<BigInt>, _>(column(keys, |key| bigint(key.limit)))
            .bind::<Array<Text>, _>(&verifiers.always)
            .bind::<Array<Text>, _>(&verifiers.domains)
            .bind::<Array<Text>, _>(&verifiers.hosted)
            .bind::<Array<Text>, _>(&verifiers.imported);
        load(conn, Self::NAME, query, keys.len(), &self.0.trust).await
    }
}

/// The users of each key, in the order of the keys.
async fn load<Q>(
    conn: &mut Connection,
    name: &'static str,
    query: Q,
    keys: usize,
    trust: &Trust,
) -> Result<Vec<Result<Vec<User>, StoreError>>, StoreError>
where
    Q: QueryFragment<Pg> + Send,
{
    let rows: Vec<UserRow> =
        conn.load(name, Positional::<_, UserRowSql>::new(Cached(query))).await?;
    Ok(users_by_key(rows, keys, &trust.policies))
}

/// The first user of each key.
fn firsts(found: Vec<Result<Vec<User>, StoreError>>) -> Vec<Result<Option<User>, StoreError>> {
    found.into_iter().map(|users| Ok(users?.into_iter().next())).collect()
}
