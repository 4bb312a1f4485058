//! The three scenarios of "Linking User Accounts", step by step.

use std::fs;

use serde_json::json;

use super::samples::{Application, link_by_rule, signed_up, user_ids};
use crate::support::{TestServer, cluster::cluster, tokens::Token};

const GOOGLE: &str = "google-oauth2|115015401343387192604";
const GITHUB: &str = "github|5677";

#[tokio::test]
async fn a_rule_links_who_has_the_same_verified_email() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    signed_up(&backend, GOOGLE, true, json!({})).await;
    assert_eq!(link_by_rule(&backend, GOOGLE).await, None);

    signed_up(&backend, "github|unverified", false, json!({})).await;
    assert_eq!(link_by_rule(&backend, "github|unverified").await, None);
    signed_up(&backend, GITHUB, true, json!({})).await;
    let identities = link_by_rule(&backend, GITHUB).await.unwrap();

    assert_eq!(user_ids(&identities), ["115015401343387192604", "5677"]);
    // The application finds one user, with whichever account the person signs in.
    for id in [GOOGLE, GITHUB] {
        assert_eq!(
            backend.get(&format!("/api/v2/users/{id}?resolve=true")).await.ok()["user_id"],
            GOOGLE
        );
    }
    let listed = backend.get("/api/v2/users").await.ok();
    assert_eq!(user_ids(&listed), ["github|unverified", GOOGLE]);
    // At the next sign-in there is no other user.
    for id in [GOOGLE, GITHUB] {
        assert_eq!(link_by_rule(&backend, id).await, None);
    }
}

#[tokio::test]
async fn a_person_links_another_account_by_signing_in_with_it() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    signed_up(&backend, GOOGLE, true, json!({"user_metadata": {"color": "red"}})).await;
    signed_up(&backend, GITHUB, false, json!({"user_metadata": {"color": "blue"}})).await;
    let john = server.asker(&Token::of("google-oauth2", "115015401343387192604"));
    let path = format!("/api/v2/users/{GOOGLE}");

    let proof = Token::of("github", "5677").sign();
    let linked = john.post(&format!("{path}/identities"), &json!({"link_with": proof})).await;
    assert_eq!(linked.status, 201);

    let profile = john.get(&path).await.ok();
    assert_eq!(profile["identities"], linked.ok());
    assert_eq!(profile["user_metadata"], json!({"color": "red"}));
    // With the other account, too, they are who they were.
    let by_github = server.asker(&Token::of("github", "5677"));
    assert_eq!(by_github.get(&path).await.ok(), profile);

    let unlinked = john.delete(&format!("{path}/identities/github/5677")).await;
    assert_eq!(unlinked.status, 200);
    assert_eq!(user_ids(&unlinked.ok()), ["115015401343387192604"]);
    let alone = backend.get(&format!("/api/v2/users/{GITHUB}")).await.ok();
    assert_eq!(alone["user_metadata"], json!({}));
}

#[tokio::test]
async fn an_application_suggests_to_link_and_merges_the_metadata_first() {
    suggests_and_links(&TestServer::start_auth0().await, "github").await;
}

/// A70: with the tutorial's configuration, a user from Auth0 gets the candidates that Auth0
/// suggested.
#[tokio::test]
async fn the_tutorial_s_configuration_is_enough_for_an_application_that_suggests_to_link() {
    let tutorial = fs::read_to_string("docs/tutorials/coming-from-auth0.md").unwrap();
    let (_, block) = tutorial.split_once("```toml\n").unwrap();
    let (block, issuer) = block.split_once("[issuers.auth0]").unwrap();
    assert!(issuer.contains("providers = [\"auth0\", \"google-oauth2\"]"));
    // The tests' issuers speak for others too, which this file does not name.
    let change = |toml: String| {
        let (before, providers) = toml.split_once("[tenants.default.providers]\n").unwrap();
        let (_, behind) = providers.split_once("[tenants.other.providers]\n").unwrap();
        let tenant = "[tenants.default]\n";
        assert!(block.contains(tenant));
        let block = block.replace(tenant, &format!("{tenant}undeclared_providers = \"allow\"\n"));
        format!("{before}[tenants.other.providers]\n{behind}\n{block}")
    };
    let server = TestServer::start_with(cluster().db_migrated().await, change).await;

    suggests_and_links(&server, "auth0").await;
}

/// What "Link User Accounts Server-Side Code Scenario" has an application do, for a Google user who
/// has signed up with another provider too.
async fn suggests_and_links(server: &TestServer, provider: &str) {
    let backend = server.backend();
    let (other, unverified) = (format!("{provider}|5677"), format!("{provider}|unverified"));
    let (other, unverified) = (other.as_str(), unverified.as_str());
    let of_google = json!({
        "user_metadata": {"color": "red", "prefs": {"theme": "dark"}}, "app_metadata": {"roles": ["Admin"]},
    });
    let of_other = json!({
        "user_metadata": {"color": "blue", "prefs": {"theme": "light", "size": 7}}, "app_metadata": {"roles": ["AppAdmin"]},
    });
    signed_up(&backend, GOOGLE, true, of_google).await;
    signed_up(&backend, other, true, of_other).await;
    signed_up(&backend, unverified, false, json!({})).await;

    let mut application = Application::sign_in(server, &format!("/api/v2/users/{GOOGLE}")).await;
    assert_eq!(application.suggested().await, [other, unverified]);
    assert_eq!(application.link(unverified).await, Err("User not valid for linking".to_owned()));
    let linked = application.link(other).await.unwrap();

    let user = backend.get(&format!("/api/v2/users/{GOOGLE}")).await.ok();
    assert_eq!(user["identities"], linked);
    assert_eq!(
        user["user_metadata"],
        json!({"color": "red", "prefs": {"theme": "dark", "size": 7}})
    );
    assert_eq!(user["app_metadata"], json!({"roles": ["Admin", "AppAdmin"]}));
    assert_eq!(application.suggested().await, [unverified]);
}
