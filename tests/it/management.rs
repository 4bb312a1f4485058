//! The listener of operators and their tools: probes and the version.

use std::{net::SocketAddr, process::Command, time::Duration};

use http::Request;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::support::{
    child::{Running, binary, config_file, run, temp_dir},
    cluster::{Database, cluster},
    http1::Http1,
    http2::http2,
    tls::{Authority, TlsClient, tls_toml},
    tokens::Token,
    *,
};

pub(crate) const MANAGEMENT: &str = "\n[management]\nlisten = \"127.0.0.1:0\"\n";
/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that has just begun to start, and the address of its management.
fn starting(database: &Database, change: impl FnOnce(String) -> String) -> (Running, SocketAddr) {
    starting_with(database, change, &[])
}

/// The same, with more options.
pub(crate) fn starting_with(
    database: &Database,
    change: impl FnOnce(String) -> String,
    options: &[&str],
) -> (Running, SocketAddr) {
    let file = config_file(database, |toml| change(toml) + MANAGEMENT);
    let mut command = binary(&["serve", "--config", file.to_str().unwrap()]);
    command.args(options);
    starting_by(command)
}

fn starting_by(command: Command) -> (Running, SocketAddr) {
    let mut child = Running::start(command);
    let line = child.stderr_until(|line| line.contains(r#""message":"serving management""#));
    let address = address(&line);
    (child, address)
}

/// A server that serves: the child, the address of its management, and that for calls.
pub(crate) fn serving(
    database: &Database,
    change: impl FnOnce(String) -> String,
) -> (Running, SocketAddr, SocketAddr) {
    served(starting(database, change))
}

/// The same by this command, whose configuration has [`MANAGEMENT`].
pub(crate) fn serving_by(command: Command) -> (Running, SocketAddr, SocketAddr) {
    served(starting_by(command))
}

fn served((mut child, management): (Running, SocketAddr)) -> (Running, SocketAddr, SocketAddr) {
    let line = child.stderr_until(|line| line.contains(r#""message":"serving""#));
    let calls = address(&line);
    (child, management, calls)
}

fn address(line: &str) -> SocketAddr {
    let line: Value = serde_json::from_str(line).unwrap();
    line["address"].as_str().unwrap().parse().unwrap()
}

/// What is at this path.
pub(crate) async fn got(address: SocketAddr, path: &str) -> (u16, Value) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
    let answer = Http1::connect(address).await.ask(request).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

/// Waits until `/readyz` has this status.
async fn until(address: SocketAddr, status: &str) -> (u16, Value) {
    let told = async {
        loop {
            let told = got(address, "/readyz").await;
            if told.1["status"] == status {
                return told;
            }
        }
    };
    timeout(PATIENCE, told).await.expect("the server should be in this state")
}

pub(crate) fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

async fn health(address: SocketAddr) -> ServingStatus {
    let answer = HealthClient::new(channel(address)).check(HealthCheckRequest::default()).await;
    answer.unwrap().into_inner().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_that_the_server_lives_and_is_ready_and_its_version() {
    let (_child, management, calls) = serving(&cluster().db_migrated().await, |toml| toml);

    assert_eq!(got(management, "/livez").await, (200, json!({"status": "live"})));
    let (code, told) = got(management, "/readyz").await;
    assert_eq!((code, &told["status"]), (200, &json!("ready")));
    assert_eq!((&told["database"], &told["feed"]), (&json!("available"), &json!("on time")));
    assert_eq!(health(calls).await, ServingStatus::Serving);
    let (code, told) = got(management, "/version").await;
    let line = run(&["version"]).stdout;
    let text = |key: &str| told[key].as_str().unwrap();
    assert_eq!((code, text("version")), (200, env!("CARGO_PKG_VERSION")));
    assert_eq!(
        line,
        format!("identity-link {} (commit {}, {})", text("version"), text("commit"), text("date"))
    );

    let request = Request::get(format!("http://{management}/livez")).body(Default::default());
    assert_eq!(http2(management, request.unwrap()).await.unwrap().status(), 200);
    let (code, told) = got(management, "/api/v2/users").await;
    assert_eq!(code, 404);
    assert!(told["error"].as_str().unwrap().contains("/readyz"), "{told}");
    let post = "POST /livez HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(Http1::connect(management).await.ask(post).await.status, 405);
}

/// With the environment and all defaults, and without secrets.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_the_configuration_in_force() {
    let database = cluster().db_migrated().await;
    let secret = "[tenants.default.providers.extra.oauth]\nkind = \"oidc\"\nclient_id = \"us\"\n\
        client_secret = \"open-sesame\"\nredirect_uris = [\"https://a.example.com/\"]\n\
        issuer = \"https://extra.example.com\"\n";
    let file = config_file(&database, |toml| {
        toml.replace("[feed]\n", "[feed]\nheartbeat = \"7s\"\n") + secret + MANAGEMENT
    });
    let mut command = binary(&["serve", "--config", file.to_str().unwrap()]);
    command.env("IDENTITY_LINK__MAX_CALL_TIME", "9s");
    let mut child = Running::start(command);
    let management =
        address(&child.stderr_until(|line| line.contains(r#""message":"serving management""#)));

    let (code, shown) = got(management, "/config").await;

    assert_eq!(code, 200);
    assert_eq!(shown["max_call_time"], "9s");
    assert_eq!(
        (&shown["feed"]["heartbeat"], &shown["feed"]["max_watchers"]),
        (&json!("7s"), &json!(2000))
    );
    assert_eq!(shown["max_concurrent_calls"], 128);
    let oauth = &shown["tenants"]["default"]["providers"]["extra"]["oauth"];
    assert_eq!(
        (&oauth["client_id"], &oauth["client_secret"]),
        (&json!("us"), &json!("(redacted)"))
    );
    assert_eq!(shown["issuers"]["services"]["kind"], "service");
    assert_eq!((&shown["tls"], &shown["tracing"]), (&Value::Null, &Value::Null));
    let (user, _) = database.url.split("://").nth(1).unwrap().split_once('@').unwrap();
    let all = shown.to_string();
    assert!(!all.contains("sesame") && !all.contains(&format!("{user}@")), "{all}");
}

/// No call is served there, and nothing of this is on the listener for calls.
#[tokio::test(flavor = "multi_thread")]
async fn the_two_listeners_share_no_path() {
    let (_child, management, calls) = serving(&cluster().db_migrated().await, |toml| toml);

    let service = Caller::new(channel(management), Some(Token::of("services", "backend").sign()));
    assert_eq!(refusal(service.get_user(get("x")).await), "Unimplemented -");
    let request = Request::get(format!("http://{calls}/readyz")).body(Default::default());
    let answer = http2(calls, request.unwrap()).await.unwrap();
    let sentence = String::from_utf8_lossy(answer.body());
    assert_eq!(answer.status().as_u16(), 405);
    assert!(sentence.starts_with("Call an rpc with POST"), "{sentence}");
    let request = Request::get(format!("http://{calls}/")).body(Default::default());
    let answer = http2(calls, request.unwrap()).await.unwrap();
    let sentence = String::from_utf8_lossy(answer.body());
    assert!(sentence.contains("speaks gRPC"), "{sentence}");
}

/// Probes have no certificate: what clients need for calls does not hold there.
#[tokio::test(flavor = "multi_thread")]
async fn the_certificates_of_clients_are_for_calls_only() {
    let database = cluster().db_migrated().await;
    let dir = temp_dir("management_client_ca");
    let (ours, clients) = (Authority::new("ours"), Authority::new("clients"));
    ours.issue().write(&dir);
    clients.write(&dir.join("clients.pem"));
    let tls = format!("\n{}client_ca = \"{}/clients.pem\"\n", tls_toml(&dir), dir.display());

    let (_child, management, calls) = serving(&database, |toml| toml + &tls);

    assert_eq!(got(management, "/livez").await.0, 200);
    let refused = TlsClient::new(&ours, None).refusal(calls).await;
    assert_eq!(refused, "received fatal alert: CertificateRequired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_its_database_lives_and_is_not_ready() {
    let database = cluster().db_migrated().await;
    let way = database.db_with_cuts().await;
    let direct = database.url.clone();
    let (_child, management, calls) = serving(&database, |toml| toml.replace(&direct, &way.url));

    way.swallow(true);
    let (code, told) = until(management, "not ready").await;
    assert_eq!((code, &told["database"]), (503, &json!("unavailable")));
    assert_eq!(got(management, "/livez").await.0, 200);
    assert_eq!(health(calls).await, ServingStatus::NotServing);

    way.swallow(false);
    assert_eq!(until(management, "ready").await.0, 200);
}

/// An operator runs a contract migration of a release that is not rolled out yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_schema_was_replaced_is_not_ready_and_says_why() {
    let database = cluster().db_migrated().await;
    let (mut child, management, calls) = serving(&database, |toml| toml);

    let unknown = "INSERT INTO __diesel_schema_migrations VALUES ('20990101000001.expand'), ('20990101000002.contract')";
    database.db_execute(unknown).await;
    child.stderr_until(|line| line.contains("cannot serve on the schema"));
    let (code, told) = until(management, "not ready").await;
    assert_eq!((code, &told["database"]), (503, &json!("incompatible")));
    insta::assert_snapshot!(told["reason"].as_str().unwrap(), @"the database's schema is newer than this binary: run the release that made it, or a later one (unknown: 20990101000002.contract)");
    assert_eq!(got(management, "/livez").await.0, 200);
    assert_eq!(health(calls).await, ServingStatus::NotServing);

    // Servers of this release serve beside the expand.
    database
        .db_execute(
            "DELETE FROM __diesel_schema_migrations WHERE version = '20990101000002.contract'",
        )
        .await;
    let (code, told) = until(management, "ready").await;
    assert_eq!((code, told.get("reason")), (200, None));

    database.db_execute("DELETE FROM __diesel_schema_migrations").await;
    let (_, told) = until(management, "not ready").await;
    assert!(told["reason"].as_str().unwrap().contains("migrate"), "{told}");
}

/// An issuer that is down takes no replica out: all of them would be out at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_without_keys_is_told_and_the_server_is_ready() {
    let issuer = "\n[issuers.silent]\nissuer = \"https://127.0.0.1:1\"\nkind = \"service\"\n\
        tenant = \"default\"\naudiences = [\"identity-link\"]\nalgorithms = [\"ES256\"]\n\
        jwks_url = \"https://127.0.0.1:1/jwks.json\"\n";
    let database = cluster().db_migrated().await;
    let (_child, management, _) = serving(&database, |toml| toml + issuer);

    let (code, told) = got(management, "/readyz").await;

    assert_eq!((code, &told["status"]), (200, &json!("ready")));
    let issuers = told["issuers"].as_array().unwrap();
    assert!(issuers.contains(&json!({"issuer": "https://127.0.0.1:1", "keys": "missing"})));
    let missing = issuers.iter().filter(|issuer| issuer["keys"] == "missing").count();
    assert_eq!((missing, issuers.len() > 1), (1, true), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_still_starts_lives_and_is_not_ready() {
    let database = cluster().db_migrated().await;
    let way = database.db_with_cuts().await;
    let direct = database.url.clone();
    way.swallow(true);
    let (child, management) = starting(&database, |toml| toml.replace(&direct, &way.url));

    assert_eq!(got(management, "/livez").await.0, 200);
    assert_eq!(got(management, "/readyz").await, (503, json!({"status": "starting"})));

    way.swallow(false);
    drop(way);
    child.signal(Signal::KILL);
}

/// F29: a load balancer learns of the end while calls are still served.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_says_so_before_it_refuses_connections() {
    let database = cluster().db_migrated().await;
    let delay = |toml| format!("shutdown_delay = \"1h\"\n{toml}");
    let (child, management, calls) = serving(&database, delay);

    child.signal(Signal::TERM);

    assert_eq!(until(management, "stopping").await, (503, json!({"status": "stopping"})));
    assert_eq!(health(calls).await, ServingStatus::NotServing);
    assert_eq!(got(management, "/livez").await.0, 200);
    // On a new connection.
    let service = Caller::new(channel(calls), Some(Token::of("services", "backend").sign()));
    service.create("google-oauth2", "late").await;

    // A second signal ends it at once.
    child.signal(Signal::TERM);
    assert_eq!(child.finish().code, Some(130));
}
