//! The commands of the documents, each run as a person pastes it into a terminal.

use std::{
    collections::BTreeSet, ffi::OsString, fs, os::unix::fs::symlink, path::PathBuf,
    process::Command,
};

use serde_json::{Value, json};

use super::{
    imports::IMPORTS,
    pages::{Block, Page, readme_and_book},
    shells::Shell,
};
use crate::{
    story::path_with_grpcurl,
    support::{
        child::{Dev, Running, binary, run_command, temp_dir},
        cluster::{Database, cluster},
        debian,
    },
};

/// The command that starts everything. The tests start it with ports of their own.
const DEV: &str = "cargo run -- dev --sample\n";
/// The command whose run has these tests.
const TESTS: &str = "cargo test\n";

/// The pages whose commands are for a running `dev`, in the order in which a reader may take them:
/// the last one gives an account of the sample away.
const WITH_DEV: &[&str] = &[
    "README.md",
    "docs/tutorials/first-link.md",
    "docs/tutorials/sign-in.md",
    "docs/tutorials/coming-from-auth0.md",
    "docs/tutorials/following-the-feed.md",
    "docs/tutorials/trying-an-import.md",
    "docs/how-to/tenants.md",
    "docs/how-to/monitor.md",
    "docs/how-to/call.md",
    "docs/how-to/json-and-browsers.md",
    "docs/how-to/undo-many-links.md",
    "docs/how-to/from-the-command-line.md",
    "docs/how-to/jobs.md",
    "docs/how-to/transfer.md",
    "docs/how-to/auth0-jobs.md",
    "docs/how-to/release-an-account.md",
];
/// The pages whose commands are for a configuration and a database of the operator, in the order of
/// an operator's tasks. The first page has the configuration.
pub(super) const DEPLOYED: [&str; 8] = [
    "docs/how-to/run.md",
    "docs/how-to/upgrade.md",
    "docs/how-to/purge.md",
    "docs/how-to/export.md",
    "docs/how-to/console.md",
    "docs/how-to/find-duplicates.md",
    "docs/how-to/erase-users.md",
    "docs/how-to/move-a-provider.md",
];
/// The pages with commands that no test runs, in blocks of the language `console`; and what these
/// commands need.
const NOT_RUN: &[(&str, &str)] = &[
    ("docs/development/adding-a-migration.md", "they run these tests"),
    ("docs/development/adding-an-rpc.md", "buf, which CI fetches"),
    ("docs/development/performance.md", "a release build, and they measure for minutes"),
    ("docs/development/releasing.md", "a release build, which takes minutes"),
    ("docs/development/testing.md", "they run these tests, or fuzz for minutes"),
    ("docs/how-to/back-up.md", "two databases, in order; tests/it/restore.rs carries them out"),
    (
        "docs/how-to/call.md",
        "generators; tests/it/python.rs and tests/it/clients/generated.rs run them",
    ),
    (
        "docs/how-to/container.md",
        "a container engine; tests/it/deploy.rs has what runs without one",
    ),
    ("docs/how-to/from-auth0.md", "the reader's tenant at Auth0"),
    ("docs/how-to/from-cognito.md", "the reader's pool at AWS"),
    ("docs/how-to/from-firebase.md", "the reader's project at Firebase"),
    ("docs/how-to/from-keycloak.md", "the reader's Keycloak"),
    ("docs/how-to/from-more-systems.md", "the reader's own database"),
    ("docs/how-to/from-supabase.md", "the reader's database at Supabase"),
    ("docs/how-to/from-your-tables.md", "the reader's own database"),
    ("docs/how-to/go.md", "the reader's module; tests/it/clients/golang.rs runs the client"),
    ("docs/how-to/java.md", "the reader's repository; tests/it/clients/java.rs runs the client"),
    ("docs/how-to/kubernetes.md", "a cluster; tests/it/deploy.rs renders the chart"),
    (
        "docs/how-to/login-backend.md",
        "the reader's environment; tests/it/login_backends.rs runs the backends",
    ),
    (
        "docs/how-to/move-a-provider.md",
        "a provider that has moved; tests/it/provider_move.rs carries them out",
    ),
    ("docs/how-to/node.md", "the reader's project; tests/it/clients/node.rs runs the client"),
    (
        "docs/how-to/python.md",
        "the reader's environment; tests/it/clients/python.rs runs the client",
    ),
    (
        "docs/how-to/run.md",
        "a release build, root to install it, and the operator's own database and issuers",
    ),
    ("docs/how-to/rust.md", "the reader's package; tests/it/clients/rust.rs runs the client"),
    ("docs/how-to/saml-and-ldap.md", "packages for one version of Python, and xmlsec1"),
    ("docs/how-to/systemd.md", "a running systemd, and root"),
    ("docs/how-to/tenants.md", "the tokens of the reader's own issuer"),
    ("docs/how-to/tls.md", "a certificate of a public authority"),
];
/// The languages of blocks whose text is no command.
const NO_COMMANDS: [&str; 21] = [
    "",
    "apache",
    "caddyfile",
    "go",
    "haproxy",
    "ini",
    "java",
    "js",
    "json",
    "mermaid",
    "nginx",
    "proto",
    "python",
    "rust",
    "sql",
    "text",
    "toml",
    "ts",
    "xml",
    "yaml",
    "console",
];

/// Where a person works: a shell in a folder.
pub(super) struct Desk {
    pub shell: Shell,
    pub folder: PathBuf,
    pub environment: Vec<(&'static str, OsString)>,
    /// What the documents call something, and what it is called here.
    pub names: Vec<(&'static str, String)>,
}

impl Desk {
    /// A shell that is given these lines.
    fn terminal(&self, lines: &str) -> Command {
        let here = |lines: String, (name, here): &(&str, String)| lines.replace(name, here);
        let lines = self.names.iter().fold(lines.to_owned(), here);
        let mut shell = self.shell.fed(&lines, &self.folder);
        shell.envs(self.environment.iter().map(|(key, value)| (key, value)));
        shell
    }

    /// Carries out the commands of a page, and returns what each block printed to stdout. A shell
    /// keeps its variables until a block belongs to another terminal.
    pub(super) fn go_through(&self, page: &Page) -> Vec<Said> {
        let mut said = Vec::new();
        let mut pasted = Vec::new();
        let mut other_terminals = Vec::new();
        for command in commands(page) {
            match kind(&command.text) {
                Kind::Elsewhere => {}
                Kind::Here => pasted.push(command),
                Kind::OtherTerminal(is_ready) => {
                    said.extend(self.paste(page, std::mem::take(&mut pasted)));
                    let line = format!("exec {}", command.text);
                    let mut terminal = Running::start(self.terminal(&line));
                    is_ready(&mut terminal);
                    // It ends with the page.
                    other_terminals.push(terminal);
                }
            }
        }
        said.extend(self.paste(page, pasted));
        said
    }

    /// Pastes these commands into one shell.
    fn paste(&self, page: &Page, commands: Vec<Documented>) -> Vec<Said> {
        const END: &str = "the end of a block";
        let lines: Vec<String> = commands
            .iter()
            .map(|command| format!("{}\nprintf '\\n%s\\n' '{END}'\n", command.text))
            .collect();

        let ran = run_command(self.terminal(&format!("set -eu\n{}", lines.concat())));

        let printed: Vec<&str> = ran.stdout.split(END).collect();
        let whole = ran.code == Some(0) && ran.stderr.trim().is_empty();
        assert!(whole, "{}, {:?}: {ran:#?}", page.path, self.shell);
        assert_eq!(printed.len(), commands.len() + 1, "{}, {:?}: {ran:#?}", page.path, self.shell);
        let said = commands.into_iter().zip(printed);
        said.map(|(command, printed)| Said { command, printed: printed.trim().to_owned() })
            .collect()
    }
}

/// A block of commands.
pub(super) struct Documented {
    pub text: String,
    /// A part of its response, if a block of JSON follows.
    response: Option<Value>,
}

/// A block of commands that was carried out, and what it printed.
pub(super) struct Said {
    pub command: Documented,
    pub printed: String,
}

/// The commands of a page.
fn commands(page: &Page) -> Vec<Documented> {
    let blocks = page.blocks();
    let following = blocks.iter().skip(1).map(Some).chain([None]);
    let response = |block: Option<&Block>| {
        let block = block.filter(|block| block.language == "json")?;
        Some(serde_json::from_str(&block.text).unwrap())
    };
    blocks
        .iter()
        .zip(following)
        .filter(|(block, _)| block.language == "sh")
        .map(|(block, next)| Documented { text: block.text.clone(), response: response(next) })
        .collect()
}

/// Where a command is carried out.
enum Kind {
    /// In the shell of the page.
    Here,
    /// In a shell of its own, for as long as the reader is at the page. The function waits until it
    /// is ready.
    OtherTerminal(fn(&mut Running)),
    /// By the test itself.
    Elsewhere,
}

fn kind(command: &str) -> Kind {
    if [DEV, TESTS].contains(&command) {
        Kind::Elsewhere
    } else if command.contains("WatchEvents") {
        Kind::OtherTerminal(|watch| {
            watch.stdout_until(|line| line.contains(r#""position": "#));
        })
    } else if command.contains("identity-link watch") {
        Kind::OtherTerminal(|watch| {
            watch.stdout_until(|line| line.contains("user-created"));
        })
    } else if command.starts_with("identity-link serve") {
        Kind::OtherTerminal(|server| {
            server.stderr_until(|line| line.contains(r#""message":"serving""#));
        })
    } else {
        Kind::Here
    }
}

/// Whether the value has all that is expected, and perhaps more keys.
fn has(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Object(value), Value::Object(expected)) => expected
            .iter()
            .all(|(key, expected)| value.get(key).is_some_and(|value| has(value, expected))),
        (Value::Array(items), Value::Array(expected)) => {
            items.len() == expected.len()
                && items.iter().zip(expected).all(|(item, expected)| has(item, expected))
        }
        _ => value == expected,
    }
}

/// Goes through pages, and compares the responses with the documented ones.
fn go_through(desk: &Desk, pages: &[&str]) {
    for path in pages {
        let page = Page::read(path);
        let said = desk.go_through(&page);
        for Said { command, printed } in &said {
            if let Some(expected) = &command.response {
                let response: Value = serde_json::from_str(printed).unwrap();
                assert!(has(&response, expected), "{path}: {response:#} lacks {expected:#}");
            }
        }
        let printed: Vec<&str> = said.iter().map(|said| said.printed.as_str()).collect();
        match *path {
            "docs/tutorials/sign-in.md" => signs_in(&printed.join("\n")),
            "docs/tutorials/coming-from-auth0.md" => moves_from_auth0(&printed.join("\n")),
            // The number of links that are not undone.
            "docs/how-to/undo-many-links.md" => assert!(printed.contains(&"0"), "{printed:?}"),
            _ => {}
        }
    }
}

/// The outcomes of the tutorial for a login backend.
fn signs_in(printed: &str) {
    let said = printed.lines().filter_map(|line| line.trim().strip_prefix("\"outcome\": "));
    assert_eq!(
        said.collect::<Vec<_>>(),
        ["\"OUTCOME_CREATED\",", "\"OUTCOME_LINKED\",", "\"OUTCOME_ATTACHED\","]
    );
    assert_eq!(printed.matches("\"displayName\"").count(), 5);
}

/// The responses of the tutorial for a move from Auth0.
fn moves_from_auth0(printed: &str) {
    let said = printed.lines().filter(|line| !line.is_empty());
    let said: Vec<Value> = said.map(|line| serde_json::from_str(line).unwrap()).collect();
    let [jane, google, found, linked, patched, unlinked] = said.as_slice() else {
        panic!("{said:?}")
    };
    assert_eq!(
        (&jane["user_id"], &google["user_id"]),
        (&json!("auth0|67f1c2"), &json!("google-oauth2|103547991597142817347"))
    );
    let verified = |id: &Value| json!({"user_id": id, "email_verified": true});
    assert_eq!(found, &json!([verified(&jane["user_id"]), verified(&google["user_id"])]));
    assert_eq!(linked[1]["profileData"]["name"], "Jane Doe");
    assert_eq!(patched["user_metadata"], json!({"size": "L"}));
    assert_eq!(unlinked, &jane["identities"]);
}

/// Goes through the pages whose commands are for `dev`.
fn go_through_with_dev(shell: Shell) {
    if !shell.is_installed() {
        return;
    }
    debian::program(&["jq"]);
    let folder = temp_dir(&format!("documents_dev_{shell:?}"));
    // Its default folder, in the directory of the reader.
    let (dev, demo) = Dev::start_whole(&folder.join(".identity-link"));
    fs::create_dir_all(folder.join("target/debug")).unwrap();
    let program = binary(&[]).get_program().to_owned();
    symlink(program, folder.join("target/debug/identity-link")).unwrap();
    let desk = Desk {
        shell,
        folder,
        environment: vec![("PATH", path_with_grpcurl())],
        names: vec![
            ("127.0.0.1:50051", dev.address.to_string()),
            ("http://127.0.0.1:50080", demo.trim_end_matches('/').to_owned()),
        ],
    };

    go_through(&desk, WITH_DEV);
}

/// Goes through the pages of an operator, with the configuration of the first page. Its addresses
/// are overridden by the environment.
fn go_through_as_operator(shell: Shell, database: &Database) {
    if !shell.is_installed() {
        return;
    }
    let folder = temp_dir(&format!("documents_operator_{shell:?}"));
    let [configuration] = &Page::read(DEPLOYED[0]).blocks_in("toml")[..] else {
        panic!("{} has one configuration", DEPLOYED[0])
    };
    fs::write(folder.join("identity-link.toml"), configuration).unwrap();
    let programs = folder.join("bin");
    fs::create_dir(&programs).unwrap();
    symlink(binary(&[]).get_program(), programs.join("identity-link")).unwrap();
    let mut path = programs.into_os_string();
    path.push(":");
    path.push(path_with_grpcurl());
    let desk = Desk {
        shell,
        folder,
        environment: vec![
            ("PATH", path),
            ("IDENTITY_LINK__LISTEN", "127.0.0.1:0".into()),
            ("IDENTITY_LINK__DATABASE__URL", (&database.url).into()),
            // No test sends a request to the internet.
            ("IDENTITY_LINK__ISSUERS__PLATFORM__JWKS_URL", "https://127.0.0.1:1/jwks.json".into()),
        ],
        names: Vec::new(),
    };

    go_through(&desk, &DEPLOYED);
}

#[test]
fn each_command_for_dev_works_in_bash() {
    go_through_with_dev(Shell::Bash);
}

#[test]
fn each_command_for_dev_works_in_zsh() {
    go_through_with_dev(Shell::Zsh);
}

#[tokio::test]
async fn each_command_of_an_operator_works_in_bash() {
    go_through_as_operator(Shell::Bash, &cluster().db_empty().await);
}

#[tokio::test]
async fn each_command_of_an_operator_works_in_zsh() {
    go_through_as_operator(Shell::Zsh, &cluster().db_empty().await);
}

/// The pages with a block in this language.
fn pages_with(language: &str) -> BTreeSet<String> {
    let pages = readme_and_book().into_iter();
    let pages = pages.filter(|page| !page.blocks_in(language).is_empty());
    pages.map(|page| page.path).collect()
}

#[test]
fn each_command_is_run_or_it_is_said_why_not() {
    let imports = IMPORTS.map(|(page, _)| page);
    let run = WITH_DEV.iter().copied().chain(DEPLOYED).chain(imports).map(str::to_owned).collect();
    assert_eq!(pages_with("sh"), run);
    let not_run = NOT_RUN.iter().map(|(page, _)| (*page).to_owned()).collect();
    assert_eq!(pages_with("console"), not_run);

    for page in readme_and_book() {
        for Block { language, text } in page.blocks() {
            let is_known = language == "sh" || NO_COMMANDS.contains(&language.as_str());
            assert!(is_known, "{}: {language} may hide commands", page.path);
            // zsh carries out a comment that a person pastes, and an apostrophe in it opens a text.
            let has_comment = text.lines().any(|line| line.split(' ').any(|word| word == "#"));
            assert!(language != "sh" || !has_comment, "{}: explain it outside:\n{text}", page.path);
        }
    }
}
