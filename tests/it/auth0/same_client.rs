//! Auth0's stricter rules for `link_with`: RS256, the caller's issuer, and only for the client that
//! calls.

use serde_json::json;

use crate::support::{TestServer, auth0::AUTH0, cluster::cluster, tokens::Token};

const PATH: &str = "/api/v2/users/okta|ann/identities";

/// A server that accepts proofs for its clients too, but only those for the client that calls.
async fn strict() -> TestServer {
    let loose = "link_with.audiences = [\"identity-link\"]\n";
    let strict = "link_with.audiences = [\"identity-link\", \"client\", \"another\"]\nlink_with.same_client = true\n";
    let database = cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| toml.replace(loose, strict) + AUTH0).await;
    for (provider, account) in
        [("okta", "ann"), ("okta", "bob"), ("github", "carol"), ("sms", "dora")]
    {
        server.service().create(provider, account).await;
    }
    server
}

/// A54.
#[tokio::test]
async fn a_proof_that_another_client_got_proves_nothing_here() {
    let server = strict().await;
    let before = server.database.db_everything().await;
    let ann = Token::of("okta", "ann").with("azp", "client");
    let bob = Token::of("okta", "bob").with("aud", "client");
    let mut told = Vec::new();
    for (what, caller, path, proof) in [
        ("by EdDSA", &ann, PATH, Token::of("sms", "dora").with("aud", "client")),
        (
            "by another issuer",
            &Token::of("github", "carol").with("azp", "client"),
            "/api/v2/users/github|carol/identities",
            bob.clone(),
        ),
        ("for another client", &ann, PATH, bob.clone().with("aud", "another")),
        ("for the API", &ann, PATH, bob.clone().with("aud", "identity-link")),
        ("for one more", &ann, PATH, bob.clone().with("aud", json!(["client", "another"]))),
        ("for an unknown client", &ann, PATH, bob.clone().with("aud", "nobody")),
        ("to a caller of no client", &Token::of("okta", "ann"), PATH, bob.clone()),
        (
            "to a caller of two",
            &ann.clone().with("azp", json!(["client", "another"])),
            PATH,
            bob.clone(),
        ),
    ] {
        let said = server.asker(caller).post(path, &json!({"link_with": proof.sign()})).await;
        told.push(format!("{what} -> {}", said.refused()));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
        by EdDSA -> 400 invalid_body JWT (link_with) must have an alg of RS256.
        by another issuer -> 400 invalid_body JWT (link_with) must have the same issuer as the calling user.
        for another client -> 400 invalid_body JWT (link_with) must have an aud claim that matches that of the calling token's azp.
        for the API -> 400 invalid_body JWT (link_with) must have an aud claim that matches that of the calling token's azp.
        for one more -> 400 invalid_body JWT (link_with) must have an aud claim that matches that of the calling token's azp.
        for an unknown client -> 400 invalid_body Invalid token (link_with).
        to a caller of no client -> 400 invalid_body JWT (link_with) must have an aud claim that matches that of the calling token's azp.
        to a caller of two -> 400 invalid_body JWT (link_with) must have an aud claim that matches that of the calling token's azp.
    "#);
    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn a_proof_that_the_calling_client_got_links() {
    let server = strict().await;
    let bob = Token::of("okta", "bob").with("aud", "client");
    for (caller, other) in [
        (Token::of("okta", "ann").with("azp", "client"), json!({"link_with": bob.sign()})),
        // A back end is not the client of Auth0 at which the person signed in.
        (
            Token::of("services", "backend"),
            json!({"link_with": Token::of("sms", "dora").with("aud", "client").sign()}),
        ),
    ] {
        let linked = server.asker(&caller).post(PATH, &other).await;
        assert_eq!(linked.status, 201, "{linked:?}");
    }
}
