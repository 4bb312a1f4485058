//! Where the calls of a command go: to a server, or to a database.

use std::{fs, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use identity_link_client::{Client, TokenSource};

use super::{
    super::{ConfigFile, Failure, help, runtime, tenant::TenantArgument},
    shown::plain,
    token_command::token_command,
};
use crate::{
    auth::{Permit, StatedReason, stated_reason},
    server::InProcess,
};

/// How long a call lasts at most: a program that gets its token may ask a person first.
const TIMEOUT: Duration = Duration::from_secs(30);

// clap leaves a requirement aside whose option a third one excludes: so each of these excludes --config itself.
#[derive(Args)]
pub(in crate::cli) struct Connection {
    /// The address of a server, such as `https://identity.example.com`. Without TLS, as `http://`, only
    /// one on this machine is called
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    server: Option<String>,
    /// The file with the token of a service, for --server. It is read again when it changes
    #[arg(long, value_name = "FILE", requires = "server", conflicts_with_all = ["token_command", "config"])]
    token_file: Option<PathBuf>,
    /// A command that prints the token of a service, for --server. A shell runs it, also again before
    /// the token ends
    #[arg(long, value_name = "COMMAND", requires = "server", conflicts_with = "config")]
    token_command: Option<String>,
    /// The certificates of the authorities by which --server is verified, in PEM, instead of those of
    /// the system
    #[arg(long, value_name = "FILE", requires = "server", conflicts_with = "config")]
    ca: Option<PathBuf>,
    /// Let --server be http:// on another machine: who reads the network then reads the token
    #[arg(long, requires = "server", conflicts_with = "config")]
    plaintext: bool,
    /// The configuration file (TOML), to work on its database instead, without a server or a token;
    /// IDENTITY_LINK_CONFIG names it if neither --server nor --config is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    tenant: TenantArgument,
    /// The form of the output: a table for people, or JSON as protobuf has it, an object a line
    #[arg(long, value_name = "FORM", default_value = "table", hide_possible_values = true)]
    output: OutputForm,
}

/// The form of what a command prints to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OutputForm {
    /// For people.
    Table,
    /// `json`: an object a line.
    Json,
}

/// A client, and what it needs while it is used.
pub(super) struct Connected {
    pub client: Client,
    /// Whether the calls work on a database, as the operator.
    pub is_operator: bool,
    _in_process: Option<InProcess>,
}

impl Connection {
    /// The form of what the command prints.
    pub(super) fn output(&self) -> OutputForm {
        self.output
    }

    /// Runs a command that reads, by calls.
    pub(super) fn run<F>(&self, command: impl FnOnce(Connected) -> F) -> Result<(), Failure>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        self.run_because(None, command)
    }

    /// Runs a command by calls, whose changes are made for this reason.
    pub(super) fn run_because<F>(
        &self,
        reason: Option<&StatedReason>,
        command: impl FnOnce(Connected) -> F,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let runtime = runtime()?;
        let outcome = runtime.block_on(async { command(self.connect(reason).await?).await });
        // Does not wait for a command of --token-command that hangs.
        runtime.shutdown_background();
        outcome
    }

    async fn connect(&self, reason: Option<&StatedReason>) -> Result<Connected, Failure> {
        let Some(server) = &self.server else {
            let config = self.config_file()?.load_for_command()?;
            let tenant = self.tenant.find(&config.tenants)?;
            let services =
                InProcess::start(&config, Permit::of_operator(tenant).because(reason.cloned()))
                    .await?;
            // No token is verified in this process; the client wants one.
            let builder = Client::builder("http://localhost", TokenSource::fixed("operator"));
            let client = builder.build_on(services.channel.clone());
            return Ok(Connected { client, is_operator: true, _in_process: Some(services) });
        };
        let mut builder = Client::builder(server, self.tokens()?).timeout(TIMEOUT);
        if self.plaintext {
            builder = builder.plaintext();
        }
        if let Some(path) = &self.ca {
            let pem = fs::read(path)
                .map_err(|error| Failure::usage(format!("--ca: {}: {error}", path.display())))?;
            builder = builder.ca(pem);
        }
        let mut client = builder.build().map_err(|error| match error {
            identity_link_client::BuildError::Plaintext => Failure::usage(
                "--server: http:// to another machine shows the token to those who read the network: use https://, or allow it by --plaintext",
            ),
            error => Failure::usage(format!("--server: {error}")),
        })?;
        if let Some(tenant) = self.tenant.named() {
            client = client
                .with_metadata("x-tenant", tenant)
                .map_err(|_| Failure::usage("--tenant: must be the name of a tenant"))?;
        }
        if let Some(reason) = reason {
            client = client
                .with_metadata(stated_reason::HEADER, &reason.to_header())
                .map_err(|_| Failure::usage(format!("--reason: {}", StatedReason::FORM)))?;
        }
        Ok(Connected { client, is_operator: false, _in_process: None })
    }

    /// The configuration file of the command.
    ///
    /// # Errors
    /// If neither a server nor a file is named.
    pub(in crate::cli) fn config_file(&self) -> Result<ConfigFile, Failure> {
        ConfigFile::named(self.config.clone()).ok_or_else(|| {
            misused(
                "name the server by --server URL, or the configuration of its database by --config FILE",
            )
        })
    }

    /// The tenant that the command names.
    pub(in crate::cli) fn tenant(&self) -> &TenantArgument {
        &self.tenant
    }

    /// Refuses a server, for what is done on the database alone.
    pub(in crate::cli) fn expect_no_server(&self, what: &str) -> Result<(), Failure> {
        match self.server {
            None => Ok(()),
            Some(_) => Err(misused(&format!("{what} works on the database: name it by --config"))),
        }
    }

    fn tokens(&self) -> Result<TokenSource, Failure> {
        match (&self.token_file, &self.token_command) {
            (Some(file), _) => Ok(TokenSource::file(file)),
            (None, Some(command)) => Ok(token_command(command.clone())),
            (None, None) => Err(misused(
                "a server wants a token: name its file by --token-file FILE, or a command that prints it by --token-command COMMAND",
            )),
        }
    }
}

/// The failure of arguments that do not fit together.
pub(super) fn misused(text: &str) -> Failure {
    Failure { text: plain(text), code: help::ARGUMENTS }
}
