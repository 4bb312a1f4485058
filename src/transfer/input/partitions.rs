//! Rows on disk, divided by a key into parts that fit into memory.

use std::{
    fs::File,
    io::{self, Read},
    mem,
    os::unix::fs::FileExt,
};

use super::csv::Fields;

/// How many parts there are. Of ten million users each part has about twenty thousand.
pub(super) const PARTS: usize = 512;
/// What is kept in memory of each part until it is written, in bytes.
const BLOCK: usize = 8 * 1024;

/// A row in a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) file: usize,
    pub(super) line: u64,
    pub(super) fields: Fields,
}

/// Parts of rows in one unlinked temporary file, whose order within a part stays.
pub(super) struct Partitions {
    file: File,
    length: u64,
    parts: Vec<Part>,
}

#[derive(Default, Clone)]
struct Part {
    /// Where its blocks are in the file: position and length.
    blocks: Vec<(u64, usize)>,
    pending: Vec<u8>,
}

impl Partitions {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, length: 0, parts: vec![Part::default(); PARTS] })
    }

    /// The part of a key. It is the same in each run, so that the order of the joined rows is.
    pub(super) fn part_of(key: &str) -> usize {
        // FNV-1a.
        let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        usize::try_from(hash ^ (hash >> 32)).unwrap_or_default() % PARTS
    }

    pub(super) fn push(&mut self, part: usize, row: &Stored) -> io::Result<()> {
        let Some(part) = self.parts.get_mut(part) else { return Ok(()) };
        put(&mut part.pending, u64::try_from(row.file).unwrap_or(u64::MAX));
        put(&mut part.pending, row.line);
        put(&mut part.pending, u64::try_from(row.fields.len()).unwrap_or(u64::MAX));
        for field in row.fields.iter() {
            put(&mut part.pending, u64::try_from(field.len()).unwrap_or(u64::MAX));
            part.pending.extend_from_slice(field.as_bytes());
        }
        if part.pending.len() >= BLOCK {
            let block = mem::take(&mut part.pending);
            self.file.write_all_at(&block, self.length)?;
            part.blocks.push((self.length, block.len()));
            self.length += u64::try_from(block.len()).unwrap_or(u64::MAX);
        }
        Ok(())
    }

    /// The rows of a part, in the order in which they came.
    pub(super) fn rows(&self, part: usize) -> impl Iterator<Item = io::Result<Stored>> {
        let part = self.parts.get(part);
        let blocks = part.map(|part| part.blocks.as_slice()).unwrap_or_default();
        let pending = part.map(|part| part.pending.as_slice()).unwrap_or_default();
        let written = blocks.iter().map(|(at, length)| {
            let mut block = vec![0; *length];
            self.file.read_exact_at(&mut block, *at).map(|()| block)
        });
        written.chain([Ok(pending.to_vec())]).flat_map(|block| match block {
            Ok(block) => rows_of(&block),
            Err(error) => vec![Err(error)],
        })
    }
}

fn rows_of(mut block: &[u8]) -> Vec<io::Result<Stored>> {
    let mut rows = Vec::new();
    while !block.is_empty() {
        rows.push(row_of(&mut block));
        if rows.last().is_some_and(Result::is_err) {
            break;
        }
    }
    rows
}

fn row_of(block: &mut &[u8]) -> io::Result<Stored> {
    let file = take_length(block)?;
    let line = take(block)?;
    let mut fields = Fields::default();
    for _ in 0..take(block)? {
        let mut field = vec![0; take_length(block)?];
        block.read_exact(&mut field)?;
        fields.push(&String::from_utf8(field).map_err(io::Error::other)?);
    }
    Ok(Stored { file, line, fields })
}

fn put(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

fn take(bytes: &mut &[u8]) -> io::Result<u64> {
    let mut number = [0; 8];
    bytes.read_exact(&mut number)?;
    Ok(u64::from_le_bytes(number))
}

fn take_length(bytes: &mut &[u8]) -> io::Result<usize> {
    usize::try_from(take(bytes)?).map_err(io::Error::other)
}
