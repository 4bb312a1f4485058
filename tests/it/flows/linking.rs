//! Links by a flow: the account goes to the user that started the flow, and to no other user.

use pb::link_response::Outcome;

use super::*;
use crate::support::tokens::Token;

const INVALID: &str = "FailedPrecondition SIGN_IN_INVALID";

/// Creates a user; returns its id and a token of it.
async fn signed_in(server: &TestServer, subject: &str) -> (String, String) {
    let user = server.service().create("github", subject).await.id;
    (user, Token::of("github", subject).sign())
}

/// A flow to link an account at the fake, started with one token, sent back, and to be completed
/// with another.
async fn back_from_link(server: &TestServer, began: &str, ends: &str) -> pb::CompleteSignInRequest {
    let begun = server.service().start_sign_in(to_link("fake", began)).await.unwrap();
    pb::CompleteSignInRequest { user_token: ends.to_owned(), ..come_back(&begun).await }
}

#[tokio::test]
async fn an_account_without_a_user_is_attached_to_the_user_that_started_the_flow() {
    let (_fake, server) = fake_and_server().await;
    let (ann, token) = signed_in(&server, "ann").await;

    let request = back_from_link(&server, &token, &token).await;
    let linked = link(server.service().complete_sign_in(request).await);

    assert_eq!(linked.outcome(), Outcome::Attached);
    assert_eq!(identities(&linked.user.unwrap()), ["github|ann", "fake|alice"]);
    assert_eq!(server.service().owner("fake", "alice").await, ann);
    let request = back_from_link(&server, &token, &token).await;
    let again = link(server.service().complete_sign_in(request).await);
    assert_eq!(again.outcome(), Outcome::AlreadyLinked);
    assert_eq!(again.link, linked.link);
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn an_account_of_another_user_brings_that_user_along() {
    let (_fake, server) = fake_and_server().await;
    let (ann, token) = signed_in(&server, "ann").await;
    let alice = decision(sign_in(&server, "fake").await).user.unwrap().id;

    let request = back_from_link(&server, &token, &token).await;
    let linked = link(server.service().complete_sign_in(request).await);

    assert_eq!(linked.outcome(), Outcome::Absorbed);
    assert_eq!(server.service().resolved(&[&alice]).await, [format!("ABSORBED {ann}")]);
    let told = server.service().list_links(links_of(&ann)).await.unwrap().links.remove(0);
    assert_eq!(
        told.proof.unwrap().proof,
        Some(pb::link_proof::Proof::SignIn(pb::link_proof::SignIn {}))
    );
    server.database.db_assert_invariants().await;
}

/// A28: a link-only account cannot sign in, so it is no proof for a user that can.
#[tokio::test]
async fn a_link_only_account_brings_no_user_along() {
    let fake = FakeOidc::start(alice()).await;
    let link_only =
        oidc("fake", &fake.issuer).replacen("email_trust", "mode = \"link_only\"\nemail_trust", 1);
    let server = server_with(&link_only).await;
    let (ann, token) = signed_in(&server, "ann").await;
    let request = back_from_link(&server, &token, &token).await;
    assert_eq!(link(server.service().complete_sign_in(request).await).outcome(), Outcome::Attached);
    let (_, mallory) = signed_in(&server, "mallory").await;

    let request = back_from_link(&server, &mallory, &mallory).await;
    assert_eq!(
        refusal(server.service().complete_sign_in(request).await),
        "AlreadyExists IDENTITY_TAKEN"
    );

    assert_eq!(server.service().owner("fake", "alice").await, ann);
}

/// A15, A16: only the user that started a link may complete it, which is checked before the code is
/// exchanged.
#[tokio::test]
async fn a_link_that_another_user_started_is_not_completed() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let (_, ann) = signed_in(&server, "ann").await;
    let (_, ben) = signed_in(&server, "ben").await;

    let request = back_from_link(&server, &ann, &ben).await;
    assert_eq!(refusal(service.complete_sign_in(request.clone()).await), INVALID);
    // The attempt is used up for the user that started it, too.
    let late = pb::CompleteSignInRequest { user_token: ann.clone(), ..request };
    assert_eq!(refusal(service.complete_sign_in(late).await), INVALID);

    assert_eq!(fake.exchanges(), 0);
    assert_eq!(
        refusal(service.find_by_identity(owner_of("fake", "alice")).await),
        "NotFound IDENTITY_NOT_FOUND"
    );
}

/// A29: an attempt for one purpose completes no other.
#[tokio::test]
async fn an_attempt_to_link_signs_no_user_in_and_one_to_sign_in_links_nothing() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let (_, ann) = signed_in(&server, "ann").await;

    let request = back_from_link(&server, &ann, "").await;
    assert_eq!(refusal(service.complete_sign_in(request).await), INVALID);
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    let request = pb::CompleteSignInRequest { user_token: ann, ..come_back(&begun).await };
    assert_eq!(refusal(service.complete_sign_in(request).await), INVALID);

    assert_eq!(fake.exchanges(), 0);
}

/// A36: `user_token` must be a user's token of this tenant, with the scope to link.
#[tokio::test]
async fn only_a_token_that_could_link_starts_a_link() {
    let (_fake, server) = fake_and_server().await;
    let service = server.service();
    let (blocked, token) = signed_in(&server, "blocked").await;
    service.block(&blocked, true).await;
    let person = |subject: &str| Token::of("github", subject);
    service.create("github", "ann").await;
    service.create("wallet", "ann").await;
    for (token, expected) in [
        ("x".to_owned(), "Unauthenticated TOKEN_INVALID"),
        (Token::of("services", "backend").sign(), "Unauthenticated TOKEN_INVALID"),
        (Token::of("stranger", "ann").sign(), "Unauthenticated TOKEN_INVALID"),
        (person("ann").with("tenant", "other").sign(), "Unauthenticated TOKEN_INVALID"),
        (Token::of("wallet", "ann").sign(), "Unauthenticated TOKEN_INVALID"),
        (
            person("ann").with("scope", "read:current_user").sign(),
            "PermissionDenied SCOPE_INSUFFICIENT",
        ),
        (person("nobody").sign(), "NotFound USER_NOT_FOUND"),
        (token, "PermissionDenied USER_BLOCKED"),
    ] {
        assert_eq!(refusal(service.start_sign_in(to_link("fake", &token)).await), expected);
    }
    assert_eq!(server.database.db_texts("SELECT provider FROM sign_in_attempts").await, [""; 0]);
}

#[tokio::test]
async fn a_retry_with_the_request_id_gets_the_same_link() {
    let (fake, server) = fake_and_server().await;
    let (_, ann) = signed_in(&server, "ann").await;
    let request_id = uuid::Uuid::new_v4().to_string();
    let request =
        pb::CompleteSignInRequest { request_id, ..back_from_link(&server, &ann, &ann).await };

    let first = server.service().complete_sign_in(request.clone()).await.unwrap();

    assert_eq!(server.service().complete_sign_in(request).await.unwrap(), first);
    assert_eq!(fake.exchanges(), 1);
}

#[tokio::test]
async fn a_user_that_is_being_deleted_leaves_no_attempt_behind() {
    let (_fake, server) = fake_and_server().await;
    let (ann, token) = signed_in(&server, "ann").await;
    let delete = format!(
        "DELETE FROM identities WHERE owner_id = '{ann}'; DELETE FROM users WHERE id = '{ann}'"
    );
    let deleting = server.database.db_hold_statement(&delete).await;
    let service = server.service();
    let starting =
        tokio::spawn(async move { service.start_sign_in(to_link("fake", &token)).await });
    server.database.db_until_waiting(1).await;

    deleting.db_release().await;

    assert_eq!(refusal(starting.await.unwrap()), "NotFound USER_NOT_FOUND");
    assert_eq!(server.database.db_texts("SELECT provider FROM sign_in_attempts").await, [""; 0]);
}

/// A89: the bound of writers to one user holds for these calls too.
#[tokio::test(flavor = "multi_thread")]
async fn flows_to_link_to_one_busy_user_hold_one_connection() {
    let (_fake, server) = fake_and_server().await;
    let (ann, token) = signed_in(&server, "ann").await;
    let held = server.database.db_hold(&ann).await;
    let begin = |_| {
        let (service, request) = (server.service(), to_link("fake", &token));
        tokio::spawn(async move { service.start_sign_in(request).await })
    };
    let beginning: Vec<_> = (0..30).map(begin).collect();
    server.database.db_until_waiting(1).await;

    while !beginning.iter().all(tokio::task::JoinHandle::is_finished) {
        server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
        assert!(
            server.database.db_waiting().await <= 1,
            "a queued call should wait without a connection"
        );
    }

    for begun in beginning {
        assert_eq!(refusal(begun.await.unwrap()), "Aborted CONFLICT_RETRY");
    }
    held.db_release().await;
    server.service().start_sign_in(to_link("fake", &token)).await.unwrap();
}

#[tokio::test]
async fn an_attempt_to_link_is_deleted_with_its_user() {
    let (_fake, server) = fake_and_server().await;
    let (ann, token) = signed_in(&server, "ann").await;
    let request = back_from_link(&server, &token, &token).await;

    server.service().delete(&ann).await;

    assert_eq!(server.database.db_texts("SELECT provider FROM sign_in_attempts").await, [""; 0]);
    assert_eq!(
        refusal(server.service().complete_sign_in(request).await),
        "NotFound USER_NOT_FOUND"
    );
}

/// A81: a released account signs in as a new user by a flow too, and a flow to link it brings it
/// back.
#[tokio::test]
async fn a_released_account_comes_back_only_by_a_flow_to_link() {
    let (_fake, server) = fake_and_server().await;
    let service = server.service();
    let ann = service.create_with("github", "ann", verified("alice@example.com")).await.id;
    let token = Token::of("github", "ann").sign();
    let request = back_from_link(&server, &token, &token).await;
    assert_eq!(link(service.complete_sign_in(request).await).outcome(), Outcome::Attached);

    service.unlink(release(&ann, "fake", "alice")).await.unwrap();

    let next = decision(sign_in(&server, "fake").await);
    assert_eq!(next.rule().as_str_name(), "SIGN_IN_RULE_RELEASED_BEFORE");
    assert_ne!(next.user.unwrap().id, ann);
    let token = Token::of("github", "ann").issued_ago(-2).sign();
    let request = back_from_link(&server, &token, &token).await;
    assert_eq!(link(service.complete_sign_in(request).await).outcome(), Outcome::Absorbed);
    assert_eq!(service.owner("fake", "alice").await, ann);
    server.database.db_assert_invariants().await;
}

/// The same request, with terms for its link.
fn on_terms(request: pb::CompleteSignInRequest, terms: pb::LinkTerms) -> pb::CompleteSignInRequest {
    pb::CompleteSignInRequest { link: Some(terms), ..request }
}

/// A75: with `attach_only`, a flow absorbs no user, and the refusal does not name the account's
/// owner.
#[tokio::test]
async fn a_flow_that_only_attaches_absorbs_no_user() {
    let (_fake, server) = fake_and_server().await;
    let (_, token) = signed_in(&server, "ann").await;
    let alice = decision(sign_in(&server, "fake").await).user.unwrap().id;
    let terms = pb::LinkTerms { attach_only: true, ..Default::default() };

    let request = on_terms(back_from_link(&server, &token, &token).await, terms);
    let refused = server.service().complete_sign_in(request).await.unwrap_err();
    assert!(!format!("{refused:?}").contains(&alice));
    assert_eq!(refusal::<()>(Err(refused)), "AlreadyExists IDENTITY_TAKEN");

    assert_eq!(server.service().resolved(&[&alice]).await, [format!("CURRENT {alice}")]);
    server.service().delete(&alice).await;
    let request = on_terms(back_from_link(&server, &token, &token).await, terms);
    assert_eq!(link(server.service().complete_sign_in(request).await).outcome(), Outcome::Attached);
}

#[tokio::test]
async fn a_flow_merges_and_checks_versions_by_its_terms() {
    let (_fake, server) = fake_and_server().await;
    let service = server.service();
    let (ann, token) = signed_in(&server, "ann").await;
    let alice = decision(sign_in(&server, "fake").await).user.unwrap().id;
    let metadata =
        pb::UserUpdate { user_metadata: object(json!({"color": "red"})), ..Default::default() };
    service.update_user(update(&alice, &["user_metadata"], metadata)).await.unwrap();
    let terms = pb::LinkTerms { user_metadata: merge_default(), ..Default::default() };
    for (wrong, expected) in [
        (pb::LinkTerms { expected_version: Some(7), ..terms }, "Aborted VERSION_MISMATCH"),
        (
            pb::LinkTerms { expected_secondary_version: Some(7), ..terms },
            "Aborted VERSION_MISMATCH",
        ),
        (
            pb::LinkTerms { require_shared_verified_email: true, ..terms },
            "FailedPrecondition EMAIL_NOT_SHARED",
        ),
    ] {
        let request = on_terms(back_from_link(&server, &token, &token).await, wrong);
        assert_eq!(refusal(service.complete_sign_in(request).await), expected);
    }

    let right =
        pb::LinkTerms { expected_version: Some(1), expected_secondary_version: Some(2), ..terms };
    let request = on_terms(back_from_link(&server, &token, &token).await, right);
    let linked = link(service.complete_sign_in(request).await);

    assert_eq!(linked.outcome(), Outcome::Absorbed);
    assert_eq!(changes(&linked.metadata_changes), "USER /color ADDED");
    assert_eq!(json(&service.user(&ann).await.user_metadata), json!({"color": "red"}));
}

/// A user's token may not merge `app_metadata`. This refusal, and each violation, leaves the
/// attempt unused.
#[tokio::test]
async fn bad_terms_are_refused_before_the_attempt_is_used_up() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let (_, token) = signed_in(&server, "ann").await;
    let request = back_from_link(&server, &token, &token).await;
    let app_metadata = pb::LinkTerms { app_metadata: merge_default(), ..Default::default() };
    let scope = service.complete_sign_in(on_terms(request.clone(), app_metadata)).await;
    assert_eq!(refusal(scope), "PermissionDenied SCOPE_INSUFFICIENT");
    let wrong = pb::MetadataMerge { strategy: 7, ..Default::default() };
    let wrong = pb::LinkTerms {
        attach_only: true,
        expected_secondary_version: Some(1),
        user_metadata: Some(wrong),
        ..Default::default()
    };
    let no_link =
        pb::CompleteSignInRequest { user_token: String::new(), ..on_terms(request.clone(), wrong) };
    insta::assert_snapshot!(refusal(service.complete_sign_in(no_link).await), @r"
    InvalidArgument REQUEST_INVALID
    link: needs user_token: a sign-in links nothing
    link.expected_secondary_version: must be absent where attach_only is set: then there is no secondary user
    link.user_metadata.strategy: is not one of the values that the proto names
    ");
    assert_eq!(fake.exchanges(), 0);

    assert_eq!(link(service.complete_sign_in(request).await).outcome(), Outcome::Attached);
}

/// A65: an old session at the provider that is renewed without the user links nothing, as its token
/// would not as `link_with`.
#[tokio::test]
async fn an_old_session_at_the_provider_links_nothing() {
    let (fake, server) = fake_and_server().await;
    let (_, token) = signed_in(&server, "ann").await;
    let alice = decision(sign_in(&server, "fake").await).user.unwrap().id;
    let now = identity_link::clock::now().timestamp();
    for (ago, expected) in
        [(9 * 3600, Err("FailedPrecondition PROVIDER_REJECTED")), (60, Ok(Outcome::Absorbed))]
    {
        fake.lie(move |token| token.with("auth_time", now - ago).sign());
        let request = back_from_link(&server, &token, &token).await;
        let outcome = server.service().complete_sign_in(request).await;
        match expected {
            Ok(expected) => assert_eq!(link(outcome).outcome(), expected),
            Err(expected) => {
                assert_eq!(refusal(outcome), expected);
                assert_eq!(
                    server.service().resolved(&[&alice]).await,
                    [format!("CURRENT {alice}")]
                );
            }
        }
    }
}

/// A61: such a session also vouches for no account that an old sign-in linked.
#[tokio::test]
async fn an_old_session_at_the_provider_vouches_for_nothing() {
    let fake = FakeOidc::start(alice()).await;
    let clients =
        format!("[tenants.default]\nmax_sign_in_age = \"10h\"\n{}", oidc("fake", &fake.issuer));
    let server = server_with(&clients).await;
    let now = identity_link::clock::now().timestamp();
    let alice = decision(sign_in(&server, "fake").await).user.unwrap().id;
    let old = server.caller(&Token::of("users", &alice).with("auth_time", now - 9 * 3600));
    old.link(link_with(&server.proof("github", "thief"))).await.unwrap();
    let primary = || pb::SetPrimaryIdentityRequest {
        identity: identity_ref("github", "thief"),
        ..Default::default()
    };
    let thief = server.person("github", "thief");

    fake.lie(move |token| token.with("auth_time", now - 9 * 3600).sign());
    assert_eq!(decision(sign_in(&server, "fake").await).user.unwrap().id, alice);
    let refused = server.db_refused(thief.set_primary_identity(primary())).await;
    assert_eq!(refused, "PermissionDenied REAUTHENTICATION_REQUIRED");

    fake.lie(move |token| token.with("auth_time", now).sign());
    sign_in(&server, "fake").await.unwrap();
    thief.set_primary_identity(primary()).await.unwrap();
}
