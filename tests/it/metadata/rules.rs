//! How a merge combines the two sides.

use identity_link::grpc::proto::{
    self as pb,
    metadata_merge::{Arrays, Conflict, Strategy},
};
use serde_json::json;

use super::*;
use crate::support::*;

/// `reference/auth0-server-side-linking-scenario.md`:
/// `_.merge({}, secondary, primary, customizer)`, where arrays become `primary.concat(secondary)`,
/// in both namespaces.
#[tokio::test]
async fn the_documents_merge_lets_the_primary_win_and_joins_arrays() {
    let server = TestServer::start().await;
    let service = server.service();
    let primary = user_with(
        &service,
        "1",
        json!({"color": "blue", "prefs": {"lang": "en", "tags": ["a", "b"]}, "null": null, "mine": 1}),
        json!({"plan": "gold", "roles": ["admin"]}),
    )
    .await;
    let secondary = user_with(
        &service,
        "2",
        json!({"color": "red", "prefs": {"lang": "fr", "zone": "CET", "tags": ["b", "c"]}, "null": 0, "theirs": [2]}),
        json!({"plan": "free", "roles": ["editor", "admin"], "limits": {"seats": 3}}),
    )
    .await;

    let merged = service
        .merge_metadata(merge_from(&primary.id, Source::SourceUserId(secondary.id.clone())))
        .await
        .unwrap();

    let user = merged.user.unwrap();
    assert_eq!(
        metadata(&user),
        (
            json!({
                "color": "blue", "prefs": {"lang": "en", "zone": "CET", "tags": ["a", "b", "b", "c"]},
                "null": null, "mine": 1, "theirs": [2],
            }),
            json!({"plan": "gold", "roles": ["admin", "editor", "admin"], "limits": {"seats": 3}}),
        )
    );
    insta::assert_snapshot!(changes(&merged.metadata_changes), @"
    USER /color CONFLICT_PRIMARY
    USER /null CONFLICT_PRIMARY
    USER /prefs/lang CONFLICT_PRIMARY
    USER /prefs/tags COMBINED
    USER /prefs/zone ADDED
    USER /theirs ADDED
    APP /limits ADDED
    APP /plan CONFLICT_PRIMARY
    APP /roles COMBINED
    ");
    assert_eq!(user.version, primary.version + 1);
    assert_eq!(service.user(&primary.id).await, user);
    assert_eq!(service.user(&secondary.id).await, secondary, "the source is only read");
}

#[tokio::test]
async fn each_rule_does_what_it_says() {
    let server = TestServer::start().await;
    let service = server.service();
    let sides = (
        json!({"s": 1, "a": [1, 1], "o": {"x": 1}}),
        json!({"s": 2, "a": [1, 2], "o": 3, "n": {}}),
    );
    for (n, (conflict, arrays, expected, told)) in [
        (
            Conflict::PrimaryWins,
            Arrays::Concatenate,
            json!({"s": 1, "a": [1, 1, 1, 2], "o": {"x": 1}, "n": {}}),
            "USER /a COMBINED\nUSER /n ADDED\nUSER /o CONFLICT_PRIMARY\nUSER /s CONFLICT_PRIMARY",
        ),
        (
            Conflict::SecondaryWins,
            Arrays::Union,
            json!({"s": 2, "a": [1, 1, 2], "o": 3, "n": {}}),
            "USER /a COMBINED\nUSER /n ADDED\nUSER /o CONFLICT_SECONDARY\nUSER /s CONFLICT_SECONDARY",
        ),
        (
            Conflict::SecondaryWins,
            Arrays::Replace,
            json!({"s": 2, "a": [1, 2], "o": 3, "n": {}}),
            "USER /a CONFLICT_SECONDARY\nUSER /n ADDED\nUSER /o CONFLICT_SECONDARY\nUSER /s CONFLICT_SECONDARY",
        ),
        (
            Conflict::PrimaryWins,
            Arrays::Replace,
            json!({"s": 1, "a": [1, 1], "o": {"x": 1}, "n": {}}),
            "USER /a CONFLICT_PRIMARY\nUSER /n ADDED\nUSER /o CONFLICT_PRIMARY\nUSER /s CONFLICT_PRIMARY",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let user = user_with(&service, &n.to_string(), sides.0.clone(), json!({"app": 1})).await;
        let request =
            pb::MergeMetadataRequest { user_metadata: merge(conflict, arrays), ..give(&user.id, sides.1.clone()) };

        let merged = service.merge_metadata(request).await.unwrap();

        assert_eq!(metadata(merged.user.as_ref().unwrap()), (expected, json!({"app": 1})), "{conflict:?} {arrays:?}");
        assert_eq!(changes(&merged.metadata_changes), told, "{conflict:?} {arrays:?}");
    }
}

#[tokio::test]
async fn each_namespace_has_its_own_rule() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = user_with(&service, "1", json!({"k": 1}), json!({"k": 1})).await;
    let source = user_with(&service, "2", json!({"k": 2, "new": 2}), json!({"k": 2})).await;
    let request = pb::MergeMetadataRequest {
        user_metadata: Some(pb::MetadataMerge {
            strategy: Strategy::KeepPrimary.into(),
            ..Default::default()
        }),
        app_metadata: merge(Conflict::SecondaryWins, Arrays::Unspecified),
        ..merge_from(&user.id, Source::SourceUserId(source.id))
    };

    let merged = service.merge_metadata(request).await.unwrap();

    assert_eq!(metadata(&merged.user.unwrap()), (json!({"k": 1}), json!({"k": 2})));
    assert_eq!(changes(&merged.metadata_changes), "APP /k CONFLICT_SECONDARY");
}

#[tokio::test]
async fn an_empty_side_changes_nothing_and_is_no_change() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = user_with(&service, "1", json!({"u": [1]}), json!({"a": 1})).await;
    let empty = service.create("github", "2").await;
    let before = server.database.db_everything().await;

    for source in [
        given(json!({}), json!({})),
        Source::Given(pb::GivenMetadata::default()),
        Source::SourceUserId(empty.id.clone()),
        // The same again, and a conflict that the primary wins, change nothing either.
        given(json!({"u": []}), json!({"a": 1.0})),
        given(json!({"u": 7}), json!({"a": [7]})),
    ] {
        let merged = service.merge_metadata(merge_from(&user.id, source)).await.unwrap();
        assert_eq!(merged.user.as_ref(), Some(&user));
    }

    assert_eq!(server.database.db_everything().await, before);
    let merged =
        service.merge_metadata(merge_from(&empty.id, Source::SourceUserId(user.id))).await.unwrap();
    assert_eq!(metadata(&merged.user.unwrap()), (json!({"u": [1]}), json!({"a": 1})));
    assert_eq!(changes(&merged.metadata_changes), "USER /u ADDED\nAPP /a ADDED");
}

#[tokio::test]
async fn a_preview_returns_the_result_and_changes_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = user_with(&service, "1", json!({"u": 1}), json!({})).await;
    let before = server.database.db_everything().await;
    let request = merge_from(&user.id, given(json!({"v": 2}), json!({"a": 1})));

    let preview = pb::MergeMetadataRequest { validate_only: true, ..request.clone() };
    let previewed = service.merge_metadata(preview).await.unwrap();

    assert_eq!(server.database.db_everything().await, before);
    let mut made = service.merge_metadata(request).await.unwrap();
    made.user.as_mut().unwrap().update_time = previewed.user.as_ref().unwrap().update_time;
    assert_eq!(made, previewed);
}
