//! `ListEvents`: pages, filters, and invalid positions.

use identity_link::grpc::proto::{self as pb, EventKind, FeedEnd};

use crate::support::{
    events::{Watcher, events, line, list_after, list_from, watch_after, watch_from},
    *,
};

/// Creates and blocks this many users; returns the events.
async fn happened(server: &TestServer, count: usize) -> Vec<pb::Event> {
    let service = server.service();
    for n in 0..count {
        let id = service.create("sms", &format!("s{n}")).await.id;
        service.update_user(block(&id, true)).await.unwrap();
    }
    events(&service, 2 * count).await
}

/// All events after the request's position, page by page.
async fn pages(caller: &Caller, mut request: pb::ListEventsRequest) -> Vec<pb::Event> {
    let mut told = Vec::new();
    loop {
        let page = caller.list_events(request.clone()).await.unwrap();
        told.extend(page.events);
        if !page.has_more {
            return told;
        }
        request.start = list_after(&page.position).start;
    }
}

#[tokio::test]
async fn pages_of_any_size_give_every_event_once() {
    let server = TestServer::start_feed().await;
    let all = happened(&server, 4).await;
    let service = server.service();

    for page_size in 1..=9 {
        let request = pb::ListEventsRequest { page_size, ..list_from(FeedEnd::Oldest) };
        assert_eq!(pages(&service, request).await, all, "in pages of {page_size}");
    }
    for (at, event) in all.iter().enumerate() {
        assert_eq!(pages(&service, list_after(&event.position)).await, all[at + 1..]);
        let mut watcher = Watcher::begin(&service, watch_after(&event.position)).await;
        assert_eq!(watcher.caught_up().await, all[at + 1..]);
    }
    assert_eq!(pages(&service, list_from(FeedEnd::Newest)).await, []);
}

#[tokio::test]
async fn a_page_of_large_events_ends_early() {
    let server = TestServer::start_feed().await;
    let all = happened(&server, 5).await;
    let service = server.service();
    server
        .database
        .db_execute(
            "UPDATE events SET detail = detail || jsonb_build_object('pad', repeat('x', 100000))",
        )
        .await;

    let page = service.list_events(list_from(FeedEnd::Oldest)).await.unwrap();

    assert_eq!((page.events.as_slice(), page.has_more), (&all[..3], true));
    assert_eq!(pages(&service, list_from(FeedEnd::Oldest)).await, all);
    let of_kind = pb::ListEventsRequest {
        kinds: vec![EventKind::UserBlocked.into()],
        ..list_from(FeedEnd::Oldest)
    };
    assert_eq!(pages(&service, of_kind).await.len(), 5);
    let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Oldest)).await;
    assert_eq!(watcher.caught_up().await, all);
}

/// Transaction ids count the changes of all tenants.
#[tokio::test]
async fn a_position_does_not_reveal_transaction_ids() {
    let server = TestServer::start_feed().await;
    let all = happened(&server, 1).await;
    let xids = server.database.db_texts("SELECT xid::text FROM events").await;

    for event in &all {
        let bytes = data_encoding::BASE64URL_NOPAD.decode(event.position.as_bytes()).unwrap();
        let told = |xid: &String| bytes.windows(xid.len()).any(|window| window == xid.as_bytes());
        assert!(!xids.iter().any(told), "{bytes:?}");
    }
}

#[tokio::test]
async fn a_page_contains_only_the_requested_kinds_and_user() {
    let server = TestServer::start_feed().await;
    let all = happened(&server, 3).await;
    let service = server.service();
    let lines = |events: &[pb::Event]| events.iter().map(line).collect::<Vec<_>>();
    let blocked: Vec<pb::Event> =
        all.iter().filter(|event| line(event).starts_with("blocked")).cloned().collect();
    let user_id = service.owner("sms", "s1").await;

    for page_size in [1, 2, 100] {
        let kinds = vec![EventKind::UserBlocked.into()];
        let of_kind = pb::ListEventsRequest { kinds, page_size, ..list_from(FeedEnd::Oldest) };
        assert_eq!(pages(&service, of_kind).await, blocked);
        let of_user = pb::ListEventsRequest {
            user_id: user_id.clone(),
            page_size,
            ..list_from(FeedEnd::Oldest)
        };
        let told = pages(&service, of_user).await;
        assert_eq!(
            lines(&told),
            [format!("created {user_id} 0>1"), format!("blocked=true {user_id} 1>2")]
        );
    }
    let watch = pb::WatchEventsRequest { user_id: user_id.clone(), ..watch_from(FeedEnd::Oldest) };
    let mut watcher = Watcher::begin(&service, watch).await;
    assert_eq!(watcher.caught_up().await.len(), 2);
    assert_eq!(
        watcher.position,
        all.last().unwrap().position,
        "the position should pass the filtered events"
    );

    // A filter by user matches both users of a link.
    let other = service.owner("sms", "s2").await;
    service.update_user(block(&user_id, false)).await.unwrap();
    service.update_user(block(&other, false)).await.unwrap();
    service.link(link_user(&other, &user_id)).await.unwrap();
    assert_eq!(watcher.events(2).await[1], events(&service, 9).await[8]);
}

#[tokio::test]
async fn a_position_is_good_for_its_tenant_only() {
    let server = TestServer::start_feed().await;
    let position = happened(&server, 1).await[0].position.clone();
    let service = server.service();
    let flipped = |at: usize| {
        let mut bytes = position.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };

    for wrong in [String::new(), "x".repeat(300), flipped(0), flipped(25), position[1..].to_owned()]
    {
        assert_eq!(
            refusal(service.list_events(list_after(&wrong)).await),
            "InvalidArgument POSITION_INVALID"
        );
        let watch = service.watch_events(watch_after(&wrong)).await;
        assert_eq!(refusal(watch), "InvalidArgument POSITION_INVALID");
    }
    let elsewhere = server.service_of("other").list_events(list_after(&position)).await;
    assert_eq!(refusal(elsewhere), "InvalidArgument POSITION_INVALID");
    assert_eq!(pages(&server.service_of("other"), list_from(FeedEnd::Oldest)).await, []);
}

#[tokio::test]
async fn a_refusal_names_all_violations_at_once() {
    let server = TestServer::start_feed().await;
    let wrong = pb::ListEventsRequest {
        kinds: vec![0, 99],
        user_id: "a b".to_owned(),
        page_size: 1001,
        ..pb::ListEventsRequest::default()
    };
    insta::assert_snapshot!(refusal(server.service().list_events(wrong).await), @r"
        InvalidArgument REQUEST_INVALID
        start: is required: after a position, or from one end of the feed
        user_id: must be 1 to 255 printable ASCII characters without spaces
        kinds: must name kinds that the proto names
        kinds: must name kinds that the proto names
        page_size: must be 0 to 1000
    ");
    let wrong = server.service().watch_events(watch_from(FeedEnd::Unspecified)).await;
    insta::assert_snapshot!(refusal(wrong), @r"
        InvalidArgument REQUEST_INVALID
        from: must be FEED_END_OLDEST or FEED_END_NEWEST
    ");
}
