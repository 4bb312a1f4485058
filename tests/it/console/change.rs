//! Support changes a user: each change is shown before it is done.

use super::*;
use crate::support::{events::list_from, object, records::block};

/// Two users with metadata that differs.
async fn ann_and_ben(console: &Console) -> (String, String) {
    let service = console.server.service();
    let fill = |city: &'static str, extra: Value| {
        move |request: &mut pb::CreateUserRequest| {
            let mut metadata = json!({"city": city});
            metadata.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            request.user_metadata = object(metadata);
            request.app_metadata = object(json!({"plan": city}));
            let identity = request.identity.as_mut().unwrap();
            identity.email = "ann@example.com".to_owned();
            identity.email_verified = true;
        }
    };
    let ann = service.create_with("github", "ann", fill("Bern", json!({}))).await.id;
    let ben = service.create_with("google-oauth2", "ben", fill("Basel", json!({"diet": "vegan"})));
    (ann, ben.await.id)
}

/// The versions of both, to show that nothing was done.
async fn versions(console: &Console) -> Vec<String> {
    console.server.database.db_texts("SELECT id || ' ' || version FROM users ORDER BY id").await
}

#[tokio::test]
async fn a_person_of_the_support_links_two_users_and_undoes_it() {
    let console = Console::start().await;
    let (ann, ben) = ann_and_ben(&console).await;
    let (mut browser, _) = console.signed_in(&["agents"]).await;
    let before = versions(&console).await;

    // The user with the same email is suggested.
    let page = console.open(&mut browser, &path(&ann)).await;
    let asked = browser.press(&page, "Link with another user", &[]).await.page();
    assert!(has(&asked, "choices") && asked.html.contains("verified email: ann@example.com"));
    let chosen = browser.press(&asked, ">Choose<", &[("with", &ben)]).await.page();
    assert!(chosen.html.contains(&format!("name=\"with\" value=\"{ben}\"")), "{}", chosen.html);

    let fields = [("with", ben.as_str()), ("user_metadata", "first"), ("reason", "Ticket 9")];
    let preview = browser.press(&chosen, "id=\"preview\"", &fields).await.page();

    assert!(has(&preview, "confirm") && !has(&preview, "wrong"), "{}", preview.html);
    for expected in [
        &*format!("<code>{ben} → {ann}</code>"),
        "user_metadata/city: differs: this user&#39;s value stays",
        "user_metadata/diet: added",
        "can only read, until the next sign-in",
        "<button id=\"confirm\">Link these users</button>",
    ] {
        assert!(preview.html.contains(expected), "{expected}: {}", preview.html);
    }
    assert!(!preview.html.contains("app_metadata/plan"), "rights are not taken over");
    assert_eq!(versions(&console).await, before);

    // Twice, as by a double click: it is done once.
    let done = browser.press(&preview, "id=\"confirm\"", &[]).await.page();
    let again = browser.press(&preview, "id=\"confirm\"", &[]).await.page();

    assert!(has(&done, "done") && has(&again, "done"), "{}", again.html);
    let page = console.open(&mut browser, &path(&ben)).await;
    assert_eq!(text(&page, "user"), ann);
    for expected in ["Ticket 9", "the service or staff member carol", "the word of a service"] {
        assert!(page.html.contains(expected), "{expected}: {}", page.html);
    }
    let links = "SELECT count(*)::text FROM links";
    assert_eq!(console.server.database.db_texts(links).await, ["1"]);
    let events = list_from(pb::FeedEnd::Oldest);
    let events = console.server.service().list_events(events).await.unwrap().events;
    let actor = events.last().unwrap().actor.clone().unwrap();
    assert_eq!((actor.subject.as_str(), actor.reason.as_str()), ("carol", "Ticket 9"));
    assert_eq!(actor.issuer, console.provider.issuer);

    let asked = browser.press(&done, "id=\"undo\"", &[]).await.page();
    let fields = [("reason", "Wrong person")];
    let preview = browser.press(&asked, "id=\"preview\"", &fields).await.page();
    assert!(preview.html.contains(&format!("<code>{ben} → {ben}</code>")), "{}", preview.html);
    let undone = browser.press(&preview, "id=\"confirm\"", &[]).await.page();
    assert!(has(&undone, "done"), "{}", undone.html);
    assert_eq!(text(&console.open(&mut browser, &path(&ben)).await, "user"), ben);
    console.server.database.db_assert_invariants().await;
}

/// Another browser changes the user between the preview and its confirmation.
#[tokio::test]
async fn what_was_changed_since_the_preview_is_shown_anew() {
    let console = Console::start().await;
    let (ann, ben) = ann_and_ben(&console).await;
    let (mut browser, _) = console.signed_in(&["agents"]).await;
    let page = console.open(&mut browser, &path(&ann)).await;
    let asked = browser.press(&page, "Link with another user", &[]).await.page();
    let fields = [("with", "google-oauth2|ben"), ("reason", "Ticket 9")];
    let preview = browser.press(&asked, "id=\"preview\"", &fields).await.page();
    let service = console.server.service();
    service.update_user(block(&ben, true)).await.unwrap();
    service.update_user(block(&ben, false)).await.unwrap();
    let before = versions(&console).await;

    let refused = browser.press(&preview, "id=\"confirm\"", &[]).await.page();

    assert!(text(&refused, "wrong").contains("changed in the meantime"), "{}", refused.html);
    assert!(refused.html.contains("value=\"Ticket 9\""));
    assert_eq!(versions(&console).await, before);
    let done = browser.press(&refused, "id=\"confirm\"", &[]).await.page();
    assert!(has(&done, "done"), "{}", done.html);
    console.server.database.db_assert_invariants().await;
}

/// A108: a session that was left open changes nothing.
#[tokio::test]
async fn a_change_needs_a_sign_in_of_the_last_ten_minutes() {
    let console = Console::start().await;
    let (ann, ben) = ann_and_ben(&console).await;
    let (mut browser, _) = console.signed_in(&["agents"]).await;
    let page = console.open(&mut browser, &path(&ann)).await;
    let asked = browser.press(&page, "Link with another user", &[]).await.page();
    let fields = [("with", ben.as_str()), ("reason", "Ticket 9")];
    let preview = browser.press(&asked, "id=\"preview\"", &fields).await.page();
    let before = versions(&console).await;
    let old = "UPDATE console_sessions SET sign_in_time = now() - interval '10 minutes 1 second'";
    console.server.database.db_execute(old).await;

    // At the confirmation and at the preview what was typed stays; before that there is nothing to keep.
    for (page, button) in [(&preview, "id=\"confirm\""), (&asked, "id=\"preview\"")] {
        let refused = browser.press(page, button, &fields).await.page();
        assert!(has(&refused, "again") && !has(&refused, "confirm"), "{}", refused.html);
        assert!(refused.html.contains("value=\"Ticket 9\"") && refused.html.contains(&ben));
    }
    let refused = browser.press(&page, "Link with another user", &[]).await.page();
    assert_eq!(
        (refused.status, text(&refused, "problem")),
        (StatusCode::FORBIDDEN, "Sign in again first")
    );
    assert_eq!(versions(&console).await, before);

    // A provider that does not say when the person signed in does not help.
    console.provider.lie(|token| token.with("auth_time", Value::Null).sign());
    let silent = browser.follow(&refused, "Sign in").await.page();
    assert_eq!(silent.url.path(), path(&ann), "it returns to the user");
    let refused = browser.press(&silent, "Link with another user", &[]).await.page();
    assert_eq!(text(&refused, "problem"), "Sign in again first");

    // After a sign-in at which the provider asked again, the open page goes on.
    console.provider.lie(|token| token.sign());
    browser.follow(&refused, "Sign in").await.page();
    let asked_again = console.provider.web.asked_for("/authorize").pop().unwrap();
    assert_eq!(asked_again.query["prompt"], "login");
    let preview = browser.press(&asked, "id=\"preview\"", &fields).await.page();
    let done = browser.press(&preview, "id=\"confirm\"", &[]).await.page();
    assert!(has(&done, "done"), "{}", done.html);
    let sessions = "SELECT count(*)::text FROM console_sessions";
    assert_eq!(
        console.server.database.db_texts(sessions).await,
        ["1"],
        "the former ones have ended"
    );
}

/// A107: neither a button nor a form of a higher role's page.
#[tokio::test]
async fn each_change_needs_its_role() {
    let console = Console::start().await;
    let (ann, ben) = ann_and_ben(&console).await;
    let (mut browser, _) = console.signed_in(&["helpdesk"]).await;
    let page = console.open(&mut browser, &path(&ann)).await;
    assert!(!page.html.contains("/change"), "{}", page.html);
    let url = format!("{}{}/change", console.url, path(&ann));
    let (_, rest) = page.html.split_once("name=\"form_token\" value=\"").unwrap();
    let token = rest.split('"').next().unwrap().to_owned();
    let before = versions(&console).await;
    for (kind, role) in
        [("link", "support"), ("unlink", "support"), ("undo", "support"), ("erase", "operator")]
    {
        for step in ["ask", "preview", "confirm"] {
            let fields = [
                ("form_token", &*token),
                ("kind", kind),
                ("step", step),
                ("with", &ben),
                ("provider", "github"),
                ("subject", "ann"),
                ("reason", "r"),
                ("version", "1"),
                ("other_version", "1"),
                ("sure", "true"),
            ];
            let refused = browser.post(&url, &fields).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{kind} {step}");
            assert!(
                refused.html.contains(&format!("the role that this needs: {role}")),
                "{}",
                refused.html
            );
        }
    }
    console.signed_in(&["agents"]).await;
    let (mut support, _) = console.signed_in(&["agents"]).await;
    let page = console.open(&mut support, &path(&ann)).await;
    assert!(page.html.contains("Link with another user") && !page.html.contains("Erase this user"));
    assert_eq!(versions(&console).await, before);
}

#[tokio::test]
async fn an_account_is_taken_away_or_given_up() {
    let console = Console::start().await;
    let service = console.server.service();
    let ann = service.create("github", "ann").await.id;
    let ben = service.create("google-oauth2", "ben").await.id;
    let sms = service.create("sms", "+4917112345").await.id;
    link(&console.server, &ann, &ben, "r").await;
    link(&console.server, &ann, &sms, "r").await;
    let (mut browser, _) = console.signed_in(&["agents"]).await;

    // The account of another person comes back as that user.
    let page = console.open(&mut browser, &path(&ann)).await;
    assert_eq!(page.html.matches("Take this account away").count(), 2, "not the primary one");
    let asked = browser.press(&page, "value=\"google-oauth2\"", &[]).await.page();
    let preview = browser.press(&asked, "id=\"preview\"", &[("reason", "Mixed up")]).await.page();
    assert!(preview.html.contains(&format!("<code>{ben} → {ben}</code>")), "{}", preview.html);
    let done = browser.press(&preview, "id=\"confirm\"", &[]).await.page();
    assert!(has(&done, "done") && done.html.contains(&ben), "{}", done.html);
    assert_eq!(text(&console.open(&mut browser, &path(&ben)).await, "user"), ben);

    // "This is not my number any more."
    let page = console.open(&mut browser, &path(&ann)).await;
    let asked = browser.press(&page, "value=\"sms\"", &[]).await.page();
    let fields = [("mode", "release"), ("reason", "Lost number")];
    let preview = browser.press(&asked, "id=\"preview\"", &fields).await.page();
    assert!(preview.html.contains("gave the account up"), "{}", preview.html);
    let done = browser.press(&preview, "id=\"confirm\"", &[]).await.page();
    assert!(has(&done, "done"), "{}", done.html);
    assert_eq!(text(&console.open(&mut browser, &path(&sms)).await, "user"), ann);
    let held = "SELECT provider FROM identities ORDER BY provider";
    assert_eq!(console.server.database.db_texts(held).await, ["github", "google-oauth2"]);
}

#[tokio::test]
async fn an_operator_erases_a_user_and_says_that_it_is_meant() {
    let console = Console::start().await;
    let (ann, ben) = ann_and_ben(&console).await;
    link(&console.server, &ann, &ben, "r").await;
    let (mut browser, _) = console.signed_in(&["admins"]).await;
    let page = console.open(&mut browser, &path(&ann)).await;
    let asked = browser.press(&page, "Erase this user", &[]).await.page();
    let preview =
        browser.press(&asked, "id=\"preview\"", &[("reason", "Asked by the person")]).await.page();
    let (_, erased) = preview.html.split_once("id=\"erased\"").unwrap();
    assert!(erased.contains(&ann) && erased.contains(&ben), "{erased}");

    let refused = browser.press(&preview, "id=\"confirm\"", &[]).await.page();
    assert!(text(&refused, "wrong").contains("Tick the box"), "{}", refused.html);
    assert_eq!(versions(&console).await.len(), 2);

    let done = browser.press(&refused, "id=\"confirm\"", &[("sure", "true")]).await.page();
    assert!(has(&done, "done"), "{}", done.html);
    assert_eq!(versions(&console).await, [""; 0]);
    let looks =
        "SELECT count(*)::text FROM console_looks WHERE user_id IS NOT NULL OR reason IS NOT NULL";
    assert_eq!(console.server.database.db_texts(looks).await, ["0"]);
}

/// Each refusal is a sentence, and what was typed stays.
#[tokio::test]
async fn what_cannot_be_done_is_said_in_a_sentence() {
    let console = Console::start().await;
    let service = console.server.service();
    let (ann, ben) = ann_and_ben(&console).await;
    let zoe = service.create("okta", "zoe").await.id;
    let made = link(&console.server, &ann, &zoe, "r").await;
    service.update_user(block(&ben, true)).await.unwrap();
    let (mut browser, _) = console.signed_in(&["agents"]).await;
    let page = console.open(&mut browser, &path(&ann)).await;
    let asked = browser.press(&page, "Link with another user", &[]).await.page();
    let before = versions(&console).await;

    for (with, reason, expected) in [
        (&*ben, "", "Write a reason"),
        ("missing", "Ticket 9", "No user was found"),
        ("ann@example.com", "Ticket 9", "Several users fit"),
        (&ann, "Ticket 9", "Both are one user already"),
        (&zoe, "Ticket 9", "Both are one user already"),
        (&ben, "Ticket 9", "is blocked"),
    ] {
        let fields = [("with", with), ("reason", reason)];
        let refused = browser.press(&asked, "id=\"preview\"", &fields).await.page();
        assert!(text(&refused, "wrong").contains(expected), "{expected}: {}", refused.html);
        assert!(!has(&refused, "confirm"));
        assert!(refused.html.contains(&format!("name=\"reason\" value=\"{reason}\"")));
    }
    for (kind, fields, expected) in [
        ("unlink", [("provider", "github"), ("subject", "ann")], "It is the primary account"),
        ("unlink", [("provider", "github"), ("subject", "other")], "is not at this user any more"),
        (
            "undo",
            [("link", "00000000-0000-4000-8000-000000000000"), ("mode", "restore")],
            "The link is not there",
        ),
    ] {
        let all = [("kind", kind), fields[0], fields[1], ("with", ""), ("reason", "Ticket 9")];
        let refused = browser.press(&asked, "id=\"preview\"", &all).await.page();
        assert!(text(&refused, "wrong").contains(expected), "{expected}: {}", refused.html);
    }
    // Of an absorbed user there is nothing to change.
    let url = format!("{}{}/change", console.url, path(&zoe));
    let (_, rest) = page.html.split_once("name=\"form_token\" value=\"").unwrap();
    let token = rest.split('"').next().unwrap();
    let fields = [
        ("form_token", token),
        ("kind", "undo"),
        ("step", "preview"),
        ("link", &made),
        ("reason", "r"),
    ];
    let refused = browser.post(&url, &fields).await;
    assert!(text(&refused, "wrong").contains("part of another one now"), "{}", refused.html);
    // What no page has sent.
    for fields in [
        [("kind", "merge"), ("step", "preview"), ("version", "1")],
        [("kind", "link"), ("step", "now"), ("version", "1")],
        [("kind", "link"), ("step", "confirm"), ("version", "x")],
        [("kind", "undo"), ("step", "confirm"), ("link", "no-uuid")],
    ] {
        let all: Vec<_> =
            fields.into_iter().chain([("form_token", token), ("reason", "r")]).collect();
        let refused = browser.post(&format!("{}{}/change", console.url, path(&ann)), &all).await;
        assert_eq!(text(&refused, "problem"), "Not sent from here", "{fields:?}");
    }
    assert_eq!(versions(&console).await, before);
}

/// A105: neither does the page of one user show another one, nor is a user that comes back unrecorded.
#[tokio::test]
async fn a_change_shows_no_user_that_is_not_recorded() {
    let console = Console::start().await;
    let (ann, ben) = ann_and_ben(&console).await;
    let made = link(&console.server, &ann, &ben, "r").await;
    let zoe = console.server.service().create("okta", "zoe").await.id;
    let (mut browser, _) = console.signed_in(&["agents"]).await;
    let page = console.open(&mut browser, &path(&zoe)).await;
    let asked = browser.press(&page, "Link with another user", &[]).await.page();
    let before = versions(&console).await;
    for step in ["preview", "confirm"] {
        let fields = [
            ("kind", "undo"),
            ("step", step),
            ("link", &*made),
            ("version", "2"),
            ("with", ""),
            ("reason", "r"),
        ];
        let refused = browser.press(&asked, "id=\"preview\"", &fields).await.page();
        assert!(text(&refused, "wrong").contains("The link is not there"), "{}", refused.html);
        assert!(!refused.html.contains(&ben));
    }
    assert_eq!(versions(&console).await, before);

    let page = console.open(&mut browser, &path(&ann)).await;
    let asked = browser.press(&page, "Undo this link", &[]).await.page();
    browser.press(&asked, "id=\"preview\"", &[("reason", "Ticket 9")]).await.page();
    let looks = "SELECT user_id || ' ' || reason FROM console_looks WHERE reason = 'Ticket 9' ORDER BY user_id";
    let mut seen = [format!("{ann} Ticket 9"), format!("{ben} Ticket 9")];
    seen.sort();
    assert_eq!(console.server.database.db_texts(looks).await, seen);
}

/// The browser sends the page again after a sign-in beside it.
#[tokio::test]
async fn a_session_that_ends_midway_loses_nothing_that_was_typed() {
    let console = Console::start().await;
    let (ann, ben) = ann_and_ben(&console).await;
    let (mut browser, _) = console.signed_in(&["agents"]).await;
    let page = console.open(&mut browser, &path(&ann)).await;
    let asked = browser.press(&page, "Link with another user", &[]).await.page();
    console.server.database.db_execute("UPDATE console_sessions SET idle_time = now()").await;
    let fields = [("with", ben.as_str()), ("reason", "Ticket 9")];
    let ended = browser.press(&asked, "id=\"preview\"", &fields).await.page();
    assert_eq!(
        (ended.status, text(&ended, "problem")),
        (StatusCode::UNAUTHORIZED, "Your session has ended")
    );

    console.sign_in(&mut browser, "/").await;

    let preview = browser.press(&asked, "id=\"preview\"", &fields).await.page();
    assert!(has(&preview, "confirm"), "{}", preview.html);
    // After a sign-out the pages of before do nothing.
    let home = console.open(&mut browser, "/").await;
    browser.submit_to(&home, "/sign-out", &[]).await.page();
    console.sign_in(&mut browser, "/").await;
    let refused = browser.press(&preview, "id=\"confirm\"", &[]).await.page();
    assert_eq!(text(&refused, "problem"), "Not sent from here");
}
