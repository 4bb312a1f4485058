//! Auth0's own clients of all generations, each making every call that linking needs: as a service
//! and as a person, at the user's main account or at a linked one. CI runs the present version for
//! each language. All versions are run by hand, after a change that clients might notice:
//!
//! ```sh
//! cargo test --test it auth0::clients -- --ignored --nocapture
//! ```

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use identity_link::grpc::proto::{self as pb, link_request::Secondary};
use serde_json::{Value, json};

use crate::support::{
    Caller, auth0_domain::Auth0Domain, child::run_command, chromium::Chromium, identity_ref, npm,
    python, tokens::Token, web_server::WebServer,
};

/// Every version for Node.js and for browsers, pinned.
pub(super) const PACKAGES: &str = "tests/it/auth0-clients";
/// The pages that the browser opens.
const PAGES: &str = "tests/it/auth0-pages";
/// The outcome of each call, the same with each client.
const OUTCOMES: &str = r#"
a person, as the primary account, get: "google-oauth2|1"
a person, as the primary account, by email: {"refused":403}
a person, as the primary account, metadata: {"of":"primary"}
a person, as the primary account, link by ids: {"refused":403}
a person, as the primary account, link by both tokens: ["google-oauth2|1","sms|1"]
a person, as the primary account, unlink: ["google-oauth2|1"]
a person, as the linked account, get: "google-oauth2|2"
a person, as the linked account, by email: {"refused":403}
a person, as the linked account, metadata: {"of":"linked"}
a person, as the linked account, link by ids: {"refused":403}
a person, as the linked account, link by both tokens: ["google-oauth2|2","github|2","sms|2"]
a person, as the linked account, unlink: ["google-oauth2|2","github|2"]
a service, as the primary account, get: "google-oauth2|1"
a service, as the primary account, by email: ["google-oauth2|1","google-oauth2|2"]
a service, as the primary account, metadata: {"user_metadata":{"of":"primary"},"app_metadata":{"langs":["en"]}}
a service, as the primary account, link by ids: ["google-oauth2|1","sms|1"]
a service, as the primary account, unlink: ["google-oauth2|1"]
a service, as the linked account, get: "google-oauth2|2"
a service, as the linked account, by email: ["google-oauth2|1","google-oauth2|2"]
a service, as the linked account, metadata: {"user_metadata":{"of":"linked"},"app_metadata":{"langs":["en"]}}
a service, as the linked account, link by ids: ["google-oauth2|2","github|2","sms|2"]
a service, as the linked account, unlink: ["google-oauth2|2","github|2"]
"#;

/// The outcome of each call, one line each.
pub(super) fn outcomes() -> impl Iterator<Item = &'static str> {
    OUTCOMES.trim().lines()
}

/// The page whose table has the outcomes.
const PAGE: &str = "docs/reference/auth0-differences.md";

/// A package and its major version, as the table of [`PAGE`] heads its column.
#[derive(Debug, Clone, Copy)]
enum Client {
    Node(u8),
    Browser(u8),
    Python(u8, &'static str),
}

const PYTHON_6: Client = Client::Python(6, "tests/it/auth0-python/requirements.txt");

impl Client {
    fn heading(self) -> String {
        match self {
            Self::Node(major) => format!("`auth0` {major}"),
            Self::Browser(major) => format!("`auth0-js` {major}"),
            Self::Python(major, _) => format!("`auth0-python` {major}"),
        }
    }

    /// The outcomes of its calls, one line each, on a server of its own.
    async fn lines(self) -> Vec<String> {
        let app = match self {
            Self::Browser(major) => Some(page(major).await),
            Self::Node(_) | Self::Python(..) => None,
        };
        let origin = app
            .as_ref()
            .map_or("https://app.example.com".to_owned(), |app| format!("http://{}", app.address));
        let domain =
            Auth0Domain::start_with(|toml| toml.replace("https://app.example.com", &origin)).await;
        jane(&domain.service()).await;
        let tokens = tokens();
        tokio::task::spawn_blocking(move || match self {
            Self::Node(major) => node(major, &domain.name, &domain.authority, &tokens),
            Self::Python(major, requirements) => {
                let mut command = Command::new("python3");
                command.env("PYTHONPATH", python::packages("auth0-python", requirements));
                command.args([
                    "tests/it/auth0-python/calls.py",
                    &major.to_string(),
                    &domain.name,
                    &tokens.to_string(),
                ]);
                // Version 6 looks for authorities here, the older ones there.
                command
                    .env("SSL_CERT_FILE", &domain.authority)
                    .env("REQUESTS_CA_BUNDLE", &domain.authority);
                said(command)
            }
            Self::Browser(major) => {
                let mut browser = Chromium::start_trusting_all(&format!("auth0_js_{major}"));
                browser.open(&origin);
                let lines = browser.run(&format!("allCalls({}, {tokens})", json!(domain.name)));
                lines
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|line| line.as_str().unwrap().to_owned())
                    .collect()
            }
        })
        .await
        .unwrap()
    }

    /// The outcomes are the same as with each other client, and as in the table of the
    /// documentation.
    async fn makes_every_call(self) {
        let lines = self.lines().await;
        let has = |line: &&str| match self {
            // Its calls are those that a person may make, but for what only pages send.
            Self::Browser(_) => {
                line.starts_with("a person")
                    && !line.contains(", by email:")
                    && !line.contains(", link by ids:")
            }
            Self::Node(_) | Self::Python(..) => true,
        };
        assert_eq!(lines, outcomes().filter(has).collect::<Vec<_>>(), "{self:?}");
        assert_eq!(documented(&self.heading()), cells(&lines), "{PAGE}, {}", self.heading());
    }
}

/// The calls by this version for Node.js.
pub(super) fn node(major: u8, domain: &str, authority: &Path, tokens: &Value) -> Vec<String> {
    let mut command = npm::program(PACKAGES, "calls.cjs");
    command
        .args([&format!("auth0-{major}"), domain, &tokens.to_string()])
        .env("NODE_EXTRA_CA_CERTS", authority);
    said(command)
}

/// What a program says, in lines.
fn said(command: Command) -> Vec<String> {
    let ran = run_command(command);
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    ran.stdout.lines().map(str::to_owned).collect()
}

/// The page with this version of the client for browsers.
pub(super) async fn page(major: u8) -> WebServer {
    let packages = tokio::task::spawn_blocking(|| npm::packages(PACKAGES)).await.unwrap();
    let client = packages.join(format!("node_modules/auth0-js-{major}/dist/auth0.min.js"));
    let pages = Path::new(PAGES);
    let files = [
        ("/", pages.join("calls.html")),
        ("/calls.js", pages.join("calls.js")),
        ("/auth0.js", client),
    ];
    WebServer::of_files(&files).await
}

/// Two users with one email, of which the second has a linked account, and two accounts that can be
/// linked.
pub(super) async fn jane(service: &Caller) {
    for account in ["1", "2"] {
        let verified = |request: &mut pb::CreateUserRequest| {
            let identity = request.identity.as_mut().unwrap();
            (identity.email, identity.email_verified) = ("jane@example.com".to_owned(), true);
        };
        service.create_with("google-oauth2", account, verified).await;
        service.create("sms", account).await;
    }
    service.create("github", "2").await;
    let link = pb::LinkRequest {
        user_id: "google-oauth2|2".to_owned(),
        secondary: Some(Secondary::Identity(identity_ref("github", "2").unwrap())),
        ..pb::LinkRequest::default()
    };
    service.link(link).await.unwrap();
}

/// The tokens of the service, of a person at either account, and those that prove the accounts to
/// link.
pub(super) fn tokens() -> Value {
    let of = |issuer, account| Token::of(issuer, account).sign();
    json!({
        "service": of("services", "backend"), "primary": of("google-oauth2", "1"), "linked": of("github", "2"),
        "proofs": {"sms1": of("sms", "1"), "sms2": of("sms", "2")},
    })
}

/// The outcome of each call by each caller, in one word.
fn cells(lines: &[String]) -> BTreeMap<String, String> {
    let cell = |line: &String| {
        let (what, outcome) = line.split_once(": ").unwrap();
        let refused = serde_json::from_str::<Value>(outcome).unwrap()["refused"].as_u64();
        (what.to_owned(), refused.map_or("yes".to_owned(), |status| status.to_string()))
    };
    lines.iter().map(cell).collect()
}

/// The column of the table in the documentation under this heading, without what the client has no
/// call for.
fn documented(heading: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(PAGE).unwrap();
    let table = text.lines().skip_while(|line| !line.starts_with("| as whom | call |"));
    let row = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace("**", "")).collect()
    };
    let mut rows = table.take_while(|line| line.starts_with('|')).map(row);
    let column = rows.next().unwrap().iter().position(|found| found == heading).unwrap();
    let rows = rows.skip(1).map(|row| (format!("{}, {}", row[0], row[1]), row[column].clone()));
    rows.filter(|(_, cell)| cell != "–").collect()
}

#[tokio::test]
async fn the_client_for_node_makes_every_call() {
    Client::Node(7).makes_every_call().await;
}

#[tokio::test]
async fn the_client_for_browsers_makes_every_call_that_it_has() {
    Client::Browser(10).makes_every_call().await;
}

#[tokio::test]
async fn the_client_for_python_makes_every_call() {
    PYTHON_6.makes_every_call().await;
}

#[tokio::test]
#[ignore = "by hand: it fetches every version of every client"]
async fn every_version_of_every_client_makes_every_call() {
    let python_3 = Client::Python(3, "tests/it/auth0-python/requirements-3.txt");
    let python_4 = Client::Python(4, "tests/it/auth0-python/requirements-4.txt");
    for client in [2, 3, 4, 5, 7]
        .map(Client::Node)
        .into_iter()
        .chain([9, 10].map(Client::Browser))
        .chain([python_3, python_4, PYTHON_6])
    {
        client.makes_every_call().await;
        println!("{}: every call is as documented", client.heading());
    }
}
