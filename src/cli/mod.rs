//! The command line: arguments in, exit codes out.

#[cfg(feature = "dev")]
mod dev;
mod health;
mod log;
mod purge;
#[cfg(test)]
mod reference;
mod serve;
#[cfg(feature = "dev")]
mod token;

use std::{
    ffi::OsString,
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};

use crate::{config::Config, store::Store};

/// The exit code for a wrong configuration (EX_USAGE of sysexits.h).
const EX_USAGE: u8 = 64;
/// The exit code after an interruption (128 + SIGINT, as shells have it).
const EX_INTERRUPTED: u8 = 130;

/// One user out of many sign-ins.
#[derive(Parser)]
#[command(name = "identity-link", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve gRPC as configured
    Serve {
        /// The configuration file (TOML); IDENTITY_LINK__SECTION__KEY in the environment overrides
        /// it
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Try it out: start a private Postgres in a folder, make local issuers, serve, and print lines
    /// to paste
    #[cfg(feature = "dev")]
    Dev(dev::DevArguments),
    /// Run the database migrations that are missing
    Migrate {
        /// The configuration file (TOML); IDENTITY_LINK__SECTION__KEY in the environment overrides
        /// it
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Remove expired responses, tickets and attempts, discarded metadata, old events, and
    /// leftovers of deletions
    Purge(purge::PurgeArguments),
    /// Print a token of a local issuer of `dev`
    #[cfg(feature = "dev")]
    Token(token::TokenArguments),
    /// Check a configuration file and list all problems
    CheckConfig {
        /// The configuration file (TOML); IDENTITY_LINK__SECTION__KEY in the environment overrides
        /// it
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Ask a running server on this machine whether it is ready for calls
    Health(health::HealthArguments),
    /// Print the version
    Version,
}

/// Why a command failed: the text to print, and the exit code.
pub struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: EX_USAGE }
    }
}

impl<E: std::fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { text: error.to_string(), code: 1 }
    }
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let log = log::FlushOnDrop;
    let outcome = match Arguments::parse().command {
        Command::Serve { config } => serve::run(&config),
        #[cfg(feature = "dev")]
        Command::Dev(arguments) => dev::run(&arguments),
        Command::Migrate { config } => migrate(&config),
        Command::Purge(arguments) => purge::run(&arguments),
        #[cfg(feature = "dev")]
        Command::Token(arguments) => token::run(&arguments),
        Command::CheckConfig { config } => check_config(&config),
        Command::Health(arguments) => health::run(&arguments),
        Command::Version => say(concat!("identity-link ", env!("CARGO_PKG_VERSION"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { text, code }) => {
            // The text follows the lines of the log.
            drop(log);
            // If stderr is closed, the error cannot be reported.
            let _ = writeln!(io::stderr(), "identity-link: {text}");
            ExitCode::from(code)
        }
    }
}

fn migrate(config: &Path) -> Result<(), Failure> {
    let config = load(config)?;
    let ran = runtime()?.block_on(Store::migrate(&config.database.address))?;
    match ran.as_slice() {
        [] => say("the schema is up to date"),
        ran => say(&format!("migrated: {}", ran.join(", "))),
    }
}

fn check_config(config: &Path) -> Result<(), Failure> {
    load(config)?;
    say("the configuration is valid")
}

/// Reads the configuration, and overrides it by the environment.
fn load(file: &Path) -> Result<Config, Failure> {
    // Variables that are not UTF-8 belong to other programs.
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    Config::load(file, std::env::vars_os().filter_map(text))
        .map_err(|problems| Failure::usage(format!("{}:\n{problems}", file.display())))
}

/// Prints a text to stdout.
fn say(text: &str) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// Binds before anything else begins, so that a port in use is reported at once.
fn bind(address: SocketAddr) -> Result<std::net::TcpListener, Failure> {
    let listener = std::net::TcpListener::bind(address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Failure::from(format!(
            "{address} is in use: stop what listens there, perhaps another identity-link, or choose another address"
        )),
        _ => Failure::from(format!("cannot listen on {address}: {error}")),
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Parses a duration such as `30s`, `10m` or `1h`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "must be a time such as 30s, 10m or 1h".to_owned())
}
