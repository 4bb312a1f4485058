//! Proven accounts in the form in which they are stored for a few minutes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    StoreError,
    links::json,
    rows::{identity_ref, json as document, metadata, user_id, verifier, verifier_json},
};
use crate::domain::{
    EmailVerification, IdentityEmail, linking::UnownedIdentity, tickets::UserSnapshot,
};

/// An account without its provider and subject.
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

/// The stored form of an account, without its provider and subject.
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

/// The account with this provider and subject and this stored form.
pub(super) fn account_of(
    provider: &str,
    subject: &str,
    kept: Value,
) -> Result<UnownedIdentity, StoreError> {
    let kept: StoredAccount =
        serde_json::from_value(kept).map_err(|_| StoreError::corrupt("account"))?;
    let email = kept.email.map(|email| {
        let verified = email.verify_time.zip(email.verifier);
        let verified = verified
            .map(|(time, by)| Ok::<_, StoreError>(EmailVerification { time, by: verifier(&by)? }));
        let verified = verified.transpose()?;
        // Today's configuration decides later whether the verification counts.
        Ok::<_, StoreError>(IdentityEmail {
            given: email.given,
            canonical: email.canonical,
            verified,
            counts: None,
        })
    });
    Ok(UnownedIdentity {
        id: identity_ref(provider, subject)?,
        connection: kept.connection,
        // Today's configuration decides later.
        social: false,
        email: email.transpose()?,
        profile_data: metadata(kept.profile_data)?,
        signed_in_at: kept.signed_in_at,
    })
}

/// The account's owner, from its two columns; `None` if it had none.
pub(super) fn owner_of(
    id: Option<&str>,
    identities_version: Option<i64>,
) -> Result<Option<UserSnapshot>, StoreError> {
    let owner = id.zip(identities_version);
    owner
        .map(|(id, identities_version)| Ok(UserSnapshot { id: user_id(id)?, identities_version }))
        .transpose()
}
