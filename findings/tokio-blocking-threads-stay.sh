#!/usr/bin/env bash
# tokio 1.54.1 (crates.io): after one burst of file reads the threads of the blocking pool stay for good, although one small
# read every half second needs a single one. A semaphore around the reads does not keep fewer of them.
#
# `thread_keep_alive` (10 s unless set) is documented as the time after which an idle thread ends. Two things follow that
# the documents do not say:
#   - Threads that wait get work in turns. With n threads and a read every 0.5 s, each works every n/2 seconds: up to
#     twenty threads never wait for ten seconds, so none of them ends while the reads go on.
#   - A thread counts as idle only after the caller has the result of its read. One caller that reads a file after the
#     other, one at a time, can make the pool start a second thread, and a third one.
# Each such thread keeps memory of the allocator, about 150 KiB with mimalloc.
#
# This is what a server does that reads the key files of ten issuers every few seconds: ten threads and 1.5 MiB, for good.
# identity-link sets `thread_keep_alive` to half a second.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "threads"
edition = "2024"

[dependencies]
tokio = { version = "=1.54.1", features = ["rt-multi-thread", "time", "sync", "macros"] }
TOML
cat > src/main.rs <<'RUST'
use std::{sync::Arc, time::Duration};

use tokio::{sync::{Barrier, Semaphore}, task::spawn_blocking};

/// The threads of this process besides the main one.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count() - 1
}

fn read() {
    std::fs::read("Cargo.toml").unwrap();
}

/// The threads that are left after a burst of eight reads, and then one read every half second for 25 s.
fn after_a_burst(keep_alive: Duration) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .thread_keep_alive(keep_alive)
        .build()
        .unwrap();
    runtime.block_on(async {
        let together = Arc::new(std::sync::Barrier::new(8));
        let burst: Vec<_> = (0..8)
            .map(|_| {
                let together = Arc::clone(&together);
                spawn_blocking(move || {
                    together.wait();
                    read();
                })
            })
            .collect();
        for one in burst {
            one.await.unwrap();
        }
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            spawn_blocking(read).await.unwrap();
        }
        threads()
    })
}

/// The most threads that 20,000 reads leave, of which one at a time has the permit.
fn one_at_a_time() -> usize {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.block_on(async {
        let permits = Arc::new(Semaphore::new(1));
        let start = Arc::new(Barrier::new(20));
        let readers: Vec<_> = (0..20)
            .map(|_| {
                let (permits, start) = (Arc::clone(&permits), Arc::clone(&start));
                tokio::spawn(async move {
                    start.wait().await;
                    for _ in 0..1000 {
                        let _permit = permits.acquire().await.unwrap();
                        spawn_blocking(read).await.unwrap();
                    }
                })
            })
            .collect();
        for reader in readers {
            reader.await.unwrap();
        }
        // Besides the worker.
        threads() - 1
    })
}

fn main() {
    println!("ten seconds to wait: {} threads are left", after_a_burst(Duration::from_secs(10)));
    println!("half of one to wait: {} threads are left", after_a_burst(Duration::from_millis(400)));
    println!("one read at a time: more than one thread: {}", one_at_a_time() > 1);
}
RUST
cargo build --quiet
cat > expected <<'TEXT'
ten seconds to wait: 8 threads are left
half of one to wait: 1 threads are left
one read at a time: more than one thread: true
TEXT
target/debug/threads > actual
cat actual
diff expected actual && echo "as expected"
