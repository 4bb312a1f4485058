//! Programs that cargo builds of crates which are not in the service's tree, each with a lock file
//! of its own.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The program `story` of the package in this folder, as its lock file has it. Cargo builds it
/// once, and again when something of it changes; of several tests that want it, one waits for the
/// other.
pub fn story(folder: &str) -> Command {
    let folder = Path::new(folder);
    let target = super::artifacts::tmp_dir().join(folder.file_name().unwrap());
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
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "identity-link", "--example", name]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    // The tests run from the folder `deps` beside it.
    let tests = env::current_exe().unwrap();
    tests.parent().unwrap().with_file_name("examples").join(name)
}
