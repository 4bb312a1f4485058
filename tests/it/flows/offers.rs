//! `ListProviders`, and what each provider may be used for.

use std::path::Path;

use identity_link::{config::Config, server::serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::support::{server::config_toml, tokens::Token};

const NOWHERE: &str = "https://nowhere.example.com";

#[tokio::test]
async fn list_providers_returns_the_enabled_providers() {
    let off = "enabled = false\n";
    let clients = oidc("a", NOWHERE)
        + &oidc("c", NOWHERE).replacen("email_trust", "mode = \"link_only\"\nemail_trust", 1)
        + &oidc("b", NOWHERE).replacen("email_trust", "social = true\nemail_trust", 1)
        + &oidc("off", NOWHERE).replacen("email_trust", &format!("{off}email_trust"), 1);
    let server =
        server_with(&(clients.replacen("kind", "display_name = \"The A\"\nkind", 1))).await;
    let service = server.service();

    let shown = |provider: &pb::SignInProvider| {
        assert_eq!(provider.redirect_uris, [redirect_uri(&provider.provider)]);
        format!(
            "{} {:?} {:?} {}",
            provider.provider,
            provider.display_name,
            provider.mode(),
            provider.social
        )
    };
    let all = service.list_providers(pb::ListProvidersRequest::default()).await.unwrap();
    let all: Vec<String> = all.providers.iter().map(shown).collect();
    assert_eq!(all, ["a \"The A\" SignIn false", "b \"b\" SignIn true", "c \"c\" LinkOnly false"]);

    let mut pages = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = service
            .list_providers(pb::ListProvidersRequest { page_size: 2, page_token })
            .await
            .unwrap();
        pages.push(page.providers.iter().map(shown).collect::<Vec<_>>());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [&all[..2], &all[2..]]);
    let elsewhere = server
        .service_of("other")
        .list_providers(pb::ListProvidersRequest::default())
        .await
        .unwrap();
    assert_eq!(elsewhere.providers, []);
}

/// A28: a provider is used only in its configured mode, by every path.
#[tokio::test]
async fn no_flow_starts_at_a_provider_that_is_closed_to_it() {
    let clients = oidc("off", NOWHERE).replacen("email_trust", "enabled = false\nemail_trust", 1)
        + &oidc("link", NOWHERE).replacen("email_trust", "mode = \"link_only\"\nemail_trust", 1);
    let server = server_with(&clients).await;
    server.service().create("github", "ann").await;
    let token = Token::of("github", "ann").sign();
    for (request, expected) in [
        (to_sign_in("github"), "NotFound PROVIDER_UNKNOWN"),
        (to_sign_in("nowhere"), "NotFound PROVIDER_UNKNOWN"),
        (to_sign_in("off"), "FailedPrecondition PROVIDER_DISABLED"),
        (to_link("off", &token), "FailedPrecondition PROVIDER_DISABLED"),
        (to_sign_in("link"), "FailedPrecondition PROVIDER_DISABLED"),
    ] {
        assert_eq!(refusal(server.service().start_sign_in(request).await), expected);
    }
}

#[tokio::test]
async fn an_account_of_a_link_only_provider_is_linked() {
    let fake = FakeOidc::start(alice()).await;
    let client =
        oidc("fake", &fake.issuer).replacen("email_trust", "mode = \"link_only\"\nemail_trust", 1);
    let server = server_with(&client).await;
    let ann = server.service().create("github", "ann").await.id;
    let token = Token::of("github", "ann").sign();

    let begun = server.service().start_sign_in(to_link("fake", &token)).await.unwrap();
    let request = pb::CompleteSignInRequest { user_token: token, ..come_back(&begun).await };
    link(server.service().complete_sign_in(request).await);

    assert_eq!(server.service().owner("fake", "alice").await, ann);
}

/// A13: the issuer of a provider is the one from which its first accounts came.
#[tokio::test]
async fn a_provider_stays_with_its_issuer() {
    let server = server_with(&oidc("fake", NOWHERE)).await;
    server.service().list_providers(pb::ListProvidersRequest::default()).await.unwrap();
    let pinned =
        "SELECT issuer FROM provider_issuers WHERE tenant_id = 'default' AND provider = 'fake'";
    assert_eq!(server.database.db_texts(pinned).await, [NOWHERE]);

    let error = refused_to_start(&server, &oidc("fake", "https://elsewhere.example.com")).await;

    assert!(
        error.contains("provider fake is configured with issuer https://elsewhere.example.com"),
        "{error}"
    );
}

/// A13: an id of one GitHub belongs to another account at another GitHub, or at an OpenID Connect
/// provider.
#[tokio::test]
async fn a_github_provider_stays_with_its_github() {
    let server = server_with(&client("hub", "github", "")).await;
    server.service().list_providers(pb::ListProvidersRequest::default()).await.unwrap();

    let enterprise = "authorize_url = \"https://github.example.com/login/oauth/authorize\"\n\
                      token_url = \"https://github.example.com/login/oauth/access_token\"\n\
                      api_url = \"https://github.example.com/api/v3\"";
    for (other, issuer) in [
        (client("hub", "github", enterprise), "https://github.example.com/login/oauth"),
        (oidc("hub", NOWHERE), NOWHERE),
    ] {
        let error = refused_to_start(&server, &other).await;
        assert!(
            error.contains(&format!("provider hub is configured with issuer {issuer}")),
            "{error}"
        );
    }
}

/// The error with which a server with these clients refuses to start on this server's database.
async fn refused_to_start(server: &TestServer, clients: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let toml = config_toml(listener.local_addr().unwrap(), &server.database.url) + clients;
    let config = Config::parse(&toml, Path::new("."), []).unwrap();
    serve(config, listener, CancellationToken::new()).await.unwrap_err().to_string()
}
