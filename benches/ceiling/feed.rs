//! The feed: the time until a watcher has an event.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use identity_link::grpc::proto as pb;
use identity_link_test_support::{
    Caller,
    events::{Watcher, watch_from},
};
use tokio::time::sleep;
use tonic::transport::Endpoint;

use super::{
    calls,
    client::bearer,
    load::Draw,
    sample::{Cpu, Sample},
};

/// The longest time between two changes, in microseconds: longer than the pause between two polls.
const PAUSE: u64 = 130_000;

pub(super) fn caller(address: SocketAddr) -> Caller {
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    Caller::new(channel, Some(bearer()))
}

/// The time from the response to a change until a watcher gets its event, for changes at random
/// times during so many seconds.
pub(super) async fn delays(address: SocketAddr, seconds: f64) -> Sample {
    let mut watcher = begin(&caller(address)).await;
    let service = caller(address);
    let begun = Instant::now();
    let (mut draw, mut latencies) = (Draw::new(), Vec::new());
    while begun.elapsed().as_secs_f64() < seconds {
        sleep(Duration::from_micros(draw.next() % PAUSE)).await;
        let request = calls::create(draw.next());
        service.create_user(request).await.unwrap();
        let committed = Instant::now();
        watcher.events(1).await;
        latencies.push(u32::try_from(committed.elapsed().as_micros()).unwrap());
    }
    Sample::new(latencies, begun.elapsed().as_secs_f64(), Cpu::default(), Cpu::default())
}

/// Begins a watch, and waits until it has caught up.
pub(super) async fn begin(service: &Caller) -> Watcher {
    let mut watcher = Watcher::begin(service, watch_from(pb::FeedEnd::Newest)).await;
    watcher.caught_up().await;
    watcher
}
