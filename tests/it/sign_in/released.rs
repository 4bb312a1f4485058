//! A81: the next sign-in of a released account is a new user, which no email ever links to the one
//! before.

use super::*;
use crate::support::tokens::Token;

const RELEASED: &str = "CREATED RELEASED_BEFORE";

/// Ann, who signs in with Google, and has released her GitHub account, which had been linked to her
/// by email.
async fn ann(service: &Caller) -> String {
    let ann = service.arrives("google-oauth2", "ann", EMAIL).await;
    let linked = service.arrives("github", "h", EMAIL).await;
    assert_eq!(
        (told(&linked).as_str(), who(&linked)),
        ("LINKED EMAIL_VERIFIED_ON_BOTH_SIDES", who(&ann))
    );
    service.unlink(release(who(&ann), "github", "h")).await.unwrap();
    who(&ann).to_owned()
}

/// The decision on the account's next sign-in. A user that it creates is deleted, so that the
/// sign-in can be repeated.
async fn next(service: &Caller) -> String {
    let decision = service.arrives("github", "h", EMAIL).await;
    if decision.outcome() == pb::sign_in_decision::Outcome::Created {
        service.delete(who(&decision)).await;
    }
    told(&decision)
}

#[tokio::test]
async fn a_released_account_is_a_new_user_and_stays_one() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = ann(&service).await;
    let preview = pb::ResolveSignInRequest {
        validate_only: true,
        ..sign_in_with(account("github", "h", EMAIL))
    };
    let preview = server.db_previewed(service.resolve_sign_in(preview)).await.decision.unwrap();
    assert_eq!(told(&preview), RELEASED);

    let decision = service.arrives("github", "h", EMAIL).await;

    assert_eq!(
        (told(&decision).as_str(), decision.candidates.len(), decision.ticket.as_str()),
        (RELEASED, 0, "")
    );
    assert_ne!(who(&decision), ann);
    let owners: Vec<_> =
        decision.evidence.iter().map(|of| (of.user_id.as_str(), of.counts)).collect();
    assert_eq!(owners, [("", true), (ann.as_str(), true)]);
    let known = service.arrives("github", "h", EMAIL).await;
    assert_eq!((told(&known).as_str(), who(&known)), ("SIGNED_IN IDENTITY_KNOWN", who(&decision)));
    // The same holds after that user is deleted.
    service.delete(who(&known)).await;
    assert_eq!(next(&service).await, RELEASED);
    assert_eq!(next(&service).await, RELEASED);
    // After Ann is deleted too, no user is left that it could be.
    service.delete(&ann).await;
    assert_eq!(next(&service).await, "CREATED EMAIL_UNCLAIMED");
    server.database.db_assert_invariants().await;
}

/// Links of the old user do not make another user of it.
#[tokio::test]
async fn it_is_not_linked_to_the_holder_of_the_old_user_or_to_a_part_of_it() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = ann(&service).await;

    let holder = service.create("okta", "holder").await.id;
    let link = service.link(link_user(&holder, &ann)).await.unwrap().link.unwrap().id;
    assert_eq!(next(&service).await, RELEASED, "absorbed");
    let another = service.create("sms", "another").await.id;
    service.link(link_user(&another, &holder)).await.unwrap();
    assert_eq!(next(&service).await, RELEASED, "absorbed twice");
    service.undo_link(pb::UndoLinkRequest { link_id: link, ..Default::default() }).await.unwrap();
    assert_eq!(next(&service).await, RELEASED, "back");

    // Another account of Ann's, which has the email, leaves.
    let asked = service.arrives("apple", "a", EMAIL).await;
    assert_eq!(told(&asked), "CANDIDATES LINKING_SUGGESTED");
    service.link(link_by(&ann, &asked.ticket)).await.unwrap();
    let detached = service.unlink(unlink(&ann, "apple", "a")).await.unwrap().detached_user.unwrap();
    assert_eq!(identities(&detached), ["apple|a"]);
    assert_eq!(next(&service).await, RELEASED, "a part of Ann");
    server.database.db_assert_invariants().await;
}

/// This holds for each part of the releaser: on its own, with another user, and after the user
/// between them is deleted.
#[tokio::test]
async fn it_is_not_linked_to_a_part_of_a_part_of_the_user_that_released_it() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = ann(&service).await;
    let okta = service.create("okta", "o").await.id;
    let part = leaves_with_the_email(&service, &ann, "apple").await;
    let part_of_part = leaves_with_the_email(&service, &part, "auth0").await;
    assert_eq!(next(&service).await, RELEASED, "on its own");

    let link = service.link(link_user(&okta, &part_of_part)).await.unwrap().link.unwrap().id;
    assert_eq!(next(&service).await, RELEASED, "with another user");
    service.undo_link(pb::UndoLinkRequest { link_id: link, ..Default::default() }).await.unwrap();
    service.delete(&part).await;
    assert_eq!(next(&service).await, RELEASED, "after the user between is deleted");

    // No row leads back to a deleted releaser: the account counts as one whose user was deleted.
    service.delete(&ann).await;
    assert_eq!(next(&service).await, "CANDIDATES DELETED_BEFORE");
    server.database.db_assert_invariants().await;
}

/// An account with the email is attached to `user` and then unlinked. Returns the user that the
/// unlink makes.
async fn leaves_with_the_email(service: &Caller, user: &str, provider: &str) -> String {
    let asked = service.arrives(provider, "a", EMAIL).await;
    service.link(link_by(user, &asked.ticket)).await.unwrap();
    service.unlink(unlink(user, provider, "a")).await.unwrap().detached_user.unwrap().id
}

/// The user that the account came from had the account as well.
#[tokio::test]
async fn it_is_not_linked_to_the_absorbed_user_that_had_it_first() {
    let server = TestServer::start().await;
    let service = server.service();
    let first = service.arrives("github", "h", EMAIL).await;
    let more = Token::of("apple", "a").with("email", EMAIL).with("email_verified", true).sign();
    server.person("github", "h").link(link_with(&more)).await.unwrap();
    let ann = service.create("okta", "ann").await.id;
    let link = service.link(link_user(&ann, who(&first))).await.unwrap().link.unwrap().id;
    service.unlink(release(&ann, "github", "h")).await.unwrap();

    let undone = service
        .undo_link(pb::UndoLinkRequest { link_id: link, ..Default::default() })
        .await
        .unwrap();

    let restored = undone.restored_user.unwrap();
    assert_eq!(
        (restored.id.as_str(), identities(&restored)),
        (who(&first), vec!["apple|a".to_owned()])
    );
    assert_eq!(next(&service).await, RELEASED);
}

#[tokio::test]
async fn each_user_that_released_it_is_remembered() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = ann(&service).await;
    let between = service.arrives("github", "h", EMAIL).await;
    let dora = service.create("okta", "dora").await.id;
    service.link(link_user(&dora, who(&between))).await.unwrap();
    service.unlink(release(&dora, "github", "h")).await.unwrap();
    assert_eq!(next(&service).await, RELEASED);

    service.delete(&dora).await;

    assert_eq!(next(&service).await, RELEASED);
    service.delete(&ann).await;
    assert_eq!(next(&service).await, "CREATED EMAIL_UNCLAIMED");
}

/// Other users are judged as usual, and for them a release is no deletion.
#[tokio::test]
async fn another_user_with_the_email_is_linked() {
    let server = TestServer::start().await;
    let service = server.service();
    ann(&service).await;
    let ben = service.create_with("google-oauth2", "ben", verified(EMAIL)).await.id;

    let linked = service.arrives("github", "h", EMAIL).await;

    assert_eq!(
        (told(&linked).as_str(), who(&linked)),
        ("LINKED EMAIL_VERIFIED_ON_BOTH_SIDES", ben.as_str())
    );
    assert_eq!(linked.evidence.len(), 3);
    server.database.db_assert_invariants().await;
}

/// A80: a ticket of the account from before its release is invalid.
#[tokio::test]
async fn a_ticket_from_before_the_release_is_invalid() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.arrives("google-oauth2", "ann", EMAIL).await;
    let ticket = service.arrives("apple", "a", EMAIL).await.ticket;
    let ben = service.create("okta", "ben").await.id;
    server.person("okta", "ben").link(link_with(&server.proof("apple", "a"))).await.unwrap();
    service.unlink(release(&ben, "apple", "a")).await.unwrap();

    let linked = service.link(link_by(who(&ann), &ticket));
    assert_eq!(server.db_refused(linked).await, "FailedPrecondition LINK_TICKET_INVALID");
    assert_eq!(
        server.db_refused(service.goes_on(&ticket)).await,
        "FailedPrecondition SIGN_IN_INVALID"
    );
    // A new ticket links the account to Ann, who has not released it.
    let again = service.arrives("apple", "a", EMAIL).await;
    assert_eq!(
        (told(&again).as_str(), candidates(&again)),
        ("CANDIDATES LINKING_SUGGESTED", vec![who(&ann)])
    );
    service.link(link_by(who(&ann), &again.ticket)).await.unwrap();
    assert_eq!(service.owner("apple", "a").await, who(&ann));
}

/// A part that leaves by way of the releaser's holder is a part of the releaser too, whichever way
/// that comes back.
#[tokio::test]
async fn it_is_not_linked_to_a_part_that_left_the_holder_of_the_releaser() {
    for is_undone in [false, true] {
        let server = TestServer::start().await;
        let service = server.service();
        let ann = service.create("okta", "ann").await.id;
        for (provider, subject) in [("google-oauth2", "g"), ("github", "h")] {
            let proof = Token::of(provider, subject)
                .with("email", EMAIL)
                .with("email_verified", true)
                .sign();
            server.person("okta", "ann").link(link_with(&proof)).await.unwrap();
        }
        service.unlink(release(&ann, "github", "h")).await.unwrap();
        let holder = service.create("sms", "holder").await.id;
        let link_id = service.link(link_user(&holder, &ann)).await.unwrap().link.unwrap().id;
        service.unlink(unlink(&holder, "google-oauth2", "g")).await.unwrap();
        if is_undone {
            service.undo_link(pb::UndoLinkRequest { link_id, ..Default::default() }).await.unwrap();
        } else {
            service.unlink(unlink(&holder, "okta", "ann")).await.unwrap();
        }

        assert_eq!(next(&service).await, RELEASED, "{is_undone}");
        server.database.db_assert_invariants().await;
    }
}

/// A user that the releaser held at that time is the releaser's, after it comes back too.
#[tokio::test]
async fn it_is_not_linked_to_a_user_that_came_back_since() {
    for is_undone in [false, true] {
        let server = TestServer::start().await;
        let service = server.service();
        let ann = service.create("okta", "ann").await.id;
        let google = service.create_with("google-oauth2", "g", verified(EMAIL)).await.id;
        let link_id = service.link(link_user(&ann, &google)).await.unwrap().link.unwrap().id;
        let proof =
            Token::of("github", "h").with("email", EMAIL).with("email_verified", true).sign();
        server.person("okta", "ann").link(link_with(&proof)).await.unwrap();
        service.unlink(release(&ann, "github", "h")).await.unwrap();
        if is_undone {
            service.undo_link(pb::UndoLinkRequest { link_id, ..Default::default() }).await.unwrap();
        } else {
            service.unlink(unlink(&ann, "google-oauth2", "g")).await.unwrap();
        }

        assert_eq!(next(&service).await, RELEASED, "{is_undone}");
        server.database.db_assert_invariants().await;
    }
}
