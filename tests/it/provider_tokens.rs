//! Tokens of providers: kept by flows, handed to services, and revoked when their identity leaves.

mod foundation;
mod github;
mod keys;
mod leaving;
mod oauth_only;
mod races;
mod real;
mod refused;
mod reported;

use std::{fs, path::PathBuf};

use identity_link::{clock, grpc::proto as pb};
use pb::complete_sign_in_response::Result as Came;
use tonic::Status;

use crate::{
    flows::{alice, come_back, oidc, to_link, to_sign_in},
    support::{
        child::temp_dir,
        cluster::{Database, cluster},
        fake_oidc::FakeOidc,
        tokens::{Token, iss},
        *,
    },
};

const GONE: &str = "FailedPrecondition PROVIDER_TOKEN_GONE";
const SCOPE: &str = "PermissionDenied SCOPE_INSUFFICIENT";
/// The first access token of the fake, with which a flow also reads its userinfo.
const FIRST: &str = "access-token-of-the-fake";
/// A key, and another one.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const NEW_KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// A folder with the two keys, of one test.
fn keys(database: &Database) -> PathBuf {
    let dir = temp_dir(&format!("{}_keys", database.name));
    fs::write(dir.join("old.key"), format!("{KEY}\n")).unwrap();
    fs::write(dir.join("new.key"), format!("{NEW_KEY}\n")).unwrap();
    dir
}

/// The configuration of the client at the fake, whose tokens are kept for the service `backend`.
fn keeping(issuer: &str, keys: &str) -> String {
    let tokens = "scopes = [\"calendar\"]\noffline = true\n";
    kept_of("fake", &oidc("fake", issuer), tokens, keys)
}

/// The configuration of the client at a provider, whose tokens are kept for the service `backend`.
fn kept_of(provider: &str, client: &str, tokens: &str, keys: &str) -> String {
    format!(
        "{client}[tenants.default.providers.{provider}.oauth.tokens]\nservices = [\"backend\"]\n{tokens}\
         [services.backend]\nissuer = \"{}\"\nsubject = \"backend\"\n[provider_tokens]\n{keys}\n",
        iss("services"),
    )
}

fn first_key(dir: &std::path::Path) -> String {
    format!("key_file = \"{}/old.key\"", dir.display())
}

/// The fake, at which Alice is signed in, and a server that keeps its tokens.
async fn fake_and_server() -> (FakeOidc, TestServer) {
    let fake = FakeOidc::start(alice()).await;
    let server = server_of(&fake, &cluster().db_migrated().await).await;
    (fake, server)
}

async fn server_of(fake: &FakeOidc, database: &Database) -> TestServer {
    let toml = keeping(&fake.issuer, &first_key(&keys(database)));
    TestServer::start_with(database.clone(), |own| own + &toml).await
}

/// A whole sign-in at the fake by this service; returns the id of the user.
async fn signed_in(service: &Caller) -> String {
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    let done = service.complete_sign_in(come_back(&begun).await).await.unwrap();
    let Some(Came::Decision(decision)) = done.result else { panic!("not a sign-in: {done:?}") };
    decision.user.unwrap().id
}

/// A whole link of an account at the fake to the user of this token, with further scopes.
async fn linked(service: &Caller, user: &str, scopes: &[&str]) -> pb::LinkResponse {
    let scopes = scopes.iter().map(ToString::to_string).collect();
    let start = pb::StartSignInRequest { scopes, ..to_link("fake", user) };
    let begun = service.start_sign_in(start).await.unwrap();
    let complete =
        pb::CompleteSignInRequest { user_token: user.to_owned(), ..come_back(&begun).await };
    let done = service.complete_sign_in(complete).await.unwrap();
    let Some(Came::Link(link)) = done.result else { panic!("not a link: {done:?}") };
    link
}

fn wanted(user_id: &str, scopes: &[&str]) -> pb::GetProviderTokenRequest {
    pb::GetProviderTokenRequest {
        user_id: user_id.to_owned(),
        identity: identity_ref("fake", "alice"),
        scopes: scopes.iter().map(ToString::to_string).collect(),
    }
}

/// The access token of Alice's account.
async fn token(service: &Caller, user_id: &str) -> Result<String, Status> {
    Ok(service.get_provider_token(wanted(user_id, &[])).await?.access_token)
}

/// The identities with tokens, as `provider|subject`.
async fn db_kept(database: &Database) -> Vec<String> {
    let sql = "SELECT provider || '|' || subject FROM provider_tokens ORDER BY 1";
    database.db_texts(sql).await
}

#[tokio::test]
async fn a_service_gets_the_token_of_the_last_flow_until_it_nearly_expires() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let user = signed_in(&service).await;

    let got = service.get_provider_token(wanted(&user, &["email", "openid"])).await.unwrap();
    assert_eq!((got.access_token.as_str(), got.token_type.as_str()), (FIRST, "Bearer"));
    assert_eq!(got.scopes, ["email", "offline_access", "openid", "profile"]);
    let left = got.expire_time.unwrap().seconds - clock::now().timestamp();
    assert!((590..=600).contains(&left), "{left}");
    assert_eq!(fake.refreshes(), 0);

    // A token with less than a minute left is refreshed, and what comes back is kept.
    fake.tokens_live(30);
    signed_in(&service).await;
    fake.tokens_live(600);
    let fresh = token(&service, &user).await.unwrap();
    assert!(fresh.starts_with("access-") && fresh != FIRST, "{fresh}");
    assert_eq!(token(&service, &user).await.unwrap(), fresh);
    assert_eq!(fake.refreshes(), 1);
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn tokens_that_live_shorter_than_a_minute_are_handed_out_after_a_refresh() {
    let (fake, server) = fake_and_server().await;
    fake.tokens_live(20);
    let user = signed_in(&server.service()).await;

    let first = token(&server.service(), &user).await.unwrap();
    let second = token(&server.service(), &user).await.unwrap();

    assert_ne!(first, second);
    assert_eq!(fake.refreshes(), 2);
}

/// A response to a refresh may lack a refresh token, an expiry and scopes, and may have fewer
/// scopes.
#[tokio::test]
async fn a_refresh_keeps_what_its_response_does_not_say() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    fake.tokens_live(10);
    let user = signed_in(&service).await;
    fake.rotates_no_tokens();

    let full = service.get_provider_token(wanted(&user, &[])).await.unwrap();
    assert_eq!(full.scopes, ["email", "offline_access", "openid", "profile"]);
    fake.refreshes_with(serde_json::json!({"scope": "openid", "expires_in": null}));
    let less = service.get_provider_token(wanted(&user, &[])).await.unwrap();

    assert_eq!((less.scopes, less.expire_time), (vec!["openid".to_owned()], None));
    assert_eq!(token(&service, &user).await.unwrap(), less.access_token);
    assert_eq!(fake.refreshes(), 2);
    let refused = service.get_provider_token(wanted(&user, &["email"])).await;
    assert_eq!(refusal(refused), "FailedPrecondition PROVIDER_SCOPES_MISSING\nemail");
}

#[tokio::test]
async fn missing_scopes_are_named_and_a_link_flow_brings_them() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let ann = service.create("github", "ann").await.id;
    let person = Token::of("github", "ann").sign();
    linked(&service, &person, &[]).await;

    let missing = service.get_provider_token(wanted(&ann, &["calendar", "openid"])).await;
    assert_eq!(refusal(missing), "FailedPrecondition PROVIDER_SCOPES_MISSING\ncalendar");

    // The account is the user's already: the flow only brings the tokens.
    let again = linked(&service, &person, &["calendar"]).await;
    assert_eq!(again.outcome(), pb::link_response::Outcome::AlreadyLinked);
    let got = service.get_provider_token(wanted(&ann, &["calendar"])).await.unwrap();
    assert_eq!(got.scopes, ["calendar", "email", "offline_access", "openid", "profile"]);

    // A sign-in with fewer scopes takes none of them back.
    signed_in(&service).await;
    let got = service.get_provider_token(wanted(&ann, &["calendar"])).await.unwrap();
    assert_eq!(got.access_token, FIRST);
    assert_eq!(fake.refreshes(), 0);
}

/// The tokens of an account whose sign-in is not decided wait with its ticket.
#[tokio::test]
async fn a_sign_in_that_a_ticket_continues_keeps_the_tokens_of_its_flow() {
    let fake = FakeOidc::start(alice()).await;
    let database = cluster().db_migrated().await;
    let toml = keeping(&fake.issuer, &first_key(&keys(&database)));
    let ask = "[tenants.default]\nregistration = \"ask\"\n[tenants.default.providers]\n";
    let change = |own: String| own.replacen("[tenants.default.providers]\n", ask, 1) + &toml;
    let server = TestServer::start_with(database, change).await;
    let service = server.service();

    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    let done = service.complete_sign_in(come_back(&begun).await).await.unwrap();
    let Some(Came::Decision(decision)) = done.result else { panic!("{done:?}") };
    assert_eq!(db_kept(&server.database).await, [""; 0]);
    let proof = pb::resolve_sign_in_request::Proof::SignInTicket(decision.ticket);
    let resolve = pb::ResolveSignInRequest { proof: Some(proof), ..Default::default() };
    let done = service.resolve_sign_in(resolve).await.unwrap();
    let user = done.decision.unwrap().user.unwrap().id;

    assert_eq!(token(&service, &user).await.unwrap(), FIRST);
}

/// A preview keeps nothing; the call that continues it does.
#[tokio::test]
async fn a_preview_of_a_flow_keeps_no_token() {
    let (_fake, server) = fake_and_server().await;
    let service = server.service();
    let user = signed_in(&service).await;
    server.database.db_execute("DELETE FROM provider_tokens").await;

    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    let complete = pb::CompleteSignInRequest { validate_only: true, ..come_back(&begun).await };
    let preview = service.complete_sign_in(complete).await.unwrap();
    assert_eq!(refusal(token(&service, &user).await), GONE);
    let proof = pb::resolve_sign_in_request::Proof::SignInTicket(preview.ticket);
    let resolve = pb::ResolveSignInRequest { proof: Some(proof), ..Default::default() };
    service.resolve_sign_in(resolve).await.unwrap();

    assert_eq!(token(&service, &user).await.unwrap(), FIRST);
}
