//! Settings that do not fit the provider's metadata are reported before a person signs in.

use rustix::process::Signal;
use tonic::transport::Endpoint;

use super::*;
use crate::support::{child::Running, tokens::Token};

/// What no sign-in can succeed with starts none, and is logged at the start already.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_a_common_algorithm_starts_no_flow() {
    let fake = FakeOidc::start(alice()).await;
    fake.metadata_with(&json!({"id_token_signing_alg_values_supported": ["EdDSA"]}));
    let database = cluster().db_migrated().await;
    let clients = oidc("fake", &fake.issuer);
    let (mut child, address) = Running::serve(&database, |toml| toml + &clients);
    let why = |line: &str| {
        serde_json::from_str::<Value>(line).unwrap()["why"].as_str().unwrap().to_owned()
    };
    let expected = r#"it signs ID tokens with EdDSA, and algorithms is ES256, RS256: set algorithms = ["EdDSA"]"#;
    let line = child.stderr_with(|line| {
        line.contains("a client's settings may not fit its provider's metadata")
    });
    assert_eq!(why(&line), expected);

    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
    let outcome = service.start_sign_in(to_sign_in("fake")).await;

    assert_eq!(refusal(outcome), "FailedPrecondition PROVIDER_REJECTED");
    let line = child.stderr_with(|line| line.contains("no sign-in was started"));
    assert_eq!(why(&line), expected);
    child.signal(Signal::TERM);
    assert_eq!(database.db_texts("SELECT provider FROM sign_in_attempts").await, [""; 0]);
}

/// Metadata may be incomplete: a scope that they do not list may be there.
#[tokio::test]
async fn what_the_metadata_may_have_left_out_does_not_keep_people_out() {
    let (fake, server) = fake_and_server().await;
    fake.metadata_with(&json!({
        "scopes_supported": ["openid"],
        "response_modes_supported": ["fragment"],
        "response_types_supported": [],
    }));
    decision(sign_in(&server, "fake").await);
}
