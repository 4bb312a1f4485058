//! `Link` with `attach_only`: an account that no user owns is attached, and no user is absorbed.

use identity_link::grpc::proto::{self as pb, link_request::Secondary, link_response::Outcome};

use crate::support::{tokens::Token, *};

const TAKEN: &str = "AlreadyExists IDENTITY_TAKEN";

/// The same link with `attach_only`.
fn attach_only(link: pb::LinkRequest) -> pb::LinkRequest {
    pb::LinkRequest { attach_only: true, ..link }
}

#[tokio::test]
async fn an_account_that_no_user_owns_is_attached() {
    let server = TestServer::start().await;
    server.service().create("google-oauth2", "g1").await;
    let person = server.person("google-oauth2", "g1");
    let token = server.proof("github", "h1");

    let linked = person.link(attach_only(link_with(&token))).await.unwrap();

    assert_eq!(linked.outcome(), Outcome::Attached);
    assert_eq!(identities(&linked.user.unwrap()), ["google-oauth2|g1", "github|h1"]);
    // The account now belongs to the caller.
    for again in [token, server.proof("github", "h1")] {
        let again = person.link(attach_only(link_with(&again))).await.unwrap();
        assert_eq!(again.outcome(), Outcome::AlreadyLinked);
    }
}

/// A75: the refusal is the same for each owner of the account and for each state of that user.
#[tokio::test]
async fn an_account_of_another_user_is_refused_alike_and_its_proof_stays_usable() {
    for what in ["plain", "blocked", "full", "absorbed", "by its id"] {
        let server = TestServer::start().await;
        let service = server.service();
        service.create("google-oauth2", "g1").await;
        let other = service.create_with("github", "h1", verified("other@example.com")).await.id;
        let mut token = server.proof("github", "h1");
        match what {
            "blocked" => service.block(&other, true).await,
            "full" => server.db_give_identities(&other, 99).await,
            "absorbed" => {
                let holder = service.create("okta", "o1").await.id;
                service.link(link_user(&holder, &other)).await.unwrap();
                token = Token::of("github", "h1").issued_ago(-5).sign();
            }
            "by its id" => token = server.proof("users", &other),
            _ => {}
        }
        let person = server.person("google-oauth2", "g1");

        for validate_only in [true, false] {
            let request = pb::LinkRequest { validate_only, ..attach_only(link_with(&token)) };
            let status = server.db_refused_status(person.link(request)).await;
            let told = format!("{status:?}");
            assert!(
                !told.contains(&other) && !told.contains("other@") && !told.contains("h1"),
                "{told}"
            );
            assert_eq!(refusal::<()>(Err(status)), TAKEN, "{what}");
        }
        // A refusal for a wrong version would disclose whether there is a user.
        let request =
            pb::LinkRequest { expected_version: Some(7), ..attach_only(link_with(&token)) };
        assert_eq!(server.db_refused(person.link(request)).await, TAKEN, "{what}");

        if what == "plain" {
            let linked = person.link(link_with(&token)).await.unwrap();
            assert_eq!(linked.outcome(), Outcome::Absorbed, "the proof is still unused");
        }
    }
}

/// A75: the fields that exclude `attach_only`.
#[tokio::test]
async fn attach_only_needs_a_proof_and_excludes_the_version_of_a_secondary_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let [one, two] =
        [service.create("google-oauth2", "g1").await.id, service.create("github", "h1").await.id];
    let by_id = pb::LinkRequest {
        expected_secondary_version: Some(1),
        ..attach_only(link_user(&one, &two))
    };
    insta::assert_snapshot!(server.db_refused(service.link(by_id)).await, @r"
    InvalidArgument REQUEST_INVALID
    expected_secondary_version: must be absent where attach_only is set: then there is no secondary user
    attach_only: needs a proof, link_with or link_ticket: a named identity belongs to a user already
    ");
    let by_identity = attach_only(link_identity(&one, "github", "h1"));
    insta::assert_snapshot!(server.db_refused(service.link(by_identity)).await, @r"
    InvalidArgument REQUEST_INVALID
    attach_only: needs a proof, link_with or link_ticket: a named identity belongs to a user already
    ");
}

#[tokio::test]
async fn a_ticket_can_be_linked_with_attach_only() {
    let server = TestServer::start().await;
    let service = server.service();
    let account = |provider: &str| pb::ProvenAccount {
        identity_ref: identity_ref(provider, "1"),
        email: "ann@example.com".to_owned(),
        email_verified: true,
        ..Default::default()
    };
    let ann = service
        .resolve_sign_in(sign_in_with(account("google-oauth2")))
        .await
        .unwrap()
        .decision
        .unwrap();
    let asked =
        service.resolve_sign_in(sign_in_with(account("apple"))).await.unwrap().decision.unwrap();
    let request = pb::LinkRequest {
        user_id: ann.user.unwrap().id,
        secondary: Some(Secondary::LinkTicket(asked.ticket)),
        ..Default::default()
    };

    let linked = service.link(attach_only(request)).await.unwrap();

    assert_eq!(linked.outcome(), Outcome::Attached);
}
