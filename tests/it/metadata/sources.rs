//! Where the secondary side of a merge comes from.

use identity_link::grpc::proto as pb;
use serde_json::json;

use super::*;
use crate::support::{tokens::Token, *};

#[tokio::test]
async fn a_person_gives_user_metadata() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = user_with(&service, "1", json!({"u": 1}), json!({"a": 1})).await;

    let merged =
        server.person("github", "1").merge_metadata(give("", json!({"v": 2}))).await.unwrap();

    assert_eq!(metadata(merged.user.as_ref().unwrap()), (json!({"u": 1, "v": 2}), json!({"a": 1})));
    assert_eq!(merged.user.as_ref(), Some(&service.user(&user.id).await));
    let named =
        server.person("github", "1").merge_metadata(give(&user.id, json!({"w": 3}))).await.unwrap();
    assert_eq!(json(&named.user.unwrap().user_metadata), json!({"u": 1, "v": 2, "w": 3}));
}

#[tokio::test]
async fn a_person_gives_no_app_metadata_and_names_no_source() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = user_with(&service, "1", json!({"u": 1}), json!({"a": 1})).await;
    let sms = user_with(&service, "2", json!({"u": 2}), json!({"admin": true})).await;
    let link = service.link(link_user(&google.id, &sms.id)).await.unwrap().link.unwrap().id;
    let other = user_with(&service, "3", json!({"u": 3}), json!({"admin": true})).await;
    let before = server.database.db_everything().await;
    let user_only =
        |source| pb::MergeMetadataRequest { app_metadata: None, ..merge_from("", source) };
    let app_only =
        |source| pb::MergeMetadataRequest { user_metadata: None, ..merge_from("", source) };

    for request in [
        merge_from("", given(json!({"u": 4}), json!({"admin": true}))),
        app_only(given(json!({}), json!({"admin": true}))),
        // Metadata that a person may not give is refused and not ignored.
        user_only(given(json!({"u": 4}), json!({"admin": true}))),
        app_only(Source::SourceUserId(other.id.clone())),
        user_only(Source::SourceUserId(other.id.clone())),
        user_only(Source::SourceUserId("usr_nobody".to_owned())),
        user_only(Source::SourceUserId(sms.id.clone())),
        user_only(Source::LinkId(link.clone())),
        app_only(Source::LinkId(link)),
        user_only(Source::LinkId(uuid::Uuid::nil().to_string())),
    ] {
        let outcome = server.person("github", "1").merge_metadata(request).await;
        assert_eq!(refusal(outcome), "PermissionDenied SCOPE_INSUFFICIENT");
    }
    let somebody =
        server.person("github", "1").merge_metadata(give(&other.id, json!({"u": 4}))).await;
    assert_eq!(refusal(somebody), "PermissionDenied NOT_YOUR_USER");
    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn a_link_that_stands_gives_what_its_absorbed_user_had() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = user_with(&service, "1", json!({"u": 1}), json!({})).await;
    let sms = user_with(&service, "2", json!({"v": 2}), json!({"plan": "gold"})).await;
    let other = user_with(&service, "3", json!({}), json!({})).await;
    let link = service.link(link_user(&google.id, &sms.id)).await.unwrap().link.unwrap().id;

    let merged =
        service.merge_metadata(merge_from(&google.id, Source::LinkId(link.clone()))).await.unwrap();

    assert_eq!(metadata(&merged.user.unwrap()), (json!({"u": 1, "v": 2}), json!({"plan": "gold"})));
    // The link still gives the same after its primary user is absorbed itself.
    service.link(link_user(&other.id, &google.id)).await.unwrap();
    let merged = service.merge_metadata(merge_from(&other.id, Source::LinkId(link))).await.unwrap();
    assert_eq!(metadata(&merged.user.unwrap()), (json!({"v": 2}), json!({"plan": "gold"})));
}

#[tokio::test]
async fn a_link_that_was_undone_gives_what_its_unlink_withheld() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = user_with(&service, "1", json!({}), json!({})).await;
    for (subject, metadata_rule, by_service, returned, withheld) in [
        (
            "r",
            pb::UnlinkMetadata::Restore,
            true,
            (json!({"v": 2}), json!({"a": 2})),
            (json!({}), json!({})),
        ),
        (
            "p",
            pb::UnlinkMetadata::Restore,
            false,
            (json!({"v": 2}), json!({})),
            (json!({}), json!({"a": 2})),
        ),
        (
            "d",
            pb::UnlinkMetadata::Discard,
            true,
            (json!({}), json!({})),
            (json!({"v": 2}), json!({"a": 2})),
        ),
    ] {
        let user = user_with(&service, subject, json!({"v": 2}), json!({"a": 2})).await;
        let link = service.link(link_user(&google.id, &user.id)).await.unwrap().link.unwrap().id;
        let caller = if by_service { service.clone() } else { server.person("github", "1") };
        let request = pb::UnlinkRequest {
            metadata: metadata_rule.into(),
            ..unlink(&google.id, "github", subject)
        };
        let unlinked = caller.unlink(request).await.unwrap();
        assert_eq!(
            metadata(&service.user(&unlinked.detached_user.unwrap().id).await),
            returned,
            "{subject}"
        );

        let merged = service
            .merge_metadata(merge_from(&user.id, Source::LinkId(link.clone())))
            .await
            .unwrap();

        let told: Vec<_> = [("USER /v ADDED", &withheld.0), ("APP /a ADDED", &withheld.1)]
            .into_iter()
            .filter(|(_, withheld)| **withheld != json!({}))
            .map(|(line, _)| line)
            .collect();
        assert_eq!(changes(&merged.metadata_changes), told.join("\n"), "{subject}");
        assert_eq!(
            metadata(&merged.user.unwrap()),
            (json!({"v": 2}), json!({"a": 2})),
            "all metadata is back: {subject}"
        );
    }
}

#[tokio::test]
async fn an_absorbed_user_is_no_source_and_no_target() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = user_with(&service, "1", json!({}), json!({})).await;
    let sms = user_with(&service, "2", json!({"v": 2}), json!({})).await;
    let third = user_with(&service, "3", json!({}), json!({})).await;
    service.link(link_user(&google.id, &sms.id)).await.unwrap();
    let before = server.database.db_everything().await;
    let merge = async |target: &str, source: &str| {
        refusal(
            service
                .merge_metadata(merge_from(target, Source::SourceUserId(source.to_owned())))
                .await,
        )
    };

    assert_eq!(merge(&third.id, &sms.id).await, "FailedPrecondition USER_ABSORBED");
    assert_eq!(merge(&sms.id, &third.id).await, "FailedPrecondition USER_ABSORBED");
    // The absorbed id is another name of the primary user.
    assert_eq!(merge(&google.id, &sms.id).await, "InvalidArgument SAME_USER");
    assert_eq!(merge(&google.id, &google.id).await, "InvalidArgument SAME_USER");
    let old = server
        .caller(&Token::of("users", &sms.id).issued_ago(60))
        .merge_metadata(give("", json!({})))
        .await;
    assert_eq!(refusal(old), "PermissionDenied REAUTHENTICATION_REQUIRED");
    assert_eq!(server.database.db_everything().await, before);
}
