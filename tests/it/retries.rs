//! Requests that are repeated under their request id.

mod answers;
mod at_once;
mod callers;
mod deletion;
mod ids;
mod lost_commits;
mod sweep;

use identity_link::grpc::proto as pb;
use serde_json::json as value;
use tonic::Status;

use crate::support::*;

/// A request id, as a client makes one.
const ID: &str = "5d1a9d0e-7c1b-4f7e-9a51-0d2c8f3b6a10";

/// The rpcs that change something.
const WRITES: [&str; 9] = [
    "Link",
    "Unlink",
    "UndoLink",
    "MergeMetadata",
    "CreateUser",
    "UpdateUser",
    "DeleteUser",
    "SetPrimaryIdentity",
    "ResolveSignIn",
];

/// Two users, the first of which has a Google account and a phone.
struct People {
    first: String,
    second: String,
    /// The link that brought the phone.
    link: String,
}

async fn people(server: &TestServer) -> People {
    let service = server.service();
    let first = service.create("google-oauth2", "g1").await.id;
    let second = service.create("github", "h1").await.id;
    let phone = service.create("sms", "s1").await.id;
    let link = service.link(link_user(&first, &phone)).await.unwrap().link.unwrap().id;
    People { first, second, link }
}

/// What distinguishes two requests to an rpc that are otherwise alike.
#[derive(Clone, Copy, Default)]
struct Terms {
    other: bool,
    expected_version: Option<i64>,
    validate_only: bool,
}

/// A service's write under this request id. Returns its response as text.
async fn write(
    service: &Caller,
    people: &People,
    rpc: &str,
    id: &str,
    terms: Terms,
) -> Result<String, Status> {
    let Terms { other, expected_version, validate_only } = terms;
    let (user_id, request_id) = (people.first.clone(), id.to_owned());
    let text = match rpc {
        "Link" => {
            let user_metadata = other.then(merge_default).flatten();
            let link = link_user(&user_id, &people.second);
            let link = pb::LinkRequest {
                user_metadata,
                expected_version,
                validate_only,
                request_id,
                ..link
            };
            format!("{:?}", service.link(link).await?)
        }
        "Unlink" => {
            let metadata =
                if other { pb::UnlinkMetadata::Discard } else { pb::UnlinkMetadata::Unspecified }
                    .into();
            let unlink = unlink(&user_id, "sms", "s1");
            let unlink = pb::UnlinkRequest {
                metadata,
                expected_version,
                validate_only,
                request_id,
                ..unlink
            };
            format!("{:?}", service.unlink(unlink).await?)
        }
        "UndoLink" => {
            let metadata =
                if other { pb::UnlinkMetadata::Discard } else { pb::UnlinkMetadata::Unspecified }
                    .into();
            let link_id = people.link.clone();
            let undo = pb::UndoLinkRequest {
                link_id,
                metadata,
                expected_version,
                validate_only,
                request_id,
            };
            format!("{:?}", service.undo_link(undo).await?)
        }
        "MergeMetadata" => {
            let given = pb::GivenMetadata { user_metadata: metadata(other), app_metadata: None };
            let source = Some(pb::merge_metadata_request::Source::Given(given));
            let user_metadata = merge_default();
            let app_metadata = None;
            let merge = pb::MergeMetadataRequest {
                user_id,
                source,
                user_metadata,
                app_metadata,
                expected_version,
                validate_only,
                request_id,
            };
            format!("{:?}", service.merge_metadata(merge).await?)
        }
        "CreateUser" => {
            let subject = if expected_version.is_some() { "h1" } else { "h2" };
            let identity = pb::NewIdentity {
                identity_ref: identity_ref("github", subject),
                ..Default::default()
            };
            let identity = Some(identity);
            let user_metadata = metadata(other);
            let create = pb::CreateUserRequest {
                identity,
                user_metadata,
                validate_only,
                request_id,
                ..Default::default()
            };
            format!("{:?}", service.create_user(create).await?)
        }
        "UpdateUser" => {
            let user_metadata = metadata(other);
            let update = update(
                &user_id,
                &["user_metadata"],
                pb::UserUpdate { user_metadata, ..Default::default() },
            );
            let update =
                pb::UpdateUserRequest { expected_version, validate_only, request_id, ..update };
            format!("{:?}", service.update_user(update).await?)
        }
        "DeleteUser" => {
            let user_id = people.second.clone();
            let delete = pb::DeleteUserRequest {
                user_id,
                expected_version,
                include_absorbed: other,
                validate_only,
                request_id,
            };
            format!("{:?}", service.delete_user(delete).await?)
        }
        "SetPrimaryIdentity" => {
            let subject = if other { ("google-oauth2", "g1") } else { ("sms", "s1") };
            let identity = identity_ref(subject.0, subject.1);
            let set = pb::SetPrimaryIdentityRequest {
                user_id,
                identity,
                expected_version,
                validate_only,
                request_id,
            };
            format!("{:?}", service.set_primary_identity(set).await?)
        }
        "ResolveSignIn" => {
            // Sign-ins at a disabled provider are refused.
            let provider = if expected_version.is_some() { "myspace" } else { "okta" };
            let profile_data = metadata(other);
            let account = pb::ProvenAccount {
                identity_ref: identity_ref(provider, "o1"),
                profile_data,
                ..Default::default()
            };
            let sign_in =
                pb::ResolveSignInRequest { validate_only, request_id, ..sign_in_with(account) };
            format!("{:?}", service.resolve_sign_in(sign_in).await?)
        }
        _ => unreachable!("{rpc} changes nothing"),
    };
    Ok(text)
}

/// Arrays are concatenated, so that a merge that is made twice shows.
fn metadata(other: bool) -> Option<prost_types::Struct> {
    object(value!({ "list": [if other { "other" } else { "one" }] }))
}

/// How many responses are stored.
async fn db_kept(server: &TestServer) -> usize {
    server.database.db_texts("SELECT rpc FROM request_ids").await.len()
}
