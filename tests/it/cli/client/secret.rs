//! S20: the token stays with the program: no list of processes, output or error shows it.

use std::{fs, os::unix::fs::PermissionsExt as _};

use rustix::process::Signal;

use super::Desk;
use crate::support::{
    TestServer,
    child::{Running, binary, run_command},
    tokens::Token,
};

/// What a list of processes shows of each process of this user, with their environments.
fn processes() -> String {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let folder = entry.unwrap().path();
        // A process may have ended meanwhile.
        for file in ["cmdline", "environ"] {
            all.extend(fs::read(folder.join(file)).unwrap_or_default());
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// The token of a running watch is neither an argument nor in an environment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_list_of_processes_shows_a_token() {
    let desk = Desk::beside(TestServer::start_feed().await, "ps");
    desk.two().await;
    let token = fs::read_to_string(&desk.token).unwrap();
    let server = format!("http://{}", desk.server.address);
    let command = format!("cat '{}'", desk.token.display());
    for arguments in [["--token-command", &command], ["--token-file", desk.token.to_str().unwrap()]]
    {
        let mut watch = binary(&["watch", "--from-oldest", "--server", &server]);
        watch.args(arguments);
        let mut watching = Running::start(watch);
        watching.stdout_until(|line| line.contains("github|ann"));
        let processes = processes();
        assert!(processes.contains("--token-"), "the watch is not in the list");
        assert!(!processes.contains(&token));
        watching.signal(Signal::INT);
        let ran = watching.finish();
        assert!(!format!("{ran:?}").contains(&token));
    }
}

/// Neither a command that fails nor one that prints something else has its output quoted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_token_command_prints_is_not_quoted() {
    let desk = Desk::start("token_command").await;
    desk.two().await;
    let server = format!("http://{}", desk.server.address);
    let by = |command: &str| {
        run_command(binary(&[
            "user",
            "github|ann",
            "--server",
            &server,
            "--token-command",
            command,
        ]))
    };
    let good = by(&format!("cat '{}'; echo", desk.token.display()));
    assert_eq!((good.code, good.stderr.as_str()), (Some(0), ""));
    let mut said = Vec::new();
    for command in ["echo open-sesame; exit 3", "echo open sesame", "true", "echo open-sesame"] {
        let ran = by(command);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
        assert!(!ran.stderr.contains("sesame"), "{}", ran.stderr);
        said.push(ran.stderr);
    }
    insta::assert_snapshot!(said.join("\n"), @"
        identity-link: there is no token: --token-command: the command failed: exit status: 3
        identity-link: there is no token: the token is no bearer token: it is empty, or has characters beside those of RFC 6750
        identity-link: there is no token: the token is no bearer token: it is empty, or has characters beside those of RFC 6750
        identity-link: TOKEN_INVALID: the bearer token was not accepted: get a new one from a trusted issuer
        --token-file or --token-command must give a token of a service that the server trusts
    ");
}

/// A token that the server refuses is asked for again, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_command_is_run_again_for_a_refused_token() {
    let desk = Desk::start("token_again").await;
    desk.two().await;
    let (old, new) = (desk.token.with_extension("old"), &desk.token);
    let expired = Token::of("services", "desk").issued_ago(7200);
    let ended = expired.claims["iat"].as_i64().unwrap() + 7190;
    fs::write(&old, expired.with("exp", ended).sign()).unwrap();
    let script = desk.token.with_extension("sh");
    let text = format!(
        "#!/bin/sh\ncat '{0}' 2>/dev/null && rm '{0}' || cat '{1}'\n",
        old.display(),
        new.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let server = format!("http://{}", desk.server.address);
    let command = script.to_str().unwrap();
    let ran = run_command(binary(&[
        "user",
        "github|ann",
        "--server",
        &server,
        "--token-command",
        command,
    ]));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(!old.exists());
}
