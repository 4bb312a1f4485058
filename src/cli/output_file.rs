//! The file that a command writes, or stdout in its place.

use std::{io, path::Path};

use super::Failure;
use crate::transfer::export::Output;

/// Whether the name stands for stdout.
pub(super) fn is_stdout(file: &Path) -> bool {
    file == Path::new("-")
}

/// Opens it. A file must not exist, and only its owner can read it.
pub(super) fn output(file: &Path, gzip: bool) -> Result<Output, Failure> {
    match is_stdout(file) {
        true => Ok(Output::stdout(gzip)),
        false => Output::create(file, gzip).map_err(|error| cannot_write(file, &error)),
    }
}

/// The failure to write a file.
pub(super) fn cannot_write(file: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AlreadyExists => exists(file),
        _ => Failure::from(format!("{} cannot be written: {error}", file.display())),
    }
}

/// The failure that the file exists.
pub(super) fn exists(file: &Path) -> Failure {
    Failure::from(format!(
        "{} exists, and is not overwritten: name another file, or move it away",
        file.display()
    ))
}
