//! Two third-party clients for Rust, with the service as their domain. They parse responses
//! strictly, and fail on any missing field. They need OpenSSL and old versions of the service's
//! dependencies, so each is a program of its own.

use std::{collections::BTreeMap, process::Command};

use crate::support::{cargo, child::run_command, one_domain::OneDomain, tokens::Token};

/// The program in this folder.
async fn program(folder: &'static str) -> Command {
    tokio::task::spawn_blocking(move || cargo::story(folder)).await.unwrap()
}

/// The domain, a token of the account to link, and one of an account that has no user.
async fn domain() -> (OneDomain, [String; 2]) {
    let tokens: [(_, fn() -> Token); 3] = [
        ("service", || Token::of("services", "backend")),
        ("john", || Token::of("google-oauth2", "115015401343387192604")),
        // The program gets it after the link, in the same second if it is quick.
        ("phone", || Token::of("sms", "560ebaeef609ee1adaa7c551").issued_ago(-2)),
    ];
    let proofs = [("sms", "560ebaeef609ee1adaa7c551"), ("okta", "third")];
    let proofs = proofs.map(|(provider, subject)| Token::of(provider, subject).sign());
    (OneDomain::start(BTreeMap::from(tokens)).await, proofs)
}

/// The program's output.
async fn told(story: Command) -> String {
    let ran = tokio::task::spawn_blocking(|| run_command(story)).await.unwrap();
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    ran.stdout
}

/// This client calls two URLs: one for tokens, one for the API.
#[tokio::test]
async fn the_client_auth0_client_finds_its_users_here() {
    let mut story = program("tests/it/auth0-rust/auth0-client").await;
    let (domain, [sms, third]) = domain().await;
    let [api, tokens] =
        [domain.server.address, domain.issuer.address].map(|address| format!("http://{address}"));
    story.args([api + "/api/v2", tokens, sms, third]);
    insta::assert_snapshot!(told(story).await, @r#"
        created: [["google-oauth2|115015401343387192604","John Doe","your0","data"],"your0@email.com",true,[["google-oauth2","115015401343387192604","google-oauth2",true]]]
        created again: User(UserAlreadyExists)
        created: [["sms|560ebaeef609ee1adaa7c551","+14258831929","+14258831929","data"],null,false,[["sms","560ebaeef609ee1adaa7c551","sms",false]]]
        created nowhere: User(ConnectionNotFound)
        created with a password: User(InvalidRequestBody("Payload validation error: 'password is not stored here: people sign in at their providers'."))
        read: [["google-oauth2|115015401343387192604","John Doe","your0","data"],"your0@email.com",true,[["google-oauth2","115015401343387192604","google-oauth2",true]]]
        listed: ["google-oauth2|115015401343387192604","sms|560ebaeef609ee1adaa7c551"]
        by email: ["google-oauth2|115015401343387192604"]
        by email, its own way: [["google-oauth2|115015401343387192604","John Doe","your0","data"],"your0@email.com",true,[["google-oauth2","115015401343387192604","google-oauth2",true]]]
        updated: [["google-oauth2|115015401343387192604","John Doe","johnny","data"],"your0@email.com",true,[["google-oauth2","115015401343387192604","google-oauth2",true]]]
        its metadata: {"app_metadata":{"roles":["Admin"]},"user_metadata":{"shape":{"round":true},"size":7}}
        linked by token: [["google-oauth2","115015401343387192604","google-oauth2",true],["sms","560ebaeef609ee1adaa7c551","sms",false]]
        read by John: [["google-oauth2|115015401343387192604","John Doe","johnny","data"],"your0@email.com",true,[["google-oauth2","115015401343387192604","google-oauth2",true],["sms","560ebaeef609ee1adaa7c551","sms",false]]]
        unlinked by John: [["google-oauth2","115015401343387192604","google-oauth2",true]]
        another user's: User(Unknown("User to be acted on does not match subject in bearer token."))
        linked by ids: [["google-oauth2","115015401343387192604","google-oauth2",true],["sms","560ebaeef609ee1adaa7c551","sms",false]]
        linked again: User(Unknown("Specified identity already exists."))
        read: [["google-oauth2|115015401343387192604","John Doe","johnny","data"],"your0@email.com",true,[["google-oauth2","115015401343387192604","google-oauth2",true],["sms","560ebaeef609ee1adaa7c551","sms",false]]]
        the linked account reads: [["google-oauth2|115015401343387192604","John Doe","johnny","data"],"your0@email.com",true,[["google-oauth2","115015401343387192604","google-oauth2",true],["sms","560ebaeef609ee1adaa7c551","sms",false]]]
        updates: [["google-oauth2|115015401343387192604","John Doe","johnny","data"],"your0@email.com",true,[["google-oauth2","115015401343387192604","google-oauth2",true],["sms","560ebaeef609ee1adaa7c551","sms",false]]]
        links by token: [["google-oauth2","115015401343387192604","google-oauth2",true],["sms","560ebaeef609ee1adaa7c551","sms",false],["okta","third","okta",false]]
        unlinks: [["google-oauth2","115015401343387192604","google-oauth2",true],["sms","560ebaeef609ee1adaa7c551","sms",false]]
        unlinked: [["google-oauth2","115015401343387192604","google-oauth2",true]]
        alone: [["sms|560ebaeef609ee1adaa7c551","+14258831929","+14258831929","data"],null,false,[["sms","560ebaeef609ee1adaa7c551","sms",false]]]
        deleted: null
        deleted: null
        read when it is gone: User(Unknown("The user does not exist."))
    "#);
}

/// This client knows one domain, and speaks TLS.
#[tokio::test]
async fn the_client_auth0_management_finds_its_users_here() {
    let mut story = program("tests/it/auth0-rust/auth0-management").await;
    let (domain, [sms, third]) = domain().await;
    story.args([&domain.name, &sms, &third]).env("SSL_CERT_FILE", &domain.authority);
    insta::assert_snapshot!(told(story).await, @r#"
        created: [["google-oauth2|115015401343387192604","your0@email.com","John Doe","your0","data"],true,["+14258831929",true],[{"connection":"google-oauth2","isSocial":true,"provider":"google-oauth2"}],{"color":"red","size":7},{"roles":["Admin"]}]
        created again: Auth0("The user already exists.")
        created with a password: Auth0("Payload validation error: 'password is not stored here: people sign in at their providers'.")
        created: [["sms|560ebaeef609ee1adaa7c551","your1@email.com","your1@email.com","your1","data"],false,[null,false],[{"connection":"sms","isSocial":false,"provider":"sms"}],{},{}]
        read: [["google-oauth2|115015401343387192604","your0@email.com","John Doe","your0","data"],true,["+14258831929",true],[{"connection":"google-oauth2","isSocial":true,"provider":"google-oauth2"}],{"color":"red","size":7},{"roles":["Admin"]}]
        listed: ["google-oauth2|115015401343387192604","sms|560ebaeef609ee1adaa7c551"]
        by email: ["google-oauth2|115015401343387192604"]
        by email, its own way: Auth0("Query validation error: 'Additional properties not allowed: email'.")
        updated: [["google-oauth2|115015401343387192604","your0@email.com","John Doe","johnny","data"],true,["+14258831929",true],[{"connection":"google-oauth2","isSocial":true,"provider":"google-oauth2"}],{"shape":{"round":true},"size":7},{"roles":["Admin"]}]
        updated with an email: Auth0("Payload validation error: 'email cannot be updated: the identity's provider states it'.")
        linked by token: [{"connection":"google-oauth2","isSocial":true,"provider":"google-oauth2"},{"connection":"sms","isSocial":false,"provider":"sms"}]
        unlinked by John: [{"connection":"google-oauth2","isSocial":true,"provider":"google-oauth2"}]
        another user's: Auth0("User to be acted on does not match subject in bearer token.")
        linked by ids: [{"connection":"google-oauth2","isSocial":true,"provider":"google-oauth2"},{"connection":"sms","isSocial":false,"provider":"sms"}]
        linked again: Auth0("Specified identity already exists.")
        read: [["google-oauth2|115015401343387192604","your0@email.com","John Doe","johnny","data"],true,["+14258831929",true],[{"connection":"google-oauth2","isSocial":true,"provider":"google-oauth2"},{"connection":"sms","isSocial":false,"provider":"sms"}],{"shape":{"round":true},"size":7},{"roles":["Admin"]}]
        the linked account reads: [["google-oauth2|115015401343387192604","your0@email.com","John Doe","johnny","data"],true,["+14258831929",true],[{"connection":"google-oauth2","isSocial":true,"provider":"google-oauth2"},{"connection":"sms","isSocial":false,"provider":"sms"}],{"shape":{"round":true},"size":7},{"roles":["Admin"]}]
        updates: [["google-oauth2|115015401343387192604","your0@email.com","John Doe","johnny","data"],true,["+14258831929",true],[{"connection":"google-oauth2","isSocial":true,"provider":"google-oauth2"},{"connection":"sms","isSocial":false,"provider":"sms"}],{"by":"phone","shape":{"round":true},"size":7},{"roles":["Admin"]}]
        links by token: [{"connection":"google-oauth2","isSocial":true,"provider":"google-oauth2"},{"connection":"sms","isSocial":false,"provider":"sms"},{"connection":"okta","isSocial":false,"provider":"okta"}]
        unlinks: [{"connection":"google-oauth2","isSocial":true,"provider":"google-oauth2"},{"connection":"sms","isSocial":false,"provider":"sms"}]
        unlinked: [{"connection":"google-oauth2","isSocial":true,"provider":"google-oauth2"}]
        alone: [["sms|560ebaeef609ee1adaa7c551","your1@email.com","your1@email.com","your1","data"],false,[null,false],[{"connection":"sms","isSocial":false,"provider":"sms"}],{},{}]
        created without an email: missing field `email`
        deleted: null
        deleted: null
        deleted: null
        read when it is gone: Auth0("The user does not exist.")
    "#);
}
