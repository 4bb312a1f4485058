//! The JSON columns, each in the one form in which it is stored. A column's file owns its form:
//! all that read or write the column go through it.
//!
//! A value that this release does not know is an error, never a default: a link with unknown terms
//! would otherwise be undone by others. Only what an erasing removes has an empty form.

pub(super) mod account;
pub(super) mod actor;
pub(super) mod changes;
pub(super) mod effects;
pub(super) mod proof;
pub(super) mod terms;
pub(super) mod verifier;
pub(super) mod withheld;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::StoreError;

/// The stored form of a value.
///
/// # Errors
/// [`StoreError::Fault`] if the value has no form in JSON; all of ours have one.
pub(super) fn to_json(value: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(value)
        .map_err(|error| StoreError::Fault(format!("a value cannot be stored: {error}")))
}

/// The value of a stored form; `what` names the column in the error.
///
/// # Errors
/// [`StoreError::Fault`] if the form is not one that this release writes.
pub(super) fn from_json<T: DeserializeOwned>(what: &str, stored: Value) -> Result<T, StoreError> {
    serde_json::from_value(stored).map_err(|_| StoreError::corrupt(what))
}

/// The same from the text of the form.
///
/// # Errors
/// As of [`from_json`].
pub(super) fn from_text<T: DeserializeOwned>(what: &str, stored: &str) -> Result<T, StoreError> {
    serde_json::from_str(stored).map_err(|_| StoreError::corrupt(what))
}

#[cfg(test)]
mod tests;
