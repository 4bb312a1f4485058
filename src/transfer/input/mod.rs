//! Files of users as records with their places, one record at a time.
//!
//! Memory does not grow with the files. A record that is broken within its bounds is a record, which
//! its source refuses; a file that is broken ends the reading, after all records before that.

mod columns;
mod csv;
mod error;
mod join;
mod json;
mod lines;
mod partitions;
mod scan;
mod spool;
#[cfg(test)]
mod tests;
mod text;

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

pub use self::{
    columns::{CLAIMS, ColumnMap, Columns, FLAG_CLAIMS},
    csv::CsvRow,
    error::{Fault, InputError},
    join::{Joined, JoinedRow},
    lines::{Lines, LinesError},
};
use self::{csv::CsvRows, json::JsonRecords, spool::Spool, text::Text};

/// The longest record, in bytes: 64 times as much as the metadata of a user may have.
pub const MAX_RECORD: usize = 1024 * 1024;

/// Where a record begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, as an index for [`Input::show`].
    pub file: usize,
    /// The line of the uncompressed text, from 1.
    pub line: u64,
    /// How many records begin on the same line before it.
    pub before: u64,
}

/// One user as a file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// The exact text of a JSON value, which may be broken within its brackets.
    Json(String),
    /// A row of CSV.
    Csv(CsvRow),
    /// A row of a file of users with its rows of a file of accounts.
    Joined(JoinedRow),
    /// A row that has no text, with a sentence that says why.
    Broken(&'static str),
}

impl Record {
    /// Hands out all texts of the record, in their order.
    pub fn each_text(&self, mut hand_out: impl FnMut(&str)) {
        match self {
            Self::Json(text) => hand_out(text),
            Self::Broken(why) => hand_out(why),
            Self::Csv(row) => row.texts().for_each(hand_out),
            Self::Joined(JoinedRow { user, accounts, .. }) => {
                let accounts = accounts.iter().map(|(_, row)| row);
                user.iter().chain(accounts).for_each(|row| row.texts().for_each(&mut hand_out));
            }
        }
    }

    /// How many bytes its texts have.
    pub(super) fn bytes(&self) -> usize {
        let mut bytes = 0;
        self.each_text(|text| bytes += text.len());
        bytes
    }
}

/// What kinds of files a source has.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The name of the list in an object that has many users, such as `users`.
    pub list: &'static str,
    /// Members that no user has: an object with one of them has users, or none, and is no user.
    pub marks: &'static [&'static str],
    /// Whether a file may be CSV with a header, or has to be.
    pub csv: Csv,
    /// What is said of a file that is no JSON, as a sentence without its last point.
    pub not_json: &'static str,
}

/// Whether a file may be CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Csv {
    /// It is JSON.
    Never,
    /// It is CSV unless it begins with a bracket.
    Also,
    /// It is CSV.
    Always,
}

/// The files of users of one import, in their order.
pub struct Input {
    files: Vec<(String, Source)>,
}

enum Source {
    File(PathBuf),
    Spool(Spool),
}

impl Input {
    /// The files that these arguments name: a file, `-` for standard input, or a folder for its
    /// files in the order of their names. Hidden files and folders in it are left aside.
    ///
    /// # Errors
    /// If one of them cannot be opened, a folder has no file, or `-` comes twice.
    pub fn open(arguments: &[PathBuf]) -> Result<Self, InputError> {
        Self::open_with(arguments, Box::new(io::stdin()))
    }

    /// The same with another stream in place of standard input.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn open_with(
        arguments: &[PathBuf],
        stream: Box<dyn Read + Send>,
    ) -> Result<Self, InputError> {
        let mut stream = Some(stream);
        let mut files = Vec::new();
        for argument in arguments {
            let name = argument.display().to_string();
            if name == "-" {
                let name = "standard input".to_owned();
                let failed = |fault| InputError::new(&name, 0, fault);
                let twice = || failed(Fault::Kind("standard input can be named once"));
                let stream = stream.take().ok_or_else(twice)?;
                let spool = Spool::new(stream).map_err(|error| failed(Fault::Temporary(error)))?;
                files.push((name, Source::Spool(spool)));
                continue;
            }
            let failed = |error| InputError::new(&name, 0, Fault::Open(error));
            if !fs::metadata(argument).map_err(failed)?.is_dir() {
                // A file that cannot be read is found before the first one is.
                File::open(argument).map_err(failed)?;
                files.push((name, Source::File(argument.clone())));
                continue;
            }
            let inside = files_in(argument).map_err(failed)?;
            if inside.is_empty() {
                return Err(InputError::new(&name, 0, Fault::Kind("the folder has no file")));
            }
            files.extend(
                inside.into_iter().map(|file| (file.display().to_string(), Source::File(file))),
            );
        }
        Ok(Self { files })
    }

    /// A place as a person reads it, such as `users.json:17`.
    #[must_use]
    pub fn show(&self, place: Place) -> String {
        let name = self.files.get(place.file).map_or("?", |(name, _)| name);
        match place.before {
            0 => format!("{name}:{}", place.line),
            before => format!("{name}:{} (record {} of the line)", place.line, before + 1),
        }
    }

    /// All records, from the first file on. It can be called again for the same records. After an
    /// error there is no further one.
    pub fn records(&self, shape: Shape) -> Records<'_> {
        Records { input: self, shape, next_file: 0, current: None, last: None }
    }

    fn text(&self, file: usize) -> Option<Result<Text, InputError>> {
        let (name, source) = self.files.get(file)?;
        let reader: Box<dyn Read + Send> = match source {
            Source::Spool(spool) => Box::new(spool.reader()),
            Source::File(path) => match File::open(path) {
                Ok(file) => Box::new(file),
                Err(error) => return Some(Err(InputError::new(name, 0, Fault::Open(error)))),
            },
        };
        Some(Text::new(name, reader))
    }
}

fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && fs::metadata(&path)?.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The records of an [`Input`].
pub struct Records<'a> {
    input: &'a Input,
    shape: Shape,
    next_file: usize,
    current: Option<Reader>,
    /// Where the last record began.
    last: Option<Place>,
}

enum Reader {
    Json(Box<JsonRecords>),
    Csv(Box<CsvRows>),
}

impl Reader {
    fn new(mut text: Text, shape: Shape) -> Result<Self, InputError> {
        let is_csv = match shape.csv {
            Csv::Never => false,
            Csv::Always => true,
            Csv::Also => !is_json(&mut text)?,
        };
        Ok(match is_csv {
            true => Self::Csv(Box::new(CsvRows::new(text)?)),
            false => Self::Json(Box::new(JsonRecords::new(text, shape))),
        })
    }

    fn next(&mut self) -> Result<Option<(u64, Record)>, InputError> {
        Ok(match self {
            Self::Json(json) => json.next()?.map(|(line, text)| (line, Record::Json(text))),
            Self::Csv(csv) => csv.next()?.map(|(line, row)| (line, Record::Csv(row))),
        })
    }
}

/// Whether a text begins as JSON does.
fn is_json(text: &mut Text) -> Result<bool, InputError> {
    loop {
        match text.peek()? {
            Some(b' ' | b'\t' | b'\n' | b'\r') => text.consume(1),
            next => return Ok(matches!(next, Some(b'{' | b'['))),
        }
    }
}

impl Records<'_> {
    fn advance(&mut self) -> Result<Option<(Place, Record)>, InputError> {
        loop {
            if let Some(reader) = &mut self.current {
                if let Some((line, record)) = reader.next()? {
                    let file = self.next_file - 1;
                    let last = self.last.filter(|last| last.file == file && last.line == line);
                    let before = last.map_or(0, |last| last.before + 1);
                    let place = Place { file, line, before };
                    self.last = Some(place);
                    return Ok(Some((place, record)));
                }
                self.current = None;
            }
            let Some(text) = self.input.text(self.next_file) else { return Ok(None) };
            self.next_file += 1;
            self.current = Some(Reader::new(text?, self.shape)?);
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<(Place, Record), InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance();
        if next.is_err() {
            (self.next_file, self.current) = (self.input.files.len(), None);
        }
        next.transpose()
    }
}
