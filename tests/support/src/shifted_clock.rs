//! The clock of one process, which a test shifts while the process runs. Only the time of day is
//! shifted, as by an operator or NTP: the monotonic clock goes on.

use std::{fs, path::PathBuf, process::Command};

use super::{child::temp_dir, debian};

/// The library of Debian's faketime for programs with threads.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The clock.
pub struct ShiftedClock {
    /// The file from which the process takes by how much its clock is shifted, each time anew.
    file: PathBuf,
}

impl ShiftedClock {
    /// A clock that is ahead of the true time by so many seconds, for one test.
    pub fn new(test: &str, ahead: i64) -> Self {
        debian::program(&["faketime"]);
        let clock = Self { file: temp_dir(test).join("clock") };
        clock.set_ahead(ahead);
        clock
    }

    /// Sets the clock ahead of the true time by so many seconds, or behind it.
    pub fn set_ahead(&self, seconds: i64) {
        // The process never reads a file that is half written.
        let next = self.file.with_extension("next");
        fs::write(&next, format!("{seconds:+}\n")).unwrap();
        fs::rename(next, &self.file).unwrap();
    }

    /// Makes a command use this clock.
    pub fn of(&self, command: &mut Command) {
        let folders = fs::read_dir("/usr/lib").unwrap().map(|folder| folder.unwrap().path());
        let library = folders.map(|folder| folder.join(LIBRARY)).find(|library| library.exists());
        command
            .env("LD_PRELOAD", library.expect("the package should contain the library"))
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }
}
