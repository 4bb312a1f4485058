//! The server is killed.

use std::time::Duration;

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use identity_link::grpc::proto as pb;
use rustix::process::Signal;
use tonic::transport::Endpoint;

use super::{Extent, load::Load, seen::Connections};
use crate::support::{
    child::Running,
    cluster::{cluster, feed_cluster},
    proxies::unused_address,
    tokens::Token,
    *,
};

/// F01: the process is killed while it makes links. Links whose response was sent are stored, and
/// each retry with its request id leads to one link.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_no_confirmed_link_and_repeats_none() {
    const LINKS: usize = 40;
    const ANSWERED: usize = 10;
    let database = cluster().db_migrated().await;
    let (child, address) = Running::serve(&database, |toml| toml);
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
    let mut requests = Vec::new();
    for n in 0..LINKS {
        let subject = n.to_string();
        let primary = service.create("google-oauth2", &subject).await.id;
        let secondary = service.create("sms", &subject).await.id;
        let request_id = format!("5d1a9d0e-7c1b-4f7e-9a51-{n:012}");
        requests.push(pb::LinkRequest { request_id, ..link_user(&primary, &secondary) });
    }

    let mut calls: FuturesUnordered<_> = requests
        .iter()
        .cloned()
        .map(|request| {
            let service = &service;
            async move { (request.clone(), service.link(request).await) }
        })
        .collect();
    let mut answered = Vec::new();
    while answered.len() < ANSWERED {
        let (request, answer) = calls.next().await.unwrap();
        answered.push((request, answer.unwrap()));
    }
    child.signal(Signal::KILL);
    while let Some((request, answer)) = calls.next().await {
        answered.extend(answer.ok().map(|answer| (request, answer)));
    }
    drop(calls);
    assert_eq!(child.finish().code, None);

    let again = TestServer::start_on(database).await;
    for (request, answer) in answered {
        assert_eq!(again.service().link(request).await.unwrap(), answer);
    }
    for request in requests {
        let linked = again.service().link(request).await.unwrap().user.unwrap();
        assert_eq!((linked.version, linked.identities.len()), (2, 2));
    }
    assert_eq!(again.database.db_texts("SELECT id::text FROM links").await.len(), LINKS);
    again.database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_again_and_again_loses_no_acknowledged_change() {
    kill(Extent::Brief).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: `just faults`"]
async fn a_server_that_is_killed_again_and_again_in_full() {
    kill(Extent::Full).await;
}

/// F01: the server is killed under load, and the next one serves at the same address.
async fn kill(extent: Extent) {
    let rounds = extent.of(4, 100);
    let (database, mut races) = (feed_cluster().db_migrated().await, Races::begin());
    let address = unused_address().await.to_string();
    let serve = || Running::serve(&database, |toml| toml.replacen("127.0.0.1:0", &address, 1)).0;
    let mut child = serve();
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
    let load = Load::start(&service, Connections::MayEnd);
    let mut longest = Duration::ZERO;
    for _ in 0..rounds {
        load.until_more_changes(races.number(10..=60)).await;
        child.signal(Signal::KILL);
        assert_eq!(child.finish().code, None);
        child = serve();
        longest = longest.max(load.until_served().await);
    }
    load.db_end(&format!("kill -9 of the server, {rounds} rounds"), longest, &database).await;
}
