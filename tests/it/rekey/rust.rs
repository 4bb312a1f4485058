//! The service in Rust.

use std::{path::PathBuf, process::Command, sync::OnceLock};

use super::stories;
use crate::support::cargo::example;

fn command() -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    Command::new(BUILT.get_or_init(|| example("rekey")))
}

stories!(command);
