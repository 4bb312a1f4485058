//! The files of an import, and how they are read.

use chrono::{DateTime, Utc};
use uuid::{Builder, Uuid};

use super::ProviderMap;
use crate::transfer::{
    fingerprint::Fingerprint,
    input::{Input, InputError, Joined, Lines, Place, Record},
    sources::{Faulty, Format, Reading},
};

/// The files of an import, and how they are read.
pub struct Source {
    files: Files,
    format: Format,
    /// What makes another run of the same files.
    options: Vec<String>,
}

/// Where the records come from.
pub enum Files {
    /// Files that have each user as a whole.
    Whole(Input),
    /// A CSV file of users, joined with one of accounts.
    Joined {
        /// The records.
        joined: Joined,
        /// The file of users.
        users: Input,
    },
    /// Rows that a caller sent, one a line.
    Sent(Lines),
}

impl Source {
    /// The files, in this format and with these providers.
    pub fn new(files: Files, format: Format, providers: &ProviderMap) -> Self {
        let options = [format!("{format:?}")].into_iter().chain(providers.entries()).collect();
        Self { files, format, options }
    }

    /// The records from the first one on.
    pub fn records(&self) -> Box<dyn Iterator<Item = Result<(Place, Record), InputError>> + '_> {
        match &self.files {
            Files::Whole(input) => Box::new(input.records(self.format.shape())),
            Files::Joined { joined, .. } => Box::new(joined.records()),
            Files::Sent(lines) => Box::new(lines.records()),
        }
    }

    /// What a record is.
    ///
    /// # Errors
    /// All faults of types, times and shapes.
    pub fn read(&self, record: &Record, now: DateTime<Utc>) -> Result<Reading, Faulty> {
        self.format.read(record, now)
    }

    /// A place as a person reads it, such as `users.json:17`, or `line 17` of sent rows.
    pub fn show(&self, place: Place) -> String {
        match &self.files {
            Files::Whole(input) | Files::Joined { users: input, .. } => input.show(place),
            Files::Sent(_) => format!("line {}", place.line),
        }
    }

    /// The hash of the options, to which the records are to be added: it is of all that decides what
    /// a run imports.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut fingerprint = Fingerprint::new();
        self.options.iter().for_each(|option| fingerprint.add_text(option));
        fingerprint
    }
}

/// The id of the run with this fingerprint.
pub(super) fn run_id(fingerprint: Fingerprint) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(fingerprint.finish().split_at(16).0);
    Builder::from_custom_bytes(bytes).into_uuid()
}
