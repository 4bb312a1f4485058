//! Texts of others as a terminal may show them.

/// Whether a character could move the cursor, color or reorder what a terminal shows: control
/// characters, and the formatting characters of the bidirectional algorithm (UAX #9, section 2).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with escapes in place of what is not safe: an account may have any name.
pub(super) fn plain(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        match is_unsafe(c) {
            true => shown.extend(c.escape_unicode()),
            false => shown.push(c),
        }
        shown
    })
}

/// The text of a JSON document, in which such characters are in strings alone, with JSON's escapes.
pub(super) fn plain_json(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        match is_unsafe(c) {
            // All of them are in the basic plane.
            true => shown.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => shown.push(c),
        }
        shown
    })
}
