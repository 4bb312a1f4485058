//! What providers report of their accounts, by logout tokens and security event tokens: which tokens
//! end, and which do not.

mod events;
mod forged;
mod pushed;
mod races;

use identity_link::{clock, grpc::proto as pb};
use serde_json::{Value, json as value};
use tonic::Status;

use crate::{
    flows,
    support::{
        cluster::cluster,
        fake_codes::CLIENT_ID,
        fake_oidc::FakeOidc,
        tokens::{AUDIENCE, Token, keys_dir},
        *,
    },
};

const WITHDRAWN: &str = "Unauthenticated TOKEN_INVALID";
const NO_PROOF: &str = "FailedPrecondition LINK_TOKEN_INVALID";
const REFUSED: &str = "InvalidArgument EVENT_TOKEN_INVALID";
const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type";
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A provider named `fake`, and a server that takes its events, with these further settings.
async fn fake_and_server(further: &str) -> (FakeOidc, TestServer) {
    let fake = FakeOidc::start(flows::alice()).await;
    let toml = client(&fake, further) + &issuer(&fake);
    let server = TestServer::start_with(cluster().db_migrated().await, |own| own + &toml).await;
    (fake, server)
}

/// The client at the provider.
fn client(fake: &FakeOidc, further: &str) -> String {
    format!("{}\n{further}\n", flows::oidc("fake", &fake.issuer))
}

/// The provider as an issuer of callers' tokens and of proofs.
fn issuer(fake: &FakeOidc) -> String {
    format!(
        "[issuers.fake]\nissuer = \"{}\"\nkind = \"user\"\nsubject = \"subject\"\nprovider = \"fake\"\n\
         jwks_file = \"{}\"\nalgorithms = [\"RS256\"]\ntenant = \"default\"\naudiences = [\"{AUDIENCE}\"]\n\
         link_with.audiences = [\"{AUDIENCE}\", \"{CLIENT_ID}\"]\n\
         link_with.types = [\"at+jwt\", \"JWT\", \"logout+jwt\", \"\"]\n\
         allowed_scopes = [\"read:current_user\", \"update:current_user_identities\"]\n",
        fake.issuer,
        keys_dir().join("okta.json").display(),
    )
}

/// A caller's token of an account at the provider, issued this many seconds from now.
fn bearer(fake: &FakeOidc, subject: &str, later: i64) -> Token {
    let token = Token::of("okta", subject).with("iss", fake.issuer.as_str());
    token.issued_ago(-later)
}

/// A good logout token for this account.
fn logout_token(fake: &FakeOidc, subject: &str) -> Token {
    let now = clock::now().timestamp();
    let mut token = Token::of("okta", subject)
        .with("iss", fake.issuer.as_str())
        .with("aud", CLIENT_ID)
        .with("scope", Value::Null)
        .with("tenant", Value::Null)
        .with("exp", now + 120)
        .with("events", value!({LOGOUT: {}}));
    token.header.typ = Some("logout+jwt".to_owned());
    token
}

/// A good security event token with these events about this account.
pub(crate) fn event_token(fake: &FakeOidc, subject: &str, events: &[&str]) -> Token {
    let events = events.iter().map(|name| ((*name).to_owned(), value!({}))).collect::<Vec<_>>();
    let mut token = logout_token(fake, subject)
        .with("sub", Value::Null)
        .with("exp", Value::Null)
        .with("sub_id", value!({"format": "iss_sub", "iss": fake.issuer, "sub": subject}))
        .with("events", Value::from_iter(events));
    token.header.typ = Some("secevent+jwt".to_owned());
    token
}

async fn log_out(server: &TestServer, token: &str) -> Result<(), Status> {
    let request = pb::ReceiveLogoutTokenRequest {
        provider: "fake".to_owned(),
        logout_token: token.to_owned(),
    };
    server.service().receive_logout_token(request).await.map(drop)
}

pub(crate) async fn report(server: &TestServer, token: &str) -> Result<(), Status> {
    let request = pb::ReceiveSecurityEventsRequest {
        provider: "fake".to_owned(),
        security_event_token: token.to_owned(),
    };
    server.service().receive_security_events(request).await.map(drop)
}

/// Whether a token reads its user, or how it is refused.
async fn reads(server: &TestServer, token: &Token) -> String {
    match server.caller(token).get_user(get("")).await {
        Ok(read) => read.user.unwrap().id,
        Err(status) => refusal::<()>(Err(status)),
    }
}

fn get(user_id: &str) -> pb::GetUserRequest {
    pb::GetUserRequest { user_id: user_id.to_owned() }
}

/// The kinds of the events of the feed that a provider caused, in their order.
async fn db_reported(server: &TestServer) -> Vec<String> {
    let sql = "SELECT concat_ws(' ', detail->>'kind', detail->>'event', detail->>'withdrawn', actor->>'subject') \
        FROM events WHERE actor->>'kind' = 'provider' ORDER BY xid, ordinal";
    server.database.db_texts(sql).await
}

/// A logout ends the tokens that name the account, up to the second of the logout, and no others.
#[tokio::test]
async fn a_logout_ends_the_older_tokens_of_its_account_alone() {
    let (fake, server) = fake_and_server("events = \"rpc\"").await;
    let service = server.service();
    let ann = service.create("google-oauth2", "ann").await.id;
    let alice = service.create("fake", "alice").await.id;
    service.create("fake", "bob").await;
    service.link(link_user(&ann, &alice)).await.unwrap();
    let (old, new) = (bearer(&fake, "alice", 0), bearer(&fake, "alice", 20));
    assert_eq!(reads(&server, &old).await, ann);

    let token = logout_token(&fake, "alice").sign();
    log_out(&server, &token).await.unwrap();

    assert_eq!(reads(&server, &old).await, WITHDRAWN);
    assert_eq!(reads(&server, &new).await, ann, "the person signed in again");
    for other in [Token::of("google-oauth2", "ann"), Token::of("users", &ann)] {
        assert_eq!(reads(&server, &other).await, ann);
    }
    assert!(reads(&server, &bearer(&fake, "bob", 0)).await.starts_with("usr_"));
    let own = service.user(&ann).await;
    assert!(!own.blocked && own.identities.len() == 2);

    // The same token again, and an older one, change nothing.
    log_out(&server, &token).await.unwrap();
    log_out(&server, &logout_token(&fake, "alice").issued_ago(60).sign()).await.unwrap();
    assert_eq!(reads(&server, &new).await, ann);
    assert_eq!(reads(&server, &old).await, WITHDRAWN);
    let expected = "identity_logged_out fake";
    assert_eq!(db_reported(&server).await, [expected, expected]);
}

/// The event as a follower of the feed gets it.
#[tokio::test]
async fn a_follower_learns_of_a_logout_whose_sessions_to_end() {
    let (fake, server) = fake_and_server("events = \"rpc\"").await;
    let alice = server.service().create("fake", "alice").await.id;
    log_out(&server, &logout_token(&fake, "alice").sign()).await.unwrap();

    let listed = crate::support::events::events(&server.service(), 2).await;
    let actor = listed[1].actor.clone().unwrap();
    assert_eq!(
        (actor.kind(), actor.issuer, actor.subject),
        (pb::actor::Kind::Provider, fake.issuer.clone(), "fake".to_owned())
    );
    let expected =
        pb::IdentityLoggedOut { user_id: alice, identity: identity_ref("fake", "alice") };
    assert_eq!(listed[1].detail, Some(pb::event::Detail::IdentityLoggedOut(expected)));
}

/// J55: an account that no user has gets the same response, and its older tokens do not count for the
/// user that it gets next.
#[tokio::test]
async fn a_logout_of_an_account_without_a_user_holds_for_the_user_that_it_gets() {
    let (fake, server) = fake_and_server("events = \"rpc\"").await;
    let service = server.service();
    service.create("google-oauth2", "ann").await;
    let (old, new) = (bearer(&fake, "alice", 0), bearer(&fake, "alice", 20));

    log_out(&server, &logout_token(&fake, "alice").sign()).await.unwrap();

    let person = server.person("google-oauth2", "ann");
    assert_eq!(refusal(person.link(link_with(&old.sign())).await), NO_PROOF);
    let alice = service.create("fake", "alice").await.id;
    assert_eq!(reads(&server, &old).await, WITHDRAWN);
    assert_eq!(reads(&server, &new).await, alice);
    assert_eq!(db_reported(&server).await, [""; 0]);
}

/// J55: after a logout, an older token is no proof either, and none that wins back the account
/// through an unlink.
#[tokio::test]
async fn an_ended_token_proves_nothing_wherever_its_account_goes() {
    let (fake, server) = fake_and_server("events = \"rpc\"").await;
    let service = server.service();
    let ann = service.create("google-oauth2", "ann").await.id;
    let alice = service.create("fake", "alice").await.id;
    let old = bearer(&fake, "alice", 0);
    log_out(&server, &logout_token(&fake, "alice").sign()).await.unwrap();

    let person = server.person("google-oauth2", "ann");
    assert_eq!(refusal(person.link(link_with(&old.sign())).await), NO_PROOF);
    service.link(link_user(&ann, &alice)).await.unwrap();
    assert_eq!(reads(&server, &old).await, WITHDRAWN);
    service.unlink(unlink(&ann, "fake", "alice")).await.unwrap();
    assert_eq!(reads(&server, &old).await, WITHDRAWN);
    service.create("okta", "other").await;
    service
        .delete_user(pb::DeleteUserRequest { user_id: alice, ..Default::default() })
        .await
        .unwrap();
    service.create("fake", "alice").await;
    assert_eq!(reads(&server, &old).await, WITHDRAWN);
}

/// Without a key, no event is accepted, by either way.
#[tokio::test]
async fn events_are_off_unless_the_operator_says_so() {
    let (fake, server) = fake_and_server("").await;
    let token = logout_token(&fake, "alice").sign();
    assert_eq!(refusal(log_out(&server, &token).await), "FailedPrecondition PROVIDER_EVENTS_OFF");
    let request = pb::ReceiveLogoutTokenRequest {
        provider: "github".to_owned(),
        logout_token: token.clone(),
    };
    let outcome = server.service().receive_logout_token(request).await;
    assert_eq!(refusal(outcome), "NotFound PROVIDER_UNKNOWN");
    let request =
        pb::ReceiveLogoutTokenRequest { provider: "Fake!".to_owned(), ..Default::default() };
    insta::assert_snapshot!(refusal(server.service().receive_logout_token(request).await), @r"
    InvalidArgument REQUEST_INVALID
    provider: must be 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit
    logout_token: is required
    ");
    assert_eq!(reads(&server, &bearer(&fake, "alice", 0)).await, "NotFound USER_NOT_FOUND");
}
