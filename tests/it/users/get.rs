//! `GetUser`.

use crate::support::{tokens::Token, *};

#[tokio::test]
async fn a_service_gets_any_user_of_its_tenant_by_id() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;
    let linked = service.link(link_user(&google.id, &sms.id)).await.unwrap().user.unwrap();

    assert_eq!(service.get_user(get(&google.id)).await.unwrap().user.as_ref(), Some(&linked));
    assert_eq!(
        service.get_user(get(&sms.id)).await.unwrap().user,
        Some(linked),
        "the absorbed id still resolves"
    );
    assert_eq!(refusal(service.get_user(get("usr_nobody")).await), "NotFound USER_NOT_FOUND");
    // Ids are compared byte by byte.
    assert_eq!(
        refusal(service.get_user(get(&google.id.to_uppercase())).await),
        "NotFound USER_NOT_FOUND"
    );
    assert_eq!(
        refusal(service.get_user(get("")).await),
        "InvalidArgument REQUEST_INVALID\nuser_id: is required: a service has no user of its own"
    );
    let other = server.caller(&Token::of("services", "backend").tenant("other"));
    assert_eq!(refusal(other.get_user(get(&google.id)).await), "NotFound USER_NOT_FOUND");
}

#[tokio::test]
async fn a_token_of_each_kind_gets_its_own_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let auth0 = service.create("auth0", "a|1").await;

    for (token, user) in [
        (Token::of("google-oauth2", "g1"), &google),
        (Token::of("users", &google.id), &google),
        (Token::of("broker", "auth0|a|1"), &auth0),
        (Token::of("users", &auth0.id), &auth0),
    ] {
        let person = server.caller(&token);
        assert_eq!(person.get_user(get("")).await.unwrap().user.as_ref(), Some(user));
        assert_eq!(person.get_user(get(&user.id)).await.unwrap().user.as_ref(), Some(user));
    }
}

#[tokio::test]
async fn a_valid_token_without_a_user_finds_no_user() {
    let server = TestServer::start().await;
    let google = server.service().create("google-oauth2", "g1").await;

    for token in [
        Token::of("google-oauth2", "g2"),
        Token::of("github", "g1"),
        // The name of an identity is never taken for a user id, nor the reverse.
        Token::of("google-oauth2", &google.id),
        Token::of("users", "google-oauth2|g1"),
        Token::of("users", "g1"),
        Token::of("broker", "auth0|g1"),
        Token::of("google-oauth2", "g1").tenant("other"),
        Token::of("users", &google.id).tenant("other"),
    ] {
        for id in ["", &google.id, "usr_nobody"] {
            let outcome = server.caller(&token).get_user(get(id)).await;
            assert_eq!(refusal(outcome), "NotFound USER_NOT_FOUND", "{:?} {id}", token.claims);
        }
    }
}

/// Another response would disclose which users exist.
#[tokio::test]
async fn the_id_of_another_user_and_an_unknown_id_get_the_same_response() {
    let server = TestServer::start().await;
    let service = server.service();
    service.create("google-oauth2", "g1").await;
    let other = service.create("github", "h1").await;
    let absorbed = service.create("sms", "s1").await;
    service.link(link_user(&other.id, &absorbed.id)).await.unwrap();
    let deleted = service.create("sms", "s2").await;
    service.delete_user(delete(&deleted.id)).await.unwrap();
    let foreign =
        server.caller(&Token::of("services", "backend").tenant("other")).create("sms", "s1").await;
    let person = server.person("google-oauth2", "g1");

    let nobody = person.get_user(get("usr_nobody")).await.unwrap_err();

    assert_eq!(refusal::<()>(Err(nobody.clone())), "PermissionDenied NOT_YOUR_USER");
    for id in [&other.id, &absorbed.id, &deleted.id, &foreign.id] {
        let somebody = person.get_user(get(id)).await.unwrap_err();
        assert_eq!(somebody.code(), nobody.code());
        assert_eq!(somebody.message(), nobody.message());
        assert_eq!(somebody.details(), nobody.details());
        assert!(!somebody.message().contains(id.as_str()));
    }
}

#[tokio::test]
async fn a_person_may_name_the_id_that_it_was_absorbed_under() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;
    let linked = service.link(link_user(&google.id, &sms.id)).await.unwrap().user.unwrap();

    for token in [
        Token::of("google-oauth2", "g1"),
        Token::of("sms", "s1"),
        Token::of("users", &google.id),
        // A token from before the link still reads.
        Token::of("users", &sms.id).issued_ago(60),
    ] {
        for id in ["", &google.id, &sms.id] {
            assert_eq!(
                server.caller(&token).get_user(get(id)).await.unwrap().user.as_ref(),
                Some(&linked)
            );
        }
    }
}

#[tokio::test]
async fn an_unlinked_identity_no_longer_reads_its_former_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;
    service.link(link_user(&google.id, &sms.id)).await.unwrap();
    service.unlink(unlink(&google.id, "sms", "s1")).await.unwrap();

    for token in [Token::of("sms", "s1"), Token::of("users", &sms.id)] {
        let person = server.caller(&token);
        assert_eq!(person.get_user(get("")).await.unwrap().user.unwrap().id, sms.id);
        assert_eq!(
            refusal(person.get_user(get(&google.id)).await),
            "PermissionDenied NOT_YOUR_USER"
        );
    }
    let outcome = server.person("google-oauth2", "g1").get_user(get(&sms.id)).await;
    assert_eq!(refusal(outcome), "PermissionDenied NOT_YOUR_USER");
}

#[tokio::test]
async fn a_blocked_person_reads_nothing_and_a_service_still_does() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create_with("github", "h1", |request| request.blocked = true).await;
    let other = service.create("sms", "s1").await;

    for id in ["", &user.id, &other.id, "usr_nobody"] {
        assert_eq!(
            refusal(server.person("github", "h1").get_user(get(id)).await),
            "PermissionDenied USER_BLOCKED"
        );
    }
    assert_eq!(service.user(&user.id).await, user);
}
