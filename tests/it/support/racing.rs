//! Calls that race.

use std::{pin::Pin, sync::Arc};

use tokio::sync::Barrier;
use tonic::Status;

use super::refusal;

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

/// Lets all of them go at once, each in a task of its own. What came of them, in their order; a
/// fault of the server is nobody's outcome.
pub async fn at_once(racers: Vec<Racer>) -> Vec<String> {
    let barrier = Arc::new(Barrier::new(racers.len()));
    let start = |racer: Racer| {
        let barrier = Arc::clone(&barrier);
        tokio::spawn(async move {
            barrier.wait().await;
            racer.await
        })
    };
    let tasks: Vec<_> = racers.into_iter().map(start).collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        let outcome = task.await.unwrap();
        assert!(!outcome.contains("INTERNAL"), "{outcome}");
        outcomes.push(outcome);
    }
    outcomes
}

/// How many of the outcomes are this one.
pub fn count(outcomes: &[String], outcome: &str) -> usize {
    outcomes.iter().filter(|o| *o == outcome).count()
}
