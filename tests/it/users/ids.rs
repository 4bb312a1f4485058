//! A64: an id is one person's for ever. The id `provider|subject` of a deleted user is given to
//! that account alone, and only if the account was the user's own when the user was deleted.

use identity_link::{clock, grpc::proto as pb};

use crate::support::{tokens::Token, *};

fn create_as(provider: &str, subject: &str, form: pb::UserIdForm) -> pb::CreateUserRequest {
    let identity =
        pb::NewIdentity { identity_ref: identity_ref(provider, subject), ..Default::default() };
    pb::CreateUserRequest {
        identity: Some(identity),
        user_id_form: form.into(),
        ..Default::default()
    }
}

/// A user whose id names an account that has left it: `github|ann`, with a phone only.
async fn whose_account_has_left(service: &Caller) -> String {
    let id = service.create("github", "ann").await.id;
    assert_eq!(id, "github|ann");
    let phone = service.create("sms", "ann").await.id;
    service.link(link_user(&id, &phone)).await.unwrap();
    let identity = identity_ref("sms", "ann");
    let primary =
        pb::SetPrimaryIdentityRequest { user_id: id.clone(), identity, ..Default::default() };
    service.set_primary_identity(primary).await.unwrap();
    let left = service.unlink(unlink(&id, "github", "ann")).await.unwrap().detached_user.unwrap();
    assert!(left.id.starts_with("usr_"), "{}", left.id);
    service.delete(&left.id).await;
    id
}

#[tokio::test]
async fn the_id_of_a_deleted_user_comes_back_to_its_own_account() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    let id = service.create("github", "ann").await.id;
    let session =
        Token::of("users", &id).tenant("joined").with("iat", clock::now().timestamp() + 1);
    service.delete(&id).await;

    assert_eq!(service.create("github", "ann").await.id, id);

    // The sessions of the deleted user stay invalid, also those of the second of the deletion.
    let earlier = session.clone().with("iat", clock::now().timestamp() - 60);
    assert_eq!(
        refusal(server.caller(&earlier).get_user(get("")).await),
        "Unauthenticated TOKEN_INVALID"
    );
}

#[tokio::test]
async fn a_session_of_the_second_of_the_deletion_is_invalid() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    let id = service.create("github", "ann").await.id;
    let start = clock::now().timestamp();
    service.delete(&id).await;
    let end = clock::now().timestamp();
    service.create("github", "ann").await;
    for second in start..=end {
        for token in [Token::of("users", &id), Token::of("github", "ann")] {
            let read =
                server.caller(&token.tenant("joined").with("iat", second)).get_user(get("")).await;
            if second < end || start == end {
                assert_eq!(refusal(read), "Unauthenticated TOKEN_INVALID");
            }
        }
    }
}

#[tokio::test]
async fn an_id_that_another_person_kept_is_given_to_no_user() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    let id = whose_account_has_left(&service).await;
    service.delete(&id).await;

    // By a service, by a sign-in, by an unlink, and by a request for that very id.
    let by_service = service.create("github", "ann").await.id;
    assert!(by_service.starts_with("usr_"), "{by_service}");
    service.delete(&by_service).await;
    let by_sign_in = service
        .resolve_sign_in(sign_in("github", "ann"))
        .await
        .unwrap()
        .decision
        .unwrap()
        .user
        .unwrap()
        .id;
    assert!(by_sign_in.starts_with("usr_"), "{by_sign_in}");
    service.delete(&by_sign_in).await;
    let asked =
        service.create_user(create_as("github", "ann", pb::UserIdForm::ProviderSubject)).await;
    assert_eq!(refusal(asked), "AlreadyExists USER_EXISTS");
    for by_undo in [false, true] {
        let ben = service.create("google-oauth2", "ben").await.id;
        let person =
            server.caller(&Token::of("google-oauth2", "ben").tenant("joined").issued_ago(-2));
        let proof = Token::of("github", "ann").tenant("joined").issued_ago(-2).sign();
        let link = person.link(link_with(&proof)).await.unwrap().link.unwrap();
        let left = match by_undo {
            false => {
                service
                    .unlink(unlink(&ben, "github", "ann"))
                    .await
                    .unwrap()
                    .detached_user
                    .unwrap()
                    .id
            }
            true => {
                let undo = pb::UndoLinkRequest { link_id: link.id, ..Default::default() };
                service.undo_link(undo).await.unwrap().restored_user.unwrap().id
            }
        };
        assert!(left.starts_with("usr_"), "{left}");
        service.delete(&left).await;
        service.delete(&ben).await;
    }
    assert_eq!(service.resolved(&[&id]).await, ["DELETED "]);
}

/// The id of a user that was absorbed, and deleted with its holder.
#[tokio::test]
async fn an_absorbed_id_is_its_own_account_s_too() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    let kept = service.create("github", "kept").await.id;
    let gone = whose_account_has_left(&service).await;
    let holder = service.create("google-oauth2", "holder").await.id;
    service.link(link_user(&holder, &kept)).await.unwrap();
    service.link(link_user(&holder, &gone)).await.unwrap();
    service.delete(&holder).await;

    assert_eq!(service.create("github", "kept").await.id, kept);
    assert_ne!(service.create("github", "ann").await.id, gone);
}
