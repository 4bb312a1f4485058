//! `UpdateUser`.

use identity_link::grpc::proto as pb;
use serde_json::json;

use crate::support::{tokens::Token, *};

/// A user with something in every field.
async fn full(server: &TestServer) -> pb::User {
    let fill = |request: &mut pb::CreateUserRequest| {
        request.user_metadata = object(json!({"u": 1}));
        request.app_metadata = object(json!({"a": 1}));
        request.profile_overrides = object(json!({"p": 1}));
    };
    server.service().create_with("github", "h1", fill).await
}

fn everything_new() -> pb::UserUpdate {
    pb::UserUpdate {
        user_metadata: object(json!({"u2": [2]})),
        app_metadata: object(json!({"a2": [2]})),
        profile_overrides: object(json!({"p2": [2]})),
        blocked: true,
    }
}

#[tokio::test]
async fn each_field_is_replaced_whole_and_the_others_stay() {
    let server = TestServer::start().await;
    let service = server.service();
    let mut expected = full(&server).await;

    for path in ["user_metadata", "app_metadata", "profile_overrides", "blocked"] {
        let updated = service
            .update_user(update(&expected.id, &[path], everything_new()))
            .await
            .unwrap()
            .user
            .unwrap();
        match path {
            "user_metadata" => expected.user_metadata = object(json!({"u2": [2]})),
            "app_metadata" => expected.app_metadata = object(json!({"a2": [2]})),
            "profile_overrides" => {
                expected.profile_overrides = object(json!({"p2": [2]}));
                expected.profile = object(json!({"p2": [2]}));
            }
            _ => expected.blocked = true,
        }
        expected.version += 1;
        assert!(
            updated.update_time.unwrap().nanos % 1000 == 0
                && updated.update_time != expected.update_time
        );
        expected.update_time = updated.update_time;
        assert_eq!(updated, expected, "{path}");
        assert_eq!(service.user(&expected.id).await, expected, "{path}");
    }
}

#[tokio::test]
async fn several_fields_are_one_change() {
    let server = TestServer::start().await;
    let user = full(&server).await;
    // A field that is named twice counts once.
    let paths = ["blocked", "user_metadata", "app_metadata", "profile_overrides", "blocked"];

    let updated =
        server.service().update_user(update(&user.id, &paths, everything_new())).await.unwrap();

    let updated = updated.user.unwrap();
    assert_eq!((updated.version, updated.blocked), (user.version + 1, true));
    assert_eq!(json(&updated.user_metadata), json!({"u2": [2]}));
    assert_eq!(json(&updated.app_metadata), json!({"a2": [2]}));
}

#[tokio::test]
async fn an_absent_struct_empties_the_field() {
    let server = TestServer::start().await;
    let user = full(&server).await;
    let nothing =
        update(&user.id, &["user_metadata", "profile_overrides"], pb::UserUpdate::default());

    let updated = server.service().update_user(nothing).await.unwrap().user.unwrap();

    assert_eq!(
        (json(&updated.user_metadata), json(&updated.profile_overrides)),
        (json!({}), json!({}))
    );
    assert_eq!(json(&updated.app_metadata), json!({"a": 1}));
}

#[tokio::test]
async fn an_update_that_changes_nothing_is_no_change() {
    let server = TestServer::start().await;
    let user = full(&server).await;
    let before = server.database.db_everything().await;
    let same = pb::UserUpdate { user_metadata: object(json!({"u": 1.0})), ..Default::default() };

    let updated = server
        .service()
        .update_user(update(&user.id, &["user_metadata", "blocked"], same))
        .await
        .unwrap();

    assert_eq!(updated.user, Some(user));
    assert_eq!(server.database.db_everything().await, before);
}

/// A30: neither an email nor whether it is verified is a field that can be updated.
#[tokio::test]
async fn the_mask_names_whole_known_fields() {
    let server = TestServer::start().await;
    let user = full(&server).await;
    let before = server.database.db_everything().await;
    let service = server.service();

    for missing in [
        update(&user.id, &[], everything_new()),
        pb::UpdateUserRequest { update_mask: None, ..update(&user.id, &[], everything_new()) },
    ] {
        assert_eq!(
            refusal(service.update_user(missing).await),
            "InvalidArgument REQUEST_INVALID\nupdate_mask: is required: name the fields to replace"
        );
    }
    let unknown = [
        "user_metadata.u",
        "*",
        "blocked",
        "id",
        "update.blocked",
        "userMetadata",
        "",
        "b\nlocked",
    ];
    let unknown = update(&user.id, &unknown, everything_new());
    insta::assert_snapshot!(refusal(service.update_user(unknown.clone()).await), @r#"
    InvalidArgument REQUEST_INVALID
    update_mask: must name user_metadata, app_metadata, profile_overrides, blocked, not "user_metadata.u"
    update_mask: must name user_metadata, app_metadata, profile_overrides, blocked, not "*"
    update_mask: must name user_metadata, app_metadata, profile_overrides, blocked, not "id"
    update_mask: must name user_metadata, app_metadata, profile_overrides, blocked, not "update.blocked"
    update_mask: must name user_metadata, app_metadata, profile_overrides, blocked, not "userMetadata"
    update_mask: must name user_metadata, app_metadata, profile_overrides, blocked, not ""
    update_mask: must name user_metadata, app_metadata, profile_overrides, blocked, not "blocked"
    "#);

    assert_eq!(server.database.db_everything().await, before);
}

/// A30: a person states nothing about itself that others rely on.
#[tokio::test]
async fn a_person_changes_its_user_metadata_and_nothing_else() {
    let server = TestServer::start().await;
    let user = full(&server).await;
    let person = server.person("github", "h1");

    let updated = person
        .update_user(update("", &["user_metadata"], everything_new()))
        .await
        .unwrap()
        .user
        .unwrap();

    assert_eq!(
        (json(&updated.user_metadata), json(&updated.app_metadata)),
        (json!({"u2": [2]}), json!({"a": 1}))
    );
    assert!(!updated.blocked);
    let before = server.database.db_everything().await;
    for paths in [
        ["app_metadata"].as_slice(),
        &["profile_overrides"],
        &["blocked"],
        &["user_metadata", "blocked"],
    ] {
        let outcome = person.update_user(update(&user.id, paths, everything_new())).await;
        assert_eq!(refusal(outcome), "PermissionDenied SCOPE_INSUFFICIENT", "{paths:?}");
    }
    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn a_person_updates_no_other_user_and_a_service_no_user_of_another_tenant() {
    let server = TestServer::start().await;
    let user = full(&server).await;
    let service = server.service();
    service.create("sms", "s1").await;
    let before = server.database.db_everything().await;
    let change = |id: &str| update(id, &["user_metadata"], everything_new());

    let person = server.person("sms", "s1");
    assert_eq!(
        refusal(person.update_user(change(&user.id)).await),
        "PermissionDenied NOT_YOUR_USER"
    );
    assert_eq!(
        refusal(person.update_user(change("usr_nobody")).await),
        "PermissionDenied NOT_YOUR_USER"
    );
    assert_eq!(refusal(service.update_user(change("usr_nobody")).await), "NotFound USER_NOT_FOUND");
    let other = server.caller(&Token::of("services", "backend").tenant("other"));
    assert_eq!(refusal(other.update_user(change(&user.id)).await), "NotFound USER_NOT_FOUND");
    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn an_absorbed_user_is_not_written_to() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;
    let link = service.link(link_user(&google.id, &sms.id)).await.unwrap().link.unwrap();
    let before = server.database.db_everything().await;
    let change = |id: &str| update(id, &["user_metadata"], everything_new());

    assert_eq!(
        refusal(service.update_user(change(&sms.id)).await),
        "FailedPrecondition USER_ABSORBED"
    );
    let person = server.person("google-oauth2", "g1");
    assert_eq!(
        refusal(person.update_user(change(&sms.id)).await),
        "FailedPrecondition USER_ABSORBED"
    );
    // Issued before the link, and in its very second.
    let second = link.link_time.unwrap().seconds;
    for token in [second - 60, second].map(|issued| Token::of("users", &sms.id).with("iat", issued))
    {
        let outcome = server.caller(&token).update_user(change("")).await;
        assert_eq!(refusal(outcome), "PermissionDenied REAUTHENTICATION_REQUIRED");
    }
    assert_eq!(server.database.db_everything().await, before);
    // Issued after the link (clocks may differ by as much), under the id that the token itself
    // names.
    let later = server.caller(&Token::of("users", &sms.id).issued_ago(-5));
    for id in ["", &sms.id] {
        let updated = later.update_user(change(id)).await.unwrap().user.unwrap();
        assert_eq!(
            (updated.id.as_str(), json(&updated.user_metadata)),
            (google.id.as_str(), json!({"u2": [2]}))
        );
    }
}

#[tokio::test]
async fn an_expected_version_must_hold() {
    let server = TestServer::start().await;
    let user = full(&server).await;
    let service = server.service();
    let change = |expected_version| pb::UpdateUserRequest {
        expected_version,
        ..update(&user.id, &["user_metadata"], everything_new())
    };
    let before = server.database.db_everything().await;
    for version in [0, 2, -1, i64::MAX] {
        assert_eq!(
            refusal(service.update_user(change(Some(version))).await),
            "Aborted VERSION_MISMATCH"
        );
    }
    assert_eq!(server.database.db_everything().await, before);

    assert_eq!(service.update_user(change(Some(1))).await.unwrap().user.unwrap().version, 2);
    assert_eq!(refusal(service.update_user(change(Some(1))).await), "Aborted VERSION_MISMATCH");
}

#[tokio::test]
async fn a_preview_returns_the_result_and_changes_nothing() {
    let server = TestServer::start().await;
    let user = full(&server).await;
    let service = server.service();
    let before = server.database.db_everything().await;
    let all = update(
        &user.id,
        &["user_metadata", "app_metadata", "profile_overrides", "blocked"],
        everything_new(),
    );
    let preview = pb::UpdateUserRequest { validate_only: true, ..all };

    let previewed = service.update_user(preview.clone()).await.unwrap().user.unwrap();

    assert_eq!(
        (previewed.version, previewed.blocked, json(&previewed.app_metadata)),
        (2, true, json!({"a2": [2]}))
    );
    let stale = pb::UpdateUserRequest { expected_version: Some(7), ..preview };
    assert_eq!(refusal(service.update_user(stale).await), "Aborted VERSION_MISMATCH");
    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn a_service_blocks_and_unblocks() {
    let server = TestServer::start().await;
    let user = full(&server).await;
    let service = server.service();
    let tokens = [Token::of("github", "h1"), Token::of("users", &user.id)];

    assert!(service.update_user(block(&user.id, true)).await.unwrap().user.unwrap().blocked);
    for token in &tokens {
        let person = server.caller(token);
        assert_eq!(refusal(person.get_user(get("")).await), "PermissionDenied USER_BLOCKED");
        let change = update("", &["user_metadata"], everything_new());
        assert_eq!(refusal(person.update_user(change).await), "PermissionDenied USER_BLOCKED");
        assert_eq!(refusal(person.delete_user(delete("")).await), "PermissionDenied USER_BLOCKED");
    }

    assert!(!service.update_user(block(&user.id, false)).await.unwrap().user.unwrap().blocked);
    for token in &tokens {
        assert_eq!(server.caller(token).user("").await.version, 3);
    }
}

/// An absorbed user's token acts as its holder, and is blocked with the holder.
#[tokio::test]
async fn a_block_reaches_the_tokens_of_absorbed_users() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;
    service.link(link_user(&google.id, &sms.id)).await.unwrap();
    service.update_user(block(&google.id, true)).await.unwrap();

    for token in [Token::of("sms", "s1"), Token::of("users", &sms.id)] {
        assert_eq!(
            refusal(server.caller(&token).get_user(get("")).await),
            "PermissionDenied USER_BLOCKED"
        );
    }
}
