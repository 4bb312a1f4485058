//! A private Postgres in a data folder: it is durable, reachable only by its unix socket, and ends
//! with the process that started it.
//!
//! `data_folder` has the folders and their lock, `binaries` finds the programs, `server` is the
//! process.

mod account;
mod binaries;
mod data_folder;
mod server;

use std::{
    ffi::OsStr,
    fmt::Write as _,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::ExitStatus,
};

pub use self::binaries::SearchPath;
use self::{
    binaries::BinariesError,
    data_folder::{DataFolder, DataFolderError},
    server::{Server, ServerError},
};

/// A Postgres server that this process started; it ends with the process, however the process ends.
///
/// Only Linux can guarantee that: on other systems, a server outlives a process that was killed
/// with -9, and the next start says what to do.
#[derive(Debug)]
pub struct Postgres {
    // Fields are dropped in this order: no other process may take the folder before the server has
    // stopped.
    server: Server,
    socket_dir: PathBuf,
    data_folder: DataFolder,
}

/// Why there is no server. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The folders cannot be used.
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    /// There are no programs to run.
    #[error(transparent)]
    Binaries(#[from] BinariesError),
    /// The server does not start or stop.
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl Postgres {
    /// Starts the server of `data_dir`, and makes the folder and the database first if there are
    /// none. Its socket accepts connections when this returns.
    ///
    /// `settings` are names and values as in postgresql.conf; they override the built-in ones.
    /// `say` gets a sentence about each step that takes time. Blocks: mostly under a second, at
    /// most about a minute and a half and the time of a download.
    ///
    /// The server ends when the calling *thread* ends: call this from the main thread, or from a
    /// thread that stays.
    ///
    /// # Errors
    /// [`PostgresError`]; then no server is left running.
    pub fn start(
        data_dir: &Path,
        settings: &[(&str, &str)],
        say: &mut dyn FnMut(&str),
    ) -> Result<Postgres, PostgresError> {
        Postgres::start_from(&SearchPath::of_this_machine(), data_dir, settings, say)
    }

    /// [`Postgres::start`] with programs from `search_path`.
    ///
    /// # Errors
    /// [`PostgresError`]; then no server is left running.
    pub fn start_from(
        search_path: &SearchPath,
        data_dir: &Path,
        settings: &[(&str, &str)],
        say: &mut dyn FnMut(&str),
    ) -> Result<Postgres, PostgresError> {
        let data_folder = DataFolder::open(data_dir, say)?;
        let wanted = data_folder.major()?;
        let found = binaries::find_or_fetch(
            search_path,
            &data_folder.base,
            &data_folder.cluster,
            wanted,
            &data_folder.account,
            say,
        )?;
        if wanted.is_none() {
            say(&format!(
                "Making a database with PostgreSQL {} in {}.",
                found.major,
                data_folder.cluster.display()
            ));
            data_folder.create_cluster(&found)?;
        }
        let socket_dir = data_folder.socket_dir()?;
        let arguments = server::arguments(&data_folder.cluster, &socket_dir, settings);
        let server = Server::start(&found.dir.join("postgres"), &data_folder, &arguments)?;
        Ok(Postgres { server, socket_dir, data_folder })
    }

    /// The URL of a database, in the form of tokio-postgres:
    /// `postgres://postgres@%2Ffolder%2Fof%2Fsocket/database`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@{}/{}",
            percent_encoded(self.socket_dir.as_os_str()),
            percent_encoded(OsStr::new(database))
        )
    }

    /// The server's log file, with the output of each start.
    #[must_use]
    pub fn log_file(&self) -> &Path {
        &self.data_folder.log
    }

    /// The id of the server's first process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// The exit status of the server; `None` while it runs.
    ///
    /// # Errors
    /// If the system cannot report it.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, PostgresError> {
        Ok(self.server.try_wait()?)
    }

    /// Stops the server, which disconnects its clients; mostly under 0.1 s, at most 30 s. Dropping
    /// does the same and ignores errors.
    ///
    /// # Errors
    /// If the system cannot stop the server, or cannot report its state.
    pub fn stop(mut self) -> Result<(), PostgresError> {
        Ok(self.server.stop()?)
    }
}

/// Encodes each byte that could have a meaning in a URL.
fn percent_encoded(text: &OsStr) -> String {
    let mut encoded = String::new();
    for byte in text.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(*byte));
            }
            // Writing to a String cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_becomes_the_host_of_a_url() {
        assert_eq!(percent_encoded(OsStr::new("/var/lib/a-b_c.d~e")), "%2Fvar%2Flib%2Fa-b_c.d~e");
        assert_eq!(percent_encoded(OsStr::new("a b,c%")), "a%20b%2Cc%25");
        assert_eq!(percent_encoded(OsStr::from_bytes(&[0xff, b'/'])), "%FF%2F");
    }
}
