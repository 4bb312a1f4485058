//! The account of a link or an unlink, with or without the prefix of its provider.

use serde_json::{Value, json};

use super::samples::user_ids;
use crate::support::{TestServer, auth0::Asker, tokens::Token};

const HOLDER: &str = "/api/v2/users/github|ann";
const IDENTITIES: &str = "/api/v2/users/github|ann/identities";

/// Ann, and users with these accounts at `auth0`.
async fn people(accounts: &[&str]) -> TestServer {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    backend.post("/api/v2/users", &json!({"connection": "github", "user_id": "ann"})).await.ok();
    for account in accounts {
        backend
            .post("/api/v2/users", &json!({"connection": "auth0", "user_id": account}))
            .await
            .ok();
    }
    server
}

fn auth0(account: &str) -> Value {
    json!({"provider": "auth0", "user_id": account})
}

fn unlink_path(account: &str) -> String {
    format!("{IDENTITIES}/auth0/{account}")
}

async fn ids_of(backend: &Asker) -> Vec<String> {
    let user = backend.get(HOLDER).await.ok();
    user_ids(&user["identities"]).into_iter().map(str::to_owned).collect()
}

/// The spelling of Auth0's Account Link extension.
#[tokio::test]
async fn an_account_is_found_with_its_provider_in_front() {
    let server = people(&["67f1c2"]).await;
    let backend = server.backend();
    for path in ["auth0|67f1c2", "auth0%7C67f1c2", "auth0%7C67f1c2?mode=restore", "67f1c2"] {
        let linked = backend.post(IDENTITIES, &auth0("auth0|67f1c2")).await;
        assert_eq!(linked.status, 201);
        assert_eq!(user_ids(&linked.ok()), ["ann", "67f1c2"]);
        for account in ["auth0|67f1c2", "67f1c2"] {
            let again = backend.post(IDENTITIES, &auth0(account)).await;
            assert_eq!(again.refused(), "409 identity_conflict Specified identity already exists.");
        }
        assert_eq!(user_ids(&backend.delete(&unlink_path(path)).await.ok()), ["ann"]);
        let again = backend.delete(&unlink_path(path)).await;
        assert_eq!(again.refused(), "400 inexistent_identity The user has no such identity.");
    }
    let same = backend.post("/api/v2/users/auth0|67f1c2/identities", &auth0("auth0|67f1c2")).await;
    assert_eq!(same.refused(), "400 invalid_body Main identity and the new one are the same.");
    backend.post(IDENTITIES, &auth0("auth0|67f1c2")).await.ok();
    let ann = server.asker(&Token::of("github", "ann").issued_ago(-2));
    assert_eq!(
        user_ids(&ann.delete(&unlink_path("auth0%7C67f1c2?mode=release")).await.ok()),
        ["ann"]
    );
}

/// For an account whose subject looks like a user id, the account as given wins. At most one prefix
/// is removed.
#[tokio::test]
async fn the_account_as_given_wins() {
    let server = people(&["auth0|67f1c2"]).await;
    let backend = server.backend();
    for account in ["auth0|67f1c2", "auth0|auth0|67f1c2"] {
        let linked = backend.post(IDENTITIES, &auth0(account)).await.ok();
        assert_eq!(user_ids(&linked), ["ann", "auth0|67f1c2"]);
        assert_eq!(user_ids(&backend.delete(&unlink_path(account)).await.ok()), ["ann"]);
    }
    for account in ["67f1c2", "auth0|auth0|auth0|67f1c2"] {
        let refused = backend.post(IDENTITIES, &auth0(account)).await;
        assert_eq!(
            refused.refused(),
            "400 inexistent_identity Linking to an inexistent identity is not allowed.",
            "{account}"
        );
    }
}

/// A92: if the client may mean either of two accounts, they belong to two people.
#[tokio::test]
async fn of_two_accounts_neither_is_guessed() {
    let server = people(&["67f1c2", "auth0|67f1c2"]).await;
    let backend = server.backend();
    let before = server.database.db_everything().await;

    let refused = backend.post(IDENTITIES, &auth0("auth0|67f1c2")).await;

    insta::assert_snapshot!(refused.refused(), @"400 invalid_body Payload validation error: 'user_id: auth0 has the accounts auth0|67f1c2 and 67f1c2: send auth0|auth0|67f1c2 for the first, or 67f1c2 for the second'.");
    assert_eq!(server.database.db_everything().await, before);
    // Both can be named.
    for (account, linked) in [("67f1c2", "67f1c2"), ("auth0|auth0|67f1c2", "auth0|67f1c2")] {
        assert_eq!(
            user_ids(&backend.post(IDENTITIES, &auth0(account)).await.ok()),
            ["ann", linked]
        );
        // Even if the user has only one of them, since another user has the other one.
        let refused = backend.delete(&unlink_path("auth0%7C67f1c2")).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(refused.refused(), @"400 invalid_uri Path validation error: 'user_id: auth0 has the accounts auth0|67f1c2 and 67f1c2: send auth0|auth0|67f1c2 for the first, or 67f1c2 for the second'.");
        }
        assert_eq!(ids_of(&backend).await, ["ann", linked]);
        // A person can only mean their own, and does not learn that another user has the other one.
        let ann = server.asker(&Token::of("github", "ann").issued_ago(-2));
        let path = if linked == "67f1c2" { "auth0%7C67f1c2" } else { account };
        assert_eq!(user_ids(&ann.delete(&unlink_path(path)).await.ok()), ["ann"]);
    }
}

/// A92: a prefix must be the provider's own name, letter by letter. Another provider's name is part
/// of the account.
#[tokio::test]
async fn nothing_else_is_taken_off() {
    let server = people(&["67f1c2"]).await;
    let backend = server.backend();
    backend
        .post("/api/v2/users", &json!({"connection": "google-oauth2", "user_id": "67f1c2"}))
        .await
        .ok();
    for account in [
        "google-oauth2|67f1c2",
        "AUTH0|67f1c2",
        "auth0 |67f1c2",
        "auth0:67f1c2",
        " 67f1c2",
        "auth0|",
        "|67f1c2",
    ] {
        let refused = backend.post(IDENTITIES, &auth0(account)).await;
        assert_eq!(
            refused.refused(),
            "400 inexistent_identity Linking to an inexistent identity is not allowed.",
            "{account}"
        );
    }
    backend.post(IDENTITIES, &auth0("67f1c2")).await.ok();
    for account in ["google-oauth2%7C67f1c2", "AUTH0%7C67f1c2", "%7C67f1c2"] {
        let refused = backend.delete(&unlink_path(account)).await;
        assert_eq!(
            refused.refused(),
            "400 inexistent_identity The user has no such identity.",
            "{account}"
        );
    }
    assert_eq!(ids_of(&backend).await, ["ann", "67f1c2"]);
}

/// A52, with the prefix; and a user token learns nothing of other accounts by it.
#[tokio::test]
async fn the_rules_of_linking_hold_for_either_spelling() {
    let server = people(&["67f1c2", "auth0|67f1c2", "bob", "auth0|eve"]).await;
    let backend = server.backend();
    backend.post("/api/v2/users/auth0|bob/identities", &auth0("67f1c2")).await.ok();
    backend.post("/api/v2/users/auth0|bob/identities", &auth0("auth0|auth0|67f1c2")).await.ok();
    backend.post("/api/v2/users", &json!({"connection": "auth0", "user_id": "second"})).await.ok();
    backend.post("/api/v2/users/auth0|bob/identities", &auth0("auth0|second")).await.ok();
    let taken = backend.post(IDENTITIES, &auth0("auth0|second")).await;
    assert_eq!(taken.refused(), "409 identity_conflict Specified identity already exists.");

    let ann = server.asker(&Token::of("github", "ann"));
    for account in ["auth0|67f1c2", "auth0|second", "auth0|never"] {
        let unproven = ann.post(IDENTITIES, &auth0(account)).await;
        assert_eq!(
            unproven.refused(),
            "403 insufficient_scope Insufficient scope; expected: update:users."
        );
        let others = ann.delete(&unlink_path(&account.replace('|', "%7C"))).await;
        assert_eq!(others.refused(), "400 inexistent_identity The user has no such identity.");
        let others =
            ann.delete(&format!("/api/v2/users/auth0|bob/identities/auth0/{account}")).await;
        assert_eq!(
            others.refused(),
            "403 unowned_resource User to be acted on does not match subject in bearer token."
        );
    }
    let absorbed =
        backend.post("/api/v2/users/auth0|second/identities", &auth0("auth0|67f1c2")).await;
    assert!(absorbed.refused().starts_with("404 inexistent_user "), "{absorbed:?}");
}
