//! A server that ends while it completes a sign-in, and a retry at another.

use rustix::process::Signal;
use tonic::transport::Endpoint;

use super::*;
use crate::support::child::Running;

/// A server that a test may kill, and a client with a service's token.
fn serve(database: &Database, clients: &str) -> (Running, Caller) {
    let (child, address) = Running::serve(database, |toml| toml + clients);
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    (child, Caller::new(channel, Some(Token::of("services", "backend").sign())))
}

/// Makes a call, and kills its server after `asked` resolves, before the server responds.
async fn killed(
    child: Running,
    caller: &Caller,
    request: &pb::CompleteSignInRequest,
    asked: impl Future<Output = ()>,
) {
    let call = tokio::spawn({
        let (caller, request) = (caller.clone(), request.clone());
        async move { caller.complete_sign_in(request).await }
    });
    asked.await;
    child.signal(Signal::KILL);
    child.finish();
    call.await.unwrap().unwrap_err();
}

/// A78: the account is stored before the sign-in is decided.
#[tokio::test]
async fn an_account_proven_before_a_crash_is_used_by_a_retry() {
    let fake = FakeOidc::start(alice()).await;
    let (database, clients) = (cluster().db_migrated().await, oidc("fake", &fake.issuer));
    let (child, caller) = serve(&database, &clients);
    let request = back(&caller).await;
    // The lock lets the server read users, and not create one.
    let held = database.db_hold_statement("LOCK TABLE users IN SHARE MODE").await;

    killed(child, &caller, &request, database.db_until_waiting(1)).await;

    assert_eq!(db_kept(&database).await, ["alice "]);
    held.db_release().await;
    let server = TestServer::start_with(database, |toml| toml + &clients).await;
    let first = server.service().complete_sign_in(request.clone()).await.unwrap();
    assert_eq!(decision(Ok(first.clone())).outcome(), Outcome::Created);
    assert_eq!(server.service().complete_sign_in(request).await.unwrap(), first);
    assert_eq!(fake.exchanges(), 1);
    server.database.db_assert_invariants().await;
}

/// A78: the only case in which a client must start a new flow: the provider accepted the code, and
/// its response is lost.
#[tokio::test]
async fn a_providers_response_to_a_server_that_then_crashed_is_lost() {
    let fake = FakeOidc::start(alice()).await;
    let (database, clients) = (cluster().db_migrated().await, oidc("fake", &fake.issuer));
    let (child, caller) = serve(&database, &clients);
    let request = back(&caller).await;
    let _never = fake.web.hold("/token");

    killed(child, &caller, &request, fake.web.until_asked_for("/token", 1)).await;

    let server = TestServer::start_with(database, |toml| toml + &clients).await;
    let service = server.service();
    assert_eq!(
        refusal(service.complete_sign_in(request.clone()).await),
        UNDER_WAY,
        "it may be under way"
    );
    db_exchange_is_over(&server.database).await;
    for _ in 0..2 {
        refused_to_everybody(&server, service.complete_sign_in(request.clone()).await, INVALID)
            .await;
    }
}

/// A78: a code that the provider did not receive is still good.
#[tokio::test]
async fn a_code_that_the_provider_did_not_accept_is_exchanged_by_a_retry() {
    let fake = FakeOidc::start(alice()).await;
    let (database, clients) = (cluster().db_migrated().await, oidc("fake", &fake.issuer));
    let (child, caller) = serve(&database, &clients);
    let request = back(&caller).await;
    fake.web.answer("/token", Answer::Begin(Vec::new()));

    killed(child, &caller, &request, fake.web.until_asked_for("/token", 1)).await;

    fake.web.answer_as_ever("/token");
    let server = TestServer::start_with(database, |toml| toml + &clients).await;
    assert_eq!(refusal(server.service().complete_sign_in(request.clone()).await), UNDER_WAY);
    db_exchange_is_over(&server.database).await;
    let first = server.service().complete_sign_in(request.clone()).await.unwrap();
    assert_eq!(decision(Ok(first.clone())).outcome(), Outcome::Created);
    assert_eq!(server.service().complete_sign_in(request).await.unwrap(), first);
}
