//! Auth0's own clients import and export users here.

use std::{fs, process::Command};

use identity_link_dev::packages::install_all;

use crate::{
    auth0::{
        node::{SOURCE, tokens},
        python::REQUIREMENTS,
    },
    support::{
        auth0_domain::Auth0Domain, child::run_command, fetched::fetched_dir, npm, tokens::Token,
    },
};

/// What the program for Node.js comes to with this client.
async fn by_node(generation: &'static str) -> String {
    let domain = Auth0Domain::start().await;
    let tokens = tokens().to_string();
    let run = move || {
        let mut command = npm::program(SOURCE, "jobs.mjs");
        command
            .args([generation, &domain.name, &tokens])
            .env("NODE_EXTRA_CA_CERTS", &domain.authority);
        run_command(command)
    };
    let ran = tokio::task::spawn_blocking(run).await.unwrap();
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    ran.stdout
}

#[tokio::test]
async fn the_clients_for_node_import_and_export_users() {
    let told = by_node("auth0").await;
    insta::assert_snapshot!(told, @r#"
        imported: {"type":"users_import","status":"completed","connection_id":"Username-Password-Authentication","connection":"Username-Password-Authentication","external_id":"monday","upsert":false,"send_completion_email":false,"percentage_done":100,"summary":{"failed":1,"updated":0,"inserted":1,"total":2},"status_details":"Left out: passwords (1)."}
        its errors: [{"errors":[{"code":"FORMAT","message":"This is missing: it has to be the id that the account has at its provider, or no sign-in finds the user.","path":"user_id"}],"user":{"email":"nobody@example.com"}}]
        without errors: null
        an upsert: [400,"Payload validation error: 'upsert: must be false: an import changes no user that is here already, PATCH /users/{id} does'."]
        exported: {"type":"users_export","status":"completed","format":"json","limit":5,"fields":[{"name":"user_id","export_as":"user_id"},{"name":"email","export_as":"address"}],"percentage_done":100}
        downloaded: "{\"address\":\"mara@example.com\",\"user_id\":\"auth0|mara\"}\n"
    "#);
    assert_eq!(by_node("auth0/legacy").await, told);
}

#[tokio::test]
async fn the_client_for_python_imports_and_exports_users() {
    let domain = Auth0Domain::start().await;
    let token = Token::of("services", "backend").sign();
    let run = move || {
        let packages = fetched_dir("auth0-python", &[REQUIREMENTS]);
        install_all(REQUIREMENTS, &fs::read_to_string(REQUIREMENTS).unwrap(), &packages).unwrap();
        let mut command = Command::new("python3");
        command.args(["tests/it/auth0-python/jobs.py", &domain.name, &token]);
        command.env("PYTHONPATH", packages).env("SSL_CERT_FILE", &domain.authority);
        run_command(command)
    };
    let ran = tokio::task::spawn_blocking(run).await.unwrap();
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    insta::assert_snapshot!(ran.stdout, @r#"
        imported: {"connection": "sms", "connection_id": "sms", "percentage_done": 100, "send_completion_email": false, "status": "completed", "status_details": "Left out: passwords (1).", "summary": {"failed": 1, "inserted": 1, "total": 2, "updated": 0}, "type": "users_import", "upsert": false}
        its errors: [{"errors": [{"code": "FORMAT", "message": "This is missing: it has to be the id that the account has at its provider, or no sign-in finds the user.", "path": "user_id"}], "user": {"name": "Nobody"}}]
        an upsert: [400, "Payload validation error: 'upsert: must be false: an import changes no user that is here already, PATCH /users/{id} does'."]
        exported: {"fields": [{"export_as": "user_id", "name": "user_id"}, {"export_as": "name", "name": "name"}], "format": "csv", "percentage_done": 100, "status": "completed", "type": "users_export"}
        downloaded: "\"user_id\",\"name\"\n\"'sms|mara\",\"'Mara\"\n"
    "#);
}
