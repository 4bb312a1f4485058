//! F07: the connection to the database is lost during a commit.

use super::*;
use crate::support::{
    cluster::cluster,
    cut_commits::{Cut, CutCommits},
};

/// A server with one connection to its database, on which commits can be cut, and its users.
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

/// The version of the first user: whether the change has been made, and how often.
async fn version(server: &TestServer, people: &People) -> Vec<String> {
    server
        .database
        .db_texts(&format!("SELECT version::text FROM users WHERE id = '{}'", people.first))
        .await
}

#[tokio::test]
async fn under_a_request_id_the_server_finds_the_outcome_and_responds() {
    for cut in [Cut::Before, Cut::After] {
        let (server, cuts, people) = server_with_cuts().await;
        let service = server.service();
        cuts.cut_next(cut);

        let answer = write(&service, &people, "MergeMetadata", ID, Terms::default()).await.unwrap();

        assert!(cuts.has_cut());
        assert_eq!(version(&server, &people).await, ["3"], "{cut:?}");
        assert_eq!(
            write(&service, &people, "MergeMetadata", ID, Terms::default()).await.unwrap(),
            answer
        );
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
        tokio::spawn(async move {
            write(&service, &people, "MergeMetadata", ID, Terms::default()).await
        })
    };
    server.database.db_until_waiting(1).await;
    assert_eq!(version(&server, &people).await, ["2"]);

    cuts.let_through();

    let answer = waiting.await.unwrap().unwrap();
    assert!(answer.contains("version: 3"), "{answer}");
    assert_eq!(version(&server, &people).await, ["3"]);
}

/// F02: a caller sees the same if the server is killed just before or after its commit.
#[tokio::test]
async fn an_outcome_that_the_server_cannot_find_is_reported_as_unknown() {
    let (server, cuts, people) = server_with_cuts().await;
    cuts.cut_next(Cut::AfterForGood);

    let unknown = write(&server.service(), &people, "MergeMetadata", ID, Terms::default()).await;

    assert_eq!(refusal(unknown), "Unavailable COMMIT_UNKNOWN");
    // Another server finds the outcome.
    let elsewhere = TestServer::start_on(server.database.clone()).await;
    write(&elsewhere.service(), &people, "MergeMetadata", ID, Terms::default()).await.unwrap();
    assert_eq!(version(&server, &people).await, ["3"]);
}

#[tokio::test]
async fn without_a_request_id_the_outcome_is_unknown() {
    for (cut, after) in [(Cut::Before, "2"), (Cut::After, "3")] {
        let (server, cuts, people) = server_with_cuts().await;
        cuts.cut_next(cut);

        let unknown =
            write(&server.service(), &people, "MergeMetadata", "", Terms::default()).await;

        assert_eq!(refusal(unknown), "Unavailable COMMIT_UNKNOWN");
        assert_eq!(version(&server, &people).await, [after]);
    }
}
