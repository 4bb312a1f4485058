//! `ListLinkCandidates`.

use identity_link::grpc::proto::{self as pb, link_candidate::Reason};

use crate::support::*;

const EMAIL: &str = "ann@example.com";

async fn candidates(caller: &Caller, user_id: &str) -> Vec<pb::LinkCandidate> {
    let request = pb::ListLinkCandidatesRequest { user_id: user_id.to_owned() };
    caller.list_link_candidates(request).await.unwrap().candidates
}

/// The ids of the candidates, in the order of the response.
async fn ids(service: &Caller, user_id: &str) -> Vec<String> {
    candidates(service, user_id).await.into_iter().map(|candidate| candidate.user_id).collect()
}

/// Creates a user with this email, verified; returns its id.
async fn user(service: &Caller, provider: &str, subject: &str, email: &str) -> String {
    service.create_with(provider, subject, verified(email)).await.id
}

#[tokio::test]
async fn services_see_users_and_emails_and_users_only_see_providers_and_handles() {
    let server = TestServer::start().await;
    let service = server.service();
    let own = user(&service, "google-oauth2", "g1", "Ann@Example.com").await;
    let other = user(&service, "github", "secret-subject", "ann@EXAMPLE.com").await;
    service.link(link_user(&other, &service.create("sms", "s1").await.id)).await.unwrap();

    let told = candidates(&service, &own).await;
    let person = server.person("google-oauth2", "g1");
    let told_to_self = candidates(&person, "").await;

    let to_both = pb::LinkCandidate {
        // The providers of the identities with a shared email, without the others.
        providers: vec!["github".to_owned()],
        reasons: vec![Reason::SharedVerifiedEmail.into()],
        // The providers of its other identities, which a link would bring along.
        other_providers: vec!["sms".to_owned()],
        ..Default::default()
    };
    let since = told[0].other_accounts[0].since;
    assert!(since.is_some());
    let to_service = pb::LinkCandidate {
        user_id: other.clone(),
        shared_emails: vec![EMAIL.to_owned()],
        other_accounts: vec![pb::OtherAccount { identity: identity_ref("sms", "s1"), since }],
        ..to_both.clone()
    };
    assert_eq!(told, [to_service]);
    let handle = told_to_self[0].handle.clone();
    assert_eq!(told_to_self, [pb::LinkCandidate { handle: handle.clone(), ..to_both }]);
    assert_eq!(handle.len(), 22);
    assert_eq!(candidates(&person, "").await[0].handle, handle, "a handle should stay the same");
}

#[tokio::test]
async fn a_candidate_has_another_handle_for_each_user() {
    let server = TestServer::start().await;
    let service = server.service();
    user(&service, "google-oauth2", "g1", EMAIL).await;
    user(&service, "github", "h1", EMAIL).await;
    user(&service, "apple", "a1", EMAIL).await;
    let mut handles = vec![];
    for (provider, subject) in [("google-oauth2", "g1"), ("github", "h1"), ("apple", "a1")] {
        let told = candidates(&server.person(provider, subject), "").await;
        assert_eq!(told.len(), 2);
        handles.extend(told.into_iter().map(|candidate| candidate.handle));
    }
    handles.sort_unstable();
    handles.dedup();

    assert_eq!(handles.len(), 6);
}

#[tokio::test]
async fn only_an_email_that_is_verified_on_both_sides_makes_a_candidate() {
    let server = TestServer::start().await;
    let service = server.service();
    let own = user(&service, "google-oauth2", "g1", EMAIL).await;
    let claims = service.create_with("github", "h1", unverified(EMAIL)).await.id;
    user(&service, "github", "h2", "another@example.com").await;
    let elsewhere = server.service_of("other");
    user(&elsewhere, "github", "h1", EMAIL).await;
    let without = service.create("sms", "s1").await.id;

    for id in [&own, &claims, &without] {
        assert_eq!(candidates(&service, id).await, [], "{id}");
    }
}

/// Two addresses that look alike may belong to two people.
#[tokio::test]
async fn an_email_beyond_ascii_before_the_at_makes_no_candidate() {
    let server = TestServer::start().await;
    let service = server.service();
    let jose = user(&service, "google-oauth2", "g1", "jos\u{e9}@example.com").await;
    user(&service, "github", "h1", "jos\u{e9}@example.com").await;
    let domain = user(&service, "google-oauth2", "g2", "ann@b\u{fc}cher.example").await;
    let same_domain = user(&service, "github", "h2", "ann@xn--bcher-kva.example").await;

    assert_eq!(ids(&service, &jose).await, [""; 0]);
    assert_eq!(ids(&service, &domain).await, [same_domain]);
}

#[tokio::test]
async fn blocked_and_absorbed_users_are_no_candidates() {
    let server = TestServer::start().await;
    let service = server.service();
    let own = user(&service, "google-oauth2", "g1", EMAIL).await;
    let blocked = user(&service, "github", "h1", EMAIL).await;
    let absorbed = user(&service, "auth0", "s1", EMAIL).await;
    let holder = service.create("okta", "o1").await.id;
    service.link(link_user(&holder, &absorbed)).await.unwrap();
    service.block(&blocked, true).await;

    assert_eq!(ids(&service, &own).await, [holder.as_str()]);
    assert_eq!(
        ids(&service, &absorbed).await,
        [own.as_str()],
        "an absorbed id should mean its holder"
    );

    service.link(link_user(&own, &holder)).await.unwrap();
    assert_eq!(ids(&service, &own).await, [""; 0], "no user should be a candidate for itself");
}

/// Creates a user with two such emails; returns its id.
async fn user_of_two(service: &Caller, provider: &str, emails: [&str; 2]) -> String {
    let [first, second] = emails;
    let primary = user(service, provider, first, first).await;
    let secondary = user(service, provider, second, second).await;
    service.link(link_user(&primary, &secondary)).await.unwrap();
    primary
}

#[tokio::test]
async fn more_shared_emails_come_first_then_later_verifications_and_unlinked_users_last() {
    let server = TestServer::start().await;
    let service = server.service();
    let emails = [EMAIL, "lee@example.com"];
    let own = user_of_two(&service, "google-oauth2", emails).await;
    let both = user_of_two(&service, "github", emails).await;
    let older = user(&service, "auth0", "s1", emails[0]).await;
    let younger = user(&service, "auth0", "s2", emails[1]).await;
    // The first candidate, until it is linked and unlinked.
    let parted = user_of_two(&service, "apple", emails).await;
    assert_eq!(ids(&service, &own).await, [parted.as_str(), &both, &younger, &older]);
    service.link(link_user(&own, &parted)).await.unwrap();
    for (provider, subject) in [("apple", emails[0]), ("apple", emails[1])] {
        service.unlink(unlink(&own, provider, subject)).await.unwrap();
    }
    service.link(link_user(&parted, &service.owner("apple", emails[1]).await)).await.unwrap();

    let ranked = candidates(&service, &own).await;

    let order: Vec<&str> = ranked.iter().map(|candidate| candidate.user_id.as_str()).collect();
    assert_eq!(order, [both.as_str(), &younger, &older, &parted]);
    assert_eq!(
        (&ranked[0].shared_emails[..], &ranked[0].providers[..]),
        (&emails.map(str::to_owned)[..], &["github".to_owned()][..])
    );
    let reasons = [Reason::SharedVerifiedEmail, Reason::WasLinkedBefore].map(i32::from);
    assert_eq!(ranked[3].reasons, reasons);
    assert!(ranked[..3].iter().all(|candidate| candidate.reasons == reasons[..1]));
}

/// A pair counts as linked before after a link of the two has ended, in either direction and by any
/// of their ids, and after one user was detached from the other.
#[tokio::test]
async fn an_unlinked_pair_is_marked_on_both_sides() {
    let server = TestServer::start().await;
    let service = server.service();
    let first = user(&service, "google-oauth2", "g1", EMAIL).await;
    let second = user(&service, "github", "h1", EMAIL).await;
    service.link(link_user(&first, &second)).await.unwrap();
    service.unlink(unlink(&first, "github", "h1")).await.unwrap();
    let was_linked = async |user_id: &str, other: &str| {
        let told = candidates(&service, user_id).await;
        let candidate = told.iter().find(|candidate| candidate.user_id == other).unwrap();
        candidate.reasons.contains(&Reason::WasLinkedBefore.into())
    };

    assert!(was_linked(&first, &second).await);
    assert!(was_linked(&second, &first).await);

    // A third user now holds the user that was linked before.
    let holder = service.create("okta", "o1").await.id;
    service.link(link_user(&holder, &second)).await.unwrap();
    assert!(was_linked(&first, &holder).await);
    assert!(was_linked(&holder, &first).await);

    // An identity that no link had moved was unlinked, and became a user of its own.
    let third = user(&service, "auth0", "s1", EMAIL).await;
    let fourth = user(&service, "auth0", "s2", EMAIL).await;
    assert!(!was_linked(&third, &fourth).await);
    let sql = format!("UPDATE users SET ancestors = '{{{third}}}' WHERE id = '{fourth}'");
    server.database.db_execute(&sql).await;
    assert!(was_linked(&third, &fourth).await);
    assert!(was_linked(&fourth, &third).await);
}

#[tokio::test]
async fn at_most_twenty_are_suggested() {
    let server = TestServer::start().await;
    let service = server.service();
    let own = user(&service, "google-oauth2", "g1", EMAIL).await;
    let mut newest_first = vec![];
    for n in 0..22 {
        newest_first.insert(0, user(&service, "github", &n.to_string(), EMAIL).await);
    }

    assert_eq!(ids(&service, &own).await, newest_first[..20]);
}

#[tokio::test]
async fn candidates_of_an_unknown_user_are_not_found() {
    let server = TestServer::start().await;
    let service = server.service();
    let ask = |user_id: &str| pb::ListLinkCandidatesRequest { user_id: user_id.to_owned() };

    assert_eq!(
        refusal(service.list_link_candidates(ask("usr_nobody")).await),
        "NotFound USER_NOT_FOUND"
    );
    assert_eq!(
        refusal(service.list_link_candidates(ask("a b")).await),
        "InvalidArgument REQUEST_INVALID\nuser_id: must be 1 to 255 printable ASCII characters without spaces"
    );
}
