//! The configuration that a command reads: a file, and the environment over it.

use std::{ffi::OsString, path::PathBuf};

use clap::Args;

use super::{Failure, help};
use crate::config::Config;

/// The variable that names the file.
const VARIABLE: &str = "IDENTITY_LINK_CONFIG";

#[derive(Args)]
pub(super) struct ConfigFile {
    /// The configuration file (TOML); IDENTITY_LINK__SECTION__KEY in the environment overrides a
    /// key of it. Required, unless IDENTITY_LINK_CONFIG names the file
    #[arg(long, value_name = "FILE", env = VARIABLE, hide_env = true)]
    config: Option<PathBuf>,
}

impl ConfigFile {
    /// A file that no option names.
    #[cfg(feature = "dev")]
    pub(super) fn at(file: PathBuf) -> Self {
        Self { config: Some(file) }
    }

    /// Reads the configuration, and overrides it by the environment.
    pub(super) fn load(&self) -> Result<Config, Failure> {
        let Some(file) = &self.config else {
            return Err(Failure {
                text: format!(
                    "there is no configuration: name its file by --config FILE, or by {VARIABLE} in the environment"
                ),
                code: help::ARGUMENTS,
            });
        };
        // Variables that are not UTF-8 belong to other programs.
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Config::load(file, std::env::vars_os().filter_map(text))
            .map_err(|problems| Failure::usage(format!("{}:\n{problems}", file.display())))
    }
}
