//! What people do.

use http::StatusCode;
use identity_link::grpc::proto as pb;

use super::visit::{SITE, Site, Start, account, accounts, assert_contains, assert_refused, offers};
use crate::support::*;

/// The first page of an account whose email another user has.
const NOTICED: &str = "<h1>We noticed another account</h1>";

/// A second account with the email of a user is linked after the person has signed in as that user.
pub(super) async fn candidate_is_linked(start: &Start) {
    let site = Site::open(start).await;
    let mut alice = site.visit().await;
    assert_eq!(accounts(&alice.sign_in("mail").await), 1);
    alice.sign_out().await;

    let noticed = alice.sign_in("office").await;
    assert_contains(&noticed, NOTICED);
    assert!(offers(&noticed, "mail"), "{}", noticed.html);
    assert!(!offers(&noticed, "office"), "the other providers are not the candidate's");
    let settings = alice.by(&noticed, "Sign in with", "mail").await;
    assert_eq!(accounts(&settings), 1, "a sign-in alone links nothing");
    let linked = alice.press(&settings, "Link it", "").await;
    assert_eq!(accounts(&linked), 2);
    assert_contains(&linked, "Your account at office is linked.");
    alice.sign_out().await;

    assert_eq!(accounts(&alice.sign_in("office").await), 2, "the account signs in as the user");
}

/// The person says that the candidate is another person.
pub(super) async fn new_user(start: &Start) {
    let site = Site::open(start).await;
    let mut alice = site.visit().await;
    alice.sign_in("mail").await;
    alice.sign_out().await;
    let mut other = site.visit().await;

    let noticed = other.sign_in("office").await;
    let settings = other.press(&noticed, "I am new here", "").await;

    assert_eq!(accounts(&settings), 1);
    assert_eq!(accounts(&alice.sign_in("mail").await), 1);
    // A ticket of candidates is not for a user who is none of them.
    other.sign_out().await;
    site.office.person(account("third", "alice@example.com"));
    let noticed = other.sign_in("office").await;
    site.mail.person(account("stranger", "stranger@example.com"));
    let settings = other.by(&noticed, "Sign in with", "mail").await;
    assert_eq!(accounts(&settings), 1);
    assert!(!settings.html.contains("Link it"), "{}", settings.html);
}

/// A person who is signed in links an account without a user, and unlinks it.
pub(super) async fn settings(start: &Start) {
    let site = Site::open(start).await;
    site.office.person(account("a.smith", "smith@example.com"));
    let mut alice = site.visit().await;
    let settings = alice.sign_in("mail").await;

    let refused = alice.press(&settings, "Unlink", "value=\"mail\"").await;
    assert_refused(
        &refused,
        StatusCode::BAD_REQUEST,
        "the only account with which you can sign in",
    );

    let settings = alice.by(&settings, "Link", "office").await;
    assert_eq!(accounts(&settings), 2);
    assert_contains(&settings, "Your account at office is linked.");
    assert!(!alice.home().await.html.contains("is linked"), "a notice is shown once");

    let settings = alice.press(&settings, "Unlink", "value=\"office\"").await;
    assert_eq!(accounts(&settings), 1);
    assert_contains(&settings, "Your account at office is unlinked.");
    alice.sign_out().await;

    // The unlinked account is a user of its own again.
    assert_eq!(accounts(&alice.sign_in("office").await), 1);
}

/// Both accounts have a user. The link waits for the person's consent, and a change of the other
/// user in between is not covered by it.
pub(super) async fn absorbed_after_a_question(start: &Start) {
    let site = Site::open(start).await;
    site.office.person(account("a.smith", "smith@example.com"));
    let mut alice = site.visit().await;
    alice.sign_in("office").await;
    alice.sign_out().await;
    let settings = alice.sign_in("mail").await;

    let asked = alice.by(&settings, "Link", "office").await;
    assert_eq!(accounts(&asked), 1);
    assert_contains(&asked, "The two become one.");
    let left = alice.press(&asked, "Leave it", "").await;
    assert!(!left.html.contains("The two become one."), "{}", left.html);

    let asked = alice.by(&left, "Link", "office").await;
    let service = site.server.service();
    let smith =
        service.find_by_identity(owner_of("office", "a.smith")).await.unwrap().user.unwrap();
    let third = service.create("github", "1").await;
    service.link(link_user(&smith.id, &third.id)).await.unwrap();
    let refused = alice.press(&asked, "Link it", "").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.html);
    assert_eq!(accounts(&alice.home().await), 1);

    let home = alice.home().await;
    let asked = alice.by(&home, "Link", "office").await;
    assert_contains(&asked, "These accounts then sign in as you, too: github.");
    assert_eq!(accounts(&alice.press(&asked, "Link it", "").await), 3);
}

/// After its user was absorbed, a session reads the holder and changes nothing. After the user was
/// deleted, it ends.
pub(super) async fn session_of_an_absorbed_and_of_a_deleted_user(start: &Start) {
    let site = Site::open(start).await;
    let mut alice = site.visit().await;
    let settings = alice.sign_in("mail").await;
    let service = site.server.service();
    let user = service.find_by_identity(owner_of("mail", "alice")).await.unwrap().user.unwrap();
    let holder = service.create("github", "1").await;
    service.link(link_user(&holder.id, &user.id)).await.unwrap();

    assert_eq!(accounts(&alice.home().await), 2);
    let refused = alice.press(&settings, "Unlink", "value=\"mail\"").await;
    assert_refused(&refused, StatusCode::BAD_REQUEST, "Sign in again first");
    assert_eq!(service.user(&holder.id).await.identities.len(), 2);

    let with_absorbed = pb::DeleteUserRequest { include_absorbed: true, ..delete(&holder.id) };
    service.delete_user(with_absorbed).await.unwrap();
    assert_contains(&alice.home().await, "<h1>Sign in</h1>");
}

/// The tenant asks before it makes a user. Until the person agrees there is none, and the session that
/// waits changes nothing. To link an account, or to say that a candidate is another person, is to agree.
pub(super) async fn registration(start: &Start) {
    const NEW_HERE: &str = "<h1>New here?</h1>";
    let site = Site::open_at(start, SITE, "ask").await;
    let service = site.server.service();
    let mut alice = site.visit().await;

    let asked = alice.sign_in("mail").await;
    assert_contains(&asked, NEW_HERE);
    assert_contains(&asked, "Your account at mail has not been used here before.");
    let mail = [("provider".to_owned(), "mail".to_owned())];
    for action in ["/link", "/link-pending"] {
        let refused = alice.send(SITE, action, &mail).await;
        assert_refused(&refused, StatusCode::BAD_REQUEST, "Sign in again first");
    }
    let cancelled = alice.press(&asked, "Cancel", "").await;
    assert_contains(&cancelled, "<h1>Sign in</h1>");
    let refused = alice.press(&asked, "Create my user", "").await;
    assert_refused(&refused, StatusCode::BAD_REQUEST, "Begin again.");
    let found = service.find_by_identity(owner_of("mail", "alice")).await;
    assert_eq!(refusal(found), "NotFound IDENTITY_NOT_FOUND");

    let asked = alice.sign_in("mail").await;
    let settings = alice.press(&asked, "Create my user", "").await;
    assert_eq!(accounts(&settings), 1);
    let refused = alice.press(&asked, "Create my user", "").await;
    assert_refused(&refused, StatusCode::BAD_REQUEST, "Begin again.");

    site.office.person(account("a.smith", "smith@example.com"));
    let linked = alice.by(&settings, "Link", "office").await;
    assert_eq!(accounts(&linked), 2);

    site.office.person(account("third", "alice@example.com"));
    let mut other = site.visit().await;
    let noticed = other.sign_in("office").await;
    assert_contains(&noticed, NOTICED);
    let settings = other.press(&noticed, "I am new here", "").await;
    assert_eq!(accounts(&settings), 1);
}

/// A user that is blocked is signed out at the next page, and its accounts neither sign in nor are linked
/// to another user. The session does not come back with the user.
pub(super) async fn blocked_user(start: &Start) {
    const BLOCKED: &str = "This user is blocked. Write to the support.";
    let site = Site::open(start).await;
    site.office.person(account("a.smith", "smith@example.com"));
    let service = site.server.service();
    let mut alice = site.visit().await;
    let settings = alice.sign_in("mail").await;
    let user = service.find_by_identity(owner_of("mail", "alice")).await.unwrap().user.unwrap();

    service.block(&user.id, true).await;
    let refused = alice.press(&settings, "Unlink", "value=\"mail\"").await;
    assert_refused(&refused, StatusCode::BAD_REQUEST, "Sign in again first");
    assert_contains(&alice.home().await, "<h1>Sign in</h1>");
    assert_refused(&alice.sign_in("mail").await, StatusCode::BAD_REQUEST, BLOCKED);
    assert_contains(&alice.home().await, "<h1>Sign in</h1>");
    let mut smith = site.visit().await;
    let settings = smith.sign_in("office").await;
    let refused = smith.by(&settings, "Link", "mail").await;
    assert_refused(&refused, StatusCode::BAD_REQUEST, BLOCKED);
    assert_eq!(accounts(&smith.home().await), 1);

    service.block(&user.id, false).await;
    assert_contains(&alice.home().await, "<h1>Sign in</h1>");
    assert_eq!(accounts(&alice.sign_in("mail").await), 1);
}
