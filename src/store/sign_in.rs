//! What a sign-in reads for its decision.

use diesel::{
    sql_query,
    sql_types::{Array, BigInt, Text},
};

use super::{Session, StoreError, cached::Cached, trust::email_counts};
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
            "SELECT u.id, u.version, u.create_time, u.update_time, u.absorbed_into, u.absorbed_by_link, \
              u.absorbed_time, u.primary_provider, u.primary_subject, '{}'::jsonb AS user_metadata, \
              '{}'::jsonb AS app_metadata, '{}'::jsonb AS profile_overrides, u.blocked, u.tokens_valid_from, \
              u.spared_token, u.writes_valid_from, u.ancestors, u.identities_version, \
              (SELECT json_agg(json_build_object('provider', i.provider, 'subject', i.subject, 'home_id', i.home_id, \
                  'ordinal', i.ordinal, 'connection', i.connection, 'social', i.social, 'email', i.email, \
                  'email_canonical', i.email_canonical, 'email_verify_time', i.email_verify_time, \
                  'email_verifier', i.email_verifier, 'attach_time', i.attach_time, \
                  'attached_by_link', i.attached_by_link, 'owner_since', i.owner_since, \
                  'moved_by_proof', i.moved_by_proof, 'vouched', i.vouched, \
                  'email_proven_since', i.email_proven_since, 'email_proven_among', i.email_proven_among, \
                  'email_changed', i.email_changed, 'profile_data', \
                  CASE WHEN i.email_canonical = $2 AND i.profile_data ? 'hd' \
                    THEN jsonb_build_object('hd', i.profile_data->'hd') ELSE '{}' END) ORDER BY i.ordinal) \
                FROM identities i WHERE i.tenant_id = u.tenant_id AND i.owner_id = u.id) AS identities \
            FROM ((SELECT DISTINCT i.owner_id FROM identities i WHERE i.tenant_id = $1 AND i.email_canonical = $2 AND ",
            email_counts!("i", "$5", "$6", "$7"),
            " ORDER BY i.owner_id LIMIT $3) \
                  UNION (SELECT DISTINCT i.owner_id FROM identities i WHERE i.tenant_id = $1 AND i.email_canonical = $2 \
                     AND NOT (",
            email_counts!("i", "$5", "$6", "$7"),
            ") ORDER BY i.owner_id LIMIT $4)) m \
            JOIN users u ON u.tenant_id = $1 AND u.id = m.owner_id ORDER BY u.id"
        );
        let verifiers = &self.trust.verifiers;
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(canonical)
            .bind::<BigInt, _>(LOOKED_AT.0)
            .bind::<BigInt, _>(LOOKED_AT.1)
            .bind::<Array<Text>, _>(&verifiers.always)
            .bind::<Array<Text>, _>(&verifiers.domains)
            .bind::<Array<Text>, _>(&verifiers.hosted);
        let rows = self.conn.load(Cached(query)).await?;
        self.judged(rows)
    }
}
