//! People of a SAML identity provider, who come through a bridge that speaks OpenID Connect: SATOSA. By
//! hand, since its packages are for one version of Python and need `xmlsec1`:
//! `cargo test --test it -- --ignored flows::bridge`.

use std::process::Command;

use super::*;
use crate::support::{
    child::Running,
    debian,
    python::{packages, python},
};

const REQUIREMENTS: &str = "tests/it/saml-bridge/requirements.txt";

/// The user of two sign-ins as Alice, through a bridge with this salt for its subjects.
async fn signed_in_twice(salt: &str) -> pb::User {
    debian::program(&["xmlsec1"]);
    let packages = packages("saml-bridge", REQUIREMENTS);
    let settings = json!({
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [redirect_uri("saml")],
        "salt": salt,
        "people": {"alice": {"mail": ["alice@example.com"], "displayName": ["Alice"]}},
        // The name that the identity provider has given her for this bridge, once.
        "name_ids": {"alice": "persistent-name-of-alice"},
    });
    let mut command = Command::new("python3");
    command
        .args(["-W", "ignore", "tests/it/saml-bridge/bridge.py", &settings.to_string()])
        .env("PYTHONPATH", &packages);
    let mut bridge = Running::start(command);
    let line = bridge.stdout_until(|line| line.starts_with("issuer "));
    let words: Vec<&str> = line.split_whitespace().collect();
    let (issuer, authority) = (words[1], words[2]);
    let further = format!("issuer = \"{issuer}\"\nca = \"{authority}\"");
    let server = server_with(&client("saml", "oidc", &further)).await;

    let mut users = Vec::new();
    for _ in 0..2 {
        let begun = server.service().start_sign_in(to_sign_in("saml")).await.unwrap();
        let url = begun.authorization_url.as_str();
        let browser = "tests/it/saml-bridge/browser.py";
        let back = python(&[&packages], &[browser, url, "alice", &redirect_uri("saml"), authority]);
        let request = brought_back(&begun, &form::parse(back.trim()));
        let decided = decision(server.service().complete_sign_in(request).await);
        users.push(decided.user.unwrap());
    }
    assert_eq!(users[0].id, users[1].id);
    users.remove(0)
}

/// The bridge names a person in the same way each time, also after its restart, only if it has a salt
/// of its own. It does not say that an email is verified.
#[tokio::test]
#[ignore = "its packages are for one version of Python: run it by hand"]
async fn a_person_of_a_saml_identity_provider_is_one_user() {
    let [first, again] = [signed_in_twice("a-salt").await, signed_in_twice("a-salt").await];
    let identity = &first.identities[0];
    assert_eq!(identity.email, "alice@example.com");
    assert!(!identity.email_verified);
    assert_eq!(json(&identity.profile_data), json!({"name": "Alice"}));
    assert_eq!(identity.identity_ref, again.identities[0].identity_ref);

    let [one, other] = [signed_in_twice("").await, signed_in_twice("").await];
    assert_ne!(one.identities[0].identity_ref, other.identities[0].identity_ref);
}
