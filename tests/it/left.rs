//! A63: an unlinked identity has no access any more. After an unlink by a person only the token of
//! that call stays valid. A stored response is returned again only to a caller that is still the
//! user that the response is about.

use identity_link::{clock, grpc::proto as pb};
use serde_json::json as value;

use crate::support::{tokens::Token, *};

const ID: &str = "0b0f5a51-2f4e-4f6a-8a44-3f3d0f2f5c11";
const INVALID: &str = "Unauthenticated TOKEN_INVALID";

/// Ann with a Google account and a phone, and the link that brought the phone.
async fn ann(server: &TestServer) -> (String, pb::LinkRecord) {
    let service = server.service();
    let ann = service.create("google-oauth2", "ann").await.id;
    service.create("sms", "ann").await;
    let link = service.link(link_identity(&ann, "sms", "ann")).await.unwrap().link.unwrap();
    (ann, link)
}

async fn reads(server: &TestServer, token: &Token) -> String {
    let read = server.caller(token).get_user(get("")).await;
    read.map_or_else(|status| refusal::<()>(Err(status)), |read| read.user.unwrap().id)
}

fn own_update() -> pb::UpdateUserRequest {
    let user_metadata = object(value!({"mine": true}));
    let update =
        update("", &["user_metadata"], pb::UserUpdate { user_metadata, ..Default::default() });
    pb::UpdateUserRequest { request_id: ID.to_owned(), ..update }
}

/// The attack: a session that is newer than the owner's stays valid after the owner ends a link.
#[tokio::test]
async fn only_the_token_that_asked_for_an_unlink_stays_good() {
    for by_link in [false, true] {
        let server = TestServer::start().await;
        let (ann, link) = ann(&server).await;
        let of = |provider, ago| Token::of(provider, "ann").issued_ago(ago);
        let calling = of("google-oauth2", 60);
        let newer = [
            of("google-oauth2", 30),
            of("google-oauth2", 2),
            Token::of("users", &ann).issued_ago(2),
        ];
        for token in &newer {
            assert_eq!(reads(&server, token).await, ann);
        }
        let person = server.caller(&calling);
        match by_link {
            false => drop(person.unlink(unlink("", "sms", "ann")).await.unwrap()),
            true => {
                drop(
                    person
                        .undo_link(pb::UndoLinkRequest { link_id: link.id, ..Default::default() })
                        .await
                        .unwrap(),
                );
            }
        }

        for token in &newer {
            assert_eq!(reads(&server, token).await, INVALID);
            let proof = server.person("github", "x").link(link_with(&token.sign())).await;
            assert!(proof.is_err());
        }
        assert_eq!(reads(&server, &calling).await, ann);
        assert_eq!(reads(&server, &Token::of("google-oauth2", "ann").issued_ago(-2)).await, ann);
    }
}

#[tokio::test]
async fn the_next_unlink_spares_its_own_token_only() {
    let server = TestServer::start().await;
    let (ann, _) = ann(&server).await;
    let first = Token::of("google-oauth2", "ann").issued_ago(60);
    server.caller(&first).unlink(unlink("", "sms", "ann")).await.unwrap();
    let an_hour_ago = "UPDATE users SET tokens_valid_from = tokens_valid_from - interval '1 hour'";
    server.database.db_execute(an_hour_ago).await;
    let second = Token::of("google-oauth2", "ann").issued_ago(30);
    server.caller(&second).link(link_with(&server.proof("github", "ann"))).await.unwrap();

    server.caller(&second).unlink(unlink("", "github", "ann")).await.unwrap();

    // The token of the first unlink is spared no longer: it is older than the second.
    assert_eq!(reads(&server, &first).await, INVALID);
    assert_eq!(reads(&server, &second).await, ann);
    // An unlink by a service spares no token.
    server.caller(&second).link(link_with(&server.proof("okta", "ann"))).await.unwrap();
    server.service().unlink(unlink(&ann, "okta", "ann")).await.unwrap();
    assert_eq!(reads(&server, &second).await, INVALID);
}

/// The attack: an unlinked caller repeats its earlier request with a token of a new sign-in.
#[tokio::test]
async fn a_stored_response_is_not_returned_to_an_unlinked_caller() {
    let server = TestServer::start().await;
    let (ann, link) = ann(&server).await;
    let sms = || server.caller(&Token::of("sms", "ann").issued_ago(-2));
    sms().update_user(own_update()).await.unwrap();
    sms().update_user(own_update()).await.unwrap();

    server.person("google-oauth2", "ann").unlink(unlink("", "sms", "ann")).await.unwrap();

    assert_eq!(refusal(sms().update_user(own_update()).await), "PermissionDenied NOT_YOUR_USER");
    // The same holds after its user is deleted: the deletion removed the stored response, which
    // concerns that user.
    sms().delete_user(delete("")).await.unwrap();
    assert_eq!(refusal(sms().update_user(own_update()).await), "NotFound USER_NOT_FOUND");
    let undo =
        pb::UndoLinkRequest { link_id: link.id, request_id: ID.to_owned(), ..Default::default() };
    assert_eq!(refusal(sms().undo_link(undo).await), "NotFound USER_NOT_FOUND");
    assert_eq!(server.service().user(&ann).await.id, ann);
}

/// The current holder of the user gets the stored response.
#[tokio::test]
async fn a_stored_response_is_returned_to_the_holder_of_its_user() {
    let server = TestServer::start().await;
    let (ann, _) = ann(&server).await;
    let first = server.person("google-oauth2", "ann").update_user(own_update()).await.unwrap();
    let another = server.service().create("okta", "another").await.id;
    server.service().link(link_user(&another, &ann)).await.unwrap();

    let again = server
        .caller(&Token::of("google-oauth2", "ann").issued_ago(-2))
        .update_user(own_update())
        .await;

    assert_eq!(again.unwrap(), first);
}

/// The retry of a call by which a caller leaves its user succeeds. Its response lacks the data of
/// the user that the caller left.
#[tokio::test]
async fn the_retry_of_an_unlink_by_the_unlinked_identity_succeeds() {
    for by_link in [false, true] {
        let server = TestServer::start().await;
        let (ann, link) = ann(&server).await;
        let token = Token::of("sms", "ann").with("iat", clock::now().timestamp());
        let leaving = server.caller(&token);
        let leave = async || match by_link {
            false => {
                let request =
                    pb::UnlinkRequest { request_id: ID.to_owned(), ..unlink("", "sms", "ann") };
                let left = leaving.unlink(request).await.unwrap();
                (
                    left.user,
                    left.detached_user.unwrap().id,
                    left.metadata_changes.len(),
                    format!("{:?}", left.restored),
                )
            }
            true => {
                let request = pb::UndoLinkRequest {
                    link_id: link.id.clone(),
                    request_id: ID.to_owned(),
                    ..Default::default()
                };
                let left = leaving.undo_link(request).await.unwrap();
                (
                    left.user,
                    left.restored_user.unwrap().id,
                    left.metadata_changes.len(),
                    format!("{:?}", left.link.is_some()),
                )
            }
        };
        let (user, own, ..) = leave().await;
        assert_eq!(user.unwrap().id, ann);
        let before = server.database.db_everything().await;

        let (user, own_again, changes, _) = leave().await;

        assert_eq!(
            (user, own_again.as_str(), changes),
            (None, own.as_str(), 0),
            "by link: {by_link}"
        );
        assert_eq!(server.database.db_everything().await, before);
        assert_ne!(own, ann);
        assert_eq!(
            reads(&server, &token).await,
            own,
            "the token names the user that its account became"
        );
        // The stored response is now about the caller's own user. To the owner of the former user
        // it is a stranger's.
        let other = server.caller(&Token::of("google-oauth2", "ann").issued_ago(-2));
        let request = pb::UnlinkRequest { request_id: ID.to_owned(), ..unlink("", "sms", "ann") };
        assert_eq!(refusal(other.unlink(request).await), "NotFound IDENTITY_NOT_FOUND");
    }
}
