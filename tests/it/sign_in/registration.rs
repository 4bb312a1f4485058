//! `registration`: whether an account that signs in and that no user has becomes a new user.

use std::path::Path;

use identity_link::config::Config;
use pb::link_response::Outcome as Linked;

use super::*;
use crate::support::{
    cluster::{Database, cluster},
    server::config_toml,
};

const CLOSED: &str = "FailedPrecondition REGISTRATION_CLOSED";
const OVER: &str = "FailedPrecondition SIGN_IN_INVALID";

/// A server whose tenant has this `registration`.
async fn server_on(database: Database, registration: &str) -> TestServer {
    let tenant = format!(
        "[tenants.default]\nregistration = \"{registration}\"\n[tenants.default.providers]\n"
    );
    TestServer::start_with(database, |toml| {
        toml.replacen("[tenants.default.providers]\n", &tenant, 1)
    })
    .await
}

async fn server_that(registration: &str) -> TestServer {
    server_on(cluster().db_migrated().await, registration).await
}

/// An account whose provider does not say that it has verified the email.
fn claimed(subject: &str) -> pb::ProvenAccount {
    pb::ProvenAccount { email_verified: false, ..account("github", subject, EMAIL) }
}

/// A77: each row of the table that would make a new user.
#[tokio::test]
async fn with_ask_no_user_is_created_until_a_second_call() {
    let server = server_that("ask").await;
    let service = server.service();
    for (account, rule) in [
        (account("github", "h1", ""), "EMAIL_MISSING"),
        (claimed("h2"), "EMAIL_UNVERIFIED"),
        (account("github", "h3", "k\u{e4}te@example.com"), "EMAIL_NOT_ASCII"),
        (account("okta", "o1", EMAIL), "LINKING_OFF"),
        (account("github", "h4", "new@example.com"), "EMAIL_UNCLAIMED"),
        (account("github", "h5", EMAIL), "EMAIL_UNVERIFIED_ON_OTHER_USERS"),
    ] {
        let identity = account.identity_ref.clone();
        if rule == "EMAIL_UNVERIFIED_ON_OTHER_USERS" {
            let unverified =
                "email_verified = false, email_verify_time = NULL, email_verifier = NULL";
            server.database.db_execute(&format!("UPDATE identities SET {unverified}")).await;
        }
        let users = server.database.db_texts("SELECT id FROM users").await.len();

        let asked = service.signs_in(account).await.unwrap();

        assert_eq!(told(&asked), format!("REGISTRATION_NEEDED {rule}"));
        assert_eq!((asked.user, asked.ticket.len(), asked.candidates.len()), (None, 43, 0));
        assert_eq!(server.database.db_texts("SELECT id FROM users").await.len(), users);

        let created = service.goes_on(&asked.ticket).await.unwrap();
        assert_eq!(told(&created), format!("CREATED {rule}"));
        assert_eq!(created.user.as_ref().unwrap().identities[0].identity_ref, identity);
        assert_eq!(
            server.db_refused(service.goes_on(&asked.ticket)).await,
            OVER,
            "the ticket is good once"
        );
    }
    let known = service.signs_in(account("github", "h1", "")).await.unwrap();
    assert_eq!(told(&known), "SIGNED_IN IDENTITY_KNOWN");
    server.database.db_assert_invariants().await;
}

/// A77: sign-ins that happen before the second call count in its decision.
#[tokio::test]
async fn the_second_call_is_decided_by_the_table_again() {
    for (first, expected) in [
        (account("google-oauth2", "g1", EMAIL), "LINKED EMAIL_VERIFIED_ON_BOTH_SIDES"),
        (account("apple", "a1", EMAIL), "CANDIDATES LINKING_SUGGESTED"),
    ] {
        let server = server_that("ask").await;
        let service = server.service();
        let asked = service.arrives("github", "h1", EMAIL).await;
        let other = service.signs_in(first).await.unwrap();
        let other = service.goes_on(&other.ticket).await.unwrap();

        let decided = service.goes_on(&asked.ticket).await.unwrap();

        assert_eq!(told(&decided), expected);
        match decided.user {
            Some(user) => assert_eq!(user.id, who(&other)),
            None => assert_eq!(candidates(&decided), [who(&other)]),
        }
        assert_eq!(server.db_refused(service.goes_on(&asked.ticket)).await, OVER);
    }
}

#[tokio::test]
async fn an_account_that_is_known_or_automatically_linked_needs_no_registration() {
    for registration in ["ask", "closed"] {
        let server = server_that(registration).await;
        let service = server.service();
        let ann = service.create_with("google-oauth2", "g1", verified(EMAIL)).await.id;

        assert_eq!(
            told(&service.arrives("google-oauth2", "g1", EMAIL).await),
            "SIGNED_IN IDENTITY_KNOWN"
        );
        let linked = service.arrives("github", "h1", EMAIL).await;
        assert_eq!(
            (told(&linked).as_str(), who(&linked)),
            ("LINKED EMAIL_VERIFIED_ON_BOTH_SIDES", ann.as_str())
        );
        let asked = service.arrives("apple", "a1", EMAIL).await;
        assert_eq!(told(&asked), "CANDIDATES LINKING_SUGGESTED");
        // An attach needs no registration either, nor does an unlink, which makes a user.
        let attached = service.link(link_by(&ann, &asked.ticket)).await.unwrap();
        assert_eq!(attached.outcome(), Linked::Attached);
        assert!(!service.unlink(unlink(&ann, "apple", "a1")).await.unwrap().restored);
        server.database.db_assert_invariants().await;
    }
}

/// A77: no way of signing in makes a user, and no ticket from before does.
#[tokio::test]
async fn with_closed_no_sign_in_makes_a_user() {
    let database = cluster().db_migrated().await;
    let before = server_on(database.clone(), "ask").await;
    before.service().create_with("google-oauth2", "g1", verified(EMAIL)).await;
    let wanted = before.service().arrives("github", "new", "new@example.com").await.ticket;
    let server = server_on(database, "closed").await;
    let service = server.service();

    for account in [account("github", "h1", ""), claimed("h1"), account("okta", "o1", EMAIL)] {
        assert_eq!(server.db_refused(service.signs_in(account.clone())).await, CLOSED);
        let preview = pb::ResolveSignInRequest { validate_only: true, ..sign_in_with(account) };
        assert_eq!(server.db_refused(service.resolve_sign_in(preview)).await, CLOSED);
    }
    assert_eq!(server.db_refused(service.goes_on(&wanted)).await, CLOSED);
    let asked = service.arrives("apple", "a1", EMAIL).await;
    assert_eq!(server.db_refused(service.goes_on(&asked.ticket)).await, CLOSED);

    // A service may create one.
    service.create("github", "h1").await;
    assert_eq!(told(&service.arrives("github", "h1", "").await), "SIGNED_IN IDENTITY_KNOWN");
}

/// A caller that chooses a user of its own has thereby chosen to register.
#[tokio::test]
async fn a_caller_that_got_candidates_need_not_confirm_the_registration_as_well() {
    let server = server_that("ask").await;
    let service = server.service();
    service.create_with("google-oauth2", "g1", verified(EMAIL)).await;
    let asked = service.arrives("apple", "a1", EMAIL).await;

    let own = service.goes_on(&asked.ticket).await.unwrap();

    assert_eq!(told(&own), "CREATED NEW_USER_CHOSEN");
}

#[tokio::test]
async fn a_preview_returns_registration_needed_and_no_ticket() {
    let server = server_that("ask").await;
    let preview = pb::ResolveSignInRequest { validate_only: true, ..sign_in("github", "h1") };

    let previewed =
        server.db_previewed(server.service().resolve_sign_in(preview)).await.decision.unwrap();

    assert_eq!(
        (told(&previewed).as_str(), previewed.ticket.as_str()),
        ("REGISTRATION_NEEDED EMAIL_MISSING", "")
    );
    let asked = server.service().arrives("github", "h1", "").await;
    let proof = Some(Proof::SignInTicket(asked.ticket));
    let preview = pb::ResolveSignInRequest { proof, validate_only: true, ..Default::default() };
    let previewed =
        server.db_previewed(server.service().resolve_sign_in(preview)).await.decision.unwrap();
    assert_eq!((told(&previewed).as_str(), who(&previewed)), ("CREATED EMAIL_MISSING", ""));
}

/// A76: the ticket is for a sign-in. It is no proof for a link, for any caller.
#[tokio::test]
async fn a_registration_ticket_links_nothing() {
    let server = server_that("ask").await;
    let service = server.service();
    let ann = service.create("google-oauth2", "g1").await.id;
    let ticket = service.arrives("github", "h1", EMAIL).await.ticket;

    let invalid = "FailedPrecondition LINK_TICKET_INVALID";
    assert_eq!(server.db_refused(service.link(link_by(&ann, &ticket))).await, invalid);
    let person = server.person("google-oauth2", "g1");
    assert_eq!(server.db_refused(person.link(link_by("", &ticket))).await, invalid);
    assert_eq!(server.db_refused(server.service_of("other").goes_on(&ticket)).await, OVER);
}

/// A76: a ticket no longer signs in an account that has come to another user meanwhile, or was
/// deleted.
#[tokio::test]
async fn a_registration_ticket_is_over_after_the_account_has_moved() {
    for what in ["made", "linked", "deleted", "expired"] {
        let server = server_that("ask").await;
        let service = server.service();
        let ticket = service.arrives("github", "h1", EMAIL).await.ticket;
        let made =
            if what == "expired" { String::new() } else { service.create("github", "h1").await.id };
        match what {
            "linked" => {
                let ann = service.create("google-oauth2", "g1").await.id;
                service.link(link_user(&ann, &made)).await.unwrap();
            }
            "deleted" => service.delete(&made).await,
            "expired" => {
                server.database.db_execute("UPDATE sign_in_tickets SET expire_time = now()").await;
            }
            _ => {}
        }

        let outcome = service.goes_on(&ticket).await;

        match what {
            // The user has this account and no other, so it is the account's own.
            "made" => assert_eq!(told(&outcome.unwrap()), "SIGNED_IN IDENTITY_KNOWN"),
            _ => assert_eq!(refusal(outcome), OVER, "{what}"),
        }
        server.database.db_assert_invariants().await;
    }
}

/// A77: two second calls at once lead to one user, and a retry under the request id gets the first
/// response.
#[tokio::test]
async fn the_second_call_gets_the_same_response_under_its_request_id() {
    let server = server_that("ask").await;
    let service = server.service();
    let first = pb::ResolveSignInRequest {
        request_id: uuid::Uuid::new_v4().to_string(),
        ..sign_in_with(account("github", "h1", EMAIL))
    };
    let asked = service.resolve_sign_in(first.clone()).await.unwrap();
    let second = pb::ResolveSignInRequest {
        proof: Some(Proof::SignInTicket(asked.decision.clone().unwrap().ticket)),
        request_id: uuid::Uuid::new_v4().to_string(),
        ..Default::default()
    };

    let created = service.resolve_sign_in(second.clone()).await.unwrap();

    assert_eq!(told(created.decision.as_ref().unwrap()), "CREATED EMAIL_UNCLAIMED");
    assert_eq!(service.resolve_sign_in(second).await.unwrap(), created);
    assert_eq!(service.resolve_sign_in(first).await.unwrap(), asked);
}

#[test]
fn an_unknown_value_is_a_problem_of_the_configuration() {
    let listen = "127.0.0.1:0".parse().unwrap();
    let toml = config_toml(listen, "postgres://localhost/x")
        + "[tenants.strange]\nregistration = \"maybe\"\nundeclared_providers = \"allow\"\n";
    let problems = Config::parse(&toml, Path::new("."), []).err().unwrap();
    let problems = problems.0.iter().map(ToString::to_string);
    let texts = problems.map(|text| text.split_once(": ").unwrap().1.to_owned());
    assert_eq!(
        Vec::from_iter(texts),
        ["tenants.strange.registration: must be one of \"open\", \"ask\", \"closed\""]
    );
}
