//! Metadata, and what happens to it in a link and an unlink.

use prost_types::{Struct, Value as PbValue, value::Kind};
use serde_json::{Map, Number, Value};

use super::{Checks, UNKNOWN_ENUM};
use crate::{
    domain::{
        Metadata,
        linking::LinkTerms,
        merge::{Arrays, Conflict, Strategy},
        metadata::{printable_path, push_token},
        unlinking::UnlinkMetadata,
    },
    grpc::proto as pb,
};

impl Checks {
    /// Metadata; empty if absent.
    pub fn metadata(&mut self, field: &str, given: Option<Struct>) -> Metadata {
        let map = given.map(|given| self.object(&mut field.to_owned(), given)).unwrap_or_default();
        Metadata::parse(field, map).unwrap_or_else(|violations| {
            self.0.extend(violations);
            Metadata::default()
        })
    }

    fn object(&mut self, path: &mut String, given: Struct) -> Map<String, Value> {
        let fields = given.fields.into_iter();
        fields.map(|(key, value)| (key.clone(), self.value_below(path, &key, value))).collect()
    }

    fn value_below(&mut self, path: &mut String, token: &str, value: PbValue) -> Value {
        let parent = path.len();
        push_token(path, token);
        let value = self.value(path, value);
        path.truncate(parent);
        value
    }

    /// Decoding bounds how deep a message nests, so the recursion ends.
    fn value(&mut self, path: &mut String, value: PbValue) -> Value {
        match value.kind {
            None => {
                // An error by `google/protobuf/struct.proto`. Python's protobuf adds such a value
                // for each missing key that a client reads, which would be stored as null.
                self.report(
                    &printable_path(path),
                    "This value has no kind: leave the key out, or set null_value for null.",
                );
                Value::Null
            }
            Some(Kind::NullValue(_)) => Value::Null,
            Some(Kind::BoolValue(value)) => Value::Bool(value),
            Some(Kind::StringValue(value)) => Value::String(value),
            Some(Kind::NumberValue(number)) => Number::from_f64(number).map_or_else(
                || {
                    // JSON has no such numbers (RFC 8259 §6).
                    self.report(
                        &printable_path(path),
                        "This number is infinite or not a number, which JSON does not have.",
                    );
                    Value::Null
                },
                Value::Number,
            ),
            Some(Kind::ListValue(list)) => {
                let items = list.values.into_iter().enumerate();
                items.map(|(at, value)| self.value_below(path, &at.to_string(), value)).collect()
            }
            Some(Kind::StructValue(object)) => Value::Object(self.object(path, object)),
        }
    }

    /// How metadata is merged; if absent, the primary user's is kept.
    pub fn strategy(&mut self, field: &str, merge: Option<pb::MetadataMerge>) -> Strategy {
        use pb::metadata_merge as merge_pb;
        let Some(merge) = merge else { return Strategy::KeepPrimary };
        let conflict = match merge_pb::Conflict::try_from(merge.conflict) {
            Ok(merge_pb::Conflict::Unspecified | merge_pb::Conflict::PrimaryWins) => {
                Conflict::PrimaryWins
            }
            Ok(merge_pb::Conflict::SecondaryWins) => Conflict::SecondaryWins,
            Ok(merge_pb::Conflict::Fail) => Conflict::Fail,
            Err(_) => {
                self.report(&format!("{field}.conflict"), UNKNOWN_ENUM);
                Conflict::Fail
            }
        };
        let arrays = match merge_pb::Arrays::try_from(merge.arrays) {
            Ok(merge_pb::Arrays::Unspecified | merge_pb::Arrays::Concatenate) => {
                Arrays::Concatenate
            }
            Ok(merge_pb::Arrays::Union) => Arrays::Union,
            Ok(merge_pb::Arrays::Replace) => Arrays::Replace,
            Err(_) => {
                self.report(&format!("{field}.arrays"), UNKNOWN_ENUM);
                Arrays::Replace
            }
        };
        match merge_pb::Strategy::try_from(merge.strategy) {
            Ok(merge_pb::Strategy::Unspecified | merge_pb::Strategy::KeepPrimary) => {
                Strategy::KeepPrimary
            }
            Ok(merge_pb::Strategy::Merge) => Strategy::Merge { conflict, arrays },
            Err(_) => {
                self.report(&format!("{field}.strategy"), UNKNOWN_ENUM);
                Strategy::KeepPrimary
            }
        }
    }

    /// The terms of a link; `at` is the prefix of its fields' names.
    pub fn link_terms(&mut self, at: &str, terms: pb::LinkTerms) -> LinkTerms {
        if terms.attach_only && terms.expected_secondary_version.is_some() {
            let field = format!("{at}expected_secondary_version");
            self.report(
                &field,
                "must be absent where attach_only is set: then there is no secondary user",
            );
        }
        LinkTerms {
            user_metadata: self.strategy(&format!("{at}user_metadata"), terms.user_metadata),
            app_metadata: self.strategy(&format!("{at}app_metadata"), terms.app_metadata),
            expected_version: terms.expected_version,
            expected_secondary_version: terms.expected_secondary_version,
            require_shared_verified_email: terms.require_shared_verified_email,
            attach_only: terms.attach_only,
            plan: None,
        }
    }

    /// What happens to the metadata of a user that comes back.
    pub fn unlink_metadata(&mut self, field: &str, value: i32, is_service: bool) -> UnlinkMetadata {
        match pb::UnlinkMetadata::try_from(value) {
            Ok(pb::UnlinkMetadata::Unspecified | pb::UnlinkMetadata::Restore) if is_service => {
                UnlinkMetadata::Restore
            }
            Ok(pb::UnlinkMetadata::Unspecified | pb::UnlinkMetadata::Restore) => {
                UnlinkMetadata::RestoreUserMetadata
            }
            Ok(pb::UnlinkMetadata::Discard) => UnlinkMetadata::Discard,
            Err(_) => {
                self.report(field, UNKNOWN_ENUM);
                UnlinkMetadata::Restore
            }
        }
    }
}
