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
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("not an object: {other}"),
        }
    }

    fn parse(value: Value) -> Result<Value, Vec<Violation>> {
        Metadata::parse("m", map(value)).map(|metadata| Value::Object(metadata.as_map().clone()))
    }

    /// The paths of the refusal.
    fn refused(value: Value) -> Vec<String> {
        let violations = parse(value).expect_err("it is refused");
        violations.into_iter().map(|violation| violation.field).collect()
    }

    /// `{"d": {"d": …}}` of that many levels, the innermost one empty.
    fn nested(levels: usize) -> Value {
        (1..levels).fold(json!({}), |inner, _| json!({ "d": inner }))
    }

    #[test]
    fn takes_what_it_can_give_back() {
        let value = json!({
            "": null, "a": [true, "é\u{1}", {"b": -1.5}], "max": 9_007_199_254_740_991_u64, "min": 1e-30,
        });
        assert_eq!(parse(value.clone()), Ok(value.clone()));
        assert!(!Metadata::from_stored(map(value)).is_empty() && Metadata::default().is_empty());
        assert_eq!(Metadata::default().json_bytes(), 2);
    }

    #[test]
    fn numbers_have_one_form() {
        let json = r#"{"a": 5.0, "b": -0.0, "c": -0, "d": [1e3], "e": -9007199254740991.0, "f": 0.5}"#;
        let sent: Map<String, Value> = serde_json::from_str(json).unwrap();
        let metadata = Metadata::parse("m", sent.clone()).unwrap();
        assert_eq!(
            serde_json::to_string(metadata.as_map()).unwrap(),
            r#"{"a":5,"b":0,"c":0,"d":[1000],"e":-9007199254740991,"f":0.5}"#
        );
        assert_eq!(Metadata::from_stored(sent), metadata);
    }

    #[test]
    fn numbers_that_would_change_are_refused() {
        for number in [
            "9007199254740992",
            "-9007199254740992",
            "9007199254740993.0",
            "18446744073709551615",
            "1e300",
            "9.9e-31",
            "-9.9e-31",
            "5e-324",
        ] {
            let json = format!(r#"{{"n": {number}}}"#);
            assert_eq!(refused(serde_json::from_str(&json).unwrap()), ["m/n"], "{number}");
        }
    }

    #[test]
    fn every_violation_is_listed_with_its_pointer() {
        let violations = Metadata::parse(
            "update.user_metadata",
            map(json!({
                "a": [{"b/c": 1e300}, "x\0y"],
                "k\0\n~": {"": 1e-40},
                "ok": 1,
            })),
        )
        .unwrap_err();
        let paths: Vec<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(
            paths,
            [
                "update.user_metadata/a/0/b~1c",
                "update.user_metadata/a/1",
                "update.user_metadata/k\\u{0}\\n~0",
                "update.user_metadata/k\\u{0}\\n~0/",
            ]
        );
    }

    #[test]
    fn depth_is_bounded_and_reported_once_a_branch() {
        assert!(parse(nested(16)).is_ok());
        let deep = ["m", &"/d".repeat(16)].concat();
        assert_eq!(refused(nested(17)), [deep.as_str()]);
        assert_eq!(refused(nested(120)), [deep.as_str()]);

        let arrays = (1..40).fold(json!("\0"), |inner, _| json!([inner]));
        let deep = ["m/a", &"/0".repeat(15)].concat();
        assert_eq!(refused(json!({"a": arrays, "b": "\0"})), [deep.as_str(), "m/b"]);
    }

    #[test]
    fn size_is_bounded_in_bytes_of_compact_json() {
        let overhead = r#"{"a":""}"#.len();
        assert!(parse(json!({"a": "x".repeat(MAX_BYTES - overhead)})).is_ok());
        let violations = parse(json!({"a": "é".repeat(MAX_BYTES / 2)})).unwrap_err();
        assert_eq!(
            violations,
            [Violation {
                field: "m".to_owned(),
                description: "This is 16392 bytes of JSON; at most 16384 are allowed.".to_owned(),
            }]
        );
        // Measured in the form that is stored.
        assert!(parse(json!({"a": vec![1.0; 8100]})).is_ok());
    }

    #[test]
    fn the_list_and_its_paths_are_cut() {
        assert_eq!(refused(json!({"a": vec!["\0"; 5000]})).len(), 32);
        let paths = refused(json!({"\n".repeat(1000): 1e300}));
        assert_eq!(paths[0].chars().count(), 200);
        assert!(paths[0].starts_with("m/\\n\\n") && paths[0].ends_with('…'));
        // What fits is whole, and a character more is seen to be cut.
        let path = format!("m/{}", "k".repeat(198));
        assert_eq!(shown(&path), path);
        assert_eq!(shown(&format!("{path}k")), format!("m/{}…", "k".repeat(197)));
    }

    #[test]
    fn a_patch_is_of_the_first_level() {
        let of = |value| Metadata::parse("m", map(value)).unwrap();
        let before = of(json!({"color": "red", "address": {"home": "1", "work": "2"}, "plan": null}));
        let patch =
            MetadataUpdate::Patch(of(json!({"color": null, "address": {"work": "3"}, "none": null, "new": [1]})));
        let after = patch.applied_to(&before, "user_metadata");
        assert_eq!(after, Ok(of(json!({"address": {"work": "3"}, "plan": null, "new": [1]}))));
        let nothing = MetadataUpdate::Patch(Metadata::default());
        assert_eq!(nothing.applied_to(&before, "user_metadata"), Ok(before.clone()));
        let all = MetadataUpdate::Replace(Metadata::default());
        assert_eq!(all.applied_to(&before, "user_metadata"), Ok(Metadata::default()));
    }

    #[test]
    fn a_patch_keeps_to_the_bounds() {
        let of = |value| Metadata::parse("m", map(value)).unwrap();
        let half = of(json!({"a": "x".repeat(MAX_BYTES - 8)}));
        let patched = |key: &str| MetadataUpdate::Patch(of(json!({key: "y"}))).applied_to(&half, "app_metadata");
        assert!(patched("a").is_ok());
        assert_eq!(patched("b"), Err(Refusal::MetadataTooLarge { namespace: "app_metadata", bytes: MAX_BYTES + 8 }));
    }

    #[test]
    fn debug_shows_no_values() {
        let metadata = Metadata::from_stored(map(json!({"a": "secret", "b": 1, "c": []})));
        assert_eq!(format!("{metadata:?}"), "Metadata(3 keys)");
    }

    proptest! {
        #[test]
        fn doubles_are_kept_or_refused(
            double in prop_oneof![any::<f64>(), -1e17..1e17, -1e-28..1e-28],
        ) {
            // NaN and the infinities are null here: serde_json has no numbers for them.
            let sent = json!({"n": double});
            let kept = parse(sent.clone());
            let fits = (1e-30..9_007_199_254_740_992.0).contains(&double.abs());
            prop_assert_eq!(kept.is_ok(), fits || double == 0.0 || !double.is_finite());
            if let Ok(kept) = kept {
                prop_assert_eq!(kept["n"].as_f64(), sent["n"].as_f64());
                let whole = double.is_finite() && double.fract() == 0.0;
                prop_assert_eq!(kept["n"].is_i64(), whole);
                prop_assert_eq!(parse(kept.clone()), Ok(kept));
            }
        }

        #[test]
        fn pointers_lead_back(keys in prop::collection::vec("[a~/01 é]{0,4}", 1..8)) {
            let innermost = json!("\0");
            let document = keys.iter().rev().fold(innermost, |inner, key| json!({ key: inner }));
            let paths = refused(document.clone());
            prop_assert_eq!(document.pointer(&paths[0][1..]), Some(&json!("\0")));
        }
    }
}
