//! The backend on FastAPI.

use std::{env, path::PathBuf, process::Command};

use super::{stories, visit::Start};
use crate::support::python::packages;

const FOLDER: &str = "examples/login-backend/fastapi";
const REQUIREMENTS: &str = "examples/login-backend/fastapi/requirements.txt";

fn command() -> Command {
    let folders = [packages("login-fastapi", REQUIREMENTS), PathBuf::from("clients/python/src")];
    let mut command = Command::new("python3");
    command.arg(format!("{FOLDER}/main.py")).env("PYTHONPATH", env::join_paths(folders).unwrap());
    // The checkout stays as it is.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

stories!(command as Start);
