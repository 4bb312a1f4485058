//! Why a change is made, as its caller says it.

use std::str::FromStr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::domain::DomainError;

/// The header by which a service says why it makes a change.
pub const HEADER: &str = "x-reason";
/// The most characters of a reason.
const MAX_CHARS: usize = 500;

/// Why a change is made: a sentence of a person for the people who read the history, such as the number
/// of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedReason(String);

impl FromStr for StatedReason {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or(Self::FORM)
    }
}

impl StatedReason {
    /// The form of a reason, for a message.
    pub const FORM: &'static str = "must be 1 to 500 characters, without control characters";

    /// Takes a text without the spaces around it; `None` if it is none of [`Self::FORM`].
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_reason =
            (1..=MAX_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        is_reason.then(|| Self(text.to_owned()))
    }

    /// Takes the value of the header, which is UTF-8 in percent-encoding (RFC 3986 §2.1), because a
    /// header has no more than ASCII.
    ///
    /// # Errors
    /// [`DomainError::Invalid`].
    pub fn from_header(value: &str) -> Result<Self, DomainError> {
        let text = percent_decode_str(value).decode_utf8().ok();
        text.and_then(|text| Self::parse(&text)).ok_or_else(|| {
            DomainError::invalid(HEADER, format!("{}, in percent-encoding of UTF-8", Self::FORM))
        })
    }

    /// The value of the header.
    pub fn to_header(&self) -> String {
        utf8_percent_encode(&self.0, NON_ALPHANUMERIC).to_string()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
