//! The stored data of a tenant: its key, the issuers of its providers, and its tombstones.

use std::{collections::HashMap, fmt};

use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods as _, QueryDsl as _, QueryableByName, sql_query,
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
    domain::{IdentityRef, Provider, TenantId, UserId, UserRef},
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

/// The issuer of a provider's identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerPin {
    /// The tenant.
    pub tenant: TenantId,
    /// The provider.
    pub provider: Provider,
    /// The issuer, as the configuration names it.
    pub issuer: String,
}

/// The providers whose configured issuers differ from the stored ones: a text for each.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct IssuersChanged(pub Vec<String>);

/// A pin that the database has otherwise.
#[derive(QueryableByName)]
struct ChangedPin {
    #[diesel(sql_type = Text)]
    tenant: String,
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    configured: String,
    #[diesel(sql_type = Text)]
    pinned: String,
}

/// Pins issuers at their first use, and compares with them afterwards. If one differs, the caller
/// has to roll back.
pub(super) async fn pin_issuers(
    conn: &mut AsyncPgConnection,
    pins: &[IssuerPin],
) -> Result<Result<(), IssuersChanged>, StoreError> {
    use diesel_async::RunQueryDsl as _;
    // In the order of the keys, so that two servers do not wait for each other.
    const PIN: &str = "INSERT INTO provider_issuers (tenant_id, provider, issuer, pin_time) \
        SELECT DISTINCT ON (tenant, provider) tenant, provider, issuer, now() \
        FROM unnest($1::text[], $2::text[], $3::text[]) AS pin(tenant, provider, issuer) ORDER BY tenant, provider, issuer \
        ON CONFLICT DO NOTHING";
    const COMPARE: &str = "SELECT pin.tenant, pin.provider, pin.issuer AS configured, pinned.issuer AS pinned \
        FROM unnest($1::text[], $2::text[], $3::text[]) AS pin(tenant, provider, issuer) \
        JOIN provider_issuers AS pinned ON pinned.tenant_id = pin.tenant AND pinned.provider = pin.provider \
        WHERE pinned.issuer <> pin.issuer ORDER BY pin.tenant, pin.provider, configured";
    macro_rules! with_pins {
        ($sql:expr) => {
            sql_query($sql)
                .bind::<Array<Text>, _>(column(pins, |pin| pin.tenant.as_str()))
                .bind::<Array<Text>, _>(column(pins, |pin| pin.provider.as_str()))
                .bind::<Array<Text>, _>(column(pins, |pin| &pin.issuer))
        };
    }
    let mut changed: Vec<ChangedPin> = with_pins!(COMPARE).load(conn).await?;
    if changed.is_empty() {
        with_pins!(PIN).execute(conn).await?;
        // Another server may have pinned an issuer meanwhile.
        changed = with_pins!(COMPARE).load(conn).await?;
    }
    let changed: Vec<String> = changed.iter().map(ToString::to_string).collect();
    Ok(if changed.is_empty() { Ok(()) } else { Err(IssuersChanged(changed)) })
}

/// One value of each pin.
fn column<'a>(pins: &'a [IssuerPin], value: impl Fn(&'a IssuerPin) -> &'a str) -> Vec<&'a str> {
    pins.iter().map(value).collect()
}

impl fmt::Display for ChangedPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenant, provider, configured, pinned } = self;
        write!(
            f,
            "tenant {tenant}: provider {provider} is configured with issuer {configured}, but its identities came from \
             {pinned}: subjects of another issuer are other people. Give the new issuer a provider name of its own"
        )
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
