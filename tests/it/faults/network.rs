//! The network to the database, and the connections over it.

use identity_link::store::{Address, Store};
use tokio::time::timeout;

use super::{PATIENCE, one_connection};
use crate::support::{cluster::cluster, *};

/// F08, F09: the network drops everything. A read ends at its deadline, and its connection is
/// closed.
#[tokio::test]
async fn a_silent_database_holds_no_call_and_no_connection() {
    let database = cluster().db_migrated().await;
    let way = database.db_with_cuts().await;
    let direct = database.url.clone();
    // One connection for the read, and one each for the sweep and for the look for jobs, which may run
    // at that time.
    let change = |toml: String| {
        let toml =
            toml.replace("max_connections = 8", "max_connections = 3").replace(&direct, &way.url);
        format!("max_call_time = \"3s\"\n{toml}")
    };
    let server = TestServer::start_with(database, change).await;
    let service = server.service();
    let user = service.create("github", "h1").await;

    way.swallow(true);
    let read = service.get_user(get(&user.id)).await;
    assert_eq!(refusal(read), "DeadlineExceeded DEADLINE");
    way.swallow(false);

    let back = async { while service.get_user(get(&user.id)).await.is_err() {} };
    timeout(PATIENCE, back).await.expect("the server should open a new connection");
    assert_eq!(service.user(&user.id).await, user);
}

/// F10: all connections are in use.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_connection_is_refused_after_a_short_wait() {
    let server =
        TestServer::start_with(cluster().db_migrated().await, |toml| one_connection(&toml)).await;
    let service = server.service();
    let user = service.create("github", "h1").await;
    let held = server.database.db_hold(&user.id).await;
    let blocking = tokio::spawn({
        let (service, request) = (service.clone(), block(&user.id, true));
        async move { service.update_user(request).await }
    });
    server.database.db_until_waiting(1).await;

    assert_eq!(refusal(service.get_user(get(&user.id)).await), "ResourceExhausted OVERLOADED");

    held.db_release().await;
    blocking.await.unwrap().unwrap();
    assert!(service.user(&user.id).await.blocked);
}

/// P11: a database whose certificate the server does not trust.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_a_database_without_a_trusted_certificate() {
    let database = cluster().db_migrated().await;
    let url = database.db_behind_tls().await;
    let (untrusted, _) = url.split_once("&sslrootcert").unwrap();

    let refused =
        Store::migrate(&Address::parse(untrusted).unwrap()).await.unwrap_err().to_string();

    assert!(refused.contains("the certificate's issuer is unknown"), "{refused}");
    assert_eq!(Store::migrate(&Address::parse(&url).unwrap()).await.unwrap(), [""; 0]);
}
