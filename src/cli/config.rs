//! `config`: checks, describes or begins a configuration file.

use clap::Subcommand;

use super::{ConfigFile, Failure, help, say};
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Check a configuration file and list all problems
    #[command(after_help = help::after(&[
        "identity-link config check --config identity-link.toml",
        "IDENTITY_LINK__LISTEN=127.0.0.1:50051 identity-link config check --config identity-link.toml",
    ], help::CONFIGURED))]
    Check(ConfigFile),
    /// Print a configuration file with every key, its meaning and its default
    #[command(after_help = help::after(
        &["identity-link config example > identity-link.toml"],
        help::PLAIN,
    ))]
    Example,
    /// Print the JSON Schema of the configuration file, by which editors complete and check it
    #[command(after_help = help::after(
        &["identity-link config schema > identity-link.schema.json"],
        help::PLAIN,
    ))]
    Schema,
}

pub(super) fn run(command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(config) => check(config),
        ConfigCommand::Example => say(Config::example().trim_end()),
        ConfigCommand::Schema => say(&format!("{:#}", Config::schema())),
    }
}

/// Checks a configuration.
pub(super) fn check(config: &ConfigFile) -> Result<(), Failure> {
    config.load()?;
    say("the configuration is valid")
}
