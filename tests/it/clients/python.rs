//! The client for Python, by threads and by asyncio.

use std::{env, fs, path::PathBuf, process::Command};

use identity_link::grpc::proto as pb;
use serde_json::json;

use super::{assert_undone, driver::Driver, node, scenarios::all_hold, watches::watches};
use crate::{
    docs::pages::Page,
    support::{
        TestServer,
        artifacts::tmp_dir,
        child::{Ran, run_command, temp_dir},
        golang::path_with_go,
        npm,
        python::packages,
        tokens::Token,
    },
};

const FOLDER: &str = "clients/python";
const PAGE: &str = "docs/how-to/python.md";
const README: &str = "clients/python/README.md";
const REQUIREMENTS: &str = "clients/python/requirements.txt";

/// The folder with the libraries of the client, its generator, and what checks its types.
pub(super) fn libraries() -> PathBuf {
    packages("client-python", REQUIREMENTS)
}

/// Python with the client and its libraries.
fn python(arguments: &[&str]) -> Command {
    python_with(arguments, &[])
}

/// Python with the client, its libraries, and those in these folders.
fn python_with(arguments: &[&str], more: &[PathBuf]) -> Command {
    let mut command = Command::new("python3");
    let own = [libraries(), PathBuf::from(FOLDER).join("src")];
    let folders = env::join_paths(own.iter().chain(more)).unwrap();
    command.args(arguments).env("PYTHONPATH", folders);
    // The checkout stays as it is.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Runs a sample of a document against this server.
async fn ran_sample(sample: &str, server: &TestServer, name: &str) -> Ran {
    let folder = temp_dir(name);
    let token = folder.join("token");
    fs::write(&token, Token::of("services", "backend").sign()).unwrap();
    let here = format!("\"{}\", plaintext=True", server.address);
    let program = folder.join("sample.py");
    let sample = sample
        .replace("\"identity.example.com:443\"", &here)
        .replace("\"127.0.0.1:50051\"", &format!("\"{}\"", server.address))
        .replace("FileToken(\"token\")", &format!("FileToken({token:?})"))
        .replace("/run/secrets/identity-link", token.to_str().unwrap());
    fs::write(&program, sample).unwrap();
    let run = move || run_command(python(&[program.to_str().unwrap()]));
    tokio::task::spawn_blocking(run).await.unwrap()
}

async fn driver(way: &'static str) -> Driver {
    let start = move || Driver::start(python(&["clients/python/conformance/driver.py", way]));
    tokio::task::spawn_blocking(start).await.unwrap()
}

mod by_threads {
    use super::{all_hold, driver, watches};

    #[tokio::test]
    async fn every_scenario_holds() {
        all_hold(driver("threads").await).await;
    }

    watches!(driver("threads"));
}

mod by_asyncio {
    use super::{all_hold, driver, watches};

    #[tokio::test]
    async fn every_scenario_holds() {
        all_hold(driver("asyncio").await).await;
    }

    watches!(driver("asyncio"));
}

/// The package's own tests pass, such as when a token is renewed, by a clock that they set.
#[tokio::test]
async fn the_tests_of_the_package_pass() {
    for file in ["clients/python/tests/test_tokens.py", "clients/python/tests/test_client.py"] {
        let run = move || run_command(python(&[file]));
        let ran = tokio::task::spawn_blocking(run).await.unwrap();
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
}

/// A client of several addresses names an authority that servers accept, and without one that a
/// certificate can have it sends nothing.
#[tokio::test]
async fn a_client_has_several_addresses() {
    let server = TestServer::start().await;
    let other = server.another().await;
    let id = server.service().create("github", "1").await.id;
    let target = format!("ipv4:{},{}", server.address, other.address);
    let token = Token::of("services", "backend").sign();
    for way in ["threads", "asyncio"] {
        let mut driver = driver(way).await;
        let mut open = json!({"open": {"target": target, "tokens": [token]}});
        assert_eq!(driver.ask(&open).await, json!({"opened": true}));
        let call = json!({"call": "GetUser", "request": {"userId": id}});
        assert_eq!(driver.ask(&call).await["response"]["user"]["id"], json!(id));

        open["open"]["tls"] = json!(true);
        assert_eq!(driver.ask(&open).await["error"]["text"], "ValueError");
    }
}

/// The package has the version of the service.
#[test]
fn the_version_is_that_of_the_service() {
    let package: toml::Table =
        fs::read_to_string("clients/python/pyproject.toml").unwrap().parse().unwrap();
    assert_eq!(package["project"]["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
}

/// What the clients have of the contract is as the protos have it.
#[tokio::test]
async fn the_generated_code_is_current() {
    let check = || {
        let mut command = python(&["clients/generate", "--check"]);
        command.env("PATH", npm::path_with(&node::packages(), &path_with_go()));
        command.env("GOTOOLCHAIN", "local");
        run_command(command)
    };
    let ran = tokio::task::spawn_blocking(check).await.unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

/// `mypy --strict` with a cache of this name, and with the libraries in these folders beside those of
/// the client. What it is to check is for the caller to add.
pub(crate) fn type_checker(cache: &str, libraries: &[PathBuf]) -> Command {
    let arguments = ["-m", "mypy", "--config-file", "clients/python/pyproject.toml"];
    let mut command = python_with(&arguments, libraries);
    command.arg("--cache-dir").arg(tmp_dir().join(cache));
    command
}

/// `mypy --strict` finds nothing, in the client, its driver and the generator of all clients.
#[tokio::test]
async fn every_type_is_right() {
    let run = || {
        let mut command = type_checker("mypy", &[]);
        command.env("MYPYPATH", "clients/python/src:clients/generate");
        command.args(["clients/python/src/identitylink", "clients/python/conformance/driver.py"]);
        command
            .args(["clients/python/tests/test_tokens.py", "clients/python/tests/test_client.py"]);
        command.args(
            [
                "__main__",
                "contract",
                "golang",
                "grpc_python_plugin",
                "java",
                "node",
                "python",
                "rust",
            ]
            .map(|name| format!("clients/generate/{name}.py")),
        );
        run_command(command)
    };
    let ran = tokio::task::spawn_blocking(run).await.unwrap();
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
}

/// The blocks of the page are one program, which prints what the page says.
#[tokio::test]
async fn the_page_is_right() {
    let server = TestServer::start_feed().await;
    let page = Page::read(PAGE);
    let sample = page.blocks_in("python").concat();
    // The second time, the users are there.
    for _ in 0..2 {
        let ran = ran_sample(&sample, &server, "client_python_page").await;
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert_eq!(ran.stdout, page.blocks_in("text").concat().trim_end());
        assert_undone(&server).await;
    }
}

/// The program of the package's README links two users.
#[tokio::test]
async fn the_readme_is_right() {
    let server = TestServer::start().await;
    for (provider, subject) in [("github", "1"), ("sms", "2")] {
        let by_account = |request: &mut pb::CreateUserRequest| {
            request.set_user_id_form(pb::UserIdForm::ProviderSubject);
        };
        server.service().create_with(provider, subject, by_account).await;
    }
    let sample = Page::read(README).blocks_in("python").concat();
    let ran = ran_sample(&sample, &server, "client_python_readme").await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let user = server.service().user("github|1").await;
    assert_eq!(user.identities.len(), 2);
}
