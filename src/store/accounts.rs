//! Accounts that a provider told of, as they are kept for a few minutes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    StoreError,
    links::json,
    rows::{identity_ref, json as document, metadata, user_id, verifier, verifier_json},
};
use crate::domain::{IdentityEmail, Verified, linking::UnownedIdentity, tickets::UserThen};

/// An account, but for its name.
#[derive(Serialize, Deserialize)]
struct StoredAccount {
    connection: String,
    email: Option<StoredEmail>,
    profile_data: Value,
    #[serde(default)]
    signed_in_at: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
struct StoredEmail {
    given: String,
    canonical: Option<String>,
    verify_time: Option<DateTime<Utc>>,
    verifier: Option<Value>,
}

/// What is kept of an account beside its name.
pub(super) fn account_json(account: &UnownedIdentity) -> Value {
    let email = account.email.as_ref().map(|email| StoredEmail {
        given: email.given.clone(),
        canonical: email.canonical.clone(),
        verify_time: email.verified.as_ref().map(|verified| verified.time),
        verifier: email.verified.as_ref().map(|verified| verifier_json(&verified.by)),
    });
    let profile_data = document(&account.profile_data);
    let (connection, signed_in_at) = (account.connection.clone(), account.signed_in_at);
    json(&StoredAccount { connection, email, profile_data, signed_in_at })
}

/// The account of this name, of which that is kept.
pub(super) fn account_of(provider: &str, subject: &str, kept: Value) -> Result<UnownedIdentity, StoreError> {
    let kept: StoredAccount = serde_json::from_value(kept).map_err(|_| StoreError::corrupt("account"))?;
    let email = kept.email.map(|email| {
        let verified = email.verify_time.zip(email.verifier);
        let verified = verified.map(|(time, by)| Ok::<_, StoreError>(Verified { time, by: verifier(&by)? }));
        let verified = verified.transpose()?;
        // Whether the word counts, today's configuration says.
        Ok::<_, StoreError>(IdentityEmail { given: email.given, canonical: email.canonical, verified, counts: None })
    });
    Ok(UnownedIdentity {
        id: identity_ref(provider, subject)?,
        connection: kept.connection,
        // What it is now, the configuration says.
        social: false,
        email: email.transpose()?,
        profile_data: metadata(kept.profile_data)?,
        signed_in_at: kept.signed_in_at,
    })
}

/// The owner that an account had, out of its two columns.
pub(super) fn owner_of(id: Option<&str>, identities_version: Option<i64>) -> Result<Option<UserThen>, StoreError> {
    let owner = id.zip(identities_version);
    owner.map(|(id, identities_version)| Ok(UserThen { id: user_id(id)?, identities_version })).transpose()
}
