//! The database refuses, or has what no code of the service wrote.

use identity_link::{
    store::{Address, Store},
    telemetry::metrics::Metrics,
};
use tokio::time::timeout;

use super::{PATIENCE, UNAVAILABLE, one_connection};
use crate::support::{
    cluster::{Database, cluster},
    *,
};

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

/// A trigger function that fails as Postgres does where the disk is full: with its code and text.
pub(super) const FULL_DISK: &str = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
      RAISE EXCEPTION 'could not extend file \"base/1/2\": No space left on device' USING ERRCODE = '53100'; \
    END $$;";

/// F14: the disk of the database is full.
#[tokio::test]
async fn a_full_disk_refuses_writes_and_reads_go_on() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create("github", "h1").await;
    let fill =
        "CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON users EXECUTE FUNCTION full_disk()";
    server.database.db_execute(&format!("{FULL_DISK} {fill}")).await;

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
