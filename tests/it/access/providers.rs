//! Providers at which nobody signs in: disabled ones, and those that are only linked.

use crate::support::{tokens::Token, *};

#[tokio::test]
async fn whoever_signed_in_at_a_disabled_or_link_only_provider_is_nobody() {
    let server = TestServer::start().await;
    let service = server.service();
    for (provider, subject) in [("myspace", "m1"), ("wallet", "w1")] {
        let user = service.create(provider, subject).await;
        let person = server.person(provider, subject);

        assert_eq!(refusal(person.get_user(get("")).await), "Unauthenticated TOKEN_INVALID");

        // The user is there, and another of its identities is a way in.
        service.create("google-oauth2", subject).await;
        service.link(link_identity(&user.id, "google-oauth2", subject)).await.unwrap();
        assert_eq!(server.person("google-oauth2", subject).user("").await.id, user.id);
    }
}

#[tokio::test]
async fn a_link_only_provider_proves_and_a_disabled_one_does_not() {
    let server = TestServer::start().await;
    let service = server.service();
    service.create("google-oauth2", "g1").await;
    let victim = service.create("myspace", "m1").await;
    service.create("wallet", "w1").await;
    let person = server.person("google-oauth2", "g1");

    let refused = server.db_refused(person.link(link_with(&Token::of("myspace", "m1").sign()))).await;
    assert_eq!(refused, "FailedPrecondition LINK_TOKEN_INVALID");
    assert_eq!(service.user(&victim.id).await, victim);

    let linked = person.link(link_with(&Token::of("wallet", "w1").sign())).await.unwrap();
    assert_eq!(identities(&linked.user.unwrap()), ["google-oauth2|g1", "wallet|w1"]);
}
