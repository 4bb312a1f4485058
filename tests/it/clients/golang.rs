//! The client for Go.

use std::{fs, path::Path, process::Command};

use super::{assert_undone, driver::Driver, scenarios::all_hold, watches::watches};
use crate::{
    docs::pages::Page,
    support::{
        TestServer,
        child::{Ran, run_command, temp_dir},
        golang::{go, go_program},
        tokens::Token,
    },
};

const MODULE: &str = "clients/go";
const PAGE: &str = "docs/how-to/go.md";

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

/// Asserts that `go vet` finds nothing, that each file has the form of `gofmt`, and that `go.mod` has what
/// is needed.
pub(crate) async fn assert_is_clean(module: &'static str) {
    let checks =
        [("go", &["vet", "./..."][..]), ("gofmt", &["-l", "."]), ("go", &["mod", "tidy", "-diff"])];
    for (program, arguments) in checks {
        let ran = ran(move || go_program(program, module, arguments)).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn the_module_is_clean() {
    assert_is_clean(MODULE).await;
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
            .replace("\"127.0.0.1:50051\"", &format!("\"{}\"", server.address))
            .replace("FileToken(\"token\")", &format!("FileToken({token:?})"));
        fs::write(folder.join(format!("block{at}.go")), here).unwrap();
    }
    let module = fs::canonicalize(MODULE).unwrap();
    for name in ["go.mod", "go.sum"] {
        fs::copy(module.join(name), folder.join(name)).unwrap();
    }
    // The second time, the users are there.
    for _ in 0..2 {
        let (folder, module) = (folder.clone(), module.clone());
        let said = ran(move || in_a_module(&folder, &module)).await;
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert_eq!(said.stdout, page.blocks_in("text").concat().trim_end());
        assert_undone(&server).await;
    }
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
