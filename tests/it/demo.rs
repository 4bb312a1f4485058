//! The demo of `dev`, used with a browser.

mod guard;
mod joining;
mod settings;

use serde_json::{Value, json};

use crate::support::{
    child::{Dev, temp_dir},
    chromium::Chromium,
    inspector::Inspector,
};

/// A browser that visits the demo.
struct Visit {
    browser: Chromium,
    /// The first page, with a slash at its end.
    page: String,
}

impl Visit {
    /// A visitor with a browser of its own.
    fn start(name: &str, page: &str) -> Self {
        Self { browser: Chromium::start(name), page: page.to_owned() }
    }

    fn open(&mut self, path: &str) {
        self.browser.open(&format!("{}{path}", self.page));
    }

    /// The text of the element that a selector finds.
    fn text(&mut self, selector: &str) -> String {
        let script = format!("document.querySelector({}).innerText", json!(selector));
        self.browser.run(&script).as_str().unwrap().to_owned()
    }

    /// Whether a selector finds an element.
    fn has(&mut self, selector: &str) -> bool {
        self.browser.run(&format!("document.querySelector({})", json!(selector))) != Value::Null
    }

    /// Signs in at a provider as one of the accounts that it offers, by its number from 1.
    fn sign_in(&mut self, provider: &str, account: usize) {
        self.open("login");
        self.at_provider(provider, account);
    }

    /// Goes to a provider, and returns from it as one of the accounts that it offers.
    fn at_provider(&mut self, provider: &str, account: usize) {
        self.browser.click(&format!("#{provider}"));
        self.browser.click(&format!("li:nth-child({account}) > form > .account"));
    }

    /// Goes to a provider, and returns from it as this account, with this email.
    fn at_provider_as(&mut self, provider: &str, account: &str, email: &str) {
        self.browser.click(&format!("#{provider}"));
        self.browser.fill("#account", account);
        self.browser.fill("#email", email);
        self.browser.click("#continue");
    }

    /// Opens the settings, and clicks on what a selector finds there.
    fn at_settings(&mut self, selector: &str) {
        self.open("settings");
        self.browser.click(selector);
    }

    /// The accounts that the settings page shows, in their order.
    fn accounts(&mut self) -> Vec<String> {
        self.open("settings");
        let script =
            "[...document.querySelectorAll('#accounts .account')].map(found => found.innerText)";
        serde_json::from_value(self.browser.run(script)).unwrap()
    }
}

/// One verified email at two providers that link automatically.
#[test]
fn a_verified_email_links() {
    let (_dev, page) = Dev::start_with_demo(&temp_dir("dev_demo"));
    let mut ann = Visit::start("dev_demo_browser", &page);

    ann.sign_in("demo-google", 1);
    insta::assert_snapshot!(ann.text("#outcome"), @"You are a new user. No other user has the email of this account.");
    ann.at_settings("#sign-out");

    ann.sign_in("demo-github", 1);
    insta::assert_snapshot!(ann.text("#outcome"), @"You are signed in, and this account is now one of yours. A user has proven the same email with another trusted provider. You can undo this in your settings.");
    assert_eq!(ann.accounts(), ["Google: ann.lee", "GitHub: ann-codes"]);
}

/// An email that its provider does not verify finds no user, and a person can keep two users.
#[test]
fn without_a_proof_or_by_choice_there_are_two_users() {
    let (_dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_apart"));
    let mut ann = Visit::start("dev_demo_apart_browser", &page);
    ann.sign_in("demo-google", 1);
    ann.at_settings("#sign-out");

    ann.open("login");
    ann.at_provider_as("demo-phone", "+1", "ann@example.com");
    insta::assert_snapshot!(ann.text("#outcome"), @"You are a new user. The email of this account counts for nothing, because no trusted provider has verified it.");
    assert_eq!(ann.accounts(), ["Phone: +1"]);
    ann.at_settings("#sign-out");

    ann.sign_in("demo-microsoft", 1);
    ann.browser.click("#own-user");
    insta::assert_snapshot!(ann.text("#outcome"), @"You are a new user. You chose to keep the two apart.");
    assert_eq!(ann.accounts(), ["Microsoft: ann.lee.work"]);
}

/// Two browsers are two people at the same time.
#[test]
fn a_second_browser_is_a_second_person() {
    let (_dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_two"));
    let mut ann = Visit::start("dev_demo_two_ann", &page);
    let mut ben = Visit::start("dev_demo_two_ben", &page);

    ann.sign_in("demo-google", 1);
    ben.sign_in("demo-google", 2);

    assert_eq!(ann.accounts(), ["Google: ann.lee"]);
    assert_eq!(ben.accounts(), ["Google: ben.okoro"]);
}

/// A visitor is any member of the staff, with any role, and finds the user of a visitor of the demo.
#[test]
fn the_console_shows_the_users_of_the_demo() {
    let (dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_console"));
    let mut ann = Visit::start("dev_demo_console_browser", &page);
    ann.sign_in("demo-google", 1);
    let console = dev.said("A console for support staff: ");

    let mut carol = Chromium::start("dev_demo_console_staff");
    carol.open(&console);
    carol.click("#sign-in");
    carol.fill("[name=account]", "carol");
    carol.fill("[name=role]", "support");
    carol.click("#continue");
    assert!(carol.text().contains("Signed in as carol (support)"), "{}", carol.text());
    carol.fill("#query", "ann@example.com");
    carol.click("#find");
    carol.click(".id");

    let text = carol.text();
    assert!(text.contains("demo-google: ann.lee") && text.contains("ann@example.com"), "{text}");
}

/// The browser shows a hostile account and a hostile email as text: no element comes of them.
#[test]
fn what_a_person_types_is_text_on_each_page() {
    let (_dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_typed"));
    let mut mallory = Visit::start("dev_demo_typed_browser", &page);
    let account = "'\"><h2 class=injected>";
    let email = "\"<h2/class=injected>\"@example.com";

    mallory.open("login");
    mallory.at_provider_as("demo-phone", account, email);

    assert_eq!(mallory.accounts(), [format!("Phone: {account}")]);
    assert!(mallory.browser.text().contains(email), "{}", mallory.browser.text());
    assert!(!mallory.has(".injected"));
    let style = "getComputedStyle(document.querySelector('header')).display";
    assert_eq!(mallory.browser.run(style), "flex", "the style should apply");
}

/// Each page can be read by all people: by axe-core, on a narrow screen, and in the dark.
#[test]
fn the_pages_before_and_after_a_sign_in_can_be_read_by_all() {
    let (_dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_looks"));
    let mut ann = Visit::start("dev_demo_looks_browser", &page);
    let inspector = Inspector::new();

    ann.open("");
    inspector.inspect(&mut ann.browser, "demo-start");
    ann.browser.click("#login");
    inspector.inspect(&mut ann.browser, "demo-login");
    ann.browser.click("#demo-google");
    inspector.inspect(&mut ann.browser, "demo-provider");
    assert!(ann.text("#stand-in").contains("This page is not the real Google."));
    ann.browser.click(".account");
    inspector.inspect(&mut ann.browser, "demo-welcome");
    ann.at_settings("#sign-out");
    ann.sign_in("demo-microsoft", 1);
    inspector.inspect(&mut ann.browser, "demo-candidates");
    ann.open("callback/demo-google?state=none&code=none");
    assert_eq!(
        ann.text("#refusal"),
        "This sign-in has ended, or began in another browser. Nothing was changed. Begin again."
    );
    inspector.inspect(&mut ann.browser, "demo-refusal");
}
