//! Faults of the process, the network and the database during calls.

use std::time::Duration;

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use identity_link::{
    grpc::proto as pb,
    store::{Address, Store},
    telemetry::metrics::Metrics,
};
use rustix::process::Signal;
use tokio::time::timeout;
use tonic::transport::Endpoint;

use crate::support::{
    child::Running,
    cluster::{Database, cluster},
    tokens::Token,
    *,
};

const UNAVAILABLE: &str = "Unavailable STORE_UNAVAILABLE";
/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// F01: the process is killed while it makes links. Links whose response was sent are stored, and
/// each retry with its request id leads to one link.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_no_confirmed_link_and_repeats_none() {
    const LINKS: usize = 40;
    const ANSWERED: usize = 10;
    let database = cluster().db_migrated().await;
    let (child, address) = Running::serve(&database, |toml| toml);
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
    let mut requests = Vec::new();
    for n in 0..LINKS {
        let subject = n.to_string();
        let primary = service.create("google-oauth2", &subject).await.id;
        let secondary = service.create("sms", &subject).await.id;
        let request_id = format!("5d1a9d0e-7c1b-4f7e-9a51-{n:012}");
        requests.push(pb::LinkRequest { request_id, ..link_user(&primary, &secondary) });
    }

    let mut calls: FuturesUnordered<_> = requests
        .iter()
        .cloned()
        .map(|request| {
            let service = &service;
            async move { (request.clone(), service.link(request).await) }
        })
        .collect();
    let mut answered = Vec::new();
    while answered.len() < ANSWERED {
        let (request, answer) = calls.next().await.unwrap();
        answered.push((request, answer.unwrap()));
    }
    child.signal(Signal::KILL);
    while let Some((request, answer)) = calls.next().await {
        answered.extend(answer.ok().map(|answer| (request, answer)));
    }
    drop(calls);
    assert_eq!(child.finish().code, None);

    let again = TestServer::start_on(database).await;
    for (request, answer) in answered {
        assert_eq!(again.service().link(request).await.unwrap(), answer);
    }
    for request in requests {
        let linked = again.service().link(request).await.unwrap().user.unwrap();
        assert_eq!((linked.version, linked.identities.len()), (2, 2));
    }
    assert_eq!(again.database.db_texts("SELECT id::text FROM links").await.len(), LINKS);
    again.database.db_assert_invariants().await;
}

fn one_connection(toml: &str) -> String {
    toml.replace("max_connections = 8", "max_connections = 1")
}

/// F08, F09: the network drops everything. A read ends at its deadline, and its connection is
/// closed.
#[tokio::test]
async fn a_silent_database_holds_no_call_and_no_connection() {
    let database = cluster().db_migrated().await;
    let way = database.db_with_cuts().await;
    let direct = database.url.clone();
    // One connection for the read, and one for the sweep, which may run at that time.
    let change = |toml: String| {
        let toml =
            toml.replace("max_connections = 8", "max_connections = 2").replace(&direct, &way.url);
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

/// F12: another client of the database locks the same rows in the other order.
#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_with_a_transaction_of_others_is_no_fault() {
    let server = TestServer::start().await;
    let service = server.service();
    let mut ids = [service.create("github", "h1").await.id, service.create("sms", "s1").await.id];
    ids.sort_unstable();
    let [first, second] = ids;
    let mut held = server.database.db_hold(&second).await;
    let linking = tokio::spawn({
        let (service, request) = (service.clone(), link_user(&first, &second));
        async move { service.link(request).await }
    });
    server.database.db_until_waiting(1).await;

    // The database ends one of the two. If it is the server's, the server repeats its transaction.
    held.db_try_hold(&first).await;
    held.db_release().await;

    assert_eq!(linking.await.unwrap().unwrap().user.unwrap().identities.len(), 2);
    server.database.db_assert_invariants().await;
}

/// F14: the disk of the database is full.
#[tokio::test]
async fn a_full_disk_refuses_writes_and_reads_go_on() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create("github", "h1").await;
    // With Postgres's own error code and text.
    let full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
          RAISE EXCEPTION 'could not extend file \"base/1/2\": No space left on device' USING ERRCODE = '53100'; \
        END $$; \
        CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON users EXECUTE FUNCTION full_disk()";
    server.database.db_execute(full).await;

    assert_eq!(server.db_refused(service.update_user(block(&user.id, true))).await, UNAVAILABLE);
    assert_eq!(service.user(&user.id).await, user);

    server.database.db_execute("DROP TRIGGER full_disk ON users").await;
    service.update_user(block(&user.id, true)).await.unwrap();
}

/// Makes transactions of this database begin read-only or not, and closes its open connections.
async fn db_read_only(database: &Database, read_only: bool) {
    let admin = Database { name: "postgres".to_owned(), url: cluster().url("postgres") };
    let name = &database.name;
    admin
        .db_execute(&format!(
            "ALTER DATABASE {name} SET default_transaction_read_only = {read_only}"
        ))
        .await;
    let connected = format!(
        "SELECT pg_terminate_backend(pid, 10000)::text FROM pg_stat_activity WHERE datname = '{name}'"
    );
    admin.db_texts(&connected).await;
}

/// F15, P14: the database accepts no writes, like a replica.
#[tokio::test]
async fn a_read_only_database_refuses_writes_and_reads_go_on() {
    let server =
        TestServer::start_with(cluster().db_migrated().await, |toml| one_connection(&toml)).await;
    let service = server.service();
    let user = service.create("github", "h1").await;

    db_read_only(&server.database, true).await;
    let back = async { while service.get_user(get(&user.id)).await.is_err() {} };
    timeout(PATIENCE, back).await.expect("reads should go on");
    assert_eq!(server.db_refused(service.update_user(block(&user.id, true))).await, UNAVAILABLE);
    assert_eq!(service.user(&user.id).await, user);
    let address = Address::parse(&server.database.url).unwrap();
    assert!(
        Store::open(&address, 1, policies(), &Metrics::default()).await.is_err(),
        "no server should start on it"
    );

    db_read_only(&server.database, false).await;
    let back = async { while service.update_user(block(&user.id, true)).await.is_err() {} };
    timeout(PATIENCE, back).await.expect("writes should go on");
}

/// F32: a row that violates the constraints.
#[tokio::test]
async fn a_row_that_does_not_parse_is_a_fault_and_others_are_served() {
    let server = TestServer::start().await;
    let service = server.service();
    let bad = service.create("github", "h1").await;
    let good = service.create("github", "h2").await;
    let spoil = format!(
        "ALTER TABLE users DROP CONSTRAINT users_metadata_objects; \
         UPDATE users SET user_metadata = '[]' WHERE id = '{}'",
        bad.id
    );
    server.database.db_execute(&spoil).await;

    assert_eq!(refusal(service.get_user(get(&bad.id)).await), "Internal INTERNAL");
    assert_eq!(
        server.db_refused(service.link(link_user(&good.id, &bad.id))).await,
        "Internal INTERNAL"
    );
    assert_eq!(service.user(&good.id).await, good);
}

/// A trigger of others makes a statement change no row. The statements of a write are sent together,
/// so those around it have changed theirs.
#[tokio::test]
async fn a_write_that_misses_a_row_commits_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    let [one, other] =
        [service.create("github", "h1").await.id, service.create("sms", "s1").await.id];
    let skip = "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
        CREATE TRIGGER skip BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION skip(); \
        CREATE TRIGGER skip BEFORE INSERT ON links FOR EACH ROW EXECUTE FUNCTION skip()";
    server.database.db_execute(skip).await;

    let update = service.update_user(block(&one, true));
    assert_eq!(server.db_refused(update).await, "Internal INTERNAL");
    server.database.db_execute("DROP TRIGGER skip ON users").await;
    let link = service.link(link_user(&one, &other));
    assert_eq!(server.db_refused(link).await, "Aborted CONFLICT_RETRY");

    server.database.db_execute("DROP TRIGGER skip ON links").await;
    service.link(link_user(&one, &other)).await.unwrap();
    service.update_user(block(&one, true)).await.unwrap();
    server.database.db_assert_invariants().await;
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
