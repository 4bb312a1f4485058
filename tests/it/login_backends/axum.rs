//! The backend on axum.

use std::{path::PathBuf, process::Command, sync::OnceLock};

use super::{stories, visit::Start};
use crate::support::cargo::member;

/// The backend, built once for all tests: the first of them builds it, and the others wait.
fn command() -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    Command::new(BUILT.get_or_init(|| member("login-backend-axum")))
}

stories!(command as Start);
