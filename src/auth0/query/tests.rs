//! What a `q` means, and what is none.

use proptest::{prelude::*, sample::select};

use super::*;
use crate::store::Excluded;

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

#[test]
fn the_terms_of_linking_are_understood() {
    let ann = || UserSearch { email: Some(email("ann@example.com")), ..Default::default() };
    let id = |id: &str| UserId::parse(id).unwrap();
    let not = |excluded| UserSearch { excluded, ..ann() };
    let google = Provider::parse("google-oauth2");
    for (q, meant) in [
        (r#"email:"ann@example.com""#, ann()),
        ("  email: ann@example.com\t\n", ann()),
        (r#"email:"ann@example.com" AND email_verified:true"#, UserSearch { email_verified: Some(true), ..ann() }),
        (r#"email:"ann@example.com"AND email_verified: "false""#, UserSearch { email_verified: Some(false), ..ann() }),
        // As Auth0's own rule for linking has it.
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
        (
            r#"identities.provider:google-oauth2 AND identities.user_id:"a\"b\\c|d""#,
            UserSearch { provider: google.clone(), subject: Subject::parse(r#"a"b\c|d"#), ..Default::default() },
        ),
        (
            "-identities.provider:google-oauth2 -identities.user_id:1 -email:ben@example.com",
            UserSearch {
                excluded: Excluded {
                    providers: Vec::from_iter(google),
                    subjects: Vec::from_iter(Subject::parse("1")),
                    emails: vec![email("ben@example.com")],
                    ..Default::default()
                },
                ..Default::default()
            },
        ),
    ] {
        assert_eq!(parse(q), Ok(meant), "{q}");
    }
}

#[test]
fn emails_mean_the_same_however_they_are_spelled() {
    let search = parse(r#"email:"ANN@Bücher.example""#).unwrap();
    assert_eq!(search.email.unwrap().canonical(), "ann@xn--bcher-kva.example");
}

#[test]
fn what_can_be_nobodys_finds_nobody_and_excludes_nobody() {
    for q in [
        "email:ann",
        r#"email:"""#,
        r#"user_id:"a b""#,
        "identities.provider:Google",
        "identities.user_id:\"a\u{1}\"",
        "email:ann AND email_verified:true",
        "email_verified:true AND email:ann AND -user_id:a",
    ] {
        assert!(parse(q).unwrap().is_of_nobody, "{q}");
        if !q.contains("AND") {
            assert_eq!(parse(&format!("-{q}")), Ok(UserSearch::default()), "{q}");
        }
    }
}

#[test]
fn what_lucene_would_understand_otherwise_is_refused() {
    let long = format!("user_id:{}", "a".repeat(MAX_BYTES));
    let many = ["-user_id:a"; MAX_TERMS + 1].join(" ");
    for (q, wrong) in [
        ("", "q ends where a term is expected"),
        (" \t", "q ends where a term is expected"),
        ("-", "q ends where a term is expected"),
        ("NOT", "q ends where a term is expected"),
        ("user_id:a AND", "q ends where a term is expected"),
        ("user_id:a AND NOT ", "q ends where a term is expected"),
        ("user_id:a OR user_id:b", "q goes on with `OR user_id:b` where AND or its end is expected"),
        ("user_id:a email:b", "q goes on with `email:b` where AND or its end is expected"),
        (r#"user_id:"a"email:b"#, "q goes on with `email:b` where AND or its end is expected"),
        ("user_id:a and email:b", "q goes on with `and email:b` where AND or its end is expected"),
        ("user_id:a ANDemail:b", "q goes on with `ANDemail:b` where AND or its end is expected"),
        ("user_id:a AND-email:b", "q goes on with `AND-email:b` where AND or its end is expected"),
        ("user_id:a && email:b", "q goes on with `&& email:b` where AND or its end is expected"),
        (r#"user_id:"a"~2"#, "q goes on with `~2` where AND or its end is expected"),
        (r#"user_id:"a"^4"#, "q goes on with `^4` where AND or its end is expected"),
        (r#"user_id:"a"*"#, "q goes on with `*` where AND or its end is expected"),
        ("user_id:a !email:b", "q goes on with `!email:b` where AND or its end is expected"),
        ("user_id:a AND AND email:b", "q has `AND email:b` where a field and a colon are expected"),
        ("AND user_id:a", "q has `AND user_id:a` where a field and a colon are expected"),
        ("NOT -user_id:a", "q has `-user_id:a` where a field and a colon are expected"),
        ("--user_id:a", "q has `-user_id:a` where a field and a colon are expected"),
        ("- user_id:a", "q has ` user_id:a` where a field and a colon are expected"),
        ("+user_id:a", "q has `+user_id:a` where a field and a colon are expected"),
        ("user_id : a", "q has `user_id : a` where a field and a colon are expected"),
        ("ann", "q has `ann` where a field and a colon are expected"),
        (":ann", "q has `:ann` where a field and a colon are expected"),
        (r#""ann""#, r#"q has `"ann"` where a field and a colon are expected"#),
        ("*:*", "q has `*:*` where a field and a colon are expected"),
        ("(user_id:a)", "q has `(user_id:a)` where a field and a colon are expected"),
        ("user_id\u{a0}:\u{202e}", "q has `user_id?:?` where a field and a colon are expected"),
        ("name:ann", "q has the field `name`, which cannot be searched"),
        ("Email:ann", "q has the field `Email`, which cannot be searched"),
        ("email.raw:ann", "q has the field `email.raw`, which cannot be searched"),
        ("_exists_:email", "q has the field `_exists_`, which cannot be searched"),
        ("identities.connection:x", "q has the field `identities.connection`, which cannot be searched"),
        ("user_id:a AND user_id:a", "q asks for user_id twice"),
        ("email:ann AND email:ann@example.com", "q asks for email twice"),
        ("user_id:", "q has the value ``, which is neither quoted nor a plain word"),
        ("email:*", "q has the value `*`, which is neither quoted nor a plain word"),
        ("email:ann?", "q has the value `ann?`, which is neither quoted nor a plain word"),
        ("email:ann~", "q has the value `ann~`, which is neither quoted nor a plain word"),
        ("email:ann^2", "q has the value `ann^2`, which is neither quoted nor a plain word"),
        ("email:(a", "q has the value `(a`, which is neither quoted nor a plain word"),
        ("user_id:[a TO b]", "q has the value `[a`, which is neither quoted nor a plain word"),
        ("user_id:{a", "q has the value `{a`, which is neither quoted nor a plain word"),
        ("user_id:>a", "q has the value `>a`, which is neither quoted nor a plain word"),
        ("user_id:-a", "q has the value `-a`, which is neither quoted nor a plain word"),
        ("user_id:/a/", "q has the value `/a/`, which is neither quoted nor a plain word"),
        (r"user_id:a\ b", r"q has the value `a\`, which is neither quoted nor a plain word"),
        (r#"user_id:a"b""#, r#"q has the value `a"b"`, which is neither quoted nor a plain word"#),
        ("user_id:a||b", "q has the value `a||b`, which is neither quoted nor a plain word"),
        ("user_id:AND", "q has the value `AND`, which is neither quoted nor a plain word"),
        ("user_id:a\u{a0}b", "q has the value `a?b`, which is neither quoted nor a plain word"),
        (r#"user_id:"a"#, "q has a quote that is not closed"),
        (r#"user_id:"a\""#, "q has a quote that is not closed"),
        (r#"user_id:"a\b""#, r"q has a \ in quotes that stands before neither a quote nor a \"),
        (r#"user_id:"a\"#, r"q has a \ in quotes that stands before neither a quote nor a \"),
        ("email_verified:yes", "email_verified in q is neither true nor false"),
        ("email_verified:True", "email_verified in q is neither true nor false"),
        (r#"-email_verified:"""#, "email_verified in q is neither true nor false"),
        (&long, "q is longer than 1024 bytes"),
        (&many, "q has more than 16 terms"),
    ] {
        assert_eq!(parse(q), Err(format!("{wrong}; {SUPPORTED}")), "{q}");
    }
}

#[test]
fn the_bounds_are_inclusive() {
    let longest = format!("user_id:\"{}\"", "a".repeat(MAX_BYTES - r#"user_id:"""#.len()));
    assert!(parse(&longest).unwrap().is_of_nobody);
    let most = ["-user_id:a"; MAX_TERMS].join(" ");
    assert_eq!(parse(&most).unwrap().excluded.user_ids.len(), MAX_TERMS);
}

/// A field and a value of it, with the value as it can stand without quotes.
fn term() -> impl Strategy<Value = (Field, String)> {
    let of = |field: Field, form: &'static str| form.prop_map(move |value| (field, value));
    prop_oneof![
        of(Field::Email, "[a-zA-Z.+é\u{301}]{0,6}(@[a-z]{1,5}\\.com)?"),
        of(Field::EmailVerified, "true|false"),
        of(Field::UserId, "[a-z0-9|:\"\\\\ (*-]{0,12}"),
        of(Field::Provider, "[a-z][a-z0-9-]{0,8}|[A-Z ]{1,3}"),
        of(Field::Subject, "\\PC{0,12}"),
    ]
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        terms in prop::collection::vec((term(), any::<bool>(), any::<bool>(), select(&["", " ", "\t\n "][..])), 1..=16),
        joins in prop::collection::vec(select(&[" AND -", " -", " AND NOT ", " NOT ", "  AND  -"][..]), 16),
    ) {
        let mut q = String::new();
        let mut meant = UserSearch::default();
        let mut demanded = Vec::new();
        for (((field, value), is_excluded, is_bare, space), join) in terms.into_iter().zip(joins) {
            // What is demanded is demanded once.
            let is_excluded = is_excluded || demanded.contains(&field);
            q.push_str(match (is_excluded, q.is_empty()) {
                (true, true) => "-",
                (true, false) => join,
                (false, true) => "",
                (false, false) => " AND ",
            });
            let written = if is_bare && is_plain(&value) { value.clone() } else { quoted(&value) };
            q.push_str(&format!("{}:{space}{written}{space}", field.name()));
            if is_excluded {
                let not = &mut meant.excluded;
                match field {
                    Field::Email => not.emails.extend(Email::parse(&value)),
                    Field::EmailVerified => not.email_verified.push(value == "true"),
                    Field::UserId => not.user_ids.extend(UserId::parse(&value)),
                    Field::Provider => not.providers.extend(Provider::parse(&value)),
                    Field::Subject => not.subjects.extend(Subject::parse(&value)),
                }
            } else {
                demanded.push(field);
                meant.is_of_nobody |= match field {
                    Field::Email => { meant.email = Email::parse(&value).ok(); meant.email.is_none() }
                    Field::EmailVerified => { meant.email_verified = Some(value == "true"); false }
                    Field::UserId => { meant.user_id = UserId::parse(&value); meant.user_id.is_none() }
                    Field::Provider => { meant.provider = Provider::parse(&value); meant.provider.is_none() }
                    Field::Subject => { meant.subject = Subject::parse(&value); meant.subject.is_none() }
                };
            }
        }
        prop_assume!(q.len() <= MAX_BYTES);
        prop_assert_eq!(parse(&q), Ok(meant), "{}", q);
    }

    #[test]
    fn any_text_is_understood_or_refused_in_one_short_sentence(
        q in prop_oneof![
            ".{0,60}",
            prop::collection::vec(
                select(&["email:", "user_id:", "identities.provider:", "email_verified:", "\"", "\\", "a", "true", "AND",
                    "NOT", "OR", "-", " ", "(", "*", "é", "|", "ann@example.com"][..]),
                0..24,
            ).prop_map(|parts| parts.concat()),
        ],
    ) {
        if let Err(wrong) = parse(&q) {
            prop_assert!(wrong.ends_with(SUPPORTED) && wrong.chars().count() <= SUPPORTED.chars().count() + 120);
            prop_assert!(!wrong.contains(char::is_control));
        }
    }
}
