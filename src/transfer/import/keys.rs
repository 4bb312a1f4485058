//! Finds accounts and ids that occur in two rows of a file, with little memory however long it is.
//!
//! The first pass notes a hash of each key with the number of its row, in one of several temporary
//! files by the hash. Afterwards each of these is small enough to be sorted in memory.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
};

use crate::{
    domain::{IdentityRef, UserId},
    secret::sha256,
    transfer::input::Place,
};

/// How many files the keys are divided among: a file of ten million users has about 250,000 keys in
/// each, which take 12 MB.
const PARTITIONS: usize = 128;
/// The buffer of each file, in bytes.
const BUFFER: usize = 8 * 1024;
/// The length of a note, in bytes: a key, the number of its row, and the three of its place.
const NOTE: u64 = 16 + 4 * 8;
/// The most keys that may occur in several rows. With more, the file was read in a wrong way.
const MOST_REPEATED: u64 = 200_000;
/// The most shared keys that are remembered.
const MOST_SHARED: usize = 200_000;
/// Enough of a SHA-256 that two keys never share it by chance.
const HASH: usize = 16;

/// The notes of the first pass.
pub(in crate::transfer) struct Keys {
    partitions: Vec<BufWriter<File>>,
}

/// A row of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::transfer) struct RowNumber {
    /// Its number in all files, from 0.
    pub number: u64,
    /// Where it begins.
    pub place: Place,
}

/// The keys that occur in several rows: for the number of a row, each such key, and the place of
/// another row that has it, which is the first one, or for that one the second.
pub(in crate::transfer) type Repeated = BTreeMap<u64, Vec<(KeyHash, Place)>>;

/// The keys that occur in several rows, where that is no fault.
#[derive(Debug, Default)]
pub(in crate::transfer) struct Shared {
    /// How many there are.
    pub count: u64,
    /// The keys, but not all of a great many.
    pub keys: HashSet<KeyHash>,
}

/// Names a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash([u8; HASH]);

/// Why the keys cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A temporary file cannot be written or read.
    #[error(
        "the temporary files cannot be used: {0}; TMPDIR names their folder, which needs about 160 bytes per user"
    )]
    Io(#[from] io::Error),
    /// Too many keys occur in several rows.
    #[error(
        "more than {MOST_REPEATED} accounts or ids occur in several rows: the file does not have one row per user, or another field is the id"
    )]
    TooMany,
}

impl KeyHash {
    /// The key of a user id, or of another name of a user.
    pub fn of_id(id: &UserId) -> Self {
        Self::new(&format!("user\0{id}"))
    }

    /// The key of an account.
    pub fn of_identity(id: &IdentityRef) -> Self {
        Self::new(&format!("identity\0{}\0{}", id.provider, id.subject))
    }

    /// The key of an email, in the form in which emails are compared.
    pub(in crate::transfer) fn of_email(canonical: &str) -> Self {
        Self::new(&format!("email\0{canonical}"))
    }

    fn new(key: &str) -> Self {
        let mut hash = [0; HASH];
        hash.copy_from_slice(sha256(key.as_bytes()).split_at(HASH).0);
        Self(hash)
    }

    fn partition(self) -> usize {
        usize::from(self.0[0]) % PARTITIONS
    }
}

impl Keys {
    /// No keys yet.
    ///
    /// # Errors
    /// [`KeysError::Io`].
    pub(in crate::transfer) fn new() -> Result<Self, KeysError> {
        let file = || Ok::<_, io::Error>(BufWriter::with_capacity(BUFFER, tempfile::tempfile()?));
        Ok(Self { partitions: (0..PARTITIONS).map(|_| file()).collect::<Result<_, _>>()? })
    }

    /// Notes a key of a row. A row has each of its keys once.
    ///
    /// # Errors
    /// [`KeysError::Io`].
    pub(in crate::transfer) fn note(
        &mut self,
        key: KeyHash,
        row: RowNumber,
    ) -> Result<(), KeysError> {
        if let Some(file) = self.partitions.get_mut(key.partition()) {
            file.write_all(&key.0)?;
            file.write_all(&row.number.to_le_bytes())?;
            let Place { file: of, line, before } = row.place;
            file.write_all(&u64::try_from(of).unwrap_or_default().to_le_bytes())?;
            file.write_all(&line.to_le_bytes())?;
            file.write_all(&before.to_le_bytes())?;
        }
        Ok(())
    }

    /// The keys that occur in several rows.
    ///
    /// # Errors
    /// [`KeysError`].
    pub(in crate::transfer) fn repeated(self) -> Result<Repeated, KeysError> {
        let mut files = self.partitions.into_iter().map(begin).collect::<io::Result<Vec<_>>>()?;
        // Hashes are spread evenly: what a file has beyond its share are keys that it has before.
        let all: u64 = files.iter().map(|(_, notes)| notes).sum();
        let share = 2 * all / u64::try_from(files.len()).unwrap_or(1);
        if files.iter().any(|(_, notes)| *notes > share + MOST_REPEATED) {
            return Err(KeysError::TooMany);
        }
        let mut repeated = Repeated::new();
        let mut count = 0;
        for (file, notes) in &mut files {
            // All of the memory at once: to grow into it would take half as much again.
            let mut found = Vec::with_capacity(usize::try_from(*notes).unwrap_or_default());
            while let Some(note) = next_note(file)? {
                found.push(note);
            }
            found.sort_unstable();
            for of_key in found.chunk_by(|(one, _), (other, _)| one == other) {
                let [(key, first), (_, second), ..] = of_key else { continue };
                repeated.entry(first.number).or_default().push((*key, second.place));
                for (_, row) in of_key.iter().skip(1) {
                    repeated.entry(row.number).or_default().push((*key, first.place));
                    count += 1;
                }
                if count > MOST_REPEATED {
                    return Err(KeysError::TooMany);
                }
            }
        }
        Ok(repeated)
    }

    /// The keys that occur in several rows.
    ///
    /// # Errors
    /// [`KeysError::Io`].
    pub(in crate::transfer) fn shared(self) -> Result<Shared, KeysError> {
        let mut shared = Shared::default();
        for partition in self.partitions {
            let (mut file, _) = begin(partition)?;
            // Not sorted: any number of rows may have one of these keys.
            let mut rows: HashMap<KeyHash, bool> = HashMap::new();
            while let Some((key, _)) = next_note(&mut file)? {
                rows.entry(key).and_modify(|is_shared| *is_shared = true).or_insert(false);
            }
            for (key, _) in rows.into_iter().filter(|(_, is_shared)| *is_shared) {
                shared.count += 1;
                if shared.keys.len() < MOST_SHARED {
                    shared.keys.insert(key);
                }
            }
        }
        Ok(shared)
    }
}

/// A partition from its first note on, and how many it has.
fn begin(partition: BufWriter<File>) -> io::Result<(BufReader<File>, u64)> {
    let mut file = partition.into_inner().map_err(io::IntoInnerError::into_error)?;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    Ok((BufReader::with_capacity(BUFFER, file), length / NOTE))
}

/// The next note of a partition; `None` at its end.
fn next_note(file: &mut BufReader<File>) -> io::Result<Option<(KeyHash, RowNumber)>> {
    if file.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut hash = [0; HASH];
    file.read_exact(&mut hash)?;
    let [number, of] = [next_number(file)?, next_number(file)?];
    let [line, before] = [next_number(file)?, next_number(file)?];
    let place = Place { file: usize::try_from(of).unwrap_or_default(), line, before };
    Ok(Some((KeyHash(hash), RowNumber { number, place })))
}

fn next_number(file: &mut BufReader<File>) -> io::Result<u64> {
    let mut number = [0; 8];
    file.read_exact(&mut number)?;
    Ok(u64::from_le_bytes(number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(number: u64) -> RowNumber {
        RowNumber { number, place: Place { file: 0, line: number + 1, before: 0 } }
    }

    proptest! {
        #[test]
        fn each_row_with_a_repeated_key_is_found_and_no_other(
            rows in prop::collection::vec(prop::collection::btree_set(0_u8..40, 0..4), 0..60),
        ) {
            let [mut keys, mut copy] = [Keys::new().unwrap(), Keys::new().unwrap()];
            let hash = |key: u8| KeyHash::new(&key.to_string());
            for (at, of_row) in (0..).zip(&rows) {
                for key in of_row {
                    keys.note(hash(*key), row(at)).unwrap();
                    copy.note(hash(*key), row(at)).unwrap();
                }
            }
            let mut expected = Repeated::new();
            for (at, of_row) in (0_u64..).zip(&rows) {
                for key in of_row {
                    let mut others = (0_u64..).zip(&rows).filter(|(_, other)| other.contains(key));
                    if let Some((other, _)) = others.find(|(other, _)| *other != at) {
                        expected.entry(at).or_default().push((hash(*key), row(other).place));
                    }
                }
            }
            let in_several = |key: &u8| rows.iter().filter(|row| row.contains(key)).count() > 1;
            prop_assert_eq!(copy.shared().unwrap().count, (0..40).filter(in_several).count() as u64);
            let mut found = keys.repeated().unwrap();
            for found in found.values_mut().chain(expected.values_mut()) {
                found.sort_unstable();
            }
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_file_of_one_account_in_all_rows_is_refused_before_memory_runs_out() {
        let repeated = |times: u64| {
            let mut keys = Keys::new().unwrap();
            for number in 0..=times {
                keys.note(KeyHash::new("one"), row(number)).unwrap();
            }
            keys.repeated()
        };
        assert!(repeated(MOST_REPEATED).is_ok());
        assert!(matches!(repeated(MOST_REPEATED + 1), Err(KeysError::TooMany)));
        // More than its file can have of different keys.
        assert!(matches!(repeated(2 * MOST_REPEATED), Err(KeysError::TooMany)));
    }
}
