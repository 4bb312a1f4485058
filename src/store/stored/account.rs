//! `sign_in_tickets.account` and `sign_in_attempts.account`: a proven account, stored for a few
//! minutes.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::verifier::StoredVerifier;
use crate::domain::{
    EmailVerification, IdentityEmail, IdentityRef, KeptTokens, Metadata, linking::UnownedIdentity,
};

/// An account without its provider and subject, which have columns of their own.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct StoredAccount {
    connection: String,
    email: Option<StoredEmail>,
    /// Absent in rows of an earlier release, which looks for no user by them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    other_emails: Vec<StoredEmail>,
    profile_data: Map<String, Value>,
    signed_in_at: Option<DateTime<Utc>>,
    /// Absent in rows of an earlier release, which keep none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens: Option<StoredTokens>,
}

#[derive(Serialize, Deserialize)]
struct StoredTokens {
    issuer: String,
    key_id: String,
    /// In base64.
    sealed: String,
    scopes: BTreeSet<String>,
    refreshable: bool,
    expire_time: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
struct StoredEmail {
    given: String,
    canonical: Option<String>,
    verify_time: Option<DateTime<Utc>>,
    verifier: Option<StoredVerifier>,
}

impl From<&UnownedIdentity> for StoredAccount {
    fn from(account: &UnownedIdentity) -> Self {
        Self {
            connection: account.connection.clone(),
            email: account.email.as_ref().map(StoredEmail::from),
            other_emails: account.other_emails.iter().map(StoredEmail::from).collect(),
            profile_data: account.profile_data.as_map().clone(),
            signed_in_at: account.signed_in_at,
            tokens: account.tokens.as_ref().map(StoredTokens::from),
        }
    }
}

impl From<&KeptTokens> for StoredTokens {
    fn from(tokens: &KeptTokens) -> Self {
        let KeptTokens { issuer, key_id, sealed, scopes, refreshable, expire_time } =
            tokens.clone();
        Self { issuer, key_id, sealed: BASE64.encode(&sealed), scopes, refreshable, expire_time }
    }
}

impl StoredTokens {
    /// The tokens. Bytes that are not base64 open with no key.
    fn into_tokens(self) -> KeptTokens {
        let Self { issuer, key_id, sealed, scopes, refreshable, expire_time } = self;
        let sealed = BASE64.decode(sealed.as_bytes()).unwrap_or_default();
        KeptTokens { issuer, key_id, sealed, scopes, refreshable, expire_time }
    }
}

impl From<&IdentityEmail> for StoredEmail {
    fn from(email: &IdentityEmail) -> Self {
        let verified = email.verified.as_ref();
        Self {
            given: email.given.clone(),
            canonical: email.canonical.clone(),
            verify_time: verified.map(|verified| verified.time),
            verifier: verified.map(|verified| (&verified.by).into()),
        }
    }
}

impl StoredAccount {
    /// The account, before today's configuration has judged its email and provider.
    pub(in crate::store) fn into_account(self, id: IdentityRef) -> UnownedIdentity {
        UnownedIdentity {
            id,
            connection: self.connection,
            social: false,
            email: self.email.map(IdentityEmail::from),
            other_emails: self.other_emails.into_iter().map(IdentityEmail::from).collect(),
            profile_data: Metadata::from_stored(self.profile_data),
            signed_in_at: self.signed_in_at,
            tokens: self.tokens.map(StoredTokens::into_tokens),
        }
    }
}

impl From<StoredEmail> for IdentityEmail {
    fn from(StoredEmail { given, canonical, verify_time, verifier }: StoredEmail) -> Self {
        let verified = verify_time.zip(verifier);
        let verified = verified.map(|(time, by)| EmailVerification { time, by: by.into() });
        Self { given, canonical, verified, counts: None }
    }
}
