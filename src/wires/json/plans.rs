//! How messages are written as JSON, worked out from their descriptors once.

use std::collections::HashMap;

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

/// The plan of each message of a pool, by its place in the pool.
#[derive(Debug)]
pub(super) struct Plans {
    plans: Vec<Plan>,
    places: HashMap<String, usize>,
}

/// How the messages of one descriptor are written.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) descriptor: MessageDescriptor,
    pub(super) form: Form,
}

/// The JSON that a message becomes.
#[derive(Debug)]
pub(super) enum Form {
    /// An object with these fields, in the order of their numbers.
    Fields(Vec<Field>),
    Timestamp,
    Struct,
    /// What prost-reflect makes of it: well-known types and kinds of fields that are rare here.
    Reflected,
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u32,
    /// The name with what is around it: `"userId":`.
    pub(super) name: String,
    pub(super) is_list: bool,
    /// Whether a default value in the message is one that was set.
    pub(super) has_presence: bool,
    /// The bit of its oneof; 0 without one.
    pub(super) oneof: u64,
    pub(super) content: Content,
}

/// What is in a field, or in each item of a list.
#[derive(Debug)]
pub(super) enum Content {
    Bool,
    Int32,
    Int64,
    Text,
    Bytes,
    /// The names of the numbers.
    Enum(HashMap<i32, String>),
    /// The place of the message's plan.
    Message(usize),
}

impl Plans {
    pub(super) fn of(pool: &DescriptorPool) -> Self {
        let names = pool.all_messages().map(|message| message.full_name().to_owned());
        let places: HashMap<String, usize> =
            names.enumerate().map(|(place, name)| (name, place)).collect();
        let plan = |descriptor| Plan { form: form(&descriptor, &places), descriptor };
        Self { plans: pool.all_messages().map(plan).collect(), places }
    }

    pub(super) fn at(&self, place: usize) -> Option<&Plan> {
        self.plans.get(place)
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = &Plan> {
        self.plans.iter()
    }

    pub(super) fn named(&self, message: &str) -> Option<&Plan> {
        self.at(*self.places.get(message)?)
    }
}

fn form(message: &MessageDescriptor, places: &HashMap<String, usize>) -> Form {
    match message.full_name() {
        "google.protobuf.Timestamp" => Form::Timestamp,
        "google.protobuf.Struct" => Form::Struct,
        name if name.starts_with("google.protobuf.") => Form::Reflected,
        _ => {
            let fields: Option<Vec<Field>> =
                message.fields().map(|descriptor| field(&descriptor, places)).collect();
            fields.map_or(Form::Reflected, |mut fields| {
                fields.sort_by_key(|field| field.number);
                Form::Fields(fields)
            })
        }
    }
}

/// `None` for a kind of field that is left to prost-reflect.
fn field(descriptor: &FieldDescriptor, places: &HashMap<String, usize>) -> Option<Field> {
    let content = match descriptor.kind() {
        Kind::Bool => Content::Bool,
        Kind::Int32 => Content::Int32,
        Kind::Int64 => Content::Int64,
        Kind::String => Content::Text,
        Kind::Bytes => Content::Bytes,
        Kind::Enum(names) => Content::Enum(
            names.values().map(|value| (value.number(), value.name().to_owned())).collect(),
        ),
        Kind::Message(message) if !descriptor.is_map() => {
            Content::Message(*places.get(message.full_name())?)
        }
        _ => return None,
    };
    let oneof = match descriptor.containing_oneof() {
        Some(oneof) => {
            let place = descriptor.parent_message().oneofs().position(|other| other == oneof)?;
            1_u64.checked_shl(u32::try_from(place).ok()?)?
        }
        None => 0,
    };
    Some(Field {
        number: descriptor.number(),
        name: format!("{}:", serde_json::Value::from(descriptor.json_name())),
        is_list: descriptor.is_list(),
        has_presence: descriptor.supports_presence(),
        oneof,
        content,
    })
}
