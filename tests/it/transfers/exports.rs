//! Exports over gRPC, which have the bytes that the command writes.

use std::{fs, process::Command, time::Duration};

use identity_link::grpc::proto::{
    self as pb, FeedEnd, export_users_request::Form, export_users_response::Part,
};
use rustix::process::Signal;
use tokio::time::timeout;
use tonic::{Status, Streaming, transport::Endpoint};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::{lines, row};
use crate::support::{
    child::{Running, binary, config_file, run_command, temp_dir},
    cluster::{Database, cluster, feed_cluster},
    events::{Watcher, events, list_from, watch_after},
    tokens::{ServiceKeys, Token},
    *,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// What a client was sent of an export.
#[derive(Debug, Default)]
struct Exported {
    position: String,
    lines: Vec<u8>,
    summary: Option<pb::ExportSummary>,
    refusal: Option<Status>,
}

impl Exported {
    /// All that the server still sends.
    async fn read(mut stream: Streaming<pb::ExportUsersResponse>) -> Self {
        let mut exported = Self::default();
        loop {
            let next = timeout(PATIENCE, stream.message()).await.expect("the export should end");
            match next.map(|message| message.and_then(|message| message.part)) {
                Ok(Some(Part::Position(position))) => exported.position = position,
                Ok(Some(Part::Lines(lines))) => {
                    assert!(lines.ends_with(b"\n"));
                    exported.lines.extend(lines);
                }
                Ok(Some(Part::Summary(summary))) => exported.summary = Some(summary),
                Ok(None) => return exported,
                Err(status) => {
                    exported.refusal = Some(status);
                    return exported;
                }
            }
        }
    }

    async fn of(service: &Caller, request: pb::ExportUsersRequest) -> Self {
        match service.export_users(request).await {
            Ok(stream) => Self::read(stream).await,
            Err(status) => Self { refusal: Some(status), ..Self::default() },
        }
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.lines).unwrap()
    }

    fn refused(self) -> String {
        refusal::<()>(Err(self.refusal.unwrap()))
    }
}

fn all() -> pb::ExportUsersRequest {
    pb::ExportUsersRequest::default()
}

fn since(position: &str) -> pb::ExportUsersRequest {
    pb::ExportUsersRequest { since_position: position.to_owned(), ..all() }
}

/// What the command writes with these arguments, and the position that it prints.
fn command(database: &Database, arguments: &[&str]) -> (String, String) {
    let file = config_file(database, |toml| toml);
    let mut command: Command = binary(&["export", "--config", file.to_str().unwrap()]);
    command.args(["--tenant", "default"]).args(arguments);
    let ran = run_command(command);
    let position = ran.stderr.lines().next().unwrap().rsplit_once("position: ").unwrap().1;
    // The lines that it wrote are kept without their ends.
    (format!("{}\n", ran.stdout), position.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_the_bytes_of_the_command() {
    let server = TestServer::start_feed_on(feed_cluster().db_migrated().await, |_| {}).await;
    let service = server.service();
    for name in ["a", "b", "c"] {
        service.create("github", name).await;
    }
    let [a, b, c] = [("github", "a"), ("github", "b"), ("github", "c")];
    let owner = |(provider, subject)| service.find_by_identity(owner_of(provider, subject));
    let a = owner(a).await.unwrap().user.unwrap().id;
    let b = owner(b).await.unwrap().user.unwrap().id;
    let c = owner(c).await.unwrap().user.unwrap().id;
    service.link(link_user(&a, &b)).await.unwrap();
    events(&service, 4).await;
    let database = &server.database;

    let whole = Exported::of(&service, all()).await;
    let (written, position) = command(database, &[]);
    assert_eq!(whole.text(), written);
    assert_eq!(whole.position, position);
    assert_eq!(whole.summary.as_ref().unwrap().user_count, 2);

    let history = pb::ExportUsersRequest { include_links: true, ..all() };
    let history = Exported::of(&service, history).await;
    assert_eq!(history.text(), command(database, &["--history"]).0);
    assert!(history.text().contains("\"links\":["));

    let auth0 = pb::ExportUsersRequest { form: Form::Auth0.into(), ..all() };
    let auth0 = Exported::of(&service, auth0).await;
    assert_eq!(auth0.text(), command(database, &["--format", "auth0"]).0);
    assert!(auth0.text().contains("\"user_id\""));

    // b is absorbed by a.
    let named = ["nobody", &b, &a].map(str::to_owned);
    let by_id = pb::ExportUsersRequest { user_ids: named.to_vec(), ..all() };
    let by_id = Exported::of(&service, by_id).await;
    let dir = temp_dir(&format!("{}_export", database.name));
    let list = dir.join("ids.txt");
    fs::write(&list, named.join("\n")).unwrap();
    assert_eq!(by_id.text(), command(database, &["--ids", list.to_str().unwrap()]).0);
    let summary = by_id.summary.unwrap();
    assert_eq!((summary.user_count, summary.unknown_user_ids), (1, vec!["nobody".to_owned()]));

    service.delete_user(delete(&c)).await.unwrap();
    service.update_user(block(&a, true)).await.unwrap();
    Watcher::begin(&service, watch_after(&whole.position)).await.events(2).await;
    let changed = Exported::of(&service, since(&whole.position)).await;
    let (written, next) = command(database, &["--since", &position]);
    assert_eq!((changed.text(), &changed.position), (written.as_str(), &next));
    let summary = changed.summary.unwrap();
    assert_eq!((summary.user_count, summary.deleted_count), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_what_an_import_takes() {
    let (server, copy) = (TestServer::start().await, TestServer::start().await);
    server.service().import(lines([row("u-1", "1"), row("u-2", "2")])).await;
    let exported = Exported::of(&server.service(), all()).await;

    let imported = copy.service().import(&exported.lines).await;

    assert_eq!(imported.counts(), "created: 2, present: 0, skipped: 0, refused: 0");
    assert_eq!(Exported::of(&copy.service(), all()).await.lines, exported.lines);
}

/// A33: an export needs a scope of its own, and is of the tenant of the token.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_service_of_the_tenant_with_the_scope_exports_its_users() {
    let server = TestServer::start().await;
    server.service().create("github", "a").await;
    let every_other = "create:users delete:users import:users read:connections read:events read:users sign_in:users update:users";
    let service = server.caller(&Token::of("services", "backend").scope(every_other));
    let refused = Exported::of(&service, all()).await.refused();
    assert_eq!(refused, "PermissionDenied SCOPE_INSUFFICIENT");
    let own = server.caller(&Token::of("services", "backend").scope("export:users"));
    let exported = Exported::of(&own, all()).await;
    assert_eq!(exported.summary.unwrap().user_count, 1);
    let listed = own.list_events(list_from(FeedEnd::Oldest)).await;
    assert_eq!(refusal(listed), "PermissionDenied SCOPE_INSUFFICIENT");

    let elsewhere = server.service_of("other");
    let theirs = Exported::of(&elsewhere, all()).await;
    assert_eq!(theirs.text(), "");
    assert_eq!(theirs.summary.unwrap().user_count, 0);
    let position = Exported::of(&elsewhere, since(&exported.position)).await.refused();
    assert_eq!(position, "InvalidArgument POSITION_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_refused_with_all_their_faults() {
    let server = TestServer::start_feed_on(feed_cluster().db_migrated().await, |_| {}).await;
    let service = server.service();
    let wrong = pb::ExportUsersRequest {
        form: Form::Auth0.into(),
        user_ids: vec!["a b".to_owned()],
        since_position: "x".to_owned(),
        include_links: true,
    };
    insta::assert_snapshot!(Exported::of(&service, wrong).await.refused(), @r"
        InvalidArgument REQUEST_INVALID
        user_ids[0]: must be 1 to 255 printable ASCII characters without spaces
        since_position: must be empty where user_ids are given
        include_links: must be unset: Auth0's form has no links
        since_position: must be empty: Auth0's form has no deleted users
    ");
    let invented = Exported::of(&service, since("x")).await.refused();
    assert_eq!(invented, "InvalidArgument POSITION_INVALID");
    service.create("github", "a").await;
    events(&service, 1).await;
    let position = Exported::of(&service, all()).await.position;
    service.import(lines([row("u-1", "1")])).await;
    Watcher::begin(&service, watch_after(&position)).await.events(1).await;
    let imported = Exported::of(&service, since(&position)).await.refused();
    assert_eq!(imported, "OutOfRange POSITION_EXPIRED");
}

/// F34: a client that takes no line holds no connection to the database; exports have slots of their
/// own.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_holds_no_connection_and_has_a_slot() {
    let few = |toml: String| {
        let toml = toml.replace("max_connections = 8", "max_connections = 1");
        let toml =
            toml.replace("[feed]\n", "[transfers]\nmax_exports = 1\nmax_pause = \"1h\"\n[feed]\n");
        format!("max_concurrent_calls = 1\n{toml}")
    };
    let server = TestServer::start_with(cluster().db_migrated().await, few).await;
    server.database.db_populate(9000).await;
    let mut slow = server.service_that_stalls().export_users(all()).await.unwrap();
    assert!(slow.message().await.unwrap().is_some());
    let service = server.service();

    for n in 0..20 {
        service.create("sms", &n.to_string()).await;
    }
    let refused = Exported::of(&service, all()).await.refused();
    assert_eq!(refused, "ResourceExhausted OVERLOADED");
    drop(slow);
    let free = async { while service.export_users(all()).await.is_err() {} };
    timeout(PATIENCE, free).await.expect("the slot should become free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_pauses_too_long_ends_its_export() {
    let short =
        |toml: String| toml.replace("[feed]\n", "[transfers]\nmax_pause = \"1s\"\n[feed]\n");
    let server = TestServer::start_with(cluster().db_migrated().await, short).await;
    server.database.db_populate(9000).await;
    let narrow = |token: Token| {
        let channel = Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
        let channel = channel.initial_stream_window_size(65_535).connect_lazy();
        Caller::new(channel, Some(token.sign()))
    };
    let paused = narrow(Token::of("services", "backend")).export_users(all()).await.unwrap();
    // The slots are free as soon as both have ended.
    let service = server.service();
    let both = async {
        loop {
            if let [Ok(_), Ok(_)] =
                [service.export_users(all()).await, service.export_users(all()).await]
            {
                return;
            }
        }
    };
    timeout(PATIENCE, both).await.expect("the slots should become free");
    let paused = Exported::read(paused).await;
    assert_eq!(paused.refused(), "DeadlineExceeded DEADLINE");
}

/// J31: an export goes on no longer than the key of its caller's token.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_its_issuer_removes_ends_an_export() {
    let keys = ServiceKeys::of_test("exports");
    let one = "[transfers]\nmax_exports = 1\nmax_pause = \"1h\"\n[feed]\n";
    let change = |toml: String| keys.named_in(&toml).replace("[feed]\n", one);
    let server = TestServer::start_with(cluster().db_migrated().await, change).await;
    server.database.db_populate(9000).await;
    let channel = Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    let narrow = channel.initial_stream_window_size(65_535).connect_lazy();
    let slow = Caller::new(narrow, Some(keys.token("services").sign()));
    let slow = slow.export_users(all()).await.unwrap();

    keys.write(&["github"]);
    let renewed = server.caller(&keys.token("github"));
    let free = async { while renewed.export_users(all()).await.is_err() {} };
    timeout(PATIENCE, free).await.expect("the export should end");

    assert_eq!(Exported::read(slow).await.refused(), "Unavailable WATCH_EXPIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_an_export_which_is_then_not_complete() {
    let database = cluster().db_migrated().await;
    database.db_populate(9000).await;
    let (child, address) = Running::serve(&database, |toml| toml);
    let channel = || Endpoint::from_shared(format!("http://{address}")).unwrap();
    let narrow = channel().initial_stream_window_size(65_535).connect_lazy();
    let service = Caller::new(narrow, Some(Token::of("services", "backend").sign()));
    let mut health = HealthClient::new(channel().connect_lazy())
        .watch(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner();
    let stream = service.export_users(all()).await.unwrap();

    child.signal(Signal::TERM);
    // The streams of health end when all others do.
    let over = async { while let Ok(Some(_)) = health.message().await {} };
    timeout(PATIENCE, over).await.expect("the server should stop");
    let exported = Exported::read(stream).await;

    assert_eq!(exported.summary, None);
    assert_eq!(exported.refused(), "Unavailable SERVER_STOPPING");
    let ran = child.finish();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}
