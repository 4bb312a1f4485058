//! The demo of `dev`, used with a browser.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use rustix::process::Signal;

use crate::support::{
    child::{Dev, binary, run_command, temp_dir},
    chromium::Chromium,
};

const EMAIL: &str = "alice@example.com";

/// A browser that visits the demo.
struct Visit {
    browser: Chromium,
    page: String,
}

impl Visit {
    /// Signs in as this account of a provider, with alice's email; returns the line with the
    /// outcome and its reason.
    fn sign_in(&mut self, provider: &str, account: &str) -> String {
        self.browser.open(&self.page);
        self.at_provider(provider, account);
        let text = self.browser.text();
        let said = text.lines().find(|line| line.contains("because of"));
        said.unwrap_or_else(|| panic!("{text}")).to_owned()
    }

    /// Goes to a provider, and returns from it as this account.
    fn at_provider(&mut self, provider: &str, account: &str) {
        self.browser.click(&format!("#{provider}"));
        self.browser.fill("[name=account]", account);
        self.browser.fill("[name=email]", EMAIL);
        self.browser.click("button");
    }

    /// Clicks a button of the settings page.
    fn at_settings(&mut self, button: &str) {
        self.browser.open(&self.page);
        self.browser.click(button);
    }

    /// The accounts that the settings page shows.
    fn accounts(&mut self) -> Vec<String> {
        self.browser.open(&self.page);
        let text = self.browser.text();
        let accounts = text.lines().filter(|line| line.starts_with("demo-") && line.contains(": "));
        accounts.map(|line| line.split(" (").next().unwrap().to_owned()).collect()
    }
}

/// The three ways to link: automatically at sign-in, after a suggestion, and in the settings.
#[test]
fn the_three_ways_to_link_work_in_a_browser() {
    let (_dev, page) = Dev::start_with_demo(&temp_dir("dev_demo"));
    let mut alice = Visit { browser: Chromium::start("dev_demo_browser"), page };

    let said = alice.sign_in("demo-mail", "alice");
    insta::assert_snapshot!(said, @"You are signed in: CREATED, because of EMAIL_UNCLAIMED.");
    alice.at_settings("#sign-out");

    let said = alice.sign_in("demo-code", "alice-codes");
    insta::assert_snapshot!(said, @"You are signed in: LINKED, because of EMAIL_VERIFIED_ON_BOTH_SIDES.");
    assert_eq!(alice.accounts(), ["demo-mail: alice", "demo-code: alice-codes"]);
    alice.at_settings("#sign-out");

    let said = alice.sign_in("demo-office", "alice.smith");
    insta::assert_snapshot!(said, @"A user with your email exists already: CANDIDATES, because of LINKING_SUGGESTED.");
    let said = alice.sign_in("demo-mail", "alice");
    insta::assert_snapshot!(said, @"You are signed in: SIGNED_IN, because of IDENTITY_KNOWN.");
    alice.at_settings("#link-ticket");
    assert_eq!(
        alice.accounts(),
        ["demo-mail: alice", "demo-code: alice-codes", "demo-office: alice.smith"]
    );

    alice.at_provider("demo-wallet", "0xa11ce");
    assert_eq!(alice.accounts().last().unwrap(), "demo-wallet: 0xa11ce");
    alice.at_settings("#unlink-demo-wallet");
    assert_eq!(
        alice.accounts(),
        ["demo-mail: alice", "demo-code: alice-codes", "demo-office: alice.smith"]
    );
    alice.at_settings("#sign-out");

    let said = alice.sign_in("demo-forum", "alice");
    insta::assert_snapshot!(said, @"You are signed in: CREATED, because of EMAIL_UNVERIFIED.");
    assert_eq!(alice.accounts(), ["demo-forum: alice"]);
    alice.at_settings("#sign-out");

    alice.sign_in("demo-office", "another");
    alice.browser.click("#own-user");
    assert!(alice.browser.text().contains("CREATED, because of NEW_USER_CHOSEN"));
}

/// The status line of the demo's response.
fn asked(page: &str, first: &str, host: Option<&str>, fetch_site: &str) -> String {
    let address = page.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    let host = host.unwrap_or(address);
    let head = format!("{first} HTTP/1.1\r\nhost: {host}\r\nsec-fetch-site: {fetch_site}\r\n");
    stream
        .write_all(
            format!("{head}content-length: 9\r\nconnection: close\r\n\r\naccount=a").as_bytes(),
        )
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap().to_owned()
}

/// Pages of other sites in the browser cannot act on the demo, and the demo does not redirect to
/// them.
#[test]
fn the_demo_serves_its_own_pages_only() {
    let (_dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_asked"));
    let elsewhere =
        "POST /providers/demo-mail/authorize?client_id=demo&redirect_uri=http://evil.example.com/";
    for (first, host, fetch_site, expected) in [
        ("GET /", None, "none", "HTTP/1.1 200 OK"),
        ("GET /", Some("evil.example.com"), "none", "HTTP/1.1 400 Bad Request"),
        ("POST /sign-out", None, "same-origin", "HTTP/1.1 303 See Other"),
        ("POST /sign-out", None, "cross-site", "HTTP/1.1 400 Bad Request"),
        ("POST /sign-out", None, "same-site", "HTTP/1.1 400 Bad Request"),
        (elsewhere, None, "same-origin", "HTTP/1.1 400 Bad Request"),
    ] {
        assert_eq!(
            asked(&page, first, host, fetch_site),
            expected,
            "{first} {host:?} {fetch_site}"
        );
    }
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
    command.args(["--demo-listen", "127.0.0.1:0"]);
    let ran = run_command(command);

    let kept = page.trim_end_matches('/');
    assert_eq!(ran.code, Some(64));
    assert!(
        ran.stderr.contains(&format!("is at {kept}, and its accounts stay there")),
        "{}",
        ran.stderr
    );
}
