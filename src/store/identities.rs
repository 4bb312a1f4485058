//! Writes single identities.

use diesel::{
    ExpressionMethods as _, sql_query,
    sql_types::{Array, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};

use super::{
    Inserted, Session, StoreError,
    bind::column,
    cached::Cached,
    rows::{expect_rows, json},
    schema::identities,
    stored::{to_json, verifier::StoredVerifier},
};
use crate::domain::{Identity, IdentityRef, UserId};

impl Session {
    /// Inserts an identity that had no owner.
    pub async fn insert_identity(
        &mut self,
        identity: &Identity,
        owner: &UserId,
    ) -> Result<Inserted, StoreError> {
        let email = identity.email.as_ref();
        let verified = email.and_then(|email| email.verified.as_ref());
        let verifier = verified.map(|verified| to_json(&StoredVerifier::from(&verified.by)));
        let insert = diesel::insert_into(identities::table)
            .values((
                identities::tenant_id.eq(self.tenant.as_str()),
                identities::provider.eq(identity.id.provider.as_str()),
                identities::subject.eq(identity.id.subject.as_str()),
                identities::owner_id.eq(owner.as_str()),
                identities::home_id.eq(identity.origin.as_str()),
                identities::ordinal.eq(identity.ordinal),
                identities::connection.eq(&identity.connection),
                identities::social.eq(identity.social),
                identities::email.eq(email.map(|email| &email.given)),
                identities::email_canonical.eq(email.and_then(|email| email.canonical.as_ref())),
                identities::email_verified.eq(verified.is_some()),
                identities::email_verify_time.eq(verified.map(|verified| verified.time)),
                identities::email_verifier.eq(verifier.transpose()?),
                identities::profile_data.eq(json(&identity.profile_data)),
                identities::attach_time.eq(identity.attach_time),
                identities::attached_by_link.eq(identity.attached_by),
                identities::owner_since.eq(identity.moved.map(|moved| moved.time)),
                identities::moved_by_proof.eq(identity.moved.is_some_and(|moved| moved.by_proof)),
                identities::vouched.eq(identity.moved.is_none_or(|moved| moved.vouched)),
                identities::email_proven_since.eq(identity.email_proven_since),
                identities::email_proven_among.eq(identity.email_proven_among),
                identities::email_changed.eq(identity.email_changed),
            ))
            .on_conflict_do_nothing();
        let rows = self.conn.execute(insert).await?;
        Ok(if rows == 1 { Inserted::Inserted } else { Inserted::IdentityTaken })
    }

    /// Deletes an identity. Its owner stays, and must have another one.
    pub async fn delete_identity(&mut self, id: &IdentityRef) -> Result<(), StoreError> {
        let delete = diesel::delete(identities::table)
            .filter(identities::tenant_id.eq(self.tenant.as_str()))
            .filter(identities::provider.eq(id.provider.as_str()))
            .filter(identities::subject.eq(id.subject.as_str()));
        expect_rows(self.conn.execute(Cached(delete)).await?, 1)
    }

    /// Gives these identities to `owner`, with the origin user, order, link and move that they
    /// contain.
    pub async fn move_identities(
        &mut self,
        moved: &[Identity],
        owner: &UserId,
    ) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE identities i SET owner_id = $2, home_id = n.home_id, ordinal = n.ordinal, \
              attach_time = n.attach_time, attached_by_link = n.attached_by_link, owner_since = n.owner_since, \
              moved_by_proof = n.moved_by_proof, vouched = n.vouched, email_proven_among = n.email_proven_among \
            FROM unnest($3::text[], $4::text[], $5::text[], $6::integer[], $7::timestamptz[], $8::uuid[], \
              $9::timestamptz[], $10::boolean[], $11::boolean[], $12::boolean[]) \
              AS n(provider, subject, home_id, ordinal, attach_time, attached_by_link, owner_since, moved_by_proof, \
              vouched, email_proven_among) \
            WHERE i.tenant_id = $1 AND i.provider = n.provider AND i.subject = n.subject";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(owner.as_str())
            .bind::<Array<Text>, _>(column(moved, |identity| identity.id.provider.as_str()))
            .bind::<Array<Text>, _>(column(moved, |identity| identity.id.subject.as_str()))
            .bind::<Array<Text>, _>(column(moved, |identity| identity.origin.as_str()))
            .bind::<Array<Integer>, _>(column(moved, |identity| identity.ordinal))
            .bind::<Array<Timestamptz>, _>(column(moved, |identity| identity.attach_time))
            .bind::<Array<Nullable<SqlUuid>>, _>(column(moved, |identity| identity.attached_by))
            .bind::<Array<Nullable<Timestamptz>>, _>(column(moved, |identity| {
                identity.moved.map(|moved| moved.time)
            }))
            .bind::<Array<Bool>, _>(column(moved, |identity| {
                identity.moved.is_some_and(|moved| moved.by_proof)
            }))
            .bind::<Array<Bool>, _>(column(moved, |identity| {
                identity.moved.is_none_or(|moved| moved.vouched)
            }))
            .bind::<Array<Bool>, _>(column(moved, |identity| identity.email_proven_among));
        expect_rows(self.conn.execute(Cached(query)).await?, moved.len())
    }

    /// Records that these identities are vouched for: see [`crate::domain::Moved::vouched`].
    pub async fn vouch_for(&mut self, ids: &[IdentityRef]) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE identities i SET vouched = true FROM unnest($2::text[], $3::text[]) AS n(provider, subject) \
            WHERE i.tenant_id = $1 AND i.provider = n.provider AND i.subject = n.subject";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Array<Text>, _>(column(ids, |id| id.provider.as_str()))
            .bind::<Array<Text>, _>(column(ids, |id| id.subject.as_str()));
        expect_rows(self.conn.execute(Cached(query)).await?, ids.len())
    }

    /// Writes the email and profile that a sign-in refreshed on a known identity.
    pub async fn refresh_identity(&mut self, identity: &Identity) -> Result<(), StoreError> {
        let email = identity.email.as_ref();
        let verified = email.and_then(|email| email.verified.as_ref());
        let verifier = verified.map(|verified| to_json(&StoredVerifier::from(&verified.by)));
        let update = diesel::update(identities::table)
            .filter(identities::tenant_id.eq(self.tenant.as_str()))
            .filter(identities::provider.eq(identity.id.provider.as_str()))
            .filter(identities::subject.eq(identity.id.subject.as_str()))
            .set((
                identities::email.eq(email.map(|email| &email.given)),
                identities::email_canonical.eq(email.and_then(|email| email.canonical.as_ref())),
                identities::email_verified.eq(verified.is_some()),
                identities::email_verify_time.eq(verified.map(|verified| verified.time)),
                identities::email_verifier.eq(verifier.transpose()?),
                identities::profile_data.eq(json(&identity.profile_data)),
                identities::email_proven_since.eq(identity.email_proven_since),
                identities::email_proven_among.eq(identity.email_proven_among),
                identities::email_changed.eq(identity.email_changed),
            ));
        self.conn.execute(Cached(update)).await?;
        Ok(())
    }
}
