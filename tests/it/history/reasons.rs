//! Why a change was made, as a service says it. A101: who sees it, and what cannot be one.

use identity_link::grpc::proto as pb;

use super::{super::erasing::db_until_erased, listed};
use crate::support::{
    events::{Watcher, watch_after},
    *,
};

const WHY: &str = "Ticket 42 – she has two accounts";
const IN_HEADER: &str = "Ticket%2042%20%E2%80%93%20she%20has%20two%20accounts";

fn undo(link: &str) -> pb::UndoLinkRequest {
    pb::UndoLinkRequest { link_id: link.to_owned(), ..Default::default() }
}

/// The reasons of a link and of its undo.
fn reasons(link: &pb::LinkRecord) -> [&str; 2] {
    [&link.actor, &link.undo_actor]
        .map(|actor| actor.as_ref().map_or("", |actor| actor.reason.as_str()))
}

#[tokio::test]
async fn the_reason_of_a_service_is_in_the_history_and_the_feed_for_services_alone() {
    let server = TestServer::start_feed().await;
    let service = server.service();
    let (ann, phone) =
        (service.create("google-oauth2", "g1").await.id, service.create("sms", "s1").await.id);
    let start = service.list_users(Default::default()).await.unwrap().position;
    let support = server.service().with_metadata("x-reason", IN_HEADER);
    let link = support.link(link_user(&ann, &phone)).await.unwrap().link.unwrap().id;
    let by_support = listed(&service, links_of(&ann)).await;
    assert_eq!(reasons(&by_support[0]), [WHY, ""]);

    let undoing = server.service().with_metadata("x-reason", "%20a%20mistake%20");
    undoing.undo_link(undo(&link)).await.unwrap();

    assert_eq!(reasons(&listed(&service, links_of(&ann)).await[0]), [WHY, "a mistake"]);
    let events = Watcher::begin(&service, watch_after(&start)).await.events(2).await;
    let said: Vec<&str> =
        events.iter().map(|event| event.actor.as_ref().unwrap().reason.as_str()).collect();
    assert_eq!(said, [WHY, "a mistake"]);
    let own = listed(&server.person("google-oauth2", "g1"), links_of("")).await;
    assert_eq!(reasons(&own[0]), ["", ""]);
    let without = service.link(link_user(&ann, &phone)).await.unwrap().link.unwrap().id;
    let newest = listed(&service, links_of(&ann)).await.remove(0);
    assert_eq!((newest.id.as_str(), reasons(&newest)), (without.as_str(), ["", ""]));
}

#[tokio::test]
async fn a_reason_is_one_text_of_a_service() {
    let server = TestServer::start().await;
    let [ann, phone] = [("google-oauth2", "g1"), ("sms", "s1")];
    let ann = server.service().create(ann.0, ann.1).await.id;
    let phone = server.service().create(phone.0, phone.1).await.id;
    let too_long = "%C3%A9".repeat(501);
    for wrong in ["", "%20", "a%00b", "%ff", "a\u{a0}b", &too_long] {
        let caller = server.service().with_metadata("x-reason", wrong);
        let refused = server.db_refused(caller.link(link_user(&ann, &phone))).await;
        assert!(refused.starts_with("InvalidArgument REQUEST_INVALID\nx-reason: "), "{wrong}");
    }
    let twice = server.service().with_metadata("x-reason", "a").with_metadata("x-reason", "b");
    insta::assert_snapshot!(refusal(twice.link(link_user(&ann, &phone)).await), @"
    InvalidArgument REQUEST_INVALID
    x-reason: must be given once
    ");
    let control = server.service().with_metadata("x-reason", "a%0Ab");
    insta::assert_snapshot!(refusal(control.link(link_user(&ann, &phone)).await), @"
    InvalidArgument REQUEST_INVALID
    x-reason: must be 1 to 500 characters, without control characters, in percent-encoding of UTF-8
    ");
    let person = server.person("google-oauth2", "g1").with_metadata("x-reason", "a");
    insta::assert_snapshot!(refusal(person.get_user(Default::default()).await), @"
    InvalidArgument REQUEST_INVALID
    x-reason: is for services: a user token says no reason
    ");
    let longest = server.service().with_metadata("x-reason", &"%C3%A9".repeat(500));
    longest.link(link_user(&ann, &phone)).await.unwrap();
    let links = listed(&server.service(), links_of(&ann)).await;
    assert_eq!(reasons(&links[0]), ["é".repeat(500).as_str(), ""]);
}

#[tokio::test]
async fn an_erasure_reaches_the_reasons_of_links_and_events() {
    let server = TestServer::start().await;
    let service = server.service();
    let support = server.service().with_metadata("x-reason", IN_HEADER);
    let mut ids = vec![];
    for subject in ["1", "2", "3", "4"] {
        ids.push(service.create("github", subject).await.id);
    }
    // The deleted user is the primary of one link, and the secondary of another that was undone.
    support.link(link_user(&ids[0], &ids[1])).await.unwrap();
    let other = support.link(link_user(&ids[2], &ids[0])).await.unwrap().link.unwrap().id;
    support.undo_link(undo(&other)).await.unwrap();
    support.link(link_user(&ids[2], &ids[3])).await.unwrap();
    let holding = "SELECT 'link' FROM links WHERE actor ? 'reason' UNION ALL SELECT 'undo' FROM links \
        WHERE undo_actor ? 'reason' UNION ALL SELECT 'event' FROM events WHERE actor ? 'reason' ORDER BY 1";
    let before = server.database.db_texts(holding).await;
    assert_eq!(before, ["event", "event", "event", "event", "link", "link", "link", "undo"]);

    let delete = pb::DeleteUserRequest { user_id: ids[0].clone(), ..Default::default() };
    support.delete_user(pb::DeleteUserRequest { include_absorbed: true, ..delete }).await.unwrap();
    db_until_erased(&server).await;

    assert_eq!(
        server.database.db_texts(holding).await,
        ["event", "link"],
        "of the other two users"
    );
}
