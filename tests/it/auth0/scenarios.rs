//! The three scenarios of "Linking User Accounts", step by step.

use serde_json::{Map, Value, json};

use crate::support::{TestServer, auth0::Asker, tokens::Token};

const EMAIL: &str = "john@example.com";
const GOOGLE: &str = "google-oauth2|115015401343387192604";
const GITHUB: &str = "github|5677";

/// A user whose provider has verified the email, or has not.
async fn signed_up(backend: &Asker, user_id: &str, email_verified: bool, metadata: Value) {
    let (connection, account) = user_id.split_once('|').unwrap();
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
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    let of_google = json!({
        "user_metadata": {"color": "red", "prefs": {"theme": "dark"}}, "app_metadata": {"roles": ["Admin"]},
    });
    let of_github = json!({
        "user_metadata": {"color": "blue", "prefs": {"theme": "light", "size": 7}}, "app_metadata": {"roles": ["AppAdmin"]},
    });
    signed_up(&backend, GOOGLE, true, of_google).await;
    signed_up(&backend, GITHUB, true, of_github).await;
    signed_up(&backend, "github|unverified", false, json!({})).await;

    // While the page loads: who else has this email.
    let found = backend.get(&with_query("/api/v2/users-by-email", &[("email", EMAIL)])).await.ok();
    let mut suggested = user_ids(&found);
    suggested.sort_unstable();
    assert_eq!(suggested, [GITHUB, "github|unverified", GOOGLE]);

    // What the page sends back is not to be trusted: each is looked at again.
    let primary = backend.get(&format!("/api/v2/users/{GOOGLE}")).await.ok();
    let is_valid = |target: &Value| target["email_verified"] == json!(true) && target["email"] == primary["email"];
    assert!(!is_valid(&backend.get("/api/v2/users/github|unverified").await.ok()));
    let target = backend.get(&format!("/api/v2/users/{GITHUB}")).await.ok();
    assert!(is_valid(&target));

    // Before they are linked: afterwards the secondary's are nowhere to be read.
    for namespace in ["user_metadata", "app_metadata"] {
        let change = json!({(namespace): merged(&target[namespace], &primary[namespace])});
        backend.patch(&format!("/api/v2/users/{GOOGLE}"), &change).await.ok();
    }
    let path = format!("/api/v2/users/{GOOGLE}/identities");
    let linked = backend.post(&path, &json!({"provider": "github", "user_id": "5677"})).await;
    assert_eq!(linked.status, 201);

    let user = backend.get(&format!("/api/v2/users/{GITHUB}")).await.ok();
    assert_eq!((&user["user_id"], &user["identities"]), (&json!(GOOGLE), &linked.ok()));
    assert_eq!(user["user_metadata"], json!({"color": "red", "prefs": {"theme": "dark", "size": 7}}));
    assert_eq!(user["app_metadata"], json!({"roles": ["Admin", "AppAdmin"]}));
}
