//! A newcomer's other verified addresses at GitHub: they suggest users, link none, and are not
//! stored (A100).

use super::{
    github::client_at,
    previews::{goes_on, link_by, preview, told},
    *,
};
use crate::support::fake_github::{FakeGithub, email};

const OTHER: &str = "ann@example.com";

/// A server with a client at a GitHub where the octocat has a primary address of its own, and this
/// other one. Accounts of that provider are linked automatically.
async fn github_with(other: Value) -> (FakeGithub, TestServer) {
    let github = FakeGithub::start(vec![other, email("octo@example.com", true, true)]).await;
    let trusted = "linking = \"automatic\"\nemail_trust";
    let server = server_with(&client_at(&github).replacen("email_trust", trusted, 1)).await;
    (github, server)
}

/// Ann signs in with Google, and has proven the other address there. Returns her id.
async fn ann(service: &Caller) -> String {
    let request = sign_in_with(pb::ProvenAccount {
        identity_ref: identity_ref("google-oauth2", "g1"),
        email: OTHER.to_owned(),
        email_verified: true,
        ..Default::default()
    });
    let decision = service.resolve_sign_in(request).await.unwrap().decision.unwrap();
    decision.user.unwrap().id
}

fn candidates(decision: &pb::SignInDecision) -> Vec<&str> {
    decision.candidates.iter().map(|candidate| candidate.user_id.as_str()).collect()
}

/// A100: the person has to sign in as Ann. Then the account is hers, and the other address is
/// nowhere but on her own account.
#[tokio::test]
async fn a_user_of_another_verified_address_is_suggested() {
    let (_github, server) = github_with(email("Ann@Example.com", false, true)).await;
    let service = server.service();
    let ann = ann(&service).await;

    let asked = decision(sign_in(&server, "hub").await);

    assert_eq!(told(&asked), "CANDIDATES OTHER_EMAIL_VERIFIED");
    assert_eq!(candidates(&asked), [&ann]);
    assert_eq!(asked.candidates[0].providers, ["google-oauth2"]);
    let evidence: Vec<_> = asked
        .evidence
        .iter()
        .map(|of| (of.user_id.as_str(), of.email.as_str(), of.counts))
        .collect();
    assert_eq!(
        evidence,
        [("", "octo@example.com", true), ("", OTHER, true), (ann.as_str(), OTHER, true)]
    );
    assert_eq!(server.database.db_texts("SELECT id FROM users").await, [ann.as_str()]);

    service.link(link_by(&ann, &asked.ticket)).await.unwrap();

    let known = decision(sign_in(&server, "hub").await);
    assert_eq!(told(&known), "SIGNED_IN IDENTITY_KNOWN");
    assert_eq!(known.user.unwrap().id, ann);
    let emails = "SELECT provider || ' ' || email FROM identities ORDER BY 1";
    assert_eq!(
        server.database.db_texts(emails).await,
        ["google-oauth2 ann@example.com", "hub octo@example.com"]
    );
    // The ticket has it for ten minutes.
    server.database.db_execute("DELETE FROM sign_in_tickets").await;
    assert!(!server.database.db_dump().await.contains("Ann@Example.com"));
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn a_preview_and_what_carries_it_out_suggest_alike() {
    let (_github, server) = github_with(email(OTHER, false, true)).await;
    let service = server.service();
    let ann = ann(&service).await;
    let begun = service.start_sign_in(to_sign_in("hub")).await.unwrap();

    let previewed = service.complete_sign_in(preview(come_back(&begun).await)).await.unwrap();
    let ticket = previewed.ticket.clone();
    let asked = goes_on(&service, &ticket).await.unwrap();

    for decision in [decision(Ok(previewed)), asked.clone()] {
        assert_eq!(told(&decision), "CANDIDATES OTHER_EMAIL_VERIFIED");
        assert_eq!(candidates(&decision), [&ann]);
    }
    let own = goes_on(&service, &asked.ticket).await.unwrap();
    assert_eq!(told(&own), "CREATED NEW_USER_CHOSEN");
    assert_ne!(own.user.unwrap().id, ann);
}

#[tokio::test]
async fn an_unverified_address_suggests_no_user() {
    let (_github, server) = github_with(email(OTHER, false, false)).await;
    ann(&server.service()).await;
    let decision = decision(sign_in(&server, "hub").await);
    assert_eq!(told(&decision), "CREATED EMAIL_UNCLAIMED");
}

/// Under a request id, a call whose server died continues from the stored account.
#[tokio::test]
async fn a_retry_suggests_the_same_users() {
    let (_github, server) = github_with(email(OTHER, false, true)).await;
    let service = server.service();
    ann(&service).await;
    let begun = service.start_sign_in(to_sign_in("hub")).await.unwrap();
    let request = pb::CompleteSignInRequest {
        request_id: uuid::Uuid::new_v4().to_string(),
        ..come_back(&begun).await
    };
    let first = service.complete_sign_in(request.clone()).await;
    // As if the server had died before it decided.
    server.database.db_execute("DELETE FROM request_ids; DELETE FROM sign_in_tickets").await;

    let again = decision(service.complete_sign_in(request).await);

    assert_eq!(told(&again), "CANDIDATES OTHER_EMAIL_VERIFIED");
    assert_eq!(again.candidates, decision(first).candidates);
}
