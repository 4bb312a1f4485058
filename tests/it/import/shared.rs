//! New users that share a verified email with users that are here: the import says so, and links none.

use serde_json::json;

use super::{Desk, lines, row};
use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_import_says_which_new_users_share_an_email_with_users_here() {
    let server = TestServer::start().await;
    let service = server.service();
    let here = service.create_with("google-oauth2", "1", verified("U1@Example.com")).await.id;
    service.create_with("google-oauth2", "2", verified("other@example.com")).await;
    // Its email counts for no one: it is not verified.
    service.create("google-oauth2", "3").await;
    let desk = Desk::new(&server.database, |toml| toml);
    let twice = |id: &str| {
        json!({"id": id, "identities": [{"provider": "sms", "subject": id,
            "email": "twice@example.com", "email_verified": true}]})
    };
    let unverified = json!({"id": "old-9", "identities": [{"provider": "github", "subject": "9",
        "email": "other@example.com"}]});
    let rows = lines([row(1), row(2), twice("one"), twice("two"), unverified]);
    let file = desk.write("users.ndjson", rows);
    let said = format!("who may be the same person\n  users.ndjson:1: {here}");

    let dry = desk.import("neutral", &[&file], &["--dry-run"]);
    let ran = desk.import("neutral", &[&file], &[]);
    let again = desk.import("neutral", &[&file], &["--dry-run"]);

    assert_eq!((dry.code, ran.code, again.code), (Some(0), Some(0), Some(0)), "{dry:?} {ran:?}");
    let count = "emails: 1 new user has a verified address of a user that was here before";
    assert!(dry.stdout.contains(count) && ran.stdout.contains(count), "{dry:?} {ran:?}");
    assert!(dry.stdout.contains(&said), "{dry:?}");
    assert!(ran.stdout.contains(&said), "{ran:?}");
    let in_rows = "emails: 1 verified address is in several rows";
    assert!(dry.stdout.contains(in_rows) && ran.stdout.contains(in_rows), "{ran:?}");
    // Users that are here share their email with themselves alone.
    assert!(!again.stdout.contains("was here before"), "{again:?}");
    assert!(!ran.stdout.contains('@'), "an address of a person is printed: {ran:?}");
    assert_eq!(service.user("old-1").await.identities.len(), 1);
    server.database.db_assert_invariants().await;
}
