//! What the log contains about calls over HTTP, and what it never contains.

use http::{Method, Request};
use hyper::body::Bytes;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{
    auth0::{AUTH0, Asker},
    child::Running,
    cluster::cluster,
    tokens::Token,
};

const EMAIL: &str = "ann.secret@example.com";
const SESAME: &str = "open-sesame";

/// G23: a line names the route, never the user of the call.
#[tokio::test(flavor = "multi_thread")]
async fn each_call_leaves_one_line_and_nothing_that_was_told_in_confidence() {
    let database = cluster().db_migrated().await;
    let log = "log = \"info,identity_link=trace\"\n";
    let (child, address) = Running::serve(&database, |toml| format!("{log}{toml}") + AUTH0);
    let (backend, person) =
        (Token::of("services", "backend").sign(), Token::of("github", SESAME).sign());
    let proof = Token::of("sms", SESAME).sign();
    let [service, user, garbage, stranger] =
        [Some(backend.clone()), Some(person.clone()), Some(SESAME.to_owned()), None]
            .map(|token| Asker::at(address, token));
    let new = |connection: &str| {
        json!({
            "connection": connection, "user_id": SESAME, "email": EMAIL, "email_verified": true, "name": SESAME,
            "user_metadata": {"color": SESAME},
        })
    };
    let own = format!("/api/v2/users/github%7C{SESAME}");
    for connection in ["github", "sms", "sms", SESAME] {
        service.post("/api/v2/users", &new(connection)).await;
    }
    service.get(&format!("/api/v2/users-by-email?email={EMAIL}")).await.ok();
    service.get(&format!("/api/v2/users?q=email:%22{EMAIL}%22")).await.ok();
    service.get(&format!("/api/v2/users?{SESAME}={EMAIL}")).await;
    user.get(&own).await.ok();
    user.patch(&own, &json!({"user_metadata": {"color": SESAME}})).await.ok();
    user.patch(&own, &json!({"app_metadata": {"color": SESAME}})).await;
    user.post(&format!("{own}/identities"), &json!({"link_with": format!("{proof}x")})).await;
    user.post(&format!("{own}/identities"), &json!({"link_with": proof})).await.ok();
    user.delete(&format!("{own}/identities/sms/{SESAME}")).await.ok();
    garbage.get(&own).await;
    stranger.get(&format!("/api/v2/{SESAME}")).await;
    stranger.get("/api/v2/openapi.json").await.ok();
    user.send(Request::builder().method(Method::PUT).uri(&own).body(Bytes::new()).unwrap()).await;
    service.delete(&own).await;

    child.signal(Signal::TERM);
    let ran = child.finish();
    let tokens =
        [backend, person, proof].map(|token| token.split('.').nth(1).unwrap()[..16].to_owned());
    for secret in tokens.iter().map(String::as_str).chain([EMAIL, "secret@", SESAME]) {
        assert_eq!(
            ran.stderr.lines().find(|line| line.contains(secret)),
            None,
            "{secret} is in the log"
        );
    }
    let lines = ran.stderr.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let calls = lines.filter(|line| line["target"] == "identity_link::call");
    let calls: Vec<String> = calls
        .map(|line| {
            ["rpc", "caller", "code", "reason"]
                .map(|key| line[key].as_str().unwrap().to_owned())
                .join(" ")
                .trim_end()
                .to_owned()
                .trim_end()
                .to_owned()
        })
        .collect();
    insta::assert_snapshot!(calls.join("\n"), @r#"
        POST /api/v2/users service 201
        POST /api/v2/users service 201
        POST /api/v2/users service 409 auth0_idp_error
        POST /api/v2/users service 400 inexistent_connection
        GET /api/v2/users-by-email service 200
        GET /api/v2/users service 200
        GET /api/v2/users service 400 invalid_query_string
        GET /api/v2/users/{id} user 200
        PATCH /api/v2/users/{id} user 200
        PATCH /api/v2/users/{id} user 403 insufficient_scope
        POST /api/v2/users/{id}/identities user 400 invalid_body
        POST /api/v2/users/{id}/identities user 201
        DELETE /api/v2/users/{id}/identities/{provider}/{user_id} user 200
        GET /api/v2/users/{id} none 401
        ? none 404
        ? none 200
        ? none 405
        DELETE /api/v2/users/{id} service 204
    "#);
}
