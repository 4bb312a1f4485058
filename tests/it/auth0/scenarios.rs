//! The three scenarios of "Linking User Accounts", step by step.

use std::fs;

use serde_json::{Map, Value, json};

use crate::support::{TestServer, auth0::Asker, cluster::cluster, tokens::Token};

const EMAIL: &str = "john@example.com";
const GOOGLE: &str = "google-oauth2|115015401343387192604";
const GITHUB: &str = "github|5677";

/// A user whose provider has verified the email, or has not.
async fn signed_up(backend: &Asker, user_id: &str, email_verified: bool, metadata: Value) {
    let (provider, account) = user_id.split_once('|').unwrap();
    let connection = if provider == "auth0" { "Username-Password-Authentication" } else { provider };
    let mut user = json!({
        "connection": connection, "user_id": account, "email": EMAIL, "email_verified": email_verified,
    });
    user.as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
    backend.post("/api/v2/users", &user).await.ok();
}

fn user_ids(users: &Value) -> Vec<&str> {
    users.as_array().unwrap().iter().map(|user| user["user_id"].as_str().unwrap()).collect()
}

/// A path with this query.
fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish())
}

/// What a rule does after each sign-in: whoever has the same verified email is the same person.
async fn link_by_rule(backend: &Asker, signed_in: &str) -> Option<Value> {
    let user = backend.get(&format!("/api/v2/users/{signed_in}")).await.ok();
    if user["email_verified"] != json!(true) {
        return None;
    }
    let q = format!("email:{} AND email_verified:true -user_id:\"{signed_in}\"", user["email"]);
    let path = with_query("/api/v2/users", &[("search_engine", "v3"), ("q", &q)]);
    let others = backend.get(&path).await.ok();
    let first = *user_ids(&others).first()?;
    let (provider, account) = signed_in.split_once('|').unwrap();
    let identities = format!("/api/v2/users/{first}/identities");
    let linked = backend.post(&identities, &json!({"provider": provider, "user_id": account})).await;
    assert_eq!(linked.status, 201);
    Some(linked.ok())
}

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
    // The application is told of one user, with whichever account somebody signs in.
    for id in [GOOGLE, GITHUB] {
        assert_eq!(backend.get(&format!("/api/v2/users/{id}")).await.ok()["user_id"], GOOGLE);
    }
    let listed = backend.get("/api/v2/users").await.ok();
    assert_eq!(user_ids(&listed), ["github|unverified", GOOGLE]);
    // When they sign in again, there is nobody else.
    assert_eq!(link_by_rule(&backend, GOOGLE).await, None);
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

/// Both objects in one, by Auth0's example: the primary's values where both have one, and its lists in front.
fn merged(secondary: &Value, primary: &Value) -> Value {
    match (secondary, primary) {
        (Value::Object(secondary), Value::Object(primary)) => {
            let mut both: Map<String, Value> = secondary.clone();
            for (name, value) in primary {
                let value = secondary.get(name).map_or_else(|| value.clone(), |other| merged(other, value));
                both.insert(name.clone(), value);
            }
            both.into()
        }
        (Value::Array(secondary), Value::Array(primary)) => [&primary[..], secondary].concat().into(),
        _ => primary.clone(),
    }
}

#[tokio::test]
async fn an_application_suggests_to_link_and_merges_the_metadata_first() {
    suggests_and_links(&TestServer::start_auth0().await, "github").await;
}

/// A70: who comes from Auth0 with the README's configuration is suggested whom Auth0 suggested.
#[tokio::test]
async fn the_readme_s_configuration_is_enough_for_an_application_that_suggests_to_link() {
    let readme = fs::read_to_string("README.md").unwrap();
    let (_, block) = readme.split_once("## Coming from Auth0\n").unwrap();
    let (_, block) = block.split_once("```toml\n").unwrap();
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

/// What "Link User Accounts Server-Side Code Scenario" has an application do, for a Google user who has signed up with
/// another provider too.
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

    // While the page loads: who else has this email.
    let found = backend.get(&with_query("/api/v2/users-by-email", &[("email", EMAIL)])).await.ok();
    let mut suggested = user_ids(&found);
    suggested.sort_unstable();
    assert_eq!(suggested, [other, unverified, GOOGLE]);

    // What the page sends back is not to be trusted: each is looked at again.
    let primary = backend.get(&format!("/api/v2/users/{GOOGLE}")).await.ok();
    let is_valid = |target: &Value| target["email_verified"] == json!(true) && target["email"] == primary["email"];
    assert!(!is_valid(&backend.get(&format!("/api/v2/users/{unverified}")).await.ok()));
    let target = backend.get(&format!("/api/v2/users/{other}")).await.ok();
    assert!(is_valid(&target));

    // Before they are linked: afterwards the secondary's are nowhere to be read.
    for namespace in ["user_metadata", "app_metadata"] {
        let change = json!({(namespace): merged(&target[namespace], &primary[namespace])});
        backend.patch(&format!("/api/v2/users/{GOOGLE}"), &change).await.ok();
    }
    let path = format!("/api/v2/users/{GOOGLE}/identities");
    let linked = backend.post(&path, &json!({"provider": provider, "user_id": "5677"})).await;
    assert_eq!(linked.status, 201);

    let user = backend.get(&format!("/api/v2/users/{other}")).await.ok();
    assert_eq!((&user["user_id"], &user["identities"]), (&json!(GOOGLE), &linked.ok()));
    assert_eq!(user["user_metadata"], json!({"color": "red", "prefs": {"theme": "dark", "size": 7}}));
    assert_eq!(user["app_metadata"], json!({"roles": ["Admin", "AppAdmin"]}));
}
