//! Programs in the manner of Auth0's samples, as the main account and as a linked one: an
//! application that suggests to link, and a rule after each login. The settings page is `page.rs`.

use std::process::Command;

use identity_link::grpc::proto as pb;
use serde_json::{Value, json};

use super::clients::PACKAGES;
use crate::support::{
    auth0_domain::Auth0Domain,
    child::{Running, run_command},
    chromium::Chromium,
    npm, object,
    tokens::Token,
};

const GOOGLE: &str = "google-oauth2|1";
const GITHUB: &str = "github|2";

/// A domain with two users of one person, and a third whose email is not verified.
async fn domain() -> Auth0Domain {
    let domain = Auth0Domain::start().await;
    let service = domain.service();
    for (provider, subject, email_verified, language) in [
        ("google-oauth2", "1", true, "en"),
        ("github", "2", true, "de"),
        ("github", "3", false, "fr"),
    ] {
        let fill = |request: &mut pb::CreateUserRequest| {
            let identity = request.identity.as_mut().unwrap();
            (identity.email, identity.email_verified) =
                ("jane@example.com".to_owned(), email_verified);
            request.user_metadata = object(json!({"languages": [language]}));
        };
        service.create_with(provider, subject, fill).await;
    }
    domain
}

fn program(file: &str, domain: &Auth0Domain, account: &str) -> Command {
    let mut command = npm::program(PACKAGES, file);
    let token = Token::of("services", "backend").sign();
    command.args([&domain.name, &token, account]).env("NODE_EXTRA_CA_CERTS", &domain.authority);
    command
}

/// The application, for a person that has signed in with this account, and a browser with its page.
fn signed_in(domain: &Auth0Domain, account: &str) -> (Running, String, Chromium) {
    let mut app = Running::start(program("suggestions.cjs", domain, account));
    let port = app
        .stdout_until(|line| line.starts_with("listening on "))
        .rsplit(' ')
        .next()
        .unwrap()
        .to_owned();
    let url = format!("http://127.0.0.1:{port}/");
    let mut browser = Chromium::start(&format!("auth0_suggestions_{}", account.replace('|', "_")));
    browser.open(&url);
    (app, url, browser)
}

#[tokio::test]
async fn an_application_suggests_to_link_once() {
    let domain = domain().await;
    let run = move || {
        let (_app, url, mut browser) = signed_in(&domain, GOOGLE);
        assert_eq!(browser.run("document.querySelectorAll('.link').length"), json!(1));
        assert!(browser.text().contains("There is another account with your email: github|2."));
        let (_late, _, mut late) = signed_in(&domain, GOOGLE);
        browser.click(".link");
        assert_eq!(browser.text(), "You are google-oauth2|1.");

        // A second window, which still shows the button.
        late.click(".link");
        assert!(!late.text().contains("You are"), "it is refused");
        late.open(&url);
        assert_eq!(late.text(), "You are google-oauth2|1.");

        // With the linked account it is the same user, and the application suggests nothing.
        let (_app, _, mut linked) = signed_in(&domain, GITHUB);
        assert_eq!(linked.text(), "You are google-oauth2|1.");
        domain
    };
    let domain = tokio::task::spawn_blocking(run).await.unwrap();

    let user = domain.service().user(GOOGLE).await;
    assert_eq!(
        crate::support::json(&user.user_metadata),
        json!({"languages": ["en", "de"]}),
        "merged once"
    );
    assert_eq!(user.identities.len(), 2);
}

#[tokio::test]
async fn a_rule_links_at_the_first_login_and_lets_in_at_each() {
    let domain = domain().await;
    let run = move || {
        let login = |user_id: &str, email_verified: bool| -> Value {
            let user = json!({"user_id": user_id, "email": "jane@example.com", "email_verified": email_verified});
            let ran = run_command(program("rule.cjs", &domain, &user.to_string()));
            assert_eq!(ran.code, Some(0), "{}", ran.stderr);
            serde_json::from_str(&ran.stdout).unwrap()
        };
        let told = [
            login("github|3", false),
            login(GITHUB, true),
            login(GITHUB, true),
            login(GOOGLE, true),
        ];
        (domain, told)
    };
    let (domain, told) = tokio::task::spawn_blocking(run).await.unwrap();

    let primary = json!({"primaryUser": GOOGLE});
    assert_eq!(
        told,
        [json!({"primaryUser": null}), primary.clone(), primary, json!({"primaryUser": null})]
    );
    assert_eq!(domain.service().owner("github", "2").await, GOOGLE);
    assert_eq!(domain.service().owner("github", "3").await, "github|3");
}
