//! The page of a user.

use super::*;
use crate::support::{http1::Http1, object, records::block};

/// A user with all that the page shows, and a user that it has absorbed.
async fn ann_and_ben(console: &Console) -> (String, String, String) {
    let service = console.server.service();
    let fill = |request: &mut pb::CreateUserRequest| {
        request.user_metadata = object(json!({"city": "Bern", "tags": ["a", {"b": null}]}));
        request.app_metadata = object(json!({"plan": "gold"}));
        let identity = request.identity.as_mut().unwrap();
        identity.email = "ann.smith@example.com".to_owned();
        identity.email_verified = true;
        identity.profile_data = object(json!({"name": "Ann <b>Smith</b>"}));
    };
    let ann = service.create_with("github", "ann", fill).await.id;
    let ben = service.create("sms", "+4917112345").await.id;
    let made = link(&console.server, &ann, &ben, "Ticket%204711").await;
    (ann, ben, made)
}

/// A106: a name that is HTML is shown as text.
#[tokio::test]
async fn the_page_shows_accounts_history_and_data() {
    let console = Console::start().await;
    let (ann, ben, made) = ann_and_ben(&console).await;
    let (mut browser, _) = console.signed_in(&["agents"]).await;

    let page = console.open(&mut browser, &path(&ann)).await;

    assert_eq!(text(&page, "user"), ann);
    for expected in [
        "ann.smith@example.com <span class=\"tag\">verified</span>",
        "<code>&#43;4917112345</code>",
        "By a link. Its proof: the word of a service",
        &format!("Made the user {ben} part of {ann} (sms: &#43;4917112345)"),
        "the service or staff member backend",
        "Ticket 4711",
        &format!("<code>{made}</code>"),
        "<th scope=\"row\">city</th><td><code>&#34;Bern&#34;</code>",
        "<th scope=\"row\">plan</th><td><code>&#34;gold&#34;</code>",
        "Ann &#60;b&#62;Smith&#60;/b&#62;",
    ] {
        let html = page.html.replace("+4917112345", "&#43;4917112345");
        assert!(html.contains(expected), "{expected}: {html}");
    }
    assert!(!has(&page, "hidden") && !has(&page, "blocked") && !has(&page, "former"));

    // Under the id of the absorbed user it is the same page.
    let former = console.open(&mut browser, &path(&ben)).await;
    assert_eq!(text(&former, "user"), ann);
    assert!(former.html.contains(&format!("<code>{ben}</code>")) && has(&former, "former"));

    // After the undo, the link is shown as undone.
    let service = console.server.service();
    service.undo_link(pb::UndoLinkRequest { link_id: made, ..Default::default() }).await.unwrap();
    service.update_user(block(&ann, true)).await.unwrap();
    let page = console.open(&mut browser, &path(&ann)).await;
    assert!(page.html.contains("class=\"undone\"") && has(&page, "blocked"), "{}", page.html);
    assert_eq!(text(&console.open(&mut browser, &path(&ben)).await, "user"), ben);
}

/// A105: emails, phone numbers, profile and metadata are hidden until then.
#[tokio::test]
async fn a_viewer_says_why_before_personal_data_is_shown() {
    let console = Console::start().await;
    let (ann, _, _) = ann_and_ben(&console).await;
    let (mut browser, page) = console.signed_in(&["helpdesk"]).await;

    let found = find(&mut browser, &page, "ann.smith@example.com").await;
    assert!(found.html.contains("a•••@example.com") && found.html.contains("•••45"));
    let hidden = console.open(&mut browser, &path(&ann)).await;
    assert!(has(&hidden, "hidden") && hidden.html.contains("a•••@example.com"));
    for page in [&hidden.html, &found.html.replace("value=\"ann.smith@example.com\"", "")] {
        for secret in ["ann.smith", "Bern", "gold", "Smith", "4711", "+4917112345"] {
            assert!(!page.contains(secret), "{secret}: {page}");
        }
    }

    for reason in ["", "  ", &"r".repeat(501)] {
        let refused = browser.submit_to(&hidden, "/users", &[("reason", reason)]).await.page();
        assert!(has(&refused, "wrong") && has(&refused, "hidden"), "{}", refused.html);
    }
    let shown = browser.submit_to(&hidden, "/users", &[("reason", "Ticket 9")]).await.page();
    assert_eq!((shown.status, has(&shown, "hidden")), (StatusCode::OK, false));
    for data in ["ann.smith@example.com", "Bern", "gold", "4711"] {
        assert!(shown.html.contains(data), "{data}: {}", shown.html);
    }
    // It counts for this user in this session.
    assert!(!has(&console.open(&mut browser, &path(&ann)).await, "hidden"));
    let other = console.server.service().create("github", "zoe").await.id;
    assert!(has(&console.open(&mut browser, &path(&other)).await, "hidden"));
    let (mut later, _) = console.signed_in(&["helpdesk"]).await;
    assert!(has(&console.open(&mut later, &path(&ann)).await, "hidden"));
}

#[tokio::test]
async fn a_user_that_is_not_there_is_said_to_be_missing() {
    let console = Console::start().await;
    let (mut browser, page) = console.signed_in(&["agents"]).await;
    for user in ["missing", "%00", "a%20b", "%F0%9F%98%80", &"a".repeat(400)] {
        let missing = console.open(&mut browser, &format!("/users/default/{user}")).await;
        assert_eq!(
            (missing.status, text(&missing, "problem")),
            (StatusCode::NOT_FOUND, "No such user"),
            "{user}"
        );
    }
    let ann = console.server.service().create("github", "ann").await.id;
    let open = console.open(&mut browser, &path(&ann)).await;
    console.server.service().delete(&ann).await;
    let gone = console.open(&mut browser, &path(&ann)).await;
    assert_eq!(text(&gone, "problem"), "No such user");
    assert!(!has(&open, "hidden"));
    assert!(has(&find(&mut browser, &page, &ann).await, "nothing"));
}

#[tokio::test]
async fn the_pages_are_in_the_language_of_the_browser() {
    let console = Console::start().await;
    let host = console.url.strip_prefix("http://").unwrap();
    let mut connection = Http1::connect(host.parse().unwrap()).await;
    let asked =
        format!("GET /sign-in HTTP/1.1\r\nhost: {host}\r\naccept-language: de-CH,en;q=0.5\r\n\r\n");
    let page = connection.ask(asked).await.body;
    assert!(page.contains("<html lang=\"de\">") && page.contains("Anmelden"), "{page}");
}
