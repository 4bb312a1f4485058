//! The reads of suggested linking.

use std::collections::HashSet;

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Text},
};

use super::{
    Session, StoreError,
    cached::Cached,
    rows::user_id,
    trust::email_counts,
    user_rows::{user_and_identities, user_columns},
};
use crate::domain::{User, UserId};

/// The most users that are read for one email, and for all emails together.
const LOOKED_AT: i64 = 100;

#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = Text)]
    primary_id: String,
    #[diesel(sql_type = Text)]
    secondary_id: String,
}

impl Session {
    /// Users other than `user`, if one is named, that have an identity with one of these canonical
    /// emails, verified by a provider whose emails link.
    pub async fn users_sharing_emails(
        &mut self,
        user: Option<&UserId>,
        emails: &[&str],
    ) -> Result<Vec<User>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!("0::bigint"),
            " FROM (SELECT DISTINCT m.owner_id FROM unnest($3::text[]) AS e(email) \
                     CROSS JOIN LATERAL (SELECT DISTINCT i.owner_id FROM identities i \
                       WHERE i.tenant_id = $1 AND i.email_canonical = e.email AND i.owner_id <> $2 AND ",
            email_counts!("i", "$5", "$6", "$7", "$8"),
            " ORDER BY i.owner_id LIMIT $4) m \
                     ORDER BY m.owner_id LIMIT $4) c",
            user_and_identities!("c.owner_id")
        );
        let verifiers = &self.trust.linking_verifiers;
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            // No id is empty.
            .bind::<Text, _>(user.map_or("", UserId::as_str))
            .bind::<Array<Text>, _>(emails)
            .bind::<BigInt, _>(LOOKED_AT)
            .bind::<Array<Text>, _>(&verifiers.always)
            .bind::<Array<Text>, _>(&verifiers.domains)
            .bind::<Array<Text>, _>(&verifiers.hosted)
            .bind::<Array<Text>, _>(&verifiers.imported);
        self.load_users(Cached(query)).await
    }

    /// The primary and the secondary side of each undone link between `ones` and `others`.
    pub async fn undone_links_between(
        &mut self,
        ones: &[&UserId],
        others: &[&UserId],
    ) -> Result<HashSet<(UserId, UserId)>, StoreError> {
        const SQL: &str = "SELECT primary_id, secondary_id FROM links WHERE tenant_id = $1 AND undo_time IS NOT NULL \
              AND primary_id = ANY($2) AND secondary_id = ANY($3) \
            UNION SELECT primary_id, secondary_id FROM links WHERE tenant_id = $1 AND undo_time IS NOT NULL \
              AND primary_id = ANY($3) AND secondary_id = ANY($2)";
        let texts = |ids: &[&UserId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Array<Text>, _>(texts(ones))
            .bind::<Array<Text>, _>(texts(others));
        let pairs: Vec<Pair> = self.conn.load("undone_links_between", Cached(query)).await?;
        pairs
            .iter()
            .map(|pair| Ok((user_id(&pair.primary_id)?, user_id(&pair.secondary_id)?)))
            .collect()
    }
}
