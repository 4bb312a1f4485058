//! The settings: what can leave, and in which way.

use super::*;

/// Ann with a Google and a GitHub account, signed in.
fn ann_with_two(name: &str) -> (Dev, Visit) {
    let (dev, page) = Dev::start_with_demo(&temp_dir(name));
    let mut ann = Visit::start(&format!("{name}_browser"), &page);
    ann.sign_in("demo-google", 1);
    ann.at_settings("#sign-out");
    ann.sign_in("demo-github", 1);
    (dev, ann)
}

/// The texts that a selector finds.
fn texts(visit: &mut Visit, selector: &str) -> Vec<String> {
    let script = format!(
        "[...document.querySelectorAll({})].map(found => found.innerText)",
        json!(selector)
    );
    serde_json::from_value(visit.browser.run(&script)).unwrap()
}

#[test]
fn the_primary_account_and_the_last_one_offer_no_unlink() {
    let (_dev, mut ann) = ann_with_two("dev_demo_primary");
    assert_eq!(ann.accounts(), ["Google: ann.lee", "GitHub: ann-codes"]);
    assert!(!ann.has("#accounts li:nth-child(1) .unlink"));
    assert!(ann.has("#accounts li:nth-child(2) .unlink"));
    assert_eq!(
        texts(&mut ann, ".why"),
        ["You began with it.", "Both providers had verified the same email."]
    );

    ann.at_settings("#accounts li:nth-child(2) .primary");
    assert_eq!(ann.text("h1"), "Make GitHub: ann-codes primary?");
    assert_eq!(ann.accounts(), ["Google: ann.lee", "GitHub: ann-codes"]);
    ann.at_settings("#accounts li:nth-child(2) .primary");
    ann.browser.click("#make-primary");
    assert_eq!(ann.accounts(), ["GitHub: ann-codes", "Google: ann.lee"]);

    ann.at_settings("#demo-wallet");
    ann.browser.click(".account");
    ann.browser.click("#join");
    ann.at_settings("#accounts li:nth-child(2) .unlink");
    ann.browser.click("#restore");
    // A wallet signs no user in, so the account that does stays.
    assert_eq!(ann.accounts(), ["GitHub: ann-codes", "Wallet: 0xbe7"]);
    assert_eq!(
        texts(&mut ann, ".stays"),
        ["It stays: it is the last account with which you can sign in."]
    );
    assert!(ann.has("#accounts li:nth-child(2) .unlink"));
}

/// The account is a user again, as the page said before.
#[test]
fn an_account_that_is_unlinked_becomes_a_user_again() {
    let (_dev, mut ann) = ann_with_two("dev_demo_restore");
    ann.at_settings(".unlink");
    insta::assert_snapshot!(texts(&mut ann, "h1, main > p, h2, main li").join("\n"), @"
    Unlink GitHub: ann-codes?
    It no longer signs in as you, whichever way you choose.
    If it becomes a user again
    This account becomes a user of its own again, with this account alone and without metadata.
    GitHub: ann-codes (ann@example.com, verified)
    Make it a user again
    Choose this if it was joined by mistake, or if you want two users. It can be joined again.
    Give it up
    Choose this if it is no longer yours, such as a phone number that you lost. No user comes back, and your metadata stays. If it signs in again, it is a new user, which no email joins to you.
    To your settings, without a change
    ");
    assert_eq!(ann.accounts().len(), 2);

    ann.at_settings(".unlink");
    ann.browser.click("#restore");
    assert_eq!(ann.accounts(), ["Google: ann.lee"]);
    ann.at_settings("#sign-out");
    ann.sign_in("demo-github", 1);
    assert_eq!(ann.accounts(), ["GitHub: ann-codes"]);
}

/// The account is no one's, and its next sign-in is a new user.
#[test]
fn an_account_that_is_given_up_finds_no_user_by_its_email() {
    let (_dev, mut ann) = ann_with_two("dev_demo_release");
    ann.at_settings(".unlink");
    ann.browser.click("#release");
    assert_eq!(ann.accounts(), ["Google: ann.lee"]);
    ann.at_settings("#sign-out");

    ann.sign_in("demo-github", 1);

    assert_eq!(
        ann.text("#outcome"),
        "You are a new user. The user with this email gave this account up, so the two are not joined by an email."
    );
}

/// The user that was absorbed comes back with all that it brought, as the page said before.
#[test]
fn a_join_is_undone_after_a_preview() {
    let (_dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_undo"));
    let mut ben = Visit::start("dev_demo_undo_browser", &page);
    let inspector = Inspector::new();
    ben.sign_in("demo-phone", 1);
    ben.open("settings");
    let phone = ben.text("#user");
    ben.at_settings("#demo-wallet");
    ben.browser.click(".account");
    ben.browser.click("#join");
    ben.at_settings("#sign-out");
    ben.sign_in("demo-google", 2);
    ben.at_settings("#demo-phone");
    ben.browser.click(".account");
    inspector.inspect(&mut ben.browser, "demo-join");
    ben.browser.click("#join");
    inspector.inspect(&mut ben.browser, "demo-settings");
    assert!(ben.text("#joined").contains(&format!("the user {phone} became part of you.")));

    ben.browser.click(".undo");
    inspector.inspect(&mut ben.browser, "demo-undo");
    let said = texts(&mut ben, "h1, main > p, h2, main li").join("\n").replace(&phone, "PHONE");
    insta::assert_snapshot!(said, @"
    Take the two users apart?
    The user PHONE comes back, with all that it brought.
    Which accounts go back to it
    Phone: +14255550123 (no email)
    Wallet: 0xbe7 (no email)
    What happens to your metadata
    Your metadata stays as it is.
    Undo it
    The two are two users then. They can be joined again.
    To your settings, without a change
    ");
    ben.browser.click("#undo");

    assert_eq!(ben.accounts(), ["Google: ben.okoro"]);
    assert!(!ben.has("#joined"));
    ben.at_settings("#sign-out");
    ben.sign_in("demo-phone", 1);
    assert_eq!(ben.accounts(), ["Phone: +14255550123", "Wallet: 0xbe7"]);
    ben.at_settings(".unlink");
    inspector.inspect(&mut ben.browser, "demo-unlink");
    ben.at_settings(".primary");
    inspector.inspect(&mut ben.browser, "demo-primary");
}

/// What the service refuses is a sentence, also if a visitor writes the form.
#[test]
fn a_refusal_is_a_sentence() {
    let (_dev, mut ann) = ann_with_two("dev_demo_refused");
    for (path, expected) in [
        (
            "unlink?provider=demo-google&subject=ann.lee",
            "This is your primary account, so it stays.",
        ),
        ("unlink?provider=demo-google&subject=missing", "Your accounts have changed meanwhile,"),
        ("unlink", "This sign-in has ended, or began in another browser."),
        ("undo?link=9ba1f3a6-55a6-4c28-8d6f-1e4ad2a0c7b5", "Your accounts have changed meanwhile,"),
        ("join", "This sign-in has ended, or began in another browser."),
        ("unlink?version=x", "This form or address is not as this demo writes it,"),
        ("undo?version=x", "This form or address is not as this demo writes it,"),
        ("release", "There is no such page here."),
        ("missing", "There is no such page here."),
    ] {
        ann.open(path);
        assert!(ann.text("#refusal").starts_with(expected), "{path}: {}", ann.text("#refusal"));
    }
    ann.at_settings(".unlink");
    ann.browser.fill("[name=version]", "x");
    ann.browser.click("#restore");
    assert!(
        ann.text("#refusal").starts_with("This form or address is not as this demo writes it,")
    );
    assert_eq!(ann.accounts(), ["Google: ann.lee", "GitHub: ann-codes"]);
}
