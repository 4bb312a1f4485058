//! Properties of each `q`.

use proptest::{prelude::*, sample::select};

use super::{parser::is_plain, *};
use crate::store::Excluded;

/// A field and a value of it.
fn term() -> impl Strategy<Value = Term> {
    let of = |field: Field, form: &'static str| {
        form.prop_map(move |value| Term { field, value: Value::Whole(value) })
    };
    prop_oneof![
        key_term(),
        of(Field::EmailVerified, "true|false"),
        of(Field::Provider, "[a-z][a-z0-9-]{0,8}|[A-Z ]{1,3}"),
        of(Field::Subject, "\\PC{0,12}"),
        of(Field::Connection, "[a-zA-Z -]{0,8}"),
    ]
}

/// A field that OR can join, and a value of it.
fn key_term() -> impl Strategy<Value = Term> {
    let of = |field: Field, form: &'static str| {
        form.prop_map(move |value| Term { field, value: Value::Whole(value) })
    };
    prop_oneof![
        of(Field::Email, "[a-zA-Z.+é\u{301}]{0,6}(@[a-z]{1,5}\\.com)?"),
        of(Field::RawEmail, "[a-zA-Z.+]{0,6}(@[a-z]{1,5}\\.com)?"),
        of(Field::UserId, "[a-z0-9|:\"\\\\ (*-]{0,12}"),
        "[a-zA-Z0-9.@+-]{2,8}[a-z]".prop_filter_map("plain", |text| {
            is_plain(&text).then_some(Term { field: Field::Email, value: Value::Prefix(text) })
        }),
    ]
}

/// Terms of which any one must be true, or none if they are excluded.
fn clause() -> impl Strategy<Value = (Vec<Term>, bool)> {
    let group = prop::collection::vec(key_term(), 2..5);
    (prop_oneof![term().prop_map(|term| vec![term]), group], any::<bool>())
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

fn written(value: &Value, is_bare: bool) -> String {
    match value {
        Value::Prefix(prefix) => format!("{prefix}*"),
        Value::Whole(value) if is_bare && is_plain(value) => value.clone(),
        Value::Whole(value) => quoted(value),
    }
}

/// Terms joined by OR; if `is_bare` and all have one field, by their values alone. Returns the text
/// and whether it needs no parentheses.
fn joined(terms: &[Term], is_bare: bool, space: &str) -> (String, bool) {
    let all: Vec<_> = terms.iter().map(|term| written(&term.value, is_bare)).collect();
    let name = terms[0].field.name();
    if is_bare && terms.len() > 1 && terms.iter().all(|term| term.field == terms[0].field) {
        return (format!("{name}:({space}{}{space})", all.join(" OR ")), true);
    }
    let all = terms
        .iter()
        .zip(&all)
        .map(|(term, value)| format!("{}:{space}{value}{space}", term.field.name()));
    (all.collect::<Vec<_>>().join(" OR "), terms.len() == 1)
}

/// Adds a clause to the expected search, with the simplest code.
fn mean(meant: &mut UserSearch, terms: &[Term], is_excluded: bool) {
    if is_excluded {
        terms.iter().for_each(|term| exclude(&mut meant.excluded, term));
        return;
    }
    let (mut key, mut can_be) = (Key::default(), false);
    for term in terms {
        can_be |= demand(meant, &mut key, term);
    }
    // No prefix within another one, and no key twice.
    let prefixes = key.email_prefixes;
    let is_within_another = |(at, prefix): (usize, &EmailPrefix)| {
        prefixes
            .iter()
            .enumerate()
            .any(|(other, wider)| wider.includes(prefix) && (wider != prefix || other < at))
    };
    let outermost = prefixes.iter().enumerate().filter(|each| !is_within_another(*each));
    key.email_prefixes = outermost.map(|(_, prefix)| prefix.clone()).collect();
    let is_new = key != Key::default() && !meant.keys.contains(&key);
    meant.keys.extend(is_new.then_some(key));
    meant.matches_no_user |= !can_be;
}

/// Adds a demanded term. Returns whether a user can fulfil it.
fn demand(meant: &mut UserSearch, key: &mut Key, Term { field, value }: &Term) -> bool {
    let text = match value {
        Value::Whole(text) => text,
        Value::Prefix(text) => {
            assert_eq!(*field, Field::Email);
            key.email_prefixes.extend(EmailPrefix::parse(text));
            return true;
        }
    };
    match field {
        Field::Email => {
            key.emails.extend(Email::parse(text));
            Email::parse(text).is_ok()
        }
        Field::RawEmail => {
            key.exact_emails.extend(Email::parse(text));
            Email::parse(text).is_ok()
        }
        Field::UserId => {
            key.user_ids.extend(UserId::parse(text));
            UserId::parse(text).is_some()
        }
        Field::EmailVerified => {
            meant.email_verified = Some(text == "true");
            true
        }
        Field::Provider => {
            meant.provider = Provider::parse(text);
            meant.provider.is_some()
        }
        Field::Subject => {
            meant.subject = Subject::parse(text);
            meant.subject.is_some()
        }
        Field::Connection => {
            meant.connection = connection(text.to_owned());
            meant.connection.is_some()
        }
    }
}

/// Adds an excluded term.
fn exclude(not: &mut Excluded, Term { field, value }: &Term) {
    let (Value::Whole(text) | Value::Prefix(text)) = value;
    match field {
        Field::Email => not.emails.extend(Email::parse(text)),
        Field::RawEmail => not.exact_emails.extend(Email::parse(text)),
        Field::UserId => not.user_ids.extend(UserId::parse(text)),
        Field::EmailVerified => not.email_verified.push(text == "true"),
        Field::Provider => not.providers.extend(Provider::parse(text)),
        Field::Subject => not.subjects.extend(Subject::parse(text)),
        Field::Connection => not.connections.extend(connection(text.to_owned())),
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        clauses in prop::collection::vec((clause(), any::<bool>(), select(&["", " ", "\t\n "][..])), 1..=12),
        joins in prop::collection::vec(select(&[" AND -", " -", " AND NOT ", " NOT ", "  AND  -"][..]), 12),
    ) {
        let mut q = String::new();
        let mut meant = UserSearch::default();
        let mut demanded = Vec::new();
        let is_alone = clauses.len() == 1;
        for (((terms, is_excluded), is_bare, space), join) in clauses.into_iter().zip(joins) {
            let has_prefix = terms.iter().any(|term| matches!(term.value, Value::Prefix(_)));
            // A field may be demanded only once outside alternatives.
            let is_again = matches!(&terms[..], [term] if demanded.contains(&term.field));
            let is_excluded = is_excluded || is_again;
            // A prefix cannot exclude users.
            if is_excluded && has_prefix {
                continue;
            }
            q.push_str(match (is_excluded, q.is_empty()) {
                (true, true) => "-",
                (true, false) => join,
                (false, true) => "",
                (false, false) => " AND ",
            });
            let (text, is_one) = joined(&terms, is_bare, space);
            q.push_str(&if is_one || is_alone && !is_excluded { text } else { format!("({text})") });
            if let ([term], false) = (&terms[..], is_excluded) {
                demanded.push(term.field);
            }
            mean(&mut meant, &terms, is_excluded);
        }
        prop_assume!(!q.is_empty() && q.len() <= MAX_BYTES);
        prop_assert_eq!(parse(&q), Ok(meant), "{}", q);
    }

    #[test]
    fn any_text_is_understood_or_refused_in_one_short_sentence(
        q in prop_oneof![
            ".{0,60}",
            prop::collection::vec(
                select(&["email:", "user_id:", "identities.provider:", "email_verified:", "\"", "\\", "a", "true", "AND",
                    "NOT", " OR ", "-", " ", "(", ")", "*", "é", "|", "ann@example.com"][..]),
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
