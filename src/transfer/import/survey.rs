//! The first pass over the files: reads and checks each row, and writes nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    panic::resume_unwind,
    sync::mpsc::{self, SyncSender},
    thread,
};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Source,
    check::Checker,
    keys::{KeyHash, Keys, KeysError, Repeated, RowNumber},
    providers::Mapped,
    source::run_id,
};
use crate::transfer::{
    input::{InputError, Place, Record},
    sources::{Faulty, LeftOut, Note, Reading},
};

/// How many records go from one thread to the other together, fewer if they are long, and how many
/// times that many may wait.
const PORTION: usize = 256;
const PORTION_BYTES: usize = 1024 * 1024;
const READ_AHEAD: usize = 4;
/// The most providers that are counted by name, and the longest such name, in bytes. Others that
/// are not mapped are one, named `…`.
const MAX_PROVIDERS: usize = 1000;
const MAX_NAME: usize = 255;
const OTHERS: &str = "…";

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
    /// These addresses, but not all of a great many.
    pub(super) shared_in_files: HashSet<KeyHash>,
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
    /// A stop was requested.
    #[error("stopped before the end")]
    Stopped,
    /// A fault in the code.
    #[error("the first pass did not finish: {0}")]
    Panicked(String),
}

impl Survey {
    /// Reads the files from the beginning to the end, or until `stop`. `done` hears of the number of
    /// rows so far.
    ///
    /// # Errors
    /// [`SurveyError`].
    pub fn of(
        source: &Source,
        checker: &Checker,
        stop: &CancellationToken,
        done: &dyn Fn(u64),
    ) -> Result<Self, SurveyError> {
        let mut survey = Self::default();
        let (mut keys, mut emails) = (Keys::new()?, Keys::new()?);
        // The files are split into records on a thread of their own.
        survey.run = thread::scope(|scope| {
            let (sender, records) = mpsc::sync_channel(READ_AHEAD);
            let splitting = scope.spawn(move || split(source, &sender));
            for (place, record) in records.iter().flatten() {
                if stop.is_cancelled() {
                    return Err(SurveyError::Stopped);
                }
                let row = RowNumber { number: survey.rows, place };
                survey.add(
                    source.read(&record, checker.now),
                    row,
                    checker,
                    &mut keys,
                    &mut emails,
                )?;
                done(survey.rows);
            }
            let ended = splitting.join();
            Ok::<_, SurveyError>(ended.unwrap_or_else(|panic| resume_unwind(panic))?)
        })?;
        survey.repeated = keys.repeated()?;
        let shared = emails.shared()?;
        (survey.shared_emails, survey.shared_in_files) = (shared.count, shared.keys);
        Ok(survey)
    }

    /// Adds the next row, and notes its keys and emails.
    fn add(
        &mut self,
        reading: Result<Reading, Faulty>,
        row: RowNumber,
        checker: &Checker,
        keys: &mut Keys,
        emails: &mut Keys,
    ) -> Result<(), KeysError> {
        self.rows += 1;
        match reading {
            Ok(Reading::Skipped(what)) => *self.skipped.entry(what).or_default() += 1,
            Ok(Reading::User(found)) => {
                self.left_out.add(&found.left_out);
                for note in &found.notes {
                    *self.notes.entry(*note).or_default() += 1;
                }
                for identity in &found.row.identities {
                    self.count_account(&identity.provider, checker);
                }
                note(checker.keys(&found.row), row, keys)?;
                match checker.check(found.row) {
                    Ok(checked) => {
                        self.accounts_left_out += checked.left_out;
                        let mut addresses = BTreeSet::new();
                        for (address, counts) in checked.verified_emails(&checker.tenant) {
                            self.verified_emails += 1;
                            self.counting_emails += u64::from(counts);
                            addresses.insert(KeyHash::of_email(address));
                        }
                        note(addresses, row, emails)?;
                    }
                    Err(_) => self.invalid += 1,
                }
            }
            Err(faulty) => {
                self.invalid += 1;
                // A row with faults may be the owner of what another row has too.
                if let Some(read) = &faulty.row {
                    note(checker.keys(read), row, keys)?;
                }
            }
        }
        Ok(())
    }

    /// The names for which the map has to name a provider before a row is written.
    pub fn unmapped(&self) -> impl Iterator<Item = &str> {
        let missing = self.providers.iter().filter(|(_, known)| known.mapped == Mapped::Missing);
        missing.map(|(name, _)| name.as_str())
    }

    fn count_account(&mut self, name: &str, checker: &Checker) {
        if let Some(known) = self.providers.get_mut(name) {
            known.accounts += 1;
            return;
        }
        let mapped = checker.providers.get(name, &checker.tenant);
        let is_one_too_many = self.providers.len() >= MAX_PROVIDERS || name.len() > MAX_NAME;
        let name = if mapped == Mapped::Missing && is_one_too_many { OTHERS } else { name };
        let new = FileProvider { accounts: 0, mapped };
        self.providers.entry(name.to_owned()).or_insert(new).accounts += 1;
    }
}

fn note(found: BTreeSet<KeyHash>, row: RowNumber, keys: &mut Keys) -> Result<(), KeysError> {
    found.into_iter().try_for_each(|key| keys.note(key, row))
}

/// Splits the files into records, and sends them in portions until the other thread takes no more.
/// Returns the name of the run.
fn split(source: &Source, sender: &SyncSender<Vec<(Place, Record)>>) -> Result<Uuid, InputError> {
    let mut fingerprint = source.fingerprint();
    let (mut portion, mut bytes) = (Vec::with_capacity(PORTION), 0);
    for record in source.records() {
        let (place, record) = record?;
        fingerprint.add(&record);
        bytes += record.bytes();
        portion.push((place, record));
        if portion.len() == PORTION || bytes >= PORTION_BYTES {
            let whole = std::mem::replace(&mut portion, Vec::with_capacity(PORTION));
            if sender.send(whole).is_err() {
                break;
            }
            bytes = 0;
        }
    }
    // If it is not taken, the other thread has ended with an error.
    drop(sender.send(portion));
    Ok(run_id(fingerprint))
}
