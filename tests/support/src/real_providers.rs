//! Real providers, from their registries at pinned versions, each in a process of its own that the
//! test configures. `tests/it/providers/` has what their programs share.

mod keycloak;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use super::{child::Running, debian, npm, python};

/// The packages of LemonLDAP::NG's portal, with those that it only recommends and does not start
/// without.
const LEMONLDAP_NG: [&str; 3] =
    ["liblemonldap-ng-portal-perl", "libstring-random-perl", "libio-string-perl"];

/// A real provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `oidc-provider`, from the npm registry.
    OidcProvider,
    /// `django-oauth-toolkit`, from the Python Package Index.
    DjangoOauthToolkit,
    /// The provider of `django-allauth`, from the Python Package Index.
    DjangoAllauth,
    /// `canaille`, from the Python Package Index.
    Canaille,
    /// `oauth2-mock-server`, from the npm registry.
    Oauth2MockServer,
    /// The plugin `@better-auth/oauth-provider` of Better Auth, from the npm registry.
    BetterAuth,
    /// Keycloak, from its distribution on Maven Central.
    Keycloak,
    /// LemonLDAP::NG, from Debian's packages.
    LemonldapNg,
    /// Glewlwyd, from Debian's packages.
    Glewlwyd,
}

/// A provider that runs; its process is killed on drop.
pub struct RealProvider {
    /// Its `iss`.
    pub issuer: String,
    /// The URL of the program around it.
    program: String,
    _running: Running,
}

impl RealProvider {
    /// A provider with one client and these accounts: claims by subject.
    pub fn start(kind: Kind, client: &Value, accounts: &Value) -> Self {
        Self::start_with(kind, client, accounts, &json!({}))
    }

    /// The same with further settings of the provider's own, where its program takes some.
    pub fn start_with(kind: Kind, client: &Value, accounts: &Value, settings: &Value) -> Self {
        let given =
            json!({"clients": [client], "accounts": accounts, "settings": settings}).to_string();
        let mut command = match kind {
            Kind::OidcProvider => in_node("tests/it/oidc-provider"),
            Kind::DjangoOauthToolkit => {
                in_python("django-oauth-toolkit", "tests/it/django-oauth-toolkit/requirements.txt")
            }
            Kind::DjangoAllauth => {
                in_python("django-allauth", "tests/it/django-allauth/requirements.txt")
            }
            Kind::Canaille => in_python("canaille", "tests/it/canaille/requirements.txt"),
            Kind::Oauth2MockServer => in_node("tests/it/oauth2-mock-server"),
            Kind::BetterAuth => in_node("tests/it/better-auth"),
            Kind::Keycloak => {
                let mut command = harness("keycloak", None);
                command.env("KEYCLOAK", keycloak::home());
                command
            }
            Kind::LemonldapNg => {
                debian::install(&LEMONLDAP_NG);
                harness("lemonldap-ng", None)
            }
            Kind::Glewlwyd => {
                debian::install(&["glewlwyd"]);
                harness("glewlwyd", None)
            }
        };
        command.arg(given);
        let mut running = Running::start(command);
        let line = running.stdout_until(|line| line.starts_with("issuer "));
        let (issuer, program) = line["issuer ".len()..].split_once(' ').unwrap();
        Self { issuer: issuer.to_owned(), program: program.to_owned(), _running: running }
    }

    /// A URL of the program around the provider, with which a test changes its state.
    pub fn switch(&self, path: &str) -> String {
        format!("{}/{path}", self.program)
    }
}

/// The folder of what the programs of providers share.
fn shared() -> PathBuf {
    Path::new("tests/it/providers").canonicalize().unwrap()
}

/// The program in this folder, with its packages.
fn in_node(folder: &str) -> Command {
    let mut command = npm::program(folder, shared().join("harness.mjs").to_str().unwrap());
    command.arg(npm::packages(folder).join("provider.mjs"));
    command
}

/// The program in this folder of `tests/it/`, with its packages.
fn in_python(folder: &str, requirements: &'static str) -> Command {
    harness(folder, Some(python::packages(folder, requirements)))
}

/// The program in this folder of `tests/it/`, which imports from a folder of packages.
fn harness(folder: &str, packages: Option<PathBuf>) -> Command {
    let folders = [shared(), Path::new("tests/it").join(folder)].into_iter().chain(packages);
    let mut command = Command::new("python3");
    // Without files of byte code among the sources.
    command.args(["-B", "-c", "import harness; harness.run()"]);
    command.env("PYTHONPATH", env::join_paths(folders).unwrap());
    command
}
