//! The file of new subjects: CSV with the columns `old` and `new`.

use std::path::PathBuf;

use super::{Reason, ReasonCode};
use crate::{
    domain::{IdentityRef, Provider, Subject},
    store::Rename,
    transfer::{
        fingerprint::Fingerprint,
        import::{
            SurveyError,
            keys::{KeyHash, Keys, Repeated, RowNumber},
        },
        input::{Csv, Input, InputError, Place, Record, Shape},
    },
};

/// A file is CSV, whatever it begins with.
const SHAPE: Shape = Shape { list: "", marks: &[], csv: Csv::Always, not_json: "" };

/// The file of new subjects, which is read several times.
pub struct SubjectMap(Input);

/// A row of the file.
pub(super) struct MapRow {
    /// Its number, from 0.
    pub number: u64,
    /// Where it begins.
    pub place: Place,
    /// What it renames, or why it is refused.
    pub rename: Result<Rename, Reason>,
}

/// What a first reading of the file found.
pub(super) struct Survey {
    /// How many rows there are.
    pub rows: u64,
    /// SHA-256 of all rows.
    pub fingerprint: [u8; 32],
    /// The rows that share a subject with another row.
    pub repeated: Repeated,
}

impl SubjectMap {
    /// Opens the file; `-` stands for standard input.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(file: PathBuf) -> Result<Self, InputError> {
        Input::open(&[file]).map(Self)
    }

    /// The rows from the first one on.
    pub(super) fn rows(&self) -> impl Iterator<Item = Result<MapRow, InputError>> + '_ {
        let rows = (0..).zip(self.0.records(SHAPE));
        rows.map(|(number, record)| {
            let (place, record) = record?;
            Ok(MapRow { number, place, rename: rename(&record) })
        })
    }

    /// A place as a person reads it, such as `subjects.csv:17`.
    pub(super) fn show(&self, place: Place) -> String {
        self.0.show(place)
    }

    /// Reads all rows, and finds those that share a subject. A subject may be in one row only, as the
    /// old one, the new one or both: so no row depends on whether another one was settled before.
    ///
    /// # Errors
    /// [`SurveyError`].
    pub(super) fn survey(&self, provider: &Provider) -> Result<Survey, SurveyError> {
        let (mut keys, mut fingerprint, mut rows) = (Keys::new()?, Fingerprint::new(), 0);
        for record in self.0.records(SHAPE) {
            let (place, record) = record?;
            fingerprint.add(&record);
            if let Ok(Rename { old, new }) = rename(&record) {
                let row = RowNumber { number: rows, place };
                let key = |subject| {
                    KeyHash::of_identity(&IdentityRef { provider: provider.clone(), subject })
                };
                let is_other = old != new;
                keys.note(key(old), row)?;
                if is_other {
                    keys.note(key(new), row)?;
                }
            }
            rows += 1;
        }
        Ok(Survey { rows, fingerprint: fingerprint.finish(), repeated: keys.repeated()? })
    }
}

fn rename(record: &Record) -> Result<Rename, Reason> {
    let Record::Csv(row) = record else {
        return Err(Reason::new(ReasonCode::Invalid, "The row must be CSV."));
    };
    let mut columns =
        row.columns().map_err(|fault| Reason::new(ReasonCode::Invalid, fault.description))?;
    let (mut old, mut new) = (None, None);
    for (name, value) in &mut columns {
        match name {
            "old" => old = Some(value),
            "new" => new = Some(value),
            _ => {}
        }
    }
    let (Some(old), Some(new)) = (old, new) else {
        let text = "The header must name the columns old and new.";
        return Err(Reason::new(ReasonCode::Invalid, text));
    };
    match (Subject::parse(old), Subject::parse(new)) {
        (Some(old), Some(new)) => Ok(Rename { old, new }),
        (old, new) => {
            let wrong = [("old", old.is_none()), ("new", new.is_none())];
            let wrong = wrong.iter().filter(|(_, is_wrong)| *is_wrong).map(|(name, _)| *name);
            let text = format!("{} {}.", wrong.collect::<Vec<_>>().join(" and "), Subject::FORM);
            Err(Reason::new(ReasonCode::Invalid, text))
        }
    }
}
