//! What became of a row, and the report of the rows that were refused.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use serde::Serialize;

use crate::domain::{UserId, Violation};

/// Why a row is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Reason {
    /// The place in the row, such as `identities/0/subject`; empty for the whole row.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// A stable word.
    pub reason: ReasonCode,
    /// A sentence that says what is wrong.
    pub description: String,
}

/// The stable words of the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReasonCode {
    /// A field is not well-formed.
    Invalid,
    /// Another row of the file has the same account or id.
    Repeated,
    /// The account belongs to another user here.
    IdentityTaken,
    /// The id is another user's here, or is the name of a user that was absorbed.
    IdTaken,
    /// The user or the account was deleted here.
    Deleted,
    /// The account belongs to a user that may not be attached.
    NotAttached,
}

impl ReasonCode {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::Repeated => "REPEATED",
            Self::IdentityTaken => "IDENTITY_TAKEN",
            Self::IdTaken => "ID_TAKEN",
            Self::Deleted => "DELETED",
            Self::NotAttached => "NOT_ATTACHED",
        }
    }
}

impl Reason {
    /// A reason at a field.
    pub(super) fn new(
        reason: ReasonCode,
        field: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), reason, description: description.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.description),
            field => write!(f, "{field}: {}", self.description),
        }
    }
}

impl From<Violation> for Reason {
    fn from(Violation { field, description }: Violation) -> Self {
        Self::new(ReasonCode::Invalid, field, description)
    }
}

/// A refused row, as a line of the report.
#[derive(Debug, Serialize)]
pub(super) struct Refused<'a> {
    /// Where the row begins, such as `users.json:17`.
    pub place: String,
    /// Why, at least one reason.
    pub reasons: &'a [Reason],
}

/// A file that grows with the batches: a run that was interrupted goes on at the length that its
/// last batch committed.
#[derive(Debug)]
pub(super) struct GrowingFile {
    file: File,
    length: u64,
}

impl GrowingFile {
    /// Opens the file of a run that had committed this many bytes of it. Only its owner may read
    /// it.
    ///
    /// # Errors
    /// If the file cannot be opened, or is shorter.
    pub(super) fn open(path: &Path, length: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        // Before the first batch is committed, nothing that is in it counts.
        let mut file = options.create(length == 0).truncate(length == 0).open(path)?;
        if file.metadata()?.len() < length {
            return Err(io::Error::other(format!(
                "is shorter than the {length} bytes that the run had written"
            )));
        }
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        Ok(Self { file, length })
    }

    /// Appends these bytes, and waits until they are on the disk.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !bytes.is_empty() {
            self.file.write_all(bytes)?;
            self.file.sync_data()?;
            self.length += u64::try_from(bytes.len()).unwrap_or_default();
        }
        Ok(())
    }

    /// Cuts it to a length that it had.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn cut(&mut self, length: u64) -> io::Result<()> {
        if self.length != length {
            self.file.set_len(length)?;
            self.file.seek(SeekFrom::Start(length))?;
            self.length = length;
        }
        Ok(())
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> u64 {
        self.length
    }
}

/// A line of the map of ids, as CSV.
pub(super) fn id_map_line(source: &str, id: &UserId) -> String {
    let quoted = source.replace('"', "\"\"");
    format!("\"{quoted}\",\"{id}\"\n", id = id.as_str().replace('"', "\"\""))
}
