//! The command line: arguments in, exit codes out.

mod apply;
mod client;
mod config;
mod config_file;
#[cfg(feature = "dev")]
mod dev;
mod doctor;
mod duplicates;
mod erase;
mod export;
mod generate;
mod health;
mod help;
mod import;
mod log;
mod looks;
mod many_links;
mod migrate;
mod open_files;
mod output_file;
mod progress;
mod provider;
mod purge;
#[cfg(test)]
mod reference;
mod serve;
mod tenant;
#[cfg(feature = "dev")]
mod token;
mod undo;

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    process::ExitCode,
    sync::LazyLock,
    time::Duration,
};

use clap::{Parser, Subcommand};

use self::config_file::ConfigFile;
use crate::version::VERSION;

/// The exit code for a wrong configuration (EX_USAGE of sysexits.h).
const EX_USAGE: u8 = 64;
/// The exit code where a part of the input was refused.
const EX_PARTLY: u8 = 3;
/// The exit code of a change that was shown and not made, for lack of a yes.
const EX_NOT_CONFIRMED: u8 = 4;
/// The exit code after an interruption (128 + SIGINT, as shells have it).
const EX_INTERRUPTED: u8 = 130;

/// The version as clap takes it.
static VERSION_TEXT: LazyLock<String> = LazyLock::new(|| VERSION.to_string());

/// One user out of many sign-ins.
#[derive(Parser)]
#[command(name = "identity-link", version = VERSION_TEXT.as_str(), about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve gRPC as configured
    #[command(after_help = help::after(&[
        "identity-link serve --config /etc/identity-link.toml",
        "identity-link serve --config /etc/identity-link.toml --wait 5m",
        "IDENTITY_LINK__LOG=debug identity-link serve --config identity-link.toml",
    ], help::SERVER))]
    Serve(serve::ServeArguments),
    /// Try it out: start a private Postgres in a folder, make local issuers, serve, and print lines
    /// to paste
    #[cfg(feature = "dev")]
    #[command(after_help = help::after(&[
        "identity-link dev --sample",
        "identity-link dev --data-dir /tmp/identity-link --listen 127.0.0.1:0 --no-demo",
    ], help::SERVER))]
    Dev(dev::DevArguments),
    /// Run the database migrations that are missing
    #[command(after_help = help::after(&[
        "identity-link migrate --config /etc/identity-link.toml",
        "identity-link migrate --config /etc/identity-link.toml --contract",
        "identity-link migrate --config /etc/identity-link.toml --status",
        "identity-link migrate --config /etc/identity-link.toml --to 20261130000001 --yes",
    ], help::CONFIGURED))]
    Migrate(migrate::MigrateArguments),
    /// Write who of the staff looked at which users in the console, as lines of JSON
    #[command(after_help = help::after(&[
        "identity-link looks --config /etc/identity-link.toml --since 2026-12-01T00:00:00Z --until 2027-01-01T00:00:00Z --output looks.ndjson",
        "identity-link looks --config /etc/identity-link.toml --user 9b2f0a7c41d6",
        "identity-link looks --config /etc/identity-link.toml --tenant shop --staff 00u1a2b3c4",
    ], help::LOOKS))]
    Looks(looks::LooksArguments),
    /// Remove expired responses, tickets and attempts, discarded metadata, old events, and
    /// leftovers of deletions
    #[command(after_help = help::after(&[
        "identity-link purge --config /etc/identity-link.toml",
        "identity-link purge --config /etc/identity-link.toml --keep-discarded 90d",
    ], help::PURGE))]
    Purge(purge::PurgeArguments),
    /// Write the users of a tenant as lines of JSON, all of them or a part, while calls continue
    #[command(after_help = help::after(&[
        "identity-link export --config /etc/identity-link.toml > users.ndjson",
        "identity-link export --config /etc/identity-link.toml --output users.ndjson.gz --gzip --position-file position.txt",
        "identity-link export --config /etc/identity-link.toml --ids ids.txt --history --output some.ndjson",
        "identity-link export --config /etc/identity-link.toml --since hV0pQ2oYyTz --output changed.ndjson",
        "identity-link export --config /etc/identity-link.toml --tenant shop --format auth0 --output users.ndjson",
    ], help::EXPORT))]
    Export(export::ExportArguments),
    /// Write a plan of the users who are likely one person, and change nothing
    #[command(after_help = help::after(&[
        "identity-link duplicates --config /etc/identity-link.toml --output plan.ndjson",
        "identity-link duplicates --config /etc/identity-link.toml --rule verified-email --rule verified-phone --gmail --output plan.ndjson",
        "identity-link duplicates --config /etc/identity-link.toml --tenant shop --primary most-used > plan.ndjson",
    ], help::DUPLICATES))]
    Duplicates(duplicates::DuplicatesArguments),
    /// Link users by a plan of `duplicates`, and say what happens to each link
    #[command(after_help = help::after(&[
        "identity-link apply --config /etc/identity-link.toml --dry-run plan.ndjson",
        "identity-link apply --config /etc/identity-link.toml --limit 100 --report first.ndjson plan.ndjson",
        "identity-link apply --config /etc/identity-link.toml --rate 10 --accept-mark same_provider plan.ndjson",
    ], help::APPLY))]
    Apply(apply::ApplyArguments),
    /// Undo a link; or many, the newest first: of a plan, of a rule or of a service
    #[command(after_help = help::after(&[
        "identity-link undo --server https://identity.example.com --token-file token.txt 3f0d4c1e-8f43-4a6c-9a53-1b7a7d0e6a55",
        "identity-link undo --config /etc/identity-link.toml --plan 0b8f3c56-4f5e-4c55-9a0b-7d2f6a1c9e10 --dry-run",
        "identity-link undo --config /etc/identity-link.toml --by-rule automatic --since 2026-12-01T08:00:00Z --report undone.ndjson",
        "identity-link undo --config /etc/identity-link.toml --service backend --since 2026-12-01T08:00:00Z --until 2026-12-01T09:00:00Z",
    ], help::UNDO))]
    Undo(undo::UndoArguments),
    /// Find users by an email, a phone number, an account or an id, and links by their ids
    #[command(after_help = help::after(&[
        "identity-link find --server https://identity.example.com --token-file token.txt ann@example.com",
        "identity-link find --config /etc/identity-link.toml --output json +15550100",
    ], help::CALLED))]
    Find(client::FindArguments),
    /// Show a user
    #[command(after_help = help::after(&[
        "identity-link user --server https://identity.example.com --token-file token.txt 9b2f0a7c41d6",
        "identity-link user --config /etc/identity-link.toml --output json 9b2f0a7c41d6",
    ], help::CALLED))]
    User(client::UserArguments),
    /// List the links of a user, or of all users, the newest first
    #[command(after_help = help::after(&[
        "identity-link links --server https://identity.example.com --token-file token.txt 9b2f0a7c41d6",
        "identity-link links --config /etc/identity-link.toml --since 2026-12-01T08:00:00Z --standing --output json",
    ], help::CALLED))]
    Links(client::LinksArguments),
    /// Make two users one, after a preview and a question
    #[command(after_help = help::after(&[
        "identity-link link --server https://identity.example.com --token-file token.txt 9b2f0a7c41d6 51c8e0d2f7aa",
        "identity-link link --config /etc/identity-link.toml --account 9b2f0a7c41d6 'sms|+15550100' --merge user --yes",
    ], help::CHANGED))]
    Link(client::LinkArguments),
    /// Take an account from its user, after a preview and a question
    #[command(after_help = help::after(&[
        "identity-link unlink --server https://identity.example.com --token-file token.txt 9b2f0a7c41d6 'sms|+15550100'",
        "identity-link unlink --config /etc/identity-link.toml 9b2f0a7c41d6 'sms|+15550100' --release --dry-run",
    ], help::CHANGED))]
    Unlink(client::UnlinkArguments),
    /// Say which users hold ids now
    #[command(after_help = help::after(&[
        "identity-link resolve --server https://identity.example.com --token-file token.txt 9b2f0a7c41d6 51c8e0d2f7aa",
        "identity-link resolve --config /etc/identity-link.toml --output json -",
    ], help::CALLED))]
    Resolve(client::ResolveArguments),
    /// Print what changes, as it happens, until an interruption
    #[command(after_help = help::after(&[
        "identity-link watch --server https://identity.example.com --token-file token.txt --kind user-linked",
        "identity-link watch --config /etc/identity-link.toml --from hV0pQ2oYyTz --output json",
    ], help::WATCHED))]
    Watch(client::WatchArguments),
    /// Bring users from files of Auth0, Firebase, Supabase, Keycloak, Cognito, or tables of your own
    #[command(after_help = help::after(&[
        "identity-link import --config /etc/identity-link.toml --from neutral --dry-run users.ndjson",
        "identity-link import --config /etc/identity-link.toml --from auth0 export.json.gz",
        "identity-link import --config /etc/identity-link.toml --from firebase --provider google.com=google-oauth2 --provider password=password users.json",
        "identity-link import --config /etc/identity-link.toml --from keycloak export/",
    ], help::IMPORT))]
    Import(import::ImportArguments),
    /// Delete the users of a list of ids, with all users that they have absorbed
    #[command(after_help = help::after(&[
        "identity-link erase --config /etc/identity-link.toml --ids ids.txt --dry-run",
        "identity-link erase --config /etc/identity-link.toml --tenant shop --ids ids.txt --report erased.ndjson",
    ], help::ERASE))]
    Erase(erase::EraseArguments),
    /// Move a provider to another issuer, or list the issuers of providers
    #[command(subcommand)]
    Provider(provider::ProviderCommand),
    /// Print a token of a local issuer of `dev`
    #[cfg(feature = "dev")]
    #[command(after_help = help::after(&[
        "identity-link token --service backend",
        "identity-link token --identity sms 1 --email ann@example.com --email-verified --ttl 10m",
    ], help::PLAIN))]
    Token(token::TokenArguments),
    /// Check, describe or begin a configuration file
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// The earlier name of `config check`
    #[command(hide = true)]
    CheckConfig(config::CheckArguments),
    /// Check what a server with this configuration depends on, and say what to do: its database,
    /// issuers, providers, clocks and certificates
    #[command(after_help = help::after(&[
        "identity-link doctor --config /etc/identity-link.toml",
        "identity-link doctor --config /etc/identity-link.toml --json",
    ], help::DOCTOR))]
    Doctor(doctor::DoctorArguments),
    /// Print the script with which a shell completes commands and options
    #[command(after_help = help::after(&[
        "identity-link completions bash > /usr/share/bash-completion/completions/identity-link",
        "identity-link completions zsh > /usr/local/share/zsh/site-functions/_identity-link",
        "identity-link completions fish > ~/.config/fish/completions/identity-link.fish",
    ], help::PLAIN))]
    Completions(generate::CompletionsArguments),
    /// Write the man pages
    #[command(after_help = help::after(
        &["identity-link man /usr/local/share/man/man1"],
        help::PLAIN,
    ))]
    Man(generate::ManArguments),
    /// Ask a running server on this machine whether it is ready for calls
    #[command(after_help = help::after(
        &["identity-link health --config identity-link.toml"],
        help::CONFIGURED,
    ))]
    Health(health::HealthArguments),
    /// Print the version, and the commit that it was built from
    #[command(after_help = help::after(&["identity-link version"], help::PLAIN))]
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
        Command::Serve(arguments) => serve::run(&arguments),
        #[cfg(feature = "dev")]
        Command::Dev(arguments) => dev::run(&arguments),
        Command::Migrate(arguments) => migrate::run(arguments),
        Command::Looks(arguments) => looks::run(&arguments),
        Command::Purge(arguments) => purge::run(&arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Duplicates(arguments) => duplicates::run(&arguments),
        Command::Apply(arguments) => apply::run(&arguments),
        Command::Undo(arguments) => undo::run(&arguments),
        Command::Find(arguments) => client::find(&arguments),
        Command::User(arguments) => client::user(&arguments),
        Command::Links(arguments) => client::links(&arguments),
        Command::Link(arguments) => client::link(&arguments),
        Command::Unlink(arguments) => client::unlink(&arguments),
        Command::Resolve(arguments) => client::resolve(&arguments),
        Command::Watch(arguments) => client::watch(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Erase(arguments) => erase::run(&arguments),
        Command::Provider(command) => provider::run(&command),
        #[cfg(feature = "dev")]
        Command::Token(arguments) => token::run(&arguments),
        Command::Config(command) => config::run(&command),
        Command::CheckConfig(arguments) => config::check(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Completions(arguments) => generate::completions(&arguments),
        Command::Man(arguments) => generate::man(&arguments),
        Command::Health(arguments) => health::run(&arguments),
        Command::Version => say(&format!("identity-link {}", *VERSION_TEXT)),
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

/// Prints a text to stdout.
fn say(text: &str) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// How long a thread that has read a file waits for the next one. The key files of all issuers are
/// read at once, every five seconds, and each thread that waits has memory of its own.
const IDLE_THREAD: Duration = Duration::from_millis(500);

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().thread_keep_alive(IDLE_THREAD).build()
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
