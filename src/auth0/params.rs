//! What a request says in its URI: the ids in its path, and its query.

use std::{collections::BTreeMap, ops::RangeInclusive};

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::{
    body::{is_percent_encoded, shown},
    messages::{Refused, told},
    shapes::Fields,
};
use crate::domain::Violation;

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
    /// A name without a `=` has no value: so a client writes what it leaves to the server, and it is as if it were not
    /// there.
    left: BTreeMap<String, Option<String>>,
    wrong: Vec<Violation>,
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let query = parts.uri.query().unwrap_or_default();
        if !is_percent_encoded(query.as_bytes()) {
            return Err(Refused::query("it is not UTF-8 in percent-encoding"));
        }
        let mut params = Self { left: BTreeMap::new(), wrong: Vec::new() };
        for part in query.split('&').filter(|part| !part.is_empty()) {
            for (name, value) in form_urlencoded::parse(part.as_bytes()) {
                let value = part.contains('=').then(|| value.into_owned());
                if params.left.insert(name.to_string(), value).is_some() {
                    params.wrong(&shown(&name), "comes twice: send it once");
                }
            }
        }
        Ok(params)
    }
}

impl Params {
    /// A text.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.left.remove(name).flatten()
    }

    /// Whether it is there, and has not been taken.
    pub(super) fn has(&self, name: &str) -> bool {
        self.left.get(name).is_some_and(Option::is_some)
    }

    /// A number within bounds.
    pub(super) fn number(&mut self, name: &str, bounds: RangeInclusive<usize>) -> Option<usize> {
        let text = self.text(name)?;
        let is_number = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| is_number && bounds.contains(number));
        if number.is_none() {
            self.wrong(name, format!("must be a number from {} to {}", bounds.start(), bounds.end()));
        }
        number
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, name: &str) -> Option<bool> {
        self.one_of(name, "must be true or false", |text| text.parse().ok())
    }

    /// What a text means. One that means nothing is wrong, since it must be something else.
    pub(super) fn one_of<T>(
        &mut self,
        name: &str,
        must_be: &'static str,
        read: impl FnOnce(String) -> Option<T>,
    ) -> Option<T> {
        let value = read(self.text(name)?);
        if value.is_none() {
            self.wrong(name, must_be);
        }
        value
    }

    /// `fields` and `include_fields`.
    pub(super) fn fields(&mut self) -> Fields {
        let names = self.text("fields").unwrap_or_default();
        let included = self.boolean("include_fields").unwrap_or(true);
        Fields::new(&names, !included)
    }

    /// `search_engine`: each of Auth0's is this one.
    pub(super) fn search_engine(&mut self) {
        let is_one = |text: String| ["v1", "v2", "v3"].contains(&text.as_str()).then_some(());
        self.one_of("search_engine", "must be v1, v2 or v3", is_one);
    }

    /// Notes what is wrong with a parameter, unless more is wrong already than an answer needs.
    pub(super) fn wrong(&mut self, name: &str, what: impl Into<String>) {
        if self.wrong.len() < MAX_WRONG {
            self.wrong.push(Violation::new(name, what.into()));
        }
    }

    /// Refuses the query if something is wrong with it.
    pub(super) fn finish(mut self) -> Result<(), Refused> {
        for name in std::mem::take(&mut self.left).keys() {
            self.wrong("Additional properties not allowed", shown(name));
        }
        if self.wrong.is_empty() { Ok(()) } else { Err(Refused::query(&told(&self.wrong))) }
    }
}
