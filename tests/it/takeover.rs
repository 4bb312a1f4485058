//! Attacks on accounts that a hostile reviewer found. Each of them once took over a user.

use identity_link::{clock, grpc::proto as pb};
use serde_json::json as value;

use crate::support::{cluster::cluster, tokens::Token, *};

const EMAIL: &str = "ann@example.com";
const HOUR: i64 = 3600;
const ID: &str = "0b0f5a51-2f4e-4f6a-8a44-3f3d0f2f5c11";
const NO_PROOF: &str = "FailedPrecondition LINK_TOKEN_INVALID";

fn account(provider: &str, subject: &str, email: &str, email_verified: bool) -> pb::ProvenAccount {
    pb::ProvenAccount {
        identity_ref: identity_ref(provider, subject),
        email: email.to_owned(),
        email_verified,
        ..Default::default()
    }
}

async fn arrives(service: &Caller, account: pb::ProvenAccount) -> pb::SignInDecision {
    service.resolve_sign_in(sign_in_with(account)).await.unwrap().decision.unwrap()
}

fn told(decision: &pb::SignInDecision) -> String {
    format!("{} {}", decision.outcome().as_str_name(), decision.rule().as_str_name())
}

fn later(provider: &'static str, subject: &str) -> Token {
    Token::of(provider, subject).issued_ago(-2)
}

/// A65: a session of nine hours ago, renewed silently, proves nothing. As a proof it would bring
/// its whole user along.
#[tokio::test]
async fn an_old_session_is_no_proof() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.create("google-oauth2", "g1").await.id;
    service.create("okta", "thief").await;
    let stolen =
        Token::of("google-oauth2", "g1").with("auth_time", clock::now().timestamp() - 9 * HOUR);
    let thief = server.person("okta", "thief");

    assert_eq!(server.db_refused(thief.link(link_with(&stolen.sign()))).await, NO_PROOF);

    // It proves nothing either for a service that passes it on, or to attach an account that has no
    // user.
    let okta = service.owner("okta", "thief").await;
    let passed_on = pb::LinkRequest { user_id: okta, ..link_with(&stolen.sign()) };
    assert_eq!(server.db_refused(service.link(passed_on)).await, NO_PROOF);
    let unowned =
        Token::of("google-oauth2", "g2").with("auth_time", clock::now().timestamp() - 9 * HOUR);
    assert_eq!(server.db_refused(thief.link(link_with(&unowned.sign()))).await, NO_PROOF);
    assert_eq!(service.resolved(&[&ann]).await, [format!("CURRENT {ann}")]);
}

/// A65: a token without the time of the sign-in proves nothing, if its issuer's tokens must contain
/// that time.
#[tokio::test]
async fn a_token_without_auth_time_is_no_proof_where_its_issuer_must_state_it() {
    let server = TestServer::start_with(cluster().db_migrated().await, |toml| {
        toml.replacen(
            "[issuers.google-oauth2]",
            "[issuers.google-oauth2]\nrequire_auth_time = true",
            1,
        )
    })
    .await;
    server.service().create("google-oauth2", "g1").await;
    server.service().create("okta", "thief").await;
    let thief = server.person("okta", "thief");
    let proof = server.proof("google-oauth2", "g1");
    assert_eq!(server.db_refused(thief.link(link_with(&proof))).await, NO_PROOF);
    let telling = Token::of("google-oauth2", "g1").with("auth_time", clock::now().timestamp() - 60);
    thief.link(link_with(&telling.sign())).await.unwrap();
}

/// A66: an account that waited for the owner of the address attaches another account, and leaves.
#[tokio::test]
async fn an_account_that_waited_still_counts_after_it_has_left() {
    let server = TestServer::start().await;
    let service = server.service();
    arrives(&service, account("google-oauth2", "trap", EMAIL, false)).await;
    server
        .person("google-oauth2", "trap")
        .link(link_with(&server.proof("sms", "thief")))
        .await
        .unwrap();
    arrives(&service, account("google-oauth2", "trap", EMAIL, true)).await;

    let sms = server.caller(&later("sms", "thief"));
    sms.link(link_with(&server.proof("apple", "thief"))).await.unwrap();
    server.caller(&later("apple", "thief")).unlink(unlink("", "sms", "thief")).await.unwrap();

    let ann = arrives(&service, account("github", "ann", EMAIL, true)).await;
    assert_eq!(told(&ann), "OUTCOME_CANDIDATES SIGN_IN_RULE_ACCOUNT_OLDER_THAN_EMAIL");
}

/// A66: an account that changes to the address after the address was proven still counts as another
/// account.
#[tokio::test]
async fn an_account_that_waited_and_changed_to_the_address_is_still_another() {
    let server = TestServer::start_with(cluster().db_migrated().await, |toml| {
        toml.replacen(
            "apple = { email_trust = \"when_verified\" }",
            "apple = { email_trust = \"when_verified\", linking = \"automatic\" }",
            1,
        )
    })
    .await;
    let service = server.service();
    arrives(&service, account("google-oauth2", "trap", EMAIL, false)).await;
    let proof =
        Token::of("apple", "thief").with("email", "thief@example.com").with("email_verified", true);
    server.person("google-oauth2", "trap").link(link_with(&proof.sign())).await.unwrap();
    arrives(&service, account("google-oauth2", "trap", EMAIL, true)).await;
    arrives(&service, account("apple", "thief", EMAIL, true)).await;

    let ann = arrives(&service, account("github", "ann", EMAIL, true)).await;
    assert_eq!(told(&ann), "OUTCOME_CANDIDATES SIGN_IN_RULE_ACCOUNT_OLDER_THAN_EMAIL");
    let others: Vec<_> =
        ann.candidates[0].other_accounts.iter().map(|other| &other.identity).collect();
    assert_eq!(others, [&identity_ref("apple", "thief")]);
}

/// A66: an account whose address once changed counts as changed, also after it has changed back.
#[tokio::test]
async fn an_address_that_changed_there_and_back_has_changed() {
    let server = TestServer::start().await;
    let service = server.service();
    for email in [EMAIL, "thief@example.com", EMAIL] {
        arrives(&service, account("google-oauth2", "thief", email, true)).await;
    }
    arrives(&service, account("google-oauth2", "thief", EMAIL, false)).await;
    arrives(&service, account("google-oauth2", "thief", EMAIL, true)).await;
    let ann = arrives(&service, account("github", "ann", EMAIL, true)).await;
    assert_eq!(told(&ann), "OUTCOME_CANDIDATES SIGN_IN_RULE_EMAIL_CHANGED");
}

/// A67: a token that one unlink spared and a later one withdrew stays withdrawn when its user is
/// absorbed again.
#[tokio::test]
async fn a_token_that_one_unlink_spared_stays_withdrawn_by_the_next() {
    let server = TestServer::start().await;
    let service = server.service();
    let f = service.create("google-oauth2", "f").await.id;
    service.create("sms", "f").await;
    service.link(link_identity(&f, "sms", "f")).await.unwrap();
    let a = service.create("github", "a").await.id;
    service.create("okta", "a").await;
    service.link(link_identity(&a, "okta", "a")).await.unwrap();
    let q = service.create("apple", "q").await.id;
    let spared = Token::of("google-oauth2", "f").issued_ago(60);
    let other = Token::of("google-oauth2", "f").issued_ago(60);
    server.caller(&spared).unlink(unlink("", "sms", "f")).await.unwrap();
    service.link(link_user(&a, &f)).await.unwrap();
    server.person("github", "a").unlink(unlink("", "okta", "a")).await.unwrap();
    let read = async |token: &Token| {
        let read = server.caller(token).get_user(get("")).await;
        read.map_or_else(
            |status| refusal::<()>(Err(status)),
            |read| format!("reads {}", read.user.unwrap().id),
        )
    };
    assert_eq!(read(&spared).await, "Unauthenticated TOKEN_INVALID");
    service.link(link_user(&q, &a)).await.unwrap();
    assert_eq!(read(&other).await, "Unauthenticated TOKEN_INVALID");
    assert_eq!(read(&spared).await, "Unauthenticated TOKEN_INVALID");
}

/// A67: an account that an old session attached does not leave as the user that it was attached to.
#[tokio::test]
async fn an_account_attached_by_an_old_session_leaves_as_a_user_of_its_own() {
    let server = TestServer::start_with(cluster().db_migrated().await, |toml| {
        let (old, new) =
            ("[tenants.default.providers]", "[tenants.default]\nmax_sign_in_age = \"10h\"\n");
        toml.replacen(old, &format!("{new}{old}"), 1)
    })
    .await;
    let service = server.service();
    let ann = service
        .create_with("google-oauth2", "g1", |request| {
            request.user_metadata = object(value!({"secret": "ann's"}));
        })
        .await
        .id;
    let stolen =
        Token::of("google-oauth2", "g1").with("auth_time", clock::now().timestamp() - 9 * HOUR);
    server.caller(&stolen).link(link_with(&server.proof("github", "thief"))).await.unwrap();
    let b = service.create("okta", "b").await.id;
    service.link(link_user(&b, &ann)).await.unwrap();
    service.unlink(unlink(&b, "google-oauth2", "g1")).await.unwrap();

    let left = server
        .caller(&later("github", "thief"))
        .unlink(unlink("", "github", "thief"))
        .await
        .unwrap();

    let thief = left.detached_user.unwrap();
    assert_ne!(thief.id, ann, "with {}", json(&thief.user_metadata));
}

/// A67: a sign-in from before the account came to its owner is not that user's, as a token of that
/// time would not be.
#[tokio::test]
async fn a_sign_in_from_before_the_link_is_not_the_new_owner_s() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.create("google-oauth2", "ann").await.id;
    service.create("sms", "ann").await;
    server
        .person("google-oauth2", "ann")
        .link(link_with(&server.proof("sms", "ann")))
        .await
        .unwrap();
    let signed_in = |ago| pb::ProvenAccount {
        sign_in_time: Some(prost_types::Timestamp {
            seconds: clock::now().timestamp() - ago,
            nanos: 0,
        }),
        ..account("sms", "ann", "", false)
    };

    let before = service.resolve_sign_in(sign_in_with(signed_in(300)));
    assert_eq!(server.db_refused(before).await, "FailedPrecondition SIGN_IN_INVALID");

    assert_eq!(arrives(&service, signed_in(0)).await.user.unwrap().id, ann);
}

/// A63: the retry of an undo that changed nothing gets the same response, also if the caller has
/// come back since.
#[tokio::test]
async fn the_retry_of_an_undo_that_changed_nothing_gets_the_same_response() {
    let server = TestServer::start().await;
    let service = server.service();
    let p = service.create("google-oauth2", "p").await.id;
    let s = service.create("sms", "s").await.id;
    let link_id = service.link(link_user(&p, &s)).await.unwrap().link.unwrap().id;
    let undo = pb::UndoLinkRequest { link_id, ..Default::default() };
    service.undo_link(undo.clone()).await.unwrap();
    service.link(link_user(&p, &s)).await.unwrap();
    let caller = server.caller(&later("sms", "s"));
    let undo = pb::UndoLinkRequest { request_id: ID.to_owned(), ..undo };
    let first = caller.undo_link(undo.clone()).await.unwrap();
    assert_eq!(caller.undo_link(undo).await.unwrap(), first);
}

/// A67: a sign-in from before the account was released or deleted is not its next user's either.
#[tokio::test]
async fn a_sign_in_from_before_the_account_was_gone_makes_no_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.create("google-oauth2", "ann").await.id;
    service.create("sms", "ann").await;
    service.link(link_identity(&ann, "sms", "ann")).await.unwrap();
    let ben = service.create("sms", "ben").await.id;
    service.unlink(release(&ann, "sms", "ann")).await.unwrap();
    service.delete(&ben).await;
    for subject in ["ann", "ben"] {
        let signed_in = |ago| pb::ProvenAccount {
            sign_in_time: Some(prost_types::Timestamp {
                seconds: clock::now().timestamp() - ago,
                nanos: 0,
            }),
            ..account("sms", subject, "", false)
        };
        let before = service.resolve_sign_in(sign_in_with(signed_in(300)));
        assert_eq!(
            server.db_refused(before).await,
            "FailedPrecondition SIGN_IN_INVALID",
            "{subject}"
        );
        assert!(
            arrives(&service, account("sms", subject, "", false)).await.user.is_some(),
            "{subject}"
        );
    }
}
