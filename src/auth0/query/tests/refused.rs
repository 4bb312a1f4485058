//! Texts that are refused. Lucene would read many of them differently.

use super::*;

/// Each of these texts is refused, with this error.
fn refused(cases: &[(&str, &str)]) {
    for (q, wrong) in cases {
        assert_eq!(parse(q), Err(format!("{wrong}; {SUPPORTED}")), "{q}");
    }
}

#[test]
fn a_q_that_ends_early_or_is_too_long_is_refused() {
    let long = format!("user_id:{}", "a".repeat(MAX_BYTES));
    let many = ["-user_id:a"; MAX_TERMS + 1].join(" ");
    refused(&[
        ("", "ends where a term is expected"),
        (" \t", "ends where a term is expected"),
        ("-", "ends where a term is expected"),
        ("NOT", "ends where a term is expected"),
        ("user_id:a AND", "ends where a term is expected"),
        ("user_id:a AND NOT ", "ends where a term is expected"),
        ("user_id:a OR ", "ends where a term is expected"),
        (&long, "is longer than 4096 bytes"),
        (&many, "has more than 100 terms"),
    ]);
}

#[test]
fn or_joins_terms_that_an_index_covers_and_no_others() {
    refused(&[
        (
            "user_id:a AND user_id:b OR email:c",
            "joins terms by OR beside other terms: put the terms that OR joins in parentheses",
        ),
        (
            "user_id:a OR user_id:b AND email:c",
            "joins terms by OR beside other terms: put the terms that OR joins in parentheses",
        ),
        (
            "user_id:a OR user_id:b -email:c",
            "joins terms by OR beside other terms: put the terms that OR joins in parentheses",
        ),
        (
            "user_id:a OR NOT user_id:b",
            "joins terms by OR beside other terms: put the terms that OR joins in parentheses",
        ),
        (
            "-user_id:a OR user_id:b",
            "joins terms by OR beside other terms: put the terms that OR joins in parentheses",
        ),
        (
            "user_id:a OR (user_id:b AND email:c)",
            "continues with `AND email:c)` where OR or ) is expected",
        ),
        ("(user_id:a -email:b)", "continues with `-email:b)` where OR or ) is expected"),
        ("(user_id:a email:b)", "continues with `email:b)` where OR or ) is expected"),
        ("(user_id:a", "continues with `` where OR or ) is expected"),
        ("user_id:(a b)", "continues with `b)` where OR or ) is expected"),
        ("user_id:(a AND b)", "continues with `AND b)` where OR or ) is expected"),
        ("user_id:a OR email_verified:true", "has email_verified beside OR, which no index covers"),
        ("identities.user_id:(1 OR 2)", "has identities.user_id beside OR, which no index covers"),
        ("connection:(a OR b)", "has identities.connection beside OR, which no index covers"),
        ("email:(a", "continues with `` where OR or ) is expected"),
    ]);
}

#[test]
fn each_further_term_is_joined_or_separated() {
    refused(&[
        (
            "user_id:a or user_id:b",
            "continues with `or user_id:b` where AND, OR or the end is expected",
        ),
        (
            "user_id:a ORuser_id:b",
            "continues with `ORuser_id:b` where AND, OR or the end is expected",
        ),
        ("user_id:a)", "continues with `)` where AND, OR or the end is expected"),
        ("(user_id:a))", "continues with `)` where AND, OR or the end is expected"),
        ("(user_id:a)^2", "continues with `^2` where AND, OR or the end is expected"),
        (
            "(user_id:a)(user_id:b)",
            "continues with `(user_id:b)` where AND, OR or the end is expected",
        ),
        ("user_id:a email:b", "continues with `email:b` where AND, OR or the end is expected"),
        (r#"user_id:"a"email:b"#, "continues with `email:b` where AND, OR or the end is expected"),
        (
            "user_id:a and email:b",
            "continues with `and email:b` where AND, OR or the end is expected",
        ),
        (
            "user_id:a ANDemail:b",
            "continues with `ANDemail:b` where AND, OR or the end is expected",
        ),
        (
            "user_id:a AND-email:b",
            "continues with `AND-email:b` where AND, OR or the end is expected",
        ),
        (
            "user_id:a && email:b",
            "continues with `&& email:b` where AND, OR or the end is expected",
        ),
        (r#"user_id:"a"~2"#, "continues with `~2` where AND, OR or the end is expected"),
        (r#"user_id:"a"^4"#, "continues with `^4` where AND, OR or the end is expected"),
        (r#"user_id:"a"*"#, "continues with `*` where AND, OR or the end is expected"),
        ("user_id:a !email:b", "continues with `!email:b` where AND, OR or the end is expected"),
    ]);
}

#[test]
fn a_term_begins_with_a_known_field() {
    refused(&[
        ("(user_id:a OR -email:b)", "has `-email:b)` where a field and a colon are expected"),
        ("((user_id:a))", "has `(user_id:a))` where a field and a colon are expected"),
        ("OR user_id:a", "has `OR user_id:a` where a field and a colon are expected"),
        ("user_id:a OR OR user_id:b", "has `OR user_id:b` where a field and a colon are expected"),
        ("NOT(user_id:a)", "has `NOT(user_id:a)` where a field and a colon are expected"),
        ("()", "has `)` where a field and a colon are expected"),
        ("user_id:a AND AND email:b", "has `AND email:b` where a field and a colon are expected"),
        ("AND user_id:a", "has `AND user_id:a` where a field and a colon are expected"),
        ("NOT -user_id:a", "has `-user_id:a` where a field and a colon are expected"),
        ("--user_id:a", "has `-user_id:a` where a field and a colon are expected"),
        ("- user_id:a", "has ` user_id:a` where a field and a colon are expected"),
        ("+user_id:a", "has `+user_id:a` where a field and a colon are expected"),
        ("user_id : a", "has `user_id : a` where a field and a colon are expected"),
        ("ann", "has `ann` where a field and a colon are expected"),
        (":ann", "has `:ann` where a field and a colon are expected"),
        (r#""ann""#, r#"has `"ann"` where a field and a colon are expected"#),
        ("*:*", "has `*:*` where a field and a colon are expected"),
        ("user_id\u{a0}:\u{202e}", "has `user_id?:?` where a field and a colon are expected"),
        ("name:ann", "has the field `name`, which has no index"),
        ("Email:ann", "has the field `Email`, which has no index"),
        ("phone_number:1", "has the field `phone_number`, which has no index"),
        ("name.raw:ann", "has the field `name.raw`, which has no index"),
        ("user_id.raw:ann", "has the field `user_id.raw`, which has no index"),
        ("_exists_:email", "has the field `_exists_`, which has no index"),
        ("identities.isSocial:x", "has the field `identities.isSocial`, which has no index"),
        ("user_id:a AND user_id:a", "asks for user_id twice"),
        ("email:ann AND email:ann@example.com", "asks for email twice"),
    ]);
}

#[test]
fn a_value_is_quoted_or_a_plain_word() {
    refused(&[
        ("user_id:()", "has the value ``, which is neither quoted nor a plain word"),
        ("user_id:(a OR -b)", "has the value `-b`, which is neither quoted nor a plain word"),
        ("user_id:(a OR OR)", "has the value `OR`, which is neither quoted nor a plain word"),
        ("user_id:(a OR (b))", "has the value `(b`, which is neither quoted nor a plain word"),
        (
            "email:j*e@example.com",
            "has the value `j*e@example.com`, which is neither quoted nor a plain word",
        ),
        ("email:*jane", "has the value `*jane`, which is neither quoted nor a plain word"),
        ("email:jane**", "has the value `jane**`, which is neither quoted nor a plain word"),
        ("email:jan?*", "has the value `jan?*`, which is neither quoted nor a plain word"),
        ("user_id:", "has the value ``, which is neither quoted nor a plain word"),
        ("email:*", "has the value `*`, which is neither quoted nor a plain word"),
        ("email:ann?", "has the value `ann?`, which is neither quoted nor a plain word"),
        ("email:ann~", "has the value `ann~`, which is neither quoted nor a plain word"),
        ("email:ann^2", "has the value `ann^2`, which is neither quoted nor a plain word"),
        ("user_id:[a TO b]", "has the value `[a`, which is neither quoted nor a plain word"),
        ("user_id:{a", "has the value `{a`, which is neither quoted nor a plain word"),
        ("user_id:>a", "has the value `>a`, which is neither quoted nor a plain word"),
        ("user_id:-a", "has the value `-a`, which is neither quoted nor a plain word"),
        ("user_id:/a/", "has the value `/a/`, which is neither quoted nor a plain word"),
        (r"user_id:a\ b", r"has the value `a\`, which is neither quoted nor a plain word"),
        (r#"user_id:a"b""#, r#"has the value `a"b"`, which is neither quoted nor a plain word"#),
        ("user_id:a||b", "has the value `a||b`, which is neither quoted nor a plain word"),
        ("user_id:AND", "has the value `AND`, which is neither quoted nor a plain word"),
        ("user_id:a\u{a0}b", "has the value `a?b`, which is neither quoted nor a plain word"),
        (r#"user_id:"a"#, "has a quote that is not closed"),
        (r#"user_id:"a\""#, "has a quote that is not closed"),
        (r#"user_id:"a\b""#, r"has a \ in quotes before a character other than a quote or a \"),
        (r#"user_id:"a\"#, r"has a \ in quotes before a character other than a quote or a \"),
    ]);
}

#[test]
fn only_an_email_has_a_prefix_and_only_two_words_are_truth_values() {
    refused(&[
        ("email:ja*", "has a * after fewer than 3 ASCII characters"),
        ("email:jané*", "has a * after fewer than 3 ASCII characters"),
        (
            "user_id:auth0*",
            "has a * in user_id: only an email can be found by its beginning, and no excluded term has a *",
        ),
        (
            "user_id:x AND identities.provider:goo*",
            "has a * in identities.provider: only an email can be found by its beginning, and no excluded term has a *",
        ),
        (
            "email.raw:jane*",
            "has a * in email.raw: only an email can be found by its beginning, and no excluded term has a *",
        ),
        (
            "user_id:x -email:jane*",
            "has a * in email: only an email can be found by its beginning, and no excluded term has a *",
        ),
        ("email_verified:yes", "has an email_verified that is neither true nor false"),
        ("email_verified:True", "has an email_verified that is neither true nor false"),
        (r#"-email_verified:"""#, "has an email_verified that is neither true nor false"),
    ]);
}
