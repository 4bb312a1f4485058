//! Providers whose endpoints redirect to another host: the server sends no request there.

use super::{github::client_at, *};
use crate::support::{
    fake_github::{FakeGithub, email},
    web_server::{Answer, WebServer},
};

/// A web server that must get no request.
async fn elsewhere() -> WebServer {
    WebServer::start(|_| |_| Answer::ok("{}")).await
}

/// From now on a path redirects to that server.
fn lead_there(web: &WebServer, path: &str, elsewhere: &WebServer) {
    web.answer(path, Answer::redirect(&format!("http://{}{path}", elsewhere.address)));
}

/// A47: each request of a flow to a provider, in the order of the flow.
#[tokio::test]
async fn no_redirect_of_a_providers_endpoint_is_followed() {
    for path in ["/.well-known/openid-configuration", "/jwks", "/token", "/userinfo"] {
        // The ID token has no email, so the server requests userinfo.
        let (fake, elsewhere) = (FakeOidc::start(json!({"sub": "alice"})).await, elsewhere().await);
        lead_there(&fake.web, path, &elsewhere);
        let server = server_with(&oidc("fake", &fake.issuer)).await;

        refused_to_everybody(
            &server,
            sign_in(&server, "fake").await,
            "Unavailable PROVIDER_UNAVAILABLE",
        )
        .await;

        assert!(
            !fake.web.asked_for(path).is_empty(),
            "{path}: the server should send a request to it"
        );
        assert_eq!(elsewhere.asked(), 0, "{path}");
    }
}

/// A47: the same for GitHub.
#[tokio::test]
async fn no_redirect_of_github_is_followed() {
    for path in ["/login/oauth/access_token", "/api/user", "/api/user/emails"] {
        let emails = vec![email("octocat@example.com", true, true)];
        let (github, elsewhere) = (FakeGithub::start(emails).await, elsewhere().await);
        lead_there(&github.web, path, &elsewhere);
        let server = server_with(&client_at(&github)).await;

        refused_to_everybody(
            &server,
            sign_in(&server, "hub").await,
            "Unavailable PROVIDER_UNAVAILABLE",
        )
        .await;

        assert!(
            !github.web.asked_for(path).is_empty(),
            "{path}: the server should send a request to it"
        );
        assert_eq!(elsewhere.asked(), 0, "{path}");
    }
}
