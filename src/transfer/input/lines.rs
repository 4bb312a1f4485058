//! Rows that a caller sends in parts, kept so that they can be read twice: one record a line.
//!
//! A line that is too long, or is no UTF-8, is a record that its source refuses. So no line of a
//! caller ends the reading.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    os::unix::fs::FileExt as _,
};

use super::{Fault, InputError, MAX_RECORD, Place, Record};

const BUFFER: usize = 64 * 1024;
/// UTF-8's byte order mark.
const MARK: &[u8] = &[0xef, 0xbb, 0xbf];

const TOO_LONG: &str = "This row is longer than 1 MiB.";
const NO_UTF8: &str = "This row is not UTF-8: convert it to UTF-8.";

/// Lines in an unlinked temporary file, which no other process can open. It is gone with this value.
pub struct Lines {
    file: File,
    length: u64,
    max: u64,
}

/// Why lines cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    /// There would be more bytes than the maximum.
    #[error("the lines are longer than {0} bytes")]
    TooLong(u64),
    /// The temporary file cannot be used.
    #[error("a temporary file cannot be used: {0}; TMPDIR names its folder")]
    Io(#[from] io::Error),
}

impl Lines {
    /// No lines yet, of at most `max` bytes.
    ///
    /// # Errors
    /// If there can be no temporary file.
    pub fn new(max: u64) -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, length: 0, max })
    }

    /// Adds whole lines. The last one gets its line break if it has none.
    ///
    /// # Errors
    /// [`LinesError`]; then none of them counts.
    pub fn add(&mut self, lines: &[u8]) -> Result<(), LinesError> {
        let end: &[u8] = match lines.last() {
            None | Some(b'\n') => &[],
            Some(_) => b"\n",
        };
        let mut length = self.length;
        for part in [lines, end] {
            let next = length.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
            if next > self.max {
                return Err(LinesError::TooLong(self.max));
            }
            self.file.write_all_at(part, length)?;
            length = next;
        }
        self.length = length;
        Ok(())
    }

    /// The records from the first line on. Lines of white space are none.
    pub(in crate::transfer) fn records(&self) -> LineRecords<'_> {
        let reader = Reading { lines: self, at: 0 };
        LineRecords { reader: BufReader::with_capacity(BUFFER, reader), line: 0, is_over: false }
    }
}

/// Reads the lines from the first byte on.
struct Reading<'a> {
    lines: &'a Lines,
    at: u64,
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.lines.length - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let count =
            self.lines.file.read_at(buffer.get_mut(..wanted).unwrap_or_default(), self.at)?;
        self.at += u64::try_from(count).unwrap_or(u64::MAX);
        Ok(count)
    }
}

/// The records of [`Lines`].
pub(in crate::transfer) struct LineRecords<'a> {
    reader: BufReader<Reading<'a>>,
    /// The number of the last line.
    line: u64,
    is_over: bool,
}

impl LineRecords<'_> {
    /// The next line without its end, as far as it is kept; `None` behind the last one.
    fn next_line(&mut self) -> io::Result<Option<(Vec<u8>, bool)>> {
        let (mut kept, mut is_too_long, mut is_any) = (Vec::new(), false, false);
        loop {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                return Ok(is_any.then_some((kept, is_too_long)));
            }
            is_any = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let (part, _) = chunk.split_at(end.unwrap_or(chunk.len()));
            if kept.len() + part.len() > MAX_RECORD {
                (kept, is_too_long) = (Vec::new(), true);
            } else if !is_too_long {
                kept.extend_from_slice(part);
            }
            let consumed = part.len() + usize::from(end.is_some());
            self.reader.consume(consumed);
            if end.is_some() {
                return Ok(Some((kept, is_too_long)));
            }
        }
    }

    fn advance(&mut self) -> io::Result<Option<(Place, Record)>> {
        while let Some((mut bytes, is_too_long)) = self.next_line()? {
            self.line += 1;
            if self.line == 1 && bytes.starts_with(MARK) {
                bytes.drain(..MARK.len());
            }
            let record = match String::from_utf8(bytes) {
                _ if is_too_long => Record::Broken(TOO_LONG),
                Err(_) => Record::Broken(NO_UTF8),
                // White space around a value is none of its text, as in a file.
                Ok(text) => match text.trim_matches([' ', '\t', '\r']) {
                    "" => continue,
                    text => Record::Json(text.to_owned()),
                },
            };
            return Ok(Some((Place { file: 0, line: self.line, before: 0 }, record)));
        }
        Ok(None)
    }
}

impl Iterator for LineRecords<'_> {
    type Item = Result<(Place, Record), InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.advance();
        self.is_over = !matches!(next, Ok(Some(_)));
        let failed = |error| InputError::new("the rows", 0, Fault::Temporary(error));
        next.map_err(failed).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::new(8 * 1024 * 1024).unwrap();
        parts.iter().for_each(|part| lines.add(part).unwrap());
        let shown = |found| match found {
            Ok((Place { line, .. }, Record::Json(text))) => format!("{line} {text}"),
            Ok((Place { line, .. }, Record::Broken(why))) => format!("{line} ! {why}"),
            other => panic!("{other:?}"),
        };
        lines.records().map(shown).collect()
    }

    #[test]
    fn each_line_is_a_record_whichever_message_has_it() {
        assert_eq!(
            read(&[b"{\"a\":1}\r\n\n  {}  \n{\"b\"", b"", b"\n", b"[]"]),
            ["1 {\"a\":1}", "3 {}", "4 {\"b\"", "6 []"]
        );
        assert_eq!(read(&[b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}"]), ["1 {}", "2 \u{feff}{}"]);
        assert_eq!(read(&[]), [""; 0]);
    }

    #[test]
    fn a_line_that_cannot_be_read_ends_nothing() {
        let longest = [b"x".repeat(MAX_RECORD), b"\n".to_vec()].concat();
        let too_long = [b"x".repeat(3 * MAX_RECORD + 1), b"\n".to_vec()].concat();
        let records = read(&[b"\xff\xfe\n", &longest, &too_long, b"{}"]);
        assert_eq!(records[0], format!("1 ! {NO_UTF8}"));
        assert_eq!(records[1].len(), MAX_RECORD + 2);
        assert_eq!(records[2..], [format!("3 ! {TOO_LONG}"), "4 {}".to_owned()]);
    }

    #[test]
    fn more_bytes_than_the_maximum_are_refused() {
        let mut lines = Lines::new(4).unwrap();
        lines.add(b"{}").unwrap();
        assert!(matches!(lines.add(b"x"), Err(LinesError::TooLong(4))));
        lines.add(b"\n").unwrap();
        assert_eq!(lines.records().count(), 1);
    }
}
