//! Which requests the demo serves, and what it sends with each page.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use rustix::process::Signal;

use super::*;
use crate::support::child::{binary, run_command};

/// The form that each request sends.
const FORM: &str = "account=a&provider=demo-google";

/// The head of the demo's response: the status line and the headers.
fn head_of_response(page: &str, first: &str, host: Option<&str>, fetch_site: &str) -> Vec<String> {
    let address = page.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    let head = [
        format!("{first} HTTP/1.1"),
        format!("host: {}", host.unwrap_or(address)),
        format!("sec-fetch-site: {fetch_site}"),
        "content-type: application/x-www-form-urlencoded".to_owned(),
        format!("content-length: {}", FORM.len()),
        "connection: close".to_owned(),
    ];
    stream.write_all(format!("{}\r\n\r\n{FORM}", head.join("\r\n")).as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response.lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Pages of other sites in the browser cannot act on the demo, and the demo does not redirect to
/// them.
#[test]
fn the_demo_serves_its_own_pages_only() {
    let (_dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_asked"));
    let elsewhere =
        "/providers/demo-google/authorize?client_id=demo&redirect_uri=http://evil.example.com/";
    let (ask_elsewhere, grant_elsewhere) =
        (format!("GET {elsewhere}"), format!("POST {elsewhere}"));
    for (first, host, fetch_site, expected) in [
        ("GET /", None, "none", "HTTP/1.1 200 OK"),
        ("GET /", Some("evil.example.com"), "none", "HTTP/1.1 400 Bad Request"),
        ("GET /style.css", Some("evil.example.com"), "none", "HTTP/1.1 400 Bad Request"),
        ("GET /missing", None, "none", "HTTP/1.1 404 Not Found"),
        ("POST /sign-out", None, "same-origin", "HTTP/1.1 303 See Other"),
        ("POST /sign-out", None, "cross-site", "HTTP/1.1 400 Bad Request"),
        ("POST /sign-out", None, "same-site", "HTTP/1.1 400 Bad Request"),
        ("POST /link", None, "same-origin", "HTTP/1.1 303 See Other"),
        (&ask_elsewhere, None, "cross-site", "HTTP/1.1 400 Bad Request"),
        (&grant_elsewhere, None, "same-origin", "HTTP/1.1 400 Bad Request"),
    ] {
        assert_eq!(
            head_of_response(&page, first, host, fetch_site)[0],
            expected,
            "{first} {host:?} {fetch_site}"
        );
    }
}

/// Its pages run no script and are in no frame, and no script reads its cookies.
#[test]
fn the_demo_sends_the_headers_that_protect_its_pages() {
    let (dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_headers"));
    let console = dev.said("A console for support staff: ");
    let policy = format!(
        "content-security-policy: default-src 'none'; style-src 'self'; form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'",
        console.trim_end_matches('/')
    );
    for first in ["GET /", "GET /style.css", "GET /missing", "POST /sign-out", "POST /sign-in"] {
        let head = head_of_response(&page, first, None, "same-origin");
        for header in [
            "cache-control: no-store",
            "referrer-policy: no-referrer",
            "x-content-type-options: nosniff",
            policy.as_str(),
        ] {
            assert!(head.iter().any(|line| line == header), "{first}: {head:?}");
        }
    }

    let head = head_of_response(&page, "POST /sign-in", None, "same-origin");
    let cookie = head.iter().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let (value, attributes) = cookie.split_once("; ").unwrap();
    assert!(value.starts_with("demo-attempt="), "{value}");
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/");
}

/// The issuers of its providers contain its address: at another one, its accounts would be other
/// accounts.
#[test]
fn a_demo_refuses_to_start_at_another_address() {
    let dir = temp_dir("dev_demo_moved");
    let (dev, page) = Dev::start_with_demo(&dir);
    dev.running.signal(Signal::INT);
    assert_eq!(dev.running.finish().code, Some(0));
    // The old port is taken, so the next demo gets another one.
    let _taken =
        TcpListener::bind(page.trim_start_matches("http://").trim_end_matches('/')).unwrap();

    let mut command =
        binary(&["dev", "--data-dir", dir.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    command.args(["--demo-listen", "127.0.0.1:0", "--console-listen", "127.0.0.1:0"]);
    let ran = run_command(command);

    let kept = page.trim_end_matches('/');
    assert_eq!(ran.code, Some(64));
    assert!(
        ran.stderr.contains(&format!("is at {kept}, and its accounts stay there")),
        "{}",
        ran.stderr
    );
}
