//! `DeleteUser`.

use identity_link::grpc::proto::{self as pb, resolved_user::State};
use serde_json::json;

use crate::support::{tokens::Token, *};

fn whole(user_id: &str) -> pb::DeleteUserRequest {
    pb::DeleteUserRequest { include_absorbed: true, ..delete(user_id) }
}

async fn state(server: &TestServer, id: &str) -> State {
    server.service().resolve_users(resolve([id])).await.unwrap().users[0].state()
}

/// A46: no lookup leads to a deleted user.
#[tokio::test]
async fn a_deleted_user_is_gone_from_every_look_up() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create_with("github", "h1", verified("ann@example.com")).await;
    let token = Token::of("github", "h1");

    let deleted = service.delete_user(delete(&user.id)).await.unwrap();

    assert_eq!(deleted.deleted_user_ids, [user.id.as_str()]);
    assert_eq!(refusal(service.get_user(get(&user.id)).await), "NotFound USER_NOT_FOUND");
    assert_eq!(
        refusal(service.find_by_identity(owner_of("github", "h1")).await),
        "NotFound IDENTITY_NOT_FOUND"
    );
    let all = pb::FindByEmailRequest { include_unverified: true, ..by_email("ann@example.com") };
    assert_eq!(service.find_by_email(all).await.unwrap().matches, []);
    assert_eq!(refusal(service.delete_user(delete(&user.id)).await), "NotFound USER_NOT_FOUND");
    for token in [token, Token::of("users", &user.id)] {
        assert_eq!(
            refusal(server.caller(&token).get_user(get("")).await),
            "NotFound USER_NOT_FOUND"
        );
    }
    let resolved = &service.resolve_users(resolve([user.id.as_str()])).await.unwrap().users[0];
    assert_eq!((resolved.state(), resolved.user_id.as_str()), (State::Deleted, ""));
    assert!(resolved.since_time.unwrap().seconds >= user.create_time.unwrap().seconds);
    assert_eq!(
        refusal(service.link(link_identity(&user.id, "github", "h1")).await),
        "NotFound USER_NOT_FOUND"
    );
}

#[tokio::test]
async fn a_person_deletes_its_own_user_and_no_other() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create("github", "h1").await;
    let other = service.create("sms", "s1").await;
    let person = server.person("github", "h1");
    let before = server.database.db_everything().await;
    for id in [&other.id, "usr_nobody"] {
        assert_eq!(refusal(person.delete_user(delete(id)).await), "PermissionDenied NOT_YOUR_USER");
    }
    let foreign = server.caller(&Token::of("services", "backend").tenant("other"));
    assert_eq!(refusal(foreign.delete_user(delete(&user.id)).await), "NotFound USER_NOT_FOUND");
    assert_eq!(server.database.db_everything().await, before);

    assert_eq!(person.delete_user(delete("")).await.unwrap().deleted_user_ids, [user.id.as_str()]);

    assert_eq!(
        (state(&server, &user.id).await, state(&server, &other.id).await),
        (State::Deleted, State::Current)
    );
    assert_eq!(refusal(person.delete_user(delete("")).await), "NotFound USER_NOT_FOUND");
}

#[tokio::test]
async fn a_person_must_have_signed_in_within_ten_minutes() {
    let server = TestServer::start().await;
    server.service().create("github", "h1").await;
    let before = server.database.db_everything().await;
    let now = identity_link::clock::now().timestamp();
    let token = Token::of("github", "h1");

    for old in [
        token.clone().issued_ago(610),
        token.clone().with("auth_time", now - 610),
        token.clone().issued_ago(30).with("auth_time", now - 86_400),
    ] {
        for validate_only in [false, true] {
            let request = pb::DeleteUserRequest { validate_only, ..delete("") };
            let outcome = server.caller(&old).delete_user(request).await;
            assert_eq!(refusal(outcome), "PermissionDenied REAUTHENTICATION_REQUIRED");
        }
    }
    assert_eq!(server.database.db_everything().await, before);

    // The time of the sign-in counts, and not when the token was renewed.
    let renewed = token.issued_ago(610).with("auth_time", now - 300);
    assert_eq!(
        server.caller(&renewed).delete_user(delete("")).await.unwrap().deleted_user_ids.len(),
        1
    );
}

#[tokio::test]
async fn a_blocked_user_is_deleted_by_a_service_and_not_by_itself() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create_with("github", "h1", |request| request.blocked = true).await;

    let by_itself = server.person("github", "h1").delete_user(delete("")).await;
    assert_eq!(refusal(by_itself), "PermissionDenied USER_BLOCKED");
    service.delete_user(delete(&user.id)).await.unwrap();
    assert_eq!(state(&server, &user.id).await, State::Deleted);
}

#[tokio::test]
async fn absorbed_users_are_deleted_only_if_the_request_says_so() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;
    let github = service.create("github", "h1").await;
    service.link(link_user(&sms.id, &github.id)).await.unwrap();
    service.link(link_user(&google.id, &sms.id)).await.unwrap();
    let before = server.database.db_everything().await;
    for validate_only in [false, true] {
        let request = pb::DeleteUserRequest { validate_only, ..delete(&google.id) };
        assert_eq!(
            refusal(service.delete_user(request).await),
            "FailedPrecondition ABSORBED_USERS_EXIST"
        );
    }
    assert_eq!(
        refusal(service.delete_user(whole(&sms.id)).await),
        "FailedPrecondition USER_ABSORBED"
    );
    assert_eq!(server.database.db_everything().await, before);

    let deleted = service.delete_user(whole(&google.id)).await.unwrap().deleted_user_ids;

    let mut ids = vec![google.id, sms.id, github.id];
    ids.sort_unstable();
    assert_eq!(deleted, ids);
    for id in &ids {
        assert_eq!(state(&server, id).await, State::Deleted);
    }
    for (provider, subject) in [("google-oauth2", "g1"), ("sms", "s1"), ("github", "h1")] {
        let outcome = service.find_by_identity(owner_of(provider, subject)).await;
        assert_eq!(refusal(outcome), "NotFound IDENTITY_NOT_FOUND");
    }
}

#[tokio::test]
async fn an_expected_version_must_hold() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create("github", "h1").await;
    let before = server.database.db_everything().await;
    let expecting =
        |version| pb::DeleteUserRequest { expected_version: Some(version), ..delete(&user.id) };

    assert_eq!(refusal(service.delete_user(expecting(2)).await), "Aborted VERSION_MISMATCH");
    assert_eq!(server.database.db_everything().await, before);
    service.delete_user(expecting(1)).await.unwrap();
}

#[tokio::test]
async fn a_preview_deletes_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;
    service.link(link_user(&google.id, &sms.id)).await.unwrap();
    let before = server.database.db_everything().await;

    for caller in [&service, &server.person("google-oauth2", "g1")] {
        let preview = pb::DeleteUserRequest { validate_only: true, ..whole(&google.id) };
        assert_eq!(caller.delete_user(preview).await.unwrap().deleted_user_ids.len(), 2);
    }

    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn an_id_is_given_again_only_to_the_identity_that_it_names() {
    let server = TestServer::start().await;
    let joined = server.caller(&Token::of("services", "backend").tenant("joined"));
    let user = joined.create("github", "h1").await;
    assert_eq!(user.id, "github|h1");
    joined.delete_user(delete(&user.id)).await.unwrap();
    let id_token = Token::of("users", "github|h1").tenant("joined");
    let old =
        [Token::of("github", "h1").tenant("joined").issued_ago(5), id_token.clone().issued_ago(5)];

    let again = joined.create("github", "h1").await;

    assert_eq!((again.id.as_str(), again.version), ("github|h1", 1));
    let resolved = joined.resolve_users(resolve(["github|h1"])).await.unwrap().users.remove(0);
    assert_eq!((resolved.state(), resolved.since_time), (State::Current, again.create_time));
    // These tokens are from before the deletion, so their owner is not this user.
    for (n, token) in old.into_iter().enumerate() {
        let person = server.caller(&token);
        assert_eq!(refusal(person.get_user(get("")).await), "Unauthenticated TOKEN_INVALID");
        assert_eq!(refusal(person.delete_user(delete("")).await), "Unauthenticated TOKEN_INVALID");
        let other = joined.create("sms", &n.to_string()).await;
        let named = pb::LinkRequest { user_id: other.id, ..link_with(&token.sign()) };
        assert_eq!(refusal(joined.link(named).await), "FailedPrecondition LINK_TOKEN_INVALID");
    }
    // This token is newer, since one from the very second of the deletion is refused too.
    assert_eq!(server.caller(&id_token.issued_ago(-2)).user("").await, again);
}

/// A46: sessions of a deleted user are invalid, and no link revives the user.
#[tokio::test]
async fn a_token_of_a_deleted_user_proves_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create("sms", "s1").await;
    service.create("google-oauth2", "g1").await;
    let old = [Token::of("sms", "s1").issued_ago(5), Token::of("users", &user.id).issued_ago(5)];
    service.delete_user(delete(&user.id)).await.unwrap();
    let before = server.database.db_everything().await;

    for token in old {
        let outcome = server.person("google-oauth2", "g1").link(link_with(&token.sign())).await;
        assert_eq!(refusal(outcome), "FailedPrecondition LINK_TOKEN_INVALID");
    }

    assert_eq!(server.database.db_everything().await, before);
}

/// Data of a person that the database could still contain.
const TRACES: [&str; 8] =
    ["subject-1", "subject-2", "ann@", "Ann@", "meta-1", "meta-2", "app-2", "profile-1"];

async fn two_users_of_ann(server: &TestServer) -> (pb::User, pb::User) {
    let service = server.service();
    let fill = |n: u8| {
        move |request: &mut pb::CreateUserRequest| {
            verified("Ann@Example.com")(request);
            request.identity.as_mut().unwrap().profile_data =
                object(json!({"name": format!("profile-{n}")}));
            request.user_metadata =
                object(json!({ format!("key-{n}"): format!("meta-{n}"), "same": n }));
            request.app_metadata = object(json!({ format!("key-{n}"): format!("app-{n}") }));
        }
    };
    let first = service.create_with("google-oauth2", "subject-1", fill(1)).await;
    let second = service.create_with("sms", "subject-2", fill(2)).await;
    (first, second)
}

#[tokio::test]
async fn nothing_of_the_person_is_left_anywhere() {
    let server = TestServer::start().await;
    let (first, second) = two_users_of_ann(&server).await;
    let person = server.person("google-oauth2", "subject-1");
    let mut link = link_with(&Token::of("sms", "subject-2").sign());
    link.user_metadata = merge_default();
    person.link(link).await.unwrap();
    let dump = server.database.db_dump().await;
    for trace in TRACES {
        assert!(dump.contains(trace), "the test would not see {trace}");
    }

    person.delete_user(whole("")).await.unwrap();

    let dump = server.database.db_dump().await;
    for trace in TRACES.into_iter().chain([first.id.as_str(), second.id.as_str()]) {
        assert!(!dump.contains(trace), "{trace} is left: {dump}");
    }
    let feed = server.database.db_feed().await;
    assert!(feed.contains(&first.id), "{feed}");
    for trace in TRACES.into_iter().filter(|trace| !trace.starts_with("subject-")) {
        assert!(!feed.contains(trace), "{trace} is in the feed: {feed}");
    }
    for id in [&first.id, &second.id] {
        assert_eq!(state(&server, id).await, State::Deleted);
    }
}

/// The user that an unlink brought back is deleted. The user that had absorbed it stays.
#[tokio::test]
async fn nothing_of_a_person_is_left_with_the_user_that_once_absorbed_it() {
    let server = TestServer::start().await;
    let (first, second) = two_users_of_ann(&server).await;
    let person = server.person("google-oauth2", "subject-1");
    person.link(link_with(&Token::of("sms", "subject-2").sign())).await.unwrap();
    person.unlink(unlink("", "sms", "subject-2")).await.unwrap();

    server.service().delete_user(delete(&second.id)).await.unwrap();

    let dump = server.database.db_dump().await;
    for trace in ["subject-2", "meta-2", "app-2", "profile-2", &second.id] {
        assert!(!dump.contains(trace), "{trace} is left: {dump}");
    }
    assert_eq!(server.service().user(&first.id).await.identities.len(), 1);
}

#[tokio::test]
async fn what_a_link_keeps_for_a_live_user_outlives_the_other_user() {
    let server = TestServer::start().await;
    let service = server.service();
    service.create("google-oauth2", "g1").await;
    let sms = service
        .create_with("sms", "s1", |request| request.app_metadata = object(json!({"plan": "gold"})))
        .await;
    let person = server.person("google-oauth2", "g1");
    person.link(link_with(&Token::of("sms", "s1").sign())).await.unwrap();
    let link_id = person.unlink(unlink("", "sms", "s1")).await.unwrap().link_id;
    person.delete_user(delete("")).await.unwrap();

    let request = pb::MergeMetadataRequest {
        user_id: sms.id.clone(),
        source: Some(pb::merge_metadata_request::Source::LinkId(link_id)),
        app_metadata: merge_default(),
        ..Default::default()
    };
    let merged = service.merge_metadata(request).await.unwrap();

    assert_eq!(json(&merged.user.unwrap().app_metadata), json!({"plan": "gold"}));
}
