//! Why a file of users cannot be read further.

use std::{fmt, io};

/// A file that cannot be read further, with the position. The records before it were read.
///
/// Its text has the name of the file and no value of a person.
#[derive(Debug)]
pub struct InputError {
    /// The file as the caller named it; `standard input` for `-`.
    pub file: String,
    /// The position in the uncompressed text, in bytes from 0.
    pub offset: u64,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file or folder cannot be opened.
    #[error("it cannot be opened: {0}")]
    Open(io::Error),
    /// The system reports an error while the file is read.
    #[error("it cannot be read: {0}")]
    Read(io::Error),
    /// A temporary file cannot be written or read.
    #[error("a temporary file cannot be used: {0}")]
    Temporary(io::Error),
    /// Compressed data ends early.
    #[error("the gzip data ends in the middle: copy the file again")]
    GzipCut,
    /// Compressed data contradicts itself.
    #[error("the gzip data is damaged: copy the file again")]
    GzipDamaged,
    /// The bytes are no UTF-8.
    #[error("this byte is not UTF-8: convert the file to UTF-8")]
    Utf8,
    /// The file begins with the byte order mark of UTF-16.
    #[error("the file is UTF-16: convert it to UTF-8")]
    Utf16,
    /// JSON ends within a value.
    #[error(
        "the JSON ends in the middle of a value: the file was cut off, or a bracket is missing"
    )]
    JsonEnds,
    /// JSON that cannot be split into records.
    #[error("the JSON is broken: {0}")]
    Json(&'static str),
    /// The file is of another kind than the source's.
    #[error("{0}")]
    Kind(&'static str),
    /// A record longer than [`super::MAX_RECORD`].
    #[error("a record begins here that is longer than 1 MiB")]
    TooLong,
    /// CSV ends within a row.
    #[error(
        "the CSV ends in the middle of a row: the last line needs its line break, and each quote its partner"
    )]
    CsvEnds,
    /// A header that names a column twice.
    #[error("the header names one column twice: name each column once")]
    ColumnTwice,
    /// A row of accounts with more or fewer fields than the header, so that its user is unknown.
    #[error(
        "this row of accounts has not as many fields as the header, so its user is unknown: quote fields with commas, quotes and line breaks"
    )]
    AccountFields,
    /// A header without the column that a column map names.
    #[error("the header has no column {0}")]
    ColumnMissing(String),
}

impl InputError {
    pub(super) fn new(file: &str, offset: u64, fault: Fault) -> Self {
        Self { file: file.to_owned(), offset, fault }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            fault @ (Fault::Open(_)
            | Fault::Temporary(_)
            | Fault::ColumnMissing(_)
            | Fault::ColumnTwice
            | Fault::AccountFields) => write!(f, "{}: {fault}.", self.file),
            fault => write!(f, "{}, byte {}: {fault}.", self.file, self.offset),
        }
    }
}

impl std::error::Error for InputError {}
