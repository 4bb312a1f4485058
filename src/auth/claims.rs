//! The claims of a token, parsed strictly.

use std::{collections::BTreeSet, fmt};

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The claims of a token. A payload with a duplicate name does not parse, because parsers differ in
/// which of the two they take (RFC 7519 §4).
#[derive(Clone, Default, PartialEq)]
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
    /// Whether a claim describes the person (OpenID Connect Core §5.1), who can often choose it.
    pub fn is_of_person(name: &str) -> bool {
        PROFILE_CLAIMS.contains(&name) || ["email", "email_verified"].contains(&name)
    }

    /// A string claim; `None` if it is missing or of another type.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A time claim (RFC 7519 §2, NumericDate), without its fraction of a second: the times of
    /// tokens, moves and sign-ins are compared by whole seconds, and most issuers send those. `None`
    /// if it is missing, is no number, or is no time.
    pub fn time(&self, name: &str) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(whole_seconds(self.0.get(name)?)?, 0)
    }

    /// An object; `None` if it is missing or of another type.
    pub fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.0.get(name)?.as_object()
    }

    /// Whether a claim is present, of any type.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether a claim is present, and [`is_true`].
    pub fn is_true(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(is_true)
    }

    /// Whether a claim is present, and [`is_true`] or one of these texts.
    pub fn is_true_or(&self, name: &str, texts: &BTreeSet<String>) -> bool {
        self.is_true(name) || self.text(name).is_some_and(|text| texts.contains(text))
    }

    /// The texts of a claim that is one text or a list of texts, as `aud` is (RFC 7519 §4.1.3).
    /// `None` if it is missing or of another form.
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        match self.0.get(name)? {
            Value::String(text) => Some(vec![text]),
            Value::Array(items) => items.iter().map(Value::as_str).collect(),
            _ => None,
        }
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

/// The latest time that is read, in seconds from 1970, and by its sign the earliest: it is far
/// outside of any calendar, and a number of seconds has no fraction left long after it.
const LAST_SECOND: f64 = 1e12;

/// The whole seconds of a number of seconds: the last whole number that is not above it.
fn whole_seconds(number: &Value) -> Option<i64> {
    if let Some(whole) = number.as_i64() {
        return Some(whole);
    }
    let floor = number.as_f64()?.floor();
    #[expect(clippy::cast_possible_truncation, reason = "a whole number within bounds")]
    let whole = floor as i64;
    (floor.abs() <= LAST_SECOND).then_some(whole)
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
    use proptest::prelude::{prop_assert, proptest};

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

    /// A07: a text counts only byte by byte, if it is configured.
    #[test]
    fn a_configured_text_is_true_and_no_other() {
        let texts = BTreeSet::from(["true".to_owned()]);
        for (value, counts) in [
            ("true", true),
            (r#""true""#, true),
            (r#""True""#, false),
            (r#""true ""#, false),
            (r#""false""#, false),
            (r#"["true"]"#, false),
            ("1", false),
            ("false", false),
            ("null", false),
        ] {
            let claims = claims(&format!(r#"{{"email_verified":{value}}}"#)).unwrap();
            assert_eq!(claims.is_true_or("email_verified", &texts), counts, "{value}");
        }
        assert!(!claims("{}").unwrap().is_true_or("email_verified", &texts));
    }

    #[test]
    fn audiences_are_texts_only() {
        for (aud, texts) in [
            (r#""us""#, Some(vec!["us"])),
            (r#"["us","them"]"#, Some(vec!["us", "them"])),
            ("[]", Some(vec![])),
            (r#"["us",7]"#, None),
            (r#"["us",["them"]]"#, None),
            ("7", None),
            ("null", None),
        ] {
            assert_eq!(
                claims(&format!(r#"{{"aud":{aud}}}"#)).unwrap().texts("aud"),
                texts,
                "{aud}"
            );
        }
    }

    #[test]
    fn a_time_is_the_whole_second_before_its_fraction() {
        for (json, seconds) in [
            ("1795976271", Some(1_795_976_271)),
            ("1795976271.335787", Some(1_795_976_271)),
            ("1795976271.999", Some(1_795_976_271)),
            ("1795976271.0", Some(1_795_976_271)),
            ("1.795976271e9", Some(1_795_976_271)),
            ("0.5", Some(0)),
            ("-0.5", Some(-1)),
            ("-1", Some(-1)),
            ("1e13", None),
            ("-1e13", None),
            ("1e300", None),
            ("9223372036854775807", None),
            ("18446744073709551615", None),
            (r#""1795976271""#, None),
            ("null", None),
            ("true", None),
        ] {
            let time = claims(&format!(r#"{{"iat":{json}}}"#)).unwrap().time("iat");
            assert_eq!(time.map(|time| time.timestamp()), seconds, "{json}");
        }
    }

    proptest! {
        /// No time is later than the number that it was read from, or a second before it.
        #[test]
        fn a_time_is_never_later_than_its_number(seconds in -1e11..1e11_f64) {
            let json = Value::from(seconds).to_string();
            let time = claims(&format!(r#"{{"iat":{json}}}"#)).unwrap().time("iat").unwrap();
            let whole = time.timestamp() as f64;
            prop_assert!(whole <= seconds && seconds < whole + 1.0);
        }
    }
}
