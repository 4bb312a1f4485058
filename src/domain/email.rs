//! Email addresses: stored as given, matched by a canonical form that is made only here.
//!
//! In the canonical form, the part before the `@` is NFC and lower case, and the domain is ASCII by
//! IDNA. Dots and plus tags stay: their meaning is up to the provider. Two addresses are the same
//! if, and only if, their canonical forms have the same bytes. An address that could pass for
//! another one is therefore refused, not repaired.

use std::{borrow::Cow, fmt};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The longest address, in bytes, as given and in canonical form: 256 for a path with its two angle
/// brackets (RFC 5321 §4.5.3.1.3, and RFC 3696 erratum 1690).
const MAX_BYTES: usize = 254;

/// The longest part before the `@`, in bytes, as given and in canonical form (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;

/// An email address, as given and in canonical form.
///
/// `==` compares both forms. To test whether two addresses are the same, compare
/// [`Email::canonical`].
///
/// ```
/// use identity_link::domain::{Email, email::EmailError};
///
/// let email = Email::parse("Ann+news@Bücher.example").unwrap();
/// assert_eq!(email.given(), "Ann+news@Bücher.example");
/// assert_eq!(email.canonical(), "ann+news@xn--bcher-kva.example");
///
/// // U+212A KELVIN SIGN becomes an ASCII k in lower case, so it could pass for another address.
/// assert_eq!(Email::parse("\u{212a}im@example.com"), Err(EmailError::Imitation));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    given: String,
    canonical: String,
}

/// Why an address is refused. The texts never repeat the address, so they can be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailError {
    /// Over 254 bytes, as given or in canonical form.
    TooLong,
    /// No `@`, or several.
    AtSign,
    /// Whitespace, a control character or an invisible character (soft hyphen, joiners, bidi marks,
    /// fillers, …).
    Unseen,
    /// Before the `@`: not a dot-atom of 1 to 64 bytes, or an encoded word.
    LocalPart,
    /// Before the `@`: not ASCII as given, but all ASCII in canonical form, as with U+212A KELVIN
    /// SIGN.
    Imitation,
    /// After the `@`: not a domain name of at least two labels.
    Domain,
    /// The canonical form of the canonical form differs from it. No such address is known; a newer
    /// Unicode version could bring one.
    Unstable,
}

impl Email {
    /// Parses a bare address (no display name, no angle brackets).
    ///
    /// The part before the `@` is a dot-atom (RFC 5322 §3.2.3) of `atext`, non-ASCII letters and
    /// their combining marks (RFC 6531 §3.3). Quotes and comments are refused. The part after the
    /// `@` is a domain name of at least two labels. Literals, a trailing dot and an all-digit top
    /// level are refused.
    ///
    /// # Errors
    ///
    /// [`EmailError`] names the first rule that is violated.
    pub fn parse(given: &str) -> Result<Self, EmailError> {
        let canonical = canonicalise(given)?;
        // The canonical form must be a valid address and its own canonical form. Otherwise it could
        // exceed the length bounds, or the same address could get different canonical forms.
        if canonicalise(&canonical)? != canonical {
            return Err(EmailError::Unstable);
        }
        Ok(Self { given: given.to_owned(), canonical })
    }

    /// The address as given, for display and for sending.
    #[must_use]
    pub fn given(&self) -> &str {
        &self.given
    }

    /// The form to store, index and compare: at most 254 bytes. Parsing it again gives the same
    /// form.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

/// Hides the address: it is personal data, and `{:?}` ends up in logs.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(..)")
    }
}

impl fmt::Display for EmailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "The email address is longer than 254 bytes.",
            Self::AtSign => "The email address does not have exactly one @.",
            Self::Unseen => {
                "The email address holds whitespace, control characters or invisible characters."
            }
            Self::LocalPart => {
                "The part before the @ is not a plain mailbox name of 1 to 64 bytes."
            }
            Self::Imitation => "The part before the @ holds characters that imitate ASCII letters.",
            Self::Domain => "The part after the @ is not a full domain name such as example.com.",
            Self::Unstable => "The email address has no stable canonical form.",
        })
    }
}

impl std::error::Error for EmailError {}

/// One pass of checks and folding. The result need not be a fixed point.
fn canonicalise(address: &str) -> Result<String, EmailError> {
    if address.len() > MAX_BYTES {
        return Err(EmailError::TooLong);
    }
    if address.contains(|c: char| c.is_control() || c.is_whitespace() || is_invisible(c)) {
        return Err(EmailError::Unseen);
    }
    let (local, domain) = address.split_once('@').ok_or(EmailError::AtSign)?;
    if domain.contains('@') {
        return Err(EmailError::AtSign);
    }
    let local = canonical_local_part(local)?;
    let domain = canonical_domain(domain)?;
    Ok(format!("{local}@{domain}"))
}

fn canonical_local_part(local: &str) -> Result<String, EmailError> {
    let is_dot_atom = local.split('.').all(is_atom);
    // `=?` opens an encoded word (RFC 2047 §2), which some mail software decodes into another
    // address.
    if local.len() > MAX_LOCAL_BYTES || !is_dot_atom || local.contains("=?") {
        return Err(EmailError::LocalPart);
    }
    // NFC runs before, so that equal texts fold alike. It runs again after, because lower case can
    // compose where upper case does not, as with H and U+0331.
    let lower = local.nfc().collect::<String>().to_lowercase();
    let canonical: String = lower.nfc().collect();
    if canonical.is_ascii() && !local.is_ascii() {
        return Err(EmailError::Imitation);
    }
    Ok(canonical)
}

/// The domain as lower-case A-labels (UTS 46, non-transitional).
fn canonical_domain(domain: &str) -> Result<Cow<'_, str>, EmailError> {
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            // Letters, digits and hyphens only: this also refuses `[`, `:` and `_`.
            AsciiDenyList::STD3,
            // Not `Check`, because names such as `ab--cd.example` exist. Labels with `xn--` are
            // validated either way.
            Hyphens::CheckFirstLast,
            // No empty label, no trailing dot, 63 bytes a label.
            DnsLength::Verify,
        )
        .map_err(|_| EmailError::Domain)?;
    // A single label is a host of a local network; an all-digit last label (RFC 3696 §2) is an IP
    // address.
    match ascii.rsplit_once('.') {
        Some((_, top)) if !top.bytes().all(|b| b.is_ascii_digit()) => Ok(ascii),
        _ => Err(EmailError::Domain),
    }
}

/// Whether the text may stand between two dots. A leading combining mark would be drawn on the dot.
fn is_atom(atom: &str) -> bool {
    !atom.is_empty() && !atom.starts_with(is_combining_mark) && atom.chars().all(is_atom_char)
}

/// RFC 5322's `atext`; of the non-ASCII characters that RFC 6531 §3.3 allows, only letters and
/// their marks.
fn is_atom_char(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        c.is_alphabetic() || is_combining_mark(c)
    }
}

/// Unicode's `Default_Ignorable_Code_Point` (`DerivedCoreProperties.txt`): not displayed, and
/// silently dropped from a domain by IDNA.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests;
