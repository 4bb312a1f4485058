//! Retries of `CompleteSignIn` with its request id: the first response, or a refusal that asks for
//! another retry.

mod crashes;

use std::time::Duration;

use futures_util::future::join_all;
use pb::sign_in_decision::Outcome;

use super::*;
use crate::support::{Caller, cluster::Database, tokens::Token, web_server::Answer};

pub(super) const INVALID: &str = "FailedPrecondition SIGN_IN_INVALID";
const UNDER_WAY: &str = "Aborted CONFLICT_RETRY";
const REJECTED: &str = "FailedPrecondition PROVIDER_REJECTED";

/// A flow to sign in at the fake, sent back, to be completed with a request id.
pub(super) async fn back(service: &Caller) -> pb::CompleteSignInRequest {
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    under_an_id(come_back(&begun).await)
}

pub(super) fn under_an_id(request: pb::CompleteSignInRequest) -> pb::CompleteSignInRequest {
    pb::CompleteSignInRequest { request_id: uuid::Uuid::new_v4().to_string(), ..request }
}

/// Waits until a query returns these rows.
async fn db_until(database: &Database, sql: &str, told: &[&str]) {
    let told_so = async { while database.db_texts(sql).await != told {} };
    tokio::time::timeout(Duration::from_secs(60), told_so)
        .await
        .expect("the query should return these rows");
}

async fn db_exchange_is_over(database: &Database) {
    let long_ago = "UPDATE sign_in_attempts SET claim_time = claim_time - interval '1 hour'";
    database.db_execute(long_ago).await;
}

/// The stored accounts that attempts have proven.
pub(super) async fn db_kept(database: &Database) -> Vec<String> {
    database
        .db_texts(
            "SELECT concat(subject, ' ', owner_id) FROM sign_in_attempts WHERE subject IS NOT NULL",
        )
        .await
}

/// A78: a client gives up while the server waits for the provider; the sign-in continues, and keeps
/// its permit.
#[tokio::test]
async fn a_client_that_gave_up_gets_the_response_by_a_retry() {
    let fake = FakeOidc::start(alice()).await;
    let clients = oidc("fake", &fake.issuer);
    let change = |toml: String| format!("max_concurrent_calls = 2\n{toml}{clients}");
    let server = TestServer::start_with(cluster().db_migrated().await, change).await;
    let service = server.service();
    let request = back(&service).await;
    let release = fake.web.hold("/token");
    let impatient = server.service().with_metadata("grpc-timeout", "2S");

    impatient.complete_sign_in(request.clone()).await.unwrap_err();

    fake.web.until_asked_for("/token", 1).await;
    for _ in 0..3 {
        let status = service.complete_sign_in(request.clone()).await.unwrap_err();
        assert!(tonic_types::StatusExt::get_error_details(&status).retry_info().is_some());
        assert!(status.message().contains("with the same request_id"), "{}", status.message());
        assert_eq!(refusal::<()>(Err(status)), UNDER_WAY);
    }
    // The sign-in waits for its provider without a slot: both are free.
    let held = server.database.db_hold_table("users").await;
    let (gets, finds) = (service.clone(), service.clone());
    let gets = tokio::spawn(async move { gets.get_user(get("nobody")).await });
    let finds = tokio::spawn(async move { finds.find_by_identity(owner_of("fake", "x")).await });
    server.database.db_until_waiting(2).await;
    assert_eq!(
        refusal(service.list_users(Default::default()).await),
        "ResourceExhausted OVERLOADED"
    );
    held.db_release().await;
    assert_eq!(refusal(gets.await.unwrap()), "NotFound USER_NOT_FOUND");
    assert_eq!(refusal(finds.await.unwrap()), "NotFound IDENTITY_NOT_FOUND");

    release.notify_one();
    db_until(&server.database, "SELECT rpc FROM request_ids", &["SignIn"]).await;

    let first = service.complete_sign_in(request.clone()).await.unwrap();
    assert_eq!(decision(Ok(first.clone())).outcome(), Outcome::Created);
    assert_eq!(service.complete_sign_in(request).await.unwrap(), first);
    assert_eq!(fake.exchanges(), 1);
    server.database.db_assert_invariants().await;
}

/// A78, R13: each of the calls gets the first response, or is asked to retry.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_calls_at_once_make_one_sign_in_or_one_link() {
    for is_link in [false, true] {
        let (fake, server) = fake_and_server().await;
        let service = server.service();
        let request = match is_link {
            false => back(&service).await,
            true => {
                service.create("github", "ann").await;
                let user_token = Token::of("github", "ann").sign();
                let begun = service.start_sign_in(to_link("fake", &user_token)).await.unwrap();
                pb::CompleteSignInRequest { user_token, ..under_an_id(come_back(&begun).await) }
            }
        };

        let all = join_all((0..4).map(|_| service.complete_sign_in(request.clone()))).await;

        let first = service.complete_sign_in(request).await.unwrap();
        match is_link {
            false => assert_eq!(decision(Ok(first.clone())).outcome(), Outcome::Created),
            true => {
                assert_eq!(link(Ok(first.clone())).outcome(), pb::link_response::Outcome::Attached);
            }
        }
        assert!(all.iter().any(Result::is_ok));
        for outcome in all {
            match outcome {
                Ok(answer) => assert_eq!(answer, first),
                refused => assert_eq!(refusal(refused), UNDER_WAY),
            }
        }
        assert_eq!(fake.exchanges(), 1);
        server.database.db_assert_invariants().await;
    }
}

/// A78: only the same caller may continue, with the same request id and the same request.
#[tokio::test]
async fn no_other_call_continues_a_claimed_attempt() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let request = back(&service).await;
    let release = fake.web.hold("/token");
    let first = tokio::spawn({
        let (service, request) = (service.clone(), request.clone());
        async move { service.complete_sign_in(request).await }
    });
    fake.web.until_asked_for("/token", 1).await;

    let another = server.caller(&Token::of("services", "another"));
    let other_id = pb::CompleteSignInRequest {
        request_id: uuid::Uuid::new_v4().to_string(),
        ..request.clone()
    };
    let no_id = pb::CompleteSignInRequest { request_id: String::new(), ..request.clone() };
    let other_code = pb::CompleteSignInRequest { code: "other".to_owned(), ..request.clone() };
    let preview = pb::CompleteSignInRequest { validate_only: true, ..request.clone() };
    for round in 0..2 {
        let texts = [
            another.complete_sign_in(request.clone()).await,
            server.service_of("other").complete_sign_in(request.clone()).await,
            service.complete_sign_in(other_id.clone()).await,
            service.complete_sign_in(no_id.clone()).await,
        ];
        for refused in texts {
            let status = refused.unwrap_err();
            assert!(status.message().starts_with("this sign-in cannot continue"));
            assert_eq!(refusal::<()>(Err(status)), INVALID);
        }
        let reused = if round == 0 { INVALID } else { "InvalidArgument REQUEST_ID_REUSED" };
        for other in [&other_code, &preview] {
            assert_eq!(refusal(service.complete_sign_in(other.clone()).await), reused);
        }
        if round == 0 {
            release.notify_one();
            db_until(&server.database, "SELECT rpc FROM request_ids", &["SignIn"]).await;
        }
    }
    let first = first.await.unwrap().unwrap();
    assert_eq!(service.complete_sign_in(request).await.unwrap(), first);
    assert_eq!(fake.exchanges(), 1);
}

#[tokio::test]
async fn a_rejection_by_the_provider_is_repeated_without_a_request() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let request = back(&service).await;
    fake.web.answer("/token", Answer::new("400 Bad Request", "", r#"{"error":"invalid_grant"}"#));
    refused_to_everybody(&server, service.complete_sign_in(request.clone()).await, REJECTED).await;
    fake.web.answer_as_ever("/token");

    refused_to_everybody(&server, service.complete_sign_in(request).await, REJECTED).await;

    assert_eq!(fake.exchanges(), 1);
    let sent_back =
        pb::CompleteSignInRequest { error: "access_denied".to_owned(), ..back(&service).await };
    let sent_back = pb::CompleteSignInRequest { code: String::new(), ..sent_back };
    for _ in 0..2 {
        refused_to_everybody(&server, service.complete_sign_in(sent_back.clone()).await, REJECTED)
            .await;
    }
    assert_eq!(fake.exchanges(), 1);
}

#[tokio::test]
async fn a_provider_that_was_unavailable_is_asked_again() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let request = back(&service).await;
    for away in [Answer::status("503 Service Unavailable"), Answer::Reset] {
        fake.web.answer("/token", away);
        let outcome = service.complete_sign_in(request.clone()).await;
        refused_to_everybody(&server, outcome, "Unavailable PROVIDER_UNAVAILABLE").await;
    }
    fake.web.answer_as_ever("/token");

    let first = service.complete_sign_in(request.clone()).await.unwrap();

    assert_eq!(decision(Ok(first.clone())).outcome(), Outcome::Created);
    assert_eq!(service.complete_sign_in(request).await.unwrap(), first);
    assert_eq!(fake.exchanges(), 3);
}

/// A28: the server sends no request to a provider that was closed after the first call, and uses no
/// account proven before.
#[tokio::test]
async fn a_provider_that_was_closed_before_the_retry_signs_no_user_in() {
    let (fake, server) = fake_and_server().await;
    let user = decision(sign_in(&server, "fake").await).user.unwrap().id;
    server.service().block(&user, true).await;
    let request = back(&server.service()).await;
    assert_eq!(
        refusal(server.service().complete_sign_in(request.clone()).await),
        "FailedPrecondition USER_BLOCKED"
    );
    let closed =
        oidc("fake", &fake.issuer).replacen("email_trust", "enabled = false\nemail_trust", 1);
    let server = TestServer::start_with(server.database.clone(), |toml| toml + &closed).await;
    server.service().block(&user, false).await;

    let outcome = server.service().complete_sign_in(request).await;

    assert_eq!(refusal(outcome), "FailedPrecondition PROVIDER_DISABLED");
}

/// A retry after a refusal is decided again, since its cause may be gone.
#[tokio::test]
async fn a_refused_decision_is_made_again() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let user = decision(sign_in(&server, "fake").await).user.unwrap().id;
    service.block(&user, true).await;
    let request = back(&service).await;
    for _ in 0..2 {
        let outcome = service.complete_sign_in(request.clone()).await;
        assert_eq!(refusal(outcome), "FailedPrecondition USER_BLOCKED");
    }
    assert_eq!(db_kept(&server.database).await, [format!("alice {user}")]);
    service.block(&user, false).await;

    let signed_in = decision(service.complete_sign_in(request).await);

    assert_eq!((signed_in.outcome(), signed_in.user.unwrap().id), (Outcome::SignedIn, user));
    assert_eq!(fake.exchanges(), 2);
}

/// A27, A50: a retry gets the same ticket. The database contains neither the ticket nor a secret of
/// the flow.
#[tokio::test]
async fn a_retry_gets_the_same_ticket() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    // The outcome is candidates: `fake` does not link automatically.
    let ann = service.create_with("google-oauth2", "g1", verified("alice@example.com")).await.id;
    let request = back(&service).await;

    let first = service.complete_sign_in(request.clone()).await.unwrap();

    let told = decision(Ok(first.clone()));
    assert_eq!(
        (told.outcome(), told.candidates[0].user_id.as_str()),
        (Outcome::Candidates, ann.as_str())
    );
    assert_eq!(data_encoding::BASE64URL_NOPAD.decode(told.ticket.as_bytes()).unwrap().len(), 32);
    assert_eq!(service.complete_sign_in(request.clone()).await.unwrap(), first);
    let verifier = fake.web.asked_for("/token")[0].form["code_verifier"].clone();
    let dump = server.database.db_dump().await;
    for secret in [&told.ticket, &request.attempt_secret, &request.state, &request.code, &verifier]
    {
        assert!(
            !dump.contains(secret)
                && !dump.contains(&data_encoding::HEXLOWER.encode(secret.as_bytes()))
        );
    }
    let other = decision(service.complete_sign_in(back(&service).await).await);
    assert_ne!(other.ticket, told.ticket, "each attempt should have its own ticket");
    let secondary = Some(pb::link_request::Secondary::LinkTicket(told.ticket));
    let by_ticket = pb::LinkRequest { user_id: ann, secondary, ..Default::default() };
    assert_eq!(
        service.link(by_ticket).await.unwrap().outcome(),
        pb::link_response::Outcome::Attached
    );
}

/// An attempt ends after its ten minutes, also if it was claimed. Its response is stored for a day.
#[tokio::test]
async fn a_claimed_attempt_expires_and_its_response_stays() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let [answered, refused] = [back(&service).await, back(&service).await];
    let first = service.complete_sign_in(answered.clone()).await.unwrap();
    let user = decision(Ok(first.clone())).user.unwrap().id;
    service.block(&user, true).await;
    let blocked = "FailedPrecondition USER_BLOCKED";
    assert_eq!(refusal(service.complete_sign_in(refused.clone()).await), blocked);
    server.database.db_execute("UPDATE sign_in_attempts SET expire_time = now()").await;

    assert_eq!(service.complete_sign_in(answered).await.unwrap(), first);
    assert_eq!(refusal(service.complete_sign_in(refused).await), INVALID);
    assert_eq!(fake.exchanges(), 2);
    // Every server runs a sweep at its start.
    let _other = TestServer::start_on(server.database.clone()).await;
    db_until(&server.database, "SELECT provider FROM sign_in_attempts", &[]).await;
}
