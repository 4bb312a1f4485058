//! Names of things, checked when they are parsed: a value of one of these types is well-formed.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares a string newtype that only parsing can make.
macro_rules! parsed_name {
    ($(#[$doc:meta])* $name:ident, $judge:expr, $wrong:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What a well-formed name looks like, as a text for the caller that sent another one.
            pub const FORM: &'static str = $wrong;

            /// Parses a name; `None` if it is not well-formed.
            pub fn parse(text: &str) -> Option<Self> {
                let well_formed: fn(&str) -> bool = $judge;
                well_formed(text).then(|| Self(text.to_owned()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, &'static str> {
                Self::parse(&text).ok_or(Self::FORM)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

parsed_name!(
    /// An isolated population of users, named in the configuration.
    TenantId,
    is_short_name,
    "must be 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit"
);

parsed_name!(
    /// A user's id: opaque and stable.
    UserId,
    |text| (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()),
    "must be 1 to 255 printable ASCII characters without spaces"
);

impl UserId {
    /// The id of a new user, from a random UUID.
    pub fn from_uuid(random: Uuid) -> Self {
        Self(format!("usr_{}", random.simple()))
    }

    /// Whether it has the form of such an id.
    pub fn is_random(&self) -> bool {
        self.0.strip_prefix("usr_").is_some_and(|hex| {
            hex.len() == 32 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    }
}

parsed_name!(
    /// A named source of identities, such as `github`. It never contains a `|`, so that
    /// `provider|subject` can be split again.
    ///
    /// ```
    /// use identity_link::domain::Provider;
    ///
    /// assert!(Provider::parse("google-oauth2").is_some());
    /// assert_eq!(Provider::parse("Google"), None);
    /// assert_eq!(Provider::parse("a|b"), None);
    /// ```
    Provider,
    is_short_name,
    "must be 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit"
);

parsed_name!(
    /// An account at a provider, as the provider names it: its `sub` (OpenID Connect Core §2).
    /// Compared byte by byte.
    ///
    /// ```
    /// use identity_link::domain::Subject;
    ///
    /// // A subject is not a number: leading zeros count.
    /// assert_ne!(Subject::parse("007"), Subject::parse("7"));
    /// // It may be an email, and that is still not an email: case counts.
    /// assert_ne!(Subject::parse("Ann@example.com"), Subject::parse("ann@example.com"));
    /// assert_eq!(Subject::parse(""), None);
    /// ```
    Subject,
    |text| (1..=255).contains(&text.len()) && !text.chars().any(char::is_control),
    "must be 1 to 255 bytes without control characters"
);

fn is_short_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| plain(b) || b"._-".contains(&b))
        && text.bytes().next().is_some_and(plain)
}

/// One account at one provider.
///
/// ```
/// use identity_link::domain::IdentityRef;
///
/// let account = IdentityRef::parse_joined("auth0|a|b").unwrap();
/// assert_eq!((account.provider.as_str(), account.subject.as_str()), ("auth0", "a|b"));
/// assert_eq!(account.as_user_id().unwrap().as_str(), "auth0|a|b");
///
/// // Not every account can be a user id: those are ASCII without spaces.
/// assert_eq!(IdentityRef::parse_joined("ldap|Ann Lee").unwrap().as_user_id(), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IdentityRef {
    /// The provider.
    pub provider: Provider,
    /// The account at that provider.
    pub subject: Subject,
}

impl IdentityRef {
    /// Splits `provider|subject`, the form in which Auth0 writes an identity into a `sub`. The
    /// subject itself may contain `|`. `None` if either part is not well-formed.
    pub fn parse_joined(text: &str) -> Option<Self> {
        let (provider, subject) = text.split_once('|')?;
        Some(Self { provider: Provider::parse(provider)?, subject: Subject::parse(subject)? })
    }

    /// The account at the same provider whose subject is this one without a leading `provider|`, as
    /// a user id has it; `None` if there is no such prefix.
    ///
    /// ```
    /// use identity_link::domain::IdentityRef;
    ///
    /// let given = IdentityRef::parse_joined("auth0|auth0|a").unwrap();
    /// assert_eq!(given.without_prefix(), IdentityRef::parse_joined("auth0|a"));
    /// assert_eq!(given.without_prefix().unwrap().without_prefix(), None);
    /// ```
    pub fn without_prefix(&self) -> Option<Self> {
        let rest = self.subject.as_str().strip_prefix(self.provider.as_str())?.strip_prefix('|')?;
        Some(Self { provider: self.provider.clone(), subject: Subject::parse(rest)? })
    }

    /// The user id `provider|subject`; `None` if that is not a well-formed user id.
    pub fn as_user_id(&self) -> Option<UserId> {
        UserId::parse(&self.to_string())
    }
}

impl fmt::Display for IdentityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.provider, self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_without_surprises() {
        for good in ["github", "google-oauth2", "a", &"x".repeat(64)] {
            assert!(Provider::parse(good).is_some(), "{good}");
        }
        for bad in ["", "-a", "GitHub", "a|b", "a b", "a\n", "é", &"x".repeat(65)] {
            assert!(Provider::parse(bad).is_none(), "{bad:?}");
        }
        for bad in ["", "a\0", "a\u{85}", &"x".repeat(256), &"é".repeat(128)] {
            assert!(Subject::parse(bad).is_none(), "{bad:?}");
        }
        for bad in ["", "a b", "a\t", "é", &"x".repeat(256)] {
            assert!(UserId::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_joined_identity_comes_apart_at_the_first_bar() {
        let identity = IdentityRef::parse_joined("auth0|a|b").unwrap();
        assert_eq!((identity.provider.as_str(), identity.subject.as_str()), ("auth0", "a|b"));
        assert_eq!(identity.as_user_id().unwrap().as_str(), "auth0|a|b");
        assert_eq!(IdentityRef::parse_joined("no-bar"), None);
    }

    #[test]
    fn a_prefix_is_the_provider_s_own_and_is_taken_off_once() {
        let bare = |joined: &str| {
            IdentityRef::parse_joined(joined)
                .unwrap()
                .without_prefix()
                .map(|bare| bare.subject.to_string())
        };
        assert_eq!(bare("auth0|auth0|a").as_deref(), Some("a"));
        assert_eq!(bare("auth0|auth0|auth0|a").as_deref(), Some("auth0|a"));
        for other in [
            "auth0|a",
            "auth0|auth0|",
            "auth0|auth0",
            "auth0|auth0a|b",
            "auth0|Auth0|a",
            "ad|auth0|a",
        ] {
            assert_eq!(bare(other), None, "{other}");
        }
    }
}
