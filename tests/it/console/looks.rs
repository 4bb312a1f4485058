//! It is recorded who looked at which user.

use super::*;

/// The looks so far, the oldest first.
const LOOKS: &str = "SELECT concat_ws(' ', subject, role, page, coalesce(user_id, '-'), coalesce(reason, '-')) \
    FROM console_looks ORDER BY look_time, page, user_id";

/// A105: also a search, and whether a reason was given.
#[tokio::test]
async fn each_page_of_a_user_is_recorded_with_the_reason() {
    let console = Console::start().await;
    let service = console.server.service();
    let ann = service.create("github", "ann").await.id;
    let (mut browser, page) = console.signed_in(&["helpdesk"]).await;
    find(&mut browser, &page, "missing").await;
    console.open(&mut browser, "/users/default/missing").await;
    assert_eq!(console.server.database.db_texts(LOOKS).await, [""; 0]);

    find(&mut browser, &page, &ann).await;
    let hidden = console.open(&mut browser, &format!("/users/default/{ann}")).await;
    browser.submit_to(&hidden, "/users", &[("reason", "Ticket 9")]).await.page();

    let expected = [
        format!("carol viewer find {ann} -"),
        format!("carol viewer user {ann} -"),
        format!("carol viewer user {ann} Ticket 9"),
        format!("carol viewer user {ann} -"),
    ];
    assert_eq!(console.server.database.db_texts(LOOKS).await, expected);
    let kept = "SELECT DISTINCT (expire_time - look_time)::text FROM console_looks";
    assert_eq!(console.server.database.db_texts(kept).await, ["365 days"]);
}

#[tokio::test]
async fn the_deletion_of_a_user_leaves_no_name_of_it() {
    let console = Console::start().await;
    let service = console.server.service();
    let ann = service.create("github", "ann").await.id;
    let (mut browser, _) = console.signed_in(&["helpdesk"]).await;
    let hidden = console.open(&mut browser, &format!("/users/default/{ann}")).await;
    browser.submit_to(&hidden, "/users", &[("reason", "Ann wrote")]).await.page();

    service.delete(&ann).await;

    let left = console.server.database.db_texts(LOOKS).await;
    assert_eq!(left, ["carol viewer user - -"; 3]);
}

#[tokio::test]
async fn what_has_expired_of_the_console_is_removed() {
    let console = Console::start_with("keep_looks = \"1d\"\n").await;
    let ann = console.server.service().create("github", "ann").await.id;
    let (mut browser, _) = console.signed_in(&["agents"]).await;
    console.open(&mut browser, &format!("/users/default/{ann}")).await;
    Browser::new(&format!("{}/callback", console.url))
        .open(&format!("{}/sign-in/start", console.url))
        .await
        .back();
    let database = &console.server.database;
    let rows = "SELECT concat((SELECT count(*) FROM console_looks), ' ', (SELECT count(*) FROM console_sessions), ' ', \
        (SELECT count(*) FROM console_attempts))";
    assert_eq!(database.db_texts(rows).await, ["1 1 1"]);
    let kept = "SELECT DISTINCT (expire_time - look_time)::text FROM console_looks";
    assert_eq!(database.db_texts(kept).await, ["1 day"]);

    let left = crate::purge::purged(database);
    assert!(left.contains("0 expired rows of the console"), "{left}");
    for table in ["console_looks", "console_sessions", "console_attempts"] {
        database.db_execute(&format!("UPDATE {table} SET expire_time = now()")).await;
    }
    let removed = crate::purge::purged(database);

    assert!(removed.contains("3 expired rows of the console"), "{removed}");
    assert_eq!(database.db_texts(rows).await, ["0 0 0"]);
}
