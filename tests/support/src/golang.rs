//! Go, pinned by its hashes.

use std::{env, fs, path::PathBuf, process::Command};

use identity_link_dev::packages::install_all;

use super::fetched::fetched_dir;

/// The requirements file that pins Go.
const GO: &str = "tests/it/go/requirements.txt";

/// The search path of programs, with Go before all others.
pub fn path_with_go() -> std::ffi::OsString {
    let target = fetched_dir("go", &[GO]);
    install_all(GO, &fs::read_to_string(GO).unwrap(), &target).unwrap();
    let bin: PathBuf = env::current_dir().unwrap().join(target).join("go/bin");
    let others = env::var_os("PATH").unwrap_or_default();
    env::join_paths(std::iter::once(bin).chain(env::split_paths(&others))).unwrap()
}

/// Go in this folder, at the version that is pinned and with the modules that are pinned.
pub fn go(folder: &str, arguments: &[&str]) -> Command {
    go_program("go", folder, arguments)
}

/// A program of Go's own, such as `gofmt`, as [`go`] runs `go`.
pub fn go_program(program: &str, folder: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("PATH", path_with_go());
    command.envs([("GOTOOLCHAIN", "local"), ("GOWORK", "off")]);
    command
}
