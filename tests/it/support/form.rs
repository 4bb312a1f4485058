//! Names and values as a query and a form write them (`application/x-www-form-urlencoded`).

use std::collections::BTreeMap;

/// What a query or a form says; of several values of one name the last.
pub type Form = BTreeMap<String, String>;

/// Reads one.
pub fn parse(text: &str) -> Form {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// Writes one.
pub fn write<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
