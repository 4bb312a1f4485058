//! F07: the connection to the database is lost in a commit.

use super::*;
use crate::support::{
    cluster::cluster,
    cut_commits::{Cut, CutCommits},
};

/// A server with one connection to its database, of which commits can be cut, and its people.
async fn server_with_cuts() -> (TestServer, CutCommits, People) {
    let database = cluster().db_migrated().await;
    let cuts = database.db_with_cuts().await;
    let (direct, cut) = (database.url.clone(), cuts.url.clone());
    let server = TestServer::start_with(database, |toml| {
        toml.replace("max_connections = 8", "max_connections = 1").replace(&direct, &cut)
    })
    .await;
    let people = people(&server).await;
    (server, cuts, people)
}

/// Whether the change has been made, and how often.
async fn version(server: &TestServer, people: &People) -> Vec<String> {
    server.database.db_texts(&format!("SELECT version::text FROM users WHERE id = '{}'", people.first)).await
}

#[tokio::test]
async fn under_a_request_id_the_server_finds_out_and_answers() {
    for cut in [Cut::Before, Cut::After] {
        let (server, cuts, people) = server_with_cuts().await;
        let service = server.service();
        cuts.cut_next(cut);

        let answer = write(&service, &people, "MergeMetadata", ID, Terms::default()).await.unwrap();

        assert!(cuts.has_cut());
        assert_eq!(version(&server, &people).await, ["3"], "{cut:?}");
        assert_eq!(write(&service, &people, "MergeMetadata", ID, Terms::default()).await.unwrap(), answer);
        assert_eq!(version(&server, &people).await, ["3"], "{cut:?}");
    }
}

#[tokio::test]
async fn it_waits_for_a_commit_that_is_still_on_its_way() {
    let (server, cuts, people) = server_with_cuts().await;
    let service = server.service();
    let people = std::sync::Arc::new(people);
    cuts.cut_next(Cut::Meanwhile);
    let waiting = {
        let people = std::sync::Arc::clone(&people);
        tokio::spawn(async move { write(&service, &people, "MergeMetadata", ID, Terms::default()).await })
    };
    server.database.db_until_waiting(1).await;
    assert_eq!(version(&server, &people).await, ["2"]);

    cuts.let_through();

    let answer = waiting.await.unwrap().unwrap();
    assert!(answer.contains("version: 3"), "{answer}");
    assert_eq!(version(&server, &people).await, ["3"]);
}

/// F02: the same for the caller if the server is killed just before or after its commit.
#[tokio::test]
async fn what_it_cannot_find_out_the_caller_is_told() {
    let (server, cuts, people) = server_with_cuts().await;
    cuts.cut_next(Cut::AfterForGood);

    let unknown = write(&server.service(), &people, "MergeMetadata", ID, Terms::default()).await;

    assert_eq!(refusal(unknown), "Unavailable COMMIT_UNKNOWN");
    // Another server finds it.
    let elsewhere = TestServer::start_on(server.database.clone()).await;
    write(&elsewhere.service(), &people, "MergeMetadata", ID, Terms::default()).await.unwrap();
    assert_eq!(version(&server, &people).await, ["3"]);
}

#[tokio::test]
async fn without_a_request_id_the_outcome_is_unknown() {
    for (cut, after) in [(Cut::Before, "2"), (Cut::After, "3")] {
        let (server, cuts, people) = server_with_cuts().await;
        cuts.cut_next(cut);

        let unknown = write(&server.service(), &people, "MergeMetadata", "", Terms::default()).await;

        assert_eq!(refusal(unknown), "Unavailable COMMIT_UNKNOWN");
        assert_eq!(version(&server, &people).await, [after]);
    }
}
