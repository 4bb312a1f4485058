//! The text of one file: uncompressed, without its byte order mark, with the position.

use std::{
    io::{self, BufReader, Cursor, ErrorKind, Read},
    mem,
};

use flate2::bufread::MultiGzDecoder;

use super::{Fault, InputError};

const BUFFER: usize = 64 * 1024;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A file as it is read, from its beginning to its end, once.
pub(super) struct Text {
    name: String,
    reader: Box<dyn Read + Send>,
    is_gzip: bool,
    buffer: Vec<u8>,
    /// The bytes of the buffer that are filled, and those of them that were consumed.
    filled: usize,
    at: usize,
    /// The consumed bytes, and the line of the next one, from 1.
    offset: u64,
    line: u64,
    is_line_start: bool,
}

impl Text {
    /// The text of a file with this name.
    ///
    /// # Errors
    /// If it cannot be read, or is UTF-16.
    pub(super) fn new(name: &str, reader: Box<dyn Read + Send>) -> Result<Self, InputError> {
        let mut text = Self {
            name: name.to_owned(),
            reader,
            is_gzip: false,
            buffer: vec![0; BUFFER],
            filled: 0,
            at: 0,
            offset: 0,
            line: 1,
            is_line_start: true,
        };
        let first = text.first_bytes(GZIP.len())?;
        if first == GZIP {
            let raw = mem::replace(&mut text.reader, Box::new(io::empty()));
            let mut read = mem::replace(&mut text.buffer, vec![0; BUFFER]);
            read.truncate(text.filled);
            let whole = BufReader::with_capacity(BUFFER, Cursor::new(read).chain(raw));
            text.reader = Box::new(MultiGzDecoder::new(whole));
            text.is_gzip = true;
            (text.at, text.filled) = (0, 0);
        }
        match text.first_bytes(3)?.as_slice() {
            [0xef, 0xbb, 0xbf] => text.consume(3),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(text.fault(Fault::Utf16)),
            _ => {}
        }
        Ok(text)
    }

    /// The first bytes of the text, at most `count`, without consuming them.
    fn first_bytes(&mut self, count: usize) -> Result<Vec<u8>, InputError> {
        while self.filled < count && self.fill()? > 0 {}
        Ok(self.buffer.iter().take(self.filled.min(count)).copied().collect())
    }

    /// Reads more bytes behind those in the buffer. Returns how many; 0 at the end.
    fn fill(&mut self) -> Result<usize, InputError> {
        loop {
            let Some(free) = self.buffer.get_mut(self.filled..) else { return Ok(0) };
            match self.reader.read(free) {
                Ok(count) => {
                    self.filled += count;
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.read_fault(error)),
            }
        }
    }

    fn read_fault(&self, error: io::Error) -> InputError {
        let fault = match error.kind() {
            ErrorKind::UnexpectedEof if self.is_gzip => Fault::GzipCut,
            ErrorKind::InvalidData | ErrorKind::InvalidInput if self.is_gzip => Fault::GzipDamaged,
            _ => Fault::Read(error),
        };
        let pending = u64::try_from(self.filled - self.at).unwrap_or(u64::MAX);
        InputError::new(&self.name, self.offset + pending, fault)
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// If the file cannot be read further.
    pub(super) fn chunk(&mut self) -> Result<&[u8], InputError> {
        if self.at == self.filled {
            (self.at, self.filled) = (0, 0);
            self.fill()?;
        }
        Ok(self.buffer.get(self.at..self.filled).unwrap_or_default())
    }

    /// Marks bytes of the last chunk as read.
    pub(super) fn consume(&mut self, count: usize) {
        let read = self.buffer.get(self.at..self.at + count).unwrap_or_default();
        let lines = read.iter().filter(|byte| **byte == b'\n').count();
        if let Some(last) = read.last() {
            self.is_line_start = *last == b'\n';
        }
        let length = read.len();
        self.at += length;
        self.offset += u64::try_from(length).unwrap_or(u64::MAX);
        self.line += u64::try_from(lines).unwrap_or(u64::MAX);
    }

    /// The next byte; `None` at the end.
    ///
    /// # Errors
    /// If the file cannot be read further.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, InputError> {
        Ok(self.chunk()?.first().copied())
    }

    /// The consumed bytes, the byte order mark among them.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The line of the next byte, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Whether the next byte is the first one of its line.
    pub(super) fn is_line_start(&self) -> bool {
        self.is_line_start
    }

    /// This fault at the present position.
    pub(super) fn fault(&self, fault: Fault) -> InputError {
        self.fault_at(self.offset, fault)
    }

    /// This fault at a position.
    pub(super) fn fault_at(&self, offset: u64, fault: Fault) -> InputError {
        InputError::new(&self.name, offset, fault)
    }
}
