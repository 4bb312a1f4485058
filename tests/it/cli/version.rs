//! The version, and the commit that it names.

#[path = "../../../build/commit.rs"]
mod commit;

use std::process::Command;

use identity_link::version::VERSION;

use self::commit::{Commit, checked_out, heads, short};
use super::*;

/// Runs git in this folder, as a user whom no configuration of this machine affects.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
    git.args(["-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]).args(arguments);
    git.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")]);
    git.env("GIT_COMMITTER_DATE", "2026-11-30T23:59:59Z");
    let ran = run_command(git);
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
    ran.stdout
}

/// A repository with one commit, and the beginning of its hash.
fn repository(name: &str) -> (std::path::PathBuf, String) {
    // Outside of this repository, which would otherwise be found.
    let dir = std::env::temp_dir().join(format!("identity-link-{}-{name}", std::process::id()));
    drop(fs::remove_dir_all(&dir));
    fs::create_dir_all(dir.join("src")).unwrap();
    fs::write(dir.join("src/lib.rs"), "").unwrap();
    git(&dir, &["init", "--quiet"]);
    git(&dir, &["add", "."]);
    git(&dir, &["commit", "--quiet", "--message", "a"]);
    let id = git(&dir, &["rev-parse", "HEAD"])[..12].to_owned();
    (dir, id)
}

#[test]
fn version_is_one_line_with_the_commit_and_its_date() {
    let stdout = format!("identity-link {}", *VERSION);
    let said = |arguments: &[&str]| {
        let ran = run(arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        ran.stdout
    };
    assert_eq!(said(&["version"]), stdout);
    assert_eq!(said(&["--version"]), stdout);
    // Not which commit: a developer may commit, or save a file, while the tests run.
    if checked_out(Path::new(env!("CARGO_MANIFEST_DIR"))).is_some() {
        assert_ne!(VERSION.commit, "unknown");
        assert!(VERSION.date.is_some());
    }
}

#[test]
fn the_commit_is_that_of_the_checkout_and_marked_if_a_source_differs() {
    let (dir, id) = repository("checkout");
    let seconds = "1796083199".to_owned();
    let clean = Some(Commit { id: id.clone(), seconds: seconds.clone() });
    let dirty = Some(Commit { id: format!("{id}-dirty"), seconds });

    assert_eq!(checked_out(&dir), clean);
    fs::write(dir.join("README.md"), "not a source").unwrap();
    assert_eq!(checked_out(&dir), clean);
    fs::write(dir.join("src/new.rs"), "").unwrap();
    assert_eq!(checked_out(&dir), dirty);
    fs::remove_file(dir.join("src/new.rs")).unwrap();
    fs::write(dir.join("src/lib.rs"), "//").unwrap();
    assert_eq!(checked_out(&dir), dirty);

    fs::remove_dir_all(dir).unwrap();
}

/// The sources of an archive that lie in another repository are not of its commit.
#[test]
fn a_folder_that_is_no_checkout_has_no_commit() {
    let (dir, _) = repository("archive");
    assert_eq!(checked_out(&dir.join("src")), None);
    assert_eq!(checked_out(&dir.join("missing")), None);
    fs::remove_dir_all(dir.join(".git")).unwrap();
    assert_eq!(checked_out(&dir), None);
    assert_eq!(heads(&dir), [""; 0].map(std::path::PathBuf::from));
    fs::remove_dir_all(dir).unwrap();
}

/// Also in a worktree, and if the branch has no file of its own.
#[test]
fn each_commit_changes_one_of_the_files_that_the_build_watches() {
    let (dir, _) = repository("heads");
    git(&dir, &["worktree", "add", "--quiet", "tree"]);
    git(&dir, &["pack-refs", "--all"]);
    for folder in [dir.clone(), dir.join("tree")] {
        let watched =
            || heads(&folder).iter().map(|file| fs::read(file).unwrap()).collect::<Vec<_>>();
        let before = watched();
        git(&folder, &["commit", "--quiet", "--allow-empty", "--message", "b"]);
        assert_ne!(watched(), before, "{}", folder.display());
    }
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_hash_is_shown_by_its_beginning_and_another_name_as_it_is() {
    assert_eq!(short("0123456789abcdef0123456789abcdef01234567"), "0123456789ab");
    for name in ["v0.1.0", "0123456789abcdef", "release-0123456789abcdef0123456789abcdef01234567"] {
        assert_eq!(short(name), name);
    }
}
