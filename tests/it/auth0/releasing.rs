//! `DELETE …/identities/…?mode=release` releases an account over HTTP: A80, A81 and A83 for this
//! route.

use identity_link::clock;
use serde_json::{Value, json};

use crate::support::{TestServer, auth0::Asker, refusal, sign_in, tokens::Token};

const OWN: &str = "/api/v2/users/github%7Cann";

/// Ann at GitHub, who has linked a phone.
async fn ann(backend: &Asker) {
    for connection in ["github", "sms"] {
        let user = json!({"connection": connection, "user_id": "ann", "user_metadata": {"from": connection}});
        backend.post("/api/v2/users", &user).await.ok();
    }
    backend
        .post(&format!("{OWN}/identities"), &json!({"provider": "sms", "user_id": "ann"}))
        .await
        .ok();
}

fn phone(query: &str) -> String {
    format!("{OWN}/identities/sms/ann{query}")
}

fn user_ids(identities: &Value) -> Vec<&str> {
    identities
        .as_array()
        .unwrap()
        .iter()
        .map(|identity| identity["provider"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_number_that_was_let_go_is_its_next_owner_s() {
    for is_own in [false, true] {
        let server = TestServer::start_auth0().await;
        let backend = server.backend();
        ann(&backend).await;
        server.database.db_linked_long_ago().await;
        let before = Token::of("sms", "ann");
        let caller =
            if is_own { server.asker(&Token::of("github", "ann")) } else { server.backend() };

        let left = caller.delete(&phone("?mode=release")).await.ok();

        assert_eq!(user_ids(&left), ["github"]);
        assert_eq!(
            server.asker(&before).get("/api/v2/users/sms%7Cann").await.status,
            404,
            "the older token gives no access"
        );
        let proof = json!({"link_with": before.sign()});
        backend
            .post("/api/v2/users", &json!({"connection": "github", "user_id": "thief"}))
            .await
            .ok();
        let thief = server.asker(&Token::of("github", "thief"));
        assert_eq!(thief.post("/api/v2/users/github%7Cthief/identities", &proof).await.status, 400);
        let next = server
            .service()
            .resolve_sign_in(sign_in("sms", "ann"))
            .await
            .unwrap()
            .decision
            .unwrap()
            .user
            .unwrap();
        assert!(next.id.starts_with("usr_"), "{}", next.id);
        assert_eq!(
            server.asker(&before).get(&format!("/api/v2/users/{}", next.id)).await.status,
            401
        );
        let ann = backend.get(OWN).await.ok();
        assert_eq!(
            (user_ids(&ann["identities"]), &ann["user_metadata"]["from"]),
            (vec!["github"], &json!("github"))
        );
        // After another link the account is hers.
        let own = server.asker(&Token::of("github", "ann").issued_ago(-2));
        let proof = json!({"link_with": Token::of("sms", "ann").issued_ago(-2).sign()});
        assert_eq!(
            user_ids(&own.post(&format!("{OWN}/identities"), &proof).await.ok()),
            ["github", "sms"]
        );
    }
}

#[tokio::test]
async fn the_mode_is_one_of_two_and_restore_unless_it_is_said() {
    for query in ["", "?mode=restore"] {
        let server = TestServer::start_auth0().await;
        let backend = server.backend();
        ann(&backend).await;
        assert_eq!(user_ids(&backend.delete(&phone(query)).await.ok()), ["github"]);
        assert_eq!(backend.get("/api/v2/users/sms%7Cann").await.ok()["user_id"], "sms|ann");
    }
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    ann(&backend).await;
    let mut told = Vec::new();
    for query in
        ["?mode=", "?mode=Release", "?mode=release&mode=release", "?release=true", "?mode=%ff"]
    {
        told.push(format!("{query} {}", backend.delete(&phone(query)).await.refused()));
    }
    insta::assert_snapshot!(told.join("\n"), @r"
    ?mode= 400 invalid_query_string Query validation error: 'mode: must be restore or release'.
    ?mode=Release 400 invalid_query_string Query validation error: 'mode: must be restore or release'.
    ?mode=release&mode=release 400 invalid_query_string Query validation error: 'mode: occurs twice: send it once'.
    ?release=true 400 invalid_query_string Query validation error: 'Additional properties not allowed: release'.
    ?mode=%ff 400 invalid_query_string Query validation error: 'it is not UTF-8 in percent-encoding'.
    ");
    assert_eq!(server.service().user("github|ann").await.identities.len(), 2);
}

/// A83.
#[tokio::test]
async fn what_may_not_be_detached_may_not_be_let_go() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    ann(&backend).await;
    let old = Token::of("github", "ann").with("auth_time", clock::now().timestamp() - 37_000);
    let mut told = vec![
        server.asker(&old).delete(&phone("?mode=release")).await.refused(),
        server.asker(&Token::of("github", "bob")).delete(&phone("?mode=release")).await.refused(),
        backend.delete(&format!("{OWN}/identities/github/ann?mode=release")).await.refused(),
        backend.delete(&format!("{OWN}/identities/sms/bob?mode=release")).await.refused(),
    ];
    backend.patch(OWN, &json!({"blocked": true})).await.ok();
    told.push(backend.delete(&phone("?mode=release")).await.refused());
    insta::assert_snapshot!(told.join("\n"), @r"
    403 reauthentication_required The sign-in behind this token is too old for this call: let the user sign in again.
    404 inexistent_user The user does not exist.
    400 operation_not_supported Main identity cannot be removed.
    400 inexistent_identity The user has no such identity.
    400 user_blocked The user is blocked: unblock it first.
    ");
    assert_eq!(server.service().user("github|ann").await.identities.len(), 2);
    let undone = server.service().unlink(crate::support::release("github|ann", "sms", "ann")).await;
    assert_eq!(refusal(undone), "FailedPrecondition USER_BLOCKED", "as over gRPC");
}
