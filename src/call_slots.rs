//! The slot of a call among those that the server carries out at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A slot, which a call gives to others while it only waits. A writer that waits for other writers of
/// the same user uses nothing: without that, the writers of one busy user could hold all slots, and
/// callers of other users would be refused.
#[derive(Debug)]
pub struct CallSlot {
    slots: Arc<Semaphore>,
    aside: Arc<Semaphore>,
    held: Mutex<Held>,
}

#[derive(Debug)]
enum Held {
    Slot(#[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit),
    /// A place among the calls that wait without a slot.
    Aside(#[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit),
}

impl CallSlot {
    /// A slot of `slots`. `aside` bounds the calls that wait without a slot, and so their memory.
    pub fn new(slot: OwnedSemaphorePermit, slots: Arc<Semaphore>, aside: Arc<Semaphore>) -> Self {
        Self { slots, aside, held: Mutex::new(Held::Slot(slot)) }
    }

    /// Gives the slot to others; `None` if too many calls wait without one. The call then must not
    /// wait in its slot: those for which it waits may need one.
    #[must_use]
    pub fn step_aside(&self) -> Option<()> {
        let place = Arc::clone(&self.aside).try_acquire_owned().ok()?;
        *self.held() = Held::Aside(place);
        Some(())
    }

    /// Takes a slot again, in the order of all calls that wait for one.
    pub async fn step_back(&self) {
        if matches!(*self.held(), Held::Slot(_)) {
            return;
        }
        // The semaphore is never closed.
        if let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await {
            *self.held() = Held::Slot(slot);
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::*;

    fn semaphore(permits: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(permits))
    }

    fn slot(slots: &Arc<Semaphore>, aside: &Arc<Semaphore>) -> CallSlot {
        let slot = Arc::clone(slots).try_acquire_owned().unwrap();
        CallSlot::new(slot, Arc::clone(slots), Arc::clone(aside))
    }

    #[tokio::test]
    async fn a_call_that_steps_aside_gives_its_slot_to_another_until_it_steps_back() {
        let (slots, aside) = (semaphore(1), semaphore(1));
        let waiting = slot(&slots, &aside);
        waiting.step_aside().unwrap();
        let other = slot(&slots, &aside);
        {
            let mut back = pin!(waiting.step_back());
            assert!(back.as_mut().now_or_never().is_none());
            drop(other);
            back.await;
        }
        assert_eq!((slots.available_permits(), aside.available_permits()), (0, 1));
        drop(waiting);
        assert_eq!(slots.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_call_keeps_its_slot_if_too_many_wait_without_one() {
        let (slots, aside) = (semaphore(2), semaphore(1));
        let (first, second) = (slot(&slots, &aside), slot(&slots, &aside));
        assert_eq!((first.step_aside(), second.step_aside()), (Some(()), None));
        assert_eq!((slots.available_permits(), aside.available_permits()), (1, 0));
        second.step_back().now_or_never().unwrap();
        drop((first, second));
        assert_eq!((slots.available_permits(), aside.available_permits()), (2, 1));
    }
}
