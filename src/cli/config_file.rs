//! The configuration that a command reads: a file, and the environment over it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, help};
use crate::config::{self, CommandConfig, Config, ConfigProblems};

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

    /// This file, or else that of the environment; `None` if neither is named. For commands where an
    /// option beside `--config` excludes it: a variable excludes none.
    pub(super) fn named(file: Option<PathBuf>) -> Option<Self> {
        let config = file.or_else(|| std::env::var_os(VARIABLE).map(PathBuf::from))?;
        Some(Self { config: Some(config) })
    }

    /// Reads the configuration, and overrides it by the environment.
    pub(super) fn load(&self) -> Result<Config, Failure> {
        let file = self.file()?;
        self.reader()?()
            .map_err(|problems| Failure::usage(format!("{}:\n{problems}", file.display())))
    }

    /// Reads the configuration for a command that works on the database, and overrides it by the
    /// environment. It needs neither `listen` nor `issuers`.
    pub(super) fn load_for_command(&self) -> Result<CommandConfig, Failure> {
        let file = self.file()?;
        CommandConfig::load(file, environment()?)
            .map_err(|problems| Failure::usage(format!("{}:\n{problems}", file.display())))
    }

    /// What reads the configuration, also again. The environment is that of now.
    pub(super) fn reader(
        &self,
    ) -> Result<impl Fn() -> Result<Config, ConfigProblems> + Send + Sync + use<>, Failure> {
        let (file, environment) = (self.file()?.to_owned(), environment()?);
        Ok(move || Config::load(&file, environment.iter().cloned()))
    }

    fn file(&self) -> Result<&Path, Failure> {
        self.config.as_deref().ok_or_else(|| Failure {
            text: format!(
                "there is no configuration: name its file by --config FILE, or by {VARIABLE} in the environment"
            ),
            code: help::ARGUMENTS,
        })
    }
}

/// The variables whose names and values are UTF-8.
fn environment() -> Result<Vec<(String, String)>, Failure> {
    let mut environment = Vec::new();
    for (name, value) in std::env::vars_os() {
        // A name that is not UTF-8 belongs to another program.
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => environment.push((name, value)),
            Err(_) if name.starts_with(config::VARIABLES) => {
                return Err(Failure::usage(format!("{name} is not UTF-8")));
            }
            Err(_) => {}
        }
    }
    Ok(environment)
}
