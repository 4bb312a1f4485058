//! A62: an email vouches only for accounts that came after it was proven (A02, A03 and A04: the
//! classes 2, 3 and 4 of account pre-hijacking). The rows of the table are tested in
//! `src/domain/sign_in/tests.rs`.

use super::*;
use crate::support::tokens::Token;

/// An account with this email, which its provider does not say it has verified.
fn unproven(provider: &str, subject: &str, email: &str) -> pb::ProvenAccount {
    pb::ProvenAccount { email_verified: false, ..account(provider, subject, email) }
}

/// The other accounts that would come along with the first candidate.
fn others(decision: &pb::SignInDecision) -> Vec<String> {
    let others = decision.candidates[0].other_accounts.iter();
    others
        .map(|other| {
            let identity = other.identity.as_ref().unwrap();
            assert!(other.since.is_some());
            format!("{}|{}", identity.provider, identity.subject)
        })
        .collect()
}

async fn writes(server: &TestServer, token: &Token) -> String {
    let change = update("", &["user_metadata"], pb::UserUpdate::default());
    let change = server
        .caller(token)
        .update_user(pb::UpdateUserRequest { validate_only: true, ..change })
        .await;
    change.map_or_else(|status| refusal::<()>(Err(status)), |_| "ok".to_owned())
}

/// A03: a thief attaches an account of his own to a user with the victim's address, and waits until
/// she proves it.
#[tokio::test]
async fn a_trojan_account_is_not_joined_by_the_owner_of_the_address() {
    let server = TestServer::start().await;
    let service = server.service();
    let trap = service.signs_in(unproven("google-oauth2", "trap", EMAIL)).await.unwrap();
    server
        .person("google-oauth2", "trap")
        .link(link_with(&server.proof("sms", "thief")))
        .await
        .unwrap();
    // The victim claims the account, for instance by resetting its password, and so proves the
    // address.
    service.arrives("google-oauth2", "trap", EMAIL).await;

    let ann = service.arrives("github", "ann", EMAIL).await;

    assert_eq!(
        (told(&ann).as_str(), candidates(&ann)),
        ("CANDIDATES ACCOUNT_OLDER_THAN_EMAIL", vec![who(&trap)])
    );
    assert_eq!(others(&ann), ["sms|thief"]);
    assert!(
        service.owner("sms", "thief").await
            != service.goes_on(&ann.ticket).await.unwrap().user.unwrap().id
    );
    server.database.db_assert_invariants().await;
}

/// A04: a thief begins to change the address of his account to the victim's, and has her confirm
/// it.
#[tokio::test]
async fn an_account_that_changed_to_the_address_is_not_joined_by_its_owner() {
    let server = TestServer::start().await;
    let service = server.service();
    let thief = service.arrives("google-oauth2", "thief", "thief@example.com").await;
    service.arrives("google-oauth2", "thief", EMAIL).await;

    let ann = service.arrives("github", "ann", EMAIL).await;

    assert_eq!(
        (told(&ann).as_str(), candidates(&ann)),
        ("CANDIDATES EMAIL_CHANGED", vec![who(&thief)])
    );
}

/// A02: a thief keeps the session of the account that he made with the victim's address.
#[tokio::test]
async fn sessions_from_before_an_address_was_proven_only_read() {
    let server = TestServer::start().await;
    let service = server.service();
    let trap = service.signs_in(unproven("google-oauth2", "trap", EMAIL)).await.unwrap();
    server
        .person("google-oauth2", "trap")
        .link(link_with(&server.proof("sms", "thief")))
        .await
        .unwrap();
    let old = |provider, subject: &str| Token::of(provider, subject).issued_ago(5);
    let later = |provider, subject: &str| Token::of(provider, subject).issued_ago(-2);
    let sessions = [
        later("sms", "thief").with("iat", identity_link::clock::now().timestamp() - 5),
        old("users", who(&trap)),
    ];
    assert_eq!(writes(&server, &sessions[1]).await, "ok");

    service.arrives("google-oauth2", "trap", EMAIL).await;

    for (n, session) in sessions.iter().enumerate() {
        assert_eq!(writes(&server, session).await, "PermissionDenied REAUTHENTICATION_REQUIRED");
        assert_eq!(server.caller(session).user("").await.id, who(&trap));
        let third = format!("third{n}");
        service.create("okta", &third).await;
        let third = server.person("okta", &third);
        assert_eq!(
            server.db_refused(third.link(link_with(&session.sign()))).await,
            "FailedPrecondition LINK_TOKEN_INVALID"
        );
    }
    // The account that proved the address keeps its sessions, and every account can sign in again.
    assert_eq!(writes(&server, &old("google-oauth2", "trap")).await, "ok");
    assert_eq!(writes(&server, &later("sms", "thief")).await, "ok");
    assert_eq!(writes(&server, &later("users", who(&trap))).await, "ok");
    // A second proof of the address withdraws nothing more.
    let session = Token::of("users", who(&trap));
    service.arrives("google-oauth2", "trap", EMAIL).await;
    assert_eq!(writes(&server, &session).await, "ok");
}

/// An account that a caller attaches with a proof withdraws no token. A plain sign-up is linked
/// automatically later.
#[tokio::test]
async fn a_user_without_a_waiting_account_is_not_affected() {
    let server = TestServer::start().await;
    let service = server.service();
    let session = Token::of("google-oauth2", "ann").issued_ago(60);
    let ann = service.signs_in(unproven("google-oauth2", "ann", EMAIL)).await.unwrap();
    let proof = Token::of("apple", "ann").with("email", EMAIL).with("email_verified", true);
    server.person("google-oauth2", "ann").link(link_with(&proof.sign())).await.unwrap();
    assert_eq!(writes(&server, &session).await, "ok");
    assert_eq!(writes(&server, &Token::of("users", who(&ann)).issued_ago(60)).await, "ok");
    service.arrives("google-oauth2", "ann", EMAIL).await;

    assert_eq!(
        told(&service.arrives("github", "ann", EMAIL).await),
        "CANDIDATES LINKING_SUGGESTED",
        "apple suggests"
    );

    let ben = service.signs_in(unproven("google-oauth2", "ben", "ben@example.com")).await.unwrap();
    service.arrives("google-oauth2", "ben", "ben@example.com").await;
    let linked = service.arrives("github", "ben", "ben@example.com").await;
    assert_eq!(
        (told(&linked).as_str(), who(&linked)),
        ("LINKED EMAIL_VERIFIED_ON_BOTH_SIDES", who(&ben))
    );
}

/// A person sees the names of the providers. A service sees which accounts there are and since
/// when.
#[tokio::test]
async fn the_accounts_that_would_come_along_with_a_candidate_are_listed() {
    let server = TestServer::start().await;
    let service = server.service();
    service.create("sms", "thief").await;
    let proof = Token::of("google-oauth2", "ann").with("email", EMAIL).with("email_verified", true);
    server.person("sms", "thief").link(link_with(&proof.sign())).await.unwrap();
    let ben = service.create_with("github", "ben", verified(EMAIL)).await.id;

    let list = |user_id: &str| pb::ListLinkCandidatesRequest { user_id: user_id.to_owned() };
    let told = service.list_link_candidates(list(&ben)).await.unwrap().candidates.remove(0);
    let own = server
        .person("github", "ben")
        .list_link_candidates(list(""))
        .await
        .unwrap()
        .candidates
        .remove(0);

    let identity = told.other_accounts[0].identity.as_ref().unwrap();
    assert_eq!((identity.provider.as_str(), identity.subject.as_str()), ("sms", "thief"));
    assert!(told.other_accounts[0].since.is_some());
    assert_eq!(told.other_providers, ["sms"]);
    assert_eq!((own.other_accounts.len(), own.other_providers), (0, vec!["sms".to_owned()]));
}
