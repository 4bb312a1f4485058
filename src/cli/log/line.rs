//! A line of the log: an event as one JSON object.

use std::{error::Error, fmt::Debug};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use tracing::{
    Event, Level,
    field::{Field, Visit},
};

/// Which lines are lost first if stderr is read too slowly, from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Importance {
    /// A call, or a detail: DEBUG or TRACE.
    Ordinary,
    /// A call whose token was missing or not accepted: a trace of an attack.
    RefusedToken,
    /// A fault, or what happens to the server as a whole. These are few.
    Major,
}

/// A line with its end.
#[derive(Debug)]
pub(super) struct Line {
    pub importance: Importance,
    pub text: Vec<u8>,
}

impl Line {
    /// The line of an event at this time.
    pub(super) fn of(event: &Event<'_>, now: DateTime<Utc>) -> Self {
        let metadata = event.metadata();
        let mut object = Object::new();
        object.add("timestamp", &now.to_rfc3339_opts(SecondsFormat::Micros, true));
        object.add("level", metadata.level().as_str());
        event.record(&mut object);
        object.add("target", metadata.target());
        let importance = match object.call {
            _ if *metadata.level() > Level::INFO => Importance::Ordinary,
            None => Importance::Major,
            Some(Call { has_caller: false, is_refused: true }) => Importance::RefusedToken,
            Some(_) => Importance::Ordinary,
        };
        Self { importance, text: object.end() }
    }
}

/// A JSON object that is written field by field.
struct Object {
    text: Vec<u8>,
    /// What the line says about a call. Only `calls/telemetry.rs` writes these fields.
    call: Option<Call>,
}

#[derive(Default)]
struct Call {
    has_caller: bool,
    is_refused: bool,
}

impl Object {
    fn new() -> Self {
        // The line of a call fits.
        Self { text: Vec::with_capacity(512), call: None }
    }

    fn add<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.text.push(if self.text.is_empty() { b'{' } else { b',' });
        // Writing to memory does not fail, nor does a number or a text.
        let _ = serde_json::to_writer(&mut self.text, name);
        self.text.push(b':');
        let _ = serde_json::to_writer(&mut self.text, value);
    }

    fn call(&mut self) -> &mut Call {
        self.call.get_or_insert_default()
    }

    fn end(mut self) -> Vec<u8> {
        self.text.extend_from_slice(b"}\n");
        self.text
    }
}

impl Visit for Object {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field.name(), &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "caller" => self.call().has_caller = value != "none",
            "reason" => self.call().is_refused = !value.is_empty(),
            _ => {}
        }
        self.add(field.name(), value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.add(field.name(), &value.to_string());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), &value);
    }
}
