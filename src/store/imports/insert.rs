//! The rows of imported users.

use chrono::{DateTime, Utc};
use diesel::{
    sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz},
};

use super::{
    ImportedUser,
    names::{identities_of, ids_of},
};
use crate::{
    domain::{
        Identity, IdentityEmail, Metadata, User, UserId, UserRef, Verifier,
        importing::imported_identities,
    },
    store::{
        Session, StoreError,
        bind::column,
        cached::Cached,
        stored::{to_json, verifier::StoredVerifier},
        writes::Expected,
    },
};

/// A row of `users`: an imported user, or an alias of it.
struct UserRow<'a> {
    id: &'a UserId,
    user: &'a User,
    is_alias: bool,
}

/// A row of `identities`. The profile is that of the file.
struct IdentityRow<'a> {
    identity: Identity,
    profile: &'a Metadata,
}

impl Session {
    /// Inserts these users, their aliases and their identities. The transaction does not commit if
    /// one of the names is taken, or was deleted. `now` is the time of the import.
    ///
    /// The statements have no ON CONFLICT: with it, the database looks each row up in every unique index
    /// before it inserts it, and the inserts take a fifth longer.
    ///
    /// # Errors
    /// [`StoreError::Fault`] if a value cannot be encoded.
    pub fn insert_imported(
        &mut self,
        rows: &[&ImportedUser],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.insert_imported_users(rows, now)?;
        self.insert_imported_identities(rows, now)?;
        self.expect_none_deleted(rows);
        Ok(())
    }

    /// The users and the aliases together, in the order of their ids.
    fn insert_imported_users(
        &mut self,
        rows: &[&ImportedUser],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO users (tenant_id, id, version, identities_version, create_time, update_time, \
              absorbed_into, alias_of, absorbed_time, primary_provider, primary_subject, user_metadata, app_metadata, \
              profile_overrides, blocked, tokens_valid_from) \
            SELECT $1, n.id, n.version, n.identities_version, n.create_time, n.update_time, n.alias_of, n.alias_of, \
              CASE WHEN n.alias_of IS NOT NULL THEN $2 END, n.primary_provider, n.primary_subject, n.user_metadata::jsonb, \
              n.app_metadata::jsonb, n.profile_overrides::jsonb, n.blocked, n.tokens_valid_from \
            FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::timestamptz[], $8::text[], \
              $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::boolean[], $15::timestamptz[]) \
              AS n(id, version, identities_version, create_time, update_time, alias_of, primary_provider, \
              primary_subject, user_metadata, app_metadata, profile_overrides, blocked, tokens_valid_from)";
        let of_row = |row| ids_of(row).enumerate().map(move |(at, id)| (row, at > 0, id));
        let mut users: Vec<UserRow<'_>> = rows
            .iter()
            .copied()
            .flat_map(of_row)
            .map(|(row, is_alias, id)| UserRow { id, user: &row.user, is_alias })
            .collect();
        users.sort_unstable_by_key(|row| row.id);
        // An alias has no version and no data of its own.
        let documents = |of: fn(&User) -> &Metadata| -> Result<Vec<String>, StoreError> {
            let text = |row: &UserRow<'_>| match row.is_alias {
                true => Ok("{}".to_owned()),
                false => document(of(row.user)),
            };
            users.iter().map(text).collect()
        };
        let version = |row: &UserRow<'_>, version| if row.is_alias { 1 } else { version };
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Timestamptz, _>(now)
            .bind::<Array<Text>, _>(column(&users, |row| row.id.to_string()))
            .bind::<Array<BigInt>, _>(column(&users, |row| version(row, row.user.version)))
            .bind::<Array<BigInt>, _>(column(&users, |row| {
                version(row, row.user.identities_version)
            }))
            .bind::<Array<Timestamptz>, _>(column(&users, |row| row.user.create_time))
            .bind::<Array<Timestamptz>, _>(column(&users, |row| row.user.update_time))
            .bind::<Array<Nullable<Text>>, _>(column(&users, |row| {
                row.is_alias.then(|| row.user.id.to_string())
            }))
            .bind::<Array<Text>, _>(column(&users, |row| row.user.primary.provider.to_string()))
            .bind::<Array<Text>, _>(column(&users, |row| row.user.primary.subject.to_string()))
            .bind::<Array<Text>, _>(documents(|user| &user.user_metadata)?)
            .bind::<Array<Text>, _>(documents(|user| &user.app_metadata)?)
            .bind::<Array<Text>, _>(documents(|user| &user.profile_overrides)?)
            .bind::<Array<Bool>, _>(column(&users, |row| row.user.blocked && !row.is_alias))
            .bind::<Array<Nullable<Timestamptz>>, _>(column(&users, |row| {
                row.user.tokens_valid_from.filter(|_| !row.is_alias)
            }));
        let expected = Expected::Unless(users.len(), "an id or alias of an import is taken");
        self.write("insert_imported_users", Cached(query), expected);
        Ok(())
    }

    /// The identities, in the order of their keys.
    fn insert_imported_identities(
        &mut self,
        rows: &[&ImportedUser],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO identities (tenant_id, provider, subject, owner_id, home_id, ordinal, connection, \
              social, email, email_canonical, email_verified, email_verify_time, email_verifier, profile_data, \
              attach_time, email_proven_since, email_proven_among) \
            SELECT $1, n.provider, n.subject, n.owner_id, n.owner_id, n.ordinal, n.connection, n.social, n.email, \
              n.email_canonical, n.email_verify_time IS NOT NULL, n.email_verify_time, \
              CASE WHEN n.email_verify_time IS NOT NULL THEN $2 END, n.profile_data::jsonb, n.attach_time, \
              n.email_proven_since, n.email_proven_among \
            FROM unnest($3::text[], $4::text[], $5::text[], $6::integer[], $7::text[], $8::boolean[], $9::text[], \
              $10::text[], $11::timestamptz[], $12::text[], $13::timestamptz[], $14::timestamptz[], $15::boolean[]) \
              AS n(provider, subject, owner_id, ordinal, connection, social, email, email_canonical, email_verify_time, \
              profile_data, attach_time, email_proven_since, email_proven_among)";
        let policies = &self.trust.policies;
        let of_row = |row: &'_ ImportedUser| imported_identities(&row.user, policies, now);
        let profiles = rows.iter().flat_map(|row| &row.user.identities);
        let mut identities: Vec<IdentityRow<'_>> = rows
            .iter()
            .copied()
            .flat_map(of_row)
            .zip(profiles)
            .map(|(identity, of)| IdentityRow { identity, profile: &of.profile_data })
            .collect();
        identities.sort_unstable_by(|a, b| a.identity.id.cmp(&b.identity.id));
        let identities: &[IdentityRow<'_>] = &identities;
        let profiles: Result<Vec<_>, _> =
            identities.iter().map(|row| document(row.profile)).collect();
        let verify_time = |email: &IdentityEmail| Some(email.verified.as_ref()?.time);
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Jsonb, _>(to_json(&StoredVerifier::from(&Verifier::Import))?)
            .bind::<Array<Text>, _>(of(identities, |identity| identity.id.provider.to_string()))
            .bind::<Array<Text>, _>(of(identities, |identity| identity.id.subject.to_string()))
            .bind::<Array<Text>, _>(of(identities, |identity| identity.origin.to_string()))
            .bind::<Array<Integer>, _>(of(identities, |identity| identity.ordinal))
            .bind::<Array<Text>, _>(of(identities, |identity| identity.connection.clone()))
            .bind::<Array<Bool>, _>(of(identities, |identity| identity.social))
            .bind::<Array<Nullable<Text>>, _>(of(identities, |identity| {
                identity.email.as_ref().map(|email| email.given.clone())
            }))
            .bind::<Array<Nullable<Text>>, _>(of(identities, |identity| {
                identity.email.as_ref().and_then(|email| email.canonical.clone())
            }))
            .bind::<Array<Nullable<Timestamptz>>, _>(of(identities, |identity| {
                identity.email.as_ref().and_then(verify_time)
            }))
            .bind::<Array<Text>, _>(profiles?)
            .bind::<Array<Timestamptz>, _>(of(identities, |identity| identity.attach_time))
            .bind::<Array<Nullable<Timestamptz>>, _>(of(identities, |identity| {
                identity.email_proven_since
            }))
            .bind::<Array<Bool>, _>(of(identities, |identity| identity.email_proven_among));
        let expected =
            Expected::Unless(identities.len(), "an account of an import belongs to a user");
        self.write("insert_imported_identities", Cached(query), expected);
        Ok(())
    }

    /// Lets the transaction fail if one of the names was deleted. It follows the inserts, so that
    /// its snapshot is younger than theirs.
    fn expect_none_deleted(&mut self, rows: &[&ImportedUser]) {
        const SQL: &str = "SELECT FROM unnest($2::bytea[]) AS q(hash) \
            JOIN LATERAL (SELECT deleted FROM tombstones WHERE tenant_id = $1 AND id_hash = q.hash LIMIT 1) t \
              ON t.deleted LIMIT 1";
        let names_of = |row| {
            let ids = ids_of(row).cloned().map(UserRef::UserId);
            ids.chain(identities_of(row).cloned().map(UserRef::Identity))
        };
        let hashes: Vec<Vec<u8>> = rows
            .iter()
            .copied()
            .flat_map(names_of)
            .map(|name| self.tombstone_hash(&name).to_vec())
            .collect();
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Array<Binary>, _>(hashes);
        let expected = Expected::Unless(0, "a name of an import was deleted");
        self.write("expect_none_deleted", Cached(query), expected);
    }
}

/// One column of the identities.
fn of<C>(rows: &[IdentityRow<'_>], value: impl Fn(&Identity) -> C) -> Vec<C> {
    column(rows, |row| value(&row.identity))
}

/// A document as text, which the database parses: that is faster than a tree of values.
fn document(metadata: &Metadata) -> Result<String, StoreError> {
    serde_json::to_string(metadata.as_map())
        .map_err(|error| StoreError::Fault(format!("a document cannot be encoded: {error}")))
}
