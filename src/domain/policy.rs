//! The policy of an operator for a provider.

use std::collections::{BTreeMap, BTreeSet};

use super::{DomainError, Metadata, Provider};

/// The policies of an operator for the providers of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderPolicies {
    /// The providers that the configuration names.
    pub declared: BTreeMap<Provider, ProviderPolicy>,
    /// How providers that the configuration does not name are treated.
    pub undeclared: Undeclared,
}

/// How providers that a tenant's configuration does not name are treated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Undeclared {
    /// No user signs in by them: see [`ProviderPolicy::UNDECLARED`].
    #[default]
    Refuse,
    /// They are treated as declared without settings: see [`ProviderPolicy::PLAIN`].
    Allow,
}

/// The claim that names the domain in which an account is hosted. It applies only to the email that
/// comes with it.
pub const HOSTED_DOMAIN: &str = "hd";

/// The policy for one provider. By default the provider is trusted with its subjects only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderPolicy {
    /// Whether the tenant has the provider: its configuration names it, or allows undeclared
    /// providers.
    pub is_known: bool,
    /// Whether its identities can sign in, be proofs, or be linked at all.
    pub enabled: bool,
    /// Whether its identities can only be linked to users, and never sign in on their own.
    pub link_only: bool,
    /// Which emails the provider is trusted to have verified.
    pub email_trust: EmailTrust,
    /// Whether an email also counts where only the source of an import claims that it is verified.
    pub imported_emails: bool,
    /// What a first sign-in does if another user has its email.
    pub linking: LinkingPolicy,
    /// Which email a first sign-in must have.
    pub required_email: RequiredEmail,
}

/// Which emails a provider is trusted to have verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EmailTrust {
    /// None.
    #[default]
    Never,
    /// Each email that the provider claims to be verified.
    WhenVerified,
    /// Of the emails that the provider claims to be verified, those in a domain over which it has
    /// authority: it runs the mailboxes, or the domain's owner delegated them to it. Addresses in
    /// other domains may have changed hands since.
    AuthoritativeDomains {
        /// The domains, in canonical form.
        domains: BTreeSet<String>,
        /// Whether the domain that an account's `hd` names counts too, as Google sends it for the
        /// accounts of an organisation.
        hosted: bool,
    },
}

/// What a first sign-in does if another user has its email. The most restrictive policy is the
/// smallest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkingPolicy {
    /// The account and the other user stay apart.
    Off,
    /// The link is suggested.
    #[default]
    Suggest,
    /// The account is linked.
    Automatic,
}

/// What happens to an account without an owner that signs in, where no email points to a user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Registration {
    /// It becomes a new user.
    #[default]
    Open,
    /// The response asks the caller first, and a second call creates the user.
    Ask,
    /// The sign-in is refused.
    Closed,
}

impl Registration {
    /// The same for a caller that has been asked and wants the new user.
    #[must_use]
    pub fn once_confirmed(self) -> Self {
        match self {
            Self::Open | Self::Ask => Self::Open,
            Self::Closed => Self::Closed,
        }
    }
}

/// Which email a first sign-in must have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RequiredEmail {
    /// The email may be missing.
    #[default]
    None,
    /// Any email.
    Any,
    /// An email that the provider is trusted to have verified.
    Verified,
}

impl Default for ProviderPolicy {
    fn default() -> Self {
        Self::PLAIN
    }
}

impl ProviderPolicies {
    /// The policy for a provider.
    pub fn for_provider(&self, provider: &Provider) -> &ProviderPolicy {
        self.declared.get(provider).unwrap_or_else(|| self.undeclared.policy())
    }
}

impl Undeclared {
    /// The policy for each undeclared provider.
    pub fn policy(self) -> &'static ProviderPolicy {
        static REFUSED: ProviderPolicy = ProviderPolicy::UNDECLARED;
        static ALLOWED: ProviderPolicy = ProviderPolicy::PLAIN;
        match self {
            Self::Refuse => &REFUSED,
            Self::Allow => &ALLOWED,
        }
    }
}

impl ProviderPolicy {
    /// A provider without settings: its accounts sign in, and its claims about emails do not count.
    pub const PLAIN: Self = Self {
        is_known: true,
        enabled: true,
        link_only: false,
        email_trust: EmailTrust::Never,
        imported_emails: false,
        linking: LinkingPolicy::Suggest,
        required_email: RequiredEmail::None,
    };
    /// A provider that the tenant does not have. Its accounts can only be read, unlinked, deleted,
    /// and absorbed with their user.
    pub const UNDECLARED: Self =
        Self { is_known: false, enabled: false, linking: LinkingPolicy::Off, ..Self::PLAIN };

    /// Whether identities of the provider can sign in.
    pub fn can_sign_in(&self) -> bool {
        self.enabled && !self.link_only
    }

    /// Refuses a sign-in with an account of a provider at which no user signs in.
    ///
    /// # Errors
    /// [`DomainError::ProviderUnknown`] and [`DomainError::ProviderDisabled`].
    pub fn expect_sign_in(&self) -> Result<(), DomainError> {
        self.expect_known()?;
        if self.can_sign_in() { Ok(()) } else { Err(DomainError::ProviderDisabled) }
    }

    /// Refuses a reference to an account of a provider that the tenant does not have.
    ///
    /// # Errors
    /// [`DomainError::ProviderUnknown`].
    pub fn expect_known(&self) -> Result<(), DomainError> {
        if self.is_known { Ok(()) } else { Err(DomainError::ProviderUnknown) }
    }
}

impl EmailTrust {
    /// Whether the provider is trusted to have verified this canonical email of an account with
    /// this profile.
    ///
    /// ```
    /// use identity_link::domain::{EmailTrust, Metadata};
    ///
    /// let domains = ["gmail.com".to_owned()].into();
    /// let google = EmailTrust::AuthoritativeDomains { domains, hosted: false };
    /// let profile = Metadata::default();
    /// assert!(google.covers("ann@gmail.com", &profile));
    /// // Another owner may have this address by now.
    /// assert!(!google.covers("ann@example.com", &profile));
    /// ```
    pub fn covers(&self, canonical: &str, profile: &Metadata) -> bool {
        match self {
            Self::Never => false,
            Self::WhenVerified => true,
            Self::AuthoritativeDomains { domains, hosted } => {
                let Some((_, domain)) = canonical.rsplit_once('@') else { return false };
                let hd = profile.as_map().get(HOSTED_DOMAIN).and_then(serde_json::Value::as_str);
                domains.contains(domain) || (*hosted && hd == Some(domain))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn profile(value: serde_json::Value) -> Metadata {
        match value {
            serde_json::Value::Object(map) => Metadata::from_stored(map),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_provider_with_authority_over_some_domains_verifies_no_others() {
        let none = Metadata::default();
        let gmail = |hosted| EmailTrust::AuthoritativeDomains {
            domains: ["gmail.com".to_owned()].into(),
            hosted,
        };
        for (trust, email, profile, covered) in [
            (EmailTrust::Never, "ann@gmail.com", &none, false),
            (EmailTrust::WhenVerified, "ann@example.com", &none, true),
            (gmail(false), "ann@gmail.com", &none, true),
            (gmail(false), "ann@example.com", &none, false),
            (gmail(false), "ann@mail.gmail.com", &none, false),
            (gmail(false), "ann@notgmail.com", &none, false),
            (gmail(false), "ann@example.com", &profile(json!({"hd": "example.com"})), false),
            (gmail(true), "ann@example.com", &profile(json!({"hd": "example.com"})), true),
            (gmail(true), "ann@example.com", &profile(json!({"hd": "example.org"})), false),
            (gmail(true), "ann@example.com", &profile(json!({"hd": true})), false),
            (gmail(true), "ann@example.com", &none, false),
        ] {
            assert_eq!(trust.covers(email, profile), covered, "{trust:?} {email} {profile:?}");
        }
    }

    #[test]
    fn the_more_closed_policy_is_the_lesser_one() {
        assert!(
            LinkingPolicy::Off < LinkingPolicy::Suggest
                && LinkingPolicy::Suggest < LinkingPolicy::Automatic
        );
    }
}
