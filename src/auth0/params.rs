//! The parameters in a request's URI: the ids in its path, and its query.

use std::{collections::BTreeMap, ops::RangeInclusive};

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::{
    body::{is_percent_encoded, printable},
    error::{ApiError, joined},
    shapes::Fields,
};
use crate::domain::Violation;

/// The most violations that the refusal of a query lists.
const MAX_WRONG: usize = 16;

/// The path parameters, decoded.
pub(super) struct PathParts<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathParts<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if !is_percent_encoded(parts.uri.path().as_bytes()) {
            return Err(ApiError::uri());
        }
        let Path(parts_of_it) =
            Path::from_request_parts(parts, state).await.map_err(|_| ApiError::uri())?;
        Ok(Self(parts_of_it))
    }
}

/// A query that is being read. The names that are left after the route has taken its own are
/// unknown.
pub(super) struct Params {
    /// A name without a `=` has no value and counts as absent: clients write it so to leave the
    /// choice to the server.
    left: BTreeMap<String, Option<String>>,
    /// The further values of names that occur several times.
    repeated: BTreeMap<String, Vec<Option<String>>>,
    wrong: Vec<Violation>,
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        if !is_percent_encoded(query.as_bytes()) {
            return Err(ApiError::query("it is not UTF-8 in percent-encoding"));
        }
        let (left, repeated) = (BTreeMap::new(), BTreeMap::new());
        let mut params = Self { left, repeated, wrong: Vec::new() };
        for part in query.split('&').filter(|part| !part.is_empty()) {
            for (name, value) in form_urlencoded::parse(part.as_bytes()) {
                let value = part.contains('=').then(|| value.into_owned());
                if params.left.contains_key(&*name) {
                    params.repeated.entry(name.to_string()).or_default().push(value);
                } else {
                    params.left.insert(name.to_string(), value);
                }
            }
        }
        Ok(params)
    }
}

impl Params {
    /// Takes the text of a parameter; `None` if it is absent.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.left.remove(name).flatten()
    }

    /// Whether the parameter is present and not yet taken.
    pub(super) fn has(&self, name: &str) -> bool {
        self.left.get(name).is_some_and(Option::is_some)
    }

    /// Takes a decimal number within `bounds`. A wrong one becomes a violation.
    pub(super) fn number(&mut self, name: &str, bounds: RangeInclusive<usize>) -> Option<usize> {
        let text = self.text(name)?;
        let is_number =
            (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| is_number && bounds.contains(number));
        if number.is_none() {
            self.report(
                name,
                format!("must be a number from {} to {}", bounds.start(), bounds.end()),
            );
        }
        number
    }

    /// Takes `true` or `false`. Any other value becomes a violation.
    pub(super) fn boolean(&mut self, name: &str) -> Option<bool> {
        self.one_of(name, "must be true or false", |text| text.parse().ok())
    }

    /// Takes a parameter that `read` understands. For any other text, `must_be` becomes the
    /// violation.
    pub(super) fn one_of<T>(
        &mut self,
        name: &str,
        must_be: &'static str,
        read: impl FnOnce(String) -> Option<T>,
    ) -> Option<T> {
        let value = read(self.text(name)?);
        if value.is_none() {
            self.report(name, must_be);
        }
        value
    }

    /// Takes all values of a parameter that is a list: of `name`, `name[]` and `name[0]` to the last of
    /// at most `most`, in the order of the names.
    pub(super) fn texts(&mut self, name: &str, most: usize) -> Vec<String> {
        let is_of = |given: &String| {
            let index = given.strip_prefix(name).and_then(|rest| match rest {
                "" => Some(""),
                rest => rest.strip_prefix('[')?.strip_suffix(']'),
            });
            index.is_some_and(|index| {
                index.is_empty() || index.parse().is_ok_and(|at: usize| at < most)
            })
        };
        let mut values: Vec<String> = Vec::new();
        let names: Vec<String> = self.left.keys().filter(|given| is_of(given)).cloned().collect();
        for given in names {
            values.extend(self.text(&given));
            values.extend(self.repeated.remove(&given).into_iter().flatten().flatten());
        }
        if values.len() > most {
            self.report(name, format!("must be at most {most}"));
        }
        values
    }

    /// Takes `include_fields`, which is true if it is absent.
    pub(super) fn included(&mut self) -> bool {
        self.boolean("include_fields").unwrap_or(true)
    }

    /// Takes `fields` and `include_fields`.
    pub(super) fn fields(&mut self) -> Fields {
        let names = self.text("fields").unwrap_or_default();
        let included = self.included();
        Fields::new(&names, !included)
    }

    /// Takes `search_engine`. All of Auth0's versions have the same effect.
    pub(super) fn search_engine(&mut self) {
        let is_one = |text: String| ["v1", "v2", "v3"].contains(&text.as_str()).then_some(());
        self.one_of("search_engine", "must be v1, v2 or v3", is_one);
    }

    /// Adds a violation, up to `MAX_WRONG` of them.
    pub(super) fn report(&mut self, name: &str, what: impl Into<String>) {
        if self.wrong.len() < MAX_WRONG {
            self.wrong.push(Violation::new(name, what.into()));
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// A refusal with the violations, among them each unknown parameter.
    pub(super) fn into_result(mut self) -> Result<(), ApiError> {
        for name in std::mem::take(&mut self.repeated).keys() {
            self.report(&printable(name), "occurs twice: send it once");
        }
        for name in std::mem::take(&mut self.left).keys() {
            self.report("Additional properties not allowed", printable(name));
        }
        if self.wrong.is_empty() { Ok(()) } else { Err(ApiError::query(&joined(&self.wrong))) }
    }
}
