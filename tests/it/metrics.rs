//! The metrics, as Prometheus reads them.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use identity_link::grpc::proto as pb;
use tokio::time::timeout;
use tonic::Code;

use super::management::{channel, serving};
use crate::support::{
    auth0::AUTH0,
    cluster::cluster,
    http1::Http1,
    tokens::{Token, iss},
    *,
};

/// A text that a stranger sends wherever it can.
const SESAME: &str = "open-sesame";

/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The metrics in the format that is asked for: the media type, and the text.
pub(crate) async fn scraped(management: SocketAddr, accept: &str) -> (String, String) {
    let request = format!("GET /metrics HTTP/1.1\r\nhost: a\r\naccept: {accept}\r\n\r\n");
    let answer = Http1::connect(management).await.ask(&request).await;
    assert_eq!(answer.status, 200);
    (answer.header("content-type").unwrap().to_owned(), answer.body)
}

/// The value of each series, by its name with its labels.
pub(crate) fn series(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    // In OpenMetrics, an exemplar may follow.
    let lines = lines.map(|line| line.split(" # ").next().unwrap());
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name, value.parse().unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_what_is_called_by_whom_and_how_it_ends() {
    let database = cluster().db_migrated().await;
    let named =
        format!("\n[services.billing]\nissuer = \"{}\"\nsubject = \"backend\"\n", iss("services"));
    let (_child, management, calls) = serving(&database, |toml| toml + &named);
    let channel = channel(calls);
    let service = Caller::new(channel.clone(), Some(Token::of("services", "backend").sign()));
    let other = Caller::new(channel.clone(), Some(Token::of("services", SESAME).sign()));

    let a = service.create("google-oauth2", "a").await;
    let b = other.create("github", "b").await;
    let linked = service.link(link_user(&a.id, &b.id)).await.unwrap();
    let undo = pb::UndoLinkRequest { link_id: linked.link.unwrap().id, ..Default::default() };
    service.undo_link(undo).await.unwrap();
    refusal(service.get_user(pb::GetUserRequest { user_id: SESAME.into() }).await);
    let stranger = Caller::new(channel, Some(SESAME.to_owned())).with_metadata("x-tenant", SESAME);
    let refused = stranger.get_user(Default::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);

    let (media, text) = scraped(management, "*/*").await;
    assert_eq!(media, "text/plain; version=0.0.4; charset=utf-8");
    let series = series(&text);
    let call = |rpc: &str, rest: &str| {
        format!("identity_link_calls_total{{rpc=\"identitylink.v1.IdentityService/{rpc}\",{rest}}}")
    };
    let ok = |service: &str| {
        format!(
            "code=\"Ok\",reason=\"\",caller=\"service\",service=\"{service}\",tenant=\"default\",wire=\"grpc\""
        )
    };
    for (name, value) in [
        (call("CreateUser", &ok("billing")), 1.0),
        (call("CreateUser", &ok("")), 1.0),
        (call("Link", &ok("billing")), 1.0),
        (call("UndoLink", &ok("billing")), 1.0),
        (call("GetUser", "code=\"NotFound\",reason=\"USER_NOT_FOUND\",caller=\"service\",service=\"billing\",tenant=\"default\",wire=\"grpc\""), 1.0),
        (call("GetUser", "code=\"Unauthenticated\",reason=\"TOKEN_INVALID\",caller=\"none\",service=\"\",tenant=\"\",wire=\"grpc\""), 1.0),
        ("identity_link_call_duration_seconds_count{rpc=\"identitylink.v1.IdentityService/Link\",code=\"Ok\"}".to_owned(), 1.0),
        ("identity_link_events_total{tenant=\"default\",kind=\"user_created\"}".to_owned(), 2.0),
        ("identity_link_events_total{tenant=\"default\",kind=\"user_linked\"}".to_owned(), 1.0),
        ("identity_link_events_total{tenant=\"default\",kind=\"link_undone\"}".to_owned(), 1.0),
        ("identity_link_token_verifications_total{result=\"verified\"}".to_owned(), 2.0),
        ("identity_link_token_verifications_total{result=\"remembered\"}".to_owned(), 3.0),
        ("identity_link_token_verifications_total{result=\"refused\"}".to_owned(), 1.0),
        ("identity_link_remembered_tokens".to_owned(), 2.0),
        ("identity_link_statement_duration_seconds_count{statement=\"insert_link\"}".to_owned(), 1.0),
        ("identity_link_database_connections_max{pool=\"calls\"}".to_owned(), 8.0),
        (in_flight("identitylink.v1.IdentityService/Link"), 0.0),
        ("identity_link_keys_usable{issuer=\"https://services.example.com\"}".to_owned(), 1.0),
        ("identity_link_connections".to_owned(), 1.0),
        ("identity_link_ready".to_owned(), 1.0),
        ("identity_link_database_up".to_owned(), 1.0),
        ("identity_link_feed_watchers".to_owned(), 0.0),
    ] {
        assert_eq!(series.get(&*name), Some(&value), "{name} in\n{text}");
    }
    let build = format!("identity_link_build_info{{version=\"{}\",", env!("CARGO_PKG_VERSION"));
    assert!(series.keys().any(|name| name.starts_with(&build)), "{text}");
    let commits = series["identity_link_statement_duration_seconds_count{statement=\"commit\"}"];
    assert!(commits >= 4.0, "{commits}");
    let key_age = format!("identity_link_key_age_seconds{{issuer=\"{}\"}}", iss("services"));
    assert!(series[&*key_age] < 600.0);
    // No label is made of what a stranger sends.
    assert!(!text.contains(SESAME), "{text}");
}

/// The series of the calls of this rpc that are in flight.
fn in_flight(rpc: &str) -> String {
    format!("identity_link_calls_in_flight{{rpc=\"{rpc}\"}}")
}

/// Over both transports, by the name of the call.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_is_in_flight_under_its_name() {
    let database = cluster().db_migrated().await;
    let (_child, management, calls) = serving(&database, |toml| toml + AUTH0);
    let service = Caller::new(channel(calls), Some(Token::of("services", "backend").sign()));
    let id = service.create("google-oauth2", "a").await.id;
    let held = database.db_hold(&id).await;
    let blocking = tokio::spawn({
        let (service, id) = (service.clone(), id.clone());
        async move { service.update_user(block(&id, true)).await }
    });
    database.db_until_waiting(1).await;
    let mut http = Http1::connect(calls).await;
    let token = Token::of("services", "backend").sign();
    let waiting = tokio::spawn(async move {
        let body = r#"{"blocked":false}"#;
        http.ask(&format!(
            "PATCH /api/v2/users/google-oauth2%7Ca HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await
    });
    let (grpc, auth0) = (
        in_flight("identitylink.v1.IdentityService/UpdateUser"),
        in_flight("PATCH /api/v2/users/{id}"),
    );

    let both_wait = async {
        loop {
            let (_, text) = scraped(management, "*/*").await;
            let series = series(&text);
            if [&grpc, &auth0].iter().all(|name| series.get(name.as_str()) == Some(&1.0)) {
                break;
            }
        }
    };
    timeout(PATIENCE, both_wait).await.unwrap();

    held.db_release().await;
    blocking.await.unwrap().unwrap();
    assert_eq!(waiting.await.unwrap().status, 200);
    let (_, text) = scraped(management, "*/*").await;
    let series = series(&text);
    for name in [&grpc, &auth0] {
        assert_eq!(series[name.as_str()], 0.0, "{name} in\n{text}");
    }
}

/// The sign-ins of a tenant by their outcome, and the links that its rules make.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_what_the_rules_of_sign_in_decide() {
    let database = cluster().db_migrated().await;
    let (_child, management, calls) = serving(&database, |toml| toml);
    let service = Caller::new(channel(calls), Some(Token::of("services", "backend").sign()));
    let account = |provider: &str, subject: &str| {
        sign_in_with(pb::ProvenAccount {
            identity_ref: identity_ref(provider, subject),
            email: "ann@example.com".to_owned(),
            email_verified: true,
            ..Default::default()
        })
    };
    for (provider, subject) in [("google-oauth2", "a"), ("google-oauth2", "a"), ("github", "b")] {
        service.resolve_sign_in(account(provider, subject)).await.unwrap();
    }
    // A preview decides nothing.
    let preview = pb::ResolveSignInRequest { validate_only: true, ..account("okta", "c") };
    service.resolve_sign_in(preview).await.unwrap();

    let (_, text) = scraped(management, "*/*").await;
    let series = series(&text);
    let decided: Vec<_> = series
        .iter()
        .filter(|(name, _)| name.starts_with("identity_link_sign_ins_total"))
        .map(|(name, value)| format!("{} {value}", name.split_once('{').unwrap().1))
        .collect();
    insta::assert_snapshot!(decided.join("\n"), @r#"
    tenant="default",provider="github",outcome="linked"} 1
    tenant="default",provider="google-oauth2",outcome="created"} 1
    tenant="default",provider="google-oauth2",outcome="signed_in"} 1
    "#);
    let rule = "tenant=\"default\",rule=\"email_verified_on_both_sides\"";
    assert_eq!(series[&*format!("identity_link_automatic_links_total{{{rule}}}")], 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn openmetrics_is_for_scrapers_that_name_it() {
    let (_child, management, _) = serving(&cluster().db_migrated().await, |toml| toml);

    let (media, text) = scraped(management, "application/openmetrics-text;version=1.0.0").await;

    assert_eq!(media, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(series(&text).contains_key("identity_link_ready"), "{text}");
}
