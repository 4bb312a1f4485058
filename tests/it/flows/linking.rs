//! Linking by a flow: the account comes to the user who began, and to nobody else.

use pb::link_response::Outcome;

use super::*;
use crate::support::tokens::Token;

const INVALID: &str = "FailedPrecondition SIGN_IN_INVALID";

/// A user who is signed in, and its token.
async fn signed_in(server: &TestServer, subject: &str) -> (String, String) {
    let user = server.service().create("github", subject).await.id;
    (user, Token::of("github", subject).sign())
}

/// A flow to link an account at the fake that has come back, to be ended by whom the token is of.
async fn back_from_link(server: &TestServer, began: &str, ends: &str) -> pb::CompleteSignInRequest {
    let begun = server.service().start_sign_in(to_link("fake", began)).await.unwrap();
    pb::CompleteSignInRequest { user_token: ends.to_owned(), ..come_back(&begun).await }
}

#[tokio::test]
async fn an_account_that_nobody_owns_is_attached_to_who_began() {
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
    assert_eq!(told.proof.unwrap().proof, Some(pb::link_proof::Proof::SignIn(pb::link_proof::SignIn {})));
    server.database.db_assert_invariants().await;
}

/// A28: nobody signs in with it, and so nobody has a user by it who can sign in.
#[tokio::test]
async fn a_link_only_account_brings_nobody_along() {
    let fake = FakeOidc::start(alice()).await;
    let link_only = oidc("fake", &fake.issuer).replacen("email_trust", "mode = \"link_only\"\nemail_trust", 1);
    let server = server_with(&link_only).await;
    let (ann, token) = signed_in(&server, "ann").await;
    let request = back_from_link(&server, &token, &token).await;
    assert_eq!(link(server.service().complete_sign_in(request).await).outcome(), Outcome::Attached);
    let (_, mallory) = signed_in(&server, "mallory").await;

    let request = back_from_link(&server, &mallory, &mallory).await;
    assert_eq!(refusal(server.service().complete_sign_in(request).await), "AlreadyExists IDENTITY_TAKEN");

    assert_eq!(server.service().owner("fake", "alice").await, ann);
}

/// A15, A16: who ends a link is who began it, which is judged before the code is exchanged.
#[tokio::test]
async fn nobody_ends_a_link_that_somebody_else_began() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let (_, ann) = signed_in(&server, "ann").await;
    let (_, ben) = signed_in(&server, "ben").await;

    let request = back_from_link(&server, &ann, &ben).await;
    assert_eq!(refusal(service.complete_sign_in(request.clone()).await), INVALID);
    // And now it is used up for who began it, too.
    let late = pb::CompleteSignInRequest { user_token: ann.clone(), ..request };
    assert_eq!(refusal(service.complete_sign_in(late).await), INVALID);

    assert_eq!(fake.exchanges(), 0);
    assert_eq!(refusal(service.find_by_identity(owner_of("fake", "alice")).await), "NotFound IDENTITY_NOT_FOUND");
}

/// A29: what was begun for one purpose ends for no other.
#[tokio::test]
async fn a_link_is_no_sign_in_and_a_sign_in_no_link() {
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

/// A36: a token in the field is a person's, of this tenant, and may link.
#[tokio::test]
async fn only_who_could_link_by_itself_begins_a_link() {
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
        (person("ann").with("scope", "read:current_user").sign(), "PermissionDenied SCOPE_INSUFFICIENT"),
        (person("nobody").sign(), "NotFound USER_NOT_FOUND"),
        (token, "PermissionDenied USER_BLOCKED"),
    ] {
        assert_eq!(refusal(service.start_sign_in(to_link("fake", &token)).await), expected);
    }
    assert_eq!(server.database.db_texts("SELECT provider FROM sign_in_attempts").await, [""; 0]);
}

#[tokio::test]
async fn a_link_is_told_again_under_its_request_id() {
    let (fake, server) = fake_and_server().await;
    let (_, ann) = signed_in(&server, "ann").await;
    let request_id = uuid::Uuid::new_v4().to_string();
    let request = pb::CompleteSignInRequest { request_id, ..back_from_link(&server, &ann, &ann).await };

    let first = server.service().complete_sign_in(request.clone()).await.unwrap();

    assert_eq!(server.service().complete_sign_in(request).await.unwrap(), first);
    assert_eq!(fake.exchanges(), 1);
}

#[tokio::test]
async fn who_is_being_deleted_leaves_no_attempt_behind() {
    let (_fake, server) = fake_and_server().await;
    let (ann, token) = signed_in(&server, "ann").await;
    let delete = format!("DELETE FROM identities WHERE owner_id = '{ann}'; DELETE FROM users WHERE id = '{ann}'");
    let deleting = server.database.db_hold_statement(&delete).await;
    let service = server.service();
    let starting = tokio::spawn(async move { service.start_sign_in(to_link("fake", &token)).await });
    server.database.db_until_waiting(1).await;

    deleting.db_release().await;

    assert_eq!(refusal(starting.await.unwrap()), "NotFound USER_NOT_FOUND");
    assert_eq!(server.database.db_texts("SELECT provider FROM sign_in_attempts").await, [""; 0]);
}

/// A89: the same as with whoever writes to one user.
#[tokio::test(flavor = "multi_thread")]
async fn who_begins_links_of_one_busy_user_costs_nobody_else_a_connection() {
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
        assert!(server.database.db_waiting().await <= 1, "who stands in line should wait without a connection");
    }

    for begun in beginning {
        assert_eq!(refusal(begun.await.unwrap()), "Aborted CONFLICT_RETRY");
    }
    held.db_release().await;
    server.service().start_sign_in(to_link("fake", &token)).await.unwrap();
}

#[tokio::test]
async fn an_attempt_to_link_goes_with_its_user() {
    let (_fake, server) = fake_and_server().await;
    let (ann, token) = signed_in(&server, "ann").await;
    let request = back_from_link(&server, &token, &token).await;

    server.service().delete(&ann).await;

    assert_eq!(server.database.db_texts("SELECT provider FROM sign_in_attempts").await, [""; 0]);
    assert_eq!(refusal(server.service().complete_sign_in(request).await), "NotFound USER_NOT_FOUND");
}

/// A81: an account that was let go is a new user by a flow too, and comes back by a flow to link it.
#[tokio::test]
async fn an_account_that_was_let_go_comes_back_by_a_flow_to_link_only() {
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

/// The same flow, with terms for its link.
fn on_terms(request: pb::CompleteSignInRequest, terms: pb::LinkTerms) -> pb::CompleteSignInRequest {
    pb::CompleteSignInRequest { link: Some(terms), ..request }
}

/// A75: asked so, a flow absorbs nobody, and does not say whose the account is.
#[tokio::test]
async fn a_flow_that_only_attaches_absorbs_nobody() {
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
async fn a_flow_merges_as_it_is_asked_to_and_expects_versions() {
    let (_fake, server) = fake_and_server().await;
    let service = server.service();
    let (ann, token) = signed_in(&server, "ann").await;
    let alice = decision(sign_in(&server, "fake").await).user.unwrap().id;
    let metadata = pb::UserUpdate { user_metadata: object(json!({"color": "red"})), ..Default::default() };
    service.update_user(update(&alice, &["user_metadata"], metadata)).await.unwrap();
    let terms = pb::LinkTerms { user_metadata: merge_default(), ..Default::default() };
    for (wrong, expected) in [
        (pb::LinkTerms { expected_version: Some(7), ..terms }, "Aborted VERSION_MISMATCH"),
        (pb::LinkTerms { expected_secondary_version: Some(7), ..terms }, "Aborted VERSION_MISMATCH"),
        (pb::LinkTerms { require_shared_verified_email: true, ..terms }, "FailedPrecondition EMAIL_NOT_SHARED"),
    ] {
        let request = on_terms(back_from_link(&server, &token, &token).await, wrong);
        assert_eq!(refusal(service.complete_sign_in(request).await), expected);
    }

    let right = pb::LinkTerms { expected_version: Some(1), expected_secondary_version: Some(2), ..terms };
    let request = on_terms(back_from_link(&server, &token, &token).await, right);
    let linked = link(service.complete_sign_in(request).await);

    assert_eq!(linked.outcome(), Outcome::Absorbed);
    assert_eq!(changes(&linked.metadata_changes), "USER /color ADDED");
    assert_eq!(json(&service.user(&ann).await.user_metadata), json!({"color": "red"}));
}

/// A person's token moves no `app_metadata`; asking for it, like every wrong field, leaves the attempt.
#[tokio::test]
async fn terms_that_cannot_be_are_refused_before_the_attempt_is_used_up() {
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
    let no_link = pb::CompleteSignInRequest { user_token: String::new(), ..on_terms(request.clone(), wrong) };
    insta::assert_snapshot!(refusal(service.complete_sign_in(no_link).await), @r"
    InvalidArgument REQUEST_INVALID
    link: needs user_token: a sign-in links nothing
    link.expected_secondary_version: must be absent where attach_only is set: then there is no secondary user
    link.user_metadata.strategy: is not one of the values that the proto names
    ");
    assert_eq!(fake.exchanges(), 0);

    assert_eq!(link(service.complete_sign_in(request).await).outcome(), Outcome::Attached);
}

/// A65: an old session at the provider, renewed in silence, links nothing, as the same token would not as `link_with`.
#[tokio::test]
async fn an_old_session_at_the_provider_links_nothing() {
    let (fake, server) = fake_and_server().await;
    let (_, token) = signed_in(&server, "ann").await;
    let alice = decision(sign_in(&server, "fake").await).user.unwrap().id;
    let now = identity_link::clock::now().timestamp();
    for (ago, expected) in [(9 * 3600, Err("FailedPrecondition PROVIDER_REJECTED")), (60, Ok(Outcome::Absorbed))] {
        fake.lie(move |token| token.with("auth_time", now - ago).sign());
        let request = back_from_link(&server, &token, &token).await;
        let outcome = server.service().complete_sign_in(request).await;
        match expected {
            Ok(expected) => assert_eq!(link(outcome).outcome(), expected),
            Err(expected) => {
                assert_eq!(refusal(outcome), expected);
                assert_eq!(server.service().resolved(&[&alice]).await, [format!("CURRENT {alice}")]);
            }
        }
    }
}

/// A61: nor does such a session vouch for what came by an old one.
#[tokio::test]
async fn an_old_session_at_the_provider_vouches_for_nothing() {
    let fake = FakeOidc::start(alice()).await;
    let clients = format!("[tenants.default]\nmax_sign_in_age = \"10h\"\n{}", oidc("fake", &fake.issuer));
    let server = server_with(&clients).await;
    let now = identity_link::clock::now().timestamp();
    let alice = decision(sign_in(&server, "fake").await).user.unwrap().id;
    let old = server.caller(&Token::of("users", &alice).with("auth_time", now - 9 * 3600));
    old.link(link_with(&server.proof("github", "thief"))).await.unwrap();
    let primary = || pb::SetPrimaryIdentityRequest { identity: identity_ref("github", "thief"), ..Default::default() };
    let thief = server.person("github", "thief");

    fake.lie(move |token| token.with("auth_time", now - 9 * 3600).sign());
    assert_eq!(decision(sign_in(&server, "fake").await).user.unwrap().id, alice);
    let refused = server.db_refused(thief.set_primary_identity(primary())).await;
    assert_eq!(refused, "PermissionDenied REAUTHENTICATION_REQUIRED");

    fake.lie(move |token| token.with("auth_time", now).sign());
    sign_in(&server, "fake").await.unwrap();
    thief.set_primary_identity(primary()).await.unwrap();
}
