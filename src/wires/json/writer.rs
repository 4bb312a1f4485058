//! Writes a message as JSON while it reads its bytes, without the tree of values in between that
//! prost-reflect makes of it.
//!
//! It writes messages that are encoded as prost encodes them: each field once, in the order of the
//! numbers, without fields that have the value of an absent one. It refuses all others, which
//! protobuf allows.

use std::io::Write as _;

use chrono::{DateTime, SecondsFormat};
use data_encoding::BASE64;
use prost::{
    Message as _,
    encoding::{WireType, decode_key, decode_varint},
};
use prost_types::Timestamp;
use serde::Serialize as _;
use serde_json::Serializer;

use super::{
    plans::{Content, Field, Form, Plan, Plans},
    reflected::{self, ShortNumbers},
};

/// How many levels of messages are written; less than prost reads.
const MAX_DEPTH: usize = 32;
/// The seconds of the years 1 to 9999, which protobuf's JSON has.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// The JSON of a message; `None` if it is not encoded as prost does, or not a message of this plan.
pub(super) fn write(plans: &Plans, plan: &Plan, message: &[u8]) -> Option<Vec<u8>> {
    let mut writer = Writer { plans, json: Vec::with_capacity(2 * message.len()) };
    writer.message(plan, message, MAX_DEPTH)?;
    Some(writer.json)
}

/// The value of a field as it is encoded.
#[derive(Debug, Clone, Copy)]
enum Encoded<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
}

impl Encoded<'_> {
    fn is_default(&self) -> bool {
        matches!(self, Self::Varint(0) | Self::Bytes([]))
    }
}

/// The number and the value of the next field, which are taken off the bytes.
fn take<'a>(message: &mut &'a [u8]) -> Option<(u32, Encoded<'a>)> {
    let (number, wire) = decode_key(message).ok()?;
    let encoded = match wire {
        WireType::Varint => Encoded::Varint(decode_varint(message).ok()?),
        WireType::LengthDelimited => {
            let length = usize::try_from(decode_varint(message).ok()?).ok()?;
            Encoded::Bytes(message.split_off(..length)?)
        }
        WireType::SixtyFourBit => Encoded::Fixed64(*message.split_off(..8)?.first_chunk()?),
        _ => return None,
    };
    Some((number, encoded))
}

struct Writer<'a> {
    plans: &'a Plans,
    json: Vec<u8>,
}

impl Writer<'_> {
    fn message(&mut self, plan: &Plan, message: &[u8], depth: usize) -> Option<()> {
        match &plan.form {
            Form::Fields(fields) => self.fields(fields, message, depth.checked_sub(1)?),
            Form::Timestamp => self.timestamp(message),
            Form::Struct => self.structure(message, depth),
            Form::Reflected => reflected::append(&mut self.json, &plan.descriptor, message),
        }
    }

    fn fields(&mut self, fields: &[Field], mut message: &[u8], depth: usize) -> Option<()> {
        self.json.push(b'{');
        let mut following = fields.iter();
        let mut last: Option<&Field> = None;
        let mut oneofs = 0;
        while !message.is_empty() {
            let (number, encoded) = take(&mut message)?;
            let field = match last {
                Some(list) if list.is_list && list.number == number => {
                    self.json.push(b',');
                    list
                }
                _ => {
                    let field = following.find(|field| field.number == number)?;
                    self.end_list(last);
                    if last.is_some() {
                        self.json.push(b',');
                    }
                    self.json.extend_from_slice(field.name.as_bytes());
                    if field.is_list {
                        self.json.push(b'[');
                    }
                    field
                }
            };
            let is_unset = !field.is_list && !field.has_presence && encoded.is_default();
            if is_unset || oneofs & field.oneof != 0 {
                return None;
            }
            oneofs |= field.oneof;
            self.content(field, encoded, depth)?;
            last = Some(field);
        }
        self.end_list(last);
        self.json.push(b'}');
        Some(())
    }

    fn end_list(&mut self, last: Option<&Field>) {
        if last.is_some_and(|last| last.is_list) {
            self.json.push(b']');
        }
    }

    fn content(&mut self, field: &Field, encoded: Encoded<'_>, depth: usize) -> Option<()> {
        match (&field.content, encoded) {
            (Content::Message(place), Encoded::Bytes(message)) => {
                self.message(self.plans.at(*place)?, message, depth)
            }
            (Content::Text, Encoded::Bytes(text)) => self.text(text),
            (Content::Bytes, Encoded::Bytes(bytes)) => self.text(BASE64.encode(bytes).as_bytes()),
            (content, Encoded::Varint(number)) => self.number(content, number),
            // Numbers in a list are packed.
            (content, Encoded::Bytes(mut numbers)) if field.is_list => {
                self.number(content, decode_varint(&mut numbers).ok()?)?;
                while !numbers.is_empty() {
                    self.json.push(b',');
                    self.number(content, decode_varint(&mut numbers).ok()?)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    fn number(&mut self, content: &Content, number: u64) -> Option<()> {
        let signed = number.cast_signed();
        match content {
            Content::Bool => write!(self.json, "{}", number != 0).ok(),
            Content::Int32 => write!(self.json, "{}", i32::try_from(signed).ok()?).ok(),
            Content::Int64 => write!(self.json, "\"{signed}\"").ok(),
            Content::Enum(names) => match names.get(&i32::try_from(signed).ok()?) {
                Some(name) => write!(self.json, "\"{name}\"").ok(),
                None => write!(self.json, "{signed}").ok(),
            },
            Content::Text | Content::Bytes | Content::Message(_) => None,
        }
    }

    fn text(&mut self, text: &[u8]) -> Option<()> {
        serde_json::to_writer(&mut self.json, str::from_utf8(text).ok()?).ok()
    }

    fn timestamp(&mut self, message: &[u8]) -> Option<()> {
        let Timestamp { seconds, nanos } = Timestamp::decode(message).ok()?;
        let nanos = u32::try_from(nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
        let time =
            DateTime::from_timestamp(seconds, nanos).filter(|_| SECONDS.contains(&seconds))?;
        write!(self.json, "\"{}\"", time.to_rfc3339_opts(SecondsFormat::AutoSi, true)).ok()
    }

    /// A `google.protobuf.Struct`: a map of values in field 1.
    fn structure(&mut self, mut message: &[u8], depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        self.json.push(b'{');
        let mut last: Option<&[u8]> = None;
        while !message.is_empty() {
            let (1, Encoded::Bytes(mut entry)) = take(&mut message)? else { return None };
            let (1, Encoded::Bytes(name)) = take(&mut entry)? else { return None };
            // In the order of a BTreeMap no name comes twice.
            if last.is_some_and(|last| last >= name) {
                return None;
            }
            if last.replace(name).is_some() {
                self.json.push(b',');
            }
            self.text(name)?;
            self.json.push(b':');
            match take(&mut entry)? {
                (2, Encoded::Bytes(value)) if entry.is_empty() => self.value(value, depth)?,
                _ => return None,
            }
        }
        self.json.push(b'}');
        Some(())
    }

    /// A `google.protobuf.Value`: a oneof of the kinds that JSON has.
    fn value(&mut self, mut message: &[u8], depth: usize) -> Option<()> {
        let kind = take(&mut message)?;
        if !message.is_empty() {
            return None;
        }
        match kind {
            (1, Encoded::Varint(_)) => write!(self.json, "null").ok(),
            (2, Encoded::Fixed64(bytes)) => {
                let number = Some(f64::from_le_bytes(bytes)).filter(|number| number.is_finite())?;
                let mut serializer = Serializer::with_formatter(&mut self.json, ShortNumbers);
                number.serialize(&mut serializer).ok()
            }
            (3, Encoded::Bytes(text)) => self.text(text),
            (4, Encoded::Varint(number)) => self.number(&Content::Bool, number),
            (5, Encoded::Bytes(object)) => self.structure(object, depth),
            (6, Encoded::Bytes(list)) => self.list(list, depth),
            _ => None,
        }
    }

    /// A `google.protobuf.ListValue`: values in field 1.
    fn list(&mut self, mut message: &[u8], depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        self.json.push(b'[');
        let mut is_first = true;
        while !message.is_empty() {
            let (1, Encoded::Bytes(value)) = take(&mut message)? else { return None };
            if !is_first {
                self.json.push(b',');
            }
            is_first = false;
            self.value(value, depth)?;
        }
        self.json.push(b']');
        Some(())
    }
}
