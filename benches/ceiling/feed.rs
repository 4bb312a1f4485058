//! The arms with watchers.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use identity_link::grpc::proto as pb;
use identity_link_test_support::{
    Caller,
    events::{Watcher, watch_from},
};
use tokio::time::sleep;
use tonic::transport::Endpoint;

use super::{
    arms::Rpcs,
    calls,
    client::{Answer, Client, bearer},
    load::{self, Draw},
    options::Options,
    process,
    sample::{Cpu, Sample},
    server::Server,
};

/// The longest time between two changes, in microseconds: longer than the pause between two polls.
const PAUSE: u64 = 130_000;
const WATCHERS: usize = 1000;
/// The number of watchers that share a connection.
const STREAMS: usize = 50;
const IN_FLIGHT: usize = 248;

fn caller(address: SocketAddr) -> Caller {
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

/// The memory of a server of its own with many watchers and calls.
pub(super) async fn crowd(program: &Path, folder: &Path, url: &str, options: &Options) -> Sample {
    let server = Server::service(program, folder, "crowd", url, "max_concurrent_calls = 1024");
    let mut watchers = Vec::new();
    while watchers.len() < WATCHERS {
        let service = caller(server.address);
        watchers.extend(join_all((0..STREAMS).map(|_| begin(&service))).await);
    }
    let client = Client::connect(server.address).await;
    let call = calls::call(Rpcs::GetUser, client, options.users, IN_FLIGHT);
    let seconds = 60.0 * options.minutes;
    let pid = server.pid();
    let quarter = tokio::spawn(async move {
        sleep(Duration::from_secs_f64(seconds / 4.0)).await;
        process::memory(pid, "VmRSS")
    });
    let sample = load::closed(call, IN_FLIGHT, seconds, Answer::Ok, Cpu::default).await;
    let growth = process::memory(pid, "VmRSS") / quarter.await.unwrap();
    Sample { memory: process::memory(pid, "VmHWM"), growth, ..sample }
}

/// Begins a watch, and waits until it has caught up.
async fn begin(service: &Caller) -> Watcher {
    let mut watcher = Watcher::begin(service, watch_from(pb::FeedEnd::Newest)).await;
    watcher.caught_up().await;
    watcher
}
