//! `links.proof`: the proof on which a link rests, without its hash, which has a column of its own.

use serde::{Deserialize, Serialize};

use crate::domain::{LinkBasis, ProofKind, linking::LinkTerms, sign_in::SignInRule};

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
    VerifiedEmail {
        /// The rule by which the sign-in linked.
        rule: SignInRule,
    },
    /// The claim of a service.
    Service,
    /// A plan that an operator or a service applied.
    Plan,
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
    VerifiedEmail {
        /// The rule by which the sign-in linked.
        rule: SignInRule,
    },
    /// The claim of the service that made the link.
    Service,
    /// A plan that an operator or a service applied.
    Plan,
}

/// A proof without its hash. An erasing leaves only the kind and the rule.
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
    VerifiedEmail {
        // Earlier servers stored none, and linked by this one only.
        #[serde(default = "only_rule")]
        rule: SignInRule,
    },
    Service,
    Plan,
}

fn only_rule() -> SignInRule {
    SignInRule::EmailVerifiedOnBothSides
}

impl From<&Proof> for StoredProof {
    fn from(proof: &Proof) -> Self {
        match proof {
            Proof::Token { issuer, subject, hash: _ } => {
                Self::Token { issuer: issuer.clone(), subject: subject.clone() }
            }
            Proof::Ticket { hash: _ } => Self::Ticket,
            Proof::SignIn => Self::SignIn,
            Proof::VerifiedEmail { rule } => Self::VerifiedEmail { rule: *rule },
            Proof::Service => Self::Service,
            Proof::Plan => Self::Plan,
        }
    }
}

impl Proof {
    /// What names the proof, so that it makes one link; `None` if it is not used up.
    pub(in crate::store) fn hash(&self) -> Option<&[u8; 32]> {
        match self {
            Self::Token { hash, .. } | Self::Ticket { hash } => Some(hash),
            Self::SignIn | Self::VerifiedEmail { .. } | Self::Service | Self::Plan => None,
        }
    }

    /// Its kind.
    pub fn kind(&self) -> ProofKind {
        match self {
            Self::Token { .. } => ProofKind::Token,
            Self::Ticket { .. } => ProofKind::Ticket,
            Self::SignIn => ProofKind::SignIn,
            Self::VerifiedEmail { .. } => ProofKind::VerifiedEmail,
            Self::Service => ProofKind::Service,
            Self::Plan => ProofKind::Plan,
        }
    }

    /// The sign-in rule that made the link; `None` if a caller asked for it.
    pub fn rule(&self) -> Option<SignInRule> {
        match self {
            Self::VerifiedEmail { rule } => Some(*rule),
            Self::Token { .. }
            | Self::Ticket { .. }
            | Self::SignIn
            | Self::Service
            | Self::Plan => None,
        }
    }

    /// What a link on this proof and these terms rests on, for the feed.
    pub fn basis(&self, terms: &LinkTerms) -> LinkBasis {
        LinkBasis { proof: self.kind(), rule: self.rule(), plan: terms.plan }
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
            Self::VerifiedEmail { rule } => PastProof::VerifiedEmail { rule },
            Self::Service => PastProof::Service,
            Self::Plan => PastProof::Plan,
        }
    }
}
