//! The folders of one private Postgres: their owner, their paths, and the lock that lets one
//! process at a time use them.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{account::Account, binaries::Binaries};
use crate::packages;

/// For root, if the server's account cannot enter the data folder.
const SHARED_STATE: &str = "/var/lib/identity-link";
/// Postgres names its socket after the port, even if it listens on none.
const SOCKET: &str = ".s.PGSQL.5432";
/// The longest path of a socket, in bytes: `sun_path` less the closing zero.
const SOCKET_PATH_MAX: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// How long to wait for an owner that was just killed: the kernel takes a moment to release its
/// lock.
const OWNER_ENDS: Duration = Duration::from_millis(500);
/// The pause between two attempts to take the lock.
const POLL: Duration = Duration::from_millis(20);

/// The folders of a server, held by this process until dropped.
#[derive(Debug)]
pub(super) struct DataFolder {
    /// The parent of everything below: the data folder, or its substitute.
    pub base: PathBuf,
    /// The folder of the database cluster.
    pub cluster: PathBuf,
    /// The log file of Postgres.
    pub log: PathBuf,
    /// The account that owns the cluster.
    pub account: Account,
    _lock: File,
}

/// Why the folders cannot be used. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// Another process holds the folder.
    #[error(
        "another identity-link uses {data_dir} (pid {owner}); stop it, or choose another data folder"
    )]
    Taken {
        /// The folder.
        data_dir: PathBuf,
        /// The content of the lock file: the owner's process id.
        owner: String,
    },
    /// A file or folder could not be read or made.
    #[error("cannot use {path}: {source}; correct that, or choose another data folder")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// There is no account to run Postgres.
    #[error(
        "Postgres refuses to run as root, and root has no account to lend it: {source}; run as an ordinary user"
    )]
    NoAccount {
        /// The system's error.
        source: io::Error,
    },
    /// No folder's path is short enough for a socket.
    #[error(
        "no folder is short enough for a socket ({SOCKET_PATH_MAX} bytes); choose a shorter data folder, or set TMPDIR to a shorter one"
    )]
    NoSocketDir,
    /// `initdb` failed.
    #[error("a database could not be made in {cluster}; the end of initdb's output:\n{output}")]
    Initdb {
        /// The folder of the cluster.
        cluster: PathBuf,
        /// The end of the output.
        output: String,
    },
}

impl DataFolder {
    /// Makes `data_dir` if it is missing, with mode 0700, and takes its lock.
    ///
    /// Root's data folder becomes passable for others (0711), so that the server's account can
    /// reach its cluster. If a folder above is closed to that account, everything but the lock is
    /// in /var/lib/identity-link, and `say` gets a sentence about it.
    ///
    /// # Errors
    /// [`DataFolderError`].
    pub(super) fn open(
        data_dir: &Path,
        say: &mut dyn FnMut(&str),
    ) -> Result<DataFolder, DataFolderError> {
        let account =
            Account::of_server().map_err(|source| DataFolderError::NoAccount { source })?;
        // With links resolved, the folder has one name, and the folders above it are those that the
        // server's account passes.
        let data_dir = make_private(data_dir).map_err(at(data_dir))?;
        let lock = take_lock(&data_dir)?;
        let base = base_of(&data_dir, &account).map_err(at(&data_dir))?;
        if base != data_dir {
            say(&format!(
                "The account that runs Postgres cannot enter {}: the database is kept in {}.",
                data_dir.display(),
                base.display()
            ));
        }
        let cluster = base.join("postgres");
        let account = account.or_owner_of(&cluster).map_err(at(&cluster))?;
        Ok(DataFolder { log: base.join("postgres.log"), base, cluster, account, _lock: lock })
    }

    /// The major version of the cluster; `None` if there is no cluster yet.
    ///
    /// # Errors
    /// The cluster's version is unreadable.
    pub(super) fn major(&self) -> Result<Option<u32>, DataFolderError> {
        let path = self.cluster.join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Some).map_err(|e| at(&path)(io::Error::other(e))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(at(&path)(e)),
        }
    }

    /// Makes the cluster, which appears complete or not at all.
    ///
    /// # Errors
    /// `initdb` fails, or the folder cannot be made.
    pub(super) fn create_cluster(&self, binaries: &Binaries) -> Result<(), DataFolderError> {
        let partial = self.base.join("postgres.partial");
        packages::remove_dir(&partial)
            .and_then(|()| self.account.own_dir(&partial))
            .map_err(at(&partial))?;
        let mut initdb = self.account.command(&binaries.dir.join("initdb"));
        // The C locale is the only one that each build and system has. No other account can open
        // the socket, so it needs no password.
        initdb
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "-D"])
            .arg(&partial);
        packages::run(&mut initdb)
            .map_err(|output| DataFolderError::Initdb { cluster: self.cluster.clone(), output })?;
        fs::rename(&partial, &self.cluster).map_err(at(&self.cluster))
    }

    /// A private folder for the socket: in the base folder, or in the temporary folder if the
    /// socket's path would be too long.
    ///
    /// # Errors
    /// The folder exists and belongs to another account, or no folder's path is short enough.
    pub(super) fn socket_dir(&self) -> Result<PathBuf, DataFolderError> {
        let name = format!("identity-link-{:016x}", fnv1a(self.base.as_os_str()));
        let fits = |dir: &PathBuf| dir.join(SOCKET).as_os_str().len() <= SOCKET_PATH_MAX;
        let reached = |dir: &PathBuf| {
            !self.account.is_lent_by_root()
                || dir.parent().is_some_and(|parent| self.account.may_reach(parent))
        };
        let dir = [
            self.base.join("run"),
            std::env::temp_dir().join(&name),
            Path::new("/tmp").join(&name),
        ]
        .into_iter()
        .find(|dir| dir.is_absolute() && fits(dir) && reached(dir))
        .ok_or(DataFolderError::NoSocketDir)?;
        self.account.own_dir(&dir).map_err(at(&dir))?;
        Ok(dir)
    }

    /// The log file, opened for appending.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn open_log(&self) -> Result<File, DataFolderError> {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.log)
            .map_err(at(&self.log))
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> DataFolderError {
    let path = path.to_owned();
    |source| DataFolderError::Io { path, source }
}

/// Makes the folder if it is missing, closed to others; returns its real path.
fn make_private(dir: &Path) -> io::Result<PathBuf> {
    let dir = std::path::absolute(dir)?;
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(&dir) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        _ => fs::canonicalize(dir),
    }
}

/// Takes the lock. The kernel releases it when its owner ends in any way; the process id in the
/// file is for people.
fn take_lock(data_dir: &Path) -> Result<File, DataFolderError> {
    let path = data_dir.join("lock");
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(at(&path))?;
    let deadline = Instant::now() + OWNER_ENDS;
    loop {
        match lock.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(POLL),
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                lock.read_to_string(&mut owner).map_err(at(&path))?;
                return Err(DataFolderError::Taken {
                    data_dir: data_dir.to_owned(),
                    owner: owner.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(e)) => return Err(at(&path)(e)),
        }
    }
    lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(at(&path))?;
    Ok(lock)
}

/// The data folder, or for root a substitute that the server's account can enter; always the same
/// one for the same folder.
fn base_of(data_dir: &Path, account: &Account) -> io::Result<PathBuf> {
    if !account.is_lent_by_root() {
        return Ok(data_dir.to_owned());
    }
    let found = fs::metadata(data_dir)?;
    let roots_own = found.uid() == 0;
    if data_dir.parent().is_none_or(|parent| account.may_reach(parent))
        && (roots_own || account.may_enter(&found))
    {
        if !account.may_enter(&found) {
            // Passable, not readable: file modes protect the other files in the folder.
            fs::set_permissions(data_dir, Permissions::from_mode((found.mode() & 0o7777) | 0o011))?;
        }
        return Ok(data_dir.to_owned());
    }
    let base = Path::new(SHARED_STATE).join(format!("{:016x}", fnv1a(data_dir.as_os_str())));
    fs::create_dir_all(&base)?;
    // Set regardless of the umask: the account must be able to pass.
    for dir in [Path::new(SHARED_STATE), &base] {
        fs::set_permissions(dir, Permissions::from_mode(0o711))?;
    }
    Ok(base)
}

/// FNV-1a, for names that stay the same over versions of the standard library.
fn fnv1a(text: &OsStr) -> u64 {
    text.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_made_from_paths_never_change() {
        // The published vectors of FNV-1a.
        assert_eq!(fnv1a(OsStr::new("")), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(OsStr::new("foobar")), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_lock_has_one_owner_and_names_it() {
        let dir = make_private(
            &std::env::temp_dir().join(format!("identity-link-lock-{}", std::process::id())),
        )
        .unwrap();
        assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o777, 0o700);
        let first = take_lock(&dir).unwrap();
        let error = take_lock(&dir).unwrap_err().to_string();
        assert!(error.contains(&format!("(pid {})", std::process::id())), "{error}");
        drop(first);
        take_lock(&dir).unwrap();
        fs::remove_dir_all(&dir).unwrap();
    }
}
