//! What a flow leaves in the log.

use rustix::process::Signal;
use tonic::transport::Endpoint;

use super::*;
use crate::support::{Caller, child::Running, tokens::Token, web_server::Answer};

/// A50: why a sign-in fails is logged, and nothing that opens anything, however much is logged.
#[tokio::test]
async fn no_secret_of_a_flow_is_logged() {
    let fake = FakeOidc::start(json!({"sub": "alice", "name": "Alice Secret"})).await;
    let database = cluster().db_migrated().await;
    let clients = oidc("fake", &fake.issuer);
    let change =
        |toml: String| format!("log = \"trace,h2=off,tokio_postgres=off,postgres_protocol=off\"\n{toml}{clients}");
    let (child, address) = Running::serve(&database, change);
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
    let mut secrets = vec![CLIENT_SECRET.to_owned(), "access-token-of-the-fake".to_owned(), "Alice Secret".to_owned()];
    for answer in
        [None, Some(Answer::new("400 Bad Request", "", r#"{"error":"invalid_grant","error_description":"leaked"}"#))]
    {
        if let Some(answer) = answer {
            fake.web.answer("/token", answer);
        }
        let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
        let request = come_back(&begun).await;
        secrets.extend([begun.attempt_secret, request.state.clone(), request.code.clone(), "leaked".to_owned()]);
        drop(service.complete_sign_in(request).await);
    }
    secrets.extend(fake.web.asked_for("/token").iter().map(|asked| asked.form["code_verifier"].clone()));

    child.signal(Signal::TERM);
    let said = child.finish().stderr;

    assert!(said.contains("it does not accept the code: invalid_grant"), "{said}");
    for secret in secrets {
        let line = said.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
}
