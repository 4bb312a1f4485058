//! Moves that are refused, and change nothing.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// P40: no file makes one account of two, whichever its rows are; it is refused as a whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_would_merge_or_mix_up_people_is_refused_as_a_whole() {
    let old = old_server().await;
    let service = old.service();
    for subject in ["ann", "ben", "cat"] {
        service.create("github", subject).await;
    }
    let gone = service.create("github", "gone").await.id;
    service.delete(&gone).await;
    let whole = old.database.db_everything().await;
    let desk = Desk::new(&old.database);
    let long = "x".repeat(256);
    let files: [(&[(&str, &str)], &str); 8] = [
        // Two that swap their names.
        (&[("ann", "ben"), ("ben", "ann"), ("cat", "c-3")], "REPEATED: 2 rows"),
        // A chain.
        (&[("ann", "ben"), ("ben", "b-2"), ("cat", "c-3")], "REPEATED: 2 rows"),
        // Two accounts with one new name.
        (&[("ann", "same"), ("ben", "same"), ("cat", "c-3")], "REPEATED: 2 rows"),
        // One account with two new names.
        (&[("ann", "a-1"), ("ann", "a-2"), ("ben", "b-2"), ("cat", "c-3")], "REPEATED: 2 rows"),
        // The name of an account that is not in the file.
        (&[("ann", "a-1"), ("ben", "cat")], "SUBJECT_TAKEN: 1 rows"),
        // The name of a deleted account.
        (&[("ann", "gone"), ("ben", "b-2"), ("cat", "c-3")], "DELETED: 1 rows"),
        // No names.
        (&[("ann", ""), ("ben", &long), ("cat", "c-3")], "INVALID: 2 rows"),
        // An account is not in the file.
        (&[("ann", "a-1"), ("ben", "b-2")], "accounts that are not in the file: 1."),
    ];
    for (at, (rows, expected)) in files.into_iter().enumerate() {
        desk.write_map(rows.iter().copied());
        let report = format!("report-{at}.ndjson");

        let ran = desk.move_it(&["--subjects", "map.csv", "--report", &report]);

        assert_eq!(ran.code, Some(3), "{rows:?}: {ran:?}");
        assert!(ran.stdout.starts_with("not moved: "), "{ran:?}");
        assert!(ran.stdout.contains(expected), "{ran:?}");
        let mode = fs::metadata(desk.path(&report)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(old.database.db_everything().await, whole, "{rows:?}");
    }
    // The names of a file without a header, and of one with another one.
    for text in ["ann,a-1\n", "from,to\nann,a-1\n"] {
        fs::write(desk.path("map.csv"), text).unwrap();
        assert_eq!(desk.move_it(&["--subjects", "map.csv"]).code, Some(3));
    }
    // Whatever is kept, a name that is another account's is refused.
    desk.write_map([("ann", "ben")]);
    assert_eq!(desk.move_it(&["--subjects", "map.csv", "--keep-unmapped"]).code, Some(3));
    assert_eq!(old.database.db_everything().await, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_needs_the_issuers_that_the_database_and_the_configuration_have() {
    let old = old_server().await;
    let whole = old.database.db_everything().await;
    let desk = Desk::new(&old.database);
    let text = |ran: Ran| format!("{} {}", ran.code.unwrap(), ran.stderr);
    let of = |from: &str, to: &str| text(run_command(desk.command_of("default", from, to, &[])));

    insta::assert_snapshot!(of("https://other.example.com", NEW), @"1 identity-link: the provider is pinned to https://github.example.com, and not to the issuer of --from-issuer");
    insta::assert_snapshot!(of(&iss("github"), "https://other.example.com"), @"64 identity-link: --to-issuer: the configuration has https://elsewhere.example.com: give it the new issuer first");
    insta::assert_snapshot!(of(NEW, NEW), @"64 identity-link: --to-issuer: must be another issuer than --from-issuer: a token from before would name another person");
    // P41: the configuration names the issuer for another tenant only.
    let other = text(run_command(desk.command_of("other", &iss("github"), NEW, &[])));
    insta::assert_snapshot!(other, @"64 identity-link: --provider: the configuration has no issuer for it in tenant other");
    // No server with this provider has started.
    let fresh = cluster().db_migrated().await;
    insta::assert_snapshot!(text(Desk::new(&fresh).move_it(&[])), @"1 identity-link: the provider has no issuer yet: no server with this provider has ever started");
    assert_eq!(old.database.db_everything().await, whole);
}
