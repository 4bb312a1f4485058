//! The word on an email is stored, by every entrance.

use pb::link_request::Secondary;

use super::*;
use crate::support::tokens::Token;

const TRUSTED: &str = "email_trust = \"when_verified\"";

/// A token of an SMS account that contains the email as verified.
fn telling(subject: &str) -> String {
    Token::of("sms", subject).with("email", EMAIL).with("email_verified", true).sign()
}

/// The account with the email, as a service sends it.
fn account(subject: &str, email_verified: bool) -> pb::ProvenAccount {
    pb::ProvenAccount {
        identity_ref: identity_ref("sms", subject),
        email: EMAIL.to_owned(),
        email_verified,
        ..Default::default()
    }
}

/// Whether responses show the email of this SMS account as verified.
async fn is_verified(server: &TestServer, subject: &str) -> bool {
    let user =
        server.service().find_by_identity(owner_of("sms", subject)).await.unwrap().user.unwrap();
    let is_it = |of: &&pb::Identity| of.identity_ref == identity_ref("sms", subject);
    user.identities.iter().find(is_it).unwrap().email_verified
}

/// A70: a word that an entrance dropped could not count later; one that it stored as trusted would
/// count for ever.
#[tokio::test]
async fn every_entrance_keeps_the_word_on_an_email() {
    let untrusting = TestServer::start_auth0().await;
    let service = untrusting.service();
    service.create("google-oauth2", "g1").await;
    let person = untrusting.person("google-oauth2", "g1");

    service.create_with("sms", "created", verified(EMAIL)).await;
    let body =
        value!({"connection": "sms", "user_id": "posted", "email": EMAIL, "email_verified": true});
    assert_eq!(
        untrusting.backend().post("/api/v2/users", &body).await.ok()["email_verified"],
        false
    );
    let newcomer = service
        .resolve_sign_in(sign_in_with(account("resolved", true)))
        .await
        .unwrap()
        .decision
        .unwrap();
    assert_eq!(newcomer.rule(), pb::SignInRule::EmailUnverified);
    assert!(!newcomer.user.unwrap().identities[0].email_verified);
    person.link(link_with(&telling("attached"))).await.unwrap();
    let user = person.user("").await.id;
    let body = value!({"link_with": telling("attached-over-http")});
    let linked = untrusting.asker(&Token::of("google-oauth2", "g1"));
    let linked = linked.post(&format!("/api/v2/users/{user}/identities"), &body).await.ok();
    assert_eq!(linked[2]["profileData"]["email_verified"], false);
    service.resolve_sign_in(sign_in_with(account("refreshed", false))).await.unwrap();
    service.resolve_sign_in(sign_in_with(account("refreshed", true))).await.unwrap();
    db_keep_by_ticket(&untrusting).await;

    let entrances = [
        "created",
        "posted",
        "resolved",
        "attached",
        "attached-over-http",
        "refreshed",
        "by-ticket",
        "on-its-own",
    ];
    for (decision, counts) in [(TRUSTED, true), ("", false), (TRUSTED, true)] {
        let server = deciding(&untrusting.database, decision).await;
        for subject in entrances {
            assert_eq!(is_verified(&server, subject).await, counts, "{subject} {decision}");
        }
    }
}

/// Two accounts come by tickets that were issued while the provider was trusted, and are used while
/// it is not.
async fn db_keep_by_ticket(untrusting: &TestServer) {
    let trusting = deciding(&untrusting.database, TRUSTED).await;
    let service = trusting.service();
    let ann = service.create_with("github", "h1", verified(EMAIL)).await;
    let mut tickets = vec![];
    for subject in ["by-ticket", "on-its-own"] {
        let asked = service
            .resolve_sign_in(sign_in_with(account(subject, true)))
            .await
            .unwrap()
            .decision
            .unwrap();
        assert_eq!(asked.outcome(), pb::sign_in_decision::Outcome::Candidates);
        tickets.push(asked.ticket);
    }

    let service = untrusting.service();
    let on_its_own = pb::resolve_sign_in_request::Proof::SignInTicket(tickets.pop().unwrap());
    let request = pb::ResolveSignInRequest { proof: Some(on_its_own), ..Default::default() };
    let own = service.resolve_sign_in(request).await.unwrap().decision.unwrap().user.unwrap();
    assert!(!own.identities[0].email_verified);
    let link = Some(Secondary::LinkTicket(tickets.pop().unwrap()));
    let request = pb::LinkRequest { user_id: ann.id, secondary: link, ..Default::default() };
    let linked = service.link(request).await.unwrap().user.unwrap();
    assert_eq!(
        linked.identities.iter().map(|of| of.email_verified).collect::<Vec<_>>(),
        [true, false]
    );
}

/// A70: an email that does not parse as an address is never verified.
#[tokio::test]
async fn an_email_that_is_no_address_is_never_verified() {
    let server = TestServer::start().await;
    let nobody = pb::ProvenAccount {
        identity_ref: identity_ref("github", "h1"),
        email: "nobody".to_owned(),
        email_verified: true,
        ..Default::default()
    };
    let user = server
        .service()
        .resolve_sign_in(sign_in_with(nobody))
        .await
        .unwrap()
        .decision
        .unwrap()
        .user
        .unwrap();
    assert_eq!(
        (user.identities[0].email.as_str(), user.identities[0].email_verified),
        ("nobody", false)
    );

    let token = Token::of("github", "h2").with("email", "no one").with("email_verified", true);
    server.service().create("google-oauth2", "g1").await;
    let linked = server
        .person("google-oauth2", "g1")
        .link(link_with(&token.sign()))
        .await
        .unwrap()
        .user
        .unwrap();
    assert_eq!(
        (linked.identities[1].email.as_str(), linked.identities[1].email_verified),
        ("no one", false)
    );
}
