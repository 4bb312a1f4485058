//! `links.proof`: the proof on which a link rests, without its hash, which has a column of its own.

use serde::{Deserialize, Serialize};

/// The proof on which a link rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A token of the secondary user.
    Token {
        /// The issuer of the token.
        issuer: String,
        /// The user or identity that the token names.
        subject: String,
        /// SHA-256 that names the token.
        hash: [u8; 32],
    },
    /// A ticket of a sign-in that had just proven the identity.
    Ticket {
        /// SHA-256 of the ticket.
        hash: [u8; 32],
    },
    /// A sign-in at the account, for this link only.
    SignIn,
    /// An email that is verified on both sides.
    VerifiedEmail,
    /// The claim of a service.
    Service,
}

/// The proof on which a link rests, as far as it is still stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PastProof {
    /// A token of the secondary user; all fields are empty after that user is deleted.
    Token {
        /// The issuer of the token.
        issuer: String,
        /// The user or identity that the token named.
        subject: String,
        /// SHA-256 that names the token.
        hash: Vec<u8>,
    },
    /// A ticket of a sign-in.
    Ticket,
    /// A sign-in at the account, for this link only.
    SignIn,
    /// An email that was verified on both users.
    VerifiedEmail,
    /// The claim of the service that made the link.
    Service,
}

/// A proof without its hash. An erasing leaves only the kind.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(in crate::store) enum StoredProof {
    Token {
        #[serde(default)]
        issuer: String,
        #[serde(default)]
        subject: String,
    },
    Ticket,
    SignIn,
    VerifiedEmail,
    Service,
}

impl From<&Proof> for StoredProof {
    fn from(proof: &Proof) -> Self {
        match proof {
            Proof::Token { issuer, subject, hash: _ } => {
                Self::Token { issuer: issuer.clone(), subject: subject.clone() }
            }
            Proof::Ticket { hash: _ } => Self::Ticket,
            Proof::SignIn => Self::SignIn,
            Proof::VerifiedEmail => Self::VerifiedEmail,
            Proof::Service => Self::Service,
        }
    }
}

impl Proof {
    /// What names the proof, so that it makes one link; `None` if it is not used up.
    pub(in crate::store) fn hash(&self) -> Option<&[u8; 32]> {
        match self {
            Self::Token { hash, .. } | Self::Ticket { hash } => Some(hash),
            Self::SignIn | Self::VerifiedEmail | Self::Service => None,
        }
    }
}

impl StoredProof {
    /// The proof with its hash, which an erasing removes.
    pub(in crate::store) fn into_proof(self, hash: Option<Vec<u8>>) -> PastProof {
        match self {
            Self::Token { issuer, subject } => {
                PastProof::Token { issuer, subject, hash: hash.unwrap_or_default() }
            }
            Self::Ticket => PastProof::Ticket,
            Self::SignIn => PastProof::SignIn,
            Self::VerifiedEmail => PastProof::VerifiedEmail,
            Self::Service => PastProof::Service,
        }
    }
}
