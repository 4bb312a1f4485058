//! `MergeMetadata`.

mod as_people_had_it;
mod refused;
mod rules;
mod sources;

use identity_link::grpc::proto::{self as pb, merge_metadata_request::Source};
use serde_json::Value;

use crate::support::*;

/// A request to merge both namespaces by the default rules.
fn merge_from(user_id: &str, source: Source) -> pb::MergeMetadataRequest {
    pb::MergeMetadataRequest {
        user_id: user_id.to_owned(),
        source: Some(source),
        user_metadata: merge_default(),
        app_metadata: merge_default(),
        ..Default::default()
    }
}

/// A source of metadata that the caller gives.
fn given(user_metadata: Value, app_metadata: Value) -> Source {
    Source::Given(pb::GivenMetadata {
        user_metadata: object(user_metadata),
        app_metadata: object(app_metadata),
    })
}

/// A request to merge this into `user_metadata` alone.
fn give(user_id: &str, user_metadata: Value) -> pb::MergeMetadataRequest {
    let given = pb::GivenMetadata { user_metadata: object(user_metadata), ..Default::default() };
    pb::MergeMetadataRequest { app_metadata: None, ..merge_from(user_id, Source::Given(given)) }
}

/// A user with this metadata.
async fn user_with(
    service: &Caller,
    subject: &str,
    user_metadata: Value,
    app_metadata: Value,
) -> pb::User {
    let fill = |request: &mut pb::CreateUserRequest| {
        request.user_metadata = object(user_metadata);
        request.app_metadata = object(app_metadata);
    };
    service.create_with("github", subject, fill).await
}

/// The `user_metadata` and the `app_metadata` of a user.
fn metadata(user: &pb::User) -> (Value, Value) {
    (json(&user.user_metadata), json(&user.app_metadata))
}
