//! What is stored under the names of imported users.

use diesel::{
    sql_query,
    sql_types::{Array, BigInt, Binary, Text},
};
use futures_util::future::join3;

use super::ImportedUser;
use crate::{
    domain::{IdentityRef, UserId, UserRef},
    store::{
        Session, StoreError,
        bind::column,
        cached::{Cached, Positional},
        rows::user_id,
    },
};

/// What is stored under the names of one imported user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredNames {
    /// Under the user's id.
    pub id: StoredName,
    /// Under each of its aliases, in their order.
    pub aliases: Vec<StoredName>,
    /// Under each of its identities, in their order.
    pub identities: Vec<StoredName>,
}

/// What is stored under one name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredName {
    /// The live user to which the id or alias resolves, or that owns the identity; `None` if the
    /// name is free.
    pub holder: Option<UserId>,
    /// Whether a user with this id, alias or identity was ever deleted. A released identity, whose
    /// user still exists, was not.
    pub was_deleted: bool,
}

impl StoredNames {
    /// Nothing under any name of this user.
    pub fn free(row: &ImportedUser) -> Self {
        let free = |names| vec![StoredName::default(); names];
        Self {
            id: StoredName::default(),
            aliases: free(row.aliases.len()),
            identities: free(row.user.identities.len()),
        }
    }
}

// Each name is looked up by an index, in a LATERAL subquery with a LIMIT, whatever the database
// knows about the tables.
const IDS: &str = "SELECT q.position, coalesce(n.absorbed_into, n.id) \
    FROM unnest($2::text[]) WITH ORDINALITY AS q(id, position) \
    JOIN LATERAL (SELECT id, absorbed_into FROM users WHERE tenant_id = $1 AND id = q.id LIMIT 1) n ON true";
const IDENTITIES: &str = "SELECT q.position, n.owner_id \
    FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS q(provider, subject, position) \
    JOIN LATERAL (SELECT owner_id FROM identities WHERE tenant_id = $1 AND provider = q.provider \
      AND subject = q.subject LIMIT 1) n ON true";
const DELETED: &str = "SELECT q.position \
    FROM unnest($2::bytea[]) WITH ORDINALITY AS q(hash, position) \
    JOIN LATERAL (SELECT deleted FROM tombstones WHERE tenant_id = $1 AND id_hash = q.hash LIMIT 1) t ON t.deleted";

impl Session {
    /// What is stored under the names of these users, in their order. Three reads, which are sent
    /// together.
    pub async fn stored_names(
        &mut self,
        rows: &[&ImportedUser],
    ) -> Result<Vec<StoredNames>, StoreError> {
        let ids: Vec<&UserId> = rows.iter().copied().flat_map(ids_of).collect();
        let identities: Vec<&IdentityRef> = rows.iter().copied().flat_map(identities_of).collect();
        let names = ids.iter().map(|id| UserRef::UserId((*id).clone()));
        let names = names.chain(identities.iter().map(|id| UserRef::Identity((*id).clone())));
        let hashes: Vec<Vec<u8>> = names.map(|name| self.tombstone_hash(&name).to_vec()).collect();

        let by_id = sql_query(IDS)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Array<Text>, _>(column(&ids, |id| id.as_str()));
        let by_identity = sql_query(IDENTITIES)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Array<Text>, _>(column(&identities, |id| id.provider.as_str()))
            .bind::<Array<Text>, _>(column(&identities, |id| id.subject.as_str()));
        let deleted = sql_query(DELETED)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Array<Binary>, _>(hashes);
        let (ids_held, identities_held, deleted) = join3(
            self.conn.load("stored_ids", Positional::<_, (BigInt, Text)>::new(Cached(by_id))),
            self.conn.load(
                "stored_identities",
                Positional::<_, (BigInt, Text)>::new(Cached(by_identity)),
            ),
            self.conn.load("stored_tombstones", Positional::<_, (BigInt,)>::new(Cached(deleted))),
        )
        .await;

        let mut found = vec![StoredName::default(); ids.len() + identities.len()];
        hold(&mut found, 0, ids_held?)?;
        hold(&mut found, ids.len(), identities_held?)?;
        let deleted: Vec<(i64,)> = deleted?;
        for (position,) in deleted {
            if let Some(name) = at(&mut found, 0, position) {
                name.was_deleted = true;
            }
        }
        let of_identities = found.split_off(ids.len());
        let (mut of_ids, mut of_identities) = (found.into_iter(), of_identities.into_iter());
        let of_row = |row: &ImportedUser| StoredNames {
            id: of_ids.next().unwrap_or_default(),
            aliases: of_ids.by_ref().take(row.aliases.len()).collect(),
            identities: of_identities.by_ref().take(row.user.identities.len()).collect(),
        };
        Ok(rows.iter().copied().map(of_row).collect())
    }
}

/// The id of the user, and its aliases.
pub(super) fn ids_of(row: &ImportedUser) -> impl Iterator<Item = &UserId> {
    [&row.user.id].into_iter().chain(&row.aliases)
}

/// The identities of the user.
pub(super) fn identities_of(row: &ImportedUser) -> impl Iterator<Item = &IdentityRef> {
    row.user.identities.iter().map(|identity| &identity.id)
}

/// Notes the holders of names, of which the first is after `offset` others.
fn hold(
    found: &mut [StoredName],
    offset: usize,
    held: Vec<(i64, String)>,
) -> Result<(), StoreError> {
    for (position, holder) in held {
        if let Some(name) = at(found, offset, position) {
            name.holder = Some(user_id(&holder)?);
        }
    }
    Ok(())
}

/// The name at this position, from 1, after `offset` others.
fn at(found: &mut [StoredName], offset: usize, position: i64) -> Option<&mut StoredName> {
    let index = usize::try_from(position).ok()?.checked_sub(1)?;
    found.get_mut(offset.checked_add(index)?)
}
