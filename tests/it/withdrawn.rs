//! Tokens that an unlink withdrew: no later link makes them good again.

use identity_link::{clock, grpc::proto as pb};

use crate::support::{tokens::Token, *};

/// Checks that none of these tokens reads or proves a link, and that a new token of each reads.
async fn assert_withdrawn(server: &TestServer, tokens: &[Token]) {
    server.service().create("auth0", "thief").await;
    let thief = server.caller(&Token::of("broker", "auth0|thief"));
    for token in tokens {
        let name = &token.claims["sub"];
        let read = server.caller(token).get_user(pb::GetUserRequest::default()).await;
        assert_eq!(refusal(read), "Unauthenticated TOKEN_INVALID", "{name}");
        let link = server.db_refused(thief.link(link_with(&token.sign()))).await;
        assert_eq!(link, "FailedPrecondition LINK_TOKEN_INVALID", "{name}");
        server.caller(&token.clone().issued_ago(-65)).user("").await;
    }
}

#[tokio::test]
async fn a_second_link_does_not_make_withdrawn_tokens_good_again() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await.id;
    let sms = service.create("sms", "s1").await.id;
    let stolen = [Token::of("sms", "s1").issued_ago(60), Token::of("users", &sms).issued_ago(60)];
    service.link(link_user(&google, &sms)).await.unwrap();
    service.unlink(unlink(&google, "sms", "s1")).await.unwrap();
    assert_withdrawn(&server, &stolen).await;

    let another = service.create("github", "h1").await.id;
    service.link(link_user(&another, &sms)).await.unwrap();

    for token in &stolen {
        let read = server.caller(token).get_user(pb::GetUserRequest::default()).await;
        assert_eq!(refusal(read), "Unauthenticated TOKEN_INVALID");
    }
    // The tokens of the user that absorbed their user are as good as before.
    assert_eq!(server.caller(&Token::of("github", "h1").issued_ago(60)).user("").await.id, another);
}

#[tokio::test]
async fn a_chain_of_links_does_not_make_withdrawn_tokens_good_again() {
    let server = TestServer::start().await;
    let service = server.service();
    let mut ids = Vec::new();
    for (provider, subject) in
        [("google-oauth2", "p"), ("github", "s"), ("sms", "t"), ("wallet", "w")]
    {
        ids.push(service.create(provider, subject).await.id);
    }
    let [p, s, t, w] = ids.try_into().unwrap();
    service.link(link_user(&s, &t)).await.unwrap();
    service.link(link_user(&s, &w)).await.unwrap();
    // The wallet leaves. That withdraws the tokens of every identity that stays with s.
    service.unlink(unlink(&s, "wallet", "w")).await.unwrap();

    service.link(link_user(&p, &s)).await.unwrap();

    let of = |issuer, subject: &str| Token::of(issuer, subject).issued_ago(60);
    assert_withdrawn(
        &server,
        &[of("github", "s"), of("sms", "t"), of("users", &s), of("users", &t)],
    )
    .await;
    assert_eq!(server.caller(&of("google-oauth2", "p")).user("").await.id, p);
}

#[tokio::test]
async fn an_absorbed_id_is_no_way_in_once_its_identities_have_left() {
    let server = TestServer::start().await;
    let service = server.service();
    let [p, s, q] =
        [("google-oauth2", "p"), ("sms", "s"), ("github", "q")].map(|(provider, subject)| {
            let service = service.clone();
            async move { service.create(provider, subject).await.id }
        });
    let (p, s, q) = (p.await, s.await, q.await);
    service.link(link_user(&p, &s)).await.unwrap();
    let set = pb::SetPrimaryIdentityRequest {
        user_id: p.clone(),
        identity: identity_ref("sms", "s"),
        ..Default::default()
    };
    service.set_primary_identity(set).await.unwrap();
    service.unlink(unlink(&p, "google-oauth2", "p")).await.unwrap();
    service.link(link_user(&q, &p)).await.unwrap();
    // The last identity of P leaves Q. P stays absorbed, without an identity of its own.
    service.unlink(unlink(&q, "sms", "s")).await.unwrap();

    let shell = Token::of("users", &p).with("iat", clock::now().timestamp() + 2);
    assert_eq!(
        refusal(server.caller(&shell).get_user(get("")).await),
        "Unauthenticated TOKEN_INVALID"
    );
    service.create("google-oauth2", "thief").await;
    let thief = server.person("google-oauth2", "thief");
    let refused = server.db_refused(thief.link(link_with(&shell.sign()))).await;
    assert_eq!(refused, "FailedPrecondition LINK_TOKEN_INVALID");
    assert_eq!(service.resolved(&[&p]).await, [format!("ABSORBED {q}")], "the id still resolves");
}
