//! `FindByIdentity`.

use crate::support::{tokens::Token, *};

#[tokio::test]
async fn the_owner_of_an_identity_is_found_after_links_and_unlinks() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;
    let owner = async |subject| {
        service.find_by_identity(owner_of("sms", subject)).await.unwrap().user.unwrap()
    };

    assert_eq!(owner("s1").await, sms);
    let linked = service.link(link_user(&google.id, &sms.id)).await.unwrap().user.unwrap();
    assert_eq!(owner("s1").await, linked);
    service.unlink(unlink(&google.id, "sms", "s1")).await.unwrap();
    assert_eq!(owner("s1").await.id, sms.id);
}

#[tokio::test]
async fn provider_and_subject_must_both_be_the_same_bytes_in_the_same_tenant() {
    let server = TestServer::start().await;
    let service = server.service();
    // One character in two encodings makes two subjects.
    service.create("github", "jos\u{e9}|x").await;

    for (provider, subject) in [
        ("github", "JOS\u{c9}|x"),
        ("github", "jose\u{301}|x"),
        ("github", "jos\u{e9}|x "),
        ("github", "jos\u{e9}"),
        ("sms", "jos\u{e9}|x"),
    ] {
        let outcome = service.find_by_identity(owner_of(provider, subject)).await;
        assert_eq!(refusal(outcome), "NotFound IDENTITY_NOT_FOUND", "{provider} {subject}");
    }
    let other = server.caller(&Token::of("services", "backend").tenant("other"));
    let outcome = other.find_by_identity(owner_of("github", "jos\u{e9}|x")).await;
    assert_eq!(refusal(outcome), "NotFound IDENTITY_NOT_FOUND");
    service.find_by_identity(owner_of("github", "jos\u{e9}|x")).await.unwrap();
}
