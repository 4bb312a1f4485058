//! Notes which values users have, in temporary files, and finds those that several users have.
//!
//! The notes are divided among files by a hash of the value. Each of these is small enough to be
//! compared in memory.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
};

use crate::{
    domain::{UserId, clusters::Clusters},
    secret::sha256,
};

/// How many files there are: of ten million values, each has about 160,000, which take 20 MB.
const PARTITIONS: usize = 64;
/// The buffer of each file, in bytes.
const BUFFER: usize = 16 * 1024;
/// Enough of a SHA-256 that two values never share it by chance.
const HASH: usize = 16;

type Hash = [u8; HASH];

/// Why the values cannot be compared.
#[derive(Debug, thiserror::Error)]
#[error(
    "the temporary files cannot be used: {0}; TMPDIR names their folder, which needs about 60 bytes per account"
)]
pub struct NotesError(#[from] io::Error);

/// The notes of one walk.
pub(super) struct Notes(Vec<BufWriter<File>>);

impl Notes {
    /// No notes yet.
    ///
    /// # Errors
    /// [`NotesError`].
    pub(super) fn new() -> Result<Self, NotesError> {
        let file = || Ok::<_, io::Error>(BufWriter::with_capacity(BUFFER, tempfile::tempfile()?));
        Ok(Self((0..PARTITIONS).map(|_| file()).collect::<Result<_, _>>()?))
    }

    /// Notes that a user has a value.
    ///
    /// # Errors
    /// [`NotesError`].
    pub(super) fn note(&mut self, value: &str, user: &UserId) -> Result<(), NotesError> {
        let mut hash: Hash = [0; HASH];
        hash.copy_from_slice(sha256(value.as_bytes()).split_at(HASH).0);
        let [first, ..] = hash;
        // An id has 255 bytes at most.
        let length = u8::try_from(user.as_str().len()).unwrap_or(u8::MAX);
        if let Some(file) = self.0.get_mut(usize::from(first) % PARTITIONS) {
            file.write_all(&hash)?;
            file.write_all(&[length])?;
            file.write_all(user.as_str().as_bytes())?;
        }
        Ok(())
    }

    /// Connects the users that have the same value.
    ///
    /// # Errors
    /// [`NotesError`].
    pub(super) fn join_into(self, clusters: &mut Clusters<UserId>) -> Result<(), NotesError> {
        for partition in self.0 {
            let mut file = partition.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.seek(SeekFrom::Start(0))?;
            let mut file = BufReader::with_capacity(BUFFER, file);
            let mut first_users: HashMap<Hash, UserId> = HashMap::new();
            while let Some((hash, user)) = next_note(&mut file)? {
                match first_users.get(&hash) {
                    Some(first) => clusters.join(first, &user),
                    None => drop(first_users.insert(hash, user)),
                }
            }
        }
        Ok(())
    }
}

/// The next note of a file; `None` at its end.
fn next_note(file: &mut BufReader<File>) -> io::Result<Option<(Hash, UserId)>> {
    if file.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut hash: Hash = [0; HASH];
    file.read_exact(&mut hash)?;
    let mut length = [0];
    file.read_exact(&mut length)?;
    let [length] = length;
    let mut id = vec![0; usize::from(length)];
    file.read_exact(&mut id)?;
    let id = String::from_utf8(id).ok().and_then(|id| UserId::parse(&id));
    let id = id.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a note is not whole"))?;
    Ok(Some((hash, id)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(number: u8) -> UserId {
        UserId::parse(&format!("user_{number}")).unwrap()
    }

    proptest! {
        #[test]
        fn users_with_the_same_value_are_connected_and_no_others(
            pairs in prop::collection::vec((0_u8..20, 0_u8..30), 0..40),
        ) {
            let (mut notes, mut found) = (Notes::new().unwrap(), Clusters::default());
            let mut expected = Clusters::default();
            for (value, of) in &pairs {
                notes.note(&value.to_string(), &user(*of)).unwrap();
                let same = pairs.iter().filter(|(other, _)| other == value);
                same.for_each(|(_, other)| expected.join(&user(*of), &user(*other)));
            }
            notes.join_into(&mut found).unwrap();
            prop_assert_eq!(found.into_sets(), expected.into_sets());
        }
    }
}
