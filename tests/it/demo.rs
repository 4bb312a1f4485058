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

/// A visitor is any member of the staff, with any role, and finds the user of a visitor of the demo.
#[test]
fn the_console_shows_the_users_of_the_demo() {
    let (dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_console"));
    let mut alice = Visit { browser: Chromium::start("dev_demo_console_browser"), page };
    alice.sign_in("demo-mail", "alice");
    let console = dev.said("A console for support staff: ");

    let mut carol = Chromium::start("dev_demo_console_staff");
    carol.open(&console);
    carol.click("#sign-in");
    carol.fill("[name=account]", "carol");
    carol.fill("[name=role]", "support");
    carol.click("button");
    assert!(carol.text().contains("Signed in as carol (support)"), "{}", carol.text());
    carol.fill("#query", EMAIL);
    carol.click("#find");
    carol.click(".id");

    let text = carol.text();
    assert!(text.contains("demo-mail: alice") && text.contains(EMAIL), "{text}");
}

/// The browser shows a hostile account and a hostile email as text: no element comes of them.
#[test]
fn what_a_person_types_is_text_on_each_page() {
    let (_dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_typed"));
    let mut mallory = Visit { browser: Chromium::start("dev_demo_typed_browser"), page };
    let account = "'\"><h2 class=injected>";
    let email = "\"<h2/class=injected>\"@example.com";

    mallory.browser.open(&mallory.page);
    mallory.browser.click("#demo-forum");
    mallory.browser.fill("[name=account]", account);
    mallory.browser.fill("[name=email]", email);
    mallory.browser.click("button");

    assert_eq!(mallory.accounts(), [format!("demo-forum: {account}")]);
    assert!(mallory.browser.text().contains(email), "{}", mallory.browser.text());
    let injected = mallory.browser.run("document.querySelector('.injected')");
    assert_eq!(injected, serde_json::Value::Null);
    let style = "getComputedStyle(document.querySelector('header')).backgroundColor";
    assert_eq!(mallory.browser.run(style), "rgb(255, 204, 0)", "the style should apply");
}

/// The form that each request sends.
const FORM: &str = "account=a&provider=demo-mail";

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
        "/providers/demo-mail/authorize?client_id=demo&redirect_uri=http://evil.example.com/";
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
