//! How the client authenticates at providers that read `client_secret_basic` in three ways.

use rustix::process::Signal;
use tonic::transport::Endpoint;

use super::*;
use crate::support::{child::Running, fake_codes::ReadsBasic, tokens::Token, web_server::Answer};

/// A secret whose form-encoding is another text, as django-allauth generates them.
const SPECIAL: &str = "p+q/r==~ %41";

/// A client with this secret, with further settings.
fn with_secret(fake: &FakeOidc, secret: &str, further: &str) -> String {
    client("fake", "oidc", &format!("issuer = \"{}\"\n{further}", fake.issuer))
        .replace(CLIENT_SECRET, secret)
}

/// Signs in at a provider that reads a secret so and has these metadata. Returns the outcome, and
/// whether the secret was in the header, or in the form.
async fn outcome(reads: ReadsBasic, methods: Value, further: &str) -> (&'static str, bool, bool) {
    let fake = FakeOidc::start(alice()).await;
    fake.client(SPECIAL, reads);
    fake.metadata_with(&json!({ "token_endpoint_auth_methods_supported": methods }));
    let server = server_with(&with_secret(&fake, SPECIAL, further)).await;
    let outcome = match sign_in(&server, "fake").await {
        Ok(_) => "signed in",
        Err(status) => {
            assert_eq!(refusal::<()>(Err(status)), "FailedPrecondition PROVIDER_REJECTED");
            "rejected"
        }
    };
    let asked = fake.web.asked_for("/token").remove(0);
    (outcome, asked.headers.contains_key("authorization"), asked.form.contains_key("client_secret"))
}

#[tokio::test]
async fn an_explicit_method_wins_and_fits_one_way_of_reading() {
    let (in_header, in_form) = ((true, false), (false, true));
    for (method, good, place) in [
        ("client_secret_basic", vec![ReadsBasic::Decoded], in_header),
        ("client_secret_basic_raw", vec![ReadsBasic::AsItIs], in_header),
        (
            "client_secret_post",
            vec![ReadsBasic::Decoded, ReadsBasic::AsItIs, ReadsBasic::NotAtAll],
            in_form,
        ),
    ] {
        for reads in [ReadsBasic::Decoded, ReadsBasic::AsItIs, ReadsBasic::NotAtAll] {
            // The metadata say otherwise.
            for methods in
                [json!(["private_key_jwt"]), json!(["client_secret_post", "client_secret_basic"])]
            {
                let further = format!("token_endpoint_auth_method = \"{method}\"");
                let expected = if good.contains(&reads) { "signed in" } else { "rejected" };
                let got = outcome(reads, methods, &further).await;
                assert_eq!(got, (expected, place.0, place.1), "{method} {reads:?}");
            }
        }
    }
}

#[tokio::test]
async fn without_a_method_a_secret_that_encoding_changes_is_sent_in_a_form_if_that_is_offered() {
    for reads in [ReadsBasic::Decoded, ReadsBasic::AsItIs, ReadsBasic::NotAtAll] {
        let both = json!(["client_secret_basic", "client_secret_post"]);
        assert_eq!(outcome(reads, both, "").await, ("signed in", false, true), "{reads:?}");
    }
    // Otherwise it is sent as RFC 6749 says.
    for methods in [Value::Null, json!(["client_secret_basic"])] {
        let got = outcome(ReadsBasic::Decoded, methods, "").await;
        assert_eq!(got, ("signed in", true, false));
    }
}

/// A secret that encoding leaves as it is, is sent in the header, as before.
#[tokio::test]
async fn a_plain_secret_is_sent_in_the_header() {
    let (fake, server) = fake_and_server().await;
    fake.metadata_with(&json!({"token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]}));
    decision(sign_in(&server, "fake").await);
    assert!(fake.web.asked_for("/token")[0].headers.contains_key("authorization"));
}

/// The log says how the client authenticated, and what to set. A50: it does not contain the secret.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_not_accepted_is_logged_with_the_setting_to_change() {
    let fake = FakeOidc::start(alice()).await;
    fake.client(SPECIAL, ReadsBasic::AsItIs);
    let database = cluster().db_migrated().await;
    let clients = with_secret(&fake, SPECIAL, "");
    let (mut child, address) = Running::serve(&database, |toml| toml + &clients);
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    drop(service.complete_sign_in(come_back(&begun).await).await);
    // A proxy in front of the provider, say, refuses the client without the JSON of RFC 6749.
    fake.web.answer("/token", Answer::new("401 Unauthorized", "", "<html>"));
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    drop(service.complete_sign_in(come_back(&begun).await).await);

    child.stderr_with(|line| line.contains("may not fit"));
    child.signal(Signal::TERM);
    let said = child.finish().stderr;
    let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines = lines.filter(|line| line["provider"] == "fake").map(|line| {
        format!(
            "{} {} | {}",
            line["level"].as_str().unwrap(),
            line["message"].as_str().unwrap(),
            line["why"].as_str().unwrap()
        )
    });
    let mut lines: Vec<String> = lines.collect();
    // The comparison at the start may end after the sign-in.
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    WARN a client's settings may not fit its provider's metadata | it takes the client by client_secret_basic, whose encoding (RFC 6749 §2.3.1) changes its id or secret: set token_endpoint_auth_method: "client_secret_basic" if the provider decodes them, else "client_secret_basic_raw"
    WARN a provider does not accept the client: check its id and secret | invalid_client; the client authenticated by client_secret_basic, whose encoding (RFC 6749 §2.3.1) changes its id or secret: for a provider that does not decode them, set token_endpoint_auth_method = "client_secret_basic_raw"; for one that takes forms, "client_secret_post"
    WARN a provider does not accept the client: check its id and secret | status 401; the client authenticated by client_secret_basic, whose encoding (RFC 6749 §2.3.1) changes its id or secret: for a provider that does not decode them, set token_endpoint_auth_method = "client_secret_basic_raw"; for one that takes forms, "client_secret_post"
    "#);
    assert!(!said.contains(SPECIAL), "{said}");
}
