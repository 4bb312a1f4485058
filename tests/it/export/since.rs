//! `--since`: what changed after a position.

use identity_link::grpc::proto as pb;
use serde_json::json as value;

use super::{export, exported, ids, json};
use crate::support::{
    TestServer, block,
    child::{Ran, run_command},
    delete,
    events::{Watcher, events, watch_after},
    link_user, unlink,
};

#[tokio::test]
async fn only_users_that_changed_since_the_position_have_a_line() {
    let server = TestServer::start_feed().await;
    let service = server.service_of("joined");
    for name in ["a", "b", "c", "d", "e", "f"] {
        service.create("github", name).await;
    }
    service.link(link_user("github|a", "github|b")).await.unwrap();
    // An export has the events that a watcher has.
    events(&service, 7).await;
    let (lines, position) = exported(&server.database, &["--tenant", "joined"]);
    assert_eq!(ids(&lines), ["a", "c", "d", "e", "f"].map(|name| format!("github|{name}")));

    // b comes back, d is absorbed, e is deleted, g is new, and c and f stay as they are.
    service.unlink(unlink("github|a", "github", "b")).await.unwrap();
    service.link(link_user("github|b", "github|d")).await.unwrap();
    service.delete_user(delete("github|e")).await.unwrap();
    service.create("github", "g").await;
    service.update_user(block("github|g", true)).await.unwrap();

    Watcher::begin(&service, watch_after(&position)).await.events(5).await;
    let since = ["--tenant", "joined", "--since", &position];
    let (changes, next) = exported(&server.database, &since);

    assert_eq!(ids(&changes), ["a", "b", "e", "g"].map(|name| format!("github|{name}")));
    assert_eq!(json(&changes[0]).get("aliases"), None);
    assert_eq!(json(&changes[1])["aliases"], value!(["github|d"]));
    assert_eq!(json(&changes[2]), value!({"id": "github|e", "deleted": true}));
    assert_eq!(json(&changes[3])["blocked"], true);
    let (none, last) = exported(&server.database, &["--tenant", "joined", "--since", &next]);
    assert_eq!((none, last), (Vec::new(), next));
}

/// The feed's rpcs take the position too.
#[tokio::test]
async fn the_feed_goes_on_from_the_position() {
    let server = TestServer::start_feed().await;
    let service = server.service_of("other");
    service.create("github", "a").await;
    events(&service, 1).await;
    let (_, position) = exported(&server.database, &["--tenant", "other"]);
    let created = service.create("github", "b").await;

    let told = Watcher::begin(&service, watch_after(&position)).await.events(1).await;

    let [event] = &told[..] else { panic!("{told:?}") };
    let Some(pb::event::Detail::UserCreated(event)) = &event.detail else { panic!("{event:?}") };
    assert_eq!(event.user.as_ref().unwrap().user_id, created.id);
}

#[tokio::test]
async fn a_position_that_does_not_lead_on_is_refused() {
    let server = TestServer::start_feed().await;
    let service = server.service_of("other");
    let (_, start) = exported(&server.database, &["--tenant", "other"]);
    service.create("github", "a").await;
    service.create("github", "b").await;
    let refused = |tenant: &str, position: &str| {
        let arguments = ["--tenant", tenant, "--since", position];
        let Ran { code, stdout, stderr } = run_command(export(&server.database, &arguments));
        assert_eq!(stdout, "");
        format!("{} {stderr}", code.unwrap())
    };
    let of_no_form = refused("other", "-x");
    assert_eq!(refused("joined", &start), of_no_form);
    let older = "INSERT INTO event_floors SELECT tenant_id, epoch, xid, ordinal, event_time FROM events \
        ORDER BY epoch, xid LIMIT 1";
    server.database.db_execute(older).await;

    let expired = refused("other", &start);

    insta::assert_snapshot!(format!("{of_no_form}\n{expired}"), @"
    1 identity-link: --since: this is not a position of the tenant's feed, or a backup was restored since: export all users, and go on from the position of that export
    1 identity-link: --since: the feed no longer has all events after this position: export all users, and go on from the position of that export
    ");
}
