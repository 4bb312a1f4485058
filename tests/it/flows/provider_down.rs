//! Providers that are down or slow, or send bad responses.

use futures_util::future::join_all;
use tokio::task::JoinSet;

use super::*;
use crate::support::web_server::Answer;

const UNAVAILABLE: &str = "Unavailable PROVIDER_UNAVAILABLE";

#[tokio::test]
async fn no_flow_starts_at_an_unavailable_provider() {
    let server = server_with(&oidc("down", "http://127.0.0.1:9")).await;
    let outcome = server.service().start_sign_in(to_sign_in("down")).await;
    let details = tonic_types::StatusExt::get_error_details(outcome.as_ref().unwrap_err());
    assert!(details.retry_info().is_some());
    assert_eq!(refusal(outcome), UNAVAILABLE);
    assert_eq!(server.database.db_texts("SELECT provider FROM sign_in_attempts").await, [""; 0]);
}

#[tokio::test]
async fn a_provider_is_used_at_once_after_it_is_available_again() {
    let (fake, server) = fake_and_server().await;
    let metadata = "/.well-known/openid-configuration";
    fake.web.answer(metadata, Answer::status("503 Service Unavailable"));
    assert_eq!(refusal(server.service().start_sign_in(to_sign_in("fake")).await), UNAVAILABLE);

    let good = fake_oidc::metadata(&fake.issuer).to_string();
    fake.web.answer(metadata, Answer::ok(&good));
    server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
    let asked = fake.web.asked_for(metadata).len();

    for _ in 0..10 {
        server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
    }
    assert_eq!(
        fake.web.asked_for(metadata).len(),
        asked,
        "the metadata should be cached for a while"
    );
}

/// F22: errors, resets and invalid responses of the token endpoint.
#[tokio::test]
async fn a_bad_response_creates_no_user_and_uses_the_attempt_up() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    for (answer, expected) in [
        (Answer::status("500 Internal Server Error"), UNAVAILABLE),
        (Answer::new("500 Internal Server Error", "", r#"{"error":"invalid_grant"}"#), UNAVAILABLE),
        (Answer::new("429 Too Many Requests", "", r#"{"error":"slow_down"}"#), UNAVAILABLE),
        (Answer::Reset, UNAVAILABLE),
        (
            Answer::Endless(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec()),
            UNAVAILABLE,
        ),
        (Answer::status("200 OK"), "FailedPrecondition PROVIDER_REJECTED"),
        (Answer::ok("[]"), "FailedPrecondition PROVIDER_REJECTED"),
        (
            Answer::ok(r#"{"access_token":"a","token_type":"Bearer"}"#),
            "FailedPrecondition PROVIDER_REJECTED",
        ),
        (Answer::new("400 Bad Request", "", "oops"), "FailedPrecondition PROVIDER_REJECTED"),
        (
            Answer::new("401 Unauthorized", "", r#"{"error":"invalid_client"}"#),
            "FailedPrecondition PROVIDER_REJECTED",
        ),
    ] {
        let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
        let request = come_back(&begun).await;
        fake.web.answer("/token", answer);
        refused_to_everybody(&server, service.complete_sign_in(request.clone()).await, expected)
            .await;
        assert_eq!(
            refusal(service.complete_sign_in(request).await),
            "FailedPrecondition SIGN_IN_INVALID"
        );
    }
}

#[tokio::test]
async fn a_response_that_never_ends_is_given_up() {
    let (fake, server) = fake_and_server().await;
    let begin = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{".to_vec();
    let drips = [begin.clone(), vec![b' '; 999]].concat();
    // With one byte at a time there is always more to read, and the response never ends within the
    // bound.
    for answer in [Answer::Begin(begin), Answer::Drip(drips)] {
        fake.web.answer("/token", answer);
        refused_to_everybody(&server, sign_in(&server, "fake").await, UNAVAILABLE).await;
    }
}

#[tokio::test]
async fn without_the_keys_of_a_provider_its_sign_ins_are_unavailable() {
    let fake = FakeOidc::start(alice()).await;
    fake.web.answer("/jwks", Answer::status("503 Service Unavailable"));
    let server = server_with(&oidc("fake", &fake.issuer)).await;
    refused_to_everybody(&server, sign_in(&server, "fake").await, UNAVAILABLE).await;
}

/// A call that waits for a provider holds no database connection.
#[tokio::test]
async fn no_connection_is_held_during_a_request_to_a_provider() {
    let fake = FakeOidc::start(alice()).await;
    let toml = oidc("fake", &fake.issuer);
    let database = cluster().db_migrated().await;
    let change =
        |config: String| config.replacen("max_connections = 8", "max_connections = 1", 1) + &toml;
    let server = TestServer::start_with(database, change).await;
    let service = server.service();
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    let request = come_back(&begun).await;
    let (held, release) = Answer::new("400 Bad Request", "", r#"{"error":"invalid_grant"}"#).held();
    fake.web.answer("/token", held);

    let slow = tokio::spawn({
        let service = service.clone();
        async move { service.complete_sign_in(request).await }
    });
    fake.web.until_asked_for("/token", 1).await;
    for n in 0..5 {
        service.create("github", &n.to_string()).await;
    }
    release.notify_one();

    assert_eq!(refusal(slow.await.unwrap()), "FailedPrecondition PROVIDER_REJECTED");
}

/// Flows that wait for a provider have places of their own: far more of them than calls are permitted
/// at once, and other callers do not notice. Each place of those is free again.
#[tokio::test]
async fn a_provider_that_hangs_holds_up_its_own_flows_only() {
    const FLOWS: usize = 60;
    let fake = FakeOidc::start(alice()).await;
    let toml = oidc("fake", &fake.issuer);
    let few = |config: String| format!("max_concurrent_calls = 2\n{config}{toml}");
    let server = TestServer::start_with(cluster().db_migrated().await, few).await;
    let service = server.service();
    let mut requests = Vec::new();
    for _ in 0..FLOWS {
        let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
        requests.push(come_back(&begun).await);
    }
    let (held, release) = Answer::new("400 Bad Request", "", r#"{"error":"invalid_grant"}"#).held();
    fake.web.answer("/token", held);

    let mut flows = JoinSet::new();
    for (at, request) in requests.into_iter().enumerate() {
        let service = service.clone();
        flows.spawn(async move { service.complete_sign_in(request).await });
        // One by one: only so many calls may begin at once.
        fake.web.until_asked_for("/token", at + 1).await;
    }
    for n in 0..5 {
        service.create("github", &n.to_string()).await;
    }
    release.notify_one();

    while let Some(flow) = flows.join_next().await {
        assert_eq!(refusal(flow.unwrap()), "FailedPrecondition PROVIDER_REJECTED");
    }
    let served = join_all((0..2).map(|_| service.list_providers(Default::default()))).await;
    assert!(served.iter().all(Result::is_ok));
}

/// A provider that hangs is asked by so many flows at a time; more of them wait for their turn, and none is
/// lost. A flow begins meanwhile, because that asks the provider nothing.
#[tokio::test]
async fn a_provider_is_asked_by_so_many_flows_at_a_time() {
    const ASKING: usize = 128;
    const FLOWS: usize = ASKING + 12;
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let mut requests = Vec::new();
    for _ in 0..FLOWS {
        let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
        requests.push(come_back(&begun).await);
    }
    let (held, release) = Answer::new("400 Bad Request", "", r#"{"error":"invalid_grant"}"#).held();
    fake.web.answer("/token", held);

    let mut flows = JoinSet::new();
    for (at, request) in requests.into_iter().enumerate() {
        let service = service.clone();
        flows.spawn(async move { service.complete_sign_in(request).await });
        // One by one: a flow removes its attempt before it asks the provider.
        let later = format!("SELECT 1 FROM sign_in_attempts OFFSET {}", FLOWS - at - 1);
        server.database.db_until_none(&later).await;
    }
    fake.web.until_asked_for("/token", ASKING).await;
    service.start_sign_in(to_sign_in("fake")).await.unwrap();
    assert_eq!(fake.web.asked_for("/token").len(), ASKING);
    release.notify_one();

    while let Some(flow) = flows.join_next().await {
        assert_eq!(refusal(flow.unwrap()), "FailedPrecondition PROVIDER_REJECTED");
    }
    assert_eq!(fake.web.asked_for("/token").len(), FLOWS);
}

/// Tenants with the same provider share one request for what is the same for all of them.
#[tokio::test]
async fn tenants_share_the_keys_of_a_provider() {
    let fake = FakeOidc::start(alice()).await;
    let here = oidc("fake", &fake.issuer);
    let server =
        server_with(&format!("{here}{}", here.replace("tenants.default", "tenants.other"))).await;

    for service in [server.service(), server.service_of("other")] {
        let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
        decision(service.complete_sign_in(come_back(&begun).await).await);
    }

    assert_eq!(fake.web.asked_for("/jwks").len(), 1);
    // One request is for the endpoints, one for the URL of the keys, and one for the comparison with
    // the settings at the start.
    let metadata = "/.well-known/openid-configuration";
    fake.web.until_asked_for(metadata, 3).await;
    assert_eq!(fake.web.asked_for(metadata).len(), 3);
}

/// Calls that start at once, before the metadata are cached, share one request.
#[tokio::test]
async fn calls_at_once_share_one_request_for_metadata() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let metadata = "/.well-known/openid-configuration";
    // Each request for the keys comes with a request for the metadata.
    let of_keys = fake.web.asked_for("/jwks").len();

    let begun = join_all((0..20).map(|_| service.start_sign_in(to_sign_in("fake")))).await;

    assert!(begun.iter().all(Result::is_ok));
    // The third is for the comparison with the settings at the start.
    assert!(fake.web.asked_for(metadata).len() <= 3 + of_keys);
}
