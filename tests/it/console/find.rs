//! One field finds users by all that names them.

use super::*;
use crate::support::records::verified;

#[tokio::test]
async fn a_user_is_found_by_each_of_its_names() {
    let console = Console::start().await;
    let service = console.server.service();
    let ann = service.create_with("github", "ann", verified("ann@example.com")).await.id;
    let phone = service.create("sms", "+4917112345").await.id;
    let made = link(&console.server, &ann, &phone, "T-1").await;
    let (mut browser, page) = console.signed_in(&["agents"]).await;

    for (query, why) in [
        (&*ann, "its user id"),
        (&*phone, "a former user id: that user is part of this one now"),
        ("github|ann", "an account of it"),
        (" ANN@Example.com ", "a verified email"),
        ("+49 (171) 12345", "the phone number of an account"),
        (&*made, "a link of it"),
    ] {
        let found = find(&mut browser, &page, query).await;
        assert_eq!(found.status, StatusCode::OK);
        assert_eq!(found.html.matches("class=\"id\"").count(), 1, "{query}: {}", found.html);
        assert!(found.html.contains(&format!("Found by {why}")), "{query}: {}", found.html);
        assert!(found.html.contains("github: ann (ann@example.com, verified)"), "{}", found.html);
        // What was typed is kept, and no URL has it.
        assert_eq!(found.url.to_string(), format!("{}/find", console.url));
    }
}

/// A106: what is looked for is shown as text.
#[tokio::test]
async fn what_is_not_found_or_names_nothing_is_said_and_kept() {
    let console = Console::start().await;
    let (mut browser, page) = console.signed_in(&["agents"]).await;
    for query in [
        "missing",
        "no@example.com",
        "github|x",
        "nowhere|x",
        "|",
        "@",
        "a|b|c",
        "<script>",
        "'; --",
        "\u{1F600}",
    ] {
        let found = find(&mut browser, &page, query).await;
        assert_eq!(found.status, StatusCode::OK, "{query}");
        assert!(has(&found, "nothing"), "{query}: {}", found.html);
        assert!(!found.html.contains("<script>"), "{}", found.html);
    }
    for query in ["", "   ", &"a".repeat(513)] {
        let found = find(&mut browser, &page, query).await;
        assert_eq!(text(&found, "wrong"), "Type 1 to 512 characters that name a user.");
    }
    let found = find(&mut browser, &page, "ann \"quoted\"").await;
    assert!(found.html.contains("value=\"ann &#34;quoted&#34;\""), "{}", found.html);
}

#[tokio::test]
async fn users_of_each_tenant_of_the_console_are_found_and_of_no_other() {
    let console = Console::start().await;
    console.server.service().create("github", "ann").await;
    let (mut browser, page) = console.signed_in(&["agents"]).await;
    for (tenant, is_found) in [("default", true), ("other", false)] {
        let fields = [("query", "github|ann"), ("tenant", tenant)];
        let found = browser.submit_to(&page, "/find", &fields).await.page();
        assert_eq!(!has(&found, "nothing"), is_found, "{tenant}");
    }
    for tenant in ["joined", "", "nowhere"] {
        let fields = [("query", "github|ann"), ("tenant", tenant)];
        let found = browser.submit_to(&page, "/find", &fields).await.page();
        assert_eq!(text(&found, "problem"), "Not here", "{tenant}");
        let path = format!("/users/{tenant}/ann");
        assert_eq!(text(&console.open(&mut browser, &path).await, "problem"), "Not here");
    }
}
