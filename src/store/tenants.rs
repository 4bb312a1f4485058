//! The stored data of a tenant: its key and its tombstones.

use std::collections::HashMap;

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods as _, QueryDsl as _, sql_query,
    sql_types::{Array, Binary, Bool, Text, Timestamptz},
};
use diesel_async::AsyncPgConnection;

use super::{
    Session, StoreError,
    cached::Cached,
    schema::{tenant_keys, tombstones},
    writes::Expected,
};
use crate::{
    domain::{IdentityRef, TenantId, UserId, UserRef},
    secret::random_bytes,
};

/// A tenant's key: random, created at first use, stored in the database.
#[derive(Clone)]
pub struct TenantKey(hmac::Key);

impl TenantKey {
    /// A MAC (HMAC-SHA-256) under this key; `purpose` separates uses.
    pub fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(purpose.as_bytes());
        context.update(&[0]);
        context.update(message);
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }

    /// The keyed hash under which a deleted user, or a deleted or released identity, is stored.
    pub(super) fn tombstone_hash(&self, name: &UserRef) -> [u8; 32] {
        match name {
            UserRef::Identity(identity) => {
                self.mac("deleted identity", identity.to_string().as_bytes())
            }
            UserRef::UserId(id) => self.mac("deleted user", id.as_str().as_bytes()),
        }
    }
}

/// The tenants' keys. Missing ones are created.
pub(super) async fn load_keys<'a>(
    conn: &mut AsyncPgConnection,
    tenants: impl Iterator<Item = &'a TenantId>,
) -> Result<HashMap<TenantId, TenantKey>, StoreError> {
    use diesel_async::RunQueryDsl as _;
    let mut keys = HashMap::new();
    for tenant in tenants {
        let fresh = random_bytes().map_err(|error| StoreError::Fault(error.to_string()))?;
        diesel::insert_into(tenant_keys::table)
            .values((
                tenant_keys::tenant_id.eq(tenant.as_str()),
                tenant_keys::key.eq(fresh.as_slice()),
            ))
            .on_conflict_do_nothing()
            .execute(conn)
            .await?;
        let key: Vec<u8> = tenant_keys::table
            .filter(tenant_keys::tenant_id.eq(tenant.as_str()))
            .select(tenant_keys::key)
            .first(conn)
            .await?;
        keys.insert(tenant.clone(), TenantKey(hmac::Key::new(hmac::HMAC_SHA256, &key)));
    }
    Ok(keys)
}

impl Session {
    /// When the user or identity of this name was last deleted or released; `None` if it never was.
    pub async fn delete_time(
        &mut self,
        name: &UserRef,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let query = tombstones::table
            .filter(tombstones::tenant_id.eq(self.tenant.as_str()))
            .filter(tombstones::id_hash.eq(self.tombstone_hash(name).to_vec()))
            .select(tombstones::delete_time);
        self.conn.load_one("delete_time", query).await
    }

    /// Writes the tombstones of deleted users and of all their identities: keyed hashes of their
    /// names. A user id may be reused for the account that it names if that account was the user's
    /// own.
    pub fn insert_tombstones(
        &mut self,
        users: &[UserId],
        identities: &[IdentityRef],
        now: DateTime<Utc>,
    ) {
        const SQL: &str = "INSERT INTO tombstones (tenant_id, id_hash, delete_time, returnable, deleted) \
            SELECT $1, n.id_hash, $2, n.returnable, true FROM unnest($3::bytea[], $4::boolean[]) AS n(id_hash, returnable) \
            ON CONFLICT ON CONSTRAINT tombstones_pkey DO UPDATE SET delete_time = excluded.delete_time, \
              returnable = excluded.returnable, deleted = excluded.deleted";
        let own_ids: Vec<UserId> = identities.iter().filter_map(IdentityRef::as_user_id).collect();
        let of_users = users.iter().map(|id| (UserRef::UserId(id.clone()), own_ids.contains(id)));
        let of_identities = identities.iter().map(|id| (UserRef::Identity(id.clone()), false));
        let (hashes, returnable): (Vec<_>, Vec<_>) = of_users
            .chain(of_identities)
            .map(|(name, is_returnable)| (self.tombstone_hash(&name).to_vec(), is_returnable))
            .unzip();
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Timestamptz, _>(now)
            .bind::<Array<Binary>, _>(hashes)
            .bind::<Array<Bool>, _>(returnable);
        self.write("insert_tombstones", Cached(query), Expected::Any);
    }

    /// The same as [`TenantKey::tombstone_hash`].
    pub(super) fn tombstone_hash(&self, name: &UserRef) -> [u8; 32] {
        self.key.tombstone_hash(name)
    }
}
