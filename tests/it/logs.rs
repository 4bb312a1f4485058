//! What the server logs, and what it never logs.

mod secrets;
mod unread;

use identity_link::grpc::proto::{self as pb, GetUserRequest, NewIdentity};
use rustix::process::Signal;
use serde_json::{Value, json};
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::support::{
    child::{Running, binary, config_file},
    cluster::cluster,
    tokens::{Token, iss},
    *,
};

/// A text that clients send, and that must not be in the log.
const SESAME: &str = "open-sesame";
const SERVICE: &str = "identitylink.v1.IdentityService";

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_trace_id_is_replaced() {
    let database = cluster().db_migrated().await;
    let (child, address) = Running::serve(&database, |toml| {
        format!("log = \"info,identity_link::call=debug\"\n{toml}")
    });
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let nobody = Caller::new(channel.clone(), None);

    refusal(nobody.get_user(GetUserRequest::default()).await);
    refusal(
        nobody
            .clone()
            .with_metadata("traceparent", SESAME)
            .get_user(GetUserRequest::default())
            .await,
    );
    let told = format!("00-{SESAME:x<32}-00f067aa0ba902b7-01");
    refusal(nobody.with_metadata("traceparent", &told).get_user(GetUserRequest::default()).await);
    HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap();

    child.signal(Signal::TERM);
    let log = child.finish().stderr;
    assert!(!log.contains(SESAME));
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let calls: Vec<Value> = lines.filter(|line| line["target"] == "identity_link::call").collect();
    assert_eq!(calls.len(), 4);
    for call in &calls {
        let id = call["trace_id"].as_str().unwrap();
        assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{call}");
    }
    assert_eq!(
        [&calls[3]["rpc"], &calls[3]["caller"], &calls[3]["code"]],
        ["grpc.health.v1.Health/Check", "none", "Ok"]
    );
}

/// An operator finds out which service called, from where, and under which request id.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_names_the_service_its_request_and_its_client() {
    let database = cluster().db_migrated().await;
    let (child, address) = Running::serve(&database, |toml| toml + &named("billing", "backend"));
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let channel = endpoint.user_agent("billing/2.1").unwrap().connect_lazy();
    let id = uuid::Uuid::new_v4();

    for subject in ["backend", "another"] {
        let caller = Caller::new(channel.clone(), Some(Token::of("services", subject).sign()));
        let new = pb::CreateUserRequest {
            identity: Some(NewIdentity {
                identity_ref: identity_ref("google-oauth2", subject),
                ..Default::default()
            }),
            request_id: id.to_string(),
            ..Default::default()
        };
        caller.create_user(new).await.unwrap();
    }
    let stranger = Caller::new(channel, None);
    refusal(stranger.get_user(GetUserRequest::default()).await);

    child.signal(Signal::TERM);
    let log = child.finish().stderr;
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let calls: Vec<Value> = lines.filter(|line| line["target"] == "identity_link::call").collect();
    let told = |key: &str| calls.iter().map(|call| call[key].clone()).collect::<Vec<_>>();
    assert_eq!(told("service"), [json!("billing"), Value::Null, Value::Null]);
    assert_eq!(told("tenant"), [json!("default"), json!("default"), Value::Null]);
    assert_eq!(told("request_id"), [json!(id), json!(id), Value::Null]);
    let agents = told("user_agent");
    assert!(agents[0].as_str().unwrap().starts_with("billing/2.1"), "{agents:?}");
    assert_eq!(agents[2], Value::Null, "what a stranger sends is not logged");
    for peer in told("peer") {
        assert!(peer.as_str().unwrap().starts_with("127.0.0.1:"), "{peer}");
    }
}

/// The table that names a service of the issuer `services`.
fn named(name: &str, subject: &str) -> String {
    let issuer = iss("services");
    format!("\n[services.{name}]\nissuer = \"{issuer}\"\nsubject = \"{subject}\"\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_for_people_has_a_line_for_each_event_and_no_forged_one() {
    let database = cluster().db_migrated().await;
    let file =
        config_file(&database, |toml| format!("log = \"debug\"\nlog_format = \"text\"\n{toml}"));
    let mut child = Running::start(binary(&["serve", "--config", file.to_str().unwrap()]));
    let line = child.stderr_until(|line| line.contains(" serving address="));
    let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap();
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let backend = Token::of("services", "backend").sign();
    let caller = Caller::new(channel.clone(), Some(backend));
    refusal(caller.get_user(GetUserRequest { user_id: "nobody".into() }).await);
    HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap();

    child.signal(Signal::TERM);
    let log = child.finish().stderr;
    let call = log.lines().find(|line| line.contains("IdentityService/GetUser")).unwrap();
    let (time, rest) = call.split_once(' ').unwrap();
    assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{call}");
    assert!(rest.starts_with("INFO  call rpc=identitylink.v1.IdentityService/GetUser"), "{call}");
    assert!(rest.contains(" code=NotFound reason=USER_NOT_FOUND "), "{call}");
    // A probe is a detail, and the frames of HTTP/2 are not even that.
    let probe = log.lines().find(|line| line.contains("Health/Check")).unwrap();
    assert!(probe.contains(" DEBUG call "), "{probe}");
    assert!(!log.contains("target=h2"), "{log}");
}

/// A lock that another session holds, such as that of `CREATE INDEX`, stops all writes to a table.
/// An operator reads which statement waits, and for which call.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_another_session_holds_is_in_the_log() {
    let database = cluster().db_migrated().await;
    let url = database.url.clone();
    let in_a_hurry = format!("{url}?options=-c%20lock_timeout%3D20ms");
    let (child, address) = Running::serve(&database, |toml| toml.replace(&url, &in_a_hurry));
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
    let held = database.db_hold_statement("LOCK TABLE identities IN SHARE MODE").await;
    let new = pb::CreateUserRequest {
        identity: Some(NewIdentity {
            identity_ref: identity_ref("github", "ann"),
            ..Default::default()
        }),
        ..Default::default()
    };

    assert_eq!(refusal(service.create_user(new).await), "Aborted CONFLICT_RETRY");

    held.db_release().await;
    child.signal(Signal::TERM);
    let log = child.finish().stderr;
    let mut lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let waited = lines.find(|line| line["level"] == "WARN" && !line["statement"].is_null());
    let waited = waited.unwrap_or_else(|| panic!("{log}"));
    assert_eq!(waited["statement"], "insert_identity");
    assert_eq!(waited["rpc"], format!("{SERVICE}/CreateUser"));
}
