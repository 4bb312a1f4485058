//! Calls whose client is gone, and calls that end in the middle.

use std::time::Duration;

use identity_link::{
    domain::TenantId,
    grpc::proto::GetUserRequest,
    store::{Address, Store},
    telemetry::metrics::Metrics,
};
use tokio::time::timeout;

use super::{patient_server, patient_server_at};
use crate::support::{TestServer, cluster::cluster};

/// F30: clients that cancel at random.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_whose_client_goes_away_is_cancelled_and_the_next_is_served() {
    a_read_is_left_and_the_next_is_served(&patient_server().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_cancelled_over_tls_where_the_database_is_reached_by_it() {
    let database = cluster().db_migrated().await;
    let url = database.db_behind_tls().await;
    a_read_is_left_and_the_next_is_served(&patient_server_at(database, &url).await).await;
}

async fn a_read_is_left_and_the_next_is_served(server: &TestServer) {
    let service = server.service();
    let user = service.create("google-oauth2", "g1").await;
    let held = server.database.db_hold_table("tombstones").await;
    let person = server.person("google-oauth2", "g1");
    let reading = tokio::spawn(async move { person.get_user(GetUserRequest::default()).await });
    server.database.db_until_waiting(1).await;

    reading.abort();
    assert!(reading.await.unwrap_err().is_cancelled());

    server.database.db_until_idle().await;
    // The table is still locked. A service's read of a user by its id does not need it.
    assert_eq!(service.user(&user.id).await, user);
    held.db_release().await;
}

/// F31: a panic in a transaction.
#[tokio::test]
async fn a_transaction_that_panics_is_taken_back_at_once() {
    let database = cluster().db_migrated().await;
    let tenant = TenantId::parse("default").unwrap();
    let address = Address::parse(&database.url).unwrap();
    // No rpc panics, so this test opens the store itself.
    let store =
        Store::open(&address, 1, crate::support::policies(), &Metrics::default()).await.unwrap();
    let panicking = {
        let store = store.clone();
        tokio::spawn(async move {
            let mut session = store.session(&tenant).await.unwrap();
            session.begin().await.unwrap();
            panic!("in the middle");
        })
    };
    assert!(panicking.await.unwrap_err().is_panic());

    let left_open = "SELECT pid::text FROM pg_stat_activity \
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let rolled_back = async { while !database.db_texts(left_open).await.is_empty() {} };
    // Sooner than the database would end the transaction automatically.
    timeout(Duration::from_secs(20), rolled_back).await.expect("the transaction should be over");
}
