//! `Link`.

use identity_link::grpc::proto::link_response::Outcome;

use crate::support::{tokens::Token, *};

#[tokio::test]
async fn two_tokens_make_one_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;

    let linked = server.person("google-oauth2", "g1").link(link_with(&Token::of("sms", "s1").sign())).await.unwrap();

    assert_eq!(linked.outcome(), Outcome::Absorbed);
    let user = linked.user.unwrap();
    assert_eq!(user.id, google.id);
    assert_eq!(identities(&user), ["google-oauth2|g1", "sms|s1"]);
    assert_eq!(user, service.user(&google.id).await);
    assert_eq!(user, service.user(&sms.id).await, "the absorbed id goes on resolving");
    let link = linked.link.unwrap();
    assert_eq!((link.primary_user_id, link.secondary_user_id), (google.id, sms.id));
    assert_eq!(link.moved_identities, identity_ref("sms", "s1").into_iter().collect::<Vec<_>>());
}
