//! Programs that cargo builds of crates which are not in the service's tree, each with a lock file
//! of its own.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::artifacts::{profile_dir, tmp_dir};

/// The program `story` of the package in this folder, as its lock file has it. Cargo builds it
/// once, and again when something of it changes; of several tests that want it, one waits for the
/// other.
pub fn story(folder: &str) -> Command {
    let folder = Path::new(folder);
    let target = tmp_dir().join(folder.file_name().unwrap());
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--locked", "--manifest-path"]).arg(folder.join("Cargo.toml"));
    cargo.arg("--target-dir").arg(&target);
    // A registry that does not answer at once is asked again.
    cargo.env("CARGO_NET_RETRY", "10");
    // As long as the registry and the compiler take: cargo has bounds of its own.
    let built = cargo.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Command::new(target.join("debug/story"))
}

/// The example of the service's package with this name, as cargo builds it. `cargo test` has built it
/// already, except if it runs one target alone.
pub fn example(name: &str) -> PathBuf {
    beside_the_service(&["--example", name]);
    profile_dir().join("examples").join(name)
}

/// The program of this package of the workspace, as cargo builds it.
pub fn member(package: &str) -> PathBuf {
    beside_the_service(&["--package", package]);
    profile_dir().join(package)
}

/// Builds this in one command with the service, whose features its libraries then have: no library is
/// compiled a second time.
fn beside_the_service(what: &[&str]) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "identity-link"]).args(what);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}
