//! The second pass over the files: reads them again, and hands out the rows in batches.

use uuid::Uuid;

use super::{
    ImportError, Source, Survey,
    check::{CheckedRow, Checker},
    keys::KeyHash,
    source::run_id,
    verdict::{Reason, ReasonCode, RefusedRow},
};
use crate::{
    domain::{UserId, Violation},
    store::ImportedUser,
    transfer::{
        input::Place,
        sources::{Faulty, Reading},
    },
};

/// The most rows of a batch: one transaction, which commits well within a second.
pub(super) const BATCH: usize = 500;
/// The bytes of rows after which a batch ends earlier.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Rows that follow each other.
#[derive(Debug)]
pub(super) struct Batch {
    /// The number of the first row in all files, from 0.
    pub first: u64,
    /// The rows.
    pub rows: Vec<ReadRow>,
}

impl Batch {
    /// The number of the row after the last one.
    pub(super) fn end(&self) -> u64 {
        self.first + u64::try_from(self.rows.len()).unwrap_or_default()
    }
}

/// A row, before the database has been asked.
#[derive(Debug)]
pub(super) struct ReadRow {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub what: What,
}

/// What a row is.
#[derive(Debug)]
pub(super) enum What {
    /// A user.
    User(Box<NewUser>),
    /// A user that is here, with which those that had its accounts were linked.
    Attached(Box<Attached>),
    /// No user, as the source says.
    Skipped,
    /// A row with faults.
    Refused(RefusedRow),
}

/// The user of a row, with the users that were linked into it, or in a dry run would be.
#[derive(Debug)]
pub(super) struct Attached {
    /// The user of the row.
    pub user: UserId,
    /// Whether this run created it.
    pub is_created: bool,
    /// The users that had accounts of the row.
    pub linked: Vec<UserId>,
    /// The id of the source that is not its id here.
    pub source_id: Option<String>,
}

/// The user that a row becomes, if its names are free.
#[derive(Debug)]
pub(super) struct NewUser {
    /// The user with its aliases.
    pub imported: ImportedUser,
    /// Whether the row has its id. Otherwise it is random.
    pub has_own_id: bool,
    /// The id of the source that cannot be its id here.
    pub source_id: Option<String>,
    /// The places of its accounts in the row.
    pub places: Vec<usize>,
    /// Its ids and accounts that other rows have too: no new user gets them.
    pub repeated: Vec<Reason>,
}

impl NewUser {
    /// The row, of which nothing is written for these reasons.
    pub(super) fn refused(&self, reasons: Vec<Reason>) -> RefusedRow {
        let own = self.has_own_id.then(|| self.imported.user.id.as_str());
        RefusedRow::new(own.or(self.source_id.as_deref()), reasons)
    }
}

/// Reads the rows from number `from` on. `hand_out` says whether more are wanted.
///
/// # Errors
/// [`ImportError::Input`] if a file is broken, and [`ImportError::Changed`] if it is another one than in
/// the first pass; the batches before were handed out.
pub(super) fn read_batches(
    source: &Source,
    checker: &Checker,
    survey: &Survey,
    from: u64,
    mut hand_out: impl FnMut(Batch) -> bool,
) -> Result<(), ImportError> {
    let mut fingerprint = source.fingerprint();
    let mut batch = Batch { first: from, rows: Vec::with_capacity(BATCH) };
    let mut bytes = 0;
    for (number, record) in (0_u64..).zip(source.records()) {
        let (place, record) = record?;
        fingerprint.add(&record);
        if number < from {
            continue;
        }
        let repeated = survey.repeated.get(&number).map_or(&[][..], Vec::as_slice);
        let what = match source.read(&record, checker.now) {
            Ok(Reading::Skipped(_)) => What::Skipped,
            Ok(Reading::User(found)) => {
                let id = found.row.id.clone().or_else(|| found.source_id.clone());
                match checker.check(found.row) {
                    Ok(row) => {
                        let repeated = repetitions(&row, repeated, source);
                        What::User(Box::new(new_user(row, found.source_id, repeated, checker)))
                    }
                    Err(violations) => invalid(id.as_deref(), violations),
                }
            }
            Err(Faulty { violations, row }) => {
                invalid(row.and_then(|row| row.id).as_deref(), violations)
            }
        };
        batch.rows.push(ReadRow { place, what });
        bytes += record.bytes();
        if batch.rows.len() == BATCH || bytes >= BATCH_BYTES {
            bytes = 0;
            let next = Batch { first: number + 1, rows: Vec::with_capacity(BATCH) };
            if !hand_out(std::mem::replace(&mut batch, next)) {
                return Ok(());
            }
        }
    }
    if !batch.rows.is_empty() {
        hand_out(batch);
    }
    if run_id(fingerprint) == survey.run { Ok(()) } else { Err(ImportError::Changed) }
}

fn new_user(
    row: CheckedRow,
    source_id: Option<String>,
    repeated: Vec<Reason>,
    checker: &Checker,
) -> NewUser {
    let has_own_id = row.id.is_some();
    let id = row.id.clone().unwrap_or_else(|| UserId::from_uuid(Uuid::new_v4()));
    let places = row.identities().map(|(place, _)| place).collect();
    let imported = row.into_imported(&id, checker.now);
    NewUser { imported, has_own_id, source_id, places, repeated }
}

fn invalid(id: Option<&str>, violations: Vec<Violation>) -> What {
    What::Refused(RefusedRow::new(id, violations.into_iter().map(Reason::from).collect()))
}

/// The keys of a row that other rows have too.
fn repetitions(row: &CheckedRow, repeated: &[(KeyHash, Place)], source: &Source) -> Vec<Reason> {
    let other = |key| repeated.iter().find(|(hash, _)| *hash == key).map(|(_, place)| *place);
    let reason = |field: String, what: &str, key| {
        let place = source.show(other(key)?);
        let text = format!("This {what} is also in {place}: neither row becomes a new user.");
        Some(Reason::new(ReasonCode::Repeated, field, text))
    };
    row.named_keys().filter_map(|(field, what, key)| reason(field, what, key)).collect()
}
