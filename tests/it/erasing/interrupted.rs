//! An erasure that is interrupted: no response contains what is left of it, and a sweep completes
//! it.

use super::*;
use crate::support::tokens::Token;

/// A server on which Ben was deleted, without the last step: its database connection was cut
/// before.
struct Interrupted {
    server: TestServer,
    ann: String,
    ben: String,
    /// An undone link of Ben into Ann, which stores the metadata that the undo discarded.
    link: String,
    /// A request about Ben whose response is stored.
    answered: pb::UpdateUserRequest,
}

async fn interrupted(tenant: &str) -> Interrupted {
    let server = TestServer::start().await;
    let service = server.service_of(tenant);
    let ann = service.create("google-oauth2", "ann").await.id;
    let fill = |request: &mut pb::CreateUserRequest| {
        request.user_metadata = object(serde_json::json!({"of": "ben"}));
    };
    let ben = service.create_with("github", "ben", fill).await.id;
    let link = link(&service, &ann, &ben).await;
    let discard = pb::UnlinkMetadata::Discard.into();
    service.undo_link(pb::UndoLinkRequest { metadata: discard, ..undo(&link) }).await.unwrap();
    let request_id = uuid::Uuid::new_v4().to_string();
    let answered = pb::UpdateUserRequest { request_id, ..block(&ben, true) };
    service.update_user(answered.clone()).await.unwrap();

    let held = server.database.db_hold_link(&link).await;
    let deleted = async { service.delete_user(delete(&ben)).await.unwrap() };
    let cut = async {
        server.database.db_until_waiting(1).await;
        let waiting = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        assert_eq!(server.database.db_texts(waiting).await, ["true"]);
    };
    // The deletion is committed, so the call succeeds.
    let (deleted, ()) = tokio::join!(deleted, cut);
    assert_eq!(deleted.deleted_user_ids, [ben.as_str()]);
    held.db_release().await;
    Interrupted { server, ann, ben, link, answered }
}

#[tokio::test]
async fn no_response_contains_data_that_is_not_erased_yet() {
    let Interrupted { server, ann, ben, link, answered } = interrupted("default").await;
    let service = server.service();
    let left = server.database.db_dump().await;
    assert!(
        left.contains(&ben) && left.contains("\"of\": \"ben\""),
        "this test needs traces of Ben: {left}"
    );

    assert_eq!(told_links(&service, &ann).await, []);
    assert_eq!(
        refusal(service.merge_metadata(bring_back(&ann, &link)).await),
        "NotFound LINK_NOT_FOUND"
    );
    assert_eq!(refusal(service.undo_link(undo(&link)).await), "NotFound LINK_NOT_FOUND");
    assert_eq!(refusal(service.update_user(answered.clone()).await), "NotFound USER_NOT_FOUND");
    let under_its_id =
        pb::UpdateUserRequest { request_id: answered.request_id, ..block(&ann, true) };
    service.update_user(under_its_id).await.expect("the request id should be free again");
}

#[tokio::test]
async fn the_sweep_completes_an_erasure() {
    let Interrupted { server, ann, ben, link, .. } = interrupted("default").await;
    assert_eq!(server.database.db_texts("SELECT id::text FROM erasures").await.len(), 1);

    // Every server runs a sweep at its start.
    let other = TestServer::start_on(server.database.clone()).await;
    db_until_erased(&other).await;

    let dump = server.database.db_dump().await;
    assert!(!dump.contains(&ben) && !dump.contains("\"of\": \"ben\""), "{dump}");
    let told = told_links(&other.service(), &ann).await;
    assert_eq!((told[0].id.as_str(), told.len()), (link.as_str(), 1));
    assert!(told[0].secondary_user_id.starts_with("deleted:"), "{told:?}");
}

#[tokio::test]
async fn a_new_user_with_the_id_of_a_deleted_one_loses_nothing_to_its_erasure() {
    let Interrupted { server, ann, ben, .. } = interrupted("joined").await;
    let service = server.service_of("joined");
    assert_eq!(ben, "github|ben");

    let again = service.create("github", "ben").await.id;
    assert_eq!(again, ben);
    let carl = service.create("sms", "carl").await.id;
    let (into, out_of) = (link(&service, &ben, &carl).await, link(&service, &ann, &ben).await);
    let other = TestServer::start_on(server.database.clone()).await;
    db_until_erased(&other).await;

    assert_eq!(service.undo_link(undo(&out_of)).await.unwrap().restored_user.unwrap().id, ben);
    assert_eq!(service.undo_link(undo(&into)).await.unwrap().restored_user.unwrap().id, carl);
    // A sign-in after the second of the deletion.
    let person = other.caller(&Token::of("github", "ben").tenant("joined").issued_ago(-2));
    assert_eq!(person.user("").await.id, ben);
    server.database.db_assert_invariants().await;
}
