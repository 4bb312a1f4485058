//! `health`: what an image without a shell and curl asks its server.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    path::Path,
    thread,
};

use crate::support::{
    child::{Ran, Running, binary, config_file, run_command},
    cluster::cluster,
};

/// Asks the server with this configuration, whose management listens on this address.
fn health(file: &Path, management: SocketAddr, options: &[&str]) -> Ran {
    let mut command = binary(&["health", "--config", file.to_str().unwrap()]);
    command.args(options).env("IDENTITY_LINK__MANAGEMENT__LISTEN", management.to_string());
    run_command(command)
}

fn address(line: &str) -> SocketAddr {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    line["address"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_whether_the_server_lives_and_is_ready() {
    let database = cluster().db_migrated().await;
    let file = config_file(&database, |toml| toml + "\n[management]\nlisten = \"0.0.0.0:0\"\n");
    let mut server = Running::start(binary(&["serve", "--config", file.to_str().unwrap()]));
    let line = server.stderr_until(|line| line.contains(r#""message":"serving management""#));
    let management = address(&line);
    server.stderr_until(|line| line.contains(r#""message":"serving""#));

    let ready = health(&file, management, &[]);
    assert_eq!((ready.code, ready.stderr.as_str()), (Some(0), ""));
    assert!(ready.stdout.contains(r#""status":"ready""#), "{}", ready.stdout);
    let live = health(&file, management, &["--live"]);
    assert_eq!((live.code, live.stdout.as_str()), (Some(0), "{\"status\":\"live\"}"));
    drop(server);

    let gone = health(&file, management, &["--live"]);
    assert_eq!(gone.code, Some(1));
    let port = management.port();
    let expected = format!("identity-link: http://127.0.0.1:{port}/livez: ");
    assert!(gone.stderr.starts_with(&expected), "{}", gone.stderr);
}

/// Its exit code follows the status of the response, and the text is shown.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_ready_fails_the_check() {
    let database = cluster().db_migrated().await;
    let file = config_file(&database, |toml| toml);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let management = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let length = connection.read(&mut request).unwrap();
        connection
            .write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 23\r\n\r\n{\"status\":\"not ready\"}\n")
            .unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });

    let ran = health(&file, management, &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), "{\"status\":\"not ready\"}"));
    assert!(
        ran.stderr.ends_with("/readyz: the response was 503 Service Unavailable"),
        "{}",
        ran.stderr
    );
    assert!(server.join().unwrap().starts_with("GET /readyz HTTP/1.1\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_management_listener_there_is_nothing_to_ask() {
    let file = config_file(&cluster().db_migrated().await, |toml| toml);
    let ran = run_command(binary(&["health", "--config", file.to_str().unwrap()]));
    assert_eq!(ran.code, Some(64));
    assert_eq!(
        ran.stderr,
        "identity-link: there is no [management] in the configuration: health asks its listener"
    );
}
