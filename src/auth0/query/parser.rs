//! The syntax of a `q`, from left to right.

use super::Field;

/// The most characters of a `q` that a refusal repeats.
const MAX_ECHOED: usize = 40;

/// A field and its demanded value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) field: Field,
    pub(super) value: Value,
}

/// The demanded value of a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Exactly this value.
    Whole(String),
    /// Any value with this prefix.
    Prefix(String),
}

/// The operator between two clauses. A term that excludes does so with any operator before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    And,
    Or,
    Exclusion,
}

pub(super) struct Parser<'q> {
    rest: &'q str,
}

impl<'q> Parser<'q> {
    pub(super) fn new(q: &'q str) -> Self {
        Self { rest: q.trim_ascii_start() }
    }

    fn skip_white_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    /// Takes this operator, if it is next and a word of its own.
    fn takes(&mut self, operator: &str) -> bool {
        let behind = self.rest.strip_prefix(operator);
        let is_next =
            behind.is_some_and(|rest| rest.is_empty() || rest.starts_with(is_white_space));
        if let Some(rest) = behind.filter(|_| is_next) {
            self.rest = rest.trim_ascii_start();
        }
        is_next
    }

    /// Takes a parenthesis, if it is next, and the white space after it.
    fn takes_parenthesis(&mut self, parenthesis: char) -> bool {
        let behind = self.rest.strip_prefix(parenthesis);
        self.rest = behind.map_or(self.rest, str::trim_ascii_start);
        behind.is_some()
    }

    pub(super) fn takes_exclusion(&mut self) -> bool {
        match self.rest.strip_prefix('-') {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => self.takes("NOT"),
        }
    }

    /// The operator between the previous clause and the next one; `None` at the end.
    pub(super) fn joint(&mut self) -> Result<Option<Joint>, String> {
        if self.rest.is_empty() {
            Ok(None)
        } else if self.takes("AND") {
            Ok(Some(Joint::And))
        } else if self.takes("OR") {
            Ok(Some(Joint::Or))
        } else if self.rest.starts_with('-') || Parser::new(self.rest).takes("NOT") {
            Ok(Some(Joint::Exclusion))
        } else {
            Err(format!(
                "continues with `{}` where AND, OR or the end is expected",
                echo(self.rest)
            ))
        }
    }

    /// A term, several values of one field, or several terms: any one of them.
    pub(super) fn alternatives(&mut self) -> Result<Vec<Term>, String> {
        if !self.takes_parenthesis('(') {
            return self.terms();
        }
        let mut terms = self.terms()?;
        while self.is_another()? {
            terms.extend(self.terms()?);
        }
        Ok(terms)
    }

    /// Whether another alternative follows within parentheses. Takes the `OR` before it, or the
    /// closing parenthesis.
    fn is_another(&mut self) -> Result<bool, String> {
        if self.takes("OR") {
            return Ok(true);
        }
        match self.takes_parenthesis(')') {
            true => Ok(false),
            false => Err(format!("continues with `{}` where OR or ) is expected", echo(self.rest))),
        }
    }

    /// A field and its value, or its values in parentheses, and the white space after them.
    fn terms(&mut self) -> Result<Vec<Term>, String> {
        if self.rest.is_empty() {
            return Err("ends where a term is expected".to_owned());
        }
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_.".contains(c));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let Some(value) = rest.strip_prefix(':').filter(|_| !name.is_empty()) else {
            return Err(format!(
                "has `{}` where a field and a colon are expected",
                echo(self.rest)
            ));
        };
        let Some(field) = Field::of(name) else {
            return Err(format!("has the field `{}`, which has no index", echo(name)));
        };
        self.rest = value.trim_ascii_start();
        if !self.takes_parenthesis('(') {
            return Ok(vec![Term { field, value: self.value()? }]);
        }
        let mut terms = vec![Term { field, value: self.value()? }];
        while self.is_another()? {
            terms.push(Term { field, value: self.value()? });
        }
        Ok(terms)
    }

    /// A value, and the white space after it.
    fn value(&mut self) -> Result<Value, String> {
        let value = match self.rest.strip_prefix('"') {
            Some(quoted) => Value::Whole(self.quoted(quoted)?),
            None => self.word()?,
        };
        self.skip_white_space();
        Ok(value)
    }

    /// The text before the next quote, unescaped.
    fn quoted(&mut self, text: &'q str) -> Result<String, String> {
        let mut value = String::new();
        let mut chars = text.chars();
        loop {
            match chars.next() {
                Some('"') => break,
                Some('\\') => match chars.next() {
                    Some(c @ ('"' | '\\')) => value.push(c),
                    _ => {
                        return Err(
                            "has a \\ in quotes before a character other than a quote or a \\"
                                .to_owned(),
                        );
                    }
                },
                Some(c) => value.push(c),
                None => return Err("has a quote that is not closed".to_owned()),
            }
        }
        self.rest = chars.as_str();
        Ok(value)
    }

    fn word(&mut self) -> Result<Value, String> {
        let end = self.rest.find(|c| is_white_space(c) || c == ')').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let value = match word.strip_suffix('*') {
            Some(prefix) if is_plain(prefix) => Value::Prefix(prefix.to_owned()),
            _ if is_plain(word) => Value::Whole(word.to_owned()),
            _ => {
                return Err(format!(
                    "has the value `{}`, which is neither quoted nor a plain word",
                    echo(word)
                ));
            }
        };
        self.rest = rest;
        Ok(value)
    }
}

fn is_white_space(c: char) -> bool {
    c.is_ascii_whitespace()
}

/// Whether a word without quotes means itself: it contains nothing that is syntax for Lucene.
pub(super) fn is_plain(word: &str) -> bool {
    let is_syntax =
        |c: char| c.is_control() || c.is_whitespace() || "\"()[]{}*?^~\\:/<>!".contains(c);
    !word.is_empty()
        && !word.contains(is_syntax)
        && !word.starts_with(['+', '-'])
        && !["&&", "||"].iter().any(|operator| word.contains(operator))
        && !["AND", "OR", "NOT"].contains(&word)
}

/// The beginning of a `q`, as a refusal repeats it to the client.
fn echo(text: &str) -> String {
    let shown =
        |c: char| if c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric() { c } else { '?' };
    text.chars().take(MAX_ECHOED).map(shown).collect()
}
