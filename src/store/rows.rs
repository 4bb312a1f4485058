//! Columns of the database, and their conversion to domain types.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::StoreError;
use crate::domain::{
    Absorbed, AbsorbedBy, IdentityRef, Metadata, Moved, Provider, Subject, TokenHash, UserId,
    tickets::UserSnapshot,
};

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

/// The absorption of a user, from its four columns.
pub(super) fn absorbed(
    into: Option<String>,
    by_link: Option<Uuid>,
    alias_of: Option<String>,
    time: Option<DateTime<Utc>>,
) -> Result<Option<Absorbed>, StoreError> {
    let by = match (by_link, alias_of) {
        (Some(link), None) => Some(AbsorbedBy::Link(link)),
        (None, Some(user)) => Some(AbsorbedBy::Import(user_id(&user)?)),
        (None, None) => None,
        (Some(_), Some(_)) => return Err(StoreError::corrupt("absorption")),
    };
    match (into, by, time) {
        (Some(into), Some(by), Some(time)) => {
            Ok(Some(Absorbed { into: user_id(&into)?, by, time }))
        }
        (None, None, None) => Ok(None),
        _ => Err(StoreError::corrupt("absorption")),
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
