//! Reads a JSON object field by field, from its exact text, and collects all that is wrong.

use std::{cell::RefCell, collections::BTreeMap};

use chrono::{DateTime, Utc};
use serde::de::IgnoredAny;
use serde_json::{Map, Value, value::RawValue};

use crate::{
    domain::{
        Violation,
        metadata::{printable_path, push_token},
    },
    i_json::{self, Numbers},
};

/// The most violations of one row.
const MAX_VIOLATIONS: usize = 32;

const NO_JSON: &str = "This is not JSON, or is nested deeper than 128 levels.";
const COPIED: &str = "This is not JSON: each backslash is doubled, as psql's COPY and \\copy do in their text form. Export it by `psql -At -c`, or WITH (FORMAT csv).";
const SURROGATE: &str =
    "This text has half of a surrogate pair (\\ud800 to \\udfff), so it is no Unicode text.";

/// What is wrong with a row.
#[derive(Debug, Default)]
pub(super) struct Faults(RefCell<Vec<Violation>>);

impl Faults {
    /// Reports a violation at a path, in which `/` is between two tokens.
    pub(super) fn report(&self, path: &str, description: &str) {
        let field = printable_path(path.strip_prefix('/').unwrap_or(path));
        self.add(Violation::new(field, description));
    }

    pub(super) fn add(&self, violation: Violation) {
        let mut all = self.0.borrow_mut();
        if all.len() < MAX_VIOLATIONS && !all.contains(&violation) {
            all.push(violation);
        }
    }

    /// A text that Postgres can hold. Reports one with U+0000, which neither text nor jsonb can.
    pub(super) fn storable<T: AsRef<str>>(&self, path: &str, text: T) -> Option<T> {
        if text.as_ref().contains('\0') {
            self.report(path, "This holds the character U+0000, which cannot be stored.");
            return None;
        }
        Some(text)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub(super) fn into_violations(self) -> Vec<Violation> {
        self.0.into_inner()
    }
}

/// The fields of an object that have not been taken yet, each as its exact text.
pub(super) struct Object<'a> {
    path: String,
    fields: BTreeMap<String, &'a RawValue>,
    faults: &'a Faults,
}

impl<'a> Object<'a> {
    /// The object of a record. Reports a text that is no JSON object, or has a name twice.
    pub(super) fn parse(json: &'a str, faults: &'a Faults) -> Option<Self> {
        Self::parse_at("", json, faults)
    }

    /// The same for a text within a record, whose path this is.
    pub(super) fn parse_at(path: &str, json: &'a str, faults: &'a Faults) -> Option<Self> {
        // The check reads names by the parser's rules, and this the rest.
        let is_json = serde_json::from_str::<IgnoredAny>(json).is_ok();
        match i_json::violations_at(path, json, Numbers::Any).filter(|_| is_json) {
            None => {
                faults.report(path, if is_copied(json) { COPIED } else { NO_JSON });
                None
            }
            Some(twice) if !twice.is_empty() => {
                twice.into_iter().for_each(|violation| faults.add(violation));
                None
            }
            Some(_) => Self::of(path.to_owned(), json, faults),
        }
    }

    /// The object of a text that has been checked.
    fn of(path: String, json: &'a str, faults: &'a Faults) -> Option<Self> {
        match serde_json::from_str(json) {
            Ok(fields) => Some(Self { path, fields, faults }),
            Err(_) => {
                faults.report(&path, "This has to be an object.");
                None
            }
        }
    }

    /// The path of a field.
    pub(super) fn path(&self, name: &str) -> String {
        let mut path = self.path.clone();
        push_token(&mut path, name);
        path
    }

    /// Reports a violation of a field.
    pub(super) fn report(&self, name: &str, description: &str) {
        self.faults.report(&self.path(name), description);
    }

    /// A field that is neither absent nor null.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a str> {
        let raw = self.fields.remove(name)?.get();
        (raw != "null").then_some(raw)
    }

    /// Whether there is a field that is neither null nor empty, zero or false. Takes it.
    pub(super) fn take_any(&mut self, name: &str) -> bool {
        self.take(name).is_some_and(|raw| !is_nothing(raw))
    }

    /// A text; `None` if it is absent or null.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let raw = self.take(name)?;
        self.as_text(name, raw)
    }

    /// A text that is not empty.
    pub(super) fn filled(&mut self, name: &str) -> Option<String> {
        self.text(name).filter(|text| !text.is_empty())
    }

    fn as_text(&self, name: &str, raw: &str) -> Option<String> {
        match serde_json::from_str::<String>(raw) {
            Ok(text) => return self.faults.storable(&self.path(name), text),
            Err(_) if raw.starts_with('"') => self.report(name, SURROGATE),
            Err(_) => self.report(name, "This has to be a string."),
        }
        None
    }

    /// An id: a text, or a whole number, whose digits are kept as they are written.
    pub(super) fn id(&mut self, name: &str) -> Option<String> {
        let raw = self.take(name)?;
        if raw.starts_with('"') {
            return self.as_text(name, raw);
        }
        let is_whole = !raw.is_empty() && raw.bytes().all(|byte| byte.is_ascii_digit());
        if !is_whole {
            self.report(name, "This has to be a string or a whole number.");
        }
        is_whole.then(|| raw.to_owned())
    }

    /// The same for an id without which there is no account.
    pub(super) fn required_id(&mut self, name: &str) -> String {
        let is_absent = self.fields.get(name).is_none_or(|raw| raw.get() == "null");
        if is_absent {
            self.report(name, "This is missing.");
        }
        self.id(name).unwrap_or_default()
    }

    /// A required text.
    pub(super) fn required_text(&mut self, name: &str) -> String {
        let is_absent = self.fields.get(name).is_none_or(|raw| raw.get() == "null");
        if is_absent {
            self.report(name, "This is missing.");
        }
        self.text(name).unwrap_or_default()
    }

    /// True or false; `None` if it is absent or null.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.report(name, "This has to be true or false.");
                None
            }
        }
    }

    /// A time in RFC 3339.
    pub(super) fn time(&mut self, name: &str) -> Option<DateTime<Utc>> {
        self.time_as(name, super::times::rfc3339, "This has to be a time of RFC 3339, such as 2026-02-03T04:05:06Z, of the years 1 to 9999.")
    }

    /// A time in milliseconds since 1970, as a number or a text.
    pub(super) fn millis(&mut self, name: &str) -> Option<DateTime<Utc>> {
        self.time_as(
            name,
            super::times::millis,
            "This has to be a time in milliseconds since 1970, of the years 1 to 9999.",
        )
    }

    /// A time in seconds since 1970, as a number or a text.
    pub(super) fn seconds(&mut self, name: &str) -> Option<DateTime<Utc>> {
        self.time_as(
            name,
            super::times::seconds,
            "This has to be a time in seconds since 1970, of the years 1 to 9999.",
        )
    }

    /// A time that `read` reads from a number's or a text's characters.
    pub(super) fn time_as(
        &mut self,
        name: &str,
        read: fn(&str) -> Option<DateTime<Utc>>,
        description: &str,
    ) -> Option<DateTime<Utc>> {
        let raw = self.take(name)?;
        let time = match raw.starts_with('"') {
            true => read(&self.as_text(name, raw)?),
            false => read(raw),
        };
        if time.is_none() {
            self.report(name, description);
        }
        time
    }

    /// A JSON object as metadata: its numbers have to be exactly doubles.
    pub(super) fn map(&mut self, name: &str) -> Map<String, Value> {
        let raw = self.take(name);
        raw.and_then(|raw| as_map(&self.path(name), raw, self.faults)).unwrap_or_default()
    }

    /// An object in the object.
    pub(super) fn object(&mut self, name: &str) -> Option<Self> {
        let raw = self.take(name)?;
        Self::of(self.path(name), raw, self.faults)
    }

    /// A list of objects; empty if it is absent or null.
    pub(super) fn objects(&mut self, name: &str) -> Vec<Self> {
        let Some(raw) = self.take(name) else { return Vec::new() };
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw) else {
            self.report(name, "This has to be a list of objects.");
            return Vec::new();
        };
        let path = self.path(name);
        let items = items.into_iter().enumerate();
        items
            .filter_map(|(index, item)| {
                Self::of(format!("{path}/{index}"), item.get(), self.faults)
            })
            .collect()
    }

    /// A list of texts; empty if it is absent or null.
    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        let Some(raw) = self.take(name) else { return Vec::new() };
        let texts = serde_json::from_str::<Vec<String>>(raw);
        let texts = texts.ok().filter(|texts| texts.iter().all(|text| !text.contains('\0')));
        if texts.is_none() {
            self.report(name, "This has to be a list of strings.");
        }
        texts.unwrap_or_default()
    }

    /// Moves fields into a profile as they are, each under its name. Null and `""` are left aside.
    pub(super) fn claims(&mut self, names: &[(&str, &str)], profile: &mut Map<String, Value>) {
        for (name, claim) in names {
            let Some(raw) = self.take(name).filter(|raw| *raw != "\"\"") else { continue };
            if let Some(value) = as_value(&self.path(name), raw, self.faults) {
                profile.insert((*claim).to_owned(), value);
            }
        }
    }

    /// All that is left, as claims.
    pub(super) fn rest_as_claims(self, profile: &mut Map<String, Value>) {
        for (name, raw) in &self.fields {
            if is_nothing(raw.get()) && raw.get() != "false" && raw.get() != "0" {
                continue;
            }
            if let Some(value) = as_value(&self.path(name), raw.get(), self.faults) {
                profile.insert(name.clone(), value);
            }
        }
    }

    /// The names of what is left, without what is null, empty, zero or false.
    pub(super) fn rest(&self) -> impl Iterator<Item = &str> {
        let filled = self.fields.iter().filter(|(_, raw)| !is_nothing(raw.get()));
        filled.map(|(name, _)| name.as_str())
    }

    /// The names of all that is left.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }
}

fn is_nothing(raw: &str) -> bool {
    let inner = raw.strip_prefix(['[', '{']).and_then(|raw| raw.strip_suffix([']', '}']));
    matches!(raw, "null" | "false" | "0" | "\"\"")
        || inner.is_some_and(|inner| inner.trim().is_empty())
}

/// A JSON object whose numbers are exactly doubles; reports anything else.
pub(super) fn as_map(path: &str, raw: &str, faults: &Faults) -> Option<Map<String, Value>> {
    match as_value(path, raw, faults)? {
        Value::Object(map) => Some(map),
        _ => {
            faults.report(path, "This has to be an object.");
            None
        }
    }
}

/// A value whose numbers are exactly doubles; reports anything else.
fn as_value(path: &str, raw: &str, faults: &Faults) -> Option<Value> {
    let violations = i_json::violations_at(path, raw, Numbers::Exact);
    match violations {
        None => {
            let is_json = serde_json::from_str::<IgnoredAny>(raw).is_ok();
            faults.report(path, if is_json { SURROGATE } else { NO_JSON });
            None
        }
        Some(violations) if !violations.is_empty() => {
            violations.into_iter().for_each(|violation| faults.add(violation));
            None
        }
        Some(_) => {
            let value = serde_json::from_str(raw);
            if value.is_err() {
                let is_json = serde_json::from_str::<IgnoredAny>(raw).is_ok();
                faults.report(path, if is_json { SURROGATE } else { NO_JSON });
            }
            value.ok()
        }
    }
}

/// Whether a text is JSON whose backslashes are doubled.
fn is_copied(text: &str) -> bool {
    let single = text.replace("\\\\", "\\");
    single.len() < text.len() && serde_json::from_str::<IgnoredAny>(&single).is_ok()
}
