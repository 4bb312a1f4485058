//! Positions: where a consumer begins, and which positions are invalid.

use identity_link::grpc::proto::{self as pb, FeedEnd};

use crate::support::{
    cluster::feed_cluster,
    events::{Watcher, events, list_after, list_from, watch_after},
    fold::Folded,
    *,
};

const INVALID: &str = "InvalidArgument POSITION_INVALID";

/// Some random changes of users that exist or did exist. The server may refuse them.
async fn change_something(service: &Caller, users: &mut Vec<String>, races: &mut Races) {
    for _ in 0..4 {
        let (one, other) = (races.number(0..=users.len() - 1), races.number(0..=users.len() - 1));
        let (one, other) = (users[one].clone(), users[other].clone());
        match races.number(0..=5) {
            0 => {
                let blocked = races.coin();
                let subject = format!("new {}", users.len());
                users.push(
                    service
                        .create_with("sms", &subject, |request| request.blocked = blocked)
                        .await
                        .id,
                );
            }
            1 | 2 => drop(service.link(link_user(&one, &other)).await),
            3 => {
                let Ok(found) = service.get_user(get(&one)).await else { continue };
                let user = found.user.unwrap();
                let identity = user.identities.last().unwrap().identity_ref.clone().unwrap();
                drop(service.unlink(unlink(&user.id, &identity.provider, &identity.subject)).await);
            }
            4 => drop(service.update_user(block(&one, races.coin())).await),
            _ => {
                let request = pb::DeleteUserRequest { include_absorbed: true, ..delete(&one) };
                drop(service.delete_user(request).await);
            }
        }
    }
}

#[tokio::test]
async fn a_consumer_that_lists_users_and_then_follows_the_feed_has_all_users() {
    let mut races = Races::begin();
    let server = TestServer::start_feed().await;
    let service = server.service();
    let mut users = Vec::new();
    for n in 0..30 {
        users.push(service.create("github", &format!("h{n}")).await.id);
    }
    events(&service, 30).await;
    for _ in 0..5 {
        change_something(&service, &mut users, &mut races).await;
    }

    let (mut folded, mut position, mut page_token) = (Folded::default(), None, String::new());
    loop {
        let page =
            service.list_users(pb::ListUsersRequest { page_size: 2, page_token }).await.unwrap();
        position.get_or_insert(page.position);
        for user in &page.users {
            folded.take_listed(user);
        }
        change_something(&service, &mut users, &mut races).await;
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let last = service.create("sms", "the last one").await.id;

    let mut watcher = Watcher::begin(&service, watch_after(&position.unwrap())).await;
    let mut is_over = false;
    while !is_over {
        for event in watcher.next().await.unwrap().events {
            folded.take_if_new(&event);
            is_over = folded.holds(&last);
        }
    }
    folded.db_assert_is_all_that_lives(&server.database).await;
}

#[tokio::test]
async fn a_position_whose_event_was_never_here_is_invalid() {
    let server = TestServer::start_feed().await;
    let service = server.service();
    for n in 0..3 {
        service.create("sms", &format!("s{n}")).await;
    }
    let all = events(&service, 3).await;

    // The state after an older backup is restored.
    server
        .database
        .db_execute("DELETE FROM events WHERE xid = (SELECT max(xid) FROM events)")
        .await;

    assert_eq!(refusal(service.list_events(list_after(&all[2].position)).await), INVALID);
    assert_eq!(refusal(service.watch_events(watch_after(&all[2].position)).await), INVALID);
    assert_eq!(service.list_events(list_after(&all[0].position)).await.unwrap().events, all[1..2]);
}

#[tokio::test]
async fn a_position_is_good_in_a_copy_up_to_the_last_common_event() {
    let database = feed_cluster().db_migrated().await;
    let server = TestServer::start_on(database.clone()).await;
    server.service().create("sms", "s0").await;
    let common = events(&server.service(), 1).await.remove(0);
    drop(server);
    database.db_until_alone().await;
    let copy = database.db_copy().await;
    let (server, copy) = (TestServer::start_on(database).await, TestServer::start_on(copy).await);
    let (service, of_copy) = (server.service(), copy.service());
    service.create("sms", "s1").await;
    of_copy.create("sms", "s1").await;
    let (here, there) = (events(&service, 2).await.remove(1), events(&of_copy, 2).await.remove(1));

    // Both events get the same place in the feed, and stay different events.
    let same_place = "UPDATE events SET xid = 1 WHERE xid = (SELECT max(xid) FROM events)";
    for (caller, own, other) in [(&service, &here, &there), (&of_copy, &there, &here)] {
        assert_eq!(
            caller.list_events(list_after(&common.position)).await.unwrap().events,
            std::slice::from_ref(own)
        );
        assert_eq!(refusal(caller.list_events(list_after(&other.position)).await), INVALID);
        assert_eq!(refusal(caller.watch_events(watch_after(&other.position)).await), INVALID);
    }
    for server in [&server, &copy] {
        server.database.db_execute(same_place).await;
    }
    let oldest = |caller: Caller| async move {
        caller.list_events(list_from(FeedEnd::Oldest)).await.unwrap().events.remove(0).position
    };
    let (here, there) = (oldest(service.clone()).await, oldest(of_copy.clone()).await);
    assert_eq!(refusal(service.list_events(list_after(&there)).await), INVALID);
    assert_eq!(refusal(of_copy.list_events(list_after(&here)).await), INVALID);
    assert_eq!(service.list_events(list_after(&here)).await.unwrap().events, [common]);
}
