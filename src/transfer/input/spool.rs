//! Standard input, which can be read once, kept so that it can be read again.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    sync::{Arc, Mutex, PoisonError},
};

/// A stream whose bytes are written to an unlinked temporary file as they are read the first time.
#[derive(Clone)]
pub(super) struct Spool(Arc<Mutex<Kept>>);

struct Kept {
    stream: Box<dyn Read + Send>,
    file: File,
    /// How many bytes the file holds.
    length: u64,
}

impl Spool {
    pub(super) fn new(stream: Box<dyn Read + Send>) -> io::Result<Self> {
        let file = tempfile::tempfile()?;
        Ok(Self(Arc::new(Mutex::new(Kept { stream, file, length: 0 }))))
    }

    /// A reader from the first byte on.
    pub(super) fn reader(&self) -> SpoolReader {
        SpoolReader { spool: self.clone(), at: 0 }
    }
}

/// A reader of a [`Spool`]. Several can read at once.
pub(super) struct SpoolReader {
    spool: Spool,
    at: u64,
}

impl Read for SpoolReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut kept = self.spool.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = if self.at < kept.length {
            kept.file.read_at(buffer, self.at)?
        } else {
            let count = kept.stream.read(buffer)?;
            let fresh = buffer.get(..count).unwrap_or_default();
            kept.file.write_all_at(fresh, kept.length)?;
            kept.length += u64::try_from(count).unwrap_or(u64::MAX);
            count
        };
        self.at += u64::try_from(count).unwrap_or(u64::MAX);
        Ok(count)
    }
}
