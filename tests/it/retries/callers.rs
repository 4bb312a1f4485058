//! A request id belongs to one caller, for one rpc, in one tenant. A caller that may not call gets
//! no stored response.

use super::*;
use crate::{
    access::stranger,
    support::{cluster::cluster, tokens::Token},
};

fn own_update(mine: bool) -> pb::UpdateUserRequest {
    let user_metadata = object(value!({ "mine": mine }));
    let update =
        update("", &["user_metadata"], pb::UserUpdate { user_metadata, ..Default::default() });
    pb::UpdateUserRequest { request_id: ID.to_owned(), ..update }
}

/// P12: another caller's request id finds no stored response.
#[tokio::test]
async fn one_request_id_of_two_callers_rpcs_or_tenants_is_two() {
    let server = TestServer::start().await;
    let (people, service) = (people(&server).await, server.service());
    let other = Terms { other: true, ..Terms::default() };
    write(&service, &people, "UpdateUser", ID, Terms::default()).await.unwrap();

    // Another service, a person with the same subject from another issuer, and another rpc.
    let another = server.caller(&Token::of("services", "another"));
    write(&another, &people, "UpdateUser", ID, other).await.unwrap();
    server.service().create("okta", "backend").await;
    server.person("okta", "backend").update_user(own_update(true)).await.unwrap();
    write(&service, &people, "MergeMetadata", ID, other).await.unwrap();

    // The same service in another tenant.
    let elsewhere = server.service_of("other");
    let first = elsewhere.create("google-oauth2", "g1").await.id;
    let people = People { first, second: String::new(), link: String::new() };
    write(&elsewhere, &people, "UpdateUser", ID, other).await.unwrap();

    assert_eq!(db_kept(&server).await, 5);
}

#[tokio::test]
async fn another_token_of_the_same_caller_gets_the_stored_response() {
    let server = TestServer::start().await;
    server.service().create("github", "h1").await;
    let first = server.person("github", "h1").update_user(own_update(true)).await.unwrap();
    let after = server.database.db_everything().await;

    assert_eq!(server.person("github", "h1").update_user(own_update(true)).await.unwrap(), first);

    assert_eq!(server.database.db_everything().await, after);
}

/// P12: a stored response is for a caller that may call now.
#[tokio::test]
async fn a_caller_that_may_no_longer_call_gets_no_stored_response() {
    let server = TestServer::start().await;
    let service = server.service();
    let id = service.create("github", "h1").await.id;
    let phone = service.create("sms", "s1").await.id;
    service.link(link_user(&id, &phone)).await.unwrap();
    server.database.db_linked_long_ago().await;
    let token = Token::of("sms", "s1").issued_ago(60);
    server.caller(&token).update_user(own_update(true)).await.unwrap();

    service.block(&id, true).await;
    let blocked = server.db_refused(server.caller(&token).update_user(own_update(true))).await;
    assert_eq!(blocked, "PermissionDenied USER_BLOCKED");
    service.block(&id, false).await;

    let unscoped = server.caller(&token.clone().scope("read:current_user"));
    assert_eq!(
        server.db_refused(unscoped.update_user(own_update(true))).await,
        "PermissionDenied SCOPE_INSUFFICIENT"
    );

    service.unlink(unlink(&id, "sms", "s1")).await.unwrap();
    let withdrawn = server.db_refused(server.caller(&token).update_user(own_update(true))).await;
    assert_eq!(withdrawn, "Unauthenticated TOKEN_INVALID");
}

/// J23: a service with the subject of a user.
#[tokio::test]
async fn the_stored_response_of_a_service_is_not_for_a_user_of_the_same_subject() {
    let settings = "kind_claim = \"kind\"\nsubject = \"subject\"\nprovider = \"p\"\ntenant = \"default\"\n\
        audiences = [\"identity-link\"]\n\
        allowed_scopes = [\"update:users\", \"update:current_user_metadata\"]\n";
    let server =
        TestServer::start_with(cluster().db_migrated().await, |toml| stranger(&toml, settings))
            .await;
    let another = server.service().create("github", "h1").await.id;
    server.service().create("p", "1").await;
    let token = Token::of("stranger", "1").scope("update:users update:current_user_metadata");
    let request = || pb::UpdateUserRequest { user_id: another.clone(), ..own_update(true) };
    let service = server.caller(&token.clone().with("kind", "service"));
    service.update_user(request()).await.unwrap();

    let person = server.caller(&token.with("kind", "user"));

    assert_eq!(
        server.db_refused(person.update_user(request())).await,
        "PermissionDenied NOT_YOUR_USER"
    );
}
