//! The rows of a CSV file with a header (RFC 4180), one at a time.

use std::{mem, sync::Arc};

use csv_core::{ReadRecordResult, Reader};

use super::{Fault, InputError, MAX_RECORD, text::Text};
use crate::domain::Violation;

/// The fields of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields {
    /// All fields, one behind the other.
    text: String,
    /// Where each ends, at the boundary of a character.
    ends: Vec<usize>,
}

impl Fields {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn push(&mut self, field: &str) {
        self.text.push_str(field);
        self.ends.push(self.text.len());
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.text.get(start..*end).unwrap_or_default())
    }
}

/// A row with the names of its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvRow {
    names: Arc<[String]>,
    fields: Fields,
}

impl CsvRow {
    pub(super) fn new(names: Arc<[String]>, fields: Fields) -> Self {
        Self { names, fields }
    }

    /// The names of the columns, and then the fields as they are.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str).chain(self.fields.iter())
    }

    /// The columns with their names, in the order of the file.
    ///
    /// # Errors
    /// If the row has more or fewer fields than the header: no field can be relied on then.
    pub fn columns(&self) -> Result<impl Iterator<Item = (&str, &str)>, Violation> {
        if self.is_whole() {
            return Ok(self.names.iter().map(String::as_str).zip(self.fields.iter()));
        }
        let (expected, found) = (self.names.len(), self.fields.len());
        let text = format!(
            "This row has {found} fields, and the header has {expected}: quote fields with commas, quotes and line breaks."
        );
        Err(Violation::new("", text))
    }

    /// The value of a column; empty if the row has none.
    #[must_use]
    pub fn value(&self, column: &str) -> &str {
        let named = self.names.iter().zip(self.fields.iter()).find(|(name, _)| *name == column);
        named.map(|(_, field)| field).unwrap_or_default()
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> &Arc<[String]> {
        &self.names
    }

    pub(super) fn into_fields(self) -> Fields {
        self.fields
    }

    /// Whether it has a field for each column.
    pub(super) fn is_whole(&self) -> bool {
        self.names.len() == self.fields.len()
    }
}

/// The rows of one text.
pub(super) struct CsvRows {
    text: Text,
    reader: Reader,
    names: Arc<[String]>,
    /// Room for the bytes and the ends of the present row.
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl CsvRows {
    /// Reads the header.
    ///
    /// # Errors
    /// If the text cannot be read, or its header names a column twice.
    pub(super) fn new(text: Text) -> Result<Self, InputError> {
        let mut rows = Self {
            text,
            reader: Reader::new(),
            names: Arc::new([]),
            bytes: vec![0; 1024],
            ends: vec![0; 32],
        };
        let start = rows.text.offset();
        let Some((_, header)) = rows.row()? else { return Ok(rows) };
        let mut names: Vec<String> = Vec::new();
        for name in header.iter() {
            if names.iter().any(|earlier| earlier == name) {
                return Err(rows.text.fault_at(start, Fault::ColumnTwice));
            }
            names.push(name.to_owned());
        }
        rows.names = names.into();
        Ok(rows)
    }

    /// The next row, with the line on which it begins; `None` behind the last one.
    ///
    /// # Errors
    /// If the text cannot be read further.
    pub(super) fn next(&mut self) -> Result<Option<(u64, CsvRow)>, InputError> {
        let row = self.row()?;
        Ok(row.map(|(line, fields)| (line, CsvRow::new(Arc::clone(&self.names), fields))))
    }

    fn row(&mut self) -> Result<Option<(u64, Fields)>, InputError> {
        while matches!(self.text.peek()?, Some(b'\r' | b'\n')) {
            self.text.consume(1);
        }
        if self.text.peek()?.is_none() {
            return Ok(None);
        }
        let (start, line) = (self.text.offset(), self.text.line());
        let (mut length, mut count) = (0, 0);
        loop {
            let chunk = self.text.chunk()?;
            if chunk.is_empty() {
                // The line break that ends the last row is missing: a cut file looks like that.
                return Err(self.text.fault_at(start, Fault::CsvEnds));
            }
            let bytes = self.bytes.get_mut(length..).unwrap_or_default();
            let ends = self.ends.get_mut(count..).unwrap_or_default();
            let (result, read, written, ended) = self.reader.read_record(chunk, bytes, ends);
            (length, count) = (length + written, count + ended);
            self.text.consume(read);
            if length > MAX_RECORD {
                return Err(self.text.fault_at(start, Fault::TooLong));
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.bytes.resize(self.bytes.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(None),
            }
        }
        let ends = self.ends.iter().take(count).copied().collect();
        let mut bytes = mem::replace(&mut self.bytes, vec![0; 1024]);
        bytes.truncate(length);
        // Bytes that are a character only together with the next field's are none.
        let text = String::from_utf8(bytes).ok();
        let fields = text.map(|text| Fields { text, ends });
        let fields = fields
            .filter(|fields| fields.ends.iter().all(|end| fields.text.is_char_boundary(*end)));
        match fields {
            Some(fields) => Ok(Some((line, fields))),
            None => Err(self.text.fault_at(start, Fault::Utf8)),
        }
    }
}
