//! Providers that send us elsewhere: nobody is asked there, and nothing of the flow is told.

use super::*;
use crate::support::{
    fake_github::{FakeGithub, email},
    web_server::{Answer, WebServer},
};

/// Somebody who would like to be asked.
async fn elsewhere() -> WebServer {
    WebServer::start(|_| |_| Answer::ok("{}")).await
}

/// From now on a path leads elsewhere.
fn lead_there(web: &WebServer, path: &str, elsewhere: &WebServer) {
    web.answer(path, Answer::redirect(&format!("http://{}{path}", elsewhere.address)));
}

/// A47: of whatever is asked of a provider, in the order of a flow.
#[tokio::test]
async fn no_endpoint_of_a_provider_leads_elsewhere() {
    for path in ["/.well-known/openid-configuration", "/jwks", "/token", "/userinfo"] {
        // Without an email, which is asked for at userinfo then.
        let (fake, elsewhere) = (FakeOidc::start(json!({"sub": "alice"})).await, elsewhere().await);
        lead_there(&fake.web, path, &elsewhere);
        let server = server_with(&oidc("fake", &fake.issuer)).await;

        refused_to_everybody(&server, sign_in(&server, "fake").await, "Unavailable PROVIDER_UNAVAILABLE").await;

        assert!(!fake.web.asked_for(path).is_empty(), "{path}: it was gone to");
        assert_eq!(elsewhere.asked(), 0, "{path}");
    }
}

/// A47: nor of GitHub.
#[tokio::test]
async fn nothing_of_github_leads_elsewhere() {
    for path in ["/login/oauth/access_token", "/api/user", "/api/user/emails"] {
        let emails = vec![email("octocat@example.com", true, true)];
        let (github, elsewhere) = (FakeGithub::start(emails).await, elsewhere().await);
        lead_there(&github.web, path, &elsewhere);
        let server = server_with(&github.client()).await;

        refused_to_everybody(&server, sign_in(&server, "hub").await, "Unavailable PROVIDER_UNAVAILABLE").await;

        assert!(!github.web.asked_for(path).is_empty(), "{path}: it was gone to");
        assert_eq!(elsewhere.asked(), 0, "{path}");
    }
}
