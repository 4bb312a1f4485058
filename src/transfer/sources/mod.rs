//! The systems that users come from: each is a function from a record of its files to a neutral
//! row.
//!
//! A source judges types, times and shapes. Whether the row's values are well-formed is judged for
//! all sources alike, after this. A source never repairs: what it does not understand it reports.

mod auth0;
mod auth0_csv;
pub mod auth0_job;
mod cognito;
mod csv;
mod firebase;
mod keycloak;
mod left_out;
mod neutral;
mod object;
mod supabase;
mod times;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

pub use self::left_out::{Kind, LeftOut, Note};
use self::object::Faults;
use super::{
    input::{Csv, Record, Shape},
    row::{Row, RowIdentity},
};
use crate::domain::{UserId, Violation};

/// The system whose files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The neutral row: one JSON object with the fields of [`Row`].
    Neutral,
    /// A pair of CSV files, read by a column map.
    Csv,
    /// Auth0's export job, as JSON or CSV.
    Auth0,
    /// A user of the file of Auth0's import job, with the connection of the job.
    Auth0Job,
    /// Firebase's `auth:export` as JSON, or `accounts:batchGet`.
    Firebase,
    /// `auth.users` of Supabase as JSON, with the identities in each user.
    Supabase,
    /// Keycloak's export of a realm.
    Keycloak,
    /// Cognito's `list-users`.
    Cognito,
}

/// A record with faults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faulty {
    /// All that is wrong with it, at most 32 violations. Each names the path in the record, such as
    /// `identities/0/user_id`, and no value of it.
    pub violations: Vec<Violation>,
    /// The user, as far as it can be read.
    pub row: Option<Box<Row>>,
}

/// What a record is.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// A user.
    User(Box<Found>),
    /// No user, for the reason in this sentence.
    Skipped(&'static str),
}

/// A user of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// The user.
    pub row: Row,
    /// The source's id, if the row has none because no id here can be it.
    pub source_id: Option<String>,
    /// What does not come along.
    pub left_out: LeftOut,
    /// What an operator has to know.
    pub notes: Vec<Note>,
}

/// Providers whose subjects are numbers or made-up ids, under the names that sources have for them.
/// An email as the subject is what some frameworks store instead.
const NEVER_AN_EMAIL: [&str; 14] = [
    "google",
    "google-oauth2",
    "google.com",
    "google_oauth2",
    "github",
    "github.com",
    "facebook",
    "facebook.com",
    "apple",
    "apple.com",
    "signinwithapple",
    "twitter",
    "twitter.com",
    "discord",
];

impl Format {
    /// What the files of this source look like.
    #[must_use]
    pub fn shape(self) -> Shape {
        let json = Shape {
            list: "users",
            marks: &[],
            csv: Csv::Never,
            not_json: "this is no JSON: the file has to begin with { or [, or to be gzip data of that",
        };
        match self {
            Self::Neutral | Self::Supabase | Self::Auth0Job => json,
            Self::Csv => Shape { csv: Csv::Always, ..json },
            Self::Auth0 => Shape { csv: Csv::Also, ..json },
            Self::Firebase => Shape { marks: &["kind"], not_json: firebase::NOT_JSON, ..json },
            Self::Keycloak => Shape { marks: &["realm"], ..json },
            Self::Cognito => {
                Shape { list: "Users", marks: &["PaginationToken", "NextToken"], ..json }
            }
        }
    }

    /// Reads a record. `now` decides whether a user is blocked until a time.
    ///
    /// # Errors
    /// [`Faulty`].
    pub fn read(self, record: &Record, now: DateTime<Utc>) -> Result<Reading, Faulty> {
        let faults = Faults::default();
        let reading = match (self, record) {
            (Self::Neutral, Record::Json(json)) => neutral::read(json, &faults),
            (Self::Auth0, Record::Json(json)) => auth0::read(json, &faults),
            (Self::Auth0, Record::Csv(row)) => auth0_csv::read(row, &faults),
            (Self::Auth0Job, Record::Json(json)) => auth0_job::read(json, &faults),
            (Self::Firebase, Record::Json(json)) => firebase::read(json, &faults),
            (Self::Supabase, Record::Json(json)) => supabase::read(json, &faults, now),
            (Self::Keycloak, Record::Json(json)) => keycloak::read(json, &faults),
            (Self::Cognito, Record::Json(json)) => cognito::read(json, &faults),
            (Self::Csv, Record::Joined(row)) => csv::read(row, &faults, now),
            (_, Record::Broken(why)) => {
                faults.report("", why);
                None
            }
            _ => {
                faults.report("", "This is no record of this source.");
                None
            }
        };
        let reading = reading.map(|reading| self.checked(reading, &faults));
        let violations = faults.into_violations();
        match reading {
            Some(reading) if violations.is_empty() => Ok(reading),
            Some(Reading::User(found)) => {
                let Found { mut row, source_id, .. } = *found;
                row.id = row.id.or(source_id);
                Err(Faulty { violations, row: Some(Box::new(row)) })
            }
            Some(Reading::Skipped(_)) | None => Err(Faulty { violations, row: None }),
        }
    }

    /// What holds for the users of all sources.
    fn checked(self, reading: Reading, faults: &Faults) -> Reading {
        let Reading::User(mut found) = reading else { return reading };
        if found.row.identities.is_empty() && faults.is_empty() {
            faults.report("identities", self.without_accounts());
        }
        for (index, identity) in found.row.identities.iter().enumerate() {
            let provider = identity.provider.to_ascii_lowercase();
            if identity.subject.contains('@') && NEVER_AN_EMAIL.contains(&provider.as_str()) {
                faults.report(
                    &format!("identities/{index}/subject"),
                    "This is an email: the account's id at the provider, which never changes, is needed.",
                );
            }
        }
        let is_well_formed = |id: &String| UserId::parse(id).is_some();
        if self != Self::Neutral && found.row.id.as_ref().is_some_and(|id| !is_well_formed(id)) {
            found.source_id = found.row.id.take();
            found.notes.push(Note::RenamedId);
        }
        Reading::User(found)
    }

    fn without_accounts(self) -> &'static str {
        match self {
            Self::Firebase => firebase::WITHOUT_ACCOUNTS,
            _ => {
                "A user needs at least one account, and this one has none: no sign-in would find it."
            }
        }
    }
}

/// Gives a user's email, which the source has at no account, to the only account. If there are
/// several, or the only one has another email, it is counted as left out.
fn give_email(found: &mut Found, email: Option<String>, is_verified: bool) {
    let Some(email) = email else { return };
    let identities = found.row.identities.as_mut_slice();
    if identities.iter().any(|identity| identity.email.eq_ignore_ascii_case(&email)) {
        return;
    }
    match identities {
        [only] if only.email.is_empty() => set_email(only, email, is_verified),
        _ => found.left_out.kind(Kind::Email, 1),
    }
}

/// Lays the claims of the user itself over the profile of its first account, where they differ.
fn lay_over(found: &mut Found, claims: Map<String, Value>) {
    let main = found.row.identities.first();
    let differs = |(name, value): &(String, Value)| {
        main.and_then(|main| main.profile_data.get(name)) != Some(value)
    };
    found.row.profile_overrides = claims.into_iter().filter(differs).collect();
}

fn set_email(identity: &mut RowIdentity, email: String, is_verified: bool) {
    identity.email_verified = is_verified && !email.is_empty();
    identity.email = email;
}

#[cfg(test)]
mod tests;
