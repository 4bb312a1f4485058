//! What bounds a call, and that what a call leaves behind costs nobody else.

mod abandoned;
mod capacity;
mod deadlines;

use crate::support::{TestServer, cluster::cluster};

/// A server with one connection, whose statements wait for locks longer than any test does.
async fn patient_server() -> TestServer {
    let database = cluster().db_migrated().await;
    let patient = format!("{}?options=-c%20lock_timeout%3D10min%20-c%20statement_timeout%3D10min", database.url);
    let url = database.url.clone();
    TestServer::start_with(database, |toml| {
        toml.replace("max_connections = 8", "max_connections = 1").replace(&url, &patient)
    })
    .await
}
