//! The Postgres process: its start, its readiness, its stop.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
    process::{Child, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::data_folder::{DataFolder, DataFolderError};
use crate::packages;

/// The pause between two checks of a server that starts or stops.
const POLL: Duration = Duration::from_millis(20);
/// How long a start may take, which may include a recovery from a crash.
const START: Duration = Duration::from_secs(60);
/// How long the server of an earlier owner may take to end after that owner.
const FORMER: Duration = Duration::from_secs(15);
/// How long the processes of a killed server may take to end: they notice its death on their own.
const LEFTOVERS: Duration = Duration::from_secs(10);
/// The pause between two starts while such processes remain.
const RETRY: Duration = Duration::from_millis(200);
/// How long each signal of a stop may take to work.
const STOP: Duration = Duration::from_secs(10);
/// How many lines of the log an error contains.
const LOG_LINES: usize = 5;

/// A running server; dropping it stops it.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
}

/// Why the server does not start or stop. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The log cannot be written.
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    /// The program could not be run.
    #[error(
        "cannot run {program}: {source}; check that it may be executed, or name another PostgreSQL in PG_BIN_DIR"
    )]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The server of an earlier owner does not end.
    #[error(
        "an earlier server (pid {pid}) still uses {cluster}; end it with: kill -INT {pid}; or, if that process is no Postgres, remove {cluster}/postmaster.pid"
    )]
    Former {
        /// The process id.
        pid: i32,
        /// The cluster's folder.
        cluster: PathBuf,
    },
    /// Processes of a killed server still run.
    #[error(
        "processes of an earlier server, which was killed, still work in {cluster}; start again when they have ended, or find them with: ps ax | grep postgres: and end each with: kill PID"
    )]
    Leftovers {
        /// The cluster's folder.
        cluster: PathBuf,
    },
    /// The server ended instead of starting.
    #[error("Postgres did not start ({status}); the end of its log, all of it in {log}:\n{lines}")]
    Exited {
        /// The exit status.
        status: ExitStatus,
        /// The log file.
        log: PathBuf,
        /// The last lines of this start.
        lines: String,
    },
    /// The server ran and did not become ready; it is stopped.
    #[error("Postgres was not ready after {} s and is stopped; if it was recovering, start again; the end of its log, all of it in {log}:\n{lines}", START.as_secs())]
    NotReady {
        /// The log file.
        log: PathBuf,
        /// The last lines of this start.
        lines: String,
    },
    /// The server does not end.
    #[error("Postgres (pid {pid}) does not end, not even by SIGKILL; its disk may hang")]
    NotStopped {
        /// The process id.
        pid: u32,
    },
    /// The state of the process cannot be read.
    #[error("cannot watch or signal Postgres (pid {pid}): {source}; end it with: kill -INT {pid}")]
    Watch {
        /// The process id.
        pid: u32,
        /// The system's error.
        source: io::Error,
    },
}

impl Server {
    /// Starts `program` on the cluster of `data_folder`, after the server of an earlier owner has
    /// ended, and waits until it is ready. Blocks for a bounded time.
    ///
    /// # Errors
    /// [`ServerError`].
    pub(super) fn start(
        program: &Path,
        data_folder: &DataFolder,
        arguments: &[OsString],
    ) -> Result<Server, ServerError> {
        wait_for_former(data_folder)?;
        let deadline = Instant::now() + LEFTOVERS;
        loop {
            match Server::attempt(program, data_folder, arguments) {
                Err(ServerError::Exited { lines, .. }) if found_leftovers(&lines) => {}
                outcome => return outcome,
            }
            if Instant::now() > deadline {
                return Err(ServerError::Leftovers { cluster: data_folder.cluster.clone() });
            }
            thread::sleep(RETRY);
            wait_for_former(data_folder)?;
        }
    }

    fn attempt(
        program: &Path,
        data_folder: &DataFolder,
        arguments: &[OsString],
    ) -> Result<Server, ServerError> {
        let log = data_folder.open_log()?;
        let failed = |source| ServerError::Spawn { program: program.to_owned(), source };
        let log_start = log.metadata().map_err(failed)?.len();
        let pid_file_before = read_pid_file(&data_folder.cluster);
        let mut command = data_folder.account.command(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log);
        let mut server = Server { child: command.spawn().map_err(failed)? };

        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if let Some(status) = server.try_wait()? {
                let lines = last_lines_since(&data_folder.log, log_start);
                return Err(ServerError::Exited { status, log: data_folder.log.clone(), lines });
            }
            let pid_file = read_pid_file(&data_folder.cluster);
            // An old file could name the same process id: in a container, ids repeat from start to
            // start.
            if pid_file != pid_file_before
                && pid_file.is_some_and(|text| says_ready(&text, server.pid()))
            {
                return Ok(server);
            }
            thread::sleep(POLL);
        }
        let lines = last_lines_since(&data_folder.log, log_start);
        Err(ServerError::NotReady { log: data_folder.log.clone(), lines })
    }

    /// The id of the server's first process.
    #[must_use]
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The exit status of the server; `None` while it runs.
    ///
    /// # Errors
    /// [`ServerError::Watch`].
    pub(super) fn try_wait(&mut self) -> Result<Option<ExitStatus>, ServerError> {
        let pid = self.pid();
        self.child.try_wait().map_err(|source| ServerError::Watch { pid, source })
    }

    /// Stops the server: by a fast shutdown, which disconnects clients; by an immediate one if that
    /// takes more than 10 s; by SIGKILL after 10 s more. None of them loses a committed change. A
    /// server that has ended already is no error.
    ///
    /// # Errors
    /// [`ServerError::NotStopped`], [`ServerError::Watch`].
    pub(super) fn stop(&mut self) -> Result<(), ServerError> {
        let pid = self.pid();
        for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
            if self.try_wait()?.is_some() {
                return Ok(());
            }
            // The process id is still the server's: only this process can reap it.
            kill_process(Pid::from_child(&self.child), signal)
                .map_err(|e| ServerError::Watch { pid, source: e.into() })?;
            let deadline = Instant::now() + STOP;
            while Instant::now() < deadline {
                if self.try_wait()?.is_some() {
                    return Ok(());
                }
                thread::sleep(POLL);
            }
        }
        Err(ServerError::NotStopped { pid })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // No caller can get the error; the death signal is the second safety net.
        let _ = self.stop();
    }
}

/// The arguments of `postgres`: a unix socket that only its account can open, no port, and the
/// caller's settings last, so that they win.
#[must_use]
pub(super) fn arguments(
    cluster: &Path,
    socket_dir: &Path,
    settings: &[(&str, &str)],
) -> Vec<OsString> {
    let mut ours = OsString::from("unix_socket_directories=");
    ours.push(in_quotes(socket_dir));
    let fixed = [
        "listen_addresses=",
        "port=5432",
        "unix_socket_permissions=0700",
        // The code searches the log for some messages.
        "lc_messages=C",
        // A busy query does not notice that the server was killed, and would prevent the next
        // start. It does notice that its client is gone.
        "client_connection_check_interval=1s",
    ]
    .map(OsString::from);
    let theirs = settings.iter().map(|(name, value)| OsString::from(format!("{name}={value}")));
    let options = fixed.into_iter().chain([ours]).chain(theirs);
    let mut arguments = vec![OsString::from("-D"), cluster.as_os_str().to_owned()];
    arguments.extend(options.flat_map(|option| [OsString::from("-c"), option]));
    arguments
}

/// The setting is a list: without quotes, a comma or a space in the path would end an entry.
fn in_quotes(path: &Path) -> OsString {
    let doubled = path
        .as_os_str()
        .as_bytes()
        .split(|byte| *byte == b'"')
        .collect::<Vec<_>>()
        .join(&b"\"\""[..]);
    let mut quoted = OsString::from("\"");
    quoted.push(OsStr::from_bytes(&doubled));
    quoted.push("\"");
    quoted
}

/// Waits for the server of an owner that was killed: it got SIGINT when its owner ended, and is
/// shutting down. A file without its process is left to Postgres.
fn wait_for_former(data_folder: &DataFolder) -> Result<(), ServerError> {
    let deadline = Instant::now() + FORMER;
    loop {
        let former = read_pid_file(&data_folder.cluster)
            .and_then(|text| pid_in(&text))
            .filter(|pid| is_alive(*pid, data_folder.account.uid));
        match former {
            None => return Ok(()),
            Some(pid) if Instant::now() > deadline => {
                return Err(ServerError::Former { pid, cluster: data_folder.cluster.clone() });
            }
            Some(_) => thread::sleep(POLL),
        }
    }
}

/// Whether the process runs and belongs to the account. As Postgres has it, another account's
/// process of that id is not the server.
fn is_alive(pid: i32, uid: u32) -> bool {
    let exists = Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok());
    let is_us = u32::try_from(pid).is_ok_and(|pid| pid == std::process::id());
    // Root may signal all processes, so the owner must be checked.
    exists
        && !is_us
        && fs::metadata(format!("/proc/{pid}")).map_or(true, |process| process.uid() == uid)
}

fn read_pid_file(cluster: &Path) -> Option<String> {
    fs::read_to_string(cluster.join("postmaster.pid")).ok()
}

/// The server's process id, in the first line. The id of a single-user session is negative: it is
/// not waited for.
fn pid_in(text: &str) -> Option<i32> {
    text.lines().next()?.trim().parse().ok().filter(|pid| *pid > 0)
}

/// The eighth line is the state, as `pg_ctl` reads it.
fn says_ready(text: &str, pid: u32) -> bool {
    let mut lines = text.lines();
    lines.next().is_some_and(|first| first.trim() == pid.to_string())
        && lines.nth(6).is_some_and(|state| state.trim() == "ready")
}

/// Whether the server did not start for a reason that passes in a moment: processes of a killed
/// server, or a server that had not yet written its process id.
fn found_leftovers(log: &str) -> bool {
    log.contains("pre-existing shared memory block") || log.contains("FATAL:  lock file")
}

fn last_lines_since(log: &Path, start: u64) -> String {
    let mut text = Vec::new();
    let read = File::open(log).and_then(|mut log| {
        log.seek(SeekFrom::Start(start))?;
        log.read_to_end(&mut text)
    });
    match read {
        Ok(_) => packages::last_lines(&String::from_utf8_lossy(&text), LOG_LINES),
        Err(e) => format!("(the log is unreadable: {e})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = "4711\n/d/postgres\n1763720000\n5432\n/d/run\n\n  1234567   0\nready   \n";

    #[test]
    fn the_server_is_ready_if_the_eighth_line_of_its_file_says_so() {
        assert!(says_ready(READY, 4711));
        assert!(!says_ready(READY, 4712));
        assert!(!says_ready(&READY.replace("ready   ", "starting"), 4711));
        assert!(!says_ready("4711\n/d/postgres\n", 4711));
        assert!(!says_ready("", 4711));
    }

    #[test]
    fn only_a_positive_first_line_is_a_server() {
        assert_eq!(pid_in(READY), Some(4711));
        assert_eq!(pid_in("-4711\n"), None);
        assert_eq!(pid_in("0\n"), None);
        assert_eq!(pid_in(""), None);
    }

    #[test]
    fn a_process_counts_if_it_runs_for_the_account_and_is_another_one() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let uid = rustix::process::geteuid().as_raw();
        assert!(is_alive(pid, uid));
        if cfg!(target_os = "linux") {
            assert!(!is_alive(pid, uid + 1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_alive(pid, uid));
        assert!(!is_alive(i32::try_from(std::process::id()).unwrap(), uid));
    }

    #[test]
    fn the_callers_settings_come_last_and_the_socket_folder_is_quoted() {
        let arguments = arguments(
            Path::new("/d/c"),
            Path::new("/a, \"b\""),
            &[("port", "1"), ("work_mem", "8MB")],
        );
        assert_eq!(arguments[..2], ["-D", "/d/c"]);
        assert!(arguments.contains(&OsString::from("unix_socket_directories=\"/a, \"\"b\"\"\"")));
        assert_eq!(arguments[arguments.len() - 4..], ["-c", "port=1", "-c", "work_mem=8MB"]);
    }
}
