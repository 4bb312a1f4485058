//! The email of an identity, as its provider or a service claims it.

use chrono::{DateTime, Utc};

use super::{Email, LinkingPolicy, Metadata, ProviderPolicy};

/// The longest email that is stored, in bytes. No address is longer.
pub const MAX_EMAIL: usize = 320;

/// The email of an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityEmail {
    /// The email as given.
    pub given: String,
    /// The canonical form, for lookups; `None` if the email does not parse, and then it is never
    /// verified.
    pub canonical: Option<String>,
    /// When and by which verifier it was verified; `None` if it is not. It is kept as given,
    /// whether or not it counts.
    pub verified: Option<EmailVerification>,
    /// How an email of this provider links by today's configuration, where `verified` counts;
    /// `None` where it does not. [`IdentityEmail::judge`] sets it wherever an email is read or
    /// made.
    pub counts: Option<LinkingPolicy>,
}

/// The verification of an email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailVerification {
    /// When the email was verified.
    pub time: DateTime<Utc>,
    /// The party that claims it.
    pub by: Verifier,
}

/// The party that claims an email to be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verifier {
    /// An issuer that is trusted with emails, in a token.
    Issuer(String),
    /// A service.
    Service {
        /// The issuer of the service's token.
        issuer: String,
        /// The service, as that issuer names it.
        subject: String,
    },
    /// The source of an import, without any proof to this service. It counts only where the
    /// provider's policy says so: see [`ProviderPolicy::imported_emails`].
    Import,
}

impl IdentityEmail {
    /// The email of an account, with its verification if the party that gives the email claims one.
    /// `None` for a text that cannot be stored: an empty one, one over [`MAX_EMAIL`] bytes, or one
    /// with control characters. A text that is no address is kept, but never verified.
    pub fn claimed(given: &str, verified: Option<EmailVerification>) -> Option<Self> {
        let can_be_kept =
            (1..=MAX_EMAIL).contains(&given.len()) && !given.chars().any(char::is_control);
        can_be_kept.then(|| {
            let canonical = Email::parse(given).ok().map(|email| email.canonical().to_owned());
            let verified = verified.filter(|_| canonical.is_some());
            Self { given: given.to_owned(), canonical, verified, counts: None }
        })
    }

    /// Sets `counts` by today's policy of the provider. `profile` is the profile of the same
    /// account.
    pub fn judge(&mut self, policy: &ProviderPolicy, profile: &Metadata) {
        let covers = |canonical: &String| policy.email_trust.covers(canonical, profile);
        let accepts = |of: &EmailVerification| of.by != Verifier::Import || policy.imported_emails;
        let counts = policy.enabled
            && self.verified.as_ref().is_some_and(accepts)
            && self.canonical.as_ref().is_some_and(covers);
        self.counts = counts.then_some(policy.linking);
    }

    /// Whether it is verified and the verification counts today.
    pub fn is_verified(&self) -> bool {
        self.counts.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::EmailTrust;

    fn claimed(given: &str) -> Option<IdentityEmail> {
        let by = Verifier::Issuer("https://issuer.example.com".to_owned());
        IdentityEmail::claimed(given, Some(EmailVerification { time: DateTime::UNIX_EPOCH, by }))
    }

    #[test]
    fn a_text_that_is_no_address_is_kept_but_never_verified() {
        let address = claimed("Ann@EXAMPLE.com").unwrap();
        assert_eq!(address.given, "Ann@EXAMPLE.com");
        assert_eq!(address.canonical.as_deref(), Some("ann@example.com"));
        assert!(address.verified.is_some());
        assert!(!address.is_verified(), "no policy has judged it yet");

        for text in ["ann", "Ann <ann@example.com>", "ann@localhost", " "] {
            let email = claimed(text).unwrap();
            assert_eq!((email.given.as_str(), &email.canonical), (text, &None));
            assert_eq!(email.verified, None, "{text}");
        }
    }

    #[test]
    fn a_text_that_cannot_be_stored_is_no_email() {
        for text in ["", "ann\0@example.com", "ann@example.com\n", &"a".repeat(MAX_EMAIL + 1)] {
            assert_eq!(claimed(text), None, "{text:?}");
        }
        assert!(claimed(&"a".repeat(MAX_EMAIL)).is_some());
    }

    #[test]
    fn the_word_of_an_import_counts_only_where_the_policy_says_so() {
        let by = |by| Some(EmailVerification { time: DateTime::UNIX_EPOCH, by });
        let issuer = Verifier::Issuer("https://issuer.example.com".to_owned());
        let trusted =
            ProviderPolicy { email_trust: EmailTrust::WhenVerified, ..ProviderPolicy::PLAIN };
        let accepting = ProviderPolicy { imported_emails: true, ..trusted.clone() };
        let untrusted = ProviderPolicy { imported_emails: true, ..ProviderPolicy::PLAIN };
        let disabled = ProviderPolicy { enabled: false, ..accepting.clone() };
        for (policy, issuer_counts, import_counts) in [
            (&trusted, true, false),
            (&accepting, true, true),
            (&untrusted, false, false),
            (&disabled, false, false),
        ] {
            for (by, counts) in
                [(by(issuer.clone()), issuer_counts), (by(Verifier::Import), import_counts)]
            {
                let mut email = IdentityEmail::claimed("ann@example.com", by).unwrap();
                email.judge(policy, &Metadata::default());
                assert_eq!(email.is_verified(), counts, "{policy:?}");
            }
        }
    }

    #[test]
    fn an_email_without_a_claim_is_unverified() {
        let email = IdentityEmail::claimed("ann@example.com", None).unwrap();
        assert_eq!((email.verified, email.counts), (None, None));
    }
}
