//! Metadata: the JSON object of a user in one namespace, `user_metadata` or `app_metadata`.
//!
//! Stored metadata is returned unchanged. A value that the database or an IEEE double would change,
//! or cannot hold, is refused, with a path to it.

use std::fmt;

use serde_json::{Map, Number, Value};

use super::{DomainError, violation::Violation};

/// The largest metadata, in bytes of compact JSON text.
pub const MAX_BYTES: usize = 16 * 1024;

/// The deepest metadata, in levels: the map itself is level 1, and each object or array in it adds
/// one.
pub const MAX_DEPTH: usize = 16;

/// The most violations that one refusal lists. A caller with more violations sees the rest after it
/// has corrected these.
const MAX_VIOLATIONS: usize = 32;

/// The longest path that a violation shows, in characters.
const MAX_PATH_CHARS: usize = 200;

/// 2^53 − 1: up to this value, each integer has a double of its own (RFC 7493 §2.2).
const MAX_NUMBER: f64 = 9_007_199_254_740_991.0;

/// A number closer to 0 than this, other than 0, would take hundreds of digits in jsonb.
const MIN_NUMBER: f64 = 1e-30;

/// One namespace of a user: a JSON object within the bounds above. Empty by default.
///
/// Each number is stored in one form, so that `==` compares by value: 5.0 is 5, and −0.0 is 0.
#[derive(Clone, Default, PartialEq)]
pub struct Metadata(Map<String, Value>);

impl Metadata {
    /// Checks what a caller sent as `field`, such as `update.user_metadata`.
    ///
    /// # Errors
    ///
    /// All violations, at most 32. Each names its position as `field` and an RFC 6901 pointer, such
    /// as `update.user_metadata/a/0/b~1c`, with control characters escaped and cut to 200
    /// characters:
    /// - deeper than [`MAX_DEPTH`] (deeper values are not checked) or larger than [`MAX_BYTES`];
    /// - a string or key with U+0000, which jsonb cannot hold;
    /// - a number beyond ±(2^53 − 1), or nearer to 0 than 1e-30 without being 0.
    ///
    /// ```
    /// use identity_link::domain::Metadata;
    /// use serde_json::json;
    ///
    /// let parse =
    ///     |json: serde_json::Value| Metadata::parse("given", json.as_object().unwrap().clone());
    /// // Equal numbers have one form.
    /// assert_eq!(parse(json!({"n": 5.0})), parse(json!({"n": 5})));
    ///
    /// let violations = parse(json!({"a": [1, 1e20]})).unwrap_err();
    /// assert_eq!(violations[0].field, "given/a/1");
    /// ```
    pub fn parse(field: &str, mut map: Map<String, Value>) -> Result<Self, Vec<Violation>> {
        let mut inspection = Inspection { path: field.to_owned(), violations: Vec::new() };
        inspection.object(&mut map, 1);
        let metadata = Self(map);
        let bytes = metadata.json_bytes();
        if bytes > MAX_BYTES {
            inspection.report(&format!(
                "This is {bytes} bytes of JSON; at most {MAX_BYTES} are allowed."
            ));
        }
        if inspection.violations.is_empty() { Ok(metadata) } else { Err(inspection.violations) }
    }

    /// Takes metadata from the database. It was checked when it was written, and is not checked
    /// again.
    #[must_use]
    pub fn from_stored(mut map: Map<String, Value>) -> Self {
        // The same walk, only to bring numbers into their one form: jsonb may hold a 5.0 that
        // another program wrote.
        Inspection::default().object(&mut map, 1);
        Self(map)
    }

    /// The JSON object.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The JSON object, by value.
    #[must_use]
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// Whether the object has no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These keys together with those of `over`, whose value wins where both have a key, even if it
    /// is null. `None` if the result would be larger than [`MAX_BYTES`].
    #[must_use]
    pub fn overlaid(&self, over: &Self) -> Option<Self> {
        let both = self.clone().laid_over_by(over);
        (both.json_bytes() <= MAX_BYTES).then_some(both)
    }

    /// The same without a bound.
    #[must_use]
    pub fn laid_over_by(mut self, over: &Self) -> Self {
        self.0.extend(over.0.clone());
        self
    }

    /// The same without `key`.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.0.remove(key);
        self
    }

    /// The size as compact JSON text, in bytes. An empty object has 2.
    #[must_use]
    pub fn json_bytes(&self) -> usize {
        // A map with string keys always serialises. If it did not, it would count as too large.
        serde_json::to_string(&self.0).map_or(usize::MAX, |json| json.len())
    }
}

/// An update of one namespace.
#[derive(Debug, Clone, PartialEq)]
pub enum MetadataUpdate {
    /// Replaces all metadata by this.
    Replace(Metadata),
    /// Sets each of these keys, and removes those whose value is null: a JSON Merge Patch (RFC
    /// 7396) of the first level only.
    Patch(Metadata),
}

impl MetadataUpdate {
    /// Applies the update to `before`.
    ///
    /// ```
    /// use identity_link::domain::{Metadata, MetadataUpdate};
    /// use serde_json::json;
    ///
    /// let metadata = |json: serde_json::Value| {
    ///     Metadata::parse("user_metadata", json.as_object().unwrap().clone()).unwrap()
    /// };
    /// let before = metadata(json!({"color": "red", "size": {"shoe": 39, "hat": 57}}));
    /// let patch = metadata(json!({"color": null, "size": {"shoe": 40}}));
    ///
    /// // A patch removes the keys that are null, and replaces the others as a whole.
    /// let after = MetadataUpdate::Patch(patch).applied_to(&before, "user_metadata").unwrap();
    /// assert_eq!(after, metadata(json!({"size": {"shoe": 40}})));
    /// ```
    ///
    /// # Errors
    /// [`DomainError::MetadataTooLarge`] if the result of a patch is larger than [`MAX_BYTES`].
    pub fn applied_to(
        &self,
        before: &Metadata,
        namespace: &'static str,
    ) -> Result<Metadata, DomainError> {
        let patch = match self {
            Self::Replace(after) => return Ok(after.clone()),
            Self::Patch(patch) => patch,
        };
        let mut after = before.clone();
        for (key, value) in &patch.0 {
            match value {
                Value::Null => after.0.remove(key),
                value => after.0.insert(key.clone(), value.clone()),
            };
        }
        let bytes = after.json_bytes();
        if bytes > MAX_BYTES {
            Err(DomainError::MetadataTooLarge { namespace, bytes })
        } else {
            Ok(after)
        }
    }
}

/// Shows the number of keys without values: values are personal data, and `{:?}` output can reach
/// logs.
impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metadata({} keys)", self.0.len())
    }
}

/// Appends one reference token, a key or an index, to an RFC 6901 pointer.
pub fn push_token(path: &mut String, token: &str) {
    path.push('/');
    path.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

/// The RFC 6901 pointer to a path of keys.
///
/// ```
/// use identity_link::domain::metadata::{pointer, tokens};
///
/// let path = ["a/b".to_owned(), "m~n".to_owned()];
/// assert_eq!(pointer(&path), "/a~1b/m~0n");
/// assert_eq!(tokens(&pointer(&path)), path);
/// ```
#[must_use]
pub fn pointer(path: &[String]) -> String {
    path.iter().fold(String::new(), |mut pointer, token| {
        push_token(&mut pointer, token);
        pointer
    })
}

/// The reference tokens of an RFC 6901 pointer.
#[must_use]
pub fn tokens(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
}

/// A walk over one JSON document that reports violations and brings numbers into their one form.
#[derive(Default)]
struct Inspection {
    /// The current position: the field and the pointer below it.
    path: String,
    violations: Vec<Violation>,
}

impl Inspection {
    fn object(&mut self, map: &mut Map<String, Value>, level: usize) {
        for (key, value) in map {
            self.below(key, |inspection| {
                inspection.text(key);
                inspection.value(value, level + 1);
            });
        }
    }

    /// `level` is the level that `value` has if it is an object or array. It bounds the recursion.
    fn value(&mut self, value: &mut Value, level: usize) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::String(text) => self.text(text),
            Value::Number(number) => match normalised(number) {
                Ok(formed) => *number = formed,
                Err(description) => self.report(description),
            },
            Value::Array(_) | Value::Object(_) if level > MAX_DEPTH => {
                self.report(&format!("This is nested deeper than {MAX_DEPTH} levels."));
            }
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.below(&index.to_string(), |inspection| {
                        inspection.value(item, level + 1);
                    });
                }
            }
            Value::Object(map) => self.object(map, level),
        }
    }

    fn text(&mut self, text: &str) {
        if text.contains('\0') {
            self.report("This holds the character U+0000, which cannot be stored.");
        }
    }

    fn below(&mut self, token: &str, visit: impl FnOnce(&mut Self)) {
        let parent = self.path.len();
        push_token(&mut self.path, token);
        visit(self);
        self.path.truncate(parent);
    }

    fn report(&mut self, description: &str) {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push(Violation {
                field: printable_path(&self.path),
                description: description.to_owned(),
            });
        }
    }
}

/// The number as a JSON integer if it is whole, or why it is refused.
fn normalised(number: &Number) -> Result<Number, &'static str> {
    // An integer beyond the bound may be rounded here, but never to a value within it.
    let Some(double) = number.as_f64().filter(|double| double.abs() <= MAX_NUMBER) else {
        return Err("This number is beyond ±(2^53 − 1), so it may not be kept exactly.");
    };
    if double.fract() == 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within ±(2^53 − 1)")]
        return Ok(Number::from(double as i64));
    }
    if double.abs() < MIN_NUMBER {
        return Err("This number is closer to 0 than 1e-30, so it may not be kept exactly.");
    }
    Ok(number.clone())
}

/// A path in a form fit for a response or a log line.
#[must_use]
pub fn printable_path(path: &str) -> String {
    let mut shown = String::new();
    for c in path.chars().take(MAX_PATH_CHARS + 1) {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if shown.chars().count() > MAX_PATH_CHARS {
        shown = shown.chars().take(MAX_PATH_CHARS - 1).chain(['…']).collect();
    }
    shown
}

#[cfg(test)]
mod tests;
