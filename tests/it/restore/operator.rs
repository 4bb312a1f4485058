//! An operator with the page in one hand and a shell in the other.

use std::{ffi::OsString, fs, os::unix::fs::symlink, path::PathBuf, process::Command};

use crate::{
    docs::pages::Page,
    story::path_with_grpcurl,
    support::{
        TestServer,
        child::{binary, config_file, run_command, temp_dir},
        cluster::Database,
        debian,
        tokens::Token,
    },
};

const PAGE: &str = "docs/how-to/back-up.md";
/// The functions that other commands of the page call.
const FUNCTIONS: [&str; 2] = ["call() ", "next() "];

pub(super) struct Operator {
    folder: PathBuf,
    path: OsString,
    /// `$DATABASE_URL` of the page.
    database_url: String,
    /// `$NEW_DATABASE_URL` of the page.
    restored_url: String,
    commands: Vec<String>,
}

impl Operator {
    /// The operator of these two databases, with the programs of their Postgres.
    pub(super) async fn new(database: &Database, restored: &Database) -> Self {
        debian::program(&["jq"]);
        let programs = "SELECT setting FROM pg_config WHERE name = 'BINDIR'";
        let programs = database.db_texts(programs).await.remove(0);
        let folder = temp_dir(&format!("operator_{}", database.name));
        symlink(binary(&[]).get_program(), folder.join("identity-link")).unwrap();
        let mut path = OsString::from(format!("{}:{programs}:", folder.display()));
        path.push(path_with_grpcurl());
        let blocks = Page::read(PAGE).blocks_in("console").concat();
        let commands = blocks.lines().map(|line| line.strip_prefix("$ ").unwrap().to_owned());
        Self {
            folder,
            path,
            database_url: database.url.clone(),
            restored_url: restored.url.clone(),
            commands: commands.collect(),
        }
    }

    /// Carries out the commands of the page with these beginnings, in one shell, and returns what
    /// they print.
    pub(super) fn carries_out(&self, beginnings: &[&str]) -> String {
        self.pastes(&self.lines(beginnings), "")
    }

    /// The same, with `pg_restore` into a database that has the tables already.
    pub(super) fn carries_out_in_place(&self, beginnings: &[&str]) -> String {
        let lines = self.lines(beginnings);
        self.pastes(&lines.replace("pg_restore ", "pg_restore --clean --if-exists "), "")
    }

    /// The same, with the address of a server.
    pub(super) fn carries_out_at(&self, server: &TestServer, beginnings: &[&str]) -> String {
        self.pastes(&self.lines(beginnings), &server.address.to_string())
    }

    fn lines(&self, beginnings: &[&str]) -> String {
        let lines = FUNCTIONS.iter().chain(beginnings).map(|beginning| self.command(beginning));
        // The tests' servers have no certificate.
        lines.collect::<Vec<_>>().join("\n").replace("grpcurl ", "grpcurl -plaintext ")
    }

    fn pastes(&self, lines: &str, address: &str) -> String {
        let mut bash = Command::new("bash");
        bash.args(["-c", &format!("set -eu -o pipefail\n{lines}")])
            .current_dir(&self.folder)
            .env("PATH", &self.path)
            .env("DATABASE_URL", &self.database_url)
            .env("NEW_DATABASE_URL", &self.restored_url)
            .env("ADDRESS", address)
            .env("TOKEN", Token::of("services", "backend").sign());
        let ran = run_command(bash);
        assert_eq!(ran.code, Some(0), "{lines}: {}", ran.stderr);
        ran.stdout
    }

    /// The only command with this beginning.
    fn command(&self, beginning: &str) -> &str {
        let mut found = self.commands.iter().filter(|line| line.starts_with(beginning));
        let (command, other) = (found.next(), found.next());
        assert_eq!(other, None, "{beginning}");
        command.unwrap_or_else(|| panic!("{PAGE} has no command that begins with {beginning}"))
    }

    /// The timer runs.
    pub(super) fn record(&self, server: &TestServer) {
        self.carries_out_at(server, &["call EventService/ListEvents \"$(next)\""]);
    }

    /// Writes the configuration for the restored database where the page has it.
    pub(super) fn configures(&self, restored: &Database) {
        let file = config_file(restored, |toml| toml);
        fs::copy(file, self.folder.join("identity-link.toml")).unwrap();
    }
}
