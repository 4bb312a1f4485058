//! Another account is noticed: what joining means is shown before it happens.

use identity_link::grpc::proto as pb;
use tokio::runtime::Runtime;

use super::*;
use crate::support::object;

/// The texts of the preview: its headings and what is below them, a line each.
fn preview(visit: &mut Visit) -> String {
    let script = "[...document.querySelectorAll('h1, main > p, h2, main li')].map(found => \
        found.innerText).join('\\n')";
    visit.browser.run(script).as_str().unwrap().to_owned()
}

/// The id of the signed-in user.
fn user_id(visit: &mut Visit) -> String {
    visit.open("settings");
    visit.text("#user")
}

/// A service replaces the user's metadata.
fn give_metadata(dev: &Dev, user_id: &str, metadata: Value) {
    let request = pb::UpdateUserRequest {
        user_id: user_id.to_owned(),
        update: Some(pb::UserUpdate { user_metadata: object(metadata), ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["user_metadata".to_owned()] }),
        ..Default::default()
    };
    let update = async { dev.service().update_user(request).await.unwrap() };
    Runtime::new().unwrap().block_on(update);
}

/// The user that a service finds by this id.
fn holder(dev: &Dev, user_id: &str) -> pb::User {
    Runtime::new().unwrap().block_on(async { dev.service().user(user_id).await })
}

/// A sign-in that leads to a candidate: the account belongs to no user until the person confirms.
#[test]
fn an_account_is_joined_to_a_candidate_after_a_preview() {
    let (_dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_candidate"));
    let mut ann = Visit::start("dev_demo_candidate_browser", &page);
    ann.sign_in("demo-google", 1);
    let id = user_id(&mut ann);
    ann.at_settings("#sign-out");

    ann.sign_in("demo-microsoft", 1);
    insta::assert_snapshot!(ann.text("#why"), @"A user has proven the same email, and this provider asks before it joins.");
    assert!(ann.has("#demo-google") && !ann.has("#demo-github"));
    ann.at_provider("demo-google", 1);
    insta::assert_snapshot!(preview(&mut ann).replace(&id, "ID"), @"
    Join this account?
    This account belongs to no user yet. If you join it, it is yours.
    Which accounts come over
    Microsoft: ann.lee.work (ann@example.com, verified)
    What stays
    Your user id stays ID.
    No other user is touched, and your metadata stays as it is.
    Join it
    You can unlink it in your settings.
    Leave it
    Nothing is changed, and the account stays where it is.
    To your settings, without a change
    ");
    assert_eq!(ann.accounts(), ["Google: ann.lee"]);

    ann.at_settings("#decide");
    ann.browser.click("#join");
    assert_eq!(ann.accounts(), ["Google: ann.lee", "Microsoft: ann.lee.work"]);
    assert!(!ann.has("#decide"));
}

/// A link from the settings that absorbs a user: which accounts, metadata and ids it concerns.
#[test]
fn a_user_is_absorbed_after_a_preview_only() {
    let (dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_absorb"));
    let mut ben = Visit::start("dev_demo_absorb_browser", &page);
    ben.sign_in("demo-phone", 1);
    let phone = user_id(&mut ben);
    ben.at_settings("#demo-wallet");
    ben.browser.click(".account");
    ben.browser.click("#join");
    ben.at_settings("#sign-out");
    ben.sign_in("demo-google", 2);
    let google = user_id(&mut ben);
    give_metadata(&dev, &phone, json!({"colour": "red", "size": "L"}));
    give_metadata(&dev, &google, json!({"colour": "blue"}));

    ben.at_settings("#demo-phone");
    ben.browser.click(".account");
    let said = preview(&mut ben).replace(&phone, "PHONE").replace(&google, "GOOGLE");
    insta::assert_snapshot!(said, @"
    We noticed another account
    This account belongs to another user. If you join the two, they become one user: you.
    Which accounts come over
    Phone: +14255550123 (no email)
    Wallet: 0xbe7 (no email)
    What happens to your metadata
    Your metadata at /colour differs, and your value stays.
    Your metadata at /size comes over from the other user.
    Which ids continue to work
    Your user id stays GOOGLE.
    The user id PHONE continues to work, and leads to you.
    Join them
    Only if both users are you. You can undo it in your settings: then the other user comes back.
    Keep them apart
    Nothing is changed, and the account stays where it is.
    To your settings, without a change
    ");
    ben.browser.click("#keep-apart");
    assert_eq!(ben.accounts(), ["Google: ben.okoro"]);
    assert_eq!(holder(&dev, &phone).id, phone);

    ben.browser.click("#demo-phone");
    ben.browser.click(".account");
    ben.browser.click("#join");
    assert_eq!(ben.accounts(), ["Google: ben.okoro", "Phone: +14255550123", "Wallet: 0xbe7"]);
    assert_eq!(holder(&dev, &phone).id, google);
    assert_eq!(holder(&dev, &google).user_metadata, object(json!({"colour": "blue", "size": "L"})));

    ben.browser.click("#demo-phone");
    ben.browser.click(".account");
    assert_eq!(ben.text("h1"), "This account is yours already");
    assert!(!ben.has("#join"));
}

/// What has changed since the page was shown is not decided by it.
#[test]
fn a_decision_about_what_has_changed_is_refused() {
    let (_dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_changed"));
    let mut ann = Visit::start("dev_demo_changed_browser", &page);
    let mut second = Visit::start("dev_demo_changed_second", &page);
    ann.sign_in("demo-google", 1);
    second.sign_in("demo-github", 1);
    ann.at_settings("#demo-wallet");
    ann.browser.click(".account");

    second.at_settings("#accounts li:nth-child(2) .primary");
    second.browser.click("#make-primary");
    ann.browser.click("#join");

    assert_eq!(
        ann.text("#refusal"),
        "Your accounts have changed meanwhile, so nothing was done. Look at them, and begin again."
    );
    assert_eq!(ann.accounts(), ["GitHub: ann-codes", "Google: ann.lee"]);
}

/// The account that waits is for one of the candidates, and for no other user.
#[test]
fn an_account_that_waits_is_not_offered_to_another_user() {
    let (_dev, page) = Dev::start_with_demo(&temp_dir("dev_demo_waiting"));
    let mut ann = Visit::start("dev_demo_waiting_browser", &page);
    ann.sign_in("demo-google", 1);
    ann.at_settings("#sign-out");
    ann.sign_in("demo-google", 2);
    ann.at_settings("#sign-out");
    ann.sign_in("demo-microsoft", 1);

    ann.sign_in("demo-google", 2);

    assert!(ann.text("#refusal").starts_with("The account that waited cannot be joined"));
    assert_eq!(ann.accounts(), ["Google: ben.okoro"]);
    assert!(!ann.has("#decide"));
}
