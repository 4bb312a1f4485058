//! Where an export is written: a file of its own, or stdout, compressed or not; or a receiver of
//! whole lines.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use flate2::{Compression, write::GzEncoder};

/// How many bytes are written at once.
const BUFFER: usize = 64 * 1024;

/// Where the lines of an export go.
pub struct Output {
    stream: Stream,
    /// The file, to be made durable at the end.
    file: Option<File>,
}

type Buffered = BufWriter<Box<dyn Write + Send>>;

enum Stream {
    Plain(Buffered),
    Gzip(GzEncoder<Buffered>),
}

impl Output {
    /// Stdout, compressed by gzip if `gzip` is set.
    pub fn stdout(gzip: bool) -> Self {
        Self { stream: Stream::new(Box::new(io::stdout()), gzip), file: None }
    }

    /// A new file, which only its owner can read and write, compressed by gzip if `gzip` is set.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] if there is a file of this name; others of the file system.
    pub fn create(path: &Path, gzip: bool) -> io::Result<Self> {
        let file = create_private(path)?;
        let stream = Stream::new(Box::new(file.try_clone()?), gzip);
        Ok(Self { stream, file: Some(file) })
    }

    /// Hands out whole lines, about 64 KiB at a time, more if a line is longer.
    pub fn lines(hand_out: impl FnMut(Vec<u8>) -> io::Result<()> + Send + 'static) -> Self {
        let lines = WholeLines { begun: Vec::new(), hand_out };
        Self { stream: Stream::new(Box::new(lines), false), file: None }
    }

    /// Hands out the lines compressed by gzip, about 64 KiB of that at a time.
    pub fn compressed(hand_out: impl FnMut(Vec<u8>) -> io::Result<()> + Send + 'static) -> Self {
        Self { stream: Stream::new(Box::new(Chunks(hand_out)), true), file: None }
    }

    /// Writes what is buffered, and makes a file durable.
    pub(in crate::transfer) fn finish(self) -> io::Result<()> {
        let mut plain = match self.stream {
            Stream::Plain(plain) => plain,
            Stream::Gzip(gzip) => gzip.finish()?,
        };
        plain.flush()?;
        self.file.map_or(Ok(()), |file| file.sync_all())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(plain) => plain.write(bytes),
            Stream::Gzip(gzip) => gzip.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(plain) => plain.flush(),
            Stream::Gzip(gzip) => gzip.flush(),
        }
    }
}

/// Hands out bytes up to the last end of a line.
struct WholeLines<F> {
    begun: Vec<u8>,
    hand_out: F,
}

impl<F: FnMut(Vec<u8>) -> io::Result<()>> Write for WholeLines<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let (whole, rest) = bytes.split_at(end);
        if !whole.is_empty() {
            let mut lines = std::mem::take(&mut self.begun);
            lines.extend_from_slice(whole);
            (self.hand_out)(lines)?;
        }
        self.begun.extend_from_slice(rest);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hands out bytes as they come.
struct Chunks<F>(F);

impl<F: FnMut(Vec<u8>) -> io::Result<()>> Write for Chunks<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.0)(bytes.to_owned())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream {
    fn new(inner: Box<dyn Write + Send>, gzip: bool) -> Self {
        let buffered = BufWriter::with_capacity(BUFFER, inner);
        match gzip {
            true => Self::Gzip(GzEncoder::new(buffered, Compression::fast())),
            false => Self::Plain(buffered),
        }
    }
}

/// Creates a file that only its owner can read and write.
///
/// # Errors
/// As of [`Output::create`].
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn lines_are_handed_out_whole() {
        let handed_out = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&handed_out);
        let mut output = Output::lines(move |lines| {
            into.lock().unwrap().push(lines);
            Ok(())
        });
        let line = |length: usize| [vec![b'x'; length], b"\n".to_vec()].concat();
        let all: Vec<Vec<u8>> = [10, 3 * BUFFER, 40_000, 40_000, 7].map(line).into();

        all.iter().for_each(|line| output.write_all(line).unwrap());
        output.finish().unwrap();

        let handed_out = handed_out.lock().unwrap();
        assert!(handed_out.len() > 2);
        assert!(handed_out.iter().all(|lines| lines.ends_with(b"\n")));
        assert_eq!(handed_out.concat(), all.concat());
    }
}
