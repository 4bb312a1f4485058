//! What a sign-in reads for its decision.

use diesel::{
    sql_query,
    sql_types::{Array, BigInt, Text},
};

use super::{
    Session, StoreError,
    cached::Cached,
    trust::email_counts,
    user_rows::{user_and_identities, user_columns},
};
use crate::domain::User;

/// The most users that are read: first those whose email counts as verified, then the others.
const LOOKED_AT: (i64, i64) = (100, 20);

impl Session {
    /// The live users with an identity that has this canonical email, as far as a decision needs
    /// them: without metadata, and with no claim of a profile except the `hd` of identities with
    /// this email. The result contains the first hundred users whose email counts as verified,
    /// however many others only claim it.
    pub async fn email_holders(&mut self, canonical: &str) -> Result<Vec<User>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!(
                "0::bigint",
                profile_data = "CASE WHEN i.email_canonical = $2 AND i.profile_data ? 'hd' \
                    THEN jsonb_build_object('hd', i.profile_data->'hd') ELSE '{}' END"
            ),
            " FROM ((SELECT DISTINCT i.owner_id FROM identities i WHERE i.tenant_id = $1 AND i.email_canonical = $2 AND ",
            email_counts!("i", "$5", "$6", "$7", "$8"),
            " ORDER BY i.owner_id LIMIT $3) \
                  UNION (SELECT DISTINCT i.owner_id FROM identities i WHERE i.tenant_id = $1 AND i.email_canonical = $2 \
                     AND NOT (",
            email_counts!("i", "$5", "$6", "$7", "$8"),
            ") ORDER BY i.owner_id LIMIT $4)) m",
            user_and_identities!("m.owner_id")
        );
        let verifiers = &self.trust.verifiers;
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(canonical)
            .bind::<BigInt, _>(LOOKED_AT.0)
            .bind::<BigInt, _>(LOOKED_AT.1)
            .bind::<Array<Text>, _>(&verifiers.always)
            .bind::<Array<Text>, _>(&verifiers.domains)
            .bind::<Array<Text>, _>(&verifiers.hosted)
            .bind::<Array<Text>, _>(&verifiers.imported);
        self.load_users(Cached(query)).await
    }
}
