//! The service on Node.js, which runs TypeScript as it is.

use std::{fs, os::unix::fs::symlink, path::PathBuf, process::Command, sync::OnceLock};

use super::stories;
use crate::{
    clients::node,
    support::{child::run_command, npm},
};

const FOLDER: &str = "examples/rekey/node";

/// A project that has the client installed, and in it the folder of the service with its driver for
/// Postgres.
fn folder() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = node::project("rekey_node").join("rekey");
        fs::create_dir(&folder).unwrap();
        for file in ["package.json", "rekey.ts", "schema.sql"] {
            fs::copy(format!("{FOLDER}/{file}"), folder.join(file)).unwrap();
        }
        let files = ["package.json", "package-lock.json"].map(|name| format!("{FOLDER}/{name}"));
        let driver = npm::packages_beside("rekey-node", &files.each_ref().map(String::as_str));
        symlink(node::here(&driver.join("node_modules")), folder.join("node_modules")).unwrap();
        folder
    });
    made.clone()
}

fn command() -> Command {
    let folder = folder();
    // The test reads each line of stderr: without the warning of an experiment.
    node::node(&folder, &["--disable-warning=ExperimentalWarning", "rekey.ts"])
}

stories!(command);

/// Its types are right, by the strictest rules, and it runs without a compiler.
#[tokio::test]
async fn every_type_is_right() {
    let check = || {
        let more = ["--noEmit", "--allowImportingTsExtensions", "--erasableSyntaxOnly"];
        run_command(node::tsc(&folder(), &[&node::STRICT[..], &more, &["rekey.ts"]].concat()))
    };
    let ran = tokio::task::spawn_blocking(check).await.unwrap();
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
}
