//! The file of Auth0's job `users-imports`: a list of users, who each get one account in the
//! connection of the job.
//!
//! A row is stored until the job has carried it out, so what is secret in it is replaced before.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::{
    Map, Value, json,
    value::{RawValue, to_raw_value},
};

use super::{
    Reading,
    auth0::{self, PASSWORDS, SECOND_FACTORS, TOKENS},
    object::Faults,
};
use crate::{
    domain::{IdentityRef, Provider, Subject, UserRef},
    store::NewLine,
};

/// The most users of a file.
pub const MAX_USERS: usize = 20_000;

const WITHOUT_ID: &str = "This is missing: it has to be the id that the account has at its provider, or no sign-in finds the user.";
const SEVERAL: &str = "An import job gives each user one account, in its connection: the command import brings users with several.";

/// Why a file is refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JobFileError {
    /// It is no list.
    #[error("must be a file with a JSON array of users, in UTF-8")]
    NoList,
    /// It has more than [`MAX_USERS`].
    #[error("has more than {MAX_USERS} users: send several files")]
    TooMany,
}

/// The fields of an object in their order, each with its exact text. A name may occur twice.
struct Fields(Vec<(String, Box<RawValue>)>);

/// A row with the account that the job gives it, as a record of [`super::Format::Auth0Job`].
#[derive(Serialize, Deserialize)]
struct JobRow<'a> {
    #[serde(borrow)]
    provider: Cow<'a, str>,
    #[serde(borrow)]
    connection: Cow<'a, str>,
    #[serde(borrow)]
    user: &'a RawValue,
}

/// The rows of a file as they are stored.
///
/// # Errors
/// [`JobFileError`]. A row that is wrong is one of the rows.
pub fn rows(file: &[u8], provider: &Provider) -> Result<Vec<NewLine>, JobFileError> {
    let text = std::str::from_utf8(file).map_err(|_| JobFileError::NoList)?;
    let users: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| JobFileError::NoList)?;
    if users.len() > MAX_USERS {
        return Err(JobFileError::TooMany);
    }
    Ok(users.into_iter().map(|user| row(user, provider)).collect())
}

/// A row as it is stored: without line breaks, and with `true` in place of secrets.
fn row(user: &RawValue, provider: &Provider) -> NewLine {
    let (mut line, mut concerned) = (user.get().to_owned(), Vec::new());
    if let Ok(Fields(mut fields)) = serde_json::from_str(user.get()) {
        for (name, value) in &mut fields {
            let is_empty = matches!(value.get(), "null" | "\"\"");
            if is_secret(name) && !is_empty {
                *value = RawValue::TRUE.to_owned();
            }
        }
        // The tokens in accounts of others are secrets too, and the row is refused anyway.
        if let Some((_, value)) = fields.iter_mut().find(|(name, _)| name == "identities") {
            *value = RawValue::TRUE.to_owned();
        }
        concerned.extend(account_of(&fields, provider));
        line = text(&fields);
    }
    // A text of JSON has a line break nowhere but between tokens.
    let line = line.replace(['\n', '\r'], " ");
    NewLine { line, concerned, without_users: None }
}

fn is_secret(name: &str) -> bool {
    PASSWORDS.iter().chain(&SECOND_FACTORS).chain(&TOKENS).any(|secret| *secret == name)
}

/// The account of a stored row; `None` if it names none.
pub fn account(row: &str, provider: &Provider) -> Option<UserRef> {
    let Fields(fields) = serde_json::from_str(row).ok()?;
    account_of(&fields, provider)
}

fn account_of(fields: &[(String, Box<RawValue>)], provider: &Provider) -> Option<UserRef> {
    let subject = Subject::parse(&account_id(fields)?)?;
    Some(UserRef::Identity(IdentityRef { provider: provider.clone(), subject }))
}

/// The record of a stored row.
pub fn record(row: &str, provider: &str, connection: &str) -> String {
    let user = RawValue::from_string(row.to_owned()).unwrap_or_default();
    let (provider, connection) = (provider.into(), connection.into());
    let record = JobRow { provider, connection, user: &user };
    serde_json::to_string(&record).unwrap_or_default()
}

/// Reads a record.
pub(super) fn read(record: &str, faults: &Faults) -> Option<Reading> {
    let Ok(JobRow { provider, connection, user }) = serde_json::from_str(record) else {
        faults.report("", "This is no record of an import job.");
        return None;
    };
    let Ok(Fields(mut fields)) = serde_json::from_str::<Fields>(user.get()) else {
        return auth0::read(user.get(), faults);
    };
    if fields.iter().any(|(name, value)| name == "identities" && value.get() != "null") {
        faults.report("identities", SEVERAL);
    }
    fields.retain(|(name, _)| name != "identities");
    let subject = match account_id(&fields) {
        Some(subject) => subject,
        // The source says what is wrong with an id of another type.
        None if has_value(&fields, "user_id") => return auth0::read(&text(&fields), faults),
        None => {
            faults.report("user_id", WITHOUT_ID);
            // For what else is wrong: the row is refused.
            "-".to_owned()
        }
    };
    let account = json!([{
        "provider": provider, "user_id": subject, "connection": connection, "isSocial": false,
    }]);
    let id = Value::String(format!("{provider}|{subject}"));
    fields.retain(|(name, _)| name != "user_id");
    fields.push(("user_id".to_owned(), to_raw_value(&id).ok()?));
    fields.push(("identities".to_owned(), to_raw_value(&account).ok()?));
    auth0::read(&text(&fields), faults)
}

/// A stored row as clients see it, without the fields that it had in place of secrets. `only_id` leaves
/// its id alone.
pub fn shown(row: &str, only_id: bool) -> Map<String, Value> {
    let user = match serde_json::from_str(row) {
        Ok(Value::Object(user)) => user,
        // What is no object has no field to show.
        _ => Map::new(),
    };
    let is_shown = |name: &str| match only_id {
        true => name == "user_id",
        false => !is_secret(name) && name != "identities",
    };
    user.into_iter().filter(|(name, _)| is_shown(name)).collect()
}

/// The id of the account, as the row has it.
fn account_id(fields: &[(String, Box<RawValue>)]) -> Option<String> {
    let mut ids = fields.iter().filter(|(name, _)| name == "user_id");
    let (Some((_, id)), None) = (ids.next(), ids.next()) else { return None };
    let is_whole = !id.get().is_empty() && id.get().bytes().all(|byte| byte.is_ascii_digit());
    match serde_json::from_str::<String>(id.get()) {
        Ok(text) => Some(text).filter(|text| !text.is_empty()),
        // Its digits are kept as they are written.
        Err(_) => is_whole.then(|| id.get().to_owned()),
    }
}

fn has_value(fields: &[(String, Box<RawValue>)], name: &str) -> bool {
    let is_empty = |value: &RawValue| matches!(value.get(), "null" | "\"\"");
    fields.iter().any(|(other, value)| other == name && !is_empty(value))
}

/// The object of these fields.
fn text(fields: &[(String, Box<RawValue>)]) -> String {
    let field = |(name, value): &(String, Box<RawValue>)| {
        format!("{}:{}", Value::String(name.clone()), value.get())
    };
    format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","))
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
