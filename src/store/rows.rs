//! Rows of the database, and their conversion to domain types.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{
        Array, BigInt, Binary, Bool, Json, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
    },
};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{
    StoreError,
    stored::{from_json, verifier::StoredVerifier},
};
use crate::domain::{
    Absorbed, EmailVerification, Identity, IdentityEmail, IdentityRef, Metadata, Moved, Provider,
    ProviderPolicies, Subject, TokenHash, User, UserId, tickets::UserSnapshot,
};

/// The columns of a [`UserRow`], for a query in which `u` is the user. The identities are one
/// value, so that a user is one row and its metadata is sent once.
macro_rules! user_columns {
    () => {
        "u.id, u.version, u.create_time, u.update_time, u.absorbed_into, u.absorbed_by_link, u.absorbed_time, \
         u.primary_provider, u.primary_subject, u.user_metadata, u.app_metadata, u.profile_overrides, u.blocked, \
         u.tokens_valid_from, u.spared_token, u.writes_valid_from, u.ancestors, u.identities_version, \
         (SELECT json_agg(i ORDER BY i.ordinal) FROM identities i \
           WHERE i.tenant_id = u.tenant_id AND i.owner_id = u.id) AS identities"
    };
}
pub(super) use user_columns;

/// A user with its identities.
#[derive(QueryableByName)]
pub(super) struct UserRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Timestamptz)]
    create_time: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    update_time: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    absorbed_into: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    absorbed_by_link: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    absorbed_time: Option<DateTime<Utc>>,
    #[diesel(sql_type = Text)]
    primary_provider: String,
    #[diesel(sql_type = Text)]
    primary_subject: String,
    #[diesel(sql_type = Jsonb)]
    user_metadata: Value,
    #[diesel(sql_type = Jsonb)]
    app_metadata: Value,
    #[diesel(sql_type = Jsonb)]
    profile_overrides: Value,
    #[diesel(sql_type = Bool)]
    blocked: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    tokens_valid_from: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Binary>)]
    spared_token: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    writes_valid_from: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    ancestors: Option<Vec<String>>,
    #[diesel(sql_type = BigInt)]
    identities_version: i64,
    #[diesel(sql_type = Nullable<Json>)]
    identities: Option<Value>,
}

/// An identity as `json_agg` returns it.
#[derive(Deserialize)]
struct IdentityRow {
    provider: String,
    subject: String,
    home_id: String,
    ordinal: i32,
    connection: String,
    social: bool,
    email: Option<String>,
    email_canonical: Option<String>,
    email_verify_time: Option<DateTime<Utc>>,
    email_verifier: Option<StoredVerifier>,
    profile_data: Value,
    attach_time: DateTime<Utc>,
    attached_by_link: Option<Uuid>,
    owner_since: Option<DateTime<Utc>>,
    moved_by_proof: bool,
    vouched: bool,
    email_proven_since: Option<DateTime<Utc>>,
    email_proven_among: bool,
    email_changed: bool,
}

impl UserRow {
    /// The user, its emails judged by today's configuration.
    pub(super) fn judged(self, policies: &ProviderPolicies) -> Result<User, StoreError> {
        let mut user = User::try_from(self)?;
        for identity in &mut user.identities {
            if let Some(email) = &mut identity.email {
                email.judge(policies.for_provider(&identity.id.provider), &identity.profile_data);
            }
        }
        Ok(user)
    }
}

/// Without today's configuration no email counts as verified: see `UserRow::judged`.
impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let identities: Vec<IdentityRow> = match row.identities {
            Some(json) => from_json("identity", json)?,
            None => Vec::new(),
        };
        Ok(Self {
            id: user_id(&row.id)?,
            version: row.version,
            identities_version: row.identities_version,
            create_time: row.create_time,
            update_time: row.update_time,
            identities: identities.into_iter().map(Identity::try_from).collect::<Result<_, _>>()?,
            primary: identity_ref(&row.primary_provider, &row.primary_subject)?,
            user_metadata: metadata(row.user_metadata)?,
            app_metadata: metadata(row.app_metadata)?,
            profile_overrides: metadata(row.profile_overrides)?,
            blocked: row.blocked,
            tokens_valid_from: row.tokens_valid_from,
            spared_token: row.spared_token.map(token_hash).transpose()?,
            writes_valid_from: row.writes_valid_from,
            absorbed: absorbed(row.absorbed_into, row.absorbed_by_link, row.absorbed_time)?,
            ancestors: row
                .ancestors
                .iter()
                .flatten()
                .map(|id| user_id(id))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<IdentityRow> for Identity {
    type Error = StoreError;

    fn try_from(row: IdentityRow) -> Result<Self, StoreError> {
        let verified = match (row.email_verify_time, row.email_verifier) {
            (Some(time), Some(by)) => Some(EmailVerification { time, by: by.into() }),
            _ => None,
        };
        Ok(Self {
            id: identity_ref(&row.provider, &row.subject)?,
            origin: user_id(&row.home_id)?,
            ordinal: row.ordinal,
            connection: row.connection,
            social: row.social,
            email: row.email.map(|given| IdentityEmail {
                given,
                canonical: row.email_canonical,
                verified,
                counts: None,
            }),
            profile_data: metadata(row.profile_data)?,
            attach_time: row.attach_time,
            attached_by: row.attached_by_link,
            moved: moved(row.owner_since, row.moved_by_proof, row.vouched),
            email_proven_since: row.email_proven_since,
            email_proven_among: row.email_proven_among,
            email_changed: row.email_changed,
        })
    }
}

pub(super) fn moved(since: Option<DateTime<Utc>>, by_proof: bool, vouched: bool) -> Option<Moved> {
    since.map(|time| Moved { time, by_proof, vouched })
}

pub(super) fn token_hash(bytes: Vec<u8>) -> Result<TokenHash, StoreError> {
    bytes.try_into().map_err(|_| StoreError::corrupt("hash of a token"))
}

pub(super) fn user_id(text: &str) -> Result<UserId, StoreError> {
    UserId::parse(text).ok_or_else(|| StoreError::corrupt("user id"))
}

pub(super) fn identity_ref(provider: &str, subject: &str) -> Result<IdentityRef, StoreError> {
    let provider = Provider::parse(provider).ok_or_else(|| StoreError::corrupt("provider"))?;
    let subject = Subject::parse(subject).ok_or_else(|| StoreError::corrupt("subject"))?;
    Ok(IdentityRef { provider, subject })
}

pub(super) fn metadata(value: Value) -> Result<Metadata, StoreError> {
    match value {
        Value::Object(map) => Ok(Metadata::from_stored(map)),
        _ => Err(StoreError::corrupt("metadata object")),
    }
}

pub(super) fn absorbed(
    into: Option<String>,
    by_link: Option<Uuid>,
    time: Option<DateTime<Utc>>,
) -> Result<Option<Absorbed>, StoreError> {
    match (into, by_link, time) {
        (Some(into), Some(by_link), Some(time)) => {
            Ok(Some(Absorbed { into: user_id(&into)?, by_link, time }))
        }
        _ => Ok(None),
    }
}

/// The owner of an account, from its two columns; `None` if it had none.
pub(super) fn owner(
    id: Option<&str>,
    identities_version: Option<i64>,
) -> Result<Option<UserSnapshot>, StoreError> {
    let owner = id.zip(identities_version);
    owner
        .map(|(id, identities_version)| Ok(UserSnapshot { id: user_id(id)?, identities_version }))
        .transpose()
}

/// The form for a `jsonb` column.
pub(super) fn json(metadata: &Metadata) -> Value {
    Value::Object(metadata.as_map().clone())
}
