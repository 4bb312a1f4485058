//! The bound on calls that the server carries out at once. A call beyond it waits briefly for its
//! turn, and is then refused. Without the bound it would wait for a connection behind all other
//! calls until its client has given up.
//!
//! The wait also slows clients down that repeat refused calls without a pause. A refusal costs
//! about as much as a short call: at once and without end, refusals would take the processors from
//! the calls that the server carries out.
//!
//! A writer that waits for other writers gives its slot to others meanwhile (`call_slot.rs`).

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{auth::Permit, call_slot::CallSlot};

/// How long a call waits for a slot before it is refused.
const LONGEST_WAIT: Duration = Duration::from_millis(40);
/// How many calls may wait for each slot. A call beyond them is refused at once, so that waiting
/// calls take little memory.
const WAITING_PER_SLOT: usize = 8;
/// How many writers may wait for others without a slot, for each slot.
const ASIDE_PER_SLOT: usize = 8;

/// The slots for calls, shared by both transports. A call gets its slot behind the gate, so that a
/// refused caller takes none.
#[derive(Debug, Clone)]
pub struct ConcurrencyLimit {
    slots: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    aside: Arc<Semaphore>,
    max: usize,
}

/// No slot became free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitReached;

impl ConcurrencyLimit {
    /// At most `max` calls at once.
    pub fn new(max: usize) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self {
            slots: semaphore(max),
            waiting: semaphore(max * WAITING_PER_SLOT),
            aside: semaphore(max * ASIDE_PER_SLOT),
            max,
        }
    }

    /// The number of slots.
    pub fn max(&self) -> usize {
        self.max
    }

    /// The number of free slots.
    pub fn free(&self) -> usize {
        self.slots.available_permits()
    }

    /// Takes a slot for a call, which has it as long as its permit. Calls that wait get theirs in
    /// the order of their arrival.
    ///
    /// # Errors
    /// [`LimitReached`] if no slot becomes free in time, or too many calls wait.
    pub async fn acquire(&self, permit: &mut Permit) -> Result<(), LimitReached> {
        let slot = self.slot().await?;
        permit.hold(CallSlot::new(slot, Arc::clone(&self.slots), Arc::clone(&self.aside)));
        Ok(())
    }

    async fn slot(&self) -> Result<OwnedSemaphorePermit, LimitReached> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(slot);
        }
        let _place = self.waiting.try_acquire().map_err(|_| LimitReached)?;
        match timeout(LONGEST_WAIT, Arc::clone(&self.slots).acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            _ => Err(LimitReached),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_call_that_waits_gets_the_next_free_slot() {
        let limit = ConcurrencyLimit::new(1);
        let first = limit.slot().await.unwrap();
        let mut second = pin!(limit.slot());
        assert!(second.as_mut().now_or_never().is_none());
        let mut third = pin!(limit.slot());
        assert!(third.as_mut().now_or_never().is_none());

        drop(first);
        assert!(third.as_mut().now_or_never().is_none(), "the second call came before");
        let slot = second.await.unwrap();
        drop(slot);
        assert!(third.await.is_ok());
    }

    #[tokio::test]
    async fn a_call_behind_too_many_others_is_refused_at_once() {
        let limit = ConcurrencyLimit::new(1);
        let _slot = limit.slot().await.unwrap();
        let mut waiting: Vec<_> = (0..WAITING_PER_SLOT).map(|_| Box::pin(limit.slot())).collect();
        assert!(waiting.iter_mut().all(|call| call.now_or_never().is_none()));

        let refused = limit.slot().now_or_never().map(|slot| slot.is_err());
        assert_eq!(refused, Some(true));
        waiting.clear();
        assert!(limit.slot().now_or_never().is_none());
    }
}
