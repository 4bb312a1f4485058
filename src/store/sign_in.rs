//! What a sign-in is decided on, and what it refreshes.

use std::collections::HashSet;

use diesel::{
    ExpressionMethods as _, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Text},
};

use super::{
    Session, StoreError,
    cached::Cached,
    rows::{UserRow, json, user_columns, user_id, verifier_json},
    schema::identities,
};
use crate::domain::{Identity, IdentityRef, Named, User, UserId};

/// How many users are looked at who have verified an email, and how many who have not.
const LOOKED_AT: (i64, i64) = (100, 20);

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = Text)]
    id: String,
}

impl Session {
    /// The live users of whom an identity has this canonical email. However many only claim it, those who
    /// have verified it are among them.
    pub async fn email_holders(&mut self, canonical: &str) -> Result<Vec<User>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!(),
            " FROM ((SELECT DISTINCT owner_id FROM identities WHERE tenant_id = $1 AND email_canonical = $2 \
                       AND email_verified ORDER BY owner_id LIMIT $3) \
                    UNION (SELECT DISTINCT owner_id FROM identities WHERE tenant_id = $1 AND email_canonical = $2 \
                       AND NOT email_verified ORDER BY owner_id LIMIT $4)) m \
              JOIN users u ON u.tenant_id = $1 AND u.id = m.owner_id ORDER BY u.id"
        );
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(canonical)
            .bind::<BigInt, _>(LOOKED_AT.0)
            .bind::<BigInt, _>(LOOKED_AT.1);
        let rows: Vec<UserRow> = self.conn.load(Cached(query)).await?;
        rows.into_iter().map(User::try_from).collect()
    }

    /// Those of these users from whom an account that nobody owns was taken apart before its user was
    /// deleted: what is left of both are keyed hashes, of one time.
    pub async fn parted_from(
        &mut self,
        account: &IdentityRef,
        users: &[&UserId],
    ) -> Result<HashSet<UserId>, StoreError> {
        // From the links on: nothing finds tombstones by time.
        const SQL: &str = "SELECT l.id FROM (SELECT tenant_id, primary_id AS id, secondary_id AS other FROM links \
                WHERE tenant_id = $1 AND primary_id = ANY($3) AND secondary_id LIKE 'deleted:%' \
              UNION ALL SELECT tenant_id, secondary_id, primary_id FROM links \
                WHERE tenant_id = $1 AND secondary_id = ANY($3) AND primary_id LIKE 'deleted:%') l \
            CROSS JOIN LATERAL (SELECT delete_time FROM tombstones d WHERE d.tenant_id = $1 \
              AND d.id_hash = decode(substr(l.other, length('deleted:') + 1), 'hex') LIMIT 1) d \
            JOIN tombstones a ON a.tenant_id = $1 AND a.id_hash = $2 AND a.delete_time = d.delete_time";
        let ids: Vec<&str> = users.iter().map(|id| id.as_str()).collect();
        let hash = self.tombstone_hash(&Named::Identity(account.clone())).to_vec();
        let query =
            sql_query(SQL).bind::<Text, _>(self.tenant.as_str()).bind::<Binary, _>(hash).bind::<Array<Text>, _>(ids);
        let rows: Vec<IdRow> = self.conn.load(Cached(query)).await?;
        rows.iter().map(|row| user_id(&row.id)).collect()
    }

    /// Writes what a sign-in told of an identity that is there: its email and its profile.
    pub async fn refresh_identity(&mut self, identity: &Identity) -> Result<(), StoreError> {
        let email = identity.email.as_ref();
        let verified = email.and_then(|email| email.verified.as_ref());
        let update = diesel::update(identities::table)
            .filter(identities::tenant_id.eq(self.tenant.as_str()))
            .filter(identities::provider.eq(identity.id.provider.as_str()))
            .filter(identities::subject.eq(identity.id.subject.as_str()))
            .set((
                identities::email.eq(email.map(|email| &email.given)),
                identities::email_canonical.eq(email.and_then(|email| email.canonical.as_ref())),
                identities::email_verified.eq(verified.is_some()),
                identities::email_verify_time.eq(verified.map(|verified| verified.time)),
                identities::email_verifier.eq(verified.map(|verified| verifier_json(&verified.by))),
                identities::profile_data.eq(json(&identity.profile_data)),
            ));
        self.conn.execute(Cached(update)).await?;
        Ok(())
    }
}
