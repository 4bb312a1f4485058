//! The claims of a token, parsed strictly.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The claims of a token. A payload with a duplicate name does not parse, because parsers differ in
/// which of the two they take (RFC 7519 §4).
#[derive(Clone, Default)]
pub struct Claims(Map<String, Value>);

/// The standard claims that describe a person (OpenID Connect Core §5.1), Auth0's `phone_verified`,
/// and Google's `hd`, the organisation to which the account belongs. Emails are handled separately.
const PROFILE_CLAIMS: [&str; 19] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "phone_verified",
    "address",
    "updated_at",
    "hd",
];

impl Claims {
    /// A string claim; `None` if it is missing or of another type.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A time claim in whole seconds (RFC 7519 §2, NumericDate). `None` if it is missing or of
    /// another form. That RFC also allows fractions. They are refused: the times of tokens, moves
    /// and sign-ins are compared by whole seconds.
    pub fn time(&self, name: &str) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(self.0.get(name)?.as_i64()?, 0)
    }

    /// Whether a claim is present, of any type.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether a claim is present, and [`is_true`].
    pub fn is_true(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(is_true)
    }

    /// Whether a claim is this text, alone or as the only item of a list.
    pub fn is_only(&self, name: &str, text: &str) -> bool {
        match self.0.get(name) {
            Some(Value::String(value)) => value == text,
            Some(Value::Array(items)) => {
                matches!(items.as_slice(), [Value::String(item)] if item == text)
            }
            _ => false,
        }
    }

    /// The claims that describe the person.
    pub fn profile(&self) -> Map<String, Value> {
        let present = PROFILE_CLAIMS.iter().filter_map(|name| self.0.get_key_value(*name));
        present.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// Whether a claim is the JSON value `true`. Other values, such as "true" and 1, are not.
pub fn is_true(claim: &Value) -> bool {
    *claim == Value::Bool(true)
}

impl fmt::Debug for Claims {
    /// Claims are personal data, so only their number is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claims({})", self.0.len())
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ClaimsVisitor;
        impl<'de> Visitor<'de> for ClaimsVisitor {
            type Value = Claims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of claims")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Claims, A::Error> {
                let mut claims = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if claims.insert(name, value).is_some() {
                        return Err(A::Error::custom("a claim occurs twice"));
                    }
                }
                Ok(Claims(claims))
            }
        }
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(json: &str) -> Result<Claims, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn a_claim_that_occurs_twice_does_not_parse() {
        assert!(claims(r#"{"sub":"a","sub":"b"}"#).is_err());
        assert!(claims(r#"{"tenant":"a","tenant":"a"}"#).is_err());
        assert!(claims("[]").is_err());
    }

    #[test]
    fn only_means_no_further_item() {
        for (aud, is_only) in [
            (r#""us""#, true),
            (r#"["us"]"#, true),
            (r#""them""#, false),
            (r#"["us","them"]"#, false),
            (r#"["us","us"]"#, false),
            ("[]", false),
            ("7", false),
        ] {
            assert_eq!(
                claims(&format!(r#"{{"aud":{aud}}}"#)).unwrap().is_only("aud", "us"),
                is_only,
                "{aud}"
            );
        }
    }

    #[test]
    fn only_the_boolean_true_is_true() {
        for lie in [r#""true""#, "1", r#""1""#, "null", "[true]", "{}", "false"] {
            assert!(
                !claims(&format!(r#"{{"email_verified":{lie}}}"#))
                    .unwrap()
                    .is_true("email_verified"),
                "{lie}"
            );
        }
        assert!(claims(r#"{"email_verified":true}"#).unwrap().is_true("email_verified"));
    }
}
