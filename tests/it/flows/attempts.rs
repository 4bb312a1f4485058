//! Attempts: which caller may complete them, how often, and until when.

use data_encoding::BASE64URL_NOPAD;
use futures_util::future::join_all;

use super::*;
use crate::support::tokens::Token;

const INVALID: &str = "FailedPrecondition SIGN_IN_INVALID";

#[tokio::test]
async fn a_sign_in_is_decided_by_the_providers_claims() {
    let (_fake, server) = fake_and_server().await;

    let first = decision(sign_in(&server, "fake").await);
    assert_eq!(first.outcome(), pb::sign_in_decision::Outcome::Created);
    let user = first.user.unwrap();
    assert_eq!(identities(&user), ["fake|alice"]);
    let identity = &user.identities[0];
    assert_eq!((identity.email.as_str(), identity.email_verified), ("Alice@example.com", true));
    assert_eq!(json(&identity.profile_data), serde_json::json!({"name": "Alice"}));

    let again = decision(sign_in(&server, "fake").await);
    assert_eq!(again.outcome(), pb::sign_in_decision::Outcome::SignedIn);
    assert_eq!(again.user.unwrap().id, user.id);
}

/// A20, A27: no secret of a flow can be guessed. Its code is useless without the verifier, which
/// the fake requires.
#[tokio::test]
async fn each_flow_has_its_own_challenge_state_nonce_and_secret() {
    let (fake, server) = fake_and_server().await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let begun = server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
        let (endpoint, query) = begun.authorization_url.split_once('?').unwrap();
        assert_eq!(endpoint, format!("{}/authorize", fake.issuer));
        let query = form::parse(query);
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(
            (query["scope"].as_str(), &query["redirect_uri"]),
            ("email openid profile", &redirect_uri("fake"))
        );
        for random in
            [&begun.attempt_secret, &query["code_challenge"], &query["state"], &query["nonce"]]
        {
            assert_eq!(BASE64URL_NOPAD.decode(random.as_bytes()).unwrap().len(), 32);
            assert!(seen.insert(random.clone()));
        }
    }
    decision(sign_in(&server, "fake").await);
    assert!(fake.web.asked_for("/token")[0].form["code_verifier"].len() >= 43);
}

#[tokio::test]
async fn the_authorization_request_contains_hint_prompt_and_max_age() {
    let (_fake, server) = fake_and_server().await;
    let request = pb::StartSignInRequest {
        login_hint: "alice@example.com".to_owned(),
        prompt: "login consent".to_owned(),
        max_age: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..to_sign_in("fake")
    };
    let begun = server.service().start_sign_in(request).await.unwrap();
    let query = asked_for(&begun);
    let told = ["login_hint", "prompt", "max_age"].map(|name| query[name].as_str());
    assert_eq!(told, ["alice@example.com", "login consent", "60"]);
}

/// A18, R15: of all calls with one attempt, one succeeds.
#[tokio::test]
async fn of_many_calls_with_one_attempt_one_completes_it() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    let request = come_back(&begun).await;

    let all = join_all((0..50).map(|_| service.complete_sign_in(request.clone()))).await;

    let (good, bad): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
    assert_eq!((good.len(), bad.len()), (1, 49));
    for refused in bad {
        assert_eq!(refusal(refused), INVALID);
    }
    assert_eq!(fake.exchanges(), 1);
}

/// A15, A18: unknown, foreign and expired attempts get one refusal, and their code is not
/// exchanged.
#[tokio::test]
async fn another_state_or_secret_completes_no_attempt() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let [one, other] =
        [to_sign_in("fake"), to_sign_in("fake")].map(|request| service.start_sign_in(request));
    let [one, other] = [one.await.unwrap(), other.await.unwrap()];
    let request = come_back(&one).await;

    let swap = |secret: &str, state: &str| pb::CompleteSignInRequest {
        attempt_secret: secret.to_owned(),
        state: state.to_owned(),
        ..request.clone()
    };
    let swapped = swap(&other.attempt_secret, &request.state);
    let [secret, state] = [&one.attempt_secret, &request.state];
    for attempt in [swapped, swap("x", state), swap(secret, "x"), swap(state, secret)] {
        let status = service.complete_sign_in(attempt).await.unwrap_err();
        assert_eq!(
            status.message(),
            "this sign-in cannot continue: it has expired, was used, or is not this caller's; begin it again"
        );
        assert_eq!(refusal::<()>(Err(status)), INVALID);
    }
    let elsewhere = server.service_of("other").complete_sign_in(request.clone()).await;
    assert_eq!(refusal(elsewhere), INVALID);
    // None of them has used an attempt up: a stranger cannot end another browser's sign-in.
    assert_eq!(fake.exchanges(), 0);
    service.complete_sign_in(come_back(&other).await).await.unwrap();
    assert_eq!(fake.exchanges(), 1);
    server.database.db_execute("UPDATE sign_in_attempts SET expire_time = now()").await;
    assert_eq!(refusal(service.complete_sign_in(request).await), INVALID);
    assert_eq!(fake.exchanges(), 1);
}

/// A19: a redirect URI must be equal to a configured one, byte by byte.
#[tokio::test]
async fn a_redirect_uri_that_is_not_configured_is_refused() {
    let (_fake, server) = fake_and_server().await;
    for uri in [
        "http://127.0.0.1:9/callback/fake/",
        "http://127.0.0.1:9/callback/fake?x=1",
        "http://127.0.0.1:9/callback/FAKE",
        "http://127.0.0.1:9/callback/fake/../fake",
        "http://127.0.0.1:9/callback/%66ake",
        "http://127.0.0.1:9@evil.example.com/callback/fake",
        "http://evil.example.com/callback/fake",
        "//127.0.0.1:9/callback/fake",
    ] {
        let request = pb::StartSignInRequest { redirect_uri: uri.to_owned(), ..to_sign_in("fake") };
        assert_eq!(
            refusal(server.service().start_sign_in(request).await),
            "InvalidArgument REQUEST_INVALID\nredirect_uri: is not one of those that are configured for this provider",
            "{uri}"
        );
    }
    assert_eq!(server.database.db_texts("SELECT provider FROM sign_in_attempts").await, [""; 0]);
}

#[tokio::test]
async fn a_refusal_names_all_violations_at_once() {
    let (_fake, server) = fake_and_server().await;
    let request = pb::StartSignInRequest {
        provider: "No Such".to_owned(),
        login_hint: "x".repeat(321),
        prompt: "login login".to_owned(),
        max_age: Some(prost_types::Duration { seconds: -1, nanos: 0 }),
        ..Default::default()
    };
    insta::assert_snapshot!(refusal(server.service().start_sign_in(request).await), @r#"
    InvalidArgument REQUEST_INVALID
    provider: must be 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit
    redirect_uri: is required
    intent: is required: sign_in or link
    login_hint: must be at most 320 bytes without control characters
    prompt: must be "none", or some of login, consent, select_account, separated by single spaces
    max_age: must be a whole number of seconds, from 0 to one year
    "#);
    let request = pb::CompleteSignInRequest {
        state: "x".repeat(129),
        code: "c".to_owned(),
        error: "access_denied".to_owned(),
        request_id: "1".to_owned(),
        ..Default::default()
    };
    insta::assert_snapshot!(refusal(server.service().complete_sign_in(request).await), @r"
    InvalidArgument REQUEST_INVALID
    request_id: must be a UUID other than the one with only zeros
    attempt_secret: is required
    state: must be at most 128 bytes without control characters
    code: exactly one of code and error is required: the parameters of the redirect
    redirect_uri: is required
    ");
}

#[tokio::test]
async fn a_refusal_at_the_provider_uses_the_attempt_up() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    let good = come_back(&begun).await;
    let refused = pb::CompleteSignInRequest {
        error: "access_denied".to_owned(),
        code: String::new(),
        ..good.clone()
    };

    assert_eq!(
        refusal(service.complete_sign_in(refused).await),
        "FailedPrecondition PROVIDER_REJECTED"
    );

    assert_eq!(refusal(service.complete_sign_in(good).await), INVALID);
    assert_eq!(fake.exchanges(), 0);
}

#[tokio::test]
async fn a_retry_with_the_request_id_gets_the_same_response() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    let request_id = uuid::Uuid::new_v4().to_string();
    let request = pb::CompleteSignInRequest { request_id, ..come_back(&begun).await };

    let first = service.complete_sign_in(request.clone()).await.unwrap();
    let again = service.complete_sign_in(request.clone()).await.unwrap();

    assert_eq!(first, again);
    assert_eq!(fake.exchanges(), 1);
    let other = pb::CompleteSignInRequest { code: "other".to_owned(), ..request };
    assert_eq!(refusal(service.complete_sign_in(other).await), "InvalidArgument REQUEST_ID_REUSED");
}

/// A50: the database contains no secret of a flow, and no token from the provider.
#[tokio::test]
async fn no_secret_of_a_flow_is_stored() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    let request = come_back(&begun).await;
    let secrets = [&begun.attempt_secret, &request.state, &request.code].map(Clone::clone);
    let dump = server.database.db_dump().await;
    assert!(dump.contains(CALLBACK), "this test needs the attempt in the dump");
    for secret in &secrets {
        assert!(!dump.contains(secret.as_str()));
    }

    decision(service.complete_sign_in(request).await);

    let dump = server.database.db_dump().await;
    let verifier = fake.web.asked_for("/token")[0].form["code_verifier"].clone();
    for secret in secrets.iter().chain([
        &verifier,
        &"access-token-of-the-fake".to_owned(),
        &CLIENT_SECRET.to_owned(),
    ]) {
        assert!(!dump.contains(secret.as_str()), "{secret}");
    }
}

#[tokio::test]
async fn only_a_service_may_start_a_sign_in() {
    let (_fake, server) = fake_and_server().await;
    let person = server.caller(&Token::of("github", "1"));
    assert_eq!(
        refusal(person.start_sign_in(to_sign_in("fake")).await),
        "PermissionDenied SCOPE_INSUFFICIENT"
    );
}
