//! Races of calls.

use std::{env, ops::RangeInclusive, pin::Pin, sync::Arc, thread};

use tokio::{sync::Barrier, task::yield_now};
use tonic::Status;
use uuid::Uuid;

use super::refusal;

/// The environment variable with the seed of a race, to run the race again.
const SEED: &str = "RACE_SEED";
/// How far behind the others a racer may start, in turns of the runtime.
const MAX_TURNS: usize = 32;

/// A call that races. It resolves to its outcome in a word.
pub type Racer = Pin<Box<dyn Future<Output = String> + Send>>;

/// A racer with the outcome `OK`, or the refusal.
pub fn racer<T: std::fmt::Debug + Send + 'static>(
    call: impl Future<Output = Result<T, Status>> + Send + 'static,
) -> Racer {
    racer_as(call, |_| "OK".to_owned())
}

/// A racer with the outcome that `tell` makes of the response, or the refusal.
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

/// How often this outcome is among the outcomes.
pub fn count(outcomes: &[String], outcome: &str) -> usize {
    outcomes.iter().filter(|o| *o == outcome).count()
}

/// A generator of pseudorandom values: equal seeds give equal values.
pub struct Lots(u64);

impl Lots {
    /// A number in this range.
    pub fn number(&mut self, range: RangeInclusive<usize>) -> usize {
        let count = u64::try_from(range.end() - range.start() + 1).unwrap();
        range.start() + usize::try_from(self.next() % count).unwrap()
    }

    /// True or false, with equal probability.
    pub fn coin(&mut self) -> bool {
        self.number(0..=1) == 1
    }

    /// One element of a slice. Panics if the slice is empty.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.number(0..=all.len() - 1)]
    }

    /// SplitMix64: the next value.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// The random choices in the races of one test: how many calls race, on which side, in which order
/// they start and how far apart. A failed test prints the seed. The system's scheduler is not
/// seeded, so a seed makes a failure likely again, and not certain.
pub struct Races {
    seed: u64,
    lots: Lots,
}

impl Races {
    /// Races with the seed `RACE_SEED`, or with a random seed if it is not set.
    pub fn begin() -> Self {
        let told = env::var_os(SEED).map(|seed| seed.to_str().and_then(|seed| seed.parse().ok()));
        let seed = told.map_or_else(
            || Uuid::new_v4().as_u64_pair().0,
            |seed| seed.expect("RACE_SEED should be a number"),
        );
        Self { seed, lots: Lots(seed) }
    }

    /// A number in this range.
    pub fn number(&mut self, range: RangeInclusive<usize>) -> usize {
        self.lots.number(range)
    }

    /// True or false, with equal probability.
    pub fn coin(&mut self) -> bool {
        self.lots.coin()
    }

    /// A separate generator, for a task that chooses while others do.
    pub fn lots(&mut self) -> Lots {
        Lots(self.lots.next())
    }

    /// Starts all racers at once, each in a task of its own, and returns their outcomes in the
    /// order of `racers`. Panics if an outcome is a fault of the server (`INTERNAL`).
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
            eprintln!(
                "to run it again: {SEED}={} cargo test --test it -- --exact {test}",
                self.seed
            );
        }
    }
}
