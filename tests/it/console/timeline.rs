//! The history of a user as a picture.

use super::*;
use crate::support::{http1::Http1, link_user, merge_default, object};

fn path(user: &str) -> String {
    format!("/users/default/{}/timeline", user.replace('|', "%7C"))
}

/// How often a page has this.
fn count(page: &Page, part: &str) -> usize {
    page.html.matches(part).count()
}

/// Ann, who has absorbed the user of a phone with its metadata, and a user that left her again.
struct Ann {
    id: String,
    phone: String,
    stands: String,
    undone: String,
}

async fn ann(console: &Console) -> Ann {
    let service = console.server.service();
    let id = service.create("github", "ann <b>").await.id;
    let city = |request: &mut pb::CreateUserRequest| {
        request.user_metadata = object(json!({"city": "Bern"}));
    };
    let phone = service.create_with("sms", "+4917112345", city).await.id;
    let merging = pb::LinkRequest { user_metadata: merge_default(), ..link_user(&id, &phone) };
    let stands = service.link(merging).await.unwrap().link.unwrap().id;
    let other = service.create("google-oauth2", "zoe").await.id;
    let undone = link(&console.server, &id, &other, "Ticket%204711").await;
    let undo = pb::UndoLinkRequest { link_id: undone.clone(), ..Default::default() };
    service.undo_link(undo).await.unwrap();
    Ann { id, phone, stands, undone }
}

/// A106: a name that is HTML is shown as text.
#[tokio::test]
async fn the_picture_has_a_lane_per_account_and_a_mark_per_change() {
    let console = Console::start().await;
    let Ann { id, phone, stands, undone } = ann(&console).await;
    let (mut browser, _) = console.signed_in(&["agents"]).await;

    let user = console.open(&mut browser, &path(&id).replace("/timeline", "")).await;
    let page = browser.follow(&user, "Show the history as a picture").await.page();

    assert_eq!((page.status, text(&page, "user")), (StatusCode::OK, &*id));
    assert_eq!(count(&page, "class=\"lane lane-"), 3);
    // The band of Ann, and one for each of the two others.
    assert_eq!(count(&page, "class=\"band\""), 3);
    assert_eq!((count(&page, "class=\"mark\""), count(&page, "class=\"mark undo\"")), (2, 1));
    for (link, times) in [(&stands, 1), (&undone, 2)] {
        let row = format!("#{link}\" class=\"mark");
        assert_eq!(count(&page, &row), times, "{link}: {}", page.html);
        assert!(has(&user, link));
    }
    for expected in [
        "github: ann &#60;b&#62;",
        &format!("This user: {id}"),
        &format!("Made the user {phone} part of {id}"),
        "<code>user_metadata/city: added</code>",
        "no metadata changed",
        "the word of a service",
        "the service or staff member backend",
    ] {
        assert!(page.html.contains(expected), "{expected}: {}", page.html);
    }
    // No value of the metadata.
    assert!(!page.html.contains("Bern") && !page.html.contains("<b>\"") && !has(&page, "hidden"));
    // Under the id of the absorbed user it is the same picture.
    let former = console.open(&mut browser, &path(&phone)).await;
    assert_eq!((text(&former, "user"), count(&former, "class=\"mark")), (&*id, 3));
}

/// A105: emails, phone numbers and paths are hidden until then, and the look is recorded.
#[tokio::test]
async fn a_viewer_says_why_before_names_and_paths_are_shown() {
    let console = Console::start().await;
    let Ann { id, .. } = ann(&console).await;
    let (mut browser, _) = console.signed_in(&["helpdesk"]).await;

    let hidden = console.open(&mut browser, &path(&id)).await;

    assert!(has(&hidden, "hidden") && hidden.html.contains("sms: •••45"), "{}", hidden.html);
    for secret in ["17112345", "city", "Bern", "4711"] {
        assert!(!hidden.html.contains(secret), "{secret}: {}", hidden.html);
    }
    let user = console.open(&mut browser, &path(&id).replace("/timeline", "")).await;
    browser.submit_to(&user, "/users", &[("reason", "Ticket 9")]).await.page();
    let shown = console.open(&mut browser, &path(&id)).await;
    assert!(!has(&shown, "hidden") && shown.html.contains("user_metadata/city"), "{}", shown.html);
    let looks = "SELECT concat_ws(' ', subject, role, page, user_id) FROM console_looks WHERE page = 'timeline'";
    let seen = format!("carol viewer timeline {id}");
    assert_eq!(console.server.database.db_texts(looks).await, [&*seen, &seen]);
}

#[tokio::test]
async fn an_account_that_the_user_gave_up_ends() {
    let console = Console::start().await;
    let Ann { id, .. } = ann(&console).await;
    let release = pb::UnlinkRequest {
        user_id: id.clone(),
        identity: Some(pb::IdentityRef {
            provider: "sms".to_owned(),
            subject: "+4917112345".to_owned(),
        }),
        mode: pb::UnlinkMode::Release.into(),
        ..pb::UnlinkRequest::default()
    };
    console.server.service().unlink(release).await.unwrap();
    let (mut browser, _) = console.signed_in(&["admins"]).await;

    let page = console.open(&mut browser, &path(&id)).await;

    assert_eq!(count(&page, "class=\"cross\""), 1);
    assert!(page.html.contains("the user gave it up"), "{}", page.html);
}

#[tokio::test]
async fn only_the_newest_links_are_drawn() {
    let console = Console::start().await;
    let service = console.server.service();
    let ann = service.create("github", "ann").await.id;
    let (mut browser, _) = console.signed_in(&["agents"]).await;
    let empty = console.open(&mut browser, &path(&ann)).await;
    assert_eq!((count(&empty, "class=\"mark"), count(&empty, "class=\"lane lane-")), (0, 1));
    let ben = service.create("sms", "1").await.id;
    for _ in 0..101 {
        let made = link(&console.server, &ann, &ben, "again").await;
        let undo = pb::UndoLinkRequest { link_id: made, ..Default::default() };
        service.undo_link(undo).await.unwrap();
    }

    let page = console.open(&mut browser, &path(&ann)).await;

    assert!(!has(&empty, "more") && has(&page, "more"));
    assert_eq!((count(&page, "class=\"mark\""), count(&page, "class=\"mark undo\"")), (100, 100));
}

#[tokio::test]
async fn the_timeline_of_no_user_is_said_to_be_missing_and_needs_a_session() {
    let console = Console::start().await;
    let (mut browser, _) = console.signed_in(&["helpdesk"]).await;
    let missing = console.open(&mut browser, "/users/default/missing/timeline").await;
    assert_eq!(
        (missing.status, text(&missing, "problem")),
        (StatusCode::NOT_FOUND, "No such user")
    );
    let elsewhere = console.open(&mut browser, "/users/joined/missing/timeline").await;
    assert_eq!(text(&elsewhere, "problem"), "Not here");

    let ann = console.server.service().create("github", "ann").await.id;
    let stranger = console.open(&mut super::browser(), &path(&ann)).await;
    assert!(has(&stranger, "sign-in"), "{}", stranger.html);
}

#[tokio::test]
async fn the_timeline_is_in_the_language_of_the_browser() {
    let console = Console::start().await;
    let ann = console.server.service().create("github", "ann").await.id;
    let (browser, _) = console.signed_in(&["agents"]).await;
    let cookie = session_cookie(&browser);
    let host = console.url.strip_prefix("http://").unwrap();
    let asked = format!(
        "GET {} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\naccept-language: de\r\n\r\n",
        path(&ann)
    );
    let page = Http1::connect(host.parse().unwrap()).await.ask(asked).await;
    assert!(page.body.contains("Zeitverlauf") && page.body.contains("Dieser Benutzer"), "{page:?}");
}
