//! F11: the server bounds what its connections do at the database, and a pooler may drop that. Then
//! no time-out would hold, and one locked row would take all connections.

use identity_link::store::MissingBounds;
use tokio::time::timeout;

use super::{PATIENCE, UNAVAILABLE, probes::Probed};
use crate::support::{
    child::{binary, config_file, run_command},
    cluster::{Database, cluster},
    dropped_options::DroppedOptions,
    *,
};

/// A database, a proxy that drops the options of connections to it, and the database through the
/// proxy.
async fn behind_proxy() -> (Database, DroppedOptions, Database) {
    let database = cluster().db_migrated().await;
    let proxy = database.db_with_dropped_options().await;
    let proxied = Database { url: proxy.url.clone(), ..database.clone() };
    (database, proxy, proxied)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_does_not_start_where_its_bounds_are_dropped() {
    let (_, _proxy, proxied) = behind_proxy().await;
    let file = config_file(&proxied, |toml| toml);
    // Only an operator can cure it, so the server does not wait.
    let command = binary(&["serve", "--wait", "10m", "--config", file.to_str().unwrap()]);

    let ran = tokio::task::spawn_blocking(|| run_command(command)).await.unwrap();

    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let expected = format!(
        "these bounds are not in force: statement_timeout, lock_timeout, idle_in_transaction_session_timeout: {}",
        MissingBounds::ADVICE
    );
    assert!(ran.stderr.contains(&expected), "{}", ran.stderr);
}

#[tokio::test]
async fn bounds_of_the_role_or_the_database_do_instead() {
    let (database, proxy, proxied) = behind_proxy().await;
    let bounds = [
        "statement_timeout = '10s'",
        "lock_timeout = '5s'",
        "idle_in_transaction_session_timeout = '30s'",
    ];
    for bound in bounds {
        database.db_execute(&format!("ALTER DATABASE {} SET {bound}", database.name)).await;
    }

    let server = TestServer::start_on(proxied).await;

    server.service().create("github", "h1").await;
    // PgBouncer refuses options that end with a space.
    let seen = proxy.seen();
    assert!(!seen.is_empty() && seen.iter().all(|options| options.trim() == options), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_bounds_is_not_used() {
    let (database, proxy, proxied) = behind_proxy().await;
    proxy.pass(true);
    let server = Probed::start(&proxied);
    let service = server.service();
    let user = service.create("github", "h1").await;

    proxy.pass(false);
    let end = "SELECT pg_terminate_backend(pid, 10000)::text FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.db_texts(end).await;

    assert_eq!(refusal(service.get_user(get(&user.id)).await), UNAVAILABLE);
    server.until(false).await;

    proxy.pass(true);
    server.until(true).await;
    let back = async { while service.update_user(block(&user.id, true)).await.is_err() {} };
    timeout(PATIENCE, back).await.expect("the server should open new connections");
}
