//! Providers at which no user can sign in: disabled ones, and link-only ones.

use crate::support::{tokens::Token, *};

#[tokio::test]
async fn a_token_from_a_disabled_or_link_only_provider_is_refused() {
    let server = TestServer::start().await;
    let service = server.service();
    for (provider, subject) in [("myspace", "m1"), ("wallet", "w1")] {
        let user = service.create(provider, subject).await;
        let person = server.person(provider, subject);

        assert_eq!(refusal(person.get_user(get("")).await), "Unauthenticated TOKEN_INVALID");

        // The user exists, and can sign in by another of its identities.
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

    let refused =
        server.db_refused(person.link(link_with(&Token::of("myspace", "m1").sign()))).await;
    assert_eq!(refused, "FailedPrecondition LINK_TOKEN_INVALID");
    assert_eq!(service.user(&victim.id).await, victim);

    let linked = person.link(link_with(&Token::of("wallet", "w1").sign())).await.unwrap();
    assert_eq!(identities(&linked.user.unwrap()), ["google-oauth2|g1", "wallet|w1"]);
}

/// A28: with such a link, an owner of the wallet would get the user as well.
#[tokio::test]
async fn a_link_only_account_does_not_bring_along_a_user_who_can_sign_in() {
    let server = TestServer::start().await;
    let service = server.service();
    let victim = service.create("github", "h1").await;
    server.person("github", "h1").link(link_with(&server.proof("wallet", "w1"))).await.unwrap();
    let victim = service.user(&victim.id).await;
    service.create("google-oauth2", "m1").await;
    let mallory = server.person("google-oauth2", "m1");

    let refused = server.db_refused(mallory.link(link_with(&server.proof("wallet", "w1")))).await;

    assert_eq!(refused, "FailedPrecondition LINK_TOKEN_INVALID");
    assert_eq!(service.user(&victim.id).await, victim);
    // The same while the user's provider is disabled, since an operator may enable it again.
    let closings: [fn(String) -> String; 2] = [
        |toml| {
            toml.replace("github = { social = true,", "github = { social = true, enabled = false,")
        },
        |toml| without_provider(&toml, "github"),
    ];
    for close in closings {
        let closed = TestServer::start_with(server.database.clone(), close).await;
        let mallory = closed.person("google-oauth2", "m1");
        let refused =
            closed.db_refused(mallory.link(link_with(&server.proof("wallet", "w1")))).await;
        assert_eq!(refused, "FailedPrecondition LINK_TOKEN_INVALID");
    }
    // A service may make this link, and so may an account that can sign in.
    mallory.link(link_with(&server.proof("github", "h1"))).await.unwrap();
}
