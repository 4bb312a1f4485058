//! The description of the surface: it is valid OpenAPI 3.1, and the responses match it.

use std::fs;

use http::Method;
use serde_json::{Value, json};

use crate::support::{
    TestServer,
    auth0::Said,
    child::temp_dir,
    python::{packages, python},
    tokens::Token,
};

const REQUIREMENTS: &str = "tests/it/python/openapi-requirements.txt";
const DESCRIPTION: &str = "/api/v2/openapi.json";

/// Good and refused responses of each operation: the method, the path as in the description, the
/// status and the body.
async fn answers(server: &TestServer) -> Vec<Value> {
    let (backend, ann) = (server.backend(), server.asker(&Token::of("github", "ann")));
    let new = |connection: &str| {
        json!({
            "connection": connection, "user_id": "ann", "email": "ann@example.com", "name": "Ann", "locale": "en",
            "address": {"country": "DE"}, "user_metadata": {"color": "red"},
        })
    };
    let sms = json!({"provider": "sms", "user_id": "ann"});
    let mut answers = Vec::new();
    let mut note = |method: Method, path: &str, said: Said| {
        let (method, status) = (method.as_str().to_lowercase(), said.status.as_u16());
        answers.push(json!({"method": method, "path": format!("/api/v2{path}"), "status": status, "body": said.body}));
    };
    for connection in ["github", "sms", "sms", "nobodys"] {
        note(Method::POST, "/users", backend.post("/api/v2/users", &new(connection)).await);
    }
    note(Method::POST, "/users", ann.post("/api/v2/users", &new("sms")).await);
    for query in
        ["", "?include_totals=true", "?take=1", "?fields=email", "?page=1000", "?color=red"]
    {
        note(Method::GET, "/users", backend.get(&format!("/api/v2/users{query}")).await);
    }
    for query in ["?email=ann@example.com", "?email=bob@example.com", ""] {
        note(
            Method::GET,
            "/users-by-email",
            backend.get(&format!("/api/v2/users-by-email{query}")).await,
        );
    }
    for query in ["", "?include_totals=true", "?take=1", "?fields=id", "?color=red"] {
        let said = backend.get(&format!("/api/v2/connections{query}")).await;
        note(Method::GET, "/connections", said);
    }
    let (imports, exports) = ("/jobs/users-imports", "/jobs/users-exports");
    let users = json!([{"user_id": "ann"}, {"user_id": 5.5}]).to_string();
    let parts: [(&str, &str, &[u8]); 2] =
        [("users", "users.json", users.as_bytes()), ("connection_id", "", b"wallet")];
    let said = backend.post_form(&format!("/api/v2{imports}"), &parts).await;
    let import = said.body["id"].as_str().unwrap().to_owned();
    note(Method::POST, imports, said);
    server.service().done(&format!("operations/{import}")).await;
    note(Method::POST, imports, backend.post_form(&format!("/api/v2{imports}"), &[]).await);
    let fields = json!({"format": "csv", "fields": [{"name": "email", "export_as": "address"}]});
    let said = backend.post(&format!("/api/v2{exports}"), &fields).await;
    let export = said.body["id"].as_str().unwrap().to_owned();
    note(Method::POST, exports, said);
    note(Method::POST, exports, ann.post(&format!("/api/v2{exports}"), &fields).await);
    for job in [import.as_str(), &export, "none"] {
        let path = format!("/api/v2/jobs/{job}");
        note(Method::GET, "/jobs/{id}", backend.get(&path).await);
        note(Method::GET, "/jobs/{id}/errors", backend.get(&format!("{path}/errors")).await);
    }
    let (user, identities) = ("/users/{id}", "/users/{id}/identities");
    let own = "/api/v2/users/github|ann";
    note(Method::POST, identities, backend.post(&format!("{own}/identities"), &sms).await);
    note(Method::POST, identities, backend.post(&format!("{own}/identities"), &sms).await);
    note(
        Method::POST,
        identities,
        ann.post(&format!("{own}/identities"), &json!({"link_with": "x"})).await,
    );
    note(Method::GET, user, ann.get(own).await);
    note(Method::GET, user, server.stranger().get(own).await);
    note(Method::GET, user, backend.get("/api/v2/users/github|bob").await);
    note(Method::PATCH, user, ann.patch(own, &json!({"user_metadata": {"color": null}})).await);
    note(Method::PATCH, user, ann.patch(own, &json!({"blocked": true})).await);
    note(Method::PATCH, user, backend.patch(own, &json!({"name": "x".repeat(200_000)})).await);
    note(Method::DELETE, user, ann.delete("/api/v2/users/github|bob").await);
    let unlink = "/users/{id}/identities/{provider}/{user_id}";
    note(Method::DELETE, unlink, backend.delete(&format!("{own}/identities/sms/ann")).await);
    note(Method::DELETE, unlink, backend.delete(&format!("{own}/identities/sms/ann")).await);
    note(Method::DELETE, user, backend.delete(own).await);
    answers
}

#[tokio::test]
async fn answers_are_what_the_description_says() {
    let server = TestServer::start_auth0().await;
    let described = server.stranger().get(DESCRIPTION).await.ok();
    let mut answers = answers(&server).await;
    // A response that must not match, so that a description that allows everything fails.
    answers.extend([
        json!({"method": "get", "path": "/api/v2/users/{id}", "status": 200, "body": {"user_id": 5}}),
        json!({"method": "get", "path": "/api/v2/users/{id}", "status": 200, "body": {"identities": [{"user_id": "x"}]}}),
        json!({"method": "get", "path": "/api/v2/users/{id}", "status": 200, "body": {"picture": null}}),
        json!({"method": "get", "path": "/api/v2/users/{id}", "status": 404, "body": {"message": "Not Found"}}),
        json!({"method": "get", "path": "/api/v2/users/{id}", "status": 418, "body": null}),
    ]);
    let dir = temp_dir("openapi");
    let [description, recorded] =
        [("described.json", described), ("answers.json", Value::Array(answers))].map(
            |(name, value)| {
                let file = dir.join(name);
                fs::write(&file, value.to_string()).unwrap();
                file.to_str().unwrap().to_owned()
            },
        );
    let check = move || {
        python(
            &[&packages("openapi", REQUIREMENTS)],
            &["tests/it/python/openapi.py", &description, &recorded],
        )
    };
    let told = tokio::task::spawn_blocking(check).await.unwrap();
    insta::assert_snapshot!(told, @r#"
        OpenAPI 3.1.0 valid
        post /api/v2/users 201 as described
        post /api/v2/users 201 as described
        post /api/v2/users 409 as described
        post /api/v2/users 400 as described
        post /api/v2/users 403 as described
        get /api/v2/users 200 as described
        get /api/v2/users 200 as described
        get /api/v2/users 200 as described
        get /api/v2/users 200 as described
        get /api/v2/users 400 as described
        get /api/v2/users 400 as described
        get /api/v2/users-by-email 200 as described
        get /api/v2/users-by-email 200 as described
        get /api/v2/users-by-email 400 as described
        get /api/v2/connections 200 as described
        get /api/v2/connections 200 as described
        get /api/v2/connections 200 as described
        get /api/v2/connections 200 as described
        get /api/v2/connections 400 as described
        post /api/v2/jobs/users-imports 202 as described
        post /api/v2/jobs/users-imports 400 as described
        post /api/v2/jobs/users-exports 200 as described
        post /api/v2/jobs/users-exports 403 as described
        get /api/v2/jobs/{id} 200 as described
        get /api/v2/jobs/{id}/errors 200 as described
        get /api/v2/jobs/{id} 200 as described
        get /api/v2/jobs/{id}/errors 204 as described
        get /api/v2/jobs/{id} 404 as described
        get /api/v2/jobs/{id}/errors 404 as described
        post /api/v2/users/{id}/identities 201 as described
        post /api/v2/users/{id}/identities 409 as described
        post /api/v2/users/{id}/identities 400 as described
        get /api/v2/users/{id} 200 as described
        get /api/v2/users/{id} 401 as described
        get /api/v2/users/{id} 404 as described
        patch /api/v2/users/{id} 200 as described
        patch /api/v2/users/{id} 403 as described
        patch /api/v2/users/{id} 413 as described
        delete /api/v2/users/{id} 403 as described
        delete /api/v2/users/{id}/identities/{provider}/{user_id} 200 as described
        delete /api/v2/users/{id}/identities/{provider}/{user_id} 400 as described
        delete /api/v2/users/{id} 204 as described
        get /api/v2/users/{id} 200 5 is not of type 'string'
        get /api/v2/users/{id} 200 'connection' is a required property 'provider' is a required property 'isSocial' is a required property
        get /api/v2/users/{id} 200 None is not of type 'string'
        get /api/v2/users/{id} 404 'statusCode' is a required property 'error' is a required property
        get /api/v2/users/{id} 418 the status is not described
    "#);
}

/// The parts that clients depend on. Correct them by hand after an intended change.
#[tokio::test]
async fn the_operations_their_statuses_and_their_scopes() {
    let server = TestServer::start_auth0().await;
    let described = server.stranger().get(DESCRIPTION).await.ok();
    let mut told = Vec::new();
    for (path, operations) in described["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let statuses: Vec<&str> =
                operation["responses"].as_object().unwrap().keys().map(String::as_str).collect();
            let security = operation["security"].as_array().unwrap();
            let scopes: Vec<&str> =
                security.iter().map(|needed| needed["bearer"][0].as_str().unwrap()).collect();
            told.push(format!("{method} {path} → {}; {}", statuses.join(" "), scopes.join(" or ")));
        }
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
        get /api/v2/connections → 200 400 401 403 404 409 429 500 503 504; read:connections
        post /api/v2/jobs/users-exports → 200 400 401 403 404 408 409 413 415 429 500 503 504; export:users
        post /api/v2/jobs/users-imports → 202 400 401 403 404 408 409 413 415 429 500 503 504; import:users
        get /api/v2/jobs/{id} → 200 400 401 403 404 409 429 500 503 504; export:users or import:users
        get /api/v2/jobs/{id}/errors → 200 204 400 401 403 404 409 429 500 503 504; export:users or import:users
        get /api/v2/users → 200 400 401 403 404 409 429 500 503 504; read:users
        post /api/v2/users → 201 400 401 403 404 408 409 413 415 429 500 503 504; create:users
        get /api/v2/users-by-email → 200 400 401 403 404 409 429 500 503 504; read:users
        delete /api/v2/users/{id} → 204 400 401 403 404 409 429 500 503 504; delete:current_user or delete:users
        get /api/v2/users/{id} → 200 400 401 403 404 409 429 500 503 504; read:current_user or read:users
        patch /api/v2/users/{id} → 200 400 401 403 404 408 409 413 415 429 500 503 504; update:current_user_metadata or update:users
        post /api/v2/users/{id}/identities → 201 400 401 403 404 408 409 413 415 429 500 503 504; update:current_user_identities or update:users
        delete /api/v2/users/{id}/identities/{provider}/{user_id} → 200 400 401 403 404 409 429 500 503 504; update:current_user_identities or update:users
    "#);
}
