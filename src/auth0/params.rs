//! What a request says in its URI: the ids in its path, and its query.

use std::{collections::BTreeMap, ops::RangeInclusive};

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::{
    body::{is_percent_encoded, shown},
    messages::Refused,
    shapes::Fields,
};

/// The most that is told of what is wrong with a query.
const MAX_WRONG: usize = 16;

/// What stands in the places of a path, decoded.
pub(super) struct PathParts<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathParts<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        if !is_percent_encoded(parts.uri.path().as_bytes()) {
            return Err(Refused::uri());
        }
        let Path(parts_of_it) = Path::from_request_parts(parts, state).await.map_err(|_| Refused::uri())?;
        Ok(Self(parts_of_it))
    }
}

/// A query that is being read: what is left when all that is known has been taken is unknown.
pub(super) struct Params {
    left: BTreeMap<String, String>,
    wrong: Vec<String>,
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        if !is_percent_encoded(query) {
            return Err(Refused::query("it is not UTF-8 in percent-encoding"));
        }
        let mut params = Self { left: BTreeMap::new(), wrong: Vec::new() };
        for (name, value) in form_urlencoded::parse(query) {
            if params.left.insert(name.to_string(), value.into_owned()).is_some() {
                params.note(format!("{} comes twice", shown(&name)));
            }
        }
        Ok(params)
    }
}

impl Params {
    /// A text.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.left.remove(name)
    }

    /// Whether it is there, and has not been taken.
    pub(super) fn has(&self, name: &str) -> bool {
        self.left.contains_key(name)
    }

    /// A number within bounds.
    pub(super) fn number(&mut self, name: &str, bounds: RangeInclusive<usize>) -> Option<usize> {
        let text = self.text(name)?;
        let is_number = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| is_number && bounds.contains(number));
        if number.is_none() {
            self.wrong(name, &format!("must be a number from {} to {}", bounds.start(), bounds.end()));
        }
        number
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, name: &str) -> Option<bool> {
        let value = match self.text(name)?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        if value.is_none() {
            self.wrong(name, "must be true or false");
        }
        value
    }

    /// `fields` and `include_fields`.
    pub(super) fn fields(&mut self) -> Fields {
        let names = self.text("fields").unwrap_or_default();
        let included = self.boolean("include_fields").unwrap_or(true);
        Fields::new(&names, !included)
    }

    /// Notes what is wrong with a parameter.
    pub(super) fn wrong(&mut self, name: &str, what: &str) {
        self.note(format!("{name} {what}"));
    }

    /// Notes what is wrong, unless there is more of it already than an answer needs.
    pub(super) fn note(&mut self, wrong: String) {
        if self.wrong.len() < MAX_WRONG {
            self.wrong.push(wrong);
        }
    }

    /// Refuses the query if something is wrong with it.
    pub(super) fn finish(mut self) -> Result<(), Refused> {
        for name in std::mem::take(&mut self.left).keys() {
            self.note(format!("Additional properties not allowed: {}", shown(name)));
        }
        if self.wrong.is_empty() { Ok(()) } else { Err(Refused::query(&self.wrong.join("; "))) }
    }
}
