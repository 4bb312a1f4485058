//! One good request per rpc, with no optional fields: the outcome of a call then depends on its
//! caller alone.

use identity_link::grpc::proto::{self as pb, google::longrunning as lro};
use prost::Message as _;
use serde_json::json;

use crate::support::{tokens::Token, *};

/// The users that a request is about.
pub(super) struct About<'a> {
    /// The id of the user; empty for the caller's own.
    pub user_id: &'a str,
    /// The subject of all its identities.
    pub subject: &'a str,
    /// The link by which the user holds the absorbed user.
    pub link: &'a str,
    /// The caller's tenant: a proof from another tenant would be refused.
    pub tenant: &'a str,
}

/// The encoded messages of the rpc with this name.
pub(super) fn messages(rpc: &str, about: &About<'_>) -> Vec<Vec<u8>> {
    match rpc {
        // Of no rows.
        "ImportUsers" => vec![
            transfers::settings(pb::ImportSettings::default()).encode_to_vec(),
            transfers::end().encode_to_vec(),
        ],
        rpc => vec![request(rpc, about)],
    }
}

/// The encoded request of the rpc with this name.
fn request(rpc: &str, about: &About<'_>) -> Vec<u8> {
    let About { user_id, subject, link, tenant } = *about;
    let user_id = user_id.to_owned();
    match rpc {
        "Link" => {
            let proof = Token::of("wallet", subject).tenant(tenant).sign();
            pb::LinkRequest { user_id, ..link_with(&proof) }.encode_to_vec()
        }
        "Unlink" => unlink(&user_id, "sms", subject).encode_to_vec(),
        // It names no user: `undo.rs` tests which callers may undo a link.
        "UndoLink" => {
            pb::UndoLinkRequest { link_id: link.to_owned(), ..Default::default() }.encode_to_vec()
        }
        "FindByEmail" => by_email(&format!("{subject}@example.com")).encode_to_vec(),
        "MergeMetadata" => {
            let given = pb::GivenMetadata {
                user_metadata: object(json!({"seen": true})),
                ..Default::default()
            };
            let source = Some(pb::merge_metadata_request::Source::Given(given));
            pb::MergeMetadataRequest {
                user_id,
                source,
                user_metadata: merge_default(),
                ..Default::default()
            }
            .encode_to_vec()
        }
        "CreateUser" => {
            let identity =
                pb::NewIdentity { identity_ref: identity_ref("p", subject), ..Default::default() };
            pb::CreateUserRequest { identity: Some(identity), ..Default::default() }.encode_to_vec()
        }
        "GetUser" => get(&user_id).encode_to_vec(),
        "UpdateUser" => {
            update(&user_id, &["user_metadata"], pb::UserUpdate::default()).encode_to_vec()
        }
        "DeleteUser" => {
            pb::DeleteUserRequest { include_absorbed: true, ..delete(&user_id) }.encode_to_vec()
        }
        "FindByIdentity" => owner_of("sms", subject).encode_to_vec(),
        "ResolveUsers" => resolve([user_id.as_str()]).encode_to_vec(),
        "SetPrimaryIdentity" => pb::SetPrimaryIdentityRequest {
            user_id,
            identity: identity_ref("sms", subject),
            ..Default::default()
        }
        .encode_to_vec(),
        "ListLinkCandidates" => pb::ListLinkCandidatesRequest { user_id }.encode_to_vec(),
        "ListConnections" => pb::ListConnectionsRequest::default().encode_to_vec(),
        // No client of the service keeps tokens of this provider.
        "GetProviderToken" => pb::GetProviderTokenRequest {
            user_id,
            identity: identity_ref("sms", subject),
            ..Default::default()
        }
        .encode_to_vec(),
        "ListUsers" => pb::ListUsersRequest::default().encode_to_vec(),
        "ExportUsers" => pb::ExportUsersRequest::default().encode_to_vec(),
        "ListEvents" => {
            let start = Some(pb::list_events_request::Start::FromEnd(pb::FeedEnd::Oldest.into()));
            pb::ListEventsRequest { start, ..Default::default() }.encode_to_vec()
        }
        "WatchEvents" => {
            let start = Some(pb::watch_events_request::Start::FromEnd(pb::FeedEnd::Oldest.into()));
            pb::WatchEventsRequest { start, ..Default::default() }.encode_to_vec()
        }
        "ListProviders" => pb::ListProvidersRequest::default().encode_to_vec(),
        "StartSignIn" => {
            let intent = Some(pb::start_sign_in_request::Intent::SignIn(pb::SignInIntent {}));
            let redirect_uri = "https://www.example.com/callback".to_owned();
            pb::StartSignInRequest {
                provider: "hub".to_owned(),
                redirect_uri,
                intent,
                ..Default::default()
            }
            .encode_to_vec()
        }
        // No call has started this attempt.
        "CompleteSignIn" => {
            let [attempt_secret, state, code] = ["a", "b", "c"].map(str::to_owned);
            let redirect_uri = "https://www.example.com/callback".to_owned();
            pb::CompleteSignInRequest {
                attempt_secret,
                state,
                code,
                redirect_uri,
                ..Default::default()
            }
            .encode_to_vec()
        }
        // The provider takes no events, whatever the token is.
        "ReceiveLogoutToken" => pb::ReceiveLogoutTokenRequest {
            provider: "hub".to_owned(),
            logout_token: "a".to_owned(),
        }
        .encode_to_vec(),
        "ReceiveSecurityEvents" => pb::ReceiveSecurityEventsRequest {
            provider: "hub".to_owned(),
            security_event_token: "a".to_owned(),
        }
        .encode_to_vec(),
        "ResolveSignIn" => sign_in("p", subject).encode_to_vec(),
        "ListLinks" => links_of(&user_id).encode_to_vec(),
        "FindDuplicates" => pb::FindDuplicatesRequest::default().encode_to_vec(),
        "ApplyPlan" => {
            pb::ApplyPlanRequest { operation: operation(), ..Default::default() }.encode_to_vec()
        }
        "UndoLinks" => {
            let made_by = Some(pb::undo_links_request::MadeBy::PlanId(NO_JOB.to_owned()));
            pb::UndoLinksRequest { made_by, ..Default::default() }.encode_to_vec()
        }
        "UploadPlan" => {
            let header = json!({"plan": NO_JOB, "form": 1, "tenant": tenant});
            let lines = vec![header.to_string()];
            pb::UploadPlanRequest { lines, complete: true, ..Default::default() }.encode_to_vec()
        }
        "ReadLines" => {
            pb::ReadLinesRequest { operation: operation(), ..Default::default() }.encode_to_vec()
        }
        "ListOperations" => lro::ListOperationsRequest::default().encode_to_vec(),
        "GetOperation" => lro::GetOperationRequest { name: operation() }.encode_to_vec(),
        "DeleteOperation" => lro::DeleteOperationRequest { name: operation() }.encode_to_vec(),
        "CancelOperation" => lro::CancelOperationRequest { name: operation() }.encode_to_vec(),
        "WaitOperation" => {
            lro::WaitOperationRequest { name: operation(), ..Default::default() }.encode_to_vec()
        }
        _ => panic!("add a good request for {rpc} here, and its line to each table"),
    }
}

/// The id of no job.
const NO_JOB: &str = "0f1e2d3c-4b5a-4697-8877-665544332211";

fn operation() -> String {
    format!("operations/{NO_JOB}")
}

/// Whether a response contains a user. An empty result is no error.
pub(super) fn tells(rpc: &str, answer: &[u8]) -> bool {
    match rpc {
        "FindByEmail" => !pb::FindByEmailResponse::decode(answer).unwrap().matches.is_empty(),
        "ResolveUsers" => {
            let users = pb::ResolveUsersResponse::decode(answer).unwrap().users;
            users.iter().any(|user| user.state() != pb::resolved_user::State::Unknown)
        }
        _ => true,
    }
}
