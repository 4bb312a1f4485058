//! Where the lines go that a search, an application of a plan or an undo writes: a file of a command,
//! or the lines of a job.

use std::io::{self, Write as _};

use tokio::task::spawn_blocking;

use super::{export::Output, plans::Counts};
use crate::store::{JobPlace, NewLine, StoreError};

/// Up to where the work is done whose lines are handed over, for a job that another server may
/// continue.
#[derive(Debug, Clone)]
pub struct Milestone<'a> {
    /// The place; it includes these lines.
    pub place: JobPlace,
    /// The counts up to there.
    pub counts: &'a Counts,
    /// Whether a link was made or undone. Its line is kept before the next one is.
    pub is_change: bool,
}

/// Why lines cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// The database failed, or the job is another server's by now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes lines, in their order.
pub trait LineSink: Send {
    /// Takes the next lines.
    ///
    /// # Errors
    /// [`LinesError`].
    fn write(
        &mut self,
        lines: Vec<NewLine>,
        milestone: Option<Milestone<'_>>,
    ) -> impl Future<Output = Result<(), LinesError>> + Send;

    /// Keeps what is left, after the last line.
    ///
    /// # Errors
    /// [`LinesError`].
    fn finish(&mut self) -> impl Future<Output = Result<(), LinesError>> + Send;
}

/// The file of a command, or none.
#[derive(Default)]
pub struct FileLines(Option<Output>);

impl From<Output> for FileLines {
    fn from(output: Output) -> Self {
        Self(Some(output))
    }
}

impl LineSink for FileLines {
    /// Writes the lines on a thread of its own, since a file or a pipe may block. Lines with a
    /// milestone are in the file when it returns.
    async fn write(
        &mut self,
        lines: Vec<NewLine>,
        milestone: Option<Milestone<'_>>,
    ) -> Result<(), LinesError> {
        let Some(mut output) = self.0.take() else { return Ok(()) };
        let is_milestone = milestone.is_some();
        let written = blocking(move || {
            for NewLine { line, .. } in lines {
                output.write_all(line.as_bytes())?;
                output.write_all(b"\n")?;
            }
            if is_milestone {
                output.flush()?;
            }
            Ok(output)
        });
        self.0 = Some(written.await?);
        Ok(())
    }

    /// Writes what is buffered, and makes a file durable.
    async fn finish(&mut self) -> Result<(), LinesError> {
        match self.0.take() {
            Some(output) => Ok(blocking(move || output.finish()).await?),
            None => Ok(()),
        }
    }
}

/// Runs what may block on a thread of its own.
async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(run).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
