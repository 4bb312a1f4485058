//! Where an export is written: a file of its own, or stdout, compressed or not.

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
