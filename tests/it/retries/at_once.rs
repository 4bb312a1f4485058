//! One request that is in flight more than once.

use super::*;

/// R13, P12: the same request id many times in flight.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_calls_of_one_request_make_one_change_and_get_one_response() {
    let mut races = Races::begin();
    for rpc in WRITES {
        let server = TestServer::start().await;
        let people = std::sync::Arc::new(people(&server).await);
        let one = |_| -> Racer {
            let (service, people) = (server.service(), std::sync::Arc::clone(&people));
            Box::pin(async move {
                match write(&service, &people, rpc, ID, Terms::default()).await {
                    Ok(answer) => answer,
                    refused => refusal(refused),
                }
            })
        };

        let answers = races.at_once((0..20).map(one).collect()).await;

        let again = write(&server.service(), &people, rpc, ID, Terms::default()).await.unwrap();
        assert_eq!(count(&answers, &again), 20, "{rpc}: {answers:?}");
        assert_eq!(db_kept(&server).await, 1);
        let is_about_others = ["CreateUser", "DeleteUser", "ResolveSignIn"].contains(&rpc);
        let version = server.service().user(&people.first).await.version;
        assert_eq!(version, if is_about_others { 2 } else { 3 }, "{rpc}");
        server.database.db_assert_invariants().await;
    }
}

/// Two calls of one request at two servers, where the second waits for the first. Runs `cut` before
/// the first goes on, and returns both outcomes.
async fn one_behind_the_other(
    server: &TestServer,
    terms: Terms,
    cut: impl AsyncFnOnce(&TestServer),
) -> [Result<String, Status>; 2] {
    let people = std::sync::Arc::new(people(server).await);
    let held = server.database.db_hold(&people.first).await;
    let elsewhere = server.another().await;
    let [first, second] = [server, &elsewhere].map(|server| {
        let (service, people) = (server.service(), std::sync::Arc::clone(&people));
        async move { write(&service, &people, "UpdateUser", ID, terms).await }
    });
    let first = tokio::spawn(first);
    server.database.db_until_waiting(1).await;
    let second = tokio::spawn(second);
    server.database.db_until_waiting(2).await;
    cut(server).await;
    held.db_release().await;
    [first.await.unwrap(), second.await.unwrap()]
}

#[tokio::test]
async fn a_call_that_waits_for_the_same_request_is_not_refused_for_what_that_changed() {
    let server = TestServer::start().await;
    // The first call changes the version.
    let terms = Terms { expected_version: Some(2), ..Terms::default() };

    let [first, second] = one_behind_the_other(&server, terms, async |_| {}).await;

    assert_eq!(first.unwrap(), second.unwrap());
}

/// R14: the same request id twice, and the first call is rolled back. F05: the connection of one
/// call is ended at the database.
#[tokio::test]
async fn a_call_that_waits_for_a_request_that_is_rolled_back_carries_it_out() {
    let server = TestServer::start().await;
    // The first call waits for the row. The second waits for the lock of the request, which is
    // advisory.
    let end_the_first = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event <> 'advisory'";

    let [first, second] = one_behind_the_other(&server, Terms::default(), async |server| {
        assert_eq!(server.database.db_texts(end_the_first).await, ["true"]);
    })
    .await;

    assert_eq!(refusal(first), "Unavailable STORE_UNAVAILABLE");
    assert!(second.unwrap().contains("version: 3"));
    assert_eq!(db_kept(&server).await, 1);
}
