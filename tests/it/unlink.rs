//! `Unlink`.

use crate::support::{tokens::Token, *};

#[tokio::test]
async fn the_absorbed_user_comes_back_under_its_own_id() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;
    let person = server.person("google-oauth2", "g1");
    person.link(link_with(&Token::of("sms", "s1").sign())).await.unwrap();

    let unlinked = person.unlink(unlink("", "sms", "s1")).await.unwrap();

    assert!(unlinked.restored);
    assert_eq!(unlinked.detached_user.unwrap().id, sms.id);
    assert_eq!(identities(&unlinked.user.unwrap()), ["google-oauth2|g1"]);
    assert_eq!(identities(&service.user(&sms.id).await), ["sms|s1"]);
    assert_eq!(identities(&service.user(&google.id).await), ["google-oauth2|g1"]);
}
