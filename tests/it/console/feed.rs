//! The page of the feed, and its stream.

use super::*;
use crate::support::{browser::attribute, http1::Http1};

/// The path of the stream that a page of the feed follows.
fn live(page: &Page) -> String {
    let list = page.html.split("<ol id=\"feed\"").nth(1).unwrap();
    attribute(list, "data-live").unwrap()
}

/// A connection that has asked for a path with the session of this browser, and the head of the response.
pub(super) async fn ask(console: &Console, browser: &Browser, path: &str) -> (Http1, u16) {
    let host = console.url.strip_prefix("http://").unwrap();
    let mut connection = Http1::connect(host.parse().unwrap()).await;
    let cookie = session_cookie(browser);
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\n\r\n");
    let head = connection.ask_head(request).await;
    (connection, head.status)
}

/// The stream up to the first chunk that contains this text.
pub(super) async fn until(connection: &mut Http1, expected: &str) -> String {
    let mut heard = String::new();
    while !heard.contains(expected) {
        let chunk = connection.chunk().await.expect(&heard);
        assert!(!chunk.is_empty(), "the stream ended after {heard}");
        heard += std::str::from_utf8(&chunk).unwrap();
    }
    heard
}

/// A106: the page has a script of the console's own, and no other page has any.
#[tokio::test]
async fn the_page_shows_ids_and_kinds_from_a_position_on() {
    let console = Console::start_feed("").await;
    let (mut browser, page) = console.signed_in(&["admins"]).await;
    let before = browser.follow(&page, "Feed").await.page();
    assert!(before.html.contains("Nothing has changed since this page begins."));
    let service = console.server.service();
    let ann = service.create("sms", "+4917112345").await.id;
    let ben = service.create("github", "ben").await.id;
    link(&console.server, &ann, &ben, "Ticket%204711").await;
    // The list has an event once no older transaction is open: the stream waits for that.
    let (mut stream, _) = ask(&console, &browser, &live(&before)).await;
    until(&mut stream, "User absorbed another one").await;

    let page = browser.follow(&before, "Refresh").await.page();

    let linked = page.html.find("User absorbed another one").unwrap();
    assert!(linked < page.html.find("User created").unwrap(), "the newest first: {}", page.html);
    for user in [&ann, &ben] {
        assert!(page.html.contains(&format!("\">{user}</a>")), "{user}: {}", page.html);
    }
    assert!(page.html.contains("the service or staff member backend"), "{}", page.html);
    // Neither the name of an account nor a reason.
    assert!(!page.html.contains("17112345") && !page.html.contains("4711"), "{}", page.html);
    let oldest = browser.follow(&before, "Begin at the oldest event").await.page();
    assert_eq!(oldest.html.matches("<li>").count(), 3, "{}", oldest.html);

    assert_eq!(
        page.headers["content-security-policy"],
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    assert!(page.html.contains("<script src=\"/feed.js\" integrity=\"sha256-"), "{}", page.html);
    let script = console.open(&mut browser, "/feed.js").await;
    assert_eq!(script.headers["content-type"], "text/javascript");
}

/// A107: the feed is for operators.
#[tokio::test]
async fn another_role_has_neither_the_page_nor_the_stream() {
    let console = Console::start_feed("").await;
    for role in ["helpdesk", "agents"] {
        let (mut browser, first) = console.signed_in(&[role]).await;
        assert!(!first.html.contains("/feed"), "{}", first.html);
        for path in ["/feed", "/feed/live"] {
            let refused = console.open(&mut browser, path).await;
            assert_eq!(
                (refused.status, text(&refused, "problem")),
                (StatusCode::FORBIDDEN, "Your role does not permit this"),
                "{role} {path}"
            );
        }
    }
    let stranger = console.open(&mut browser(), "/feed").await;
    assert!(has(&stranger, "sign-in"), "{}", stranger.html);
    let stranger = console.open(&mut browser(), "/feed/live").await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_position_that_is_none_is_said_to_be_none() {
    let console = Console::start_feed("").await;
    let (mut browser, _) = console.signed_in(&["admins"]).await;
    for query in ["after=x", "from=middle", "tenant=default&tenant=other", "tenant=other&after=x"] {
        let page = console.open(&mut browser, &format!("/feed?{query}")).await;
        assert_eq!(
            (page.status, text(&page, "problem")),
            (StatusCode::NOT_FOUND, "No such place in the feed"),
            "{query}"
        );
    }
    let page = console.open(&mut browser, "/feed?tenant=joined").await;
    assert_eq!(text(&page, "problem"), "Not here");
    let page = console.open(&mut browser, "/feed/live?after=x").await;
    assert_eq!(text(&page, "problem"), "No such place in the feed");
}

/// A109: no page that was left open shows what happens after the session.
#[tokio::test]
async fn the_stream_ends_with_the_session_or_its_role() {
    let console = Console::start_feed("").await;
    for end in [
        "UPDATE console_sessions SET idle_time = now()",
        "UPDATE console_sessions SET role = 'viewer'",
        "DELETE FROM console_sessions",
    ] {
        let (mut browser, _) = console.signed_in(&["admins"]).await;
        let page = console.open(&mut browser, "/feed").await;
        let (mut stream, status) = ask(&console, &browser, &live(&page)).await;
        assert_eq!(status, 200);
        let ann = console.server.service().create("github", end).await.id;
        let heard = until(&mut stream, &ann).await;
        assert!(heard.contains("id: ") && heard.contains("User created"), "{heard}");

        console.server.database.db_execute(end).await;

        while !stream.chunk().await.expect("the stream should end in order").is_empty() {}
        let again = console.open(&mut browser, &live(&page)).await;
        assert!(matches!(again.status.as_u16(), 401 | 403), "{end}: {}", again.status);
    }
}

#[tokio::test]
async fn a_browser_that_was_disconnected_continues_after_the_last_event() {
    let console = Console::start_feed("").await;
    let (mut browser, _) = console.signed_in(&["admins"]).await;
    let page = console.open(&mut browser, "/feed").await;
    let ann = console.server.service().create("github", "ann").await.id;
    let (mut stream, _) = ask(&console, &browser, &live(&page)).await;
    let heard = until(&mut stream, &ann).await;
    let event = heard.split("\n\n").find(|event| event.contains(&ann)).unwrap();
    let last = event.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    drop(stream);
    let ben = console.server.service().create("github", "ben").await.id;

    let host = console.url.strip_prefix("http://").unwrap();
    let mut again = Http1::connect(host.parse().unwrap()).await;
    let cookie = session_cookie(&browser);
    let path = live(&page);
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\nlast-event-id: {last}\r\n\r\n"
    );
    assert_eq!(again.ask_head(request).await.status, 200);
    let heard = until(&mut again, &ben).await;
    assert!(!heard.contains(&ann), "{heard}");
}
