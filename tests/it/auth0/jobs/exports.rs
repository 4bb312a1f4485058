//! `POST /jobs/users-exports`, and the file behind its link.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::{DATABASE, EXPORTS, timeless};
use crate::support::{TestServer, auth0::AUTH0, cluster::cluster};

/// Creates a user at Google with a linked account at GitHub, and one of a database.
async fn people(server: &TestServer) {
    let backend = server.backend();
    let mara = json!({
        "connection": "google-oauth2", "user_id": "1", "email": "mara@example.com", "name": "=cmd|' /C calc'!A0",
        "user_metadata": {"color": "red", "size": 7},
    });
    backend.post("/api/v2/users", &mara).await.ok();
    backend.post("/api/v2/users", &json!({"connection": "github", "user_id": "2"})).await.ok();
    let link = json!({"provider": "github", "user_id": "2"});
    backend.post("/api/v2/users/google-oauth2|1/identities", &link).await.ok();
    let tom = json!({"connection": DATABASE, "user_id": "tom", "name": "Tom, \"T\""});
    backend.post("/api/v2/users", &tom).await.ok();
}

/// The path of a job's link.
pub(crate) fn path(job: &Value) -> String {
    let location = job["location"].as_str().unwrap();
    location.strip_prefix("https://localhost").unwrap().to_owned()
}

/// The file behind a link, which needs no token.
pub(crate) async fn downloaded(server: &TestServer, path: &str) -> String {
    let response = server.stranger().get_bytes(path).await;
    assert_eq!(response.status(), 200, "{response:?}");
    let mut text = String::new();
    GzDecoder::new(&*response.into_body().unwrap()).read_to_string(&mut text).unwrap();
    text
}

async fn exported(server: &TestServer, body: &Value) -> String {
    let job = server.backend().post(EXPORTS, body).await.ok();
    downloaded(server, &path(&job)).await
}

#[tokio::test]
async fn a_service_exports_users_by_a_link() {
    let server = TestServer::start_auth0().await;
    people(&server).await;

    let said = server.backend().post(EXPORTS, &json!({"format": "json"})).await;

    assert_eq!(said.status, 200);
    let started = said.ok();
    let job = server
        .backend()
        .get(&format!("/api/v2/jobs/{}", started["id"].as_str().unwrap()))
        .await
        .ok();
    insta::assert_snapshot!(timeless(job.clone()), @r#"{"format":"json","percentage_done":100,"status":"completed","type":"users_export"}"#);
    let response = server.stranger().get_bytes(&path(&job)).await;
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        ["content-type", "content-disposition", "cache-control", "referrer-policy"].map(header),
        ["application/gzip", "attachment; filename=\"users.json.gz\"", "no-store", "no-referrer"]
    );
    let text = downloaded(&server, &path(&job)).await;
    let users: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<&Value> = users.iter().map(|user| &user["user_id"]).collect();
    assert_eq!(ids, ["auth0|tom", "google-oauth2|1"]);
    let one_by_one = server.backend().get("/api/v2/users/google-oauth2|1").await.ok();
    assert_eq!(users[1], one_by_one);
    let kept = "SELECT count(*)::text FROM job_lines";
    assert_eq!(server.database.db_texts(kept).await, ["0"]);
}

#[tokio::test]
async fn an_export_has_the_fields_the_users_and_the_form_that_are_asked_for() {
    let server = TestServer::start_auth0().await;
    people(&server).await;
    let fields = json!([
        {"name": "user_id"}, {"name": "name"}, {"name": "user_metadata.color", "export_as": "color"},
        {"name": "identities[1].provider", "export_as": "second"}, {"name": "email_verified"},
    ]);

    let csv = exported(&server, &json!({"format": "csv", "fields": fields})).await;
    insta::assert_snapshot!(csv, @r#"
        "user_id","name","color","second","email_verified"
        "'auth0|tom","'Tom, ""T""",,,false
        "'google-oauth2|1","'=cmd|' /C calc'!A0","'red","'github",false
    "#);
    let json = exported(&server, &json!({"fields": fields})).await;
    insta::assert_snapshot!(json, @r#"
    {"email_verified":false,"name":"Tom, \"T\"","user_id":"auth0|tom"}
    {"color":"red","email_verified":false,"name":"=cmd|' /C calc'!A0","second":"github","user_id":"google-oauth2|1"}
    "#);
    let ids = json!([{"name": "user_id"}]);
    let of_github = json!({"fields": ids, "connection_id": "github"});
    assert_eq!(exported(&server, &of_github).await, "{\"user_id\":\"google-oauth2|1\"}\n");
    let first = json!({"fields": ids, "limit": 1});
    assert_eq!(exported(&server, &first).await, "{\"user_id\":\"auth0|tom\"}\n");
    let usual = exported(&server, &json!({"format": "csv", "connection_id": DATABASE})).await;
    let header = usual.lines().next().unwrap();
    insta::assert_snapshot!(header, @r#""user_id","email","email_verified","identities[0].connection","username","phone_number","name","given_name","family_name","nickname","created_at","updated_at""#);
    assert_eq!(
        (exported(&server, &json!({})).await.lines().count(), usual.lines().count()),
        (2, 2)
    );
}

/// However many accounts of it a user has, and however many pages they are on.
#[tokio::test]
async fn an_export_of_a_connection_has_each_of_its_users_once() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for (connection, user_id) in
        [("github", "a"), ("github", "m"), ("github", "z"), (DATABASE, "b"), ("auth0", "c")]
    {
        let body = json!({"connection": connection, "user_id": user_id});
        backend.post("/api/v2/users", &body).await.ok();
    }
    let link = json!({"provider": "github", "user_id": "z"});
    backend.post("/api/v2/users/github|a/identities", &link).await.ok();
    // More accounts than a page has, between the two of one user.
    let many = "INSERT INTO users (tenant_id, id, create_time, update_time, primary_provider, primary_subject, ancestors) \
          SELECT 'default', 'many_' || n, now(), now(), 'github', 'many_' || n, '{}' FROM generate_series(1, 3000) n; \
        INSERT INTO identities (tenant_id, provider, subject, owner_id, home_id, ordinal, connection, social, attach_time) \
          SELECT 'default', 'github', 'many_' || n, 'many_' || n, 'many_' || n, 0, 'github', false, now() \
          FROM generate_series(1, 3000) n";
    server.database.db_execute(many).await;
    let exported = async |connection: &str| {
        let body = json!({"connection_id": connection, "fields": [{"name": "user_id"}]});
        let lines = exported(&server, &body).await;
        let id = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["user_id"].as_str().unwrap().to_owned()
        };
        lines.lines().map(id).collect::<Vec<_>>()
    };

    let mut of_github = exported("github").await;
    assert_eq!((of_github.len(), of_github[0].as_str()), (3002, "github|a"));
    of_github.sort();
    of_github.dedup();
    assert_eq!(of_github.len(), 3002);
    // Two connections of one provider.
    assert_eq!(exported(DATABASE).await, ["auth0|b"]);
    assert_eq!(exported("auth0").await, ["auth0|c"]);
}

#[tokio::test]
async fn a_wrong_request_is_refused_with_all_that_is_wrong() {
    let server = TestServer::start_auth0().await;
    let mut shown = Vec::new();
    for body in [
        json!({"format": "xml"}),
        json!({"color": "red"}),
        json!({"limit": 0, "fields": [{"name": ""}, {"name": "a..b"}, {"name": "a", "export_as": "b"}, {"name": "b"}]}),
        json!({"limit": -1}),
        json!({"format": "csv", "fields": [{"name": "user_metadata"}, {"name": "identities"}]}),
        json!({"fields": (0..31).map(|at| json!({"name": format!("f{at}")})).collect::<Vec<_>>()}),
        json!({"connection_id": "nowhere"}),
    ] {
        shown.push(server.backend().post(EXPORTS, &body).await.refused());
    }
    insta::assert_snapshot!(shown.join("\n"), @r#"
        400 invalid_body Payload validation error: 'format: unknown variant `xml`, expected `json` or `csv`'.
        400 invalid_body Payload validation error: 'color: unknown field `color`, expected one of `connection_id`, `format`, `limit`, `fields`'.
        400 invalid_body Payload validation error: 'limit: must be at least 1; fields[0].name: must be a path such as user_metadata.color, of at most 255 characters; fields[0].export_as: must have 1 to 255 characters; fields[1].name: must be a path such as user_metadata.color, of at most 255 characters; fields[3].export_as: is the name of an earlier field'.
        400 invalid_body Payload validation error: 'limit: invalid value: integer `-1`, expected u64'.
        400 invalid_body Payload validation error: 'fields[0].name: is not one value: CSV needs its fields one by one, such as user_metadata.color; fields[1].name: is not one value: CSV needs its fields one by one, such as user_metadata.color'.
        400 invalid_body Payload validation error: 'fields: must be at most 30'.
        400 inexistent_connection The connection does not exist.
    "#);
}

#[tokio::test]
async fn the_link_begins_with_the_configured_url() {
    let database = cluster().db_migrated().await;
    let with_url = AUTH0.replace("[auth0]\n", "[auth0]\nurl = \"https://login.example.com\"\n");
    let server = TestServer::start_with(database, |toml| toml + &with_url).await;

    let job = server.backend().post(EXPORTS, &json!({})).await.ok();

    let location = job["location"].as_str().unwrap();
    assert!(location.starts_with("https://login.example.com/api/v2/exports/"), "{location}");
}
