//! Three tickets of a help desk, from the first line to the last, in a real browser. The pictures of
//! `docs/how-to/support-tickets.md` are made here: `just pictures` takes them over.

use super::{
    browser::{sign_in_there, start},
    *,
};
use crate::support::{chromium::Chromium, inspector::keep_picture, object};

/// How wide the pictures are, in pixels.
const WIDTH: u32 = 900;

/// Creates a user with an email and a city.
async fn user(
    server: &TestServer,
    (provider, subject): (&str, &str),
    (email, verified): (&str, bool),
    metadata: Value,
) -> String {
    let (email, service) = (email.to_owned(), server.service());
    let fill = move |request: &mut pb::CreateUserRequest| {
        request.user_metadata = object(metadata);
        let identity = request.identity.as_mut().unwrap();
        identity.email_verified = verified;
        identity.email = email;
    };
    service.create_with(provider, subject, fill).await.id
}

/// Who has the account now.
async fn holder(server: &TestServer, provider: &str, subject: &str) -> String {
    let identity = pb::IdentityRef { provider: provider.to_owned(), subject: subject.to_owned() };
    let request = pb::FindByIdentityRequest { identity: Some(identity) };
    server.service().find_by_identity(request).await.unwrap().user.unwrap().id
}

/// Opens a page of a console as a person of the support who has just signed in.
fn opened(name: &str, url: &str) -> Chromium {
    let mut browser = Chromium::start(name);
    browser.screen(WIDTH, "light");
    browser.open(&format!("{url}/sign-in/start?again=true&to=/"));
    sign_in_there(&mut browser);
    browser
}

/// Finds the only user with this email, and opens its page.
fn find_user(browser: &mut Chromium, email: &str) {
    browser.fill("#query", email);
    browser.click("#find");
    browser.click(".id");
}

/// "I have two accounts, one with my old address."
#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_of_one_person_become_one_user() {
    let (server, provider, url) =
        start(cluster().db_migrated().await, ("Carol Marsh", "agents")).await;
    let old = ("ann.lee@example.com", true);
    let ann = user(&server, ("google-oauth2", "108204"), old, json!({"city": "Bern"})).await;
    let new = ("ann@lee.example", true);
    let metadata = json!({"city": "Basel", "newsletter": true});
    let twin = user(&server, ("github", "583231"), new, metadata).await;
    let look = move || {
        let mut browser = opened("ticket-two-accounts", &url);
        find_user(&mut browser, "ann.lee@example.com");
        browser.click("[action$='/change'] button");
        browser.fill("#with", "ann@lee.example");
        browser.fill("#reason", "Ticket 4711");
        browser.click("#preview");
        keep_picture(&mut browser, "ticket-two-accounts");
        browser.click("#confirm");
        assert!(browser.text().contains("both are one user now"), "{}", browser.text());
    };
    tokio::task::spawn_blocking(look).await.unwrap();
    assert_ne!(ann, twin);
    assert_eq!(holder(&server, "github", "583231").await, ann);
    drop((server, provider));
}

/// "My orders are gone": the person signed in with another account, and became a new user.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_a_sign_in_created_is_explained_and_linked() {
    let (server, provider, url) =
        start(cluster().db_migrated().await, ("Carol Marsh", "agents")).await;
    let email = ("ben@example.com", true);
    let ben = user(&server, ("google-oauth2", "22071"), email, json!({"orders": 12})).await;
    let unproven = ("ben@example.com", false);
    user(&server, ("okta", "00u5t"), unproven, json!({})).await;
    let path = path(&ben);
    let look = move || {
        let mut browser = opened("ticket-orders", &url);
        browser.open(&format!("{url}/why"));
        browser.fill("#provider", "okta");
        browser.fill("#subject", "00u6x");
        browser.fill("#email", "ben@example.com");
        browser.click("#ask");
        assert!(browser.text().contains("A new user would be created"), "{}", browser.text());
        keep_picture(&mut browser, "ticket-orders-why");
        browser.open(&format!("{url}{path}"));
        browser.click("[action$='/change'] button");
        browser.fill("#with", "okta|00u5t");
        browser.fill("#reason", "Ticket 4712");
        browser.click("#preview");
        browser.click("#confirm");
        browser.open(&format!("{url}{path}/timeline"));
        keep_picture(&mut browser, "ticket-orders-timeline");
    };
    tokio::task::spawn_blocking(look).await.unwrap();
    assert_eq!(holder(&server, "okta", "00u5t").await, ben);
    drop((server, provider));
}

/// "This is not my number any more."
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_number_is_given_up() {
    let (server, provider, url) =
        start(cluster().db_migrated().await, ("Carol Marsh", "agents")).await;
    let email = ("zoe@example.com", true);
    let zoe = user(&server, ("google-oauth2", "77120"), email, json!({})).await;
    let phone = server.service().create("sms", "+14255550123").await.id;
    link(&server, &zoe, &phone, "Sign-up").await;
    let look = move || {
        let mut browser = opened("ticket-number", &url);
        browser.fill("#query", "+1 425 555 0123");
        browser.click("#find");
        browser.click(".id");
        keep_picture(&mut browser, "ticket-number-user");
        browser.click(".cards form [name=subject] ~ button");
        browser.run("{ document.querySelector('[name=mode][value=release]').checked = true }");
        browser.fill("#reason", "Ticket 4713");
        browser.click("#preview");
        keep_picture(&mut browser, "ticket-number-preview");
        browser.click("#confirm");
        assert!(browser.text().contains("the account has left this user"), "{}", browser.text());
    };
    tokio::task::spawn_blocking(look).await.unwrap();
    let identity = pb::IdentityRef { provider: "sms".into(), subject: "+14255550123".into() };
    let request = pb::FindByIdentityRequest { identity: Some(identity) };
    assert!(server.service().find_by_identity(request).await.is_err(), "the number is free");
    drop((server, provider));
}
