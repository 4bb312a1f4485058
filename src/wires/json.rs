//! Messages as the JSON of protobuf (<https://protobuf.dev/programming-guides/json/>), by the
//! descriptors of the contract. They are read when the first message of JSON comes: a server that
//! gets none does not keep them.

#[cfg(test)]
mod laws;
mod plans;
mod reflected;
mod writer;

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use hyper::body::Bytes;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor};
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use serde_json::{Deserializer, value::RawValue};
use serde_path_to_error::{Path, Segment, Track};
use tonic::Status;

use self::plans::{Plan, Plans};
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

/// What JSON needs of the services that the server may have.
struct Contract {
    /// The rpcs by their paths.
    rpcs: HashMap<String, Rpc>,
    plans: Plans,
}

/// The messages of an rpc.
struct Rpc {
    request: MessageDescriptor,
    response: MessageDescriptor,
}

static CONTRACT: LazyLock<Result<Contract, String>> = LazyLock::new(|| {
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
    let pool = DescriptorPool::from_file_descriptor_set(FileDescriptorSet { file: files })
        .map_err(|error| error.to_string())?;
    let plans = Plans::of(&pool);
    let mut rpcs = HashMap::new();
    for service in pool.services() {
        for method in service.methods() {
            let path = format!("/{}/{}", service.full_name(), method.name());
            rpcs.insert(path, Rpc { request: method.input(), response: method.output() });
        }
    }
    Ok(Contract { rpcs, plans })
});

fn contract() -> Result<&'static Contract, Status> {
    CONTRACT.as_ref().map_err(|error| status::from_error(Error::Fault(error.clone())))
}

/// The rpc at a path.
fn rpc(path: &str) -> Result<&'static Rpc, Status> {
    contract()?.rpcs.get(path).ok_or_else(status::rpc_unknown)
}

/// The frame of the request to this path whose message is this text.
///
/// # Errors
/// The status for the caller: `REQUEST_INVALID`, with the place if the text is JSON.
pub(super) fn request(path: &str, text: &[u8]) -> Result<Bytes, Status> {
    let descriptor = &rpc(path)?.request;
    let text = std::str::from_utf8(text).map_err(|_| status::json_undecodable())?;
    // A reader in between, such as a firewall, may take the other of two values that have one name.
    match i_json::violations(text, Numbers::Exact) {
        None => return Err(status::json_undecodable()),
        Some(violations) if !violations.is_empty() => {
            return Err(status::from_domain_error(DomainError::Invalid(violations)));
        }
        Some(_) => {}
    }
    let doubled = spellings::doubled(descriptor, text);
    if !doubled.is_empty() {
        return Err(status::from_domain_error(DomainError::Invalid(doubled)));
    }
    let message = parse(descriptor.clone(), text)?;
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
    to_json(&contract()?.plans, rpc(path)?.response.full_name(), message)
        .map(Into::into)
        .ok_or_else(without_status)
}

/// The JSON of the message with this name; `None` for one that the contract does not know.
pub(super) fn debug(name: &str, message: &[u8]) -> Option<Box<RawValue>> {
    let json = to_json(&contract().ok()?.plans, name, message)?;
    RawValue::from_string(String::from_utf8(json).ok()?).ok()
}

/// The JSON of a message with this name.
fn to_json(plans: &Plans, name: &str, message: &[u8]) -> Option<Vec<u8>> {
    let plan: &Plan = plans.named(name)?;
    writer::write(plans, plan, message).or_else(|| {
        let mut json = Vec::new();
        reflected::append(&mut json, &plan.descriptor, message)?;
        Some(json)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::access::TABLE;

    #[test]
    fn the_messages_of_each_rpc_are_known() {
        for rule in TABLE {
            assert!(rpc(rule.path).is_ok(), "{}", rule.path);
        }
        for path in [
            "/grpc.health.v1.Health/Check",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        ] {
            assert!(rpc(path).is_ok(), "{path}");
        }
        for detail in ["google.rpc.ErrorInfo", "google.rpc.BadRequest", "google.rpc.RetryInfo"] {
            assert!(debug(detail, &[]).is_some(), "{detail}");
        }
    }
}
