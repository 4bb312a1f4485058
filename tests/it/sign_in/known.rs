//! An account that is known is its owner's, and what its provider tells of it is refreshed.

use serde_json::json as value;

use super::*;
use crate::support::events::{events, line};

/// A08: the email that it shows now may be anybody's.
#[tokio::test]
async fn it_is_its_owner_s_whatever_email_it_shows() {
    let server = TestServer::start().await;
    let service = server.service();
    let mallory = service.arrives("github", "m1", "mallory@example.com").await;
    let ann = service.arrives("google-oauth2", "g1", EMAIL).await;

    let decision = service.arrives("github", "m1", EMAIL).await;

    assert_eq!((told(&decision).as_str(), who(&decision)), ("SIGNED_IN IDENTITY_KNOWN", who(&mallory)));
    assert_eq!(service.user(who(&ann)).await, ann.user.clone().unwrap());
    // From now on two have proven it.
    assert_eq!(told(&service.arrives("apple", "a1", EMAIL).await), "CANDIDATES SEVERAL_USERS");
}

#[tokio::test]
async fn what_is_told_is_refreshed_and_what_is_not_told_stays() {
    let server = TestServer::start().await;
    let service = server.service();
    let profile = |name: &str| pb::ProvenAccount {
        profile_data: object(value!({"name": name})),
        ..account("github", "h1", EMAIL)
    };
    let first = service.signs_in(profile("Ann")).await.unwrap().user.unwrap();

    let same = service.signs_in(profile("Ann")).await.unwrap().user.unwrap();
    assert_eq!(same, first);
    let nothing = service.signs_in(account("github", "h1", "")).await.unwrap().user.unwrap();
    assert_eq!(nothing, first);

    let renamed = service.signs_in(profile("Anna")).await.unwrap().user.unwrap();
    assert_eq!((renamed.version, json(&renamed.profile)), (2, value!({"name": "Anna"})));
    assert_eq!(renamed.identities[0].email_verify_time, first.identities[0].email_verify_time);
    assert_eq!(service.user(&first.id).await, renamed);

    // R10: what is verified no more counts no more.
    let unverified = pb::ProvenAccount { email_verified: false, ..account("github", "h1", EMAIL) };
    let doubted = service.signs_in(unverified).await.unwrap().user.unwrap();
    assert_eq!((doubted.version, doubted.identities[0].email_verified), (3, false));
    assert_eq!(told(&service.arrives("google-oauth2", "g1", EMAIL).await), "CREATED EMAIL_UNPROVEN_ELSEWHERE");

    let events = events(&service, 4).await;
    let lines: Vec<String> = events.iter().map(line).collect();
    let id = &first.id;
    assert_eq!(lines[1..3], [format!("refreshed {id} 1>2"), format!("refreshed {id} 2>3")]);
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn it_signs_in_as_whoever_holds_it_now() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.arrives("google-oauth2", "g1", "").await;
    let phone = service.arrives("sms", "s1", "").await;
    service.link(link_user(who(&ann), who(&phone))).await.unwrap();
    assert_eq!(who(&service.arrives("sms", "s1", "").await), who(&ann));

    service.unlink(unlink(who(&ann), "sms", "s1")).await.unwrap();
    assert_eq!(who(&service.arrives("sms", "s1", "").await), who(&phone));

    service.delete(who(&phone)).await;
    let again = service.arrives("sms", "s1", "").await;
    assert_eq!(told(&again), "CREATED EMAIL_MISSING");
    assert_ne!(who(&again), who(&phone));
}
