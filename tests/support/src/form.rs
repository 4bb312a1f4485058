//! Names and values in the format of a query and a form (`application/x-www-form-urlencoded`).

use std::collections::BTreeMap;

/// The values of a query or a form by name; of several values of one name the last.
pub type Form = BTreeMap<String, String>;

/// Parses one.
pub fn parse(text: &str) -> Form {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// Formats one.
pub fn write<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
