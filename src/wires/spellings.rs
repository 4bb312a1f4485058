//! The two names that a field has in the JSON of protobuf: `userId`, and `user_id` as in the proto.

use std::collections::HashSet;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;

use crate::domain::{
    Violation,
    metadata::{printable_path, push_token},
};

/// A violation for each field of a message that its JSON has under both names. Parsers disagree
/// about which value counts, so a reader in between could take another one than the server.
pub(super) fn doubled(message: &MessageDescriptor, text: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    // A name without an underscore, which may be escaped, is the only one of its field.
    if text.contains(['_', '\\'])
        && let Ok(json) = serde_json::from_str(text)
    {
        in_message(message, &json, "", &mut violations);
    }
    violations
}

fn in_message(
    message: &MessageDescriptor,
    json: &Value,
    place: &str,
    violations: &mut Vec<Violation>,
) {
    // The well-known types have a JSON of their own: the names in a Struct are no fields.
    if message.full_name().starts_with("google.protobuf.") {
        return;
    }
    let mut numbers = HashSet::new();
    for (name, value) in json.as_object().into_iter().flatten() {
        let field =
            message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name));
        let Some(field) = field else { continue };
        let place = below(place, name);
        if numbers.insert(field.number()) {
            in_field(&field, value, &place, violations);
        } else {
            let description = "is given twice, in both spellings of its name: send one of them";
            let shown = printable_path(place.strip_prefix('/').unwrap_or(&place));
            violations.push(Violation::new(shown, description));
        }
    }
}

fn in_field(field: &FieldDescriptor, json: &Value, place: &str, violations: &mut Vec<Violation>) {
    let Kind::Message(message) = field.kind() else { return };
    match json {
        Value::Array(items) if field.is_list() => {
            for (index, item) in items.iter().enumerate() {
                in_message(&message, item, &below(place, &index.to_string()), violations);
            }
        }
        Value::Object(entries) if field.is_map() => {
            for (key, value) in entries {
                in_field(&message.map_entry_value_field(), value, &below(place, key), violations);
            }
        }
        json => in_message(&message, json, place, violations),
    }
}

/// A place in a place: an RFC 6901 pointer.
fn below(place: &str, name: &str) -> String {
    let mut place = place.to_owned();
    push_token(&mut place, name);
    place
}
