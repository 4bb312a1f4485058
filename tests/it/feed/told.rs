//! The events of each kind of change: ids, versions and paths.

use identity_link::grpc::proto::{
    self as pb,
    event::Detail,
    metadata_merge::{Arrays, Conflict},
};
use serde_json::json;

use crate::support::{
    events::{events, line},
    tokens::Token,
    *,
};

/// P13: a change and its event are in one transaction. R22: the feed has complete events of a
/// deleted user.
#[tokio::test]
async fn every_kind_of_change_has_one_event_in_order() {
    let server = TestServer::start_feed().await;
    let service = server.caller(&Token::of("services", "backend").tenant("joined"));
    let person = |provider: &'static str, subject: &str| {
        server.caller(&Token::of(provider, subject).tenant("joined"))
    };
    let with = |metadata: serde_json::Value| {
        move |request: &mut pb::CreateUserRequest| request.user_metadata = object(metadata)
    };
    let google = service.create_with("google-oauth2", "g", with(json!({"a": 1}))).await.id;
    let sms = service.create_with("sms", "s", with(json!({"b": 2}))).await.id;
    let github = service.create("github", "h").await.id;

    service.update_user(block(&google, true)).await.unwrap();
    service.update_user(block(&google, false)).await.unwrap();
    // An update to the same value is no change.
    service.update_user(block(&google, false)).await.unwrap();
    let given = pb::GivenMetadata { user_metadata: object(json!({"c": 3})), ..Default::default() };
    let source = Some(pb::merge_metadata_request::Source::Given(given));
    let request = pb::MergeMetadataRequest {
        user_id: google.clone(),
        source,
        user_metadata: merge_default(),
        ..Default::default()
    };
    service.merge_metadata(request).await.unwrap();
    service.link(link_user(&sms, &github)).await.unwrap();
    let merged = pb::LinkRequest {
        user_metadata: merge(Conflict::PrimaryWins, Arrays::Union),
        ..link_user(&google, &sms)
    };
    let link = service.link(merged).await.unwrap().link.unwrap().id;
    let primary = |provider: &str, subject: &str| pb::SetPrimaryIdentityRequest {
        user_id: google.clone(),
        identity: identity_ref(provider, subject),
        ..Default::default()
    };
    service.set_primary_identity(primary("github", "h")).await.unwrap();
    service.set_primary_identity(primary("google-oauth2", "g")).await.unwrap();
    service.undo_link(pb::UndoLinkRequest { link_id: link, ..Default::default() }).await.unwrap();
    service.unlink(unlink(&sms, "github", "h")).await.unwrap();
    let wallet = Token::of("wallet", "w").tenant("joined").sign();
    let attached = person("google-oauth2", "g").link(link_with(&wallet)).await.unwrap();
    assert_eq!(attached.user.unwrap().identities.len(), 2);
    service.unlink(unlink(&google, "wallet", "w")).await.unwrap();
    service.link(link_user(&google, &sms)).await.unwrap();
    let delete = pb::DeleteUserRequest { include_absorbed: true, ..delete(&google) };
    service.delete_user(delete).await.unwrap();

    let told = events(&service, 16).await;
    let lines: Vec<String> = told.iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
        created google-oauth2|g 0>1
        created sms|s 0>1
        created github|h 0>1
        blocked=true google-oauth2|g 1>2
        blocked=false google-oauth2|g 2>3
        merged google-oauth2|g 3>4
        linked sms|s 1>2 github|h 1>2
        linked google-oauth2|g 4>5 sms|s 2>3
        primary google-oauth2|g 5>6
        primary google-oauth2|g 6>7
        undone google-oauth2|g 7>8 sms|s 3>4
        unlinked sms|s 4>5 github|h 2>3
        attached google-oauth2|g 8>9
        detached google-oauth2|g 9>10 wallet|w 0>1
        linked google-oauth2|g 10>11 sms|s 5>6
        deleted google-oauth2|g 11>12
    ");
}

#[tokio::test]
async fn the_event_of_a_user_that_is_created_blocked_says_so() {
    let server = TestServer::start_feed().await;
    let service = server.service();
    service.create_with("sms", "s", |request| request.blocked = true).await;
    service.create("sms", "t").await;

    let blocked = events(&service, 2).await.into_iter().map(|event| match event.detail.unwrap() {
        Detail::UserCreated(created) => created.blocked,
        other => panic!("{other:?}"),
    });
    assert_eq!(blocked.collect::<Vec<_>>(), [true, false]);
}
