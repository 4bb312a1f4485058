//! Single identities: their writes, and what is stored of an account.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods as _, QueryableByName, sql_query,
    sql_types::{Array, Binary, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};

use super::{
    Session, StoreError,
    bind::column,
    cached::Cached,
    rows::json,
    schema::identities,
    stored::{to_json, verifier::StoredVerifier},
    writes::Expected,
};
use crate::domain::{Identity, IdentityRef, UserId, UserRef};

/// What is stored of an account.
#[derive(QueryableByName)]
pub struct AccountState {
    /// Whether it is the identity of a user.
    #[diesel(sql_type = Bool)]
    pub is_owned: bool,
    /// When it was last deleted or released; `None` if it never was.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub delete_time: Option<DateTime<Utc>>,
}

impl Session {
    /// What is stored of this account.
    pub async fn account_state(&self, id: &IdentityRef) -> Result<AccountState, StoreError> {
        const SQL: &str = "SELECT EXISTS (SELECT FROM identities WHERE tenant_id = $1 AND provider = $2 AND subject = $3) \
              AS is_owned, (SELECT delete_time FROM tombstones WHERE tenant_id = $1 AND id_hash = $4) AS delete_time";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(id.provider.as_str())
            .bind::<Text, _>(id.subject.as_str())
            .bind::<Binary, _>(self.tombstone_hash(&UserRef::Identity(id.clone())).to_vec());
        let state = self.conn.load_one("account_state", Cached(query)).await?;
        state.ok_or_else(|| StoreError::Fault("an account has no state".to_owned()))
    }

    /// Inserts an identity that had no owner. The transaction does not commit if it has one.
    pub fn insert_identity(
        &mut self,
        identity: &Identity,
        owner: &UserId,
    ) -> Result<(), StoreError> {
        let email = identity.email.as_ref();
        let verified = email.and_then(|email| email.verified.as_ref());
        let verifier = verified.map(|verified| to_json(&StoredVerifier::from(&verified.by)));
        let insert = diesel::insert_into(identities::table)
            .values((
                identities::tenant_id.eq(self.tenant.to_string()),
                identities::provider.eq(identity.id.provider.to_string()),
                identities::subject.eq(identity.id.subject.to_string()),
                identities::owner_id.eq(owner.to_string()),
                identities::home_id.eq(identity.origin.to_string()),
                identities::ordinal.eq(identity.ordinal),
                identities::connection.eq(identity.connection.clone()),
                identities::social.eq(identity.social),
                identities::email.eq(email.map(|email| email.given.clone())),
                identities::email_canonical.eq(email.and_then(|email| email.canonical.clone())),
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
        self.write("insert_identity", insert, Expected::Unless(1, "the identity has an owner"));
        Ok(())
    }

    /// Deletes an identity. Its owner stays, and must have another one.
    pub fn delete_identity(&mut self, id: &IdentityRef) {
        let delete = diesel::delete(identities::table)
            .filter(identities::tenant_id.eq(self.tenant.to_string()))
            .filter(identities::provider.eq(id.provider.to_string()))
            .filter(identities::subject.eq(id.subject.to_string()));
        self.write("delete_identity", Cached(delete), Expected::Locked(1));
    }

    /// Gives these identities to `owner`, with the origin user, order, link and move that they
    /// contain.
    pub fn move_identities(&mut self, moved: &[Identity], owner: &UserId) {
        const SQL: &str = "UPDATE identities i SET owner_id = $2, home_id = n.home_id, ordinal = n.ordinal, \
              attach_time = n.attach_time, attached_by_link = n.attached_by_link, owner_since = n.owner_since, \
              moved_by_proof = n.moved_by_proof, vouched = n.vouched, email_proven_among = n.email_proven_among \
            FROM (SELECT * FROM unnest($3::text[], $4::text[], $5::text[], $6::integer[], $7::timestamptz[], $8::uuid[], \
              $9::timestamptz[], $10::boolean[], $11::boolean[], $12::boolean[]) LIMIT cardinality($3)) \
              AS n(provider, subject, home_id, ordinal, attach_time, attached_by_link, owner_since, moved_by_proof, \
              vouched, email_proven_among) \
            WHERE i.tenant_id = $1 AND i.provider = n.provider AND i.subject = n.subject";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Text, _>(owner.to_string())
            .bind::<Array<Text>, _>(column(moved, |identity| identity.id.provider.to_string()))
            .bind::<Array<Text>, _>(column(moved, |identity| identity.id.subject.to_string()))
            .bind::<Array<Text>, _>(column(moved, |identity| identity.origin.to_string()))
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
        self.write("move_identities", Cached(query), Expected::Locked(moved.len()));
    }

    /// Records that these identities are vouched for: see [`crate::domain::Moved::vouched`].
    pub fn vouch_for(&mut self, ids: &[IdentityRef]) {
        const SQL: &str = "UPDATE identities i SET vouched = true \
            FROM (SELECT * FROM unnest($2::text[], $3::text[]) LIMIT cardinality($2)) AS n(provider, subject) \
            WHERE i.tenant_id = $1 AND i.provider = n.provider AND i.subject = n.subject";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Array<Text>, _>(column(ids, |id| id.provider.to_string()))
            .bind::<Array<Text>, _>(column(ids, |id| id.subject.to_string()));
        self.write("vouch_for", Cached(query), Expected::Locked(ids.len()));
    }

    /// Writes the email and profile that a sign-in refreshed on a known identity.
    pub fn refresh_identity(&mut self, identity: &Identity) -> Result<(), StoreError> {
        let email = identity.email.as_ref();
        let verified = email.and_then(|email| email.verified.as_ref());
        let verifier = verified.map(|verified| to_json(&StoredVerifier::from(&verified.by)));
        let update = diesel::update(identities::table)
            .filter(identities::tenant_id.eq(self.tenant.to_string()))
            .filter(identities::provider.eq(identity.id.provider.to_string()))
            .filter(identities::subject.eq(identity.id.subject.to_string()))
            .set((
                identities::email.eq(email.map(|email| email.given.clone())),
                identities::email_canonical.eq(email.and_then(|email| email.canonical.clone())),
                identities::email_verified.eq(verified.is_some()),
                identities::email_verify_time.eq(verified.map(|verified| verified.time)),
                identities::email_verifier.eq(verifier.transpose()?),
                identities::profile_data.eq(json(&identity.profile_data)),
                identities::email_proven_since.eq(identity.email_proven_since),
                identities::email_proven_among.eq(identity.email_proven_among),
                identities::email_changed.eq(identity.email_changed),
            ));
        self.write("refresh_identity", Cached(update), Expected::Any);
        Ok(())
    }
}
