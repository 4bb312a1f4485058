//! Where the verdicts of a run go besides the counts: files that grow, or a receiver.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{
    Source,
    verdict::{RefusedRow, RowVerdict, Verdict},
};
use crate::{
    domain::{JobLease, UserId},
    store::{ImportRun, JobPlace, JobStep, NewLine, Session, StoreError},
    transfer::input::Place,
};

/// Where the verdicts of a run go besides the counts.
#[derive(Debug, Clone)]
pub enum Reporting {
    /// Nowhere.
    Counts,
    /// Into files. The database keeps how far the run came, so that another run of the same rows
    /// continues these files.
    Files(FilePaths),
    /// The refused rows of a dry run, into a new file.
    DryRun(PathBuf),
    /// To a receiver, which gets them after their commit. Another run of the same rows sends the
    /// verdicts of all of them, so it begins with the first one.
    Receiver(VerdictSender),
    /// To the lines of a job, which are written with the batch and its counts. So another server
    /// continues after the last batch that is there.
    Job(JobReport),
}

/// Makes the line about a row with this index and verdict; `None` for none.
pub type LineOfRow = Arc<dyn Fn(usize, &Verdict) -> Option<NewLine> + Send + Sync>;

/// What a job writes about the rows, and how far an earlier server came.
#[derive(Clone)]
pub struct JobReport {
    /// The lease of the job. A batch commits only while it is held.
    pub lease: JobLease,
    /// The numbers of the lines that are the rows, in their order.
    pub numbers: Vec<u64>,
    /// How many rows have a verdict already.
    pub settled: u64,
    /// Their counts.
    pub counts: RowCounts,
    /// The line about each row.
    pub line: LineOfRow,
}

/// How many rows of a job have which verdict, in the form in which jobs have their counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// The new users.
    pub done: u64,
    /// The users that were here.
    pub already: u64,
    /// The refused rows, under one word.
    pub skipped: BTreeMap<String, u64>,
}

/// The word for rows that are refused.
const REFUSED: &str = "REFUSED";

impl fmt::Debug for JobReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobReport").field("lease", &self.lease).finish_non_exhaustive()
    }
}

impl RowCounts {
    /// The counts of a run.
    fn of(run: &ImportRun) -> Self {
        let number = |count: i64| u64::try_from(count).unwrap_or_default();
        let refused = number(run.refused);
        let skipped = (refused > 0).then(|| (REFUSED.to_owned(), refused));
        let (done, already) = (number(run.created), number(run.present));
        Self { done, already, skipped: skipped.into_iter().collect() }
    }

    /// How many rows are refused.
    pub fn refused(&self) -> u64 {
        self.skipped.values().sum()
    }
}

impl JobReport {
    /// Notes in a new run what an earlier server has counted.
    pub(super) fn continue_run(&self, run: &mut ImportRun) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        run.rows = number(self.settled);
        run.created = number(self.counts.done);
        run.present = number(self.counts.already);
        run.refused = number(self.counts.refused());
    }

    /// Adds to the transaction of a batch what the job has of it.
    pub(super) fn add(
        &self,
        session: &mut Session,
        verdicts: &[RowVerdict],
        run: &ImportRun,
    ) -> Result<(), StoreError> {
        let index = |place: Place| usize::try_from(place.line.saturating_sub(1)).ok();
        let line = |of: &RowVerdict| (self.line)(index(of.place)?, &of.verdict);
        let last = verdicts.last().and_then(|last| self.numbers.get(index(last.place)?));
        let place = last.map(|line| JobPlace::Row { line: *line });
        let lines = verdicts.iter().filter_map(line).collect();
        let step = JobStep { lines, place, counts: &RowCounts::of(run) };
        session.add_job_step(self.lease, step)
    }
}

/// Sends verdicts to a receiver that sets the pace.
#[derive(Debug, Clone)]
pub struct VerdictSender {
    /// The channel, which needs room for [`VerdictSender::ROOM`] batches.
    pub verdicts: mpsc::Sender<Vec<RowVerdict>>,
    /// How long the run waits for the receiver.
    pub patience: Duration,
}

impl VerdictSender {
    /// How many batches may be inserted and not yet taken: one that commits, and the next one.
    pub const ROOM: usize = 2;
}

/// The files that an import writes.
#[derive(Debug, Clone)]
pub struct FilePaths {
    /// The refused rows, with their reasons.
    pub report: FilePath,
    /// The ids of the source that could not stay, each with the id of its user here.
    pub ids: FilePath,
}

/// Where a file grows, and its name after the end of the run.
#[derive(Debug, Clone)]
pub struct FilePath {
    /// Has the run in its name, so no file of others is taken for it.
    growing: PathBuf,
    /// The name after the end, in the same folder, if it is another one.
    chosen: Option<PathBuf>,
}

impl FilePath {
    /// A file that is named by its run, unless another name is chosen.
    pub fn new(by_run: &str, chosen: Option<&Path>) -> Self {
        let growing = chosen.map_or_else(|| by_run.into(), |path| path.with_file_name(by_run));
        let chosen = chosen.filter(|path| **path != *growing).map(Path::to_owned);
        Self { growing, chosen }
    }

    /// Its name after the end of the run.
    pub fn at_end(&self) -> &Path {
        self.chosen.as_ref().unwrap_or(&self.growing)
    }

    /// Gives it the chosen name.
    fn rename(&self) -> io::Result<()> {
        let Some(chosen) = &self.chosen else { return Ok(()) };
        // Unlike a rename, this replaces no file that has come meanwhile.
        fs::hard_link(&self.growing, chosen).map_err(|error| {
            let (chosen, growing) = (chosen.display(), self.growing.display());
            let text = format!("{chosen}: {error}; all is imported, and the file is {growing}");
            io::Error::new(error.kind(), text)
        })?;
        fs::remove_file(&self.growing)
    }
}

impl FilePaths {
    /// Refuses to write over files of others. `is_new` says that no run of these rows is known, whose
    /// files a new one would replace.
    pub(super) fn expect_new(&self, is_new: bool) -> io::Result<()> {
        let [report, ids] = [&self.report, &self.ids];
        let growing = [&report.growing, &ids.growing].into_iter().filter(|_| is_new);
        for path in [&report.chosen, &ids.chosen].into_iter().flatten().chain(growing) {
            if path.try_exists()? {
                return Err(exists(path));
            }
        }
        Ok(())
    }

    /// Opens the files of a run.
    pub(super) fn open(&self, run: &ImportRun) -> io::Result<ReportFiles> {
        let open = |path: &Path, length: i64| {
            let length = u64::try_from(length).unwrap_or_default();
            GrowingFile::open(path, length).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            })
        };
        Ok(ReportFiles {
            report: open(&self.report.growing, run.report_bytes)?,
            ids: open(&self.ids.growing, run.ids_bytes)?,
        })
    }

    /// Gives the files the names that were chosen, after the end of the run.
    pub(super) fn rename(&self) -> io::Result<()> {
        self.report.rename()?;
        self.ids.rename()
    }
}

fn exists(path: &Path) -> io::Error {
    let text = format!("{} exists: choose another name", path.display());
    io::Error::new(io::ErrorKind::AlreadyExists, text)
}

/// The files that grow with the batches.
#[derive(Debug)]
pub(super) struct ReportFiles {
    /// The refused rows.
    report: GrowingFile,
    /// The ids of the source that could not stay.
    ids: GrowingFile,
}

impl ReportFiles {
    /// Appends what a batch comes to, and notes the lengths in the run.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(super) fn append(
        &mut self,
        verdicts: &[RowVerdict],
        renamed: &[(String, UserId)],
        source: &Source,
        run: &mut ImportRun,
    ) -> io::Result<()> {
        self.report.append(refused_lines(verdicts, source)?.as_bytes())?;
        let lines: String = renamed.iter().map(|(source, id)| id_map_line(source, id)).collect();
        self.ids.append(lines.as_bytes())?;
        (run.report_bytes, run.ids_bytes) = self.lengths();
        Ok(())
    }

    /// The lengths of both files, in bytes.
    pub(super) fn lengths(&self) -> (i64, i64) {
        let length = |file: &GrowingFile| i64::try_from(file.length).unwrap_or(i64::MAX);
        (length(&self.report), length(&self.ids))
    }

    /// Cuts the files to lengths that they had.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(super) fn cut(&mut self, (report, ids): (i64, i64)) -> io::Result<()> {
        self.report.cut(u64::try_from(report).unwrap_or_default())?;
        self.ids.cut(u64::try_from(ids).unwrap_or_default())
    }
}

/// The refused rows of a dry run.
#[derive(Debug)]
pub(super) struct DryRunReport(GrowingFile);

impl DryRunReport {
    /// Creates the file, which must not exist.
    ///
    /// # Errors
    /// If it exists, or cannot be created.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => exists(path),
            kind => io::Error::new(kind, format!("{}: {error}", path.display())),
        })?;
        Ok(Self(GrowingFile { file, length: 0 }))
    }

    /// Appends the refused rows of a batch.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn append(&mut self, verdicts: &[RowVerdict], source: &Source) -> io::Result<()> {
        self.0.append(refused_lines(verdicts, source)?.as_bytes())
    }
}

/// A line for each refused row.
fn refused_lines(verdicts: &[RowVerdict], source: &Source) -> io::Result<String> {
    let mut lines = String::new();
    for RowVerdict { place, verdict } in verdicts {
        if let Verdict::Refused(row) = verdict {
            let place = source.show(*place);
            lines.push_str(&serde_json::to_string(&RefusedLine { place, row })?);
            lines.push('\n');
        }
    }
    Ok(lines)
}

/// A refused row, as a line of the report.
#[derive(Debug, Serialize)]
struct RefusedLine<'a> {
    /// Where the row begins, such as `users.json:17`.
    place: String,
    /// The id of its user, and why.
    #[serde(flatten)]
    row: &'a RefusedRow,
}

/// A file that grows with the batches: a run that was interrupted goes on at the length that its
/// last batch committed.
#[derive(Debug)]
struct GrowingFile {
    file: File,
    length: u64,
}

/// What to do where a file of the run is not as the run left it.
const BEGUN_ELSEWHERE: &str = "an import of the same rows has begun and not ended, perhaps with the same command in \
    another folder: run it where that one has its files";

impl GrowingFile {
    /// Opens the file of a run that had committed this many bytes of it. Only its owner may read
    /// it.
    ///
    /// # Errors
    /// If the file cannot be opened, or is shorter.
    fn open(path: &Path, length: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        // Before the first batch is committed, nothing that is in it counts.
        let opened = options.create(length == 0).truncate(length == 0).open(path);
        let mut file = opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if length > 0 => {
                io::Error::new(error.kind(), format!("does not exist; {BEGUN_ELSEWHERE}"))
            }
            _ => error,
        })?;
        if file.metadata()?.len() < length {
            return Err(io::Error::other(format!(
                "is shorter than the {length} bytes that the run had written; {BEGUN_ELSEWHERE}"
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
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
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
    fn cut(&mut self, length: u64) -> io::Result<()> {
        if self.length != length {
            self.file.set_len(length)?;
            self.file.seek(SeekFrom::Start(length))?;
            self.length = length;
        }
        Ok(())
    }
}

/// A line of the map of ids, as CSV.
fn id_map_line(source: &str, id: &UserId) -> String {
    let quoted = source.replace('"', "\"\"");
    format!("\"{quoted}\",\"{id}\"\n", id = id.as_str().replace('"', "\"\""))
}
