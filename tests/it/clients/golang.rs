//! The client for Go.

use std::{fs, path::Path, process::Command};

use super::{driver::Driver, scenarios::all_hold, watches::watches};
use crate::{
    docs::pages::Page,
    support::{
        TestServer,
        child::{Ran, run_command, temp_dir},
        golang::path_with_go,
        tokens::Token,
    },
};

const MODULE: &str = "clients/go";
const PAGE: &str = "docs/how-to/go.md";

/// Go in this folder, at the version that is pinned and with the modules that are pinned.
fn go(folder: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("go");
    command.args(arguments).current_dir(folder).env("PATH", path_with_go());
    command.envs([("GOTOOLCHAIN", "local"), ("GOWORK", "off")]);
    command
}

async fn ran(command: impl FnOnce() -> Command + Send + 'static) -> Ran {
    tokio::task::spawn_blocking(|| run_command(command())).await.unwrap()
}

/// The driver, built once for all tests: `go build` knows what has not changed.
async fn driver() -> Driver {
    tokio::task::spawn_blocking(|| {
        let program = temp_dir("client_go").join("driver");
        let built =
            run_command(go(MODULE, &["build", "-o", program.to_str().unwrap(), "./conformance"]));
        assert_eq!(built.code, Some(0), "{}", built.stderr);
        Driver::start(Command::new(program))
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn every_scenario_holds() {
    all_hold(driver().await).await;
}

watches!(driver());

/// `go vet` finds nothing, and each file has the form of `gofmt`.
#[tokio::test]
async fn the_module_is_clean() {
    let vetted = ran(|| go(MODULE, &["vet", "./..."])).await;
    assert_eq!(vetted.code, Some(0), "{}", vetted.stderr);
    let formatted = ran(|| {
        let mut command = Command::new("gofmt");
        command.args(["-l", "."]).current_dir(MODULE).env("PATH", path_with_go());
        command
    })
    .await;
    assert_eq!((formatted.code, formatted.stdout.as_str()), (Some(0), ""), "{}", formatted.stderr);
    let tidy = ran(|| go(MODULE, &["mod", "tidy", "-diff"])).await;
    assert_eq!(tidy.code, Some(0), "{}{}", tidy.stdout, tidy.stderr);
}

/// The module's own tests pass: when a token is renewed, by a clock that they set.
#[tokio::test]
async fn the_tests_of_the_module_pass() {
    let tested = ran(|| go(MODULE, &["test", "./..."])).await;
    assert_eq!(tested.code, Some(0), "{}{}", tested.stdout, tested.stderr);
}

/// The blocks of the page are files of one program, which prints what the page says.
#[tokio::test]
async fn the_page_is_right() {
    let server = TestServer::start_feed().await;
    let folder = temp_dir("client_go_page");
    let token = folder.join("token");
    fs::write(&token, Token::of("services", "backend").sign()).unwrap();
    let page = Page::read(PAGE);
    let blocks = page.blocks_in("go");
    for (at, block) in blocks.iter().enumerate() {
        let here = block
            .replace("\"identity.example.com:443\"", &format!("\"{}\"", server.address))
            .replace(
                "identitylink.WithTimeout",
                "identitylink.WithPlaintext(), identitylink.WithTimeout",
            )
            .replace("/run/secrets/identity-link", token.to_str().unwrap());
        fs::write(folder.join(format!("block{at}.go")), here).unwrap();
    }
    let module = fs::canonicalize(MODULE).unwrap();
    for name in ["go.mod", "go.sum"] {
        fs::copy(module.join(name), folder.join(name)).unwrap();
    }
    let said = ran(move || in_a_module(&folder, &module)).await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(said.stdout, page.blocks_in("text").concat().trim_end());
}

/// The program in this folder, as part of a module that uses the client as the page says.
fn in_a_module(folder: &Path, client: &Path) -> Command {
    let path = "example.com/identity-link/clients/go";
    let edit = [
        "mod".to_owned(),
        "edit".to_owned(),
        "-module=example.com/shop".to_owned(),
        format!("-require={path}@v0.0.0"),
        format!("-replace={path}={}", client.display()),
    ];
    let folder = folder.to_str().unwrap();
    let edited = run_command(go(folder, &edit.each_ref().map(String::as_str)));
    assert_eq!(edited.code, Some(0), "{}", edited.stderr);
    go(folder, &["run", "."])
}
