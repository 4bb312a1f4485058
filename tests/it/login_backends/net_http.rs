//! The backend on net/http.

use std::{path::PathBuf, process::Command};

use super::{stories, visit::Start};
use crate::support::{artifacts::tmp_dir, child::run_command, golang::path_with_go};

const MODULE: &str = "examples/login-backend/net-http";

/// Go in the module of the backend, at the version that is pinned and with the modules that are pinned.
fn go(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(MODULE).env("PATH", path_with_go());
    command.envs([("GOTOOLCHAIN", "local"), ("GOWORK", "off")]);
    command
}

/// The backend, built once for all tests: the first of them builds it, and the others wait.
fn command() -> Command {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let program = BUILT.get_or_init(|| {
        let program = tmp_dir().join("login-net-http");
        let built = run_command(go("go", &["build", "-o", program.to_str().unwrap(), "."]));
        assert_eq!(built.code, Some(0), "{}", built.stderr);
        program
    });
    Command::new(program)
}

stories!(command as Start);

/// `go vet` finds nothing, each file has the form of `gofmt`, and `go.mod` has what is needed.
#[tokio::test]
async fn the_module_is_clean() {
    let check = || {
        [("go", &["vet", "./..."][..]), ("gofmt", &["-l", "."]), ("go", &["mod", "tidy", "-diff"])]
            .map(|(program, arguments)| run_command(go(program, arguments)))
    };
    for ran in tokio::task::spawn_blocking(check).await.unwrap() {
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
    }
}
