//! What stands against the links of a plan: the marks that need many identities, users or days.

use super::*;
use crate::support::{identity_ref, sign_in_with};

/// The only line of the plan, and its marks.
fn only(server: &TestServer) -> (Value, Vec<String>) {
    let (_, mut lines, _) = planned(server, &[]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = lines.remove(0);
    let marks = marks(&line).into_iter().map(str::to_owned).collect();
    (line, marks)
}

#[tokio::test]
async fn users_with_more_identities_than_one_user_can_have_are_marked() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    for provider in ["google-oauth2", "github"] {
        service.create_with(provider, "a", verified("a@example.com")).await;
    }
    let give = async |provider: &str, count: usize| {
        let more = format!(
            "INSERT INTO identities (tenant_id, provider, subject, owner_id, home_id, ordinal, connection, social, attach_time) \
             SELECT 'joined', '{provider}-' || n, 'a', '{provider}|a', '{provider}|a', n, 'bulk', false, now() \
             FROM generate_series(1, {count}) n"
        );
        server.database.db_execute(&more).await;
    };

    give("google-oauth2", 49).await;
    give("github", 49).await;
    assert_eq!(only(&server).1, [""; 0], "a hundred are as many as one user can have");

    server
        .database
        .db_execute(
            "INSERT INTO identities (tenant_id, provider, subject, owner_id, home_id, ordinal, connection, social, attach_time) \
             VALUES ('joined', 'one-more', 'a', 'github|a', 'github|a', 50, 'bulk', false, now())",
        )
        .await;
    assert_eq!(only(&server).1, ["too_many_identities"]);
}

#[tokio::test]
async fn an_email_that_is_easily_confused_with_another_is_marked() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    for provider in ["google-oauth2", "github"] {
        service.create_with(provider, "a", verified("änn@example.com")).await;
    }

    let (line, marks) = only(&server);

    assert_eq!(marks, ["email_not_ascii"]);
    assert_eq!(line["against"][0]["users"], value!(["github|a", "google-oauth2|a"]));
}

/// A96: an account that changed to the address may be that of a person who waits for its owner.
#[tokio::test]
async fn an_account_that_changed_to_the_email_is_marked() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    for email in ["before@example.com", "a@example.com"] {
        let account = pb::ProvenAccount {
            identity_ref: identity_ref("google-oauth2", "changed"),
            email: email.to_owned(),
            email_verified: true,
            ..Default::default()
        };
        service.resolve_sign_in(sign_in_with(account)).await.unwrap();
    }
    service.create_with("github", "a", verified("a@example.com")).await;

    let (line, marks) = only(&server);

    assert_eq!(marks, ["email_changed"]);
    assert_eq!(line["against"][0]["users"], value!(["google-oauth2|changed"]));
}

/// A96: an address that was proven long before may have another owner by now.
#[tokio::test]
async fn proofs_that_are_far_apart_are_marked() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    for provider in ["google-oauth2", "github"] {
        service.create_with(provider, "a", verified("a@example.com")).await;
    }
    let proven = async |days: i64| {
        let then = format!(
            "UPDATE identities SET email_verify_time = now() - interval '{days} days' WHERE provider = 'github'"
        );
        server.database.db_execute(&then).await;
    };

    proven(179).await;
    assert_eq!(only(&server).1, [""; 0]);

    proven(181).await;
    let (line, marks) = only(&server);
    assert_eq!(marks, ["verified_far_apart"]);
    assert_eq!(line["against"][0]["users"], value!(["github|a", "google-oauth2|a"]));
}

#[tokio::test]
async fn metadata_that_together_is_too_large_is_marked() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    for provider in ["google-oauth2", "github"] {
        let with_metadata = |request: &mut pb::CreateUserRequest| {
            verified("a@example.com")(request);
            request.user_metadata = object(value!({provider: "x".repeat(9 * 1024)}));
        };
        service.create_with(provider, "a", with_metadata).await;
    }

    assert_eq!(only(&server).1, ["metadata_too_large"]);
}

#[tokio::test]
async fn a_line_names_a_hundred_users_and_says_that_there_are_more() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    for n in 0..100 {
        let subject = format!("a{n:03}");
        service.create_with("github", &subject, verified("a@example.com")).await;
    }
    let (line, marks) = only(&server);
    assert_eq!((ids(&line).len(), marks), (100, vec!["same_provider".to_owned()]));

    service.create_with("google-oauth2", "z", verified("a@example.com")).await;
    let (line, marks) = only(&server);
    assert_eq!(marks, ["same_provider", "too_many_users"]);
    assert_eq!(ids(&line).len(), 100);
    assert!(!ids(&line).contains(&"google-oauth2|z"), "the first by their ids are named");
}
