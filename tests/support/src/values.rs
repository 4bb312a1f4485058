//! Short ways to write and to read messages.

use identity_link::grpc::proto as pb;
use prost_types::{ListValue, Struct, Value as PbValue, value::Kind};
use serde_json::{Map, Value};

/// An identity, as a field of a request.
pub fn identity_ref(provider: &str, subject: &str) -> Option<pb::IdentityRef> {
    Some(pb::IdentityRef { provider: provider.to_owned(), subject: subject.to_owned() })
}

/// A JSON object, as a field of a request.
pub fn object(json: Value) -> Option<Struct> {
    match to_value(json).kind {
        Some(Kind::StructValue(object)) => Some(object),
        _ => panic!("not an object"),
    }
}

fn to_value(json: Value) -> PbValue {
    let kind = match json {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(value),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
        Value::String(text) => Kind::StringValue(text),
        Value::Array(items) => {
            Kind::ListValue(ListValue { values: items.into_iter().map(to_value).collect() })
        }
        Value::Object(fields) => Kind::StructValue(Struct {
            fields: fields.into_iter().map(|(name, value)| (name, to_value(value))).collect(),
        }),
    };
    PbValue { kind: Some(kind) }
}

/// A field of a response, as JSON.
pub fn json(object: &Option<Struct>) -> Value {
    Value::Object(
        object
            .iter()
            .flat_map(|object| &object.fields)
            .map(|(name, value)| (name.clone(), from_value(value)))
            .collect(),
    )
}

fn from_value(value: &PbValue) -> Value {
    match value.kind.as_ref().unwrap() {
        Kind::NullValue(_) => Value::Null,
        Kind::BoolValue(value) => Value::Bool(*value),
        // Whole numbers become integers, so that they compare equal to those that a test writes.
        #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
        Kind::NumberValue(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            Value::from(*number as i64)
        }
        Kind::NumberValue(number) => Value::from(*number),
        Kind::StringValue(text) => Value::String(text.clone()),
        Kind::ListValue(list) => list.values.iter().map(from_value).collect(),
        Kind::StructValue(object) => Value::Object(
            object
                .fields
                .iter()
                .map(|(name, value)| (name.clone(), from_value(value)))
                .collect::<Map<_, _>>(),
        ),
    }
}

/// A user's identities as `provider|subject`, in order.
pub fn identities(user: &pb::User) -> Vec<String> {
    user.identities
        .iter()
        .map(|identity| identity.identity_ref.as_ref().unwrap())
        .map(|id| format!("{}|{}", id.provider, id.subject))
        .collect()
}

/// The strategy Merge, with these rules.
pub fn merge(
    conflict: pb::metadata_merge::Conflict,
    arrays: pb::metadata_merge::Arrays,
) -> Option<pb::MetadataMerge> {
    let strategy = pb::metadata_merge::Strategy::Merge.into();
    Some(pb::MetadataMerge { strategy, conflict: conflict.into(), arrays: arrays.into() })
}

/// The strategy Merge with its defaults: the primary user's value wins, arrays are joined.
pub fn merge_default() -> Option<pb::MetadataMerge> {
    merge(pb::metadata_merge::Conflict::Unspecified, pb::metadata_merge::Arrays::Unspecified)
}

/// The changes that a call made to metadata: `namespace path EFFECT`, one per line.
pub fn changes(changes: &[pb::MetadataChange]) -> String {
    let line = |change: &pb::MetadataChange| {
        let namespace =
            change.metadata_namespace().as_str_name().trim_start_matches("METADATA_NAMESPACE_");
        let effect = change.effect().as_str_name().trim_start_matches("EFFECT_");
        format!("{namespace} {} {effect}", change.path)
    };
    changes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A request to link the account that a token proves.
pub fn link_with(token: &str) -> pb::LinkRequest {
    pb::LinkRequest {
        secondary: Some(pb::link_request::Secondary::LinkWith(token.to_owned())),
        ..Default::default()
    }
}

/// A service's request to link the owner of an identity into a user.
pub fn link_identity(user_id: &str, provider: &str, subject: &str) -> pb::LinkRequest {
    pb::LinkRequest {
        user_id: user_id.to_owned(),
        secondary: identity_ref(provider, subject).map(pb::link_request::Secondary::Identity),
        ..Default::default()
    }
}

/// A service's request to link one user into another.
pub fn link_user(user_id: &str, secondary: &str) -> pb::LinkRequest {
    pb::LinkRequest {
        user_id: user_id.to_owned(),
        secondary: Some(pb::link_request::Secondary::SecondaryUserId(secondary.to_owned())),
        ..Default::default()
    }
}

/// A request to unlink an identity.
pub fn unlink(user_id: &str, provider: &str, subject: &str) -> pb::UnlinkRequest {
    pb::UnlinkRequest {
        user_id: user_id.to_owned(),
        identity: identity_ref(provider, subject),
        ..Default::default()
    }
}

/// A request to release an identity.
pub fn release(user_id: &str, provider: &str, subject: &str) -> pb::UnlinkRequest {
    pb::UnlinkRequest { mode: pb::UnlinkMode::Release.into(), ..unlink(user_id, provider, subject) }
}

/// A request to resolve the sign-in of an account without an email, a profile or other fields.
pub fn sign_in(provider: &str, subject: &str) -> pb::ResolveSignInRequest {
    sign_in_with(pb::ProvenAccount {
        identity_ref: identity_ref(provider, subject),
        ..Default::default()
    })
}

/// A request to resolve the sign-in of this account.
pub fn sign_in_with(account: pb::ProvenAccount) -> pb::ResolveSignInRequest {
    pb::ResolveSignInRequest {
        proof: Some(pb::resolve_sign_in_request::Proof::Account(account)),
        ..Default::default()
    }
}
