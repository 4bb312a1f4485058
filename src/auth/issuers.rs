//! Whom we trust, for what: one entry per issuer, from the configuration, never from a token.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jsonwebtoken::Algorithm;

use super::{
    keys::{KeySettings, Keys},
    verified_tokens::VerifiedTokens,
};
use crate::domain::{Provider, TenantId};

/// A trusted issuer of tokens.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// The `iss` of its tokens, compared byte by byte.
    pub issuer: String,
    /// What its tokens speak for.
    pub kind: Kind,
    /// Whose population its tokens belong to.
    pub tenant: TenantRule,
    /// The algorithms that it signs with, all asymmetric.
    pub algorithms: Vec<Algorithm>,
    /// Where its keys come from, and how they are kept.
    pub keys: KeySettings,
    /// What a bearer token must look like; `None` accepts none.
    pub bearer: Option<UseRules>,
    /// What a `link_with` token must look like; `None` accepts none.
    pub link_with: Option<UseRules>,
    /// The scopes that its tokens may carry; others are ignored.
    pub allowed_scopes: BTreeSet<String>,
    /// Self scopes that its user tokens have without saying so.
    pub implied_scopes: BTreeSet<String>,
    /// The longest time between `iat` and `exp`.
    pub max_lifetime: Duration,
    /// Whether only `auth_time` says when the person signed in: where tokens are renewed in silence, `iat` does not.
    pub require_auth_time: bool,
}

/// What an issuer's tokens speak for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Users.
    User(SubjectMeaning),
    /// Services.
    Service,
    /// Whatever this claim says: `user` or `service`, and nothing else.
    Claim {
        /// The name of the claim.
        claim: String,
        /// What `sub` means in user tokens.
        subject: SubjectMeaning,
    },
}

/// What the `sub` of a user token means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectMeaning {
    /// The subject of an identity at this provider.
    Subject(Provider),
    /// `provider|subject`, for one of these providers.
    Identity(BTreeSet<Provider>),
    /// A user id of ours.
    UserId,
}

/// Whose population a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantRule {
    /// Always this tenant's.
    Fixed(TenantId),
    /// The one that this claim, a string, names: one of these.
    Claim {
        /// The name of the claim.
        claim: String,
        /// The tenants that there are.
        tenants: BTreeSet<TenantId>,
    },
    /// For services: the one of these that the call names.
    OneOf(BTreeSet<TenantId>),
}

impl TenantRule {
    /// Every tenant that a token under this rule can belong to.
    pub fn tenants(&self) -> Vec<&TenantId> {
        match self {
            Self::Fixed(tenant) => vec![tenant],
            Self::Claim { tenants, .. } | Self::OneOf(tenants) => tenants.iter().collect(),
        }
    }
}

/// What a token must look like for one use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseRules {
    /// One of these must be in `aud`.
    pub audiences: BTreeSet<String>,
    /// `typ` must be one of these, whatever the case and without `application/`
    /// (RFC 7515 §4.1.9); the empty one stands for a token without `typ`.
    pub types: BTreeSet<String>,
    /// The longest time since `iat`.
    pub max_age: Option<Duration>,
    /// Whether a proof must come from the client that calls: see [`Issuers::expect_same_client`].
    pub same_client: bool,
}

impl Kind {
    /// The providers whose subjects the tokens can name.
    pub fn providers(&self) -> Vec<&Provider> {
        match self.subject() {
            None | Some(SubjectMeaning::UserId) => Vec::new(),
            Some(SubjectMeaning::Subject(provider)) => vec![provider],
            Some(SubjectMeaning::Identity(providers)) => providers.iter().collect(),
        }
    }

    /// Whether the tokens can name user ids.
    pub fn names_user_ids(&self) -> bool {
        self.subject() == Some(&SubjectMeaning::UserId)
    }

    fn subject(&self) -> Option<&SubjectMeaning> {
        match self {
            Self::Service => None,
            Self::User(subject) | Self::Claim { subject, .. } => Some(subject),
        }
    }
}

/// All trusted issuers, each with its keys.
#[derive(Debug)]
pub struct Issuers {
    trusted: Vec<(Issuer, Arc<Keys>)>,
    pub(super) verified: VerifiedTokens,
}

impl Issuers {
    /// Trusts these issuers.
    pub fn new(trusted: Vec<(Issuer, Arc<Keys>)>) -> Self {
        Self { trusted, verified: VerifiedTokens::new() }
    }

    /// The issuer with this `iss`, and its keys.
    pub fn find(&self, iss: &str) -> Option<(&Issuer, &Arc<Keys>)> {
        let (issuer, keys) = self.trusted.iter().find(|(issuer, _)| issuer.issuer == iss)?;
        Some((issuer, keys))
    }
}
