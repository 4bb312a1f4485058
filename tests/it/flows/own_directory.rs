//! Emails of an organisation's own directory, which says nothing of their verification.

use super::*;
use crate::support::web_server::Answer;

const DIRECTORY: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
const OBJECT: &str = "690222be-ff1a-4d56-abd1-7e4f7d38e474";
/// The trust of `client`, and that in an own directory.
const TRUST: [&str; 2] = [
    "email_trust = \"when_verified\"",
    "email_trust = \"own_directory\"\nauthoritative_domains = [\"Acme.example.com\"]",
];

/// A directory in whose domain an email counts, and a server with a client there.
async fn directory_and_server() -> (FakeOidc, TestServer) {
    let fake = FakeOidc::start(json!({"sub": "1"})).await;
    let server = server_with(&oidc("ours", &fake.issuer).replace(TRUST[0], TRUST[1])).await;
    (fake, server)
}

async fn counts(server: &TestServer) -> bool {
    let user = decision(sign_in(server, "ours").await).user.unwrap();
    user.identities[0].email_verified
}

/// A06: only addresses of the organisation count, and only where the directory says nothing else.
#[tokio::test]
async fn an_email_of_an_own_directory_counts_in_its_domains_without_a_statement() {
    let (fake, server) = directory_and_server().await;
    for (sub, email, further, expected) in [
        ("1", "ann@acme.example.com", json!({}), true),
        ("2", "Bob@ACME.example.com", json!({}), true),
        ("3", "cat@acme.example.com", json!({"email_verified": true}), true),
        ("4", "dan@acme.example.com", json!({"email_verified": false}), false),
        ("5", "eve@acme.example.com", json!({"email_verified": "true"}), false),
        ("6", "fay@acme.example.com", json!({"email_verified": null}), false),
        ("7", "ceo@victim.example.com", json!({}), false),
        ("8", "ceo@victim.example.com", json!({"email_verified": true}), false),
        ("9", "gus@sub.acme.example.com", json!({}), false),
        ("10", "hal@notacme.example.com", json!({}), false),
        ("11", "ceo@victim.example.com@acme.example.com", json!({}), false),
        ("12", "acme.example.com", json!({}), false),
    ] {
        let mut person = json!({"sub": sub, "email": email});
        person.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        fake.person(person);
        assert_eq!(counts(&server).await, expected, "{email} {further}");
    }
}

/// A07: the silence of one document is no statement beside the other's.
#[tokio::test]
async fn a_statement_in_the_id_token_goes_before_the_silence_of_userinfo() {
    let (fake, server) = directory_and_server().await;
    fake.person(json!({"sub": "1", "email_verified": false}));
    let userinfo = json!({"sub": "1", "email": "ann@acme.example.com"});
    fake.web.answer("/userinfo", Answer::ok(&userinfo.to_string()));
    assert!(!counts(&server).await);
    fake.person(json!({"sub": "2"}));
    let userinfo = json!({"sub": "2", "email": "bob@acme.example.com"});
    fake.web.answer("/userinfo", Answer::ok(&userinfo.to_string()));
    assert!(counts(&server).await);
}

/// Microsoft says nothing without the optional claim `xms_edov`.
#[tokio::test]
async fn the_email_of_ones_own_microsoft_directory_counts() {
    let fake = FakeOidc::start(json!({})).await;
    let issuer = format!("{}/{DIRECTORY}/v2.0", fake.issuer);
    let mut metadata = fake_oidc::metadata(&fake.issuer);
    metadata["issuer"] = json!(issuer);
    metadata["authorization_response_iss_parameter_supported"] = json!(false);
    let path = format!("/{DIRECTORY}/v2.0/.well-known/openid-configuration");
    fake.web.answer(&path, Answer::ok(&metadata.to_string()));
    fake.lie(move |token| token.with("iss", issuer.as_str()).sign());
    let further = format!("issuer = \"{}\"\ndirectory = \"{DIRECTORY}\"", fake.issuer);
    let toml = client("ours", "oidc", &further)
        .replacen("kind = \"oidc\"", "preset = \"microsoft\"", 1)
        .replace(TRUST[0], TRUST[1]);
    let server = server_with(&toml).await;
    let person = |object: &str, edov: Value| {
        let mut person = json!({"sub": object, "tid": DIRECTORY, "oid": object, "email": "ann@acme.example.com"});
        person.as_object_mut().unwrap().extend(edov.as_object().unwrap().clone());
        person
    };
    for (object, edov, expected) in [
        (OBJECT, json!({}), true),
        ("190222be-ff1a-4d56-abd1-7e4f7d38e474", json!({"xms_edov": false}), false),
    ] {
        fake.person(person(object, edov));
        let begun = server.service().start_sign_in(to_sign_in("ours")).await.unwrap();
        let request = pb::CompleteSignInRequest { iss: String::new(), ..come_back(&begun).await };
        let came = decision(server.service().complete_sign_in(request).await);
        assert_eq!(came.user.unwrap().identities[0].email_verified, expected, "{object}");
    }
}
