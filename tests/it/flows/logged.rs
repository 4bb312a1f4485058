//! What a flow writes to the log.

use rustix::process::Signal;
use tonic::transport::Endpoint;

use super::*;
use crate::support::{Caller, child::Running, tokens::Token, web_server::Answer};

/// A50: the log contains the reason of a failed sign-in, and no secret at any log level. A provider's
/// description is one bounded line, without what may be a secret or an email.
#[tokio::test]
async fn no_secret_of_a_flow_is_logged() {
    let fake = FakeOidc::start(json!({"sub": "alice", "name": "Alice Secret"})).await;
    let database = cluster().db_migrated().await;
    let clients = oidc("fake", &fake.issuer);
    let change = |toml: String| {
        format!("log = \"trace,h2=off,tokio_postgres=off,postgres_protocol=off\"\n{toml}{clients}")
    };
    let (child, address) = Running::serve(&database, change);
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
    let mut secrets = vec![
        CLIENT_SECRET.to_owned(),
        "access-token-of-the-fake".to_owned(),
        "Alice Secret".to_owned(),
    ];
    let refused = |status, error: &str, description: &str| {
        Some(Answer::new(
            status,
            "",
            &json!({"error": error, "error_description": description}).to_string(),
        ))
    };
    let word = "leaked".repeat(7);
    let lines =
        format!("no such code\r\n{{\"level\":\"ERROR\"}}\u{1b}[2J for leaked@example.com {word}");
    for answer in [
        None,
        refused("400 Bad Request", "invalid_grant", &lines),
        refused("400 Bad Request", "invalid_grant", &format!("leaked: {CLIENT_SECRET}")),
        refused("401 Unauthorized", "invalid_client", ""),
    ] {
        if let Some(answer) = answer {
            fake.web.answer("/token", answer);
        }
        let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
        let request = come_back(&begun).await;
        secrets.extend([
            begun.attempt_secret,
            request.state.clone(),
            request.code.clone(),
            "leaked".to_owned(),
        ]);
        drop(service.complete_sign_in(request).await);
    }
    for error in ["access_denied", "leaked by way of the browser"] {
        let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
        let back = Form::from([("state".to_owned(), asked_for(&begun)["state"].clone())]);
        let request =
            pb::CompleteSignInRequest { error: error.to_owned(), ..brought_back(&begun, &back) };
        drop(service.complete_sign_in(request).await);
    }
    secrets.extend(
        fake.web.asked_for("/token").iter().map(|asked| asked.form["code_verifier"].clone()),
    );

    child.signal(Signal::TERM);
    let said = child.finish().stderr;

    let why = |level: &str| {
        let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let lines = lines.filter(|line| line["level"] == level && line["tenant"] == "default");
        lines.filter_map(|line| Some(line.get("why")?.as_str()?.to_owned())).collect::<Vec<_>>()
    };
    let sent_back = [
        "it sent the browser back with access_denied",
        "it sent the browser back with another error",
    ];
    assert_eq!(
        why("INFO"),
        [
            r#"it does not accept the code: invalid_grant, "no such code {\"level\":\"ERROR\"} [2J for … …""#,
            "it does not accept the code: invalid_grant, (a description that repeats what was sent is left out)",
            sent_back[0],
            sent_back[1]
        ],
        "{said}"
    );
    assert_eq!(
        why("WARN"),
        [
            r#"invalid_client; the client authenticated by client_secret_basic: for a provider that takes forms only, set token_endpoint_auth_method = "client_secret_post""#
        ],
        "only the operator can fix this"
    );
    for secret in secrets {
        let line = said.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
}
