//! A stored response does not outlive the users that it concerns.

use super::*;

/// The stored responses and the users that they concern, as text.
async fn db_answers(server: &TestServer) -> String {
    let answers =
        "SELECT concat(rpc, ' ', concerned, ' ', encode(answer, 'escape')) FROM request_ids";
    server.database.db_texts(answers).await.join("\n")
}

#[tokio::test]
async fn responses_that_concern_a_deleted_user_are_removed_with_it() {
    for rpc in WRITES {
        let server = TestServer::start().await;
        let (people, service) = (people(&server).await, server.service());
        write(&service, &people, rpc, ID, Terms::default()).await.unwrap();
        let before = db_answers(&server).await;

        for id in [&people.first, &people.second, &service.create("github", "h3").await.id] {
            let whole = pb::DeleteUserRequest { include_absorbed: true, ..delete(id) };
            // One of the users is already gone.
            drop(service.delete_user(whole).await);
        }

        match rpc {
            "DeleteUser" => assert_eq!(db_answers(&server).await, before),
            // These responses concern a third user.
            "CreateUser" | "ResolveSignIn" => {
                assert_eq!(db_answers(&server).await, before);
                let (provider, subject) =
                    if rpc == "CreateUser" { ("github", "h2") } else { ("okta", "o1") };
                service.delete(&service.owner(provider, subject).await).await;
                assert_eq!(db_kept(&server).await, 0);
            }
            _ => assert_eq!(db_kept(&server).await, 0, "{rpc}"),
        }
    }
}

#[tokio::test]
async fn a_response_is_removed_with_the_user_of_any_identity_in_it() {
    let server = TestServer::start().await;
    let service = server.service();
    let first = service.create("google-oauth2", "g1").await.id;
    let second = service.create("github", "h1").await.id;
    let person = server.person("github", "h1");
    person.link(link_with(&server.proof("okta", "o1"))).await.unwrap();
    service.link(link_user(&first, &second)).await.unwrap();
    let people = People { first: first.clone(), second, link: String::new() };
    write(&service, &people, "UpdateUser", ID, Terms::default()).await.unwrap();
    assert!(db_answers(&server).await.contains("o1"));

    // The identity leaves first, and so becomes a user under an id that no stored response
    // contains.
    let left = service.unlink(unlink(&first, "okta", "o1")).await.unwrap().detached_user.unwrap();
    service.delete(&left.id).await;

    assert_eq!(db_kept(&server).await, 0);
}

#[tokio::test]
async fn a_response_about_a_link_is_removed_with_the_user_of_any_identity_that_the_link_moved() {
    let server = TestServer::start().await;
    let service = server.service();
    let first = service.create("google-oauth2", "g1").await.id;
    let second = service.create("github", "h1").await.id;
    server.person("github", "h1").link(link_with(&server.proof("okta", "o1"))).await.unwrap();
    let link_id = service.link(link_user(&first, &second)).await.unwrap().link.unwrap().id;
    let left = service.unlink(unlink(&first, "okta", "o1")).await.unwrap().detached_user.unwrap();
    let undo = pb::UndoLinkRequest { link_id, request_id: ID.to_owned(), ..Default::default() };
    service.undo_link(undo).await.unwrap();
    assert!(db_answers(&server).await.contains("o1"));

    service.delete(&left.id).await;

    assert_eq!(db_kept(&server).await, 0);
}

#[tokio::test]
async fn the_retry_of_a_user_that_deletes_itself_gets_the_same_response() {
    let server = TestServer::start().await;
    let id = server.service().create("github", "h1").await.id;
    let delete = || pb::DeleteUserRequest { request_id: ID.to_owned(), ..delete("") };
    let person = server.person("github", "h1");
    let first = person.delete_user(delete()).await.unwrap();
    assert_eq!(first.deleted_user_ids, [id]);

    assert_eq!(person.delete_user(delete()).await.unwrap(), first);

    let other = pb::DeleteUserRequest { include_absorbed: true, ..delete() };
    assert_eq!(refusal(person.delete_user(other).await), "InvalidArgument REQUEST_ID_REUSED");
}
