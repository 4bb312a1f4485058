//! The backend on Express.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use super::{stories, visit::Start};
use crate::{
    clients::node::{node, project},
    support::{
        child::{copy, temp_dir},
        npm,
    },
};

const FOLDER: &str = "examples/login-backend/express";

/// A copy of the backend with the packages of its lock file and with the client as npm packs it, once
/// for all tests.
fn installed() -> PathBuf {
    // Node.js looks up what the client imports where the client is.
    let client = project("login_express_client").join("node_modules/identitylink");
    let files = ["package.json", "package-lock.json"].map(|name| format!("{FOLDER}/{name}"));
    let packages = npm::packages_beside("login-express", &files.each_ref().map(String::as_str));
    let folder = temp_dir("login_express");
    let modules = folder.join("node_modules");
    copy(Path::new(FOLDER), &folder);
    fs::create_dir(&modules).unwrap();
    symlink(client, modules.join("identitylink")).unwrap();
    for package in fs::read_dir(packages.join("node_modules")).unwrap() {
        let package = package.unwrap();
        symlink(package.path(), modules.join(package.file_name())).unwrap();
    }
    folder
}

fn command() -> Command {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    node(INSTALLED.get_or_init(installed), &["main.js"])
}

stories!(command as Start);
