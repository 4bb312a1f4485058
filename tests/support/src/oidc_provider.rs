//! A certified `OpenID` provider, `oidc-provider` from the npm registry, in a process of its own.

use serde_json::{Value, json};

use super::{child::Running, npm};

/// The folder with the program and the lock file that pins its packages by their hashes.
const SOURCE: &str = "tests/it/oidc-provider";

/// The provider; its process is killed on drop.
pub struct OidcProvider {
    /// Its `iss`.
    pub issuer: String,
    _running: Running,
}

impl OidcProvider {
    /// A provider with one client and these accounts: claims by subject.
    pub fn start(client: &Value, accounts: &Value) -> Self {
        Self::start_with(client, accounts, &json!({}))
    }

    /// The same with further settings of `oidc-provider`.
    pub fn start_with(client: &Value, accounts: &Value, settings: &Value) -> Self {
        let arguments =
            json!({"clients": [client], "accounts": accounts, "settings": settings}).to_string();
        let mut command = npm::program(SOURCE, "provider.mjs");
        command.arg(arguments);
        let mut running = Running::start(command);
        let line = running.stdout_until(|line| line.starts_with("issuer "));
        Self { issuer: line["issuer ".len()..].to_owned(), _running: running }
    }
}
