//! Auth0's jobs over HTTP: users in bulk.

pub(crate) mod exports;
mod imports;
mod interrupted;
mod links;
mod sdks;

use serde_json::Value;

use crate::support::{
    TestServer,
    auth0::{Asker, Said},
    jobs::metadata,
};

const IMPORTS: &str = "/api/v2/jobs/users-imports";
const EXPORTS: &str = "/api/v2/jobs/users-exports";
/// A connection of the provider `auth0`.
const DATABASE: &str = "Username-Password-Authentication";

/// Sends a file of users for this connection.
async fn send_users(asker: &Asker, connection: &str, users: &Value) -> Said {
    send_file(asker, connection, users.to_string().as_bytes()).await
}

async fn send_file(asker: &Asker, connection: &str, file: &[u8]) -> Said {
    let parts: [(&str, &str, &[u8]); 2] =
        [("users", "users.json", file), ("connection_id", "", connection.as_bytes())];
    asker.post_form(IMPORTS, &parts).await
}

/// Imports a file to its end, and returns the job as it is then.
async fn imported(server: &TestServer, connection: &str, users: &Value) -> Value {
    let job = send_users(&server.backend(), connection, users).await.ok();
    ended(server, &job).await
}

/// Waits for the end of a job, and returns it.
async fn ended(server: &TestServer, job: &Value) -> Value {
    let id = job["id"].as_str().unwrap();
    let operation = server.service().done(&format!("operations/{id}")).await;
    assert!(metadata(&operation).end_time.is_some());
    server.backend().get(&format!("/api/v2/jobs/{id}")).await.ok()
}

/// The list of errors of a job; null without any.
async fn errors(server: &TestServer, job: &Value) -> Value {
    server.backend().get(&format!("/api/v2/jobs/{}/errors", job["id"].as_str().unwrap())).await.ok()
}

/// A job without its id and time, which are of the test.
fn timeless(mut job: Value) -> String {
    let fields = job.as_object_mut().unwrap();
    for field in ["id", "created_at", "location"] {
        fields.remove(field);
    }
    job.to_string()
}
