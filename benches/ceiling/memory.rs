//! The memory of servers, each of its own.

use std::{path::Path, time::Duration};

use futures_util::future::join_all;
use identity_link_test_support::{events::Watcher, process};
use tokio::time::sleep;

use super::{
    arms::{Arm, Rpcs},
    calls,
    client::{Answer, Client},
    feed, load,
    options::Options,
    sample::{Cpu, Sample},
    server::Server,
};

const WATCHERS: usize = 1000;
/// The number of watchers that share a connection.
const STREAMS: usize = 50;
const IN_FLIGHT: usize = 248;
const CONNECTIONS: usize = 256;
/// How long a server without calls is left alone: it reads the keys of its issuers, and sweeps.
const REST: Duration = Duration::from_secs(5);

/// The memory of a server on this database.
pub(super) async fn sample(
    arm: Arm,
    program: &Path,
    folder: &Path,
    url: &str,
    options: &Options,
) -> Sample {
    let more = "max_concurrent_calls = 1024";
    let start = |more| Server::service(program, folder, &format!("{arm}"), url, more);
    match arm {
        Arm::Idle => {
            let server = start("");
            sleep(REST).await;
            Sample { memory: process::memory(server.pid(), "VmRSS"), ..Sample::default() }
        }
        Arm::Connections => {
            let server = start(more);
            let client = Client::connect_with(server.address, CONNECTIONS).await;
            under_calls(&server, client, CONNECTIONS, options).await
        }
        Arm::Watchers => {
            let server = start("");
            let _watchers = watchers(&server).await;
            sleep(REST).await;
            Sample { memory: process::memory(server.pid(), "VmRSS"), ..Sample::default() }
        }
        _ => {
            let server = start(more);
            let _watchers = watchers(&server).await;
            let client = Client::connect(server.address).await;
            under_calls(&server, client, IN_FLIGHT, options).await
        }
    }
}

/// Watchers that have caught up.
async fn watchers(server: &Server) -> Vec<Watcher> {
    let mut watchers = Vec::new();
    while watchers.len() < WATCHERS {
        let service = feed::caller(server.address);
        watchers.extend(join_all((0..STREAMS).map(|_| feed::begin(&service))).await);
    }
    watchers
}

/// The memory under so many calls in flight.
async fn under_calls(server: &Server, client: Client, tasks: usize, options: &Options) -> Sample {
    let call = calls::call(Rpcs::GetUser, client, options.users, tasks);
    let seconds = 60.0 * options.minutes;
    let pid = server.pid();
    let quarter = tokio::spawn(async move {
        sleep(Duration::from_secs_f64(seconds / 4.0)).await;
        process::memory(pid, "VmRSS")
    });
    let sample = load::closed(call, tasks, seconds, Answer::Ok, Cpu::default).await;
    let growth = process::memory(pid, "VmRSS") / quarter.await.unwrap();
    Sample { memory: process::memory(pid, "VmHWM"), growth, ..sample }
}
