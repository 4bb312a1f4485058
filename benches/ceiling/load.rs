//! Loads: in a closed loop, in which each task calls again after its answer, and in an open one, in
//! which calls come at a rate whatever the answers take.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::{sync::mpsc, time::sleep};

use super::{
    client::Answer,
    sample::{Cpu, Sample, percentiles},
};

/// A call by the task of this number, about users that this random number chooses.
pub(super) type Call =
    Arc<dyn Fn(usize, u64) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

/// How long a load runs before it is measured, as a share of its time.
const WARM_UP: f64 = 0.2;

/// Equal seeds give equal numbers (splitmix64).
pub(super) struct Draw(pub(super) u64);

impl Draw {
    /// A generator of numbers that no other one of this run gives.
    pub(super) fn new() -> Self {
        static SEED: AtomicU64 = AtomicU64::new(0);
        Self(SEED.fetch_add(1 << 32, Ordering::Relaxed))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The wait for the next of events that come at this rate, independently of each other.
    fn wait(&mut self, rate: f64) -> Duration {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        Duration::from_secs_f64(-(1.0 - uniform).ln() / rate)
    }
}

/// The answer to one call.
struct Heard {
    at: Instant,
    latency: Duration,
    answer: Answer,
}

/// The time that is measured.
struct Window {
    from: Instant,
    to: Instant,
    cpu_from: Cpu,
    cpu_to: Cpu,
}

impl Window {
    /// Waits for the warm-up and for so many seconds.
    async fn pass(seconds: f64, cpu: impl Fn() -> Cpu) -> Self {
        sleep(Duration::from_secs_f64(WARM_UP * seconds)).await;
        let (from, cpu_from) = (Instant::now(), cpu());
        sleep(Duration::from_secs_f64(seconds)).await;
        Self { from, to: Instant::now(), cpu_from, cpu_to: cpu() }
    }

    /// The sample of what was heard in the window. The units are the answers of this kind.
    fn sample(&self, heard: &[Heard], unit: Answer) -> Sample {
        let inside = || heard.iter().filter(|heard| (self.from..self.to).contains(&heard.at));
        let latencies = |answer| -> Vec<u32> {
            inside()
                .filter(|heard| heard.answer == answer)
                .map(|heard| micros(heard.latency))
                .collect()
        };
        let seconds = (self.to - self.from).as_secs_f64();
        let mut refused = latencies(Answer::Refused);
        let [refused_p99] = percentiles(&mut refused, [99]);
        Sample {
            refused: refused.len() as f64 / seconds,
            refused_p99,
            ..Sample::new(latencies(unit), seconds, self.cpu_from, self.cpu_to)
        }
    }
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

/// So many tasks call in a loop, for so many seconds.
pub(super) async fn closed(
    call: Call,
    tasks: usize,
    seconds: f64,
    unit: Answer,
    cpu: impl Fn() -> Cpu,
) -> Sample {
    let is_over = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..tasks)
        .map(|task| tokio::spawn(call_on(Arc::clone(&call), task, Arc::clone(&is_over))))
        .collect();
    let window = Window::pass(seconds, cpu).await;
    is_over.store(true, Ordering::Relaxed);
    let heard: Vec<Heard> =
        join_all(tasks).await.into_iter().flat_map(|heard| heard.unwrap()).collect();
    window.sample(&heard, unit)
}

async fn call_on(call: Call, task: usize, is_over: Arc<AtomicBool>) -> Vec<Heard> {
    let (mut draw, mut heard) = (Draw::new(), Vec::new());
    while !is_over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let answer = call(task, draw.next()).await;
        let at = Instant::now();
        heard.push(Heard { at, latency: at - begun, answer });
    }
    heard
}

/// Calls come at this rate, for so many seconds. A latency counts from when the call was due.
pub(super) async fn open(call: Call, rate: f64, seconds: f64, cpu: impl Fn() -> Cpu) -> Sample {
    let is_over = Arc::new(AtomicBool::new(false));
    let (announce, mut due) = mpsc::unbounded_channel();
    let ends = Arc::clone(&is_over);
    // A thread of its own: the runtime's timers are as coarse as a millisecond.
    let pace = thread::spawn(move || {
        let (mut draw, mut next) = (Draw::new(), Instant::now());
        while !ends.load(Ordering::Relaxed) {
            next += draw.wait(rate);
            thread::sleep(next.saturating_duration_since(Instant::now()));
            if announce.send(next).is_err() {
                return;
            }
        }
    });
    let calls = tokio::spawn(async move {
        let (mut draw, mut calls, mut task) = (Draw::new(), Vec::new(), 0);
        while let Some(due) = due.recv().await {
            let call = call(task, draw.next());
            task += 1;
            calls.push(tokio::spawn(async move {
                let answer = call.await;
                let at = Instant::now();
                Heard { at, latency: at - due, answer }
            }));
        }
        join_all(calls).await
    });
    let window = Window::pass(seconds, cpu).await;
    is_over.store(true, Ordering::Relaxed);
    let heard: Vec<Heard> = calls.await.unwrap().into_iter().map(|heard| heard.unwrap()).collect();
    pace.join().unwrap();
    window.sample(&heard, Answer::Ok)
}
