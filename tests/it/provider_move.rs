//! `identity-link provider move`: a provider gets another issuer, and its users stay who they are.

mod flows;
mod interrupted;
mod mapping;
mod races;
mod refused;
mod stories;

use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{
    child::{Ran, binary, run_command, temp_dir},
    cluster::{Database, cluster},
    server::config_toml,
    tokens::{Token, iss},
    *,
};

/// The new issuer of the provider `github`.
const NEW: &str = "https://elsewhere.example.com";
const UNAVAILABLE: &str = "Unavailable STORE_UNAVAILABLE";

/// The configuration of the tests' servers, in which only the tenant `default` has the issuer.
fn before(mut toml: String) -> String {
    let table = "[issuers.github]\n";
    let at = toml.find(table).unwrap() + table.len();
    toml.insert_str(at, "tenants = [\"default\"]\n");
    toml
}

/// The same with the new issuer.
fn after(toml: String) -> String {
    before(toml).replace(&iss("github"), NEW)
}

/// A token of the new issuer.
fn new_token(subject: &str) -> Token {
    Token::of("github", subject).with("iss", NEW)
}

/// A server with the issuer from before.
async fn old_server() -> TestServer {
    let server = TestServer::start_with(cluster().db_migrated().await, before).await;
    // A server that responds has pinned its issuers.
    server.service().resolved(&["usr_none"]).await;
    server
}

/// A server with the new issuer.
async fn new_server(database: &Database) -> TestServer {
    TestServer::start_with(database.clone(), after).await
}

/// A folder of an operator, with the new configuration.
struct Desk {
    dir: PathBuf,
}

impl Desk {
    fn new(database: &Database) -> Self {
        Self::with(database, after)
    }

    fn with(database: &Database, change: impl FnOnce(String) -> String) -> Self {
        let dir = temp_dir(&format!("{}_move", database.name));
        let address: SocketAddr = ([127, 0, 0, 1], 0).into();
        fs::write(dir.join("new.toml"), change(config_toml(address, &database.url))).unwrap();
        Self { dir }
    }

    /// A move of `github` in the tenant `default`, with these options.
    fn command(&self, options: &[&str]) -> Command {
        self.command_of("default", &iss("github"), NEW, options)
    }

    fn command_of(&self, tenant: &str, from: &str, to: &str, options: &[&str]) -> Command {
        let mut command = binary(&["provider", "move", "--config", "new.toml", "--tenant", tenant]);
        command.args(["--provider", "github", "--from-issuer", from, "--to-issuer", to]);
        command.args(options).current_dir(&self.dir);
        command
    }

    fn move_it(&self, options: &[&str]) -> Ran {
        run_command(self.command(options))
    }

    fn list(&self) -> String {
        let mut command =
            binary(&["provider", "list", "--config", "new.toml", "--tenant", "default"]);
        command.current_dir(&self.dir);
        let ran = run_command(command);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        ran.stdout
    }

    /// Writes a file of new subjects.
    fn write_map<'a>(&self, rows: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let mut text = "old,new\n".to_owned();
        for (old, new) in rows {
            let _ = writeln!(text, "{old},{new}");
        }
        fs::write(self.path("map.csv"), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::join(&self.dir, name)
    }
}
