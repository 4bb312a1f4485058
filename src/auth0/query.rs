//! The `q` of a search, in the part of Auth0's Lucene-like syntax that linking uses.
//!
//! Whatever Lucene would understand otherwise is refused: a search that finds more than was meant may end
//! in a link to somebody else.

#[cfg(test)]
mod tests;

use crate::{
    domain::{Email, Provider, Subject, UserId},
    store::UserSearch,
};

const MAX_BYTES: usize = 1024;
const MAX_TERMS: usize = 16;
/// How many characters of what was sent are said again.
const MAX_ECHOED: usize = 40;

const SUPPORTED: &str = "supported are email:\"…\", email_verified:true, user_id:\"…\", identities.provider:\"…\" and \
    identities.user_id:\"…\", joined by AND, each excluded by a leading -";

/// Whom a `q` is about; a sentence for whoever sent one that is not understood.
pub(super) fn parse(q: &str) -> Result<UserSearch, String> {
    read(q).map_err(|wrong| format!("{wrong}; {SUPPORTED}"))
}

fn read(q: &str) -> Result<UserSearch, String> {
    if q.len() > MAX_BYTES {
        return Err(format!("q is longer than {MAX_BYTES} bytes"));
    }
    let mut reader = Reader { rest: q };
    reader.skip_white_space();
    let mut search = UserSearch::default();
    let mut demanded = Vec::new();
    let mut is_excluded = reader.takes_exclusion();
    for _ in 0..MAX_TERMS {
        let (field, value) = reader.term()?;
        if !is_excluded && demanded.contains(&field) {
            return Err(format!("q asks for {} twice", field.name()));
        }
        if !is_excluded {
            demanded.push(field);
        }
        add(&mut search, field, &value, is_excluded)?;
        if reader.rest.is_empty() {
            return Ok(search);
        }
        let is_joined = reader.takes("AND");
        is_excluded = reader.takes_exclusion();
        // A term that excludes does so however it is joined. Any other one would be an alternative to Lucene.
        if !is_joined && !is_excluded {
            return Err(format!("q goes on with `{}` where AND or its end is expected", echo(reader.rest)));
        }
    }
    Err(format!("q has more than {MAX_TERMS} terms"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Email,
    EmailVerified,
    UserId,
    Provider,
    Subject,
}

impl Field {
    const ALL: [Self; 5] = [Self::Email, Self::EmailVerified, Self::UserId, Self::Provider, Self::Subject];

    fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::EmailVerified => "email_verified",
            Self::UserId => "user_id",
            Self::Provider => "identities.provider",
            Self::Subject => "identities.user_id",
        }
    }
}

fn add(search: &mut UserSearch, field: Field, value: &str, is_excluded: bool) -> Result<(), String> {
    let excluded = &mut search.excluded;
    let can_be = match field {
        Field::Email => put(Email::parse(value).ok(), is_excluded, &mut search.email, &mut excluded.emails),
        Field::EmailVerified => {
            let Ok(verified) = value.parse() else {
                return Err("email_verified in q is neither true nor false".to_owned());
            };
            put(Some(verified), is_excluded, &mut search.email_verified, &mut excluded.email_verified)
        }
        Field::UserId => put(UserId::parse(value), is_excluded, &mut search.user_id, &mut excluded.user_ids),
        Field::Provider => put(Provider::parse(value), is_excluded, &mut search.provider, &mut excluded.providers),
        Field::Subject => put(Subject::parse(value), is_excluded, &mut search.subject, &mut excluded.subjects),
    };
    search.is_of_nobody |= !can_be;
    Ok(())
}

/// Notes a value where it belongs, and says whether a user can still be meant. What can be nobody's, `None`,
/// is demanded in vain, and excludes nobody.
fn put<T>(value: Option<T>, is_excluded: bool, demanded: &mut Option<T>, excluded: &mut Vec<T>) -> bool {
    if is_excluded {
        excluded.extend(value);
        true
    } else {
        *demanded = value;
        demanded.is_some()
    }
}

/// Reads from left to right.
struct Reader<'q> {
    rest: &'q str,
}

impl<'q> Reader<'q> {
    fn skip_white_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    /// Takes this operator, if it comes next and is a word of its own.
    fn takes(&mut self, operator: &str) -> bool {
        let behind = self.rest.strip_prefix(operator);
        let is_next = behind.is_some_and(|rest| rest.is_empty() || rest.starts_with(is_white_space));
        if let Some(rest) = behind.filter(|_| is_next) {
            self.rest = rest.trim_ascii_start();
        }
        is_next
    }

    fn takes_exclusion(&mut self) -> bool {
        match self.rest.strip_prefix('-') {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => self.takes("NOT"),
        }
    }

    /// A field and its value, and the white space behind them.
    fn term(&mut self) -> Result<(Field, String), String> {
        if self.rest.is_empty() {
            return Err("q ends where a term is expected".to_owned());
        }
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_.".contains(c));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let Some(value) = rest.strip_prefix(':').filter(|_| !name.is_empty()) else {
            return Err(format!("q has `{}` where a field and a colon are expected", echo(self.rest)));
        };
        let Some(field) = Field::ALL.into_iter().find(|field| field.name() == name) else {
            return Err(format!("q has the field `{}`, which cannot be searched", echo(name)));
        };
        let value = value.trim_ascii_start();
        let value = match value.strip_prefix('"') {
            Some(quoted) => self.quoted(quoted)?,
            None => self.word(value)?.to_owned(),
        };
        self.skip_white_space();
        Ok((field, value))
    }

    /// What stands before the next quote, unescaped.
    fn quoted(&mut self, text: &'q str) -> Result<String, String> {
        let mut value = String::new();
        let mut chars = text.chars();
        loop {
            match chars.next() {
                Some('"') => break,
                Some('\\') => match chars.next() {
                    Some(c @ ('"' | '\\')) => value.push(c),
                    _ => return Err("q has a \\ in quotes that stands before neither a quote nor a \\".to_owned()),
                },
                Some(c) => value.push(c),
                None => return Err("q has a quote that is not closed".to_owned()),
            }
        }
        self.rest = chars.as_str();
        Ok(value)
    }

    fn word(&mut self, text: &'q str) -> Result<&'q str, String> {
        let (word, rest) = text.split_at(text.find(is_white_space).unwrap_or(text.len()));
        if !is_plain(word) {
            return Err(format!("q has the value `{}`, which is neither quoted nor a plain word", echo(word)));
        }
        self.rest = rest;
        Ok(word)
    }
}

fn is_white_space(c: char) -> bool {
    c.is_ascii_whitespace()
}

/// Whether a word without quotes means itself: whether it holds nothing that Lucene takes for syntax.
fn is_plain(word: &str) -> bool {
    let is_syntax = |c: char| c.is_control() || c.is_whitespace() || "\"()[]{}*?^~\\:/<>!".contains(c);
    !word.is_empty()
        && !word.contains(is_syntax)
        && !word.starts_with(['+', '-'])
        && !["&&", "||"].iter().any(|operator| word.contains(operator))
        && !["AND", "OR", "NOT"].contains(&word)
}

/// The beginning of what was sent, to be shown to whoever sent it.
fn echo(text: &str) -> String {
    let shown = |c: char| if c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric() { c } else { '?' };
    text.chars().take(MAX_ECHOED).map(shown).collect()
}
