//! A known account signs in as its owner, and its email and profile are refreshed.

use serde_json::{Value, json as value};

use super::*;
use crate::support::events::{events, line};

/// A08: the email that the account shows now may be any person's.
#[tokio::test]
async fn a_known_account_signs_in_as_its_owner_with_any_email() {
    let server = TestServer::start().await;
    let service = server.service();
    let mallory = service.arrives("github", "m1", "mallory@example.com").await;
    let ann = service.arrives("google-oauth2", "g1", EMAIL).await;

    let decision = service.arrives("github", "m1", EMAIL).await;

    assert_eq!(
        (told(&decision).as_str(), who(&decision)),
        ("SIGNED_IN IDENTITY_KNOWN", who(&mallory))
    );
    assert_eq!(service.user(who(&ann)).await, ann.user.clone().unwrap());
    // Two users have proven the email now.
    assert_eq!(told(&service.arrives("apple", "a1", EMAIL).await), "CANDIDATES SEVERAL_USERS");
}

#[tokio::test]
async fn what_a_sign_in_contains_is_refreshed_and_what_it_lacks_stays() {
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

    // R10: an email that is no longer verified no longer counts.
    let unverified = pb::ProvenAccount { email_verified: false, ..account("github", "h1", EMAIL) };
    let doubted = service.signs_in(unverified).await.unwrap().user.unwrap();
    assert_eq!((doubted.version, doubted.identities[0].email_verified), (3, false));
    assert_eq!(
        told(&service.arrives("google-oauth2", "g1", EMAIL).await),
        "CREATED EMAIL_UNVERIFIED_ON_OTHER_USERS"
    );

    let events = events(&service, 4).await;
    let lines: Vec<String> = events.iter().map(line).collect();
    let id = &first.id;
    assert_eq!(lines[1..3], [format!("refreshed {id} 1>2"), format!("refreshed {id} 2>3")]);
    server.database.db_assert_invariants().await;
}

/// The same holds claim by claim: some providers send a name only once.
#[tokio::test]
async fn a_claim_that_a_sign_in_lacks_stays() {
    let server = TestServer::start().await;
    let service = server.service();
    let signs_in = async |email: &str, profile: Value| {
        let profile_data = object(profile);
        let account = pb::ProvenAccount { profile_data, ..account("github", "h1", email) };
        let user = service.signs_in(account).await.unwrap().user.unwrap();
        (user.version, json(&user.identities[0].profile_data))
    };
    let whole =
        value!({"name": "Ann", "picture": "p", "address": {"country": "SI", "locality": "Piran"}});
    assert_eq!(signs_in(EMAIL, whole.clone()).await, (1, whole.clone()));

    assert_eq!(signs_in(EMAIL, value!({"picture": "p"})).await, (1, whole), "nothing new");
    let moved =
        value!({"name": "Ann", "picture": "q", "address": {"country": "IT"}, "locale": "it"});
    let told = value!({"picture": "q", "address": {"country": "IT"}, "locale": "it"});
    assert_eq!(signs_in("", told).await, (2, moved), "each claim is replaced as a whole");
    let nameless =
        value!({"name": null, "picture": "q", "address": {"country": "IT"}, "locale": "it"});
    assert_eq!(
        signs_in("", value!({"name": null})).await,
        (3, nameless.clone()),
        "null is a value"
    );
    assert_eq!(service.user(&service.owner("github", "h1").await).await.identities[0].email, EMAIL);

    // Both together would exceed 16 KiB, so only the claims of this sign-in are kept.
    let large = |name: &str| value!({ name: "x".repeat(9 * 1024) });
    assert_eq!(signs_in("", large("a")).await.0, 4);
    assert_eq!(signs_in("", large("b")).await, (5, large("b")));
    server.database.db_assert_invariants().await;
}

/// A85: a domain that came with one email says nothing about another.
#[tokio::test]
async fn the_hosted_domain_comes_and_goes_with_the_email() {
    let database = cluster::cluster().db_migrated().await;
    let hosted = "[tenants.default.providers.work]\nlinking = \"automatic\"\nemail_trust = \"authoritative_domains\"\n\
                  hosted_domains = true\n";
    let server = TestServer::start_with(database, |toml| toml + hosted).await;
    let service = server.service();
    let signs_in = async |email: &str, profile: Value| {
        let account =
            pb::ProvenAccount { profile_data: object(profile), ..account("work", "w1", email) };
        let user = service.signs_in(account).await.unwrap().user.unwrap();
        (user.identities[0].email_verified, json(&user.identities[0].profile_data))
    };
    let hosted = value!({"name": "Ann", "hd": "example.com"});
    assert_eq!(signs_in(EMAIL, hosted.clone()).await, (true, hosted.clone()));
    assert_eq!(
        signs_in("", value!({"hd": "evil.example"})).await,
        (true, hosted),
        "a domain without an email"
    );

    // The account has left the organisation.
    assert_eq!(signs_in(EMAIL, value!({"name": "Ann"})).await, (false, value!({"name": "Ann"})));
    assert_eq!(
        told(&service.arrives("google-oauth2", "g1", EMAIL).await),
        "CREATED EMAIL_UNVERIFIED_ON_OTHER_USERS"
    );
}

#[tokio::test]
async fn a_known_account_signs_in_as_its_present_holder() {
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
