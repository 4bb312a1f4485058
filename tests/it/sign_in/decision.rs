//! The table of sign-in rules, over gRPC. Its rows are tested one by one in
//! `src/domain/sign_in/tests.rs`.

use serde_json::json as value;

use super::*;
use crate::support::{cluster::cluster, events::line};

/// A server on which a first sign-in at GitHub needs an email.
async fn requiring(required: &str) -> TestServer {
    TestServer::start_with(cluster().db_migrated().await, |toml| {
        let (old, new) = (
            "github = { social = true,",
            format!("github = {{ social = true, required_email = \"{required}\","),
        );
        assert!(toml.contains(old));
        toml.replace(old, &new)
    })
    .await
}

#[tokio::test]
async fn a_newcomer_is_a_new_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let profile_data = object(value!({"name": "Ann"}));
    let newcomer = pb::ProvenAccount {
        profile_data,
        connection: "web".to_owned(),
        ..account("github", "h1", EMAIL)
    };

    let decision = service.signs_in(newcomer).await.unwrap();

    assert_eq!(told(&decision), "CREATED EMAIL_UNCLAIMED");
    let user = service.user(who(&decision)).await;
    assert_eq!(decision.user.as_ref(), Some(&user));
    let identity = &user.identities[0];
    assert_eq!(
        (identity.connection.as_str(), identity.social, identity.email_verified),
        ("web", true, true)
    );
    assert_eq!((user.version, json(&user.profile)), (1, value!({"name": "Ann"})));
    assert_eq!(service.found_by_email("Ann@EXAMPLE.com", false).await, [(user.id.clone(), true)]);
    let [evidence] = decision.evidence.as_slice() else { panic!("{:?}", decision.evidence) };
    assert_eq!(
        (evidence.user_id.as_str(), evidence.email.as_str(), evidence.counts),
        ("", EMAIL, true)
    );
    assert_eq!(evidence.verifier_subject, "backend");
    let events = events::events(&service, 1).await;
    assert_eq!(line(&events[0]), format!("created {} 0>1", user.id));
    server.database.db_assert_invariants().await;
}

/// Lucia's automatic linking.
#[tokio::test]
async fn accounts_with_one_email_that_both_sides_have_verified_are_linked() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.arrives("google-oauth2", "g1", EMAIL).await;

    let decision = service.arrives("github", "h1", "Ann@Example.com").await;

    assert_eq!(told(&decision), "LINKED EMAIL_VERIFIED_ON_BOTH_SIDES");
    assert_eq!(who(&decision), who(&ann));
    assert_eq!(identities(decision.user.as_ref().unwrap()), ["google-oauth2|g1", "github|h1"]);
    assert_eq!(service.user(who(&ann)).await, decision.user.clone().unwrap());
    assert_eq!(decision.evidence.iter().map(|of| of.counts).collect::<Vec<_>>(), [true, true]);
    let history = service.list_links(links_of(who(&ann))).await.unwrap().links;
    assert_eq!(history[0].id, decision.link.as_ref().unwrap().id);
    assert_eq!(
        history[0].proof.as_ref().unwrap().proof,
        Some(pb::link_proof::Proof::VerifiedEmail(pb::link_proof::VerifiedEmail {
            rule: decision.rule().into()
        }))
    );
    assert!(history[0].require_shared_verified_email);
    // The link can be undone like any other.
    let undo = pb::UndoLinkRequest { link_id: history[0].id.clone(), ..Default::default() };
    let left = service.undo_link(undo).await.unwrap().restored_user.unwrap();
    assert_eq!(
        who(&service.arrives("github", "h1", EMAIL).await),
        left.id,
        "the account was unlinked, and stays so"
    );
    server.database.db_assert_invariants().await;
}

/// A01, A05, A14: a sign-in is not linked to an account that waits for the owner of the email.
#[tokio::test]
async fn an_email_that_one_side_has_not_proven_links_no_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let mallory = service.create_with("google-oauth2", "m1", unverified(EMAIL)).await;
    let untrusted = service.arrives("sms", "s1", EMAIL).await;
    assert_eq!(told(&untrusted), "CREATED EMAIL_UNVERIFIED");
    assert!(
        !untrusted.user.as_ref().unwrap().identities[0].email_verified,
        "sms is not trusted with emails"
    );

    let ann = service.arrives("github", "h1", EMAIL).await;

    assert_eq!(told(&ann), "CREATED EMAIL_UNVERIFIED_ON_OTHER_USERS");
    assert_eq!(service.user(&mallory.id).await, mallory);
    let owners: Vec<_> = ann.evidence.iter().map(|of| (of.user_id.as_str(), of.counts)).collect();
    assert_eq!(owners.len(), 3);
    assert!(
        owners.contains(&("", true)) && owners.contains(&(mallory.id.as_str(), false)),
        "{owners:?}"
    );
    let unproven = pb::ProvenAccount { email_verified: false, ..account("github", "h2", EMAIL) };
    assert_eq!(told(&service.signs_in(unproven).await.unwrap()), "CREATED EMAIL_UNVERIFIED");
}

/// A43: such accounts do not hide the owner of the email either, however many they are.
#[tokio::test]
async fn a_crowd_that_claims_an_email_does_not_hide_its_owner() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.arrives("google-oauth2", "zzz", EMAIL).await;
    server
        .database
        .db_execute(&format!(
            "INSERT INTO users (tenant_id, id, version, create_time, update_time, primary_provider, primary_subject) \
               SELECT 'default', 'a' || n, 1, now(), now(), 'sms', 'a' || n FROM generate_series(1, 300) n; \
             INSERT INTO identities (tenant_id, provider, subject, owner_id, home_id, ordinal, connection, social, \
                 attach_time, email, email_canonical, email_verified) \
               SELECT 'default', 'sms', 'a' || n, 'a' || n, 'a' || n, 0, 'sms', false, now(), '{EMAIL}', '{EMAIL}', false \
               FROM generate_series(1, 300) n"
        ))
        .await;

    let decision = service.arrives("github", "h1", EMAIL).await;

    assert_eq!(
        (told(&decision).as_str(), who(&decision)),
        ("LINKED EMAIL_VERIFIED_ON_BOTH_SIDES", who(&ann))
    );
    assert_eq!(decision.evidence.len(), 21);
}

/// A10, A28, and decisions that depend on the provider.
#[tokio::test]
async fn doubtful_sign_ins_get_candidates_and_closed_providers_link_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.arrives("google-oauth2", "g1", EMAIL).await;

    let again = service.arrives("google-oauth2", "g2", EMAIL).await;
    assert_eq!(
        (told(&again).as_str(), candidates(&again)),
        ("CANDIDATES PROVIDER_ALREADY_LINKED", vec![who(&ann)])
    );
    assert_eq!(again.candidates[0].providers, ["google-oauth2"]);
    let asked = service.arrives("apple", "a1", EMAIL).await;
    assert_eq!(
        (told(&asked).as_str(), candidates(&asked)),
        ("CANDIDATES LINKING_SUGGESTED", vec![who(&ann)])
    );
    let apart = service.arrives("okta", "o1", EMAIL).await;
    assert_eq!(told(&apart), "CREATED LINKING_OFF");
    // Two users have the email now.
    let several = service.arrives("github", "h1", EMAIL).await;
    assert_eq!(
        (told(&several).as_str(), candidates(&several)),
        ("CANDIDATES SEVERAL_USERS", vec![who(&ann)])
    );
    assert_eq!(
        server.db_refused(service.signs_in(account("myspace", "m1", EMAIL))).await,
        "FailedPrecondition PROVIDER_DISABLED"
    );
    assert_eq!(
        server.db_refused(service.signs_in(account("wallet", "w1", EMAIL))).await,
        "FailedPrecondition PROVIDER_DISABLED"
    );
    server.database.db_assert_invariants().await;
}

/// Lucia's two refusals.
#[tokio::test]
async fn an_email_may_be_required_of_newcomers() {
    let unverified = pb::ProvenAccount { email_verified: false, ..account("github", "h1", EMAIL) };
    let no_address =
        pb::ProvenAccount { email_verified: true, ..account("github", "h1", "nobody") };
    for (required, none, some) in [
        ("verified", "FailedPrecondition EMAIL_MISSING", "FailedPrecondition EMAIL_UNVERIFIED"),
        ("any", "FailedPrecondition EMAIL_MISSING", "CREATED EMAIL_UNVERIFIED"),
    ] {
        let server = requiring(required).await;
        let service = server.service();
        assert_eq!(server.db_refused(service.signs_in(account("github", "h1", ""))).await, none);
        assert_eq!(server.db_refused(service.signs_in(no_address.clone())).await, none);
        let outcome = service.signs_in(unverified.clone()).await;
        assert_eq!(outcome.as_ref().map_or_else(|_| refusal(outcome.clone()), told), some);
        // An account that is already known needs no email.
        let known = service.arrives("github", "h2", "bob@example.com").await;
        assert_eq!(who(&service.signs_in(account("github", "h2", "")).await.unwrap()), who(&known));
    }
}

#[tokio::test]
async fn the_owner_of_a_blocked_user_does_not_sign_in_by_another_account() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.arrives("google-oauth2", "g1", EMAIL).await;
    service.block(who(&ann), true).await;

    let blocked = "FailedPrecondition USER_BLOCKED";
    assert_eq!(
        server.db_refused(service.signs_in(account("google-oauth2", "g1", EMAIL))).await,
        blocked
    );
    assert_eq!(server.db_refused(service.signs_in(account("github", "h1", EMAIL))).await, blocked);
    assert_eq!(server.db_refused(service.signs_in(account("apple", "a1", EMAIL))).await, blocked);
}

/// A36: the users of another tenant.
#[tokio::test]
async fn the_users_of_another_tenant_are_unknown() {
    let server = TestServer::start().await;
    server.service().arrives("google-oauth2", "g1", EMAIL).await;

    let elsewhere = server.service_of("other").arrives("google-oauth2", "g1", EMAIL).await;

    assert_eq!(
        told(&elsewhere),
        "CREATED EMAIL_UNVERIFIED",
        "each tenant says which providers it trusts"
    );
}

#[tokio::test]
async fn a_tenant_that_wants_it_gets_provider_and_subject_as_the_id() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");

    let preview = pb::ResolveSignInRequest { validate_only: true, ..sign_in("github", "h1") };
    let preview = server.db_previewed(service.resolve_sign_in(preview)).await.decision.unwrap();
    assert_eq!(who(&preview), "github|h1");
    assert_eq!(who(&service.arrives("github", "h1", "").await), "github|h1");
}

#[tokio::test]
async fn a_preview_returns_the_decision_and_writes_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.arrives("google-oauth2", "g1", EMAIL).await;
    let preview = |account| {
        let request = pb::ResolveSignInRequest { validate_only: true, ..sign_in_with(account) };
        server.db_previewed(service.resolve_sign_in(request))
    };

    let known = preview(account("google-oauth2", "g1", EMAIL)).await.decision.unwrap();
    assert_eq!((told(&known).as_str(), who(&known)), ("SIGNED_IN IDENTITY_KNOWN", who(&ann)));
    let other = preview(account("google-oauth2", "g1", "new@example.com")).await.decision.unwrap();
    assert_eq!(other.user.unwrap().identities[0].email, "new@example.com");
    let new = preview(account("github", "h1", "")).await.decision.unwrap();
    assert_eq!((told(&new).as_str(), who(&new)), ("CREATED EMAIL_MISSING", ""));
    let linked = preview(account("github", "h1", EMAIL)).await.decision.unwrap();
    assert_eq!((who(&linked), linked.link.as_ref().unwrap().id.as_str()), (who(&ann), ""));
    let asked = preview(account("apple", "a1", EMAIL)).await.decision.unwrap();
    assert_eq!((candidates(&asked), asked.ticket.as_str()), (vec![who(&ann)], ""));
}

#[tokio::test]
async fn every_wrong_field_is_reported_at_once() {
    let server = TestServer::start().await;
    let service = server.service();
    let wrong = pb::ProvenAccount {
        identity_ref: identity_ref("GitHub", ""),
        connection: "a".repeat(129),
        email: String::new(),
        email_verified: true,
        profile_data: object(value!({"a": "\u{0}"})),
        sign_in_time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
    };

    insta::assert_snapshot!(server.db_refused(service.signs_in(wrong)).await, @r"
        InvalidArgument REQUEST_INVALID
        account.sign_in_time: must be a time of the last ten minutes
        account.identity_ref.provider: must be 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit
        account.identity_ref.subject: must be 1 to 255 bytes without control characters
        account.connection: must be at most 128 bytes without control characters
        account.email_verified: needs an email
        account.profile_data/a: This holds the character U+0000, which cannot be stored.
    ");
    let long = pb::ProvenAccount { email: "a".repeat(321), ..account("github", "h1", EMAIL) };
    insta::assert_snapshot!(server.db_refused(service.signs_in(long)).await, @r"
        InvalidArgument REQUEST_INVALID
        account.email: must be at most 320 bytes without control characters
    ");
    insta::assert_snapshot!(server.db_refused(service.resolve_sign_in(Default::default())).await, @r"
        InvalidArgument REQUEST_INVALID
        proof: is required: account or sign_in_ticket
    ");
    let tickets = [
        server.db_refused(service.goes_on("")).await,
        server.db_refused(service.goes_on(&"a".repeat(65))).await,
    ];
    insta::assert_snapshot!(tickets.join("\n"), @r"
        InvalidArgument REQUEST_INVALID
        sign_in_ticket: must be 1 to 64 bytes
        InvalidArgument REQUEST_INVALID
        sign_in_ticket: must be 1 to 64 bytes
    ");
}

/// An account that was unlinked by hand is not linked to its former user automatically. That still
/// holds after the account's own user is deleted and the account signs in again, however often that
/// happens, and whichever user holds the former user by then.
#[tokio::test]
async fn an_account_that_may_have_been_unlinked_is_not_linked_again_automatically() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.arrives("google-oauth2", "g1", EMAIL).await;
    let linked = service.arrives("github", "h1", EMAIL).await;
    assert_eq!(told(&linked), "LINKED EMAIL_VERIFIED_ON_BOTH_SIDES");
    let left =
        service.unlink(unlink(who(&ann), "github", "h1")).await.unwrap().detached_user.unwrap().id;
    service.delete(&left).await;

    let again = service.arrives("github", "h1", EMAIL).await;
    assert_eq!(
        (told(&again).as_str(), candidates(&again)),
        ("CANDIDATES DELETED_BEFORE", vec![who(&ann)])
    );
    let own = service.goes_on(&again.ticket).await.unwrap();
    service.delete(who(&own)).await;
    let again = service.arrives("github", "h1", EMAIL).await;
    assert_eq!(
        (told(&again).as_str(), candidates(&again)),
        ("CANDIDATES DELETED_BEFORE", vec![who(&ann)])
    );
    let other = service.create("okta", "o1").await.id;
    service.link(link_user(&other, who(&ann))).await.unwrap();
    let again = service.arrives("github", "h1", EMAIL).await;
    assert_eq!(
        (told(&again).as_str(), candidates(&again)),
        ("CANDIDATES DELETED_BEFORE", vec![other.as_str()])
    );
}

/// A10: an email that was proven more than 180 days ago.
#[tokio::test]
async fn an_email_that_was_proven_long_ago_gets_candidates_until_a_sign_in_renews_it() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.arrives("google-oauth2", "g1", EMAIL).await;
    server
        .database
        .db_execute("UPDATE identities SET email_verify_time = now() - interval '181 days'")
        .await;

    let asked = service.arrives("github", "h1", EMAIL).await;
    assert_eq!(
        (told(&asked).as_str(), candidates(&asked)),
        ("CANDIDATES EMAIL_VERIFIED_LONG_AGO", vec![who(&ann)])
    );

    let renewed = service.arrives("google-oauth2", "g1", EMAIL).await.user.unwrap();
    assert_eq!(renewed.version, 2);
    let linked = service.arrives("github", "h1", EMAIL).await;
    assert_eq!(
        (told(&linked).as_str(), who(&linked)),
        ("LINKED EMAIL_VERIFIED_ON_BOTH_SIDES", who(&ann))
    );
}
