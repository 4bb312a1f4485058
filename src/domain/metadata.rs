//! Metadata: the JSON object that a user carries in one namespace, `user_metadata` or
//! `app_metadata`.
//!
//! What gets in comes back as it was: what the database or an IEEE double would change, or cannot
//! hold, is refused at the door, with a path to each such place.

use std::fmt;

use serde_json::{Map, Number, Value};

use super::{Refusal, violation::Violation};

/// The largest metadata, in bytes of compact JSON text.
pub const MAX_BYTES: usize = 16 * 1024;

/// The deepest metadata, in levels: the map itself is level 1, every object or array in it adds
/// one.
pub const MAX_DEPTH: usize = 16;

/// The most violations that one refusal lists. Who has more sees the rest after mending these.
const MAX_VIOLATIONS: usize = 32;

/// The longest path that a violation shows, in characters.
const MAX_PATH_CHARS: usize = 200;

/// 2^53 − 1: up to here every integer has a double of its own (RFC 7493 §2.2).
const MAX_NUMBER: f64 = 9_007_199_254_740_991.0;

/// Below this, other than 0, jsonb would write hundreds of digits.
const MIN_NUMBER: f64 = 1e-30;

/// One namespace of a user: a JSON object within the bounds above. Empty by default.
///
/// A number has one form in here, so that `==` compares by value: 5.0 is 5, and −0.0 is 0.
#[derive(Clone, Default, PartialEq)]
pub struct Metadata(Map<String, Value>);

impl Metadata {
    /// Takes in what a caller sent as `field`, such as `update.user_metadata`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at most 32 violations. Each names the place as `field` and an RFC
    /// 6901 pointer, such as `update.user_metadata/a/0/b~1c`, with control characters escaped and
    /// cut to 200 characters:
    /// - over [`MAX_DEPTH`] (what is below such a place is not looked at) or over [`MAX_BYTES`];
    /// - a string or key with U+0000, which jsonb cannot hold;
    /// - a number beyond ±(2^53 − 1), or nearer to 0 than 1e-30 without being 0.
    pub fn parse(field: &str, mut map: Map<String, Value>) -> Result<Self, Vec<Violation>> {
        let mut inspection = Inspection { path: field.to_owned(), violations: Vec::new() };
        inspection.object(&mut map, 1);
        let metadata = Self(map);
        let bytes = metadata.json_bytes();
        if bytes > MAX_BYTES {
            inspection.report(&format!("This is {bytes} bytes of JSON; at most {MAX_BYTES} are allowed."));
        }
        if inspection.violations.is_empty() { Ok(metadata) } else { Err(inspection.violations) }
    }

    /// Takes in what the database gives back. It was checked when it was written, and is not
    /// checked again.
    #[must_use]
    pub fn from_stored(mut map: Map<String, Value>) -> Self {
        // The same walk, for the form of the numbers alone: jsonb may hold a 5.0 that something
        // else wrote.
        Inspection::default().object(&mut map, 1);
        Self(map)
    }

    /// The JSON object.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These keys, and where `over` has one too its value instead, also if that is null. `None` if there would be over
    /// [`MAX_BYTES`].
    #[must_use]
    pub fn overlaid(&self, over: &Self) -> Option<Self> {
        let mut both = self.clone();
        both.0.extend(over.0.clone());
        (both.json_bytes() <= MAX_BYTES).then_some(both)
    }

    /// These keys but this one.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.0.remove(key);
        self
    }

    /// The size as compact JSON text, in bytes. An empty object has 2.
    #[must_use]
    pub fn json_bytes(&self) -> usize {
        // A map with string keys always serialises. Did it not, it would be too large for everyone
        // who asks.
        serde_json::to_string(&self.0).map_or(usize::MAX, |json| json.len())
    }
}

/// A change of one namespace.
#[derive(Debug, Clone, PartialEq)]
pub enum MetadataUpdate {
    /// This instead of whatever there was.
    Replace(Metadata),
    /// Each of these keys with its value instead of what it had, and without those whose value is null: a JSON
    /// Merge Patch (RFC 7396) of the first level alone.
    Patch(Metadata),
}

impl MetadataUpdate {
    /// What becomes of `before`. [`Refusal::MetadataTooLarge`] if that would have over [`MAX_BYTES`].
    pub fn applied_to(&self, before: &Metadata, namespace: &'static str) -> Result<Metadata, Refusal> {
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
        if bytes > MAX_BYTES { Err(Refusal::MetadataTooLarge { namespace, bytes }) } else { Ok(after) }
    }
}

/// Shows how many keys there are and no values: they are personal data, and `{:?}` ends up in logs.
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

/// The RFC 6901 pointer to a place.
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

/// A walk over one JSON document that reports what is wrong, and brings the numbers into their one
/// form.
#[derive(Default)]
struct Inspection {
    /// Where the walk is: the field and the pointer below it.
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

    /// `level` is the one that `value` has if it is an object or array. It bounds the recursion.
    fn value(&mut self, value: &mut Value, level: usize) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::String(text) => self.text(text),
            Value::Number(number) => match one_form(number) {
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
            self.violations.push(Violation { field: shown(&self.path), description: description.to_owned() });
        }
    }
}

/// The number as a JSON integer if it is whole, or why it is refused.
fn one_form(number: &Number) -> Result<Number, &'static str> {
    // An integer beyond the bound may be rounded here, but never back into it.
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

/// A path fit for an answer or a log line.
#[must_use]
pub fn shown(path: &str) -> String {
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
