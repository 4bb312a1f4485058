//! Python, with packages that are pinned by their hashes.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use identity_link_dev::packages::install_all;

use super::{child::run_command, fetched::fetched_dir};

/// Installs the packages of this requirements file in a folder with this name, and returns the
/// folder.
pub fn packages(name: &str, requirements: &'static str) -> PathBuf {
    let target = fetched_dir(name, &[requirements]);
    install_all(requirements, &fs::read_to_string(requirements).unwrap(), &target).unwrap();
    target
}

/// Runs Python with these arguments and folders to import from, and returns what it wrote to
/// stdout.
pub fn python(folders: &[&Path], arguments: &[&str]) -> String {
    let mut command = Command::new("python3");
    command.args(arguments).env("PYTHONPATH", env::join_paths(folders).unwrap());
    let ran = run_command(command);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.stdout
}
