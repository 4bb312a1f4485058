//! What the commands show: the same on both ways.

use serde_json::{Value, json};

use super::{Desk, WAYS, Way, settled};
use crate::support::{link_user, tokens::Token};

/// The users that a search prints as JSON.
fn found(printed: &str) -> Vec<String> {
    let ids = printed.lines().map(|line| {
        let user: Value = serde_json::from_str(line).unwrap();
        user["id"].as_str().unwrap().to_owned()
    });
    ids.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_finds_users_by_what_is_at_hand() {
    let desk = Desk::start("find").await;
    desk.two().await;
    desk.create("google-oauth2", "bob", "Ann@Example.com", false).await;
    let service = desk.server.service();
    let linked = service.link(link_user("github|ann", "sms|+15550100")).await.unwrap();
    let link = linked.link.unwrap().id;
    let (ann, bob) = ("github|ann".to_owned(), "google-oauth2|bob".to_owned());
    for way in WAYS {
        for (what, users) in [
            ("ann@example.com", vec![ann.clone(), bob.clone()]),
            ("+15550100", vec![ann.clone()]),
            ("sms|+15550100", vec![ann.clone()]),
            ("github|ann", vec![ann.clone()]),
        ] {
            let printed = desk.says(way, &["find", "--output", "json", what]);
            assert_eq!(found(&printed), users, "{way:?} {what}");
        }
        let printed = desk.says(way, &["find", "--output", "json", &link]);
        let record: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!((&record["id"], &record["primaryUserId"]), (&json!(link), &json!(ann)));

        for what in ["absent@example.com", "github|absent", "+49", "x", "not an id\u{7}"] {
            let ran = desk.run(way, &["find", what]);
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{what}");
            assert_eq!(
                ran.stderr,
                "identity-link: nothing was found: no user has this email, account or id, and no link has this id"
            );
        }
        let ran = desk.run(way, &["find", "githb|ann"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
        let hint = "; this tenant declares no provider githb: check its name";
        assert!(ran.stderr.ends_with(hint), "{}", ran.stderr);
    }
    insta::assert_snapshot!(settled(&desk.says(Way::Server, &["find", "ann@example.com"])), @"
        USER      github|ann
        FOUND BY  verified email
        ACCOUNTS  github|ann ann@example.com (verified), sms|+15550100
        BLOCKED   no

        USER      google-oauth2|bob
        FOUND BY  unverified email
        ACCOUNTS  google-oauth2|bob Ann@Example.com (not verified)
        BLOCKED   no
    ");
    insta::assert_snapshot!(settled(&desk.says(Way::Server, &["find", &link])), @"
        LINK      00000000-0000-0000-0000-000000000000
        MADE      2026-12-01T00:00:00Z
        BY        service backend https://services.example.com
        ON        the word of the service
        USER      github|ann
        ABSORBED  sms|+15550100
        ACCOUNTS  sms|+15550100
    ");
}

/// A token that may only read finds links too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_reads_finds_a_link() {
    let desk = Desk::start("find_link").await;
    desk.two().await;
    let linked = desk.server.service().link(link_user("github|ann", "sms|+15550100")).await;
    let link = linked.unwrap().link.unwrap().id;
    std::fs::write(&desk.token, Token::of("services", "desk").scope("read:users").sign()).unwrap();
    let printed = desk.says(Way::Server, &["find", "--output", "json", &link]);
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap()["id"], json!(link));
}

/// Each command prints the same of a server and of its database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ways_show_the_same() {
    let desk = Desk::start("same").await;
    desk.two().await;
    desk.server.service().link(link_user("github|ann", "sms|+15550100")).await.unwrap();
    let mut tables = Vec::new();
    for arguments in [
        &["user", "github|ann"][..],
        &["user", "sms|+15550100"],
        &["links", "github|ann"],
        &["links"],
        &["links", "--standing", "--since", "2020-01-01T00:00:00Z"],
        &["links", "--until", "2020-01-01T00:00:00Z"],
        &["resolve", "sms|+15550100", "github|ann", "absent"],
    ] {
        for output in ["table", "json"] {
            let arguments = [arguments, &["--output", output]].concat();
            let [by_server, by_database] = WAYS.map(|way| desk.says(way, &arguments));
            assert_eq!(by_server, by_database, "{arguments:?}");
            if output == "table" {
                tables.push(format!("{}:\n{by_server}", arguments.join(" ")));
            } else {
                for line in by_server.lines() {
                    serde_json::from_str::<Value>(line).unwrap();
                }
            }
        }
    }
    let tables = settled(&tables.join("\n\n"));
    for line in tables.lines() {
        assert!(line.len() <= 100, "{line}");
    }
    insta::assert_snapshot!(tables, @"
        user github|ann --output table:
        user       github|ann
        version    2
        created    2026-12-01T00:00:00Z
        changed    2026-12-01T00:00:00Z
        blocked    no

        ACCOUNT        EMAIL                       SINCE                 FROM USER
        github|ann     ann@example.com (verified)  2026-12-01T00:00:00Z
        sms|+15550100                              2026-12-01T00:00:00Z  sms|+15550100

        user sms|+15550100 --output table:
        user       github|ann
        version    2
        created    2026-12-01T00:00:00Z
        changed    2026-12-01T00:00:00Z
        blocked    no

        ACCOUNT        EMAIL                       SINCE                 FROM USER
        github|ann     ann@example.com (verified)  2026-12-01T00:00:00Z
        sms|+15550100                              2026-12-01T00:00:00Z  sms|+15550100

        links github|ann --output table:
        LINK      00000000-0000-0000-0000-000000000000
        MADE      2026-12-01T00:00:00Z
        BY        service backend https://services.example.com
        ON        the word of the service
        USER      github|ann
        ABSORBED  sms|+15550100
        ACCOUNTS  sms|+15550100

        links --output table:
        LINK      00000000-0000-0000-0000-000000000000
        MADE      2026-12-01T00:00:00Z
        BY        service backend https://services.example.com
        ON        the word of the service
        USER      github|ann
        ABSORBED  sms|+15550100
        ACCOUNTS  sms|+15550100

        links --standing --since 2026-12-01T00:00:00Z --output table:
        LINK      00000000-0000-0000-0000-000000000000
        MADE      2026-12-01T00:00:00Z
        BY        service backend https://services.example.com
        ON        the word of the service
        USER      github|ann
        ABSORBED  sms|+15550100
        ACCOUNTS  sms|+15550100

        links --until 2026-12-01T00:00:00Z --output table:
        LINK  MADE  BY  ON  USER  ABSORBED  ACCOUNTS  UNDONE

        resolve sms|+15550100 github|ann absent --output table:
        ID     sms|+15550100
        STATE  absorbed
        USER   github|ann
        SINCE  2026-12-01T00:00:00Z
        LINK   00000000-0000-0000-0000-000000000000

        ID     github|ann
        STATE  current
        USER   github|ann
        SINCE  2026-12-01T00:00:00Z

        ID     absent
        STATE  unknown
    ");
}

/// `resolve` takes any number of ids, also from stdin, and prints one line for each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_are_read_from_stdin() {
    let desk = Desk::start("stdin").await;
    desk.two().await;
    for way in WAYS {
        let mut command = std::process::Command::new("sh");
        let program = desk.command(way, &["resolve", "--output", "json", "-"]);
        command.args(["-c", "yes github\\|ann | head -n 250 | \"$0\" \"$@\""]);
        command.arg(program.get_program()).args(program.get_args());
        let ran = crate::support::child::run_command(command);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        assert_eq!(ran.stdout.lines().count(), 250);
        let current = ran.stdout.lines().all(|line| line.contains("STATE_CURRENT"));
        assert!(current, "{}", ran.stdout);
    }
}

/// S22: no name and no value of a user rewrites what a terminal shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_user_has_cannot_rewrite_a_terminal() {
    const TRICK: &str = "\u{1b}[2J\u{9b}1A\u{7}\u{202e}x";
    let desk = Desk::start("tricks").await;
    let subject = "a\u{202e}b";
    let service = desk.server.service();
    let created = service.create_with("sms", subject, |request| {
        let mut metadata = prost_types::Struct::default();
        metadata.fields.insert(TRICK.to_owned(), prost_types::Value::from(TRICK));
        request.user_metadata = Some(metadata);
    });
    let id = created.await.id;
    let is_trick = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    for way in WAYS {
        for arguments in [
            &["user", &id][..],
            &["user", &id, "--output", "json"],
            &["find", &id],
            &["find", "sms|a\u{202e}b"],
        ] {
            let printed = desk.says(way, arguments);
            assert!(!printed.contains(is_trick), "{printed:?}");
        }
        let printed = desk.says(way, &["user", &id, "--output", "json"]);
        let user: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(user["userMetadata"][TRICK], TRICK);
        assert_eq!(user["identities"][0]["identityRef"]["subject"], subject);
        let shown = desk.says(way, &["find", &id]);
        assert!(shown.contains("sms|a\\u{202e}b"), "{shown}");
    }
}
