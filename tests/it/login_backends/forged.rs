//! What an attacker tries.

use http::StatusCode;
use rustix::process::Signal;

use super::visit::{SITE, Site, Start, account, accounts, assert_contains, assert_refused};
use crate::support::child::run_command;

const BEGIN_AGAIN: &str = "This sign-in has ended, or began in another browser. Begin again.";

/// A callback counts once, with its own state, in the browser that began it.
pub(super) async fn callbacks(start: &Start) {
    let site = Site::open(start).await;
    let mut mallory = site.visit().await;
    let page = mallory.home().await;
    mallory.leave_for(&page, "Sign in with", "mail").await;

    // A browser without an attempt, which would be signed in as the attacker.
    let mut alice = site.visit().await;
    for query in [&*mallory.query, "state=%zz&code=%ff", ""] {
        let refused = alice.returns("mail", query).await;
        assert_refused(&refused, StatusCode::BAD_REQUEST, BEGIN_AGAIN);
    }
    // A browser with an attempt of its own.
    let page = alice.home().await;
    alice.leave_for(&page, "Sign in with", "mail").await;
    let own = alice.query.clone();
    let refused = alice.returns("mail", &mallory.query).await;
    assert_refused(&refused, StatusCode::BAD_REQUEST, BEGIN_AGAIN);
    // Her own return is not spoiled by it, and counts once.
    assert_eq!(accounts(&alice.returns("mail", &own).await), 1);
    assert_refused(&alice.returns("mail", &own).await, StatusCode::BAD_REQUEST, BEGIN_AGAIN);
    alice.sign_out().await;

    // The redirect URI of another provider, which may be the attacker's.
    let page = alice.home().await;
    alice.leave_for(&page, "Sign in with", "mail").await;
    let query = alice.query.clone();
    assert_eq!(alice.returns("office", &query).await.status, StatusCode::BAD_REQUEST);
    assert_contains(&alice.home().await, "<h1>Sign in</h1>");
}

/// Only a form of the backend's own pages changes something.
pub(super) async fn forms(start: &Start) {
    let site = Site::open(start).await;
    site.office.person(account("a.smith", "smith@example.com"));
    let mut alice = site.visit().await;
    let settings = alice.sign_in("mail").await;
    alice.by(&settings, "Link", "office").await;
    let office = [
        ("provider".to_owned(), "office".to_owned()),
        ("subject".to_owned(), "a.smith".to_owned()),
    ];

    for action in
        ["/sign-in", "/new-user", "/link", "/link-pending", "/forget", "/unlink", "/sign-out"]
    {
        for origin in ["http://evil.example.com", "null", "http://127.0.0.1:9.evil.example.com"] {
            let refused = alice.send(origin, action, &office).await;
            assert_refused(&refused, StatusCode::FORBIDDEN, "not sent from a page of this site");
        }
        let refused = alice.send_without_origin(action, ("provider", "office")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{action}");
    }
    assert_eq!(accounts(&alice.home().await), 2);

    let long = [("provider".to_owned(), "x".repeat(20_000))];
    let refused = alice.send(SITE, "/sign-in", &long).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", refused.html);
    for (action, status) in
        [("/sign-in", StatusCode::BAD_REQUEST), ("/other", StatusCode::NOT_FOUND)]
    {
        assert_eq!(alice.send(SITE, action, &[]).await.status, status, "{action}");
    }
    let home = alice.home().await;
    for (name, value) in [
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(home.headers[name], value, "{name}");
    }
}

/// The attempt to link of one session links nothing to the user of the next one in that browser, nor
/// in a session of another browser.
pub(super) async fn link_of_another_session(start: &Start) {
    let site = Site::open(start).await;
    site.office.person(account("mallory", "mallory@example.com"));
    let mut browser = site.visit().await;
    let settings = browser.sign_in("mail").await;
    browser.leave_for(&settings, "Link", "office").await;
    let begun = browser.query.clone();
    // The next person of this browser signs in; the cookie of the attempt is the old one.
    let old = attempt_of(&browser.browser.set_cookies);
    browser.sign_out().await;
    site.mail.person(account("bob", "bob@example.com"));
    browser.sign_in("mail").await;
    browser.keep_attempt(&old);

    let refused = browser.returns("office", &begun).await;

    assert_refused(&refused, StatusCode::BAD_REQUEST, BEGIN_AGAIN);
    assert_eq!(accounts(&browser.home().await), 1);
    // Without a session, the attempt to link is no sign-in either.
    browser.sign_out().await;
    browser.keep_attempt(&old);
    assert_eq!(browser.returns("office", &begun).await.status, StatusCode::BAD_REQUEST);
    assert_contains(&browser.home().await, "<h1>Sign in</h1>");
}

/// The value of the last cookie of an attempt.
fn attempt_of(set_cookies: &[String]) -> String {
    let mut values = set_cookies.iter().filter_map(|cookie| cookie.strip_prefix("attempt="));
    values.next_back().unwrap().split(';').next().unwrap().to_owned()
}

/// The name of an account is text, cookies are out of the reach of scripts and of other sites, and the
/// log has nothing with which to sign in.
pub(super) async fn name_and_log(start: &Start) {
    let site = Site::open(start).await;
    let mut claims = account("alice", "alice@example.com");
    claims["name"] = "<script>alert(1)</script>".into();
    site.mail.person(claims);
    let mut alice = site.visit().await;

    let settings = alice.sign_in("mail").await;

    assert!(!settings.html.contains("<script"), "{}", settings.html);
    // By name or by number: HTML has both.
    let escaped = ["&lt;script&gt;", "&#60;script&#62;"];
    assert!(escaped.iter().any(|text| settings.html.contains(text)), "{}", settings.html);
    let first = alice.query.clone();
    alice.returns("mail", &first).await;
    // A session begins under a new id.
    alice.sign_out().await;
    alice.sign_in("mail").await;
    let given = std::mem::take(&mut alice.browser.set_cookies);
    let mut secrets: Vec<String> = first.split('&').map(value).collect();
    for cookie in given {
        let (pair, attributes) = cookie.split_once(';').unwrap();
        let attributes = attributes.to_lowercase();
        for needed in ["httponly", "samesite=lax", "path=/"] {
            assert!(attributes.contains(needed), "{cookie}");
        }
        secrets.push(value(pair).rsplit('.').next().unwrap().to_owned());
    }
    secrets.retain(|secret| secret.len() > 20 && !secret.contains("127.0.0.1"));
    secrets.sort_unstable();
    let all = secrets.len();
    secrets.dedup();
    assert_eq!((all, all >= 6), (secrets.len(), true), "a secret is used once: {secrets:?}");
    site.backend.signal(Signal::INT);
    let ran = tokio::task::spawn_blocking(move || site.backend.finish()).await.unwrap();
    let log = format!("{}{}", ran.stdout, ran.stderr);
    for secret in secrets {
        assert!(!log.contains(&secret), "{log}");
    }
}

/// The value of a parameter or a cookie.
fn value(pair: &str) -> String {
    pair.split_once('=').map_or("", |(_, value)| value).to_owned()
}

/// Behind a proxy with TLS, each cookie is for this host and for https alone: a browser that has the
/// prefix `__Host-` in its name takes it with `Secure`, with `Path=/`, without `Domain`, or not at all
/// (RFC 6265bis, section 4.1.3.2). A cookie without the prefix, which a sister domain can set, is none.
pub(super) async fn cookies_of_https(start: &Start) {
    let site = Site::open_at(start, "https://login.example.com", "open").await;
    site.office.person(account("a.smith", "smith@example.com"));
    let mut alice = site.visit().await;
    let settings = alice.sign_in("mail").await;
    assert_eq!(accounts(&alice.by(&settings, "Link", "office").await), 2);
    alice.sign_out().await;
    alice.sign_in("mail").await;

    let given = std::mem::take(&mut alice.browser.set_cookies);
    assert!(given.len() >= 5, "{given:?}");
    for cookie in &given {
        assert!(cookie.starts_with("__Host-"), "{cookie}");
        let attributes: Vec<String> =
            cookie.to_lowercase().split(';').skip(1).map(|one| one.trim().to_owned()).collect();
        for needed in ["secure", "httponly", "samesite=lax", "path=/"] {
            assert!(attributes.iter().any(|one| one == needed), "{needed}: {cookie}");
        }
        assert!(!attributes.iter().any(|one| one.starts_with("domain")), "{cookie}");
    }
    let session = given.iter().rfind(|cookie| cookie.starts_with("__Host-session=")).unwrap();
    let session = value(session.split(';').next().unwrap());
    for (name, title) in
        [("session", "<h1>Sign in</h1>"), ("__Host-session", "<h1>Your settings</h1>")]
    {
        let mut other = site.visit().await;
        other.browser.set_cookie(&site.address, name, &session);
        assert_contains(&other.home().await, title);
    }
}

/// Cookies over a network in clear text would be everyone's, also at a name that looks like this
/// machine.
pub(super) async fn plaintext_elsewhere(start: &Start) {
    let start = *start;
    let run = move || {
        ["http://login.example.com", "http://127.0.0.1.example.com", "http://localhost:8080"].map(
            |url| {
                let mut command = start();
                command.env("BASE_URL", url).env("LISTEN", "http://127.0.0.1:0");
                command.env("TOKEN_FILE", "none");
                run_command(command)
            },
        )
    };
    for ran in tokio::task::spawn_blocking(run).await.unwrap() {
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!matches!(ran.code, None | Some(0)), "{ran:?}");
        assert!(said.contains("without https, cookies are safe on a loopback address only"));
    }
}
