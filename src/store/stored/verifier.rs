//! `identities.email_verifier`: the party that claims an email to be verified.

use serde::{Deserialize, Serialize};

use crate::domain::Verifier;

/// The stored form of a [`Verifier`].
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(in crate::store) enum StoredVerifier {
    Issuer { issuer: String },
    Service { issuer: String, subject: String },
    Import,
}

impl From<&Verifier> for StoredVerifier {
    fn from(verifier: &Verifier) -> Self {
        match verifier {
            Verifier::Issuer(issuer) => Self::Issuer { issuer: issuer.clone() },
            Verifier::Service { issuer, subject } => {
                Self::Service { issuer: issuer.clone(), subject: subject.clone() }
            }
            Verifier::Import => Self::Import,
        }
    }
}

impl From<StoredVerifier> for Verifier {
    fn from(stored: StoredVerifier) -> Self {
        match stored {
            StoredVerifier::Issuer { issuer } => Self::Issuer(issuer),
            StoredVerifier::Service { issuer, subject } => Self::Service { issuer, subject },
            StoredVerifier::Import => Self::Import,
        }
    }
}
