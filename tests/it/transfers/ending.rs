//! What ends an import over gRPC before its last row.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use identity_link::{
    clock,
    grpc::proto::{self as pb, import_verdict::Outcome},
};
use rustix::process::Signal;
use tokio::time::timeout;
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::{db_count, db_users, lines, many, row};
use crate::{
    reload::{RELOADED, Reloading},
    support::{
        child::Running,
        cluster::cluster,
        tokens::Token,
        transfers::{Imported, end, rows, settings},
        *,
    },
};

const PATIENCE: Duration = Duration::from_secs(60);

/// An import of one row that the client has not ended yet.
fn unended() -> impl futures_util::Stream<Item = pb::ImportUsersRequest> + Send + 'static {
    let begun = [settings(pb::ImportSettings::default()), rows(lines([row("a", "1")]))];
    stream::iter(begun).chain(stream::pending())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_ends_an_import() {
    let server = TestServer::start().await;
    let short = Token::of("services", "backend").with("exp", clock::now().timestamp() + 3);
    let stream = server.caller(&short).import_users(unended()).await.unwrap();

    let imported = Imported::read(stream).await;

    let refused = refusal::<()>(Err(imported.refusal.unwrap()));
    assert_eq!(refused, "Unauthenticated TOKEN_INVALID");
    assert_eq!(db_users(&server.database).await, [""; 0]);
}

/// J33: what a reload takes away ends an import, as it ends a watch.
#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_is_taken_away_ends_an_import() {
    let database = cluster().db_migrated().await;
    let mut server = Reloading::start(&database, |toml| toml);
    let stream = server.service().import_users(unended()).await.unwrap();

    server.reload(|toml| toml.replace("\"import:users\", ", ""), RELOADED);

    let imported = Imported::read(stream).await;
    let refused = refusal::<()>(Err(imported.refusal.unwrap()));
    assert_eq!(refused, "Unavailable WATCH_EXPIRED");
    assert_eq!(db_users(&database).await, [""; 0]);
    let again = server.service().import("").await.refusal.unwrap();
    assert_eq!(refusal::<()>(Err(again)), "PermissionDenied SCOPE_INSUFFICIENT");
}

/// The verdicts of what was committed arrive before the status.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_an_import_after_its_batch() {
    const ALL: usize = 6000;
    let database = cluster().db_migrated().await;
    let (child, address) = Running::serve(&database, |toml| toml);
    let channel = || Endpoint::from_shared(format!("http://{address}")).unwrap();
    let narrow = channel().initial_stream_window_size(65_535).connect_lazy();
    let service = Caller::new(narrow, Some(Token::of("services", "backend").sign()));
    let all = many(ALL);
    let all: Vec<&str> = all.split_inclusive('\n').collect();
    let mut messages = vec![settings(pb::ImportSettings::default())];
    messages.extend(all.chunks(2000).map(|lines| rows(lines.concat())));
    messages.push(end());
    let mut health = HealthClient::new(channel().connect_lazy())
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    let mut stream = service.import_users(stream::iter(messages)).await.unwrap();
    let first = stream.message().await.unwrap().unwrap();

    child.signal(Signal::TERM);
    // The streams of health end when all others do.
    let over = async { while let Ok(Some(_)) = health.message().await {} };
    timeout(PATIENCE, over).await.expect("the server should stop");
    let rest = Imported::read(stream).await;

    let refused = refusal::<()>(Err(rest.refusal.unwrap()));
    assert_eq!(refused, "Unavailable SERVER_STOPPING");
    let Some(pb::import_users_response::Part::Verdicts(first)) = first.part else { panic!() };
    let all = first.verdicts.iter().chain(&rest.verdicts);
    let created = all.filter(|verdict| verdict.outcome() == Outcome::Created).count();
    let there = db_count(&database).await;
    assert_eq!(created, there);
    assert!((500..ALL).contains(&there) && there.is_multiple_of(500), "{there}");
    let ran = child.finish();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!ran.stderr.contains("WARN"), "{}", ran.stderr);
}
