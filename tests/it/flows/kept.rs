//! An account that a flow has proven is stored for a retry. It may move to another user before the
//! retry.

use pb::sign_in_decision::Outcome;

use super::{
    retries::{INVALID, back, db_kept, under_an_id},
    *,
};
use crate::support::tokens::Token;

/// A79: an attempt does not sign in an account that has moved to another user, or was deleted,
/// since it was proven.
#[tokio::test]
async fn an_account_that_moved_after_it_was_proven_signs_no_user_in() {
    for what in ["linked", "left", "deleted", "deleted and made again"] {
        let (_fake, server) = fake_and_server().await;
        let service = server.service();
        let owner = decision(sign_in(&server, "fake").await).user.unwrap().id;
        let other = service.create("github", "other").await.id;
        if what == "left" {
            service.link(link_user(&other, &owner)).await.unwrap();
        }
        let holder = if what == "left" { &other } else { &owner };
        service.block(holder, true).await;
        let request = back(&service).await;
        let blocked = service.complete_sign_in(request.clone()).await;
        assert_eq!(refusal(blocked), "FailedPrecondition USER_BLOCKED", "{what}");
        service.block(holder, false).await;
        match what {
            "linked" => drop(service.link(link_user(&other, &owner)).await.unwrap()),
            "left" => drop(service.unlink(unlink(&other, "fake", "alice")).await.unwrap()),
            _ => service.delete(&owner).await,
        }
        if what == "deleted and made again" {
            service.create("fake", "alice").await;
        }

        let outcome = server.db_refused(service.complete_sign_in(request)).await;

        assert_eq!(outcome, INVALID, "{what}");
    }
}

/// A79: a link by an attempt absorbs only the user that had the account when it was proven.
#[tokio::test]
async fn an_account_that_moved_after_it_was_proven_is_not_linked() {
    for what in ["as it was", "made", "linked", "touched", "deleted"] {
        let (_fake, server) = fake_and_server().await;
        let service = server.service();
        let ann = service.create("github", "ann").await.id;
        let token = Token::of("github", "ann").sign();
        let owner = match what {
            "made" => String::new(),
            _ => decision(sign_in(&server, "fake").await).user.unwrap().id,
        };
        let begun = service.start_sign_in(to_link("fake", &token)).await.unwrap();
        // The user has another version: the account is proven, and the link is refused.
        let terms = pb::LinkTerms { expected_version: Some(2), ..Default::default() };
        let request = pb::CompleteSignInRequest {
            user_token: token,
            link: Some(terms),
            ..under_an_id(come_back(&begun).await)
        };
        assert_eq!(
            refusal(service.complete_sign_in(request.clone()).await),
            "Aborted VERSION_MISMATCH"
        );
        let metadata =
            pb::UserUpdate { user_metadata: object(json!({"a": 1})), ..Default::default() };
        service.update_user(update(&ann, &["user_metadata"], metadata)).await.unwrap();
        match what {
            "made" => drop(service.create("fake", "alice").await),
            "linked" => {
                let other = service.create("okta", "other").await.id;
                service.link(link_user(&other, &owner)).await.unwrap();
            }
            "touched" => {
                let other = service.create("okta", "other").await.id;
                service.link(link_user(&owner, &other)).await.unwrap();
            }
            "deleted" => service.delete(&owner).await,
            _ => {}
        }

        let outcome = service.complete_sign_in(request).await;

        match what {
            "as it was" => {
                assert_eq!(link(outcome).outcome(), pb::link_response::Outcome::Absorbed);
            }
            _ => assert_eq!(refusal(outcome), INVALID, "{what}"),
        }
        server.database.db_assert_invariants().await;
    }
}

/// A79: a stored account is deleted with the user that owns it, and with the user that owned it
/// when it was proven, also if it had no user then.
#[tokio::test]
async fn a_stored_account_is_deleted_with_its_user() {
    let (_fake, server) = fake_and_server().await;
    let service = server.service();
    let request = back(&service).await;
    let user = decision(service.complete_sign_in(request.clone()).await).user.unwrap().id;
    assert_eq!(db_kept(&server.database).await, ["alice "]);
    assert!(
        server.database.db_dump().await.contains("Alice@example.com"),
        "this test needs the email in the dump"
    );

    service.delete(&user).await;

    assert_eq!(db_kept(&server.database).await, [""; 0]);
    assert!(!server.database.db_dump().await.contains("Alice"));
    assert_eq!(refusal(service.complete_sign_in(request).await), INVALID);

    // The account had one owner when it was proven, and has another one now.
    let owner = decision(sign_in(&server, "fake").await).user.unwrap().id;
    decision(service.complete_sign_in(back(&service).await).await);
    let other = service.create("github", "other").await.id;
    service.link(link_user(&owner, &other)).await.unwrap();
    service.set_primary_identity(primary(&owner, "github", "other")).await.unwrap();
    service.unlink(unlink(&owner, "fake", "alice")).await.unwrap();
    assert_eq!(db_kept(&server.database).await, [format!("alice {owner}")]);
    service.delete(&owner).await;
    assert_eq!(db_kept(&server.database).await, [""; 0]);
}

fn primary(user_id: &str, provider: &str, subject: &str) -> pb::SetPrimaryIdentityRequest {
    let identity = identity_ref(provider, subject);
    pb::SetPrimaryIdentityRequest { user_id: user_id.to_owned(), identity, ..Default::default() }
}

/// A79: a user that is deleted while the server waits for the provider is not stored again by the
/// attempt.
#[tokio::test]
async fn a_user_that_is_deleted_during_the_exchange_is_not_stored_again() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let user = decision(sign_in(&server, "fake").await).user.unwrap().id;
    let request = back(&service).await;
    let release = fake.web.hold("/token");
    let completing = tokio::spawn({
        let (service, request) = (service.clone(), request.clone());
        async move { service.complete_sign_in(request).await }
    });
    fake.web.until_asked_for("/token", 2).await;
    service.delete(&user).await;

    release.notify_one();

    refused_to_everybody(&server, completing.await.unwrap(), INVALID).await;
    assert_eq!(db_kept(&server.database).await, [""; 0]);
}

/// A user that is created with the account while the server waits for the provider is the account's
/// owner.
#[tokio::test]
async fn a_user_that_is_created_during_the_exchange_is_signed_in() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let request = back(&service).await;
    let release = fake.web.hold("/token");
    let completing = tokio::spawn({
        let (service, request) = (service.clone(), request.clone());
        async move { service.complete_sign_in(request).await }
    });
    fake.web.until_asked_for("/token", 1).await;
    let user = service.create("fake", "alice").await.id;
    service.block(&user, true).await;
    release.notify_one();
    assert_eq!(refusal(completing.await.unwrap()), "FailedPrecondition USER_BLOCKED");
    service.block(&user, false).await;

    let signed_in = decision(service.complete_sign_in(request).await);

    assert_eq!((signed_in.outcome(), signed_in.user.unwrap().id), (Outcome::SignedIn, user));
    assert_eq!(fake.exchanges(), 1);
}
