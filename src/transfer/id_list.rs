//! A list of ids, one in each line, of which only a part is ever in memory.
//!
//! It is read once, also from a pipe, and its ids are kept in an unlinked temporary file. So what is
//! settled later is what was checked.

use std::{
    collections::BTreeSet,
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Seek as _, SeekFrom, Write as _},
};

use super::{
    import::keys::{KeyHash, Keys, KeysError, Repeated, RowNumber},
    input::Place,
};
use crate::domain::UserId;

/// The most bytes of a line that are looked at: more than an id may have.
const MAX_LINE: usize = 1024;

/// How many lines that are no ids are named.
const MAX_NAMED: usize = 20;

/// Ids with their lines, in an unlinked temporary file.
#[derive(Debug)]
pub struct IdList {
    file: File,
    count: u64,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdListError {
    /// It cannot be read, or its copy cannot be written.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Its ids cannot be compared.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Lines are no ids.
    #[error("{0}")]
    Problems(IdProblems),
}

/// The lines of a list that are no ids, counted from 1; at least one, and of many only the first ones.
#[derive(Debug)]
pub struct IdProblems(Vec<u64>);

/// Writes a list.
pub(super) struct IdListWriter {
    file: BufWriter<File>,
    count: u64,
}

impl IdList {
    /// Reads a list. Empty lines and a byte order mark are left aside, and an id that is there twice
    /// counts once.
    ///
    /// # Errors
    /// [`IdListError`]; [`IdListError::Problems`] with the first lines that are no ids.
    pub fn read(file: File) -> Result<Self, IdListError> {
        let mut reader = BufReader::new(file);
        if reader.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
            reader.consume("\u{feff}".len());
        }
        let (mut all, mut keys) = (IdListWriter::new()?, Keys::new()?);
        let (mut line, mut text, mut wrong) = (0, Vec::new(), Vec::new());
        while next_line(&mut reader, &mut text)? {
            line += 1;
            let text = text.strip_suffix(b"\r").unwrap_or(&text);
            if text.is_empty() {
                continue;
            }
            match std::str::from_utf8(text).ok().and_then(UserId::parse) {
                Some(id) => {
                    let place = Place { file: 0, line, before: 0 };
                    keys.note(KeyHash::of_id(&id), RowNumber { number: line, place })?;
                    all.push(&id, line)?;
                }
                None if wrong.len() <= MAX_NAMED => wrong.push(line),
                None => {}
            }
        }
        if !wrong.is_empty() {
            return Err(IdListError::Problems(IdProblems(wrong)));
        }
        let all = all.finish()?;
        let later = later_lines(&keys.repeated()?);
        if later.is_empty() {
            return Ok(all);
        }
        let mut once = IdListWriter::new()?;
        for chunk in all.chunks(1)? {
            for (id, line) in chunk? {
                if !later.contains(&line) {
                    once.push(&id, line)?;
                }
            }
        }
        Ok(once.finish()?)
    }

    /// The number of different ids.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The ids with their lines, in the order of the lines, so many at a time.
    ///
    /// # Errors
    /// If the file cannot be read. One reading must end before the next one begins.
    pub(super) fn chunks(
        &self,
        count: usize,
    ) -> io::Result<impl Iterator<Item = io::Result<Vec<(UserId, u64)>>>> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::new(file);
        Ok(std::iter::from_fn(move || {
            let chunk: io::Result<Vec<_>> =
                (0..count).map_while(|_| next_id(&mut reader).transpose()).collect();
            match chunk {
                Ok(chunk) if chunk.is_empty() => None,
                chunk => Some(chunk),
            }
        }))
    }
}

impl IdListWriter {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(tempfile::tempfile()?), count: 0 })
    }

    /// Adds an id with its line.
    pub(super) fn push(&mut self, id: &UserId, line: u64) -> io::Result<()> {
        self.count += 1;
        self.file.write_all(&line.to_le_bytes())?;
        self.file.write_all(id.as_str().as_bytes())?;
        self.file.write_all(b"\n")
    }

    pub(super) fn finish(self) -> io::Result<IdList> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(IdList { file, count: self.count })
    }
}

impl fmt::Display for IdProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().take(MAX_NAMED).map(u64::to_string).collect();
        let more = if self.0.len() > MAX_NAMED { " and others" } else { "" };
        write!(f, "an id {}: see line {}{more}", UserId::FORM, lines.join(", "))
    }
}

/// The lines whose id an earlier line has.
fn later_lines(repeated: &Repeated) -> BTreeSet<u64> {
    let is_later = |line: u64, first: &Place| first.line < line;
    let later = repeated
        .iter()
        .filter(|(line, others)| others.iter().any(|(_, first)| is_later(**line, first)));
    later.map(|(line, _)| *line).collect()
}

/// Reads the next line without its end; `false` after the last one. Of a long one, which is no id,
/// only the beginning is kept.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut is_any = false;
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(is_any);
        }
        is_any = true;
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = bytes.iter().take(end.unwrap_or(bytes.len()));
        let free = MAX_LINE.saturating_sub(line.len());
        line.extend(part.take(free));
        let consumed = end.map_or(bytes.len(), |end| end + 1);
        reader.consume(consumed);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// The next id of a copy; `None` at its end.
fn next_id(reader: &mut impl BufRead) -> io::Result<Option<(UserId, u64)>> {
    if reader.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let (mut line, mut id) = ([0; 8], String::new());
    reader.read_exact(&mut line)?;
    reader.read_line(&mut id)?;
    let id = UserId::parse(id.trim_end_matches('\n'))
        .ok_or_else(|| io::Error::other("the copy of the list was changed"))?;
    Ok(Some((id, u64::from_le_bytes(line))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &[u8]) -> Result<IdList, IdListError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        IdList::read(file)
    }

    fn chunks(list: &IdList, count: usize) -> Vec<Vec<(String, u64)>> {
        let shown = |(id, line): (UserId, u64)| (id.to_string(), line);
        let chunks = list.chunks(count).unwrap().map(Result::unwrap);
        chunks.map(|chunk| chunk.into_iter().map(shown).collect()).collect()
    }

    #[test]
    fn a_list_has_each_id_once_with_its_line() {
        let list = list("\u{feff}a\r\n\nb\na\nc\nb".as_bytes()).unwrap();
        assert_eq!(list.count(), 3);
        let of = |id: &str, line| (id.to_owned(), line);
        assert_eq!(chunks(&list, 2), [vec![of("a", 1), of("b", 3)], vec![of("c", 5)]]);
        assert_eq!(chunks(&list, 9).len(), 1, "it can be read again");
    }

    #[test]
    fn the_lines_that_are_no_ids_are_named_however_long_they_are() {
        let long = "x".repeat(3 * MAX_LINE);
        let text = format!("a\n{long}\nb c\n\u{e4}\n");
        let problems = list(text.as_bytes()).err().unwrap().to_string();
        assert!(problems.ends_with("see line 2, 3, 4"), "{problems}");
        let many = list("no id\n".repeat(50).as_bytes()).err().unwrap().to_string();
        assert!(many.ends_with("19, 20 and others"), "{many}");
    }
}
