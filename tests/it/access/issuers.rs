//! What each issuer may name, and for which uses its tokens are good.

use serde_json::{Value, json};

use super::{rpcs, stranger};
use crate::support::{tokens::Token, *};

const SELF: &str = "allowed_scopes = [\"read:current_user\", \"update:current_user_identities\"]";

async fn trusting(settings: &str) -> TestServer {
    let database = cluster::cluster().db_migrated().await;
    TestServer::start_with(database, |toml| {
        stranger(&toml, &format!("tenant = \"default\"\n{settings}"))
    })
    .await
}

#[tokio::test]
async fn a_claim_says_whether_a_user_or_a_service_calls() {
    let server = trusting(
        "kind_claim = \"kind\"\nsubject = \"subject\"\nprovider = \"p\"\naudiences = [\"identity-link\"]\n\
         link_with.audiences = [\"identity-link\"]\nallowed_scopes = [\"read:users\", \"read:current_user\"]",
    )
    .await;
    let user = server.service().create("p", "1").await;
    server.service().create("github", "h1").await;
    let token = |kind: Value| {
        Token::of("stranger", "1").scope("read:users read:current_user").with("kind", kind)
    };
    let needs_id =
        "InvalidArgument REQUEST_INVALID\nuser_id: is required: a service has no user of its own";

    assert_eq!(server.caller(&token(json!("user"))).user("").await, user);
    assert_eq!(server.caller(&token(json!("service"))).user(&user.id).await, user);
    assert_eq!(refusal(server.caller(&token(json!("service"))).get_user(get("")).await), needs_id);
    for neither in
        [Value::Null, json!("admin"), json!("Service"), json!(""), json!(true), json!(["service"])]
    {
        for path in rpcs() {
            let outcome = server
                .raw_authorized(path, &format!("Bearer {}", token(neither.clone()).sign()))
                .await;
            assert_eq!(refusal(outcome), "Unauthenticated TOKEN_INVALID", "{neither}");
        }
    }
    // A service's token is no proof.
    let proof = token(json!("service")).sign();
    let linked = server.person("github", "h1").link(link_with(&proof)).await;
    assert_eq!(refusal(linked), "FailedPrecondition LINK_TOKEN_INVALID");
}

#[tokio::test]
async fn one_subject_at_two_providers_is_two_users() {
    let server = TestServer::start().await;
    let service = server.service();
    let subject = "1";
    let google = service.create("google-oauth2", subject).await;
    let github = service.create("github", subject).await;
    let auth0 = service.create("auth0", subject).await;

    assert_eq!(server.person("google-oauth2", subject).user("").await, google);
    assert_eq!(server.person("github", subject).user("").await, github);
    assert_eq!(server.person("broker", "auth0|1").user("").await, auth0);
    for other in [&github, &auth0] {
        let outcome = server.person("google-oauth2", subject).get_user(get(&other.id)).await;
        assert_eq!(refusal(outcome), "PermissionDenied NOT_YOUR_USER");
    }
}

/// With such a subject, the operator of one provider could sign in as any user of another.
#[tokio::test]
async fn an_issuer_of_identities_names_only_its_own_providers() {
    let server = TestServer::start().await;
    let service = server.service();
    service.create("google-oauth2", "g1").await;
    service.create("auth0", "a1").await;

    for subject in
        ["google-oauth2|g1", "auth0", "AUTH0|a1", "|a1", "auth0|", " auth0|a1", "ad2|a1", "a1"]
    {
        let forged = Token::of("broker", subject);
        assert_eq!(
            refusal(server.caller(&forged).get_user(get("")).await),
            "Unauthenticated TOKEN_INVALID"
        );
        let linked = server.person("broker", "auth0|a1").link(link_with(&forged.sign())).await;
        assert_eq!(refusal(linked), "FailedPrecondition LINK_TOKEN_INVALID", "{subject}");
    }
}

#[tokio::test]
async fn a_token_of_an_issuer_without_link_with_is_no_proof() {
    let server = trusting(&format!(
        "kind = \"user\"\nsubject = \"subject\"\nprovider = \"p\"\naudiences = [\"identity-link\"]\n{SELF}"
    ))
    .await;
    let service = server.service();
    service.create("github", "h1").await;
    let user = service.create("p", "1").await;
    let before = server.database.db_everything().await;
    let token = Token::of("stranger", "1");

    assert_eq!(server.caller(&token).user("").await, user);
    for subject in ["1", "unowned"] {
        let proof = Token::of("stranger", subject).sign();
        let linked = server.person("github", "h1").link(link_with(&proof)).await;
        assert_eq!(refusal(linked), "FailedPrecondition LINK_TOKEN_INVALID");
    }
    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn a_token_of_an_issuer_without_audiences_is_no_bearer() {
    let server = trusting(&format!(
        "kind = \"user\"\nsubject = \"subject\"\nprovider = \"p\"\n\
         link_with.audiences = [\"app\"]\nlink_with.types = [\"JWT\", \"\"]\n{SELF}"
    ))
    .await;
    let service = server.service();
    let github = service.create("github", "h1").await;
    service.create("p", "1").await;
    let mut proof = Token::of("stranger", "1").with("aud", "app");
    proof.header.typ = Some("JWT".to_owned());

    for token in [Token::of("stranger", "1"), proof.clone()] {
        for path in rpcs() {
            let outcome = server.raw_authorized(path, &format!("Bearer {}", token.sign())).await;
            assert_eq!(refusal(outcome), "Unauthenticated TOKEN_INVALID");
        }
    }
    // The rules for bearer tokens and those for proofs are separate.
    let linked =
        server.person("github", "h1").link(link_with(&Token::of("stranger", "1").sign())).await;
    assert_eq!(refusal(linked), "FailedPrecondition LINK_TOKEN_INVALID");
    let linked = server.person("github", "h1").link(link_with(&proof.sign())).await.unwrap();
    assert_eq!(identities(&linked.user.unwrap()), ["github|h1", "p|1"]);
    assert_eq!(server.person("github", "h1").user("").await.id, github.id);
}

#[tokio::test]
async fn an_issuers_max_lifetime_can_be_shorter() {
    let server = trusting(&format!(
        "kind = \"user\"\nsubject = \"subject\"\nprovider = \"p\"\naudiences = [\"identity-link\"]\n\
         max_lifetime = \"5m\"\n{SELF}"
    ))
    .await;
    let user = server.service().create("p", "1").await;
    let now = identity_link::clock::now().timestamp();

    let long = Token::of("stranger", "1");
    assert_eq!(
        refusal(server.caller(&long).get_user(get("")).await),
        "Unauthenticated TOKEN_INVALID"
    );
    let short = long.with("iat", now).with("exp", now + 300);
    assert_eq!(server.caller(&short).user("").await, user);
}
