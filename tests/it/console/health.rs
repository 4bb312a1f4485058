//! The page about the server's health.

use super::*;

/// An issuer at which no server listens.
const SILENT: &str = "\n[issuers.silent]\nissuer = \"https://127.0.0.1:1\"\nkind = \"service\"\n\
    tenant = \"default\"\naudiences = [\"identity-link\"]\nalgorithms = [\"ES256\"]\n\
    jwks_url = \"https://127.0.0.1:1/jwks.json\"\n";

/// The part of the page about this.
fn part<'a>(page: &'a Page, name: &str) -> &'a str {
    let mut parts = page.html.split("<li>").skip(1);
    parts.find(|part| part.contains(&format!("<b>{name}</b>"))).expect(&page.html)
}

#[tokio::test]
async fn an_operator_sees_what_the_server_stands_on_and_when_it_was_last_good() {
    let console = Console::start_with(SILENT).await;
    let (mut browser, first) = console.signed_in(&["admins"]).await;

    let page = browser.follow(&first, "Health").await.page();

    assert_eq!(page.status, StatusCode::OK);
    for (name, state) in [
        ("Database", "It responds, and has a schema on which this server serves."),
        ("Feed", "No open transaction has held it up for a minute."),
    ] {
        let part = part(&page, name);
        assert!(part.contains(state) && part.contains("<time datetime="), "{part}");
    }
    let provider = part(&page, &format!("Provider {}", console.provider.issuer));
    assert!(provider.contains("It has keys that verify its tokens."), "{provider}");
    let silent = part(&page, "Issuer https://127.0.0.1:1");
    assert!(silent.contains("class=\"wrong\"") && silent.contains("never"), "{silent}");
}

/// A107: the page is for operators.
#[tokio::test]
async fn another_role_sees_no_health() {
    let console = Console::start().await;
    for role in ["helpdesk", "agents"] {
        let (mut browser, first) = console.signed_in(&[role]).await;
        assert!(!first.html.contains("/health"), "{}", first.html);
        let refused = console.open(&mut browser, "/health").await;
        assert_eq!(
            (refused.status, text(&refused, "problem")),
            (StatusCode::FORBIDDEN, "Your role does not permit this")
        );
    }
    let stranger = console.open(&mut browser(), "/health").await;
    assert!(has(&stranger, "sign-in"), "{}", stranger.html);
}
