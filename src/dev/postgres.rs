//! A private Postgres in a data folder: durable, reachable by its unix socket alone, and gone when
//! the process that started it is gone.
//!
//! `home` has the folders and their lock, `binaries` finds the programs,
//! `server` is the process.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::binaries::{self, BinariesError, Places};
use super::home::{Home, HomeError};
use super::server::{self, Server, ServerError};

/// A Postgres server that this process started; it ends with the process, however the process ends.
///
/// Only Linux can promise that: elsewhere a server outlives a process that was killed with -9, and
/// the next start says what to do.
#[derive(Debug)]
pub struct Postgres {
    // Fields are dropped in this order: no other process may take the folder before the server has
    // stopped.
    server: Server,
    socket_dir: PathBuf,
    home: Home,
}

/// Why there is no server. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The folders cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// There are no programs to run.
    #[error(transparent)]
    Binaries(#[from] BinariesError),
    /// The server does not start or stop.
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl Postgres {
    /// Starts the server of `data_dir`, making the folder and the database first if there is none;
    /// its socket answers when this returns.
    ///
    /// `settings` are names and values as in postgresql.conf; they win over ours. What takes its
    /// time is told to `say`, a sentence at a time. Blocking: mostly under a second, at most about
    /// a minute and a half and the time of a download.
    ///
    /// The server ends when the calling *thread* ends: call this from the main thread, or from a
    /// thread that stays.
    ///
    /// # Errors
    /// [`PostgresError`]; no server is left running then.
    pub fn start(
        data_dir: &Path,
        settings: &[(&str, &str)],
        say: &mut dyn FnMut(&str),
    ) -> Result<Postgres, PostgresError> {
        Postgres::start_from(&Places::of_this_machine(), data_dir, settings, say)
    }

    /// [`Postgres::start`] with the programs looked for in `places`.
    ///
    /// # Errors
    /// [`PostgresError`]; no server is left running then.
    pub fn start_from(
        places: &Places,
        data_dir: &Path,
        settings: &[(&str, &str)],
        say: &mut dyn FnMut(&str),
    ) -> Result<Postgres, PostgresError> {
        let home = Home::open(data_dir, say)?;
        let wanted = home.major()?;
        let found = binaries::find_or_fetch(places, &home.base, &home.cluster, wanted, &home.account, say)?;
        if wanted.is_none() {
            say(&format!("Making a database with PostgreSQL {} in {}.", found.major, home.cluster.display()));
            home.create_cluster(&found)?;
        }
        let socket_dir = home.socket_dir()?;
        let arguments = server::arguments(&home.cluster, &socket_dir, settings);
        let server = Server::start(&found.dir.join("postgres"), &home, &arguments)?;
        Ok(Postgres { server, socket_dir, home })
    }

    /// Where to connect, in the form of tokio-postgres:
    /// `postgres://postgres@%2Ffolder%2Fof%2Fsocket/database`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@{}/{}",
            percent_encoded(self.socket_dir.as_os_str()),
            percent_encoded(OsStr::new(database))
        )
    }

    /// The file that has all the server said, of every start.
    #[must_use]
    pub fn log_file(&self) -> &Path {
        &self.home.log
    }

    /// The id of the server's first process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// How the server ended, or none while it runs.
    ///
    /// # Errors
    /// If the system cannot tell.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, PostgresError> {
        Ok(self.server.try_wait()?)
    }

    /// Stops the server, which disconnects its clients; mostly under 0.1 s, at most 30 s. Dropping
    /// does the same and tells nobody of errors.
    ///
    /// # Errors
    /// If the system cannot stop it, or cannot tell.
    pub fn stop(mut self) -> Result<(), PostgresError> {
        Ok(self.server.stop()?)
    }
}

/// Every byte that could mean something in a URL is written as its number.
fn percent_encoded(text: &OsStr) -> String {
    let mut encoded = String::new();
    for byte in text.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(*byte)),
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
