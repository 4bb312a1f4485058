//! The server is killed.

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use identity_link::grpc::proto as pb;
use rustix::process::Signal;
use tonic::transport::Endpoint;

use crate::support::{child::Running, cluster::cluster, tokens::Token, *};

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
