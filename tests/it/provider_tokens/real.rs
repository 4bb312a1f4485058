//! Refreshes and revocations at real providers, which their tests start and configure.

use http::StatusCode;
use serde_json::{Value, json};

use super::*;
use crate::{
    flows::{CALLBACK, brought_back, redirect_uri},
    support::{
        browser::Browser,
        fake_codes::{CLIENT_ID, CLIENT_SECRET},
        real_providers::{Kind, RealProvider},
    },
};

/// What becomes of an access token at its provider when this service revokes the refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AfterRevocation {
    /// It ends too.
    Ends,
    /// It stays good: the provider's metadata name no URL for revocations, or it ignores them.
    Stays,
}

/// A sign-in with offline access, a refresh whose token opens userinfo, and a deletion.
async fn refreshes(kind: Kind, further: &str, prompt: &str, after: AfterRevocation) {
    let client = json!({
        "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": [redirect_uri("real")],
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let accounts =
        json!({"alice": {"name": "alice", "email": "alice@example.com", "email_verified": true}});
    let settings = json!({"features": {"revocation": {"enabled": true}}});
    let provider = RealProvider::start_with(kind, &client, &accounts, &settings);
    let database = cluster().db_migrated().await;
    let toml = kept_of(
        "real",
        &format!("{}{further}\n", oidc("real", &provider.issuer)),
        "offline = true\n",
        &first_key(&keys(&database)),
    );
    let server = TestServer::start_with(database, |own| own + &toml).await;
    let (service, mut browser) = (server.service(), Browser::new(CALLBACK));
    let metadata =
        format!("{}/.well-known/openid-configuration", provider.issuer.trim_end_matches('/'));
    let metadata: Value = serde_json::from_str(&browser.open(&metadata).await.page().html).unwrap();
    let userinfo = metadata["userinfo_endpoint"].as_str().unwrap().to_owned();
    let opens = async |token: &str| {
        let page = Browser::new(CALLBACK).open_with(&userinfo, token).await;
        let said: Value = serde_json::from_str(&page.html).unwrap_or_default();
        (page.status, said["sub"].as_str().map(str::to_owned))
    };
    let alices = (StatusCode::OK, Some("alice".to_owned()));

    let start = pb::StartSignInRequest { prompt: prompt.to_owned(), ..to_sign_in("real") };
    let begun = service.start_sign_in(start).await.unwrap();
    let back = browser.sign_in(&begun.authorization_url, "alice").await;
    let done = service.complete_sign_in(brought_back(&begun, &back)).await.unwrap();
    let Some(Came::Decision(decision)) = done.result else { panic!("not a sign-in: {done:?}") };
    let user = decision.user.unwrap().id;
    let get = async || {
        let identity = identity_ref("real", "alice");
        let request =
            pb::GetProviderTokenRequest { user_id: user.clone(), identity, scopes: Vec::new() };
        service.get_provider_token(request).await.unwrap().access_token
    };
    let first = get().await;
    assert_eq!(opens(&first).await, alices);

    // It is about to expire.
    let soon = "UPDATE provider_tokens SET expire_time = now() + interval '30 seconds'";
    server.database.db_execute(soon).await;
    let fresh = get().await;
    assert_eq!(opens(&fresh).await, alices);
    assert_eq!(get().await, fresh);
    assert_eq!(
        server.database.db_texts("SELECT refreshable::text FROM provider_tokens").await,
        ["true"]
    );
    // A second refresh, by the refresh token that the first one brought.
    server.database.db_execute(soon).await;
    let fresh = get().await;
    assert_eq!(opens(&fresh).await, alices);

    service.delete(&user).await;
    server.database.db_until_none("SELECT id::text FROM provider_token_revocations").await;
    match after {
        AfterRevocation::Ends => assert_eq!(opens(&fresh).await.0, StatusCode::UNAUTHORIZED),
        AfterRevocation::Stays => assert_eq!(opens(&fresh).await, alices),
    }
}

/// It issues a refresh token only with `prompt=consent`.
#[tokio::test]
async fn oidc_provider_refreshes_and_revokes() {
    refreshes(Kind::OidcProvider, "", "consent", AfterRevocation::Ends).await;
}

/// Its metadata do not name its URL for revocations.
#[tokio::test]
async fn django_oauth_toolkit_refreshes() {
    refreshes(Kind::DjangoOauthToolkit, "", "", AfterRevocation::Stays).await;
}

#[tokio::test]
async fn django_allauth_refreshes_and_revokes() {
    refreshes(Kind::DjangoAllauth, "", "", AfterRevocation::Ends).await;
}

#[tokio::test]
async fn canaille_refreshes_and_revokes() {
    refreshes(Kind::Canaille, "", "", AfterRevocation::Ends).await;
}

/// It answers a revocation with 200, and revokes nothing.
#[tokio::test]
async fn oauth2_mock_server_refreshes() {
    let method = "token_endpoint_auth_method = \"client_secret_basic\"";
    refreshes(Kind::Oauth2MockServer, method, "", AfterRevocation::Stays).await;
}

#[tokio::test]
async fn better_auth_refreshes_and_revokes() {
    refreshes(Kind::BetterAuth, "", "", AfterRevocation::Ends).await;
}

#[tokio::test]
#[ignore = "downloads 160 MB, and needs Maven and Java"]
async fn keycloak_refreshes_and_revokes() {
    refreshes(Kind::Keycloak, "", "", AfterRevocation::Ends).await;
}

/// Its metadata do not name a URL for revocations.
#[tokio::test]
#[ignore = "installs packages of Debian"]
async fn lemonldap_ng_refreshes() {
    refreshes(Kind::LemonldapNg, "", "", AfterRevocation::Stays).await;
}

/// It ends the refresh token alone.
#[tokio::test]
#[ignore = "installs packages of Debian"]
async fn glewlwyd_refreshes() {
    refreshes(Kind::Glewlwyd, "", "", AfterRevocation::Stays).await;
}
