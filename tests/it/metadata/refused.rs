//! Merges that are refused.

use identity_link::grpc::proto::{
    self as pb,
    metadata_merge::{Arrays, Conflict, Strategy},
};
use serde_json::json;

use super::*;
use crate::support::{tokens::Token, *};

#[tokio::test]
async fn a_request_must_merge_something() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = user_with(&service, "1", json!({}), json!({})).await;
    let before = server.database.db_everything().await;
    let keep =
        || Some(pb::MetadataMerge { strategy: Strategy::KeepPrimary.into(), ..Default::default() });
    let unspecified = || {
        Some(pb::MetadataMerge { conflict: Conflict::SecondaryWins.into(), ..Default::default() })
    };

    for (user_metadata, app_metadata) in
        [(None, None), (keep(), keep()), (unspecified(), None), (None, keep())]
    {
        let request = merge_from(&user.id, given(json!({}), json!({})));
        let outcome = service
            .merge_metadata(pb::MergeMetadataRequest { user_metadata, app_metadata, ..request })
            .await;
        assert_eq!(
            refusal(outcome),
            "InvalidArgument REQUEST_INVALID\nuser_metadata.strategy: must be STRATEGY_MERGE, or \
             app_metadata.strategy must: otherwise nothing is merged"
        );
    }
    let request = merge_from(&user.id, given(json!({"k": 1}), json!({"k": 1})));
    let outcome =
        service.merge_metadata(pb::MergeMetadataRequest { app_metadata: keep(), ..request }).await;
    insta::assert_snapshot!(refusal(outcome), @"
    InvalidArgument REQUEST_INVALID
    given.app_metadata: would be ignored: its strategy is not STRATEGY_MERGE
    ");
    insta::assert_snapshot!(refusal(service.merge_metadata(pb::MergeMetadataRequest::default()).await), @"
    InvalidArgument REQUEST_INVALID
    user_id: is required: a service has no user of its own
    user_metadata.strategy: must be STRATEGY_MERGE, or app_metadata.strategy must: otherwise nothing is merged
    source: is required: source_user_id, given or link_id
    ");
    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn a_user_or_link_that_is_named_must_exist() {
    let server = TestServer::start().await;
    let service = server.service();
    let other = server.caller(&Token::of("services", "backend").tenant("other"));
    let user = user_with(&service, "1", json!({}), json!({})).await;
    let absorbed = user_with(&service, "2", json!({"secret": 1}), json!({})).await;
    let link = service.link(link_user(&user.id, &absorbed.id)).await.unwrap().link.unwrap().id;
    let theirs = user_with(&other, "1", json!({}), json!({})).await;
    let before = server.database.db_everything().await;
    let refused = async |caller: &Caller, target: &str, source: Source| {
        refusal(caller.merge_metadata(merge_from(target, source)).await)
    };
    let user_source = |id: &str| Source::SourceUserId(id.to_owned());

    let nothing = || given(json!({}), json!({}));
    assert_eq!(refused(&service, "usr_nobody", nothing()).await, "NotFound USER_NOT_FOUND");
    assert_eq!(
        refused(&service, &user.id, user_source("usr_nobody")).await,
        "NotFound USER_NOT_FOUND"
    );
    let unknown = Source::LinkId(uuid::Uuid::new_v4().to_string());
    assert_eq!(refused(&service, &user.id, unknown).await, "NotFound LINK_NOT_FOUND");
    // The users and links of another tenant are not found.
    assert_eq!(refused(&other, &user.id, nothing()).await, "NotFound USER_NOT_FOUND");
    assert_eq!(refused(&other, &theirs.id, user_source(&user.id)).await, "NotFound USER_NOT_FOUND");
    assert_eq!(
        refused(&other, &theirs.id, user_source(&absorbed.id)).await,
        "NotFound USER_NOT_FOUND"
    );
    assert_eq!(refused(&other, &theirs.id, Source::LinkId(link)).await, "NotFound LINK_NOT_FOUND");
    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn a_merge_that_fails_on_conflicts_lists_every_conflict() {
    let server = TestServer::start().await;
    let service = server.service();
    let user =
        user_with(&service, "1", json!({"a": {"b/c": 1, "same": 1}, "d": [1]}), json!({"~": null}))
            .await;
    let before = server.database.db_everything().await;
    let fail = || merge(Conflict::Fail, Arrays::Replace);
    let request = |user_side, app_side| pb::MergeMetadataRequest {
        user_metadata: fail(),
        app_metadata: fail(),
        ..merge_from(&user.id, given(user_side, app_side))
    };
    let conflicting =
        request(json!({"a": {"b/c": 2, "same": 1, "new": 1}, "d": [1, 2]}), json!({"~": 0}));

    for validate_only in [false, true] {
        let request = pb::MergeMetadataRequest { validate_only, ..conflicting.clone() };
        assert_eq!(
            refusal(service.merge_metadata(request).await),
            "FailedPrecondition METADATA_CONFLICT\nuser_metadata/a/b~1c\nuser_metadata/d\napp_metadata/~0"
        );
    }

    assert_eq!(server.database.db_everything().await, before);
    let agreeing = request(json!({"a": {"same": 1, "new": 1}, "d": [1]}), json!({"~": null}));
    let merged = service.merge_metadata(agreeing).await.unwrap();
    assert_eq!(changes(&merged.metadata_changes), "USER /a/new ADDED");
}

/// P07: no user's metadata grows without end.
#[tokio::test]
async fn what_would_pass_16_kib_is_refused() {
    let server = TestServer::start().await;
    let service = server.service();
    let text = |bytes| "x".repeat(bytes);
    // `{"a":"…"}` and then `{"a":"…","b":"…"}`.
    let user =
        user_with(&service, "1", json!({"a": text(16_384 - 16)}), json!({"a": text(9000)})).await;
    let before = server.database.db_everything().await;

    let one_more = give(&user.id, json!({"b": "xx"}));
    assert_eq!(
        refusal(service.merge_metadata(one_more).await),
        "FailedPrecondition METADATA_TOO_LARGE"
    );
    let app = pb::MergeMetadataRequest {
        user_metadata: None,
        ..merge_from(&user.id, given(json!({}), json!({"b": text(9000)})))
    };
    assert_eq!(refusal(service.merge_metadata(app).await), "FailedPrecondition METADATA_TOO_LARGE");
    assert_eq!(server.database.db_everything().await, before);

    service.merge_metadata(give(&user.id, json!({"b": "x"}))).await.unwrap();
}

#[tokio::test]
async fn an_expected_version_must_hold() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = user_with(&service, "1", json!({}), json!({})).await;
    let request = |version| pb::MergeMetadataRequest {
        expected_version: Some(version),
        ..give(&user.id, json!({"k": 1}))
    };
    let before = server.database.db_everything().await;
    for version in [0, 2] {
        assert_eq!(
            refusal(service.merge_metadata(request(version)).await),
            "Aborted VERSION_MISMATCH"
        );
    }
    assert_eq!(server.database.db_everything().await, before);
    assert_eq!(service.merge_metadata(request(1)).await.unwrap().user.unwrap().version, 2);
}

#[tokio::test]
async fn a_blocked_users_metadata_stays() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = user_with(&service, "1", json!({}), json!({})).await;
    service.update_user(block(&user.id, true)).await.unwrap();
    let before = server.database.db_everything().await;

    let by_service = service.merge_metadata(give(&user.id, json!({"k": 1}))).await;
    let by_itself = server.person("github", "1").merge_metadata(give("", json!({"k": 1}))).await;

    assert_eq!(refusal(by_service), "FailedPrecondition USER_BLOCKED");
    assert_eq!(refusal(by_itself), "PermissionDenied USER_BLOCKED");
    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn a_link_is_named_by_its_uuid() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = user_with(&service, "1", json!({}), json!({})).await;
    for id in ["", "1", "'; --", "00000000-0000-0000-0000-00000000000g"] {
        let outcome =
            service.merge_metadata(merge_from(&user.id, Source::LinkId(id.to_owned()))).await;
        assert_eq!(refusal(outcome), "InvalidArgument REQUEST_INVALID\nlink_id: must be a UUID");
    }
}
