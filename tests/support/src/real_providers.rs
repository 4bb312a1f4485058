//! Real providers, from their registries at pinned versions, each in a process of its own that the
//! test configures.

use std::process::Command;

use serde_json::{Value, json};

use super::{child::Running, npm, python};

/// A real provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `oidc-provider`, from the npm registry.
    OidcProvider,
    /// `django-oauth-toolkit`, from the Python Package Index.
    DjangoOauthToolkit,
    /// The provider of `django-allauth`, from the Python Package Index.
    DjangoAllauth,
}

/// A provider that runs; its process is killed on drop.
pub struct RealProvider {
    /// Its `iss`.
    pub issuer: String,
    _running: Running,
}

impl RealProvider {
    /// A provider with one client and these accounts: claims by subject.
    pub fn start(kind: Kind, client: &Value, accounts: &Value) -> Self {
        let given = json!({"clients": [client], "accounts": accounts, "settings": {}}).to_string();
        let mut command = match kind {
            Kind::OidcProvider => npm::program("tests/it/oidc-provider", "provider.mjs"),
            Kind::DjangoOauthToolkit => {
                in_python("django-oauth-toolkit", "tests/it/django-oauth-toolkit/requirements.txt")
            }
            Kind::DjangoAllauth => {
                in_python("django-allauth", "tests/it/django-allauth/requirements.txt")
            }
        };
        command.arg(given);
        let mut running = Running::start(command);
        let line = running.stdout_until(|line| line.starts_with("issuer "));
        Self { issuer: line["issuer ".len()..].to_owned(), _running: running }
    }

    /// A URL of the program around the provider, with which a test changes its state.
    pub fn switch(&self, path: &str) -> String {
        let origin = self.issuer.strip_suffix("/o").unwrap_or(&self.issuer);
        format!("{origin}/{path}")
    }
}

/// The program in this folder of `tests/it/`, with its packages.
fn in_python(folder: &str, requirements: &'static str) -> Command {
    let packages = python::packages(folder, requirements);
    let mut command = Command::new("python3");
    command.arg(format!("tests/it/{folder}/provider.py")).env("PYTHONPATH", packages);
    command
}
