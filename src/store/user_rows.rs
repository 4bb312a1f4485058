//! Rows of users: one for each identity, decoded by position.

use std::iter;

use chrono::{DateTime, Utc};
use diesel::{
    Queryable,
    sql_types::{
        Array, BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
    },
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    StoreError,
    rows::{absorbed, identity_ref, metadata, moved, token_hash, user_id},
    stored::{from_json, verifier::StoredVerifier},
};
use crate::domain::{EmailVerification, Identity, IdentityEmail, ProviderPolicies, User, UserId};

/// The columns of a [`UserRow`], for a query in which `u` is the user, and `i` an identity of it,
/// or NULL. A live user has its primary identity, so its metadata is sent once, with the row of
/// that one. An absorbed user has one row.
///
/// The position is a `bigint` that is the same for all rows of a user. It numbers the keys of a
/// look-up, or the users in the order of a list. Users of one position are in the order of their
/// ids.
macro_rules! user_columns {
    ($position:literal) => {
        user_columns!(
            $position,
            user_columns!(@once "user_metadata"),
            user_columns!(@once "app_metadata"),
            user_columns!(@once "profile_overrides"),
            "i.profile_data"
        )
    };
    // Without metadata, and with this instead of the profile of an identity.
    ($position:literal, profile_data = $profile_data:literal) => {
        user_columns!($position, "'{}'::jsonb", "'{}'::jsonb", "'{}'::jsonb", $profile_data)
    };
    (@once $column:literal) => {
        concat!(
            "CASE WHEN i.provider IS NULL OR (i.provider = u.primary_provider AND i.subject = u.primary_subject) THEN u.",
            $column,
            " END"
        )
    };
    (
        $position:literal,
        $user_metadata:expr,
        $app_metadata:expr,
        $profile_overrides:expr,
        $profile_data:literal
    ) => {
        concat!(
            $position,
            ", u.id, u.version, u.identities_version, u.create_time, u.update_time, \
             u.absorbed_into, u.absorbed_by_link, u.alias_of, u.absorbed_time, u.primary_provider, u.primary_subject, u.blocked, \
             u.tokens_valid_from, u.spared_token, u.writes_valid_from, u.ancestors, ",
            $user_metadata,
            ", ",
            $app_metadata,
            ", ",
            $profile_overrides,
            ", i.provider, i.subject, i.home_id, i.ordinal, i.connection, i.social, i.email, i.email_canonical, \
             i.email_verify_time, i.email_verifier, ",
            $profile_data,
            ", i.attach_time, i.attached_by_link, i.owner_since, i.moved_by_proof, i.vouched, i.email_proven_since, \
             i.email_proven_among, i.email_changed, i.tokens_valid_from"
        )
    };
}

/// Joins `i`, the identities of the user `u`. `$1` is the tenant.
///
/// `OFFSET 0` makes the database read them by an index, for one user after the other, whatever it
/// knows about the tables.
macro_rules! identities_of_user {
    () => {
        " LEFT JOIN LATERAL (SELECT * FROM identities WHERE tenant_id = $1 AND owner_id = u.id OFFSET 0) i ON true"
    };
}

/// Joins `u`, the user of an id, and `i`, its identities. `$1` is the tenant. A lock, such as
/// `FOR UPDATE`, is one of the user's row.
macro_rules! user_and_identities {
    ($id:literal $(, $lock:literal)?) => {
        concat!(
            " JOIN LATERAL (SELECT * FROM users WHERE tenant_id = $1 AND id = ",
            $id,
            " LIMIT 1",
            $($lock,)?
            ") u ON true",
            $crate::store::user_rows::identities_of_user!()
        )
    };
}

pub(super) use {identities_of_user, user_and_identities, user_columns};

type UserSql = (
    Text,
    BigInt,
    BigInt,
    Timestamptz,
    Timestamptz,
    Nullable<Text>,
    Nullable<SqlUuid>,
    Nullable<Text>,
    Nullable<Timestamptz>,
    Text,
    Text,
    Bool,
    Nullable<Timestamptz>,
    Nullable<Binary>,
    Nullable<Timestamptz>,
    Nullable<Array<Text>>,
    Nullable<Jsonb>,
    Nullable<Jsonb>,
    Nullable<Jsonb>,
);

type IdentitySql = (
    Text,
    Text,
    Text,
    Integer,
    Text,
    Bool,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Timestamptz>,
    Nullable<Jsonb>,
    Jsonb,
    Timestamptz,
    Nullable<SqlUuid>,
    Nullable<Timestamptz>,
    Bool,
    Bool,
    Nullable<Timestamptz>,
    Bool,
    Bool,
    Nullable<Timestamptz>,
);

/// The types of the columns of `user_columns`.
pub(super) type UserRowSql = (BigInt, UserSql, Nullable<IdentitySql>);

/// A user with at most one of its identities.
#[derive(Queryable)]
pub(super) struct UserRow {
    /// The number of the key, from 1, or the place in the order of a list.
    position: i64,
    user: UserColumns,
    identity: Option<IdentityColumns>,
}

#[derive(Queryable)]
pub(super) struct UserColumns {
    id: String,
    version: i64,
    identities_version: i64,
    create_time: DateTime<Utc>,
    update_time: DateTime<Utc>,
    absorbed_into: Option<String>,
    absorbed_by_link: Option<Uuid>,
    alias_of: Option<String>,
    absorbed_time: Option<DateTime<Utc>>,
    primary_provider: String,
    primary_subject: String,
    blocked: bool,
    tokens_valid_from: Option<DateTime<Utc>>,
    spared_token: Option<Vec<u8>>,
    writes_valid_from: Option<DateTime<Utc>>,
    ancestors: Option<Vec<String>>,
    user_metadata: Option<Value>,
    app_metadata: Option<Value>,
    profile_overrides: Option<Value>,
}

#[derive(Queryable)]
pub(super) struct IdentityColumns {
    provider: String,
    subject: String,
    home_id: String,
    ordinal: i32,
    connection: String,
    social: bool,
    email: Option<String>,
    email_canonical: Option<String>,
    email_verify_time: Option<DateTime<Utc>>,
    email_verifier: Option<Value>,
    profile_data: Value,
    attach_time: DateTime<Utc>,
    attached_by_link: Option<Uuid>,
    owner_since: Option<DateTime<Utc>>,
    moved_by_proof: bool,
    vouched: bool,
    email_proven_since: Option<DateTime<Utc>>,
    email_proven_among: bool,
    email_changed: bool,
    tokens_valid_from: Option<DateTime<Utc>>,
}

/// The users of these rows in the order of their positions, their emails judged by today's
/// configuration.
pub(super) fn users_in_order(
    rows: Vec<UserRow>,
    policies: &ProviderPolicies,
) -> Result<Vec<User>, StoreError> {
    by_user(rows).map(|(_, rows)| user(rows, policies)).collect()
}

/// The users of each of `count` keys, in the order of their ids, their emails judged by today's
/// configuration.
pub(super) fn users_by_key(
    rows: Vec<UserRow>,
    count: usize,
    policies: &ProviderPolicies,
) -> Vec<Result<Vec<User>, StoreError>> {
    let mut found: Vec<_> = (0..count).map(|_| Ok(Vec::new())).collect();
    for (position, of_user) in by_user(rows) {
        let key = usize::try_from(position - 1).ok().and_then(|at| found.get_mut(at));
        if let Some(users) = key {
            add_user(users, of_user, policies);
        }
    }
    found
}

/// The position and the rows of each user, in the order of the positions, then of the ids.
fn by_user(mut rows: Vec<UserRow>) -> impl Iterator<Item = (i64, Vec<UserRow>)> {
    // The database need not return them in this order.
    rows.sort_by(|a, b| a.place().cmp(&b.place()));
    let mut rows = rows.into_iter().peekable();
    iter::from_fn(move || {
        let first = rows.next()?;
        let (position, id) = (first.position, first.user.id.clone());
        let mut of_user = vec![first];
        let is_same = |next: &UserRow| next.position == position && next.user.id == id;
        while let Some(next) = rows.next_if(is_same) {
            of_user.push(next);
        }
        Some((position, of_user))
    })
}

/// Adds the user of these rows, or its error, to what was found for a key.
fn add_user(
    found: &mut Result<Vec<User>, StoreError>,
    rows: Vec<UserRow>,
    policies: &ProviderPolicies,
) {
    match (user(rows, policies), found.as_mut()) {
        (Ok(user), Ok(users)) => users.push(user),
        (Err(error), _) => *found = Err(error),
        (Ok(_), Err(_)) => {}
    }
}

/// The user of these rows, of which there is at least one.
fn user(rows: Vec<UserRow>, policies: &ProviderPolicies) -> Result<User, StoreError> {
    let mut identities = Vec::with_capacity(rows.len());
    let mut columns: Option<UserColumns> = None;
    for row in rows {
        if let Some(identity) = row.identity {
            identities.push(identity.judged(policies)?);
        }
        // Only one row has the metadata.
        match &columns {
            Some(known) if known.user_metadata.is_some() => {}
            _ => columns = Some(row.user),
        }
    }
    columns.ok_or_else(|| StoreError::corrupt("user"))?.with(identities)
}

impl UserRow {
    /// Orders the rows by position, then by user, then by the order of its identities.
    fn place(&self) -> (i64, &str, Option<i32>) {
        let ordinal = self.identity.as_ref().map(|identity| identity.ordinal);
        (self.position, &self.user.id, ordinal)
    }
}

impl UserColumns {
    fn with(self, identities: Vec<Identity>) -> Result<User, StoreError> {
        let object = |json: Option<Value>| {
            metadata(json.ok_or_else(|| StoreError::corrupt("primary identity"))?)
        };
        let ancestors = self.ancestors.iter().flatten().map(|id| user_id(id));
        Ok(User {
            id: user_id(&self.id)?,
            version: self.version,
            identities_version: self.identities_version,
            create_time: self.create_time,
            update_time: self.update_time,
            identities,
            primary: identity_ref(&self.primary_provider, &self.primary_subject)?,
            user_metadata: object(self.user_metadata)?,
            app_metadata: object(self.app_metadata)?,
            profile_overrides: object(self.profile_overrides)?,
            blocked: self.blocked,
            tokens_valid_from: self.tokens_valid_from,
            spared_token: self.spared_token.map(token_hash).transpose()?,
            writes_valid_from: self.writes_valid_from,
            ancestors: ancestors.collect::<Result<Vec<UserId>, _>>()?,
            absorbed: absorbed(
                self.absorbed_into,
                self.absorbed_by_link,
                self.alias_of,
                self.absorbed_time,
            )?,
        })
    }
}

impl IdentityColumns {
    fn judged(self, policies: &ProviderPolicies) -> Result<Identity, StoreError> {
        let verifier: Option<StoredVerifier> =
            self.email_verifier.map(|json| from_json("verifier", json)).transpose()?;
        let verified = self
            .email_verify_time
            .zip(verifier)
            .map(|(time, by)| EmailVerification { time, by: by.into() });
        let id = identity_ref(&self.provider, &self.subject)?;
        let profile_data = metadata(self.profile_data)?;
        let mut email = self.email.map(|given| IdentityEmail {
            given,
            canonical: self.email_canonical,
            verified,
            counts: None,
        });
        if let Some(email) = &mut email {
            email.judge(policies.for_provider(&id.provider), &profile_data);
        }
        Ok(Identity {
            id,
            origin: user_id(&self.home_id)?,
            ordinal: self.ordinal,
            connection: self.connection,
            social: self.social,
            email,
            profile_data,
            attach_time: self.attach_time,
            attached_by: self.attached_by_link,
            moved: moved(self.owner_since, self.moved_by_proof, self.vouched),
            email_proven_since: self.email_proven_since,
            email_proven_among: self.email_proven_among,
            email_changed: self.email_changed,
            tokens_valid_from: self.tokens_valid_from,
        })
    }
}
