//! Calls that race.

use std::{env, ops::RangeInclusive, pin::Pin, sync::Arc, thread};

use tokio::{sync::Barrier, task::yield_now};
use tonic::Status;
use uuid::Uuid;

use super::refusal;

/// Runs a race again as it was drawn.
const SEED: &str = "RACE_SEED";
/// How far behind the others a racer may start, in turns of the runtime.
const MAX_TURNS: usize = 32;

/// A call that races, and what came of it in a word.
pub type Racer = Pin<Box<dyn Future<Output = String> + Send>>;

/// A call, whose good outcome is `OK`.
pub fn racer<T: std::fmt::Debug + Send + 'static>(
    call: impl Future<Output = Result<T, Status>> + Send + 'static,
) -> Racer {
    racer_as(call, |_| "OK".to_owned())
}

/// A call, whose good outcome is told by `tell`.
pub fn racer_as<T: std::fmt::Debug + Send + 'static>(
    call: impl Future<Output = Result<T, Status>> + Send + 'static,
    tell: impl FnOnce(&T) -> String + Send + 'static,
) -> Racer {
    Box::pin(async move {
        match call.await {
            Ok(answer) => tell(&answer),
            refused => refusal(refused),
        }
    })
}

/// How many of the outcomes are this one.
pub fn count(outcomes: &[String], outcome: &str) -> usize {
    outcomes.iter().filter(|o| *o == outcome).count()
}

/// Lots to draw: the same from the same seed.
pub struct Lots(u64);

impl Lots {
    /// One of these numbers.
    pub fn number(&mut self, range: RangeInclusive<usize>) -> usize {
        let count = u64::try_from(range.end() - range.start() + 1).unwrap();
        range.start() + usize::try_from(self.next() % count).unwrap()
    }

    /// This or that.
    pub fn coin(&mut self) -> bool {
        self.number(0..=1) == 1
    }

    /// One of these, of which there must be one at least.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.number(0..=all.len() - 1)]
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// What is drawn by lot in the races of one test: how many race, on which side, in which order they
/// start and how far apart. A failed test prints the seed of it all. The system's scheduler has its own
/// say, so that a seed makes a failure likely again, and not certain.
pub struct Races {
    seed: u64,
    lots: Lots,
}

impl Races {
    /// The races of `RACE_SEED`, else others each time.
    pub fn begin() -> Self {
        let told = env::var_os(SEED).map(|seed| seed.to_str().and_then(|seed| seed.parse().ok()));
        let seed = told.map_or_else(|| Uuid::new_v4().as_u64_pair().0, |seed| seed.expect("RACE_SEED is a number"));
        Self { seed, lots: Lots(seed) }
    }

    /// One of these numbers.
    pub fn number(&mut self, range: RangeInclusive<usize>) -> usize {
        self.lots.number(range)
    }

    /// This or that.
    pub fn coin(&mut self) -> bool {
        self.lots.coin()
    }

    /// Lots of its own for somebody who draws beside others.
    pub fn lots(&mut self) -> Lots {
        Lots(self.lots.next())
    }

    /// Lets all of them go at once, each in a task of its own. What came of them, in the order in which
    /// they were given; a fault of the server is nobody's outcome.
    pub async fn at_once(&mut self, racers: Vec<Racer>) -> Vec<String> {
        let barrier = Arc::new(Barrier::new(racers.len()));
        let mut waiting: Vec<_> = racers.into_iter().enumerate().collect();
        let mut tasks = Vec::new();
        while !waiting.is_empty() {
            let (place, racer) = waiting.swap_remove(self.number(0..=waiting.len() - 1));
            let (barrier, turns) = (Arc::clone(&barrier), self.number(0..=MAX_TURNS));
            let task = tokio::spawn(async move {
                barrier.wait().await;
                for _ in 0..turns {
                    yield_now().await;
                }
                racer.await
            });
            tasks.push((place, task));
        }
        tasks.sort_by_key(|(place, _)| *place);
        let mut outcomes = Vec::new();
        for (_, task) in tasks {
            let outcome = task.await.unwrap();
            assert!(!outcome.contains("INTERNAL"), "{outcome}");
            outcomes.push(outcome);
        }
        outcomes
    }
}

impl Drop for Races {
    fn drop(&mut self) {
        if thread::panicking() {
            let test = thread::current().name().unwrap_or_default().to_owned();
            eprintln!("to run it again: {SEED}={} cargo test --test it -- --exact {test}", self.seed);
        }
    }
}
