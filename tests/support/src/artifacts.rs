//! What cargo builds beside the running test or benchmark.
//!
//! Cargo names these paths in the environment of the compiler, to the crate of a test, but not to
//! this one.

use std::{env, path::PathBuf};

/// The folder of the build profile, such as `target/debug`. The running program is in its `deps`.
pub fn profile_dir() -> PathBuf {
    env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned()
}

/// The binary `identity-link`, as `CARGO_BIN_EXE_identity-link` names it.
pub fn service() -> PathBuf {
    profile_dir().join("identity-link")
}

/// The folder for what tests keep and write, as `CARGO_TARGET_TMPDIR` names it.
pub fn tmp_dir() -> PathBuf {
    profile_dir().parent().unwrap().join("tmp")
}
