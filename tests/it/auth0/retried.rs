//! Requests that clients retry automatically.

use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    auth0::AUTH0,
    child::{Running, run_command, temp_dir},
    cluster::cluster,
    python,
    tls::{Authority, tls_toml},
    tokens::Token,
};

/// The client for Python sends a conflicting request three times: each is refused, and none changes
/// anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_that_a_client_sends_again_changes_nothing() {
    let database = cluster().db_migrated().await;
    let dir = temp_dir(&format!("{}_tls", database.name));
    let authority = Authority::new("clients of Auth0");
    authority.issue().write(&dir);
    std::fs::write(dir.join("authority.pem"), authority.pem()).unwrap();
    let run = move || {
        let (child, address) = Running::serve(&database, |toml| toml + AUTH0 + &tls_toml(&dir));
        let mut command = Command::new("python3");
        command
            .args(["tests/it/auth0-python/retried.py", &format!("localhost:{}", address.port())]);
        command
            .arg(Token::of("services", "backend").sign())
            .env("SSL_CERT_FILE", dir.join("authority.pem"));
        let packages = python::packages("auth0-python", "tests/it/auth0-python/requirements.txt");
        let told = run_command({
            command.env("PYTHONPATH", packages);
            command
        });
        child.signal(Signal::TERM);
        (told, child.finish())
    };
    let (told, served) = tokio::task::spawn_blocking(run).await.unwrap();

    assert_eq!((told.code, told.stdout.as_str()), (Some(0), "[409, true]"), "{}", told.stderr);
    let lines = served.stderr.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let links = lines.filter(|line| line["rpc"] == "POST /api/v2/users/{id}/identities");
    let codes: Vec<String> = links.map(|line| line["code"].as_str().unwrap().to_owned()).collect();
    assert_eq!(codes, ["201", "409", "409", "409"]);
}
