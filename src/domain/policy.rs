//! What an operator decides about a provider.

use std::collections::{BTreeMap, BTreeSet};

use super::{IdentityEmail, Metadata, Provider, Refusal};

/// What an operator decides about the providers of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderPolicies {
    /// The providers that the configuration names.
    pub declared: BTreeMap<Provider, ProviderPolicy>,
    /// What becomes of the others.
    pub undeclared: Undeclared,
}

/// What becomes of providers that a tenant's configuration does not name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Undeclared {
    /// They let nobody in: see [`ProviderPolicy::UNDECLARED`].
    #[default]
    Refuse,
    /// They are as if they were named, without any setting: see [`ProviderPolicy::PLAIN`].
    Allow,
}

/// The claim that names the domain in which an account is hosted. It says something of the email with which it is
/// told, and of no other.
pub const HOSTED_DOMAIN: &str = "hd";

/// What an operator decides about a provider. The default trusts it with nothing but its subjects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderPolicy {
    /// Whether the tenant has it: its configuration names it, or allows providers that it does not name.
    pub is_known: bool,
    /// Whether its identities can sign in, be proofs, or be linked at all.
    pub enabled: bool,
    /// Whether its identities are only linked to users, and never sign in by themselves.
    pub link_only: bool,
    /// Whose emails it is believed to have verified.
    pub email_trust: EmailTrust,
    /// What happens when somebody signs in whose email another user has.
    pub linking: LinkingPolicy,
    /// Which email a first sign-in has to bring.
    pub required_email: RequiredEmail,
}

/// Whose emails a provider is believed to have verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EmailTrust {
    /// Nobody's.
    #[default]
    Never,
    /// Everybody's of whom it says so.
    WhenVerified,
    /// Of those of whom it says so, only theirs over whose domain it has authority: it runs the mailboxes,
    /// or the domain's owner has put it in charge. Others' addresses may have changed hands since.
    AuthoritativeDomains {
        /// The domains, canonical.
        domains: BTreeSet<String>,
        /// Whether the domain that an account's `hd` names is one too, as Google tells of the accounts of an
        /// organisation.
        hosted: bool,
    },
}

/// What happens when somebody signs in for the first time whose email another user has: the more closed
/// comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkingPolicy {
    /// They are two users.
    Off,
    /// It is suggested to link them.
    #[default]
    Suggest,
    /// They are linked.
    Automatic,
}

/// What becomes of an account that signs in and is nobody's, where no email tells whose it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Registration {
    /// It becomes a new user.
    #[default]
    Open,
    /// The caller is told so first, and makes it one by a second call.
    Ask,
    /// It is refused.
    Closed,
}

impl Registration {
    /// The same for a caller that has been told, and wants the new user.
    #[must_use]
    pub fn wanted(self) -> Self {
        match self {
            Self::Open | Self::Ask => Self::Open,
            Self::Closed => Self::Closed,
        }
    }
}

/// Which email a first sign-in has to bring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RequiredEmail {
    /// None.
    #[default]
    None,
    /// Any.
    Any,
    /// One that the provider is believed to have verified.
    Verified,
}

impl Default for ProviderPolicy {
    fn default() -> Self {
        Self::PLAIN
    }
}

impl ProviderPolicies {
    /// What is decided about a provider.
    pub fn of(&self, provider: &Provider) -> &ProviderPolicy {
        self.declared.get(provider).unwrap_or_else(|| self.undeclared.policy())
    }
}

impl Undeclared {
    /// What is decided about each of them.
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
    /// A provider of which nothing is said but its name: people sign in there, and its word on emails does not count.
    pub const PLAIN: Self = Self {
        is_known: true,
        enabled: true,
        link_only: false,
        email_trust: EmailTrust::Never,
        linking: LinkingPolicy::Suggest,
        required_email: RequiredEmail::None,
    };
    /// A provider that the tenant does not have. Its accounts can be read, unlinked, deleted, and absorbed with their
    /// user, and nothing else.
    pub const UNDECLARED: Self = Self { is_known: false, enabled: false, linking: LinkingPolicy::Off, ..Self::PLAIN };

    /// Whether its identities can sign in.
    pub fn can_sign_in(&self) -> bool {
        self.enabled && !self.link_only
    }

    /// Refuses a sign-in with one of its accounts.
    ///
    /// # Errors
    /// [`Refusal::ProviderUnknown`] and [`Refusal::ProviderDisabled`].
    pub fn expect_sign_in(&self) -> Result<(), Refusal> {
        self.expect_known()?;
        if self.can_sign_in() { Ok(()) } else { Err(Refusal::ProviderDisabled) }
    }

    /// Refuses a reference to one of its accounts where the tenant does not have it.
    ///
    /// # Errors
    /// [`Refusal::ProviderUnknown`].
    pub fn expect_known(&self) -> Result<(), Refusal> {
        if self.is_known { Ok(()) } else { Err(Refusal::ProviderUnknown) }
    }

    /// Notes what the provider's word on the email of one of its accounts is worth; `profile` is that account's.
    pub fn judge(&self, email: &mut IdentityEmail, profile: &Metadata) {
        let covers = |canonical: &String| self.email_trust.covers(canonical, profile);
        let counts = self.enabled && email.verified.is_some() && email.canonical.as_ref().is_some_and(covers);
        email.counts = counts.then_some(self.linking);
    }
}

impl EmailTrust {
    /// Whether the provider's word counts that this canonical email is verified, of an account with this
    /// profile.
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
        let gmail = |hosted| EmailTrust::AuthoritativeDomains { domains: ["gmail.com".to_owned()].into(), hosted };
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
        assert!(LinkingPolicy::Off < LinkingPolicy::Suggest && LinkingPolicy::Suggest < LinkingPolicy::Automatic);
    }
}
