//! A page in a browser, with jQuery, as in Auth0's tutorials: its bearers are ID tokens, and the
//! browser's preflight requests ask the service which pages may call.

use identity_link::grpc::proto as pb;
use serde_json::{Value, json};

use super::node::SOURCE;
use crate::support::{
    auth0_domain::Auth0Domain,
    chromium::Chromium,
    npm, object,
    tokens::{Token, keys_dir},
    web_server::{Answer, Asked, WebServer},
};

const ISSUER: &str = "https://tenant.auth0.com/";
const CLIENT_ID: &str = "AaiyAPdpYdesoKnqjj8HJqRn4T5titww";
const JOHN: &str = "facebook|10155";
const JOHN_AT_WORK: &str = "linkedin|d4c5";

/// An ID token as a tenant of Auth0 issues it.
fn id_token(user_id: &str) -> String {
    id_token_ago(user_id, 0)
}

/// An ID token of a sign-in so many seconds ago. Auth0's ID tokens live for ten hours.
fn id_token_ago(user_id: &str, seconds: i64) -> String {
    id_token_of(user_id, seconds).sign()
}

fn id_token_of(user_id: &str, seconds: i64) -> Token {
    let mut token = Token::of("okta", user_id)
        .with("iss", ISSUER)
        .with("aud", CLIENT_ID)
        .with("azp", CLIENT_ID);
    token.header.typ = Some("JWT".to_owned());
    token.with("scope", Value::Null).with("tenant", Value::Null).issued_ago(seconds)
}

/// The tenant that issues such tokens, with its rules for linking by them.
fn issuer() -> String {
    let keys = keys_dir().join("okta.json");
    format!(
        "[tenants.default.providers.facebook]\nsocial = true\n[tenants.default.providers.linkedin]\nsocial = true\n\
         [issuers.auth0]\nissuer = \"{ISSUER}\"\nkind = \"user\"\nsubject = \"identity\"\n\
         providers = [\"facebook\", \"linkedin\"]\ntenant = \"default\"\nalgorithms = [\"RS256\"]\n\
         jwks_file = \"{}\"\naudiences = [\"{CLIENT_ID}\"]\ntypes = [\"JWT\", \"\"]\n\
         implied_scopes = [\"read:current_user\", \"update:current_user_identities\"]\n\
         link_with = {{ audiences = [\"{CLIENT_ID}\"], types = [\"JWT\", \"\"], same_client = true }}\n",
        keys.display()
    )
}

/// The page's server, at an origin of its own.
async fn app() -> WebServer {
    let folder = tokio::task::spawn_blocking(|| npm::packages(SOURCE)).await.unwrap();
    let files = [
        ("/", "page.html"),
        ("/page.js", "page.js"),
        ("/jquery.js", "node_modules/jquery/dist/jquery.js"),
    ];
    WebServer::of_files(&files.map(|(path, file)| (path, folder.join(file)))).await
}

fn origin(app: &WebServer) -> String {
    format!("http://{}", app.address)
}

/// The service, whose pages are those of this app, with the two accounts of John.
async fn domain_of(app: &WebServer) -> Auth0Domain {
    domain_of_with(app, |toml| toml).await
}

/// The same service, with a changed configuration.
async fn domain_of_with(app: &WebServer, change: impl FnOnce(String) -> String) -> Auth0Domain {
    let change =
        |toml: String| change(toml.replace("https://app.example.com", &origin(app)) + &issuer());
    let domain = Auth0Domain::start_with(change).await;
    let service = domain.service();
    for (user_id, name) in [(JOHN, "John Doe"), (JOHN_AT_WORK, "John Doe, CEO")] {
        let (provider, subject) = user_id.split_once('|').unwrap();
        let named = |request: &mut pb::CreateUserRequest| {
            request.identity.as_mut().unwrap().profile_data = object(json!({"name": name}));
        };
        service.create_with(provider, subject, named).await;
    }
    domain
}

/// John's browser, with the page of this app open.
fn browser(name: &str, app: &WebServer) -> Chromium {
    let mut browser = Chromium::start_trusting_all(name);
    browser.open(&origin(app));
    browser
}

fn call(function: &str, arguments: &[&str]) -> String {
    format!(
        "{function}({})",
        arguments.iter().map(|argument| json!(argument).to_string()).collect::<Vec<_>>().join(", ")
    )
}

#[tokio::test]
async fn a_page_links_and_unlinks_with_id_tokens() {
    let app = app().await;
    let domain = domain_of(&app).await;
    let run = move || {
        let mut browser = browser("auth0_page", &app);
        let mut told = vec![browser.run(&call("signIn", &[&domain.name, JOHN, &id_token(JOHN)]))];
        for link in ["linkAccount", "linkAccountByForm"] {
            told.push(browser.run(&call(link, &[&id_token(JOHN_AT_WORK)])));
            told.push(browser.run(&call(link, &[&id_token(JOHN_AT_WORK)])));
            told.push(browser.run("unlinkFirst()"));
        }
        told.push(browser.run(&call("linkAccount", &[&id_token(JOHN)])));
        told.push(browser.run(&call("signIn", &[&domain.name, JOHN_AT_WORK, &id_token(JOHN)])));
        told
    };
    let told = tokio::task::spawn_blocking(run).await.unwrap();
    let told = told.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(told, @r#"
        []
        ["linkedin: John Doe, CEO"]
        [409,"Specified identity already exists."]
        []
        ["linkedin: John Doe, CEO"]
        [409,"Specified identity already exists."]
        []
        [400,"Main identity and the new one are the same."]
        [403,"User to be acted on does not match subject in bearer token."]
    "#);
}

/// A61: the person opened the page in the morning. The other account signs in just before its link.
#[tokio::test]
async fn a_page_of_this_morning_links_and_unlinks() {
    let app = app().await;
    let domain = domain_of(&app).await;
    let run = move || {
        let mut browser = browser("auth0_page_nine_hours", &app);
        let this_morning = id_token_ago(JOHN, 9 * 3600);
        vec![
            browser.run(&call("signIn", &[&domain.name, JOHN, &this_morning])),
            browser.run(&call("linkAccount", &[&id_token(JOHN_AT_WORK)])),
            browser.run("unlinkFirst()"),
            browser.run(&call("linkAccountByForm", &[&id_token(JOHN_AT_WORK)])),
            browser.run("unlinkFirst()"),
        ]
    };
    let told = tokio::task::spawn_blocking(run).await.unwrap();
    let told = told.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(told, @r#"
        []
        ["linkedin: John Doe, CEO"]
        []
        ["linkedin: John Doe, CEO"]
        []
    "#);
}

/// A tenant at which the person signs in anew, always with this account, for any request of the
/// page.
async fn tenant(user_id: &'static str) -> WebServer {
    let authorize = move |asked: &Asked| {
        let query = |name: &str| asked.query.get(name).cloned().unwrap_or_default();
        let id_token = id_token_of(user_id, 0).with("nonce", query("nonce")).sign();
        Answer::redirect(&format!(
            "{}#id_token={id_token}&state={}",
            query("redirect_uri"),
            query("state")
        ))
    };
    WebServer::start(|_| authorize).await
}

/// A service for which a sign-in of eleven minutes ago is too old to unlink.
async fn with_old_sign_ins(app: &WebServer) -> Auth0Domain {
    let domain = domain_of_with(app, |toml| toml.replace("max_sign_in_age = \"10h\"\n", "")).await;
    let link = pb::LinkRequest {
        user_id: JOHN.to_owned(),
        secondary: Some(pb::link_request::Secondary::SecondaryUserId(JOHN_AT_WORK.to_owned())),
        ..pb::LinkRequest::default()
    };
    domain.service().link(link).await.unwrap();
    domain
}

/// The person opened the page eleven minutes ago.
fn too_late(name: &str, app: &WebServer, domain: &Auth0Domain, tenant: &WebServer) -> Chromium {
    let mut browser = browser(name, app);
    let old = id_token_ago(JOHN, 11 * 60);
    let signed_in = browser.run(&call("signIn", &[&domain.name, JOHN, &old, &origin(tenant)]));
    assert_eq!(signed_in, json!(["linkedin: John Doe, CEO"]));
    let refused = browser.run("unlinkFirst()");
    let message =
        "The sign-in behind this token is too old for this call: let the user sign in again.";
    assert_eq!(refused, json!([403, message]));
    assert!(browser.text().contains("please sign in again"));
    browser
}

#[tokio::test]
async fn a_page_asks_who_signed_in_long_ago_to_sign_in_again_and_goes_on() {
    let app = app().await;
    let (domain, tenant) = (with_old_sign_ins(&app).await, tenant(JOHN).await);
    let run = move || {
        let mut browser = too_late("auth0_page_again", &app, &domain, &tenant);

        browser.click("#sign-in-again");

        assert_eq!(browser.run("resumed"), json!([]), "it is unlinked");
        let linked = browser.run(&call("linkAccount", &[&id_token_of(JOHN_AT_WORK, -2).sign()]));
        assert_eq!(
            linked,
            json!(["linkedin: John Doe, CEO"]),
            "the new sign-in is good for ten minutes"
        );
        assert_eq!(browser.run("location.hash"), json!(""), "no token stays in the address");
        (domain, tenant.asked_for("/authorize").remove(0))
    };
    let (domain, asked) = tokio::task::spawn_blocking(run).await.unwrap();

    assert_eq!((asked.query["prompt"].as_str(), asked.query["max_age"].as_str()), ("login", "0"));
    assert_eq!(domain.service().owner("linkedin", "d4c5").await, JOHN);
}

/// The page shows the same user with either account. After an unlink of the signed-in account it
/// shows another user.
#[tokio::test]
async fn a_page_is_the_same_after_a_sign_in_with_the_linked_account() {
    let app = app().await;
    let domain = with_old_sign_ins(&app).await;
    let run = move || {
        let mut browser = browser("auth0_page_linked", &app);
        let at_work = id_token_of(JOHN_AT_WORK, -2).sign();
        let told = [
            browser.run(&call("signIn", &[&domain.name, JOHN_AT_WORK, &at_work])),
            browser.run("kept('user_id')"),
            browser.run("unlinkFirst()"),
            browser.run(&call("signIn", &[&domain.name, JOHN_AT_WORK, &at_work])),
            browser.run("kept('user_id')"),
        ];
        (domain, told)
    };
    let (domain, told) = tokio::task::spawn_blocking(run).await.unwrap();

    let of_another = json!([403, "User to be acted on does not match subject in bearer token."]);
    assert_eq!(
        told,
        [
            json!(["linkedin: John Doe, CEO"]),
            json!(JOHN),
            of_another,
            json!([]),
            json!(JOHN_AT_WORK)
        ]
    );
    assert_eq!(domain.service().owner("linkedin", "d4c5").await, JOHN_AT_WORK);
}

/// The page makes no call after a sign-in as another account, nor after one that it did not
/// request.
#[tokio::test]
async fn a_page_goes_on_with_no_other_sign_in() {
    let app = app().await;
    let (domain, tenant) = (with_old_sign_ins(&app).await, tenant(JOHN_AT_WORK).await);
    let run = move || {
        let mut browser = too_late("auth0_page_as_another", &app, &domain, &tenant);
        browser.click("#sign-in-again");
        assert_eq!(browser.run("resumed"), json!(null));
        assert!(browser.text().contains("That was another account"));

        // By way of another page: what follows a # alone loads nothing.
        browser.open(&format!("{}/elsewhere", origin(&app)));
        browser.open(&format!("{}/#id_token={}&state=guessed", origin(&app), id_token(JOHN)));
        assert_eq!(browser.run("resumed"), json!(null));
        assert_eq!(
            browser.run("claimsOf(kept('id_token')).iat > Date.now() / 1000 - 600"),
            json!(false)
        );
        domain
    };
    let domain = tokio::task::spawn_blocking(run).await.unwrap();

    assert_eq!(domain.service().owner("linkedin", "d4c5").await, JOHN, "nothing was changed");
}

/// A55: a page of another origin can do nothing in the browser, even with John's own tokens.
#[tokio::test]
async fn a_page_of_another_origin_can_do_nothing() {
    let (app, other) = (app().await, app().await);
    let domain = domain_of(&app).await;
    let run = move || {
        let mut browser = browser("auth0_page_elsewhere", &other);
        let mut told = vec![browser.run(&call("signIn", &[&domain.name, JOHN, &id_token(JOHN)]))];
        told.push(browser.run(&call("linkAccount", &[&id_token(JOHN_AT_WORK)])));
        told.push(browser.run(&call("linkAccountByForm", &[&id_token(JOHN_AT_WORK)])));
        told.push(browser.run("unlinkAccount({provider: 'linkedin', user_id: 'd4c5'})"));
        assert_eq!(told, vec![json!([0, "error"]); 4]);

        browser.open(&origin(&app));
        let told = browser.run(&call("signIn", &[&domain.name, JOHN, &id_token(JOHN)]));
        assert_eq!(told, json!([]), "nothing is linked");
    };
    tokio::task::spawn_blocking(run).await.unwrap();
}
