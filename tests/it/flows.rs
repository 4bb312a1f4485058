//! Sign-in flows at providers: started, sent back by the provider, and completed by the caller that
//! started them.

mod as_they_are;
mod attempts;
mod bridge;
mod by_secret;
mod client_auth;
mod foundation;
pub(crate) mod github;
mod kept;
mod lies;
mod linking;
mod logged;
mod logout;
mod microsoft;
mod misfits;
pub(crate) mod oauth_only;
mod offers;
mod other_emails;
mod own_directory;
mod presets;
mod previews;
mod provider_down;
mod real;
mod real_providers;
mod redirects;
mod retries;
mod signatures;
mod trust;
mod while_down;

use std::fmt::Debug;

use identity_link::grpc::proto::{self as pb, complete_sign_in_response::Result as Came};
use serde_json::{Value, json};
use tonic::Status;

use crate::support::{
    browser::Browser,
    cluster::cluster,
    fake_codes::{CLIENT_ID, CLIENT_SECRET},
    fake_oidc::FakeOidc,
    form::{self, Form},
    *,
};

/// The beginning of all redirect URIs.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// The redirect URI of a provider: each has its own.
pub(crate) fn redirect_uri(provider: &str) -> String {
    format!("{CALLBACK}/{provider}")
}

/// The configuration of a client at the fake provider, under this name, with further settings.
fn client(provider: &str, kind: &str, further: &str) -> String {
    format!(
        "[tenants.default.providers.{provider}]\nemail_trust = \"when_verified\"\n\
         [tenants.default.providers.{provider}.oauth]\nkind = \"{kind}\"\nclient_id = \"{CLIENT_ID}\"\n\
         client_secret = \"{CLIENT_SECRET}\"\nredirect_uris = [\"{redirect_uri}\"]\n{further}\n",
        redirect_uri = redirect_uri(provider),
    )
}

/// The same for an OpenID Connect provider.
pub(crate) fn oidc(provider: &str, issuer: &str) -> String {
    client(provider, "oidc", &format!("issuer = \"{issuer}\""))
}

/// A server with these clients.
async fn server_with(clients: &str) -> TestServer {
    TestServer::start_with(cluster().db_migrated().await, |toml| toml + clients).await
}

/// A good provider named `fake`, at which Alice is signed in, and a server with a client there.
async fn fake_and_server() -> (FakeOidc, TestServer) {
    let fake = FakeOidc::start(alice()).await;
    let server = server_with(&oidc("fake", &fake.issuer)).await;
    (fake, server)
}

pub(crate) fn alice() -> Value {
    json!({"sub": "alice", "email": "Alice@example.com", "email_verified": true, "name": "Alice"})
}

pub(crate) fn to_sign_in(provider: &str) -> pb::StartSignInRequest {
    pb::StartSignInRequest {
        provider: provider.to_owned(),
        redirect_uri: redirect_uri(provider),
        intent: Some(pb::start_sign_in_request::Intent::SignIn(pb::SignInIntent {})),
        ..Default::default()
    }
}

pub(crate) fn to_link(provider: &str, user_token: &str) -> pb::StartSignInRequest {
    let intent = pb::LinkIntent { user_token: user_token.to_owned() };
    pb::StartSignInRequest {
        intent: Some(pb::start_sign_in_request::Intent::Link(intent)),
        ..to_sign_in(provider)
    }
}

/// Goes to the provider and returns: the request that a login page's service then sends.
pub(crate) async fn come_back(begun: &pb::StartSignInResponse) -> pb::CompleteSignInRequest {
    let back = Browser::new(CALLBACK).open(&begun.authorization_url).await.back();
    brought_back(begun, &back)
}

pub(crate) fn brought_back(
    begun: &pb::StartSignInResponse,
    back: &Form,
) -> pb::CompleteSignInRequest {
    let parameter = |name: &str| back.get(name).cloned().unwrap_or_default();
    pb::CompleteSignInRequest {
        attempt_secret: begun.attempt_secret.clone(),
        state: parameter("state"),
        code: parameter("code"),
        iss: parameter("iss"),
        error: parameter("error"),
        redirect_uri: asked_for(begun)["redirect_uri"].clone(),
        ..Default::default()
    }
}

/// The query of the authorization request.
fn asked_for(begun: &pb::StartSignInResponse) -> Form {
    form::parse(begun.authorization_url.split_once('?').unwrap().1)
}

/// A whole flow at this provider.
pub(crate) async fn sign_in(
    server: &TestServer,
    provider: &str,
) -> Result<pb::CompleteSignInResponse, Status> {
    let service = server.service();
    let begun = service.start_sign_in(to_sign_in(provider)).await?;
    service.complete_sign_in(come_back(&begun).await).await
}

fn decision(outcome: Result<pb::CompleteSignInResponse, Status>) -> pb::SignInDecision {
    match outcome.unwrap().result.unwrap() {
        Came::Decision(decision) => decision,
        Came::Link(link) => panic!("unexpected link: {link:?}"),
    }
}

fn link(outcome: Result<pb::CompleteSignInResponse, Status>) -> pb::LinkResponse {
    match outcome.unwrap().result.unwrap() {
        Came::Link(link) => link,
        Came::Decision(decision) => panic!("unexpected decision: {decision:?}"),
    }
}

/// Asserts this refusal, and that no user exists.
async fn refused_to_everybody<T: Debug>(
    server: &TestServer,
    outcome: Result<T, Status>,
    expected: &str,
) {
    assert_eq!(refusal(outcome), expected);
    assert_eq!(server.database.db_texts("SELECT id FROM users").await, [""; 0]);
}
