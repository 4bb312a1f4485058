//! It is recorded who looked at which user.

use std::process::Command;

use rustix::process::Signal;

use super::*;
use crate::support::child::{Ran, Running, binary, config_file, run_command, temp_dir};

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

/// `looks` on this database, of the first tenant.
fn looks(database: &Database, arguments: &[&str]) -> Command {
    let file = config_file(database, |toml| toml);
    let config = ["looks", "--config", file.to_str().unwrap(), "--tenant", "default"];
    binary(&[&config, arguments].concat())
}

/// The lines that `looks` writes.
fn written(database: &Database, arguments: &[&str]) -> Vec<Value> {
    let Ran { code, stdout, stderr } = run_command(looks(database, arguments));
    assert_eq!(code, Some(0), "{stderr}");
    let lines: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(stderr, format!("default: wrote {} looks", lines.len()));
    lines
}

/// The ids of lines, in their order.
fn ids(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["id"].as_str().unwrap()).collect()
}

/// A115: by ids alone, in a private file, and without a user that was deleted.
#[tokio::test]
async fn the_looks_are_written_as_lines() {
    let console = Console::start().await;
    let (service, database) = (console.server.service(), &console.server.database);
    let ann = service.create("github", "ann").await.id;
    let ben = service.create("github", "ben").await.id;
    let (mut viewer, _) = console.signed_in(&["helpdesk"]).await;
    let hidden = console.open(&mut viewer, &path(&ann)).await;
    viewer.submit_to(&hidden, "/users", &[("reason", "Ticket \"9\"")]).await.page();
    console.provider.person({
        let mut dora = staff(&["agents"]);
        dora["sub"] = json!("dora");
        dora
    });
    let mut support = browser();
    console.sign_in(&mut support, &path(&ben)).await;

    let all = written(database, &[]);

    let issuer = &console.provider.issuer;
    let mut expected = vec![
        json!({"subject": "carol", "role": "viewer", "page": "user", "user_id": ann}),
        json!({"subject": "carol", "role": "viewer", "page": "user", "user_id": ann, "reason": "Ticket \"9\""}),
        json!({"subject": "carol", "role": "viewer", "page": "user", "user_id": ann}),
        json!({"subject": "dora", "role": "support", "page": "user", "user_id": ben}),
    ];
    for (line, expected) in all.iter().zip(&mut expected) {
        expected["issuer"] = json!(issuer);
        for key in ["id", "look_time"] {
            expected[key] = line[key].clone();
        }
    }
    assert_eq!(all, expected);
    let times = "SELECT to_char(look_time AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') \
        FROM console_looks ORDER BY look_time";
    let times = database.db_texts(times).await;
    assert_eq!(
        all.iter().map(|line| line["look_time"].as_str().unwrap()).collect::<Vec<_>>(),
        times
    );

    // Each filter, and all together. The time is from the first one on, and before the second one.
    let [_, second, third, fourth] = &times[..] else { panic!("{times:?}") };
    for (arguments, expected) in [
        (&["--user", &*ann][..], &all[..3]),
        (&["--user", &ben], &all[3..]),
        (&["--user", "missing"], &[]),
        (&["--staff", "dora"], &all[3..]),
        (&["--staff", "dor"], &[]),
        (&["--since", second, "--until", fourth], &all[1..3]),
        (&["--user", &ann, "--staff", "carol", "--since", second, "--until", third], &all[1..2]),
        (&["--user", &ann, "--staff", "dora"], &[]),
    ] {
        assert_eq!(written(database, arguments), expected, "{arguments:?}");
    }

    // Nothing of a deletion leads back to the user.
    service.delete(&ann).await;
    let left = written(database, &[]);
    assert_eq!(ids(&left), ids(&all));
    assert!(left[..3].iter().all(|line| line.get("user_id").or(line.get("reason")).is_none()));
    assert_eq!(written(database, &["--user", &ann]), [Value::Null; 0]);

    // A file is private, and is not overwritten.
    let file = temp_dir("looks").join("looks.ndjson");
    let to_file = ["--output", file.to_str().unwrap()];
    assert_eq!(run_command(looks(database, &to_file)).stdout, "");
    let again = run_command(looks(database, &to_file));
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("exists, and is not overwritten"), "{}", again.stderr);
    let lines = std::fs::read_to_string(&file).unwrap();
    assert_eq!(lines.lines().count(), 4);
}

/// Looks at the same moment, more than a page of them, and a staff member whose looks are few.
#[tokio::test]
async fn each_look_is_written_once_in_order_however_many_there_are() {
    let database = cluster().db_migrated().await;
    database
        .db_execute(
            "INSERT INTO console_looks (tenant_id, id, look_time, expire_time, session_hash, issuer, subject, role, page, user_id) \
             SELECT tenant, gen_random_uuid(), timestamptz '2026-01-01' + n / 700 * interval '1 second', now(), 's', 'i', \
               CASE n % 999 WHEN 0 THEN 'rare' ELSE 'often' END, 'viewer', 'user', 'u' || n % 2 \
             FROM generate_series(0, 3999) n, unnest(ARRAY['default', 'other']) tenant",
        )
        .await;
    let expected = async |filter: &str| {
        let ids = format!(
            "SELECT id::text FROM console_looks WHERE tenant_id = 'default' AND {filter} ORDER BY look_time, id"
        );
        database.db_texts(&ids).await
    };

    for (arguments, filter, count) in [
        (&[][..], "true", 4000),
        (&["--staff", "rare"], "subject = 'rare'", 5),
        (&["--user", "u1"], "user_id = 'u1'", 2000),
        (&["--user", "u0", "--staff", "rare"], "user_id = 'u0' AND subject = 'rare'", 3),
        (&["--since", "2026-01-01T00:00:02Z"], "look_time >= '2026-01-01T00:00:02Z'", 2600),
    ] {
        let lines = written(&database, arguments);
        assert_eq!(ids(&lines), expected(filter).await, "{arguments:?}");
        assert_eq!(lines.len(), count, "{arguments:?}");
    }
}

#[tokio::test]
async fn what_the_command_cannot_do_is_said() {
    let database = cluster().db_migrated().await;
    let refused = |arguments: &[&str]| {
        let Ran { code, stdout, stderr } = run_command(looks(&database, arguments));
        assert_eq!(stdout, "");
        format!("{} {stderr}", code.unwrap())
    };

    let times = ["--since", "2026-01-02T00:00:00Z", "--until", "2026-01-02T00:00:00Z"];
    assert_eq!(refused(&times), "64 identity-link: --until: must be after --since");
    assert_eq!(
        refused(&["--user", "a b"]),
        "64 identity-link: --user: must be 1 to 255 printable ASCII characters without spaces"
    );
    assert!(refused(&["--staff", ""]).starts_with("2 "));
    assert!(refused(&["--since", "yesterday"]).starts_with("2 "));
    assert!(refused(&["--email", "ann@example.com"]).starts_with("2 "));

    let held = database.db_hold_table("console_looks").await;
    let running = Running::start(looks(&database, &[]));
    database.db_until_waiting(1).await;
    running.signal(Signal::INT);
    // It does not wait for the database.
    let stderr = "identity-link: stopped before the end: stdout is not complete".to_owned();
    assert_eq!(running.finish(), Ran { code: Some(130), stdout: String::new(), stderr });
    held.db_release().await;
}
