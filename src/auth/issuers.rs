//! The trusted issuers and their rules: one entry per issuer, from the configuration, never from a
//! token.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use jsonwebtoken::Algorithm;

use super::{
    keys::{KeySettings, Keys},
    verified_tokens::VerifiedTokens,
};
use crate::{
    domain::{Provider, TenantId},
    telemetry::metrics::TokenMetrics,
};

/// A trusted issuer of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The `iss` of its tokens, compared byte by byte.
    pub issuer: String,
    /// The kind of callers that its tokens name.
    pub kind: CallerKind,
    /// The tenant to which its tokens belong.
    pub tenant: TenantRule,
    /// The algorithms that it signs with, all asymmetric.
    pub algorithms: Vec<Algorithm>,
    /// The source of its keys, and how they are refreshed.
    pub keys: KeySettings,
    /// The rules for bearer tokens; `None` accepts none.
    pub bearer: Option<TokenUseRules>,
    /// The rules for `link_with` tokens; `None` accepts none.
    pub link_with: Option<TokenUseRules>,
    /// The scopes that its tokens may contain; others are ignored.
    pub allowed_scopes: BTreeSet<String>,
    /// Self scopes that its user tokens have implicitly.
    pub implied_scopes: BTreeSet<String>,
    /// The longest time between `iat` and `exp`.
    pub max_lifetime: Duration,
    /// The earliest `iat` of its tokens; `None` accepts any.
    pub tokens_valid_from: Option<DateTime<Utc>>,
    /// Whether only `auth_time` proves when the person signed in. Where tokens are renewed
    /// silently, `iat` does not prove it.
    pub require_auth_time: bool,
}

/// The kind of callers that an issuer's tokens name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerKind {
    /// Users.
    User(SubjectMeaning),
    /// Services.
    Service,
    /// Named by this claim: `user` or `service`, and no other value.
    Claim {
        /// The name of the claim.
        claim: String,
        /// What `sub` means in user tokens.
        subject: SubjectMeaning,
    },
}

/// The meaning of a user token's `sub`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectMeaning {
    /// The subject of an identity at this provider.
    Subject(Provider),
    /// `provider|subject`, for one of these providers.
    Identity(BTreeSet<Provider>),
    /// A user id of this service.
    UserId,
}

/// The tenant to which a token belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantRule {
    /// Always this tenant.
    Fixed(TenantId),
    /// The tenant that this string claim names. It must be one of these.
    Claim {
        /// The name of the claim.
        claim: String,
        /// The accepted tenants.
        tenants: BTreeSet<TenantId>,
    },
    /// For services: the tenant that the call names. It must be one of these.
    OneOf(BTreeSet<TenantId>),
}

impl TenantRule {
    /// All tenants to which a token under this rule can belong.
    pub fn tenants(&self) -> Vec<&TenantId> {
        match self {
            Self::Fixed(tenant) => vec![tenant],
            Self::Claim { tenants, .. } | Self::OneOf(tenants) => tenants.iter().collect(),
        }
    }
}

/// The requirements for a token in one use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUseRules {
    /// The accepted audiences. `aud` must contain one of them.
    pub audiences: BTreeSet<String>,
    /// The accepted values of `typ`, compared without case and without `application/` (RFC 7515
    /// §4.1.9); the empty one stands for a token without `typ`.
    pub types: BTreeSet<String>,
    /// The longest time since `iat`; `None` for any.
    pub max_age: Option<Duration>,
    /// Whether a proof must be issued to the calling client: see [`Issuers::expect_same_client`].
    pub same_client: bool,
}

impl CallerKind {
    /// The providers whose subjects these tokens can name.
    pub fn providers(&self) -> Vec<&Provider> {
        match self.subject() {
            None | Some(SubjectMeaning::UserId) => Vec::new(),
            Some(SubjectMeaning::Subject(provider)) => vec![provider],
            Some(SubjectMeaning::Identity(providers)) => providers.iter().collect(),
        }
    }

    /// Whether these tokens can name user ids.
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
    services: Vec<NamedService>,
    pub(super) verified: VerifiedTokens,
    pub(super) metrics: TokenMetrics,
}

/// A service to which the operator gives a name, for the log and the metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedService {
    /// The name.
    pub name: Arc<str>,
    /// The issuer of its tokens.
    pub issuer: String,
    /// Their `sub`.
    pub subject: String,
}

impl Issuers {
    /// Makes a set of trusted issuers.
    pub fn new(trusted: Vec<(Issuer, Arc<Keys>)>) -> Self {
        let (services, metrics) = Default::default();
        Self { trusted, services, verified: VerifiedTokens::new(), metrics }
    }

    /// The same issuers, with these names for services.
    #[must_use]
    pub fn with_services(self, services: Vec<NamedService>) -> Self {
        Self { services, ..self }
    }

    /// The same issuers, whose tokens are counted here.
    #[must_use]
    pub fn with_metrics(self, metrics: TokenMetrics) -> Self {
        Self { metrics, ..self }
    }

    /// The name of a service; `None` if it has none.
    pub fn service_name(&self, issuer: &str, subject: &str) -> Option<Arc<str>> {
        let is_it = |named: &&NamedService| named.issuer == issuer && named.subject == subject;
        self.services.iter().find(is_it).map(|named| Arc::clone(&named.name))
    }

    /// How many verified tokens are remembered.
    pub fn remembered_tokens(&self) -> usize {
        self.verified.len()
    }

    /// The issuer with this `iss`, and its keys; `None` if it is not trusted.
    pub fn find(&self, iss: &str) -> Option<(&Issuer, &Arc<Keys>)> {
        let (issuer, keys) = self.trusted.iter().find(|(issuer, _)| issuer.issuer == iss)?;
        Some((issuer, keys))
    }

    /// The keys of each issuer, with its `iss`.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &Arc<Keys>)> {
        self.trusted.iter().map(|(issuer, keys)| (&*issuer.issuer, keys))
    }

    /// The keys of an issuer that is to be trusted, if it is trusted here with the same source of
    /// keys.
    pub fn keys_of_same_source(&self, issuer: &Issuer) -> Option<Arc<Keys>> {
        let (_, keys) = self.find(&issuer.issuer)?;
        keys.are_of(&issuer.keys, &issuer.algorithms).then(|| Arc::clone(keys))
    }

    /// Each `iss`, and whether it has keys that verify its tokens.
    pub fn with_keys(&self) -> impl Iterator<Item = (&str, bool)> {
        self.trusted.iter().map(|(issuer, keys)| (&*issuer.issuer, keys.current().is_ok()))
    }
}
