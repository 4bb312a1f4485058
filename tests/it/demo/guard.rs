//! Which requests the demo serves, and what it sends with each page.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
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
    let port = page.trim_end_matches('/').rsplit(':').next().unwrap();
    let (localhost, elsewhere_by_port) =
        (format!("localhost:{port}"), format!("evil.example.com:{port}"));
    for (first, host, fetch_site, expected) in [
        ("GET /", None, "none", "HTTP/1.1 200 OK"),
        ("GET /", Some("evil.example.com"), "none", "HTTP/1.1 400 Bad Request"),
        ("GET /style.css", Some("evil.example.com"), "none", "HTTP/1.1 400 Bad Request"),
        ("GET /", Some(&elsewhere_by_port), "none", "HTTP/1.1 400 Bad Request"),
        ("GET /login?a=b", Some(&localhost), "none", "HTTP/1.1 307 Temporary Redirect"),
        ("POST /sign-out", Some(&localhost), "none", "HTTP/1.1 400 Bad Request"),
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
    let head = head_of_response(&page, "GET /login?a=b", Some(&localhost), "none");
    assert!(head.contains(&format!("location: {page}login?a=b")), "{head:?}");
}

/// Forwards connections of a listener to this address, as `ssh -L` does.
fn forward(listener: TcpListener, to: String) {
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (from_browser, to_demo) = (connection.unwrap(), TcpStream::connect(&to).unwrap());
            let back = (to_demo.try_clone().unwrap(), from_browser.try_clone().unwrap());
            for (mut from, mut to) in [(from_browser, to_demo), back] {
                // A side that has closed its connection ends the other one too.
                thread::spawn(move || {
                    let _ = io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
            }
        }
    });
}

/// A browser reaches the demo by another port and another name. The issuers of the providers stay, so
/// the accounts are the same with and without the forwarding.
#[test]
fn the_demo_works_behind_a_forwarded_port() {
    let dir = temp_dir("dev_demo_forwarded");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = format!("localhost:{}", listener.local_addr().unwrap().port());
    let (_dev, page) = Dev::start_with_demo_at(&dir, &format!("http://{authority}/"));
    assert_eq!(page, format!("http://{authority}/"));
    let base = fs::read_to_string(dir.join("demo")).unwrap();
    forward(listener, base.trim_start_matches("http://").to_owned());

    let mut ann = Visit::start("dev_demo_forwarded_browser", &page);
    ann.sign_in("demo-google", 1);
    assert_eq!(ann.browser.run("location.host"), json!(authority));
    ann.at_settings("#demo-wallet");
    ann.browser.click(".account");
    ann.browser.click("#join");
    assert_eq!(ann.accounts(), ["Google: ann.lee", "Wallet: 0xbe7"]);

    for (host, expected) in [
        (authority.as_str(), "HTTP/1.1 200 OK"),
        (base.trim_start_matches("http://"), "HTTP/1.1 200 OK"),
        ("evil.example.com", "HTTP/1.1 400 Bad Request"),
        ("localhost:1", "HTTP/1.1 400 Bad Request"),
    ] {
        assert_eq!(head_of_response(&base, "GET /", Some(host), "none")[0], expected, "{host}");
    }
}

/// The service sends people back to it with their codes, so it is https or on one machine.
#[test]
fn a_demo_refuses_a_url_that_is_not_safe() {
    for url in [
        "http://example.com",
        "https://example.com/demo",
        "localhost:8080",
        "https://a@b.example.com",
    ] {
        let mut command = binary(&["dev", "--listen", "127.0.0.1:0", "--demo-url", url]);
        command.args(["--demo-listen", "127.0.0.1:0", "--console-listen", "127.0.0.1:0"]);
        let ran = run_command(command);
        assert_eq!(ran.code, Some(64), "{url}: {}", ran.stderr);
        assert!(ran.stderr.contains("--demo-url must be https, or http on this machine"), "{url}");
    }
}

/// Its pages run no script and are in no frame, and no script reads its cookies.
#[test]
fn the_demo_sends_the_headers_that_protect_its_pages() {
    let (dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_headers"));
    let console = dev.said("A console for support staff: ");
    let policy = format!(
        "content-security-policy: default-src 'none'; style-src 'self'; form-action 'self' {}; base-uri \
        'none'; frame-ancestors 'none'",
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
