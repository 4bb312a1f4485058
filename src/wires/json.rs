//! Messages as the JSON of protobuf (<https://protobuf.dev/programming-guides/json/>), by the
//! descriptors of the contract. They are read when the first message of JSON comes: a server that
//! gets none does not keep them.

use std::{collections::HashSet, io, sync::LazyLock};

use hyper::body::Bytes;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor};
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use serde::Serialize as _;
use serde_json::{
    Deserializer, Serializer,
    ser::{CompactFormatter, Formatter},
    value::RawValue,
};
use serde_path_to_error::{Path, Segment, Track};
use tonic::Status;

use super::{
    connect::without_status,
    frames::{self, HEAD},
    spellings,
};
use crate::{
    domain::{
        DomainError, Violation,
        metadata::{printable_path, push_token},
    },
    grpc::{proto::DESCRIPTOR_SET, status},
    i_json::{self, Numbers},
    use_cases::Error,
};

/// How prost-reflect begins its text about a name that is no field.
const UNKNOWN: &str = "unrecognized field name '";
/// The integers up to this one are all doubles: 2⁵³.
const MAX_SAFE: f64 = 9_007_199_254_740_992.0;

/// The messages of the services that the server may have.
static POOL: LazyLock<Result<DescriptorPool, String>> = LazyLock::new(|| {
    let mut files: Vec<FileDescriptorProto> = Vec::new();
    let mut names = HashSet::new();
    for set in [
        DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_types::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ] {
        let set = FileDescriptorSet::decode(set).map_err(|error| error.to_string())?;
        for mut file in set.file {
            // Comments are most of it, and no message needs them.
            file.source_code_info = None;
            // One message may be in two sets, whose files have different names for it.
            let defined: Vec<String> = file
                .message_type
                .iter()
                .map(|message| format!("{}.{}", file.package(), message.name()))
                .chain([file.name().to_owned()])
                .collect();
            if defined.iter().all(|name| !names.contains(name)) {
                names.extend(defined);
                files.push(file);
            }
        }
    }
    DescriptorPool::from_file_descriptor_set(FileDescriptorSet { file: files })
        .map_err(|error| error.to_string())
});

fn pool() -> Result<&'static DescriptorPool, Status> {
    POOL.as_ref().map_err(|error| status::from_error(Error::Fault(error.clone())))
}

/// The messages of the rpc at a path: of its requests, and of its responses.
fn messages(path: &str) -> Result<(MessageDescriptor, MessageDescriptor), Status> {
    let (service, rpc) =
        path.trim_start_matches('/').split_once('/').ok_or_else(status::rpc_unknown)?;
    let service = pool()?.get_service_by_name(service).ok_or_else(status::rpc_unknown)?;
    let method = service.methods().find(|method| method.name() == rpc);
    let method = method.ok_or_else(status::rpc_unknown)?;
    Ok((method.input(), method.output()))
}

/// The frame of the request to this path whose message is this text.
///
/// # Errors
/// The status for the caller: `REQUEST_INVALID`, with the place if the text is JSON.
pub(super) fn request(path: &str, text: &[u8]) -> Result<Bytes, Status> {
    let (descriptor, _) = messages(path)?;
    let text = std::str::from_utf8(text).map_err(|_| status::json_undecodable())?;
    // A reader in between, such as a firewall, may take the other of two values that have one name.
    match i_json::violations(text, Numbers::Exact) {
        None => return Err(status::json_undecodable()),
        Some(violations) if !violations.is_empty() => {
            return Err(status::from_domain_error(DomainError::Invalid(violations)));
        }
        Some(_) => {}
    }
    let doubled = spellings::doubled(&descriptor, text);
    if !doubled.is_empty() {
        return Err(status::from_domain_error(DomainError::Invalid(doubled)));
    }
    let message = parse(descriptor, text)?;
    let mut framed = vec![0; HEAD];
    message.encode(&mut framed).map_err(|_| status::message_too_large())?;
    frames::complete(framed, 0).ok_or_else(status::message_too_large)
}

fn parse(descriptor: MessageDescriptor, text: &str) -> Result<DynamicMessage, Status> {
    let mut json = Deserializer::from_str(text);
    let mut track = Track::new();
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let parsed = DynamicMessage::deserialize_with_options(
        descriptor,
        serde_path_to_error::Deserializer::new(&mut json, &mut track),
        &options,
    );
    let error = match parsed.map(|message| json.end().map(|()| message)) {
        Ok(Ok(message)) => return Ok(message),
        Ok(Err(error)) | Err(error) => error,
    };
    // Another value than an object is the message of no rpc.
    if !error.is_data() || !text.trim_start().starts_with('{') {
        return Err(status::json_undecodable());
    }
    // The text of the error quotes what was sent, which no refusal does.
    let why = error.to_string();
    let unknown = why.strip_prefix(UNKNOWN).and_then(|rest| rest.rsplit_once('\''));
    let (place, description) = match unknown {
        Some((name, _)) => (
            place(&track.path(), Some(name)),
            "is no field of its message: check how the proto spells it",
        ),
        None => (
            place(&track.path(), None),
            "has another form than its field: send what the proto describes, as the JSON of protobuf",
        ),
    };
    let violation = Violation::new(place, description);
    Err(status::from_domain_error(DomainError::Invalid(vec![violation])))
}

/// A place in a message: an RFC 6901 pointer from the first name on.
fn place(path: &Path, name: Option<&str>) -> String {
    let mut place = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push_token(&mut place, &index.to_string()),
            Segment::Map { key } => push_token(&mut place, key),
            Segment::Enum { variant } => push_token(&mut place, variant),
            Segment::Unknown => {}
        }
    }
    if let Some(name) = name {
        push_token(&mut place, name);
    }
    printable_path(place.strip_prefix('/').unwrap_or(&place))
}

/// The JSON of a message with which the server responds to a call of this path.
///
/// # Errors
/// If the message is not one of the contract, which is a fault of the server.
pub(super) fn response(path: &str, message: &[u8]) -> Result<Bytes, Status> {
    let (_, descriptor) = messages(path)?;
    to_json(descriptor, message).map(Into::into).ok_or_else(without_status)
}

/// The JSON of the message with this name; `None` for one that the contract does not know.
pub(super) fn debug(name: &str, message: &[u8]) -> Option<Box<RawValue>> {
    let descriptor = pool().ok()?.get_message_by_name(name)?;
    let json = String::from_utf8(to_json(descriptor, message)?).ok()?;
    RawValue::from_string(json).ok()
}

fn to_json(descriptor: MessageDescriptor, message: &[u8]) -> Option<Vec<u8>> {
    let message = DynamicMessage::decode(descriptor, message).ok()?;
    let mut json = Vec::new();
    message.serialize(&mut Serializer::with_formatter(&mut json, ShortNumbers)).ok()?;
    Some(json)
}

/// Writes doubles that are integers without a fraction, as protobuf's own libraries do.
struct ShortNumbers;

impl Formatter for ShortNumbers {
    fn write_f64<W: io::Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        if value.fract() == 0.0 && value.abs() <= MAX_SAFE {
            write!(writer, "{value:.0}")
        } else {
            CompactFormatter.write_f64(writer, value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::access::TABLE;

    #[test]
    fn the_messages_of_each_rpc_are_known() {
        for rule in TABLE {
            assert!(messages(rule.path).is_ok(), "{}", rule.path);
        }
        for path in [
            "/grpc.health.v1.Health/Check",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        ] {
            assert!(messages(path).is_ok(), "{path}");
        }
        for detail in ["google.rpc.ErrorInfo", "google.rpc.BadRequest", "google.rpc.RetryInfo"] {
            assert!(debug(detail, &[]).is_some(), "{detail}");
        }
    }

    #[test]
    fn an_integer_has_no_fraction() {
        let written = |value: f64| {
            let mut json = Vec::new();
            let mut serializer = Serializer::with_formatter(&mut json, ShortNumbers);
            value.serialize(&mut serializer).unwrap();
            String::from_utf8(json).unwrap()
        };
        for (value, text) in [
            (7.0, "7"),
            (-7.0, "-7"),
            (0.5, "0.5"),
            (MAX_SAFE, "9007199254740992"),
            (1e300, "1e+300"),
            (-0.0, "-0"),
        ] {
            assert_eq!(written(value), text);
        }
    }
}
