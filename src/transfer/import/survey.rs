//! The first pass over the files: reads and checks each row, and writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    Source,
    check::Checker,
    keys::{KeyHash, Keys, KeysError, Repeated, RowNumber},
    providers::Mapped,
};
use crate::transfer::{
    input::InputError,
    sources::{LeftOut, Note, Reading},
};

/// What the files hold.
#[derive(Debug, Default)]
pub struct Survey {
    /// How many rows there are.
    pub rows: u64,
    /// How many of them have faults.
    pub invalid: u64,
    /// How many are no users, by what they are instead.
    pub skipped: BTreeMap<&'static str, u64>,
    /// The providers, by the names that the files have for them.
    pub providers: BTreeMap<String, FileProvider>,
    /// How many accounts the map leaves out.
    pub accounts_left_out: u64,
    /// What the rows have and users do not.
    pub left_out: LeftOut,
    /// What an operator has to know of how many rows were read.
    pub notes: BTreeMap<Note, u64>,
    /// How many emails the source says are verified.
    pub verified_emails: u64,
    /// How many of them count by today's configuration.
    pub counting_emails: u64,
    /// How many verified addresses occur in several rows.
    pub shared_emails: u64,
    /// The accounts and ids that occur in several rows.
    pub repeated: Repeated,
    /// Names the run: another file, or other options, are another run.
    pub run: Uuid,
}

/// A provider as the files name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProvider {
    /// How many accounts there are.
    pub accounts: u64,
    /// Which provider of the tenant it is.
    pub mapped: Mapped,
}

/// Why the first pass ended early.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// A file is broken.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The keys cannot be compared.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

impl Survey {
    /// Reads the files from the beginning to the end. `done` hears of the number of rows so far.
    ///
    /// # Errors
    /// [`SurveyError`].
    pub fn of(source: &Source, checker: &Checker, done: &dyn Fn(u64)) -> Result<Self, SurveyError> {
        let mut survey = Self::default();
        let mut keys = Keys::new()?;
        let mut emails = Keys::new()?;
        let mut fingerprint = source.fingerprint();
        for record in source.records() {
            let (place, record) = record?;
            let row = RowNumber { number: survey.rows, place };
            fingerprint.add(&record);
            match source.read(&record, checker.now) {
                Ok(Reading::Skipped(what)) => *survey.skipped.entry(what).or_default() += 1,
                Ok(Reading::User(found)) => {
                    survey.left_out.add(&found.left_out);
                    for note in &found.notes {
                        *survey.notes.entry(*note).or_default() += 1;
                    }
                    for identity in &found.row.identities {
                        survey.count_account(&identity.provider, checker);
                    }
                    match checker.check(found.row) {
                        Ok(checked) => {
                            survey.accounts_left_out += checked.left_out;
                            checked.keys().try_for_each(|key| keys.note(key, row))?;
                            let mut addresses = BTreeSet::new();
                            for (address, counts) in checked.verified_emails(&checker.tenant) {
                                survey.verified_emails += 1;
                                survey.counting_emails += u64::from(counts);
                                addresses.insert(KeyHash::of_email(address));
                            }
                            addresses.into_iter().try_for_each(|key| emails.note(key, row))?;
                        }
                        Err(_) => survey.invalid += 1,
                    }
                }
                Err(_) => survey.invalid += 1,
            }
            survey.rows += 1;
            done(survey.rows);
        }
        survey.repeated = keys.repeated()?;
        survey.shared_emails = emails.shared()?;
        survey.run = fingerprint.id();
        Ok(survey)
    }

    /// The names for which the map has to name a provider before a row is written.
    pub fn unmapped(&self) -> impl Iterator<Item = &str> {
        let missing = self.providers.iter().filter(|(_, known)| known.mapped == Mapped::Missing);
        missing.map(|(name, _)| name.as_str())
    }

    fn count_account(&mut self, name: &str, checker: &Checker) {
        if let Some(known) = self.providers.get_mut(name) {
            known.accounts += 1;
        } else {
            let mapped = checker.providers.get(name, &checker.tenant);
            self.providers.insert(name.to_owned(), FileProvider { accounts: 1, mapped });
        }
    }
}
