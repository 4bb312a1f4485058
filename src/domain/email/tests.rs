use proptest::prelude::*;

use super::*;

fn has_ascii_local_part(email: &Email) -> bool {
    email.canonical().split('@').next().is_some_and(str::is_ascii)
}

fn canonical(given: &str) -> String {
    match Email::parse(given) {
        Ok(email) => email.canonical().to_owned(),
        Err(error) => panic!("{given:?} is refused: {error}"),
    }
}

#[test]
fn keeps_the_given_spelling_and_folds_the_canonical_one() {
    let email = Email::parse("Ann.Lee+News@BÜCHER.example").unwrap();
    assert_eq!(email.given(), "Ann.Lee+News@BÜCHER.example");
    assert_eq!(email.canonical(), "ann.lee+news@xn--bcher-kva.example");
    assert!(has_ascii_local_part(&email));
    assert_eq!(format!("{email:?}"), "Email(..)");
}

#[test]
fn folds_case_normalization_and_domain() {
    for (given, expected) in [
        ("a@b.co", "a@b.co"),
        ("!#$%&'*+-/?=^_`{|}~0@example.com", "!#$%&'*+-/?=^_`{|}~0@example.com"),
        ("ANN@EXAMPLE.COM", "ann@example.com"),
        // One e with an acute accent, composed and not.
        ("JOSE\u{301}@example.com", "jos\u{e9}@example.com"),
        ("jos\u{c9}@example.com", "jos\u{e9}@example.com"),
        ("H\u{331}@example.com", "\u{1e96}@example.com"),
        ("ΟΔΥΣΣΕΥΣ@example.com", "οδυσσευς@example.com"),
        ("नमस्ते@example.com", "नमस्ते@example.com"),
        ("ann@straße.example", "ann@xn--strae-oqa.example"),
        ("ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"),
        // UTS 46 maps wide letters and dots, as each resolver does before the lookup.
        ("ann@ｅxample。com", "ann@example.com"),
        ("ann@ab--cd.example", "ann@ab--cd.example"),
        ("ann@1.example", "ann@1.example"),
    ] {
        assert_eq!(canonical(given), expected);
    }
}

#[test]
fn no_provider_tricks() {
    assert_ne!(canonical("a.b@gmail.com"), canonical("ab@gmail.com"));
    assert_ne!(canonical("ab+x@gmail.com"), canonical("ab@gmail.com"));
    assert_ne!(canonical("ab@googlemail.com"), canonical("ab@gmail.com"));
}

/// Each of these addresses is refused, with this reason.
fn refused(cases: &[(&str, EmailError)]) {
    for (given, error) in cases {
        assert_eq!(Email::parse(given), Err(*error), "{given:?}");
    }
}

#[test]
fn refuses_what_is_not_one_visible_address() {
    use EmailError::{AtSign, Unseen};
    refused(&[
        ("", AtSign),
        ("ann", AtSign),
        ("a@b@example.com", AtSign),
        ("\"v@x\"@evil.example", AtSign),
        ("<aaa@bbb.example>ccc@ddd.example", AtSign),
        ("ann@a.example,bob@b.example", AtSign),
        ("ann＠example.com", AtSign),
        ("ann@example.com\r\nBcc: eve", Unseen),
        ("ann@example.com\n", Unseen),
        (" ann@example.com", Unseen),
        ("ann\u{a0}lee@example.com", Unseen),
        ("a\0@example.com", Unseen),
        ("a\u{200d}nn@example.com", Unseen),
        ("a\u{202e}nn@example.com", Unseen),
        ("a\u{ad}nn@example.com", Unseen),
        ("a\u{3164}@example.com", Unseen),
        ("a\u{fe0f}@example.com", Unseen),
        ("ann@exam\u{ad}ple.com", Unseen),
        ("ann@exam\u{200b}ple.com", Unseen),
    ]);
}

#[test]
fn refuses_a_local_part_with_the_reason() {
    use EmailError::{Imitation, LocalPart};
    refused(&[
        ("@example.com", LocalPart),
        (".ann@example.com", LocalPart),
        ("ann.@example.com", LocalPart),
        ("a..nn@example.com", LocalPart),
        ("\"ann\"@example.com", LocalPart),
        ("a\\nn@example.com", LocalPart),
        ("bob,ann@example.com", LocalPart),
        ("<ann@example.com", LocalPart),
        ("ann(x)@example.com", LocalPart),
        ("mailto:ann@example.com", LocalPart),
        ("=?utf-8?q?ann?=@example.com", LocalPart),
        ("a＠b@example.com", LocalPart),
        ("a\u{1f600}@example.com", LocalPart),
        ("a\u{1fef}@example.com", LocalPart), // NFC makes it a backtick
        ("=\u{338}@example.com", LocalPart),  // NFC makes it U+2260, no letter
        ("a.\u{301}b@example.com", LocalPart),
        ("\u{212a}ate@example.com", Imitation),
    ]);
}

#[test]
fn refuses_a_domain_with_the_reason() {
    use EmailError::Domain;
    refused(&[
        ("ann@", Domain),
        ("ann@localhost", Domain),
        ("ann@example.com.", Domain),
        ("ann@example.com。", Domain),
        ("ann@.example.com", Domain),
        ("ann@example..com", Domain),
        ("ann@[127.0.0.1]", Domain),
        ("ann@[IPv6:::1]", Domain),
        ("ann@127.0.0.1", Domain),
        ("ann@exa_mple.com", Domain),
        ("ann@-example.com", Domain),
        ("ann@example-.com", Domain),
        ("ann@example.com>", Domain),
        ("ann@evil.example＠example.com", Domain),
        ("ann@xn--example-.com", Domain), // masks ASCII: RUSTSEC-2024-0421
        ("ann@xn--a.com", Domain),
        ("ann@xn--.com", Domain),
    ]);
}

#[test]
fn refuses_what_is_too_long_with_the_reason() {
    use EmailError::{Domain, LocalPart, TooLong};
    refused(&[
        (&format!("{}@example.com", "a".repeat(65)), LocalPart),
        (&format!("{}@example.com", "é".repeat(33)), LocalPart),
        (&format!("ann@{}.com", "a".repeat(64)), Domain),
        (&format!("ann@{}com", "abcdefghi.".repeat(25)), TooLong),
        // Short enough as given, too long as A-labels.
        (&format!("{}@{}com", "a".repeat(40), "é.".repeat(27)), TooLong),
    ]);
}

#[test]
fn bounds_are_inclusive() {
    canonical(&format!("{}@example.com", "a".repeat(64)));
    let longest = format!("{}@{}com", "a".repeat(30), "abcdefghij.".repeat(20));
    assert_eq!(longest.len(), 254);
    canonical(&longest);
    assert_eq!(Email::parse(&format!("a{longest}")), Err(EmailError::TooLong));
}

#[test]
fn no_letter_makes_the_address_of_another() {
    let ascii = ["kate", "mike", "sam", "straße"];
    for given in
        ["\u{212a}ate", "m\u{131}ke", "m\u{130}ke", "\u{17f}am", "strasse", "ｍike", "\u{1d424}ate"]
    {
        if let Ok(email) = Email::parse(&format!("{given}@example.com")) {
            assert!(ascii.iter().all(|name| email.canonical() != format!("{name}@example.com")));
        }
    }
}

#[test]
fn every_character_is_a_fixed_point_or_refused() {
    for c in (char::MIN..=char::MAX).filter(|c| c.is_alphabetic() || is_combining_mark(*c)) {
        for given in [format!("a{c}@example.com"), format!("{c}Σ.x@example.com")] {
            if let Ok(email) = Email::parse(&given) {
                assert_eq!(canonical(email.canonical()), email.canonical());
                assert_eq!(
                    has_ascii_local_part(&email),
                    c.is_ascii() && !given.contains('Σ'),
                    "{given:?}"
                );
            }
        }
    }
}

/// Characters that fold, compose, join or vanish, and some that are plain.
fn wild() -> impl Strategy<Value = String> {
    let tricky: Vec<char> = "aZ.-+=?@xn0ıİſßẞΣσςÅéǅﬁ가각ᄀㄱ्अ。．＠\
        \u{300}\u{301}\u{307}\u{323}\u{327}\u{338}\u{345}\u{212a}\u{212b}\u{200d}\u{202e}\u{ad}"
        .chars()
        .collect();
    let c = prop_oneof![4 => prop::sample::select(tricky), 1 => any::<char>()];
    prop::collection::vec(c, 0..12).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn the_canonical_form_is_a_fixed_point(local in wild(), domain in wild()) {
        for domain in [&domain, &format!("{domain}.com"), "example.com"] {
            let Ok(email) = Email::parse(&format!("{local}@{domain}")) else { continue };
            let again = Email::parse(email.canonical()).map(|again| again.canonical);
            prop_assert_eq!(again.as_deref(), Ok(email.canonical()));

            prop_assert!(email.canonical().len() <= MAX_BYTES);
            let (canonical_local, domain) = email.canonical().split_once('@').unwrap();
            prop_assert!((1..=MAX_LOCAL_BYTES).contains(&canonical_local.len()));
            let is_plain = |b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
            prop_assert!(domain.bytes().all(is_plain));
            prop_assert_eq!(has_ascii_local_part(&email), local.is_ascii());
        }
    }

    #[test]
    fn case_and_composition_do_not_matter(name in "[a-z\u{e0}-\u{f6}]{1,8}") {
        let given = format!("{name}@{name}.com");
        let spelled: String = given.to_uppercase().nfd().collect();
        prop_assert_eq!(canonical(&spelled), canonical(&given));
    }

    #[test]
    fn errors_never_repeat_the_address(given in "[a-z]{5}[ ,@]{2}[a-z]{5}") {
        let text = Email::parse(&given).unwrap_err().to_string();
        prop_assert!(!text.contains(&given) && text.ends_with('.'));
    }
}
