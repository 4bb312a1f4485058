//! What a caller or a server saw, against what a scenario expects.

use identity_link::grpc::proto::DESCRIPTOR_SET;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor};
use serde_json::Value;

/// What differs from what is expected: a line for each place.
pub(super) fn differences(expected: &Value, seen: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", expected, Some(seen), &mut found);
    found
}

fn compare(place: &str, expected: &Value, seen: Option<&Value>, found: &mut Vec<String>) {
    let seen = seen.filter(|seen| !seen.is_null());
    match (expected, seen) {
        (Value::Null, None) => {}
        (Value::String(any), Some(_)) if any == "*" => {}
        (Value::Object(fields), Some(Value::Object(seen))) => {
            for (name, field) in fields {
                compare(&format!("{place}/{name}"), field, seen.get(name), found);
            }
        }
        (Value::Array(items), Some(Value::Array(seen))) if items.len() == seen.len() => {
            for (at, (item, seen)) in items.iter().zip(seen).enumerate() {
                // A null in a list of values is a value.
                if item != seen {
                    compare(&format!("{place}/{at}"), item, Some(seen), found);
                }
            }
        }
        // Languages write whole numbers of a Struct with a point or without.
        (Value::Number(expected), Some(Value::Number(seen)))
            if expected.as_f64() == seen.as_f64() => {}
        (expected, Some(seen)) if expected == seen => {}
        (expected, seen) => {
            let seen = seen.map_or("nothing".to_owned(), Value::to_string);
            found.push(format!("{place}: expected {expected}, saw {seen}"));
        }
    }
}

/// The rpc of this name.
pub(super) fn rpc(name: &str) -> MethodDescriptor {
    let pool = DescriptorPool::decode(DESCRIPTOR_SET).unwrap();
    let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    methods.into_iter().find(|method| method.name() == name).expect(name)
}

/// The message, with what it has and its descriptor does not know.
pub(super) fn decoded(descriptor: MessageDescriptor, bytes: &[u8]) -> DynamicMessage {
    DynamicMessage::decode(descriptor, bytes).unwrap()
}

/// The request id of a request; `None` if it has none.
pub(super) fn request_id(rpc_name: &str, message: &[u8]) -> Option<String> {
    let request = decoded(rpc(rpc_name).input(), message);
    let id = request.get_field_by_name("request_id")?.as_str()?.to_owned();
    (!id.is_empty()).then_some(id)
}
