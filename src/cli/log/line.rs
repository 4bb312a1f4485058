//! A line of the log: an event as one JSON object, or as text for people.

use std::{error::Error, fmt::Debug};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use tracing::{
    Event, Level,
    field::{Field, Visit},
};

use crate::{config::LogFormat, telemetry::CallRecord};

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
    pub(super) fn of(event: &Event<'_>, format: LogFormat, now: DateTime<Utc>) -> Self {
        let metadata = event.metadata();
        let mut fields = Fields::new(format);
        fields.begin(&now.to_rfc3339_opts(SecondsFormat::Micros, true), *metadata.level());
        event.record(&mut fields);
        if fields.call.is_none() {
            CallRecord::with_current(|record| {
                fields.add("rpc", record.name().as_str());
                fields.add("trace_id", record.trace_id());
                Some(())
            });
        }
        fields.add("target", metadata.target());
        let importance = match fields.call {
            _ if *metadata.level() > Level::INFO => Importance::Ordinary,
            None => Importance::Major,
            Some(Call { has_caller: false, is_refused: true }) => Importance::RefusedToken,
            Some(_) => Importance::Ordinary,
        };
        Self { importance, text: fields.end() }
    }
}

/// The fields of a line, which are written one by one.
struct Fields {
    format: LogFormat,
    text: Vec<u8>,
    /// What the line says about a call. Only `calls/telemetry.rs` writes these fields.
    call: Option<Call>,
}

#[derive(Default)]
struct Call {
    has_caller: bool,
    is_refused: bool,
}

impl Fields {
    fn new(format: LogFormat) -> Self {
        // The line of a call fits.
        Self { format, text: Vec::with_capacity(512), call: None }
    }

    fn begin(&mut self, time: &str, level: Level) {
        match self.format {
            LogFormat::Json => {
                self.add("timestamp", time);
                self.add("level", level.as_str());
            }
            LogFormat::Text => {
                let line = format!("{time} {:5}", level.as_str());
                self.text.extend_from_slice(line.as_bytes());
            }
        }
    }

    fn add<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        match self.format {
            LogFormat::Json => {
                self.text.push(if self.text.is_empty() { b'{' } else { b',' });
                self.write(name);
                self.text.push(b':');
                self.write(value);
            }
            LogFormat::Text => {
                self.text.push(b' ');
                if name != "message" {
                    self.text.extend_from_slice(name.as_bytes());
                    self.text.push(b'=');
                }
                let at = self.text.len();
                self.write(value);
                self.unquote(at);
            }
        }
    }

    /// Writes a value as JSON.
    fn write<T: Serialize + ?Sized>(&mut self, value: &T) {
        // Writing to memory does not fail, nor does a number or a text.
        let _ = serde_json::to_writer(&mut self.text, value);
    }

    /// Removes the quotes of the text that was written at this place, if it is the message or a word.
    /// Without them no other text could be mistaken for a field or a line.
    fn unquote(&mut self, at: usize) {
        let is_message = self.text.get(at.wrapping_sub(1)) != Some(&b'=');
        let quoted = self.text.get(at..).unwrap_or_default();
        let Some(inner) = quoted.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""))
        else {
            return;
        };
        let is_plain = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'=');
        let is_word = !inner.is_empty() && inner.iter().all(is_plain);
        let is_sentence = is_message && !inner.contains(&b'\\');
        if is_word || is_sentence {
            self.text.pop();
            self.text.remove(at);
        }
    }

    fn call(&mut self) -> &mut Call {
        self.call.get_or_insert_default()
    }

    fn end(mut self) -> Vec<u8> {
        if self.format == LogFormat::Json {
            self.text.push(b'}');
        }
        self.text.push(b'\n');
        self.text
    }
}

impl Visit for Fields {
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
