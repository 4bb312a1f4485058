//! The service in Python.

use std::{env, path::PathBuf, process::Command, sync::OnceLock};

use super::stories;
use crate::{
    clients::python::type_checker,
    support::{child::run_command, python::packages},
};

const FOLDER: &str = "examples/rekey/python";
const REQUIREMENTS: &str = "examples/rekey/python/requirements.txt";
const CLIENT: &str = "clients/python/src";

fn libraries() -> PathBuf {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| packages("rekey-python", REQUIREMENTS)).clone()
}

fn command() -> Command {
    let mut command = Command::new("python3");
    let folders = [libraries(), PathBuf::from(CLIENT)];
    command.arg(format!("{FOLDER}/rekey.py")).env("PYTHONPATH", env::join_paths(folders).unwrap());
    // The checkout stays as it is.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

stories!(command);

/// `mypy --strict` finds nothing.
#[tokio::test]
async fn every_type_is_right() {
    let check = || {
        let mut command = type_checker("mypy-rekey", &[libraries()]);
        command.arg(format!("{FOLDER}/rekey.py")).env("MYPYPATH", CLIENT);
        run_command(command)
    };
    let ran = tokio::task::spawn_blocking(check).await.unwrap();
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
}
