//! The bounds of a call. A call that ends early costs other callers nothing.

mod abandoned;
mod capacity;
mod deadlines;
mod one_user;
mod rate_limits;
mod shadow;

use crate::support::{
    TestServer,
    cluster::{Database, cluster},
};

/// A server with one database connection. Its statements wait for locks longer than any test runs,
/// so that the server and not the database ends a statement.
async fn patient_server() -> TestServer {
    let database = cluster().db_migrated().await;
    let url = database.url.clone();
    patient_server_at(database, &url).await
}

/// The same, with this URL of the database.
async fn patient_server_at(database: Database, url: &str) -> TestServer {
    let settings = [
        "lock_timeout%3D10min",
        "statement_timeout%3D10min",
        "client_connection_check_interval%3D0",
    ];
    let joined = if url.contains('?') { '&' } else { '?' };
    let patient = format!("{url}{joined}options=-c%20{}", settings.join("%20-c%20"));
    let direct = database.url.clone();
    TestServer::start_with(database, |toml| {
        toml.replace("max_connections = 8", "max_connections = 1").replace(&direct, &patient)
    })
    .await
}
