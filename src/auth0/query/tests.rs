//! What a `q` means, and which texts are refused.

mod refused;

use super::*;
use crate::store::Excluded;

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn id(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

fn prefix(text: &str) -> EmailPrefix {
    EmailPrefix::parse(text).unwrap()
}

/// The users that this key finds.
fn by(key: Key) -> UserSearch {
    UserSearch { keys: vec![key], ..Default::default() }
}

fn emails<const N: usize>(texts: [&str; N]) -> Key {
    Key { emails: texts.map(email).to_vec(), ..Default::default() }
}

fn ids<const N: usize>(texts: [&str; N]) -> Key {
    Key { user_ids: texts.map(id).to_vec(), ..Default::default() }
}

#[test]
fn the_terms_of_linking_are_understood() {
    let ann = || by(emails(["ann@example.com"]));
    let not = |excluded| UserSearch { excluded, ..ann() };
    for (q, meant) in [
        (r#"email:"ann@example.com""#, ann()),
        ("  email: ann@example.com\t\n", ann()),
        (
            r#"email:"ann@example.com" AND email_verified:true"#,
            UserSearch { email_verified: Some(true), ..ann() },
        ),
        (
            r#"email:"ann@example.com"AND email_verified: "false""#,
            UserSearch { email_verified: Some(false), ..ann() },
        ),
        // From Auth0's own rule for linking.
        (
            r#"email:"ann@example.com" AND email_verified: "true" -user_id:"auth0|1""#,
            UserSearch {
                email_verified: Some(true),
                ..not(Excluded { user_ids: vec![id("auth0|1")], ..Default::default() })
            },
        ),
        (
            "email:ann@example.com NOT user_id:a AND -user_id:b AND NOT user_id:a",
            not(Excluded { user_ids: vec![id("a"), id("b"), id("a")], ..Default::default() }),
        ),
        (
            r#"-user_id:"a b" AND -email:ann AND -email_verified:true AND email:ann@example.com"#,
            not(Excluded { email_verified: vec![true], ..Default::default() }),
        ),
    ] {
        assert_eq!(parse(q), Ok(meant), "{q}");
    }
}

#[test]
fn the_terms_of_identities_are_understood() {
    let google = Provider::parse("google-oauth2");
    for (q, meant) in [
        (
            r#"identities.provider:google-oauth2 AND identities.user_id:"a\"b\\c|d" AND identities.connection:x"#,
            UserSearch {
                provider: google.clone(),
                subject: Subject::parse(r#"a"b\c|d"#),
                connection: Some("x".to_owned()),
                ..Default::default()
            },
        ),
        (
            "-identities.provider:google-oauth2 -identities.user_id:1 -email:ben@example.com -connection:\"my db\" \
                -email.raw:Ben@example.com",
            UserSearch {
                excluded: Excluded {
                    providers: Vec::from_iter(google),
                    subjects: Vec::from_iter(Subject::parse("1")),
                    emails: vec![email("ben@example.com")],
                    exact_emails: vec![email("Ben@example.com")],
                    connections: vec!["my db".to_owned()],
                    ..Default::default()
                },
                ..Default::default()
            },
        ),
        // The names of Auth0's older engine.
        (
            r#"email.raw:"Ann@example.com" AND identities.connection.raw:"x""#,
            UserSearch {
                connection: Some("x".to_owned()),
                ..by(Key { exact_emails: vec![email("Ann@example.com")], ..Default::default() })
            },
        ),
    ] {
        assert_eq!(parse(q), Ok(meant), "{q}");
    }
}

#[test]
fn terms_joined_by_or_find_the_users_of_either() {
    let two = || by(emails(["a@example.com", "b@example.com"]));
    let mixed = by(Key {
        email_prefixes: vec![prefix("jan")],
        user_ids: vec![id("x")],
        ..emails(["a@example.com"])
    });
    let not = |excluded| UserSearch { excluded, ..two() };
    let not_x = || Excluded { user_ids: vec![id("x")], ..Default::default() };
    for (q, meant) in [
        ("email:a@example.com OR email:b@example.com", two()),
        (r#"email:("a@example.com" OR "b@example.com")"#, two()),
        ("email: ( a@example.com OR b@example.com ) ", two()),
        ("( email:a@example.com OR email:b@example.com )", two()),
        ("(email:(a@example.com OR b@example.com))", two()),
        ("(email:a@example.com) OR (email:b@example.com)", two()),
        ("email:a@example.com OR user_id:x OR email:JAN*", mixed.clone()),
        ("email:(a@example.com OR Jan*) OR user_id:x", mixed),
        ("(email:a@example.com OR email:b@example.com) AND email_verified:true", {
            UserSearch { email_verified: Some(true), ..two() }
        }),
        ("email:(a@example.com OR b@example.com) -user_id:x", not(not_x())),
        ("-user_id:x AND (email:a@example.com OR email:b@example.com)", not(not_x())),
        ("email:(a@example.com OR b@example.com) NOT user_id:(x OR y)", {
            not(Excluded { user_ids: vec![id("x"), id("y")], ..Default::default() })
        }),
        ("email:(a@example.com OR b@example.com) -(user_id:x OR email_verified:false)", {
            not(Excluded { email_verified: vec![false], ..not_x() })
        }),
        ("user_id:(x OR y) AND email:(a@example.com OR b@example.com) AND user_id:x", {
            let keys =
                vec![ids(["x", "y"]), emails(["a@example.com", "b@example.com"]), ids(["x"])];
            UserSearch { keys, ..Default::default() }
        }),
        // A value that no user can have is no alternative.
        ("email:(a@example.com OR b@example.com OR c)", two()),
        (
            "email:jane@exa*",
            by(Key { email_prefixes: vec![prefix("jane@exa")], ..Default::default() }),
        ),
    ] {
        assert_eq!(parse(q), Ok(meant), "{q}");
    }
    assert!(parse("email:(a OR b) OR user_id:\"a b\"").unwrap().matches_no_user);
}

#[test]
fn emails_mean_the_same_however_they_are_spelled() {
    let search = parse(r#"email:"ANN@Bücher.example""#).unwrap();
    assert_eq!(search.keys[0].emails[0].canonical(), "ann@xn--bcher-kva.example");
}

#[test]
fn a_value_that_no_user_can_have_finds_and_excludes_no_user() {
    for q in [
        "email:ann",
        r#"email:"""#,
        r#"user_id:"a b""#,
        "identities.provider:Google",
        "identities.user_id:\"a\u{1}\"",
        "email:ann AND email_verified:true",
        "email_verified:true AND email:ann AND -user_id:a",
    ] {
        assert!(parse(q).unwrap().matches_no_user, "{q}");
        if !q.contains("AND") {
            assert_eq!(parse(&format!("-{q}")), Ok(UserSearch::default()), "{q}");
        }
    }
}

#[test]
fn the_bounds_are_inclusive() {
    let longest = format!("user_id:\"{}\"", "a".repeat(MAX_BYTES - r#"user_id:"""#.len()));
    assert!(parse(&longest).unwrap().matches_no_user);
    let most = ["-user_id:a"; MAX_TERMS].join(" ");
    assert_eq!(parse(&most).unwrap().excluded.user_ids.len(), MAX_TERMS);
}

#[test]
fn a_prefix_within_another_one_and_a_key_that_occurs_twice_cost_nothing() {
    let of = |texts: &[&str]| Key {
        email_prefixes: texts.iter().copied().map(prefix).collect(),
        ..Key::default()
    };
    for (q, keys) in [
        ("email:(jan* OR jane* OR JAN*)", vec![of(&["jan"])]),
        ("email:(jane* OR bob* OR jan*)", vec![of(&["bob", "jan"])]),
        ("email:(jan* OR bob*) AND email:(jan* OR bob*)", vec![of(&["jan", "bob"])]),
    ] {
        assert_eq!(parse(q).map(|search| search.keys), Ok(keys), "{q}");
    }
}
