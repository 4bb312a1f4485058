//! `config`: checks, describes or begins a configuration file.

use clap::{Args, Subcommand};

use super::{
    ConfigFile, Failure,
    doctor::{failure, look},
    help, say,
};
use crate::{config::Config, doctor};

#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Check a configuration file and list all problems
    #[command(after_help = help::after(&[
        "identity-link config check --config identity-link.toml",
        "identity-link config check --config identity-link.toml --online",
        "IDENTITY_LINK__LISTEN=127.0.0.1:50051 identity-link config check --config identity-link.toml",
    ], help::CONFIGURED))]
    Check(CheckArguments),
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

#[derive(Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    config: ConfigFile,
    /// Also read the metadata of the providers at which people sign in, and compare the settings
    /// with them
    #[arg(long)]
    online: bool,
}

pub(super) fn run(command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(arguments) => check(arguments),
        ConfigCommand::Example => say(Config::example().trim_end()),
        ConfigCommand::Schema => say(&format!("{:#}", Config::schema())),
    }
}

/// Checks a configuration, and with `--online` what its providers say.
pub(super) fn check(arguments: &CheckArguments) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    say("the configuration is valid")?;
    if !arguments.online {
        return Ok(());
    }
    let findings = look(&config, async |http| doctor::examine_providers(&config, http).await)?;
    findings.iter().try_for_each(|finding| say(&finding.to_string()))?;
    failure(&findings, "the check").map_or(Ok(()), Err)
}
