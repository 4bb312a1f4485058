//! A provider's own words on an error, for the log.

use form_urlencoded::byte_serialize;

use crate::http_client::quoted;

/// The longest text that is logged, in characters.
const MAX_TEXT: usize = 300;
/// The longest word that is logged, in bytes: tokens and codes are longer, ids of requests are not.
const MAX_WORD: usize = 40;
/// The shortest secret that is looked for: a shorter one would be found in any text.
const MIN_SECRET: usize = 4;

/// A provider's `error_description`, bounded and on one line. None of the secrets that were `sent`
/// is in it, no long word, and no word that may be an email.
pub(super) fn described(text: &str, sent: &[&str]) -> String {
    let repeats = |secret: &&str| {
        let encoded: String = byte_serialize(secret.as_bytes()).collect();
        secret.len() >= MIN_SECRET && (text.contains(*secret) || text.contains(&encoded))
    };
    if sent.iter().any(repeats) {
        return "(a description that repeats what was sent is left out)".to_owned();
    }
    // Split at control characters too, so that a word has none inside.
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let shown = words.map(|word| match word.len() > MAX_WORD || word.contains(['@', '＠']) {
        true => "…",
        false => word,
    });
    quoted(&shown.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "), MAX_TEXT)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    #[test]
    fn a_description_is_shown_without_what_may_be_secret() {
        for (text, shown) in [
            ("Unknown client or bad credentials.", r#""Unknown client or bad credentials.""#),
            ("a\r\n{\"level\":\"ERROR\"}\u{1b}[2J", r#""a {\"level\":\"ERROR\"} [2J""#),
            ("user ann@example.com is not assigned", r#""user … is not assigned""#),
            (&format!("token {} is bad", "x".repeat(41)), r#""token … is bad""#),
            (
                "AADSTS50011: 8eaef023-2b34-4da1-9baa-8bc8c9d6a490",
                r#""AADSTS50011: 8eaef023-2b34-4da1-9baa-8bc8c9d6a490""#,
            ),
            ("", r#""""#),
        ] {
            assert_eq!(described(text, &["the code"]), shown, "{text}");
        }
        for repeats in ["the secret is hunter/2", "secret=hunter%2F2", "xhunter/2x"] {
            let shown = described(repeats, &["code", "hunter/2"]);
            assert_eq!(shown, "(a description that repeats what was sent is left out)");
        }
    }

    proptest! {
        /// Whatever a provider sends, the log gets one bounded line without what was sent.
        #[test]
        fn a_description_is_one_bounded_line(text in any::<String>(), secret in "[A-Z0-9~/+]{8,20}", around in any::<String>()) {
            for text in [text.clone(), format!("{text}{secret}{around}"), text.repeat(50)] {
                let shown = described(&text, &[&secret]);
                prop_assert!(!shown.chars().any(char::is_control));
                prop_assert!(shown.chars().count() <= 11 * MAX_TEXT);
                prop_assert!(!shown.contains(&secret));
            }
        }
    }
}
