//! Which commit the source is of, as git says it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What goes into the binary. A change elsewhere, such as in the documents, does not alter it.
pub(crate) const SOURCES: [&str; 9] = [
    "Cargo.lock",
    "Cargo.toml",
    "build",
    "build.rs",
    "clients/rust",
    "dev",
    "migrations",
    "proto",
    "src",
];

/// The digits of a commit's hash that are shown.
const DIGITS: usize = 12;

/// A commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    /// The beginning of its hash, with `-dirty` if the sources differ from it.
    pub(crate) id: String,
    /// When it was made, in seconds since 1970.
    pub(crate) seconds: String,
}

/// The commit that is checked out in this folder; `None` without git, and if the folder is not the
/// root of a checkout: the sources of an archive may lie inside of another repository.
pub(crate) fn checked_out(folder: &Path) -> Option<Commit> {
    if !git(folder, &["rev-parse", "--show-prefix"])?.is_empty() {
        return None;
    }
    let shown = git(folder, &["log", "-1", "--format=%H %ct"])?;
    let (hash, seconds) = shown.split_once(' ')?;
    let mut status = vec!["status", "--porcelain", "--"];
    status.extend(SOURCES);
    let changes = git(folder, &status)?;
    let mut id = short(hash);
    if !changes.is_empty() {
        id.push_str("-dirty");
    }
    Some(Commit { id, seconds: seconds.to_owned() })
}

/// The beginning of a commit's hash; another name stays as it is.
pub(crate) fn short(name: &str) -> String {
    let is_hash = name.len() >= 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { name.chars().take(DIGITS).collect() } else { name.to_owned() }
}

/// The files of git that change when another commit is checked out. In a worktree they are not
/// below `.git`, which is a file.
pub(crate) fn heads(folder: &Path) -> Vec<PathBuf> {
    let branch = git(folder, &["rev-parse", "--symbolic-full-name", "HEAD"]).unwrap_or_default();
    let names = ["HEAD", "logs/HEAD", "packed-refs", &branch];
    let paths = names.into_iter().filter(|name| !name.is_empty()).filter_map(|name| {
        let path = git(folder, &["rev-parse", "--git-path", name])?;
        Some(folder.join(path))
    });
    // Cargo takes a file that is missing for one that has changed.
    paths.filter(|path| path.exists()).collect()
}

/// What git prints, without white space at the end; `None` if it fails or is not installed.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    // Without this, `status` writes to the index, and two builds at once could collide there.
    let run = Command::new("git")
        .arg("--no-optional-locks")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .ok()?;
    let text = run.status.success().then_some(run.stdout)?;
    Some(String::from_utf8(text).ok()?.trim_end().to_owned())
}
