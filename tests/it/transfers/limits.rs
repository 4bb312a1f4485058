//! The bounds of imports over gRPC.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use identity_link::grpc::proto::{self as pb, import_verdict::Outcome};
use tokio::{sync::oneshot, time::timeout};
use tonic::{Status, Streaming};
use tonic_types::StatusExt as _;

use super::{db_count, db_users, lines, many, row};
use crate::support::{
    cluster::cluster,
    transfers::{Imported, end, rows, settings},
    *,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// An import whose client has sent the settings, and nothing else yet.
async fn silent(service: &Caller) -> Result<Streaming<pb::ImportUsersResponse>, Status> {
    let begun = stream::iter([settings(pb::ImportSettings::default())]);
    service.import_users(begun.chain(stream::pending())).await
}

async fn start_with(table: &str) -> TestServer {
    let table = format!("[transfers]\n{table}\n[feed]\n");
    TestServer::start_with(cluster().db_migrated().await, |toml| toml.replace("[feed]\n", &table))
        .await
}

fn refused(imported: Imported) -> String {
    refusal::<()>(Err(imported.refusal.unwrap()))
}

/// F06: rows beyond the bound fill no disk.
#[tokio::test(flavor = "multi_thread")]
async fn rows_beyond_the_bound_are_refused_and_none_is_written() {
    let server = start_with("max_import_bytes = 1000").await;
    let service = server.service();
    let first = lines([row("a", "1")]);
    let rest = many(4);

    let messages = vec![settings(pb::ImportSettings::default()), rows(&first), rows(rest), end()];
    let imported = service.import_messages(messages).await;

    assert_eq!(imported.verdicts, []);
    assert_eq!(refused(imported), "OutOfRange MESSAGE_TOO_LARGE");
    assert_eq!(db_users(&server.database).await, [""; 0]);
    assert_eq!(service.import(&first).await.count(Outcome::Created), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_beyond_its_bound_is_refused_with_its_reason() {
    let server = TestServer::start().await;
    let imported = server.service().import("x".repeat(2 * 1024 * 1024)).await;
    assert_eq!(refused(imported), "OutOfRange MESSAGE_TOO_LARGE");
}

/// A26: imports keep no slot from calls, and there is one at a time.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_import_is_refused_until_the_first_has_ended() {
    let few = |toml: String| format!("max_concurrent_calls = 1\n{toml}");
    let server = TestServer::start_with(cluster().db_migrated().await, few).await;
    let service = server.service();
    let (release, released) = oneshot::channel::<()>();
    let begun = stream::iter([settings(pb::ImportSettings::default())]);
    let first = begun.chain(stream::once(released).map(|_| end()));
    let first = service.import_users(first).await.unwrap();

    let status = service.import(lines([row("a", "1")])).await.refusal.unwrap();

    let retry = status.get_details_retry_info().unwrap().retry_delay;
    assert_eq!(retry, Some(Duration::from_secs(10)));
    assert_eq!(refusal::<()>(Err(status)), "ResourceExhausted OVERLOADED");
    service.create("sms", "s").await;
    release.send(()).unwrap();
    assert_eq!(
        Imported::read(first).await.counts(),
        "created: 0, present: 0, skipped: 0, refused: 0"
    );
    until_free(&service).await;
}

/// Imports nothing as soon as there is a slot: a test cannot see when the server notices that a
/// client has gone.
async fn until_free(service: &Caller) {
    let free = async { while service.import("").await.refusal.is_some() {} };
    timeout(PATIENCE, free).await.expect("the slot should become free");
}

/// A stream that ends without its end may have been cut: the next row could have refused another.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_cut_writes_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    let begun = || vec![settings(pb::ImportSettings::default()), rows(lines([row("a", "1")]))];

    let imported = service.import_messages(begun()).await;
    insta::assert_snapshot!(refused(imported), @r"
        InvalidArgument REQUEST_INVALID
        rows_end: is required after the last row: nothing was written
    ");
    let settings_twice = vec![settings(pb::ImportSettings::default()); 2];
    insta::assert_snapshot!(refused(service.import_messages(settings_twice).await), @r"
        InvalidArgument REQUEST_INVALID
        rows: or rows_end are required in each message but the first
    ");
    let no_settings = vec![rows(lines([row("a", "1")])), end()];
    insta::assert_snapshot!(refused(service.import_messages(no_settings).await), @r"
        InvalidArgument REQUEST_INVALID
        settings: are required in the first message
    ");
    let no_message = refused(service.import_messages(Vec::new()).await);
    insta::assert_snapshot!(no_message, @r"
        InvalidArgument REQUEST_INVALID
        settings: are required in the first message
    ");

    server.begin_import_and_go(begun()).await;
    until_free(&service).await;
    assert_eq!(db_users(&server.database).await, [""; 0]);
}

/// A client that goes in the middle leaves whole batches, and the same rows again are all there.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_whose_client_goes_ends_after_its_batch_and_can_be_repeated() {
    const ALL: usize = 6000;
    let server = TestServer::start().await;
    let mut slow = begun(&server.service_that_stalls(), ALL).await;
    assert!(slow.message().await.unwrap().is_some());

    drop(slow);

    let service = server.service();
    until_free(&service).await;
    let there = db_count(&server.database).await;
    assert!((500..ALL).contains(&there) && there.is_multiple_of(500), "{there}");
    let again = Imported::read(begun(&service, ALL).await).await;
    assert_eq!(again.count(Outcome::Present), there);
    assert_eq!(again.count(Outcome::Created), ALL - there);
    assert_eq!(db_count(&server.database).await, ALL);
    let numbers: Vec<i64> = again.verdicts.iter().map(|verdict| verdict.line).collect();
    assert_eq!(numbers, (1..=i64::try_from(ALL).unwrap()).collect::<Vec<_>>());
}

/// An import of so many rows, of which the client has sent all.
async fn begun(service: &Caller, count: usize) -> Streaming<pb::ImportUsersResponse> {
    let all = many(count);
    let all: Vec<&str> = all.split_inclusive('\n').collect();
    let messages = all.chunks(2000).map(|lines| rows(lines.concat())).collect::<Vec<_>>();
    let first = [settings(pb::ImportSettings::default())];
    let messages = first.into_iter().chain(messages).chain([end()]).collect::<Vec<_>>();
    service.import_users(stream::iter(messages)).await.unwrap()
}

/// F34: a client that takes no verdict holds neither a connection to the database nor a lock.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_holds_nothing_that_others_need() {
    let one = |toml: String| toml.replace("max_connections = 8", "max_connections = 1");
    let server = TestServer::start_with(cluster().db_migrated().await, one).await;
    let mut slow = begun(&server.service_that_stalls(), 6000).await;
    assert!(slow.message().await.unwrap().is_some());
    let service = server.service();

    // Until no batch is committed any more.
    let stalled = async {
        let mut before = 0;
        loop {
            service.create("sms", &uuid::Uuid::new_v4().to_string()).await;
            let open = "SELECT count(*)::text FROM pg_stat_activity \
                WHERE datname = current_database() AND state = 'idle in transaction'";
            let (open, now) = (server.database.db_texts(open).await, db_imported(&server).await);
            if now == before && open == ["0"] {
                return now;
            }
            before = now;
        }
    };
    let there = timeout(PATIENCE, stalled).await.expect("the import should wait for its client");
    assert!((500..6000).contains(&there), "{there}");
}

async fn db_imported(server: &TestServer) -> usize {
    let count = "SELECT count(*)::text FROM identities WHERE provider = 'github'";
    server.database.db_texts(count).await[0].parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_pauses_too_long_is_cut_off() {
    let server = start_with("max_pause = \"1s\"").await;
    let service = server.service();
    let sends_nothing = silent(&service).await.unwrap();
    assert_eq!(refused(Imported::read(sends_nothing).await), "DeadlineExceeded DEADLINE");

    let mut takes_nothing = begun(&server.service_that_stalls(), 6000).await;
    assert!(takes_nothing.message().await.unwrap().is_some());
    until_free(&service).await;
    assert!(db_count(&server.database).await < 6000);
}
