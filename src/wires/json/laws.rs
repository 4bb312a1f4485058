//! What the writer writes is what prost-reflect makes of the same message, byte for byte.

use proptest::{
    collection::vec,
    prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest},
    sample::Index,
};
use prost::{
    Message as _,
    encoding::{WireType, encode_key, encode_varint},
};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use prost_types::{Any, FieldMask, ListValue, Struct, Timestamp, Value, value};

use super::{CONTRACT, Contract, plans::Form, reflected, writer};

fn contract() -> &'static Contract {
    CONTRACT.as_ref().unwrap()
}

fn by_reflection(descriptor: &MessageDescriptor, message: &[u8]) -> Option<String> {
    let mut json = Vec::new();
    reflected::append(&mut json, descriptor, message)?;
    Some(String::from_utf8(json).unwrap())
}

/// A message in both ways; `None` for what is no message, or has no JSON.
struct Written {
    name: String,
    written: Option<String>,
    reflected: Option<String>,
}

/// What is random in a message. After the last byte, all is absent.
struct Choices(std::vec::IntoIter<u8>);

impl Choices {
    fn of(bytes: &[u8]) -> Self {
        Self(Vec::from(bytes).into_iter())
    }

    fn byte(&mut self) -> u8 {
        self.0.next().unwrap_or_default()
    }

    fn number(&mut self) -> u64 {
        match self.byte() % 4 {
            0 => u64::from(self.byte()),
            1 => u64::from(self.byte()) << 40,
            2 => u64::from(self.byte()).wrapping_neg(),
            _ => 1,
        }
    }

    fn text(&mut self) -> String {
        let of_text = |byte| char::from_u32(u32::from(byte) * 3);
        (0..self.byte() % 5).filter_map(|_| of_text(self.byte())).collect()
    }

    fn paths(&mut self) -> FieldMask {
        let path = |byte| format!("a.b_{}", char::from(b'c' + byte % 20));
        FieldMask { paths: (0..self.byte() % 3).map(|_| path(self.byte())).collect() }
    }

    fn any(&mut self) -> Any {
        Any {
            type_url: "type.googleapis.com/google.protobuf.FieldMask".to_owned(),
            value: self.paths().encode_to_vec(),
        }
    }

    fn timestamp(&mut self) -> Timestamp {
        // Some are out of the years that JSON has.
        let seconds = self.number().cast_signed() % 300_000_000_000;
        let nanos = [0, 5, 5_000, 5_000_000, 999_999_999];
        Timestamp { seconds, nanos: nanos[usize::from(self.byte()) % nanos.len()] }
    }

    fn double(&mut self) -> f64 {
        match self.byte() % 8 {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => 1e300,
            3 => -0.0,
            4 => f64::from(self.byte()) / 7.0,
            _ => f64::from(self.byte()),
        }
    }

    fn value(&mut self) -> Value {
        use value::Kind as Of;
        let kind = match self.byte() % 8 {
            0 => Of::NullValue(0),
            1 => Of::BoolValue(self.byte().is_multiple_of(2)),
            2..=4 => Of::NumberValue(self.double()),
            5 => Of::StringValue(self.text()),
            6 => Of::StructValue(self.structure()),
            _ => Of::ListValue(ListValue {
                values: (0..self.byte() % 4).map(|_| self.value()).collect(),
            }),
        };
        Value { kind: Some(kind) }
    }

    fn structure(&mut self) -> Struct {
        let name = |text| format!("n{text}");
        Struct { fields: (0..self.byte() % 4).map(|_| (name(self.text()), self.value())).collect() }
    }

    /// A message as prost encodes it.
    fn message(&mut self, descriptor: &MessageDescriptor) -> Vec<u8> {
        match descriptor.full_name() {
            "google.protobuf.Struct" => return self.structure().encode_to_vec(),
            "google.protobuf.Timestamp" => return self.timestamp().encode_to_vec(),
            "google.protobuf.FieldMask" => return self.paths().encode_to_vec(),
            "google.protobuf.Any" => return self.any().encode_to_vec(),
            _ => {}
        }
        let mut fields: Vec<FieldDescriptor> = descriptor.fields().collect();
        fields.sort_by_key(FieldDescriptor::number);
        let (mut encoded, mut oneofs) = (Vec::new(), Vec::new());
        for field in fields {
            let oneof = field.containing_oneof();
            if self.byte().is_multiple_of(2)
                || oneof.as_ref().is_some_and(|oneof| oneofs.contains(oneof))
            {
                continue;
            }
            oneofs.extend(oneof);
            let is_number =
                matches!(field.kind(), Kind::Bool | Kind::Int32 | Kind::Int64 | Kind::Enum(_));
            let count = if field.is_list() { 1 + self.byte() % 3 } else { 1 };
            if field.is_list() && is_number {
                let mut packed = Vec::new();
                (0..count).for_each(|_| encode_varint(self.varint(&field.kind()), &mut packed));
                encode_bytes(field.number(), &packed, &mut encoded);
                continue;
            }
            for _ in 0..count {
                self.field(&field, &mut encoded);
            }
        }
        encoded
    }

    fn varint(&mut self, kind: &Kind) -> u64 {
        match kind {
            Kind::Bool => 1,
            Kind::Int32 | Kind::Enum(_) => {
                i64::from(i32::try_from(self.number().cast_signed()).unwrap_or(i32::MIN))
                    .cast_unsigned()
            }
            _ => self.number(),
        }
    }

    fn field(&mut self, field: &FieldDescriptor, encoded: &mut Vec<u8>) {
        let number = field.number();
        match field.kind() {
            Kind::String => {
                let text = self.text();
                if !text.is_empty() || field.supports_presence() || field.is_list() {
                    encode_bytes(number, text.as_bytes(), encoded);
                }
            }
            Kind::Bytes => encode_bytes(number, &[self.byte(), 7], encoded),
            Kind::Message(message) => {
                let message = self.message(&message);
                encode_bytes(number, &message, encoded);
            }
            kind @ (Kind::Bool | Kind::Int32 | Kind::Int64 | Kind::Enum(_)) => {
                let value = self.varint(&kind);
                if value != 0 || field.supports_presence() {
                    encode_key(number, WireType::Varint, encoded);
                    encode_varint(value, encoded);
                }
            }
            // The contract has no field of the others in what the writer writes.
            _ => {}
        }
    }
}

fn encode_bytes(number: u32, bytes: &[u8], encoded: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, encoded);
    encode_varint(u64::try_from(bytes.len()).unwrap(), encoded);
    encoded.extend_from_slice(bytes);
}

/// The JSON of both, of each message that has fields.
fn of_each(message: impl Fn(&MessageDescriptor) -> Vec<u8>) -> Vec<Written> {
    let Contract { plans, .. } = contract();
    let with_fields = plans.all().filter(|plan| matches!(plan.form, Form::Fields(_)));
    let written = with_fields.map(|plan| {
        let message = message(&plan.descriptor);
        let json = writer::write(plans, plan, &message);
        Written {
            name: plan.descriptor.full_name().to_owned(),
            written: json.map(|json| String::from_utf8(json).unwrap()),
            reflected: by_reflection(&plan.descriptor, &message),
        }
    });
    written.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_message_of_prost_is_written(choices in vec(any::<u8>(), 0..300)) {
        for Written { name, written, reflected } in of_each(|descriptor| Choices::of(&choices).message(descriptor)) {
            prop_assert_eq!(written, reflected, "{}", name);
        }
    }

    /// Bytes that are lost, changed or repeated make other messages, and what is none.
    #[test]
    fn other_messages_are_written_alike_or_not(
        choices in vec(any::<u8>(), 0..300), from in any::<Index>(), to in any::<Index>(), byte in any::<Option<u8>>()
    ) {
        let mangled = |descriptor: &MessageDescriptor| {
            let mut message = Choices::of(&choices).message(descriptor);
            if message.is_empty() {
                return message;
            }
            let (from, to) = (from.index(message.len()), to.index(message.len()));
            match byte {
                Some(byte) => message[from] = byte,
                None if from < to => drop(message.drain(from..to)),
                None => message.extend_from_within(to..=from),
            }
            message
        };
        for Written { name, written, reflected } in of_each(mangled) {
            prop_assert!(written.is_none() || written == reflected, "{}: {:?} {:?}", name, written, reflected);
        }
    }
}
