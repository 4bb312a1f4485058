//! The slots of the calls that the server carries out at once, and the line of calls that wait for
//! one.
//!
//! While few calls wait, the oldest is next: no call that would be served in time is passed over. While
//! many wait, not all of them can be served in time whatever the order, and the newest is next: a call
//! that is carried out has then hardly waited, instead of each one having waited as long as it could.
//! If many wait for long, this is no burst, and a call that has waited for some time is no longer
//! served: a slot that becomes free is for the next newcomer. ("Adaptive LIFO" and "controlled delay":
//! B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015.)

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, timeout},
};

/// How many calls may wait for each slot. A call beyond them is refused at once, so that waiting
/// calls take little memory.
const WAITING_PER_SLOT: usize = 16;
/// How many waiting calls for each slot are few. The last of them waits about as long as a call takes.
const FEW_PER_SLOT: usize = 1;
/// How long many calls wait before it is no burst.
const LONGEST_BURST: Duration = Duration::from_millis(100);
/// How long a call may have waited that is served while it is no burst.
const LONGEST_WAIT_OVERLOADED: Duration = Duration::from_millis(2);
/// How many writers may wait for others without a slot, for each slot.
const WRITERS_PER_SLOT: usize = 8;
/// How many callers may wait for a refreshed token without a slot, for each slot.
const REFRESHES_PER_SLOT: usize = 8;
/// How many flows may wait for providers without a slot. Two providers that are down at once can take
/// all of these places, and no other ones.
const AT_PROVIDERS: usize = 2 * MAX_AT_ONE_PROVIDER;
/// How many flows may wait for one provider. Each takes some 20 KB of memory.
pub const MAX_AT_ONE_PROVIDER: usize = 1000;

/// The slots of a server.
#[derive(Debug, Clone)]
pub struct CallSlots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    max: usize,
    state: Mutex<State>,
    writers: Arc<Semaphore>,
    flows: Arc<Semaphore>,
    refreshes: Arc<Semaphore>,
}

#[derive(Debug)]
struct State {
    /// Slots that no call has. If there are any, no call waits that is to be served.
    free: usize,
    /// Calls that had a slot before. They are served first, in the order of their return.
    returning: VecDeque<oneshot::Sender<Slot>>,
    /// Calls that have had none, from the oldest.
    line: VecDeque<Waiting>,
    /// How many calls have ever waited in the line.
    joined: u64,
    few: usize,
    /// Since when more than a few wait.
    many_since: Option<Instant>,
}

/// A call that waits for its first slot.
#[derive(Debug)]
struct Waiting {
    number: u64,
    since: Instant,
    next: oneshot::Sender<Slot>,
}

/// The place of a call in the line. It leaves the line with its call, however that ends.
struct Place<'a> {
    slots: &'a Shared,
    number: u64,
}

/// A slot. When it is dropped, the next call has it.
#[derive(Debug)]
struct Slot(Arc<Shared>);

/// What a call waits for without a slot. Each has places of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitsFor {
    /// Other writers of the same user.
    Writers,
    /// A provider, in a flow.
    Provider,
    /// The refresh of a provider's token.
    Refresh,
}

/// The slot of a call, which the call gives to others while it only waits. Such a call uses nothing:
/// without that, the writers of one busy user, or the sign-ins at a slow provider, could hold all
/// slots, and callers of other users would be refused.
#[derive(Debug)]
pub struct CallSlot {
    slots: CallSlots,
    held: Mutex<Held>,
}

#[derive(Debug)]
enum Held {
    Slot(#[expect(dead_code, reason = "held until it is dropped")] Slot),
    /// A place among the calls that wait without a slot.
    Aside(#[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit),
}

impl CallSlots {
    /// So many slots.
    pub fn new(max: usize) -> Self {
        let state = State {
            free: max,
            returning: VecDeque::new(),
            line: VecDeque::new(),
            joined: 0,
            few: max * FEW_PER_SLOT,
            many_since: None,
        };
        let places = |count| Arc::new(Semaphore::new(count));
        Self(Arc::new(Shared {
            max,
            state: Mutex::new(state),
            writers: places(max * WRITERS_PER_SLOT),
            flows: places(AT_PROVIDERS),
            refreshes: places(max * REFRESHES_PER_SLOT),
        }))
    }

    /// The number of slots.
    pub fn max(&self) -> usize {
        self.0.max
    }

    /// The number of free slots.
    pub fn free(&self) -> usize {
        self.0.state().free
    }

    /// Takes a slot for a call, which waits for it at most so long. `None` if it gets none in time, or
    /// if too many calls wait.
    pub async fn take(&self, longest_wait: Duration) -> Option<CallSlot> {
        let (_place, waiting) = {
            let mut state = self.0.state();
            if state.free > 0 {
                state.free -= 1;
                drop(state);
                return Some(self.hold(Slot(Arc::clone(&self.0))));
            }
            if state.line.len() >= self.0.max * WAITING_PER_SLOT {
                return None;
            }
            let (next, waiting) = oneshot::channel();
            let number = state.join(next, Instant::now());
            (Place { slots: &self.0, number }, waiting)
        };
        // A sender is not dropped before its call has gone.
        timeout(longest_wait, waiting).await.ok()?.ok().map(|slot| self.hold(slot))
    }

    fn hold(&self, slot: Slot) -> CallSlot {
        CallSlot { slots: self.clone(), held: Mutex::new(Held::Slot(slot)) }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // No panic can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Adds a call to the line. Returns its number.
    fn join(&mut self, next: oneshot::Sender<Slot>, now: Instant) -> u64 {
        self.joined += 1;
        self.line.push_back(Waiting { number: self.joined, since: now, next });
        if self.line.len() > self.few {
            self.many_since.get_or_insert(now);
        }
        self.joined
    }

    /// Removes a call from the line, if it is still there.
    fn leave(&mut self, number: u64) {
        if let Ok(at) = self.line.binary_search_by_key(&number, |waiting| waiting.number) {
            self.line.remove(at);
            self.note_few();
        }
    }

    /// Takes the call from its line that has the next free slot.
    fn next(&mut self, now: Instant) -> Option<oneshot::Sender<Slot>> {
        while let Some(first) = self.returning.pop_front() {
            if !first.is_closed() {
                return Some(first);
            }
        }
        let next = if self.line.len() > self.few {
            let is_late = |waiting: &Waiting| {
                now.saturating_duration_since(waiting.since) > LONGEST_WAIT_OVERLOADED
            };
            if self.is_no_burst(now) && self.line.back().is_some_and(is_late) {
                return None;
            }
            self.line.pop_back()
        } else {
            self.line.pop_front()
        };
        self.note_few();
        next.map(|waiting| waiting.next)
    }

    fn note_few(&mut self) {
        if self.line.len() <= self.few {
            self.many_since = None;
        }
    }

    fn is_no_burst(&self, now: Instant) -> bool {
        self.many_since.is_some_and(|since| now.saturating_duration_since(since) > LONGEST_BURST)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.slots.state().leave(self.number);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let next = {
            let mut state = self.0.state();
            let next = state.next(Instant::now());
            state.free += usize::from(next.is_none());
            next
        };
        if let Some(next) = next {
            // If that call has gone meanwhile, its slot is dropped here, and is the next one's.
            drop(next.send(Self(Arc::clone(&self.0))));
        }
    }
}

impl CallSlot {
    /// Gives the slot to others; `None` if too many calls wait for such a thing without one. The call
    /// then must not wait in its slot: those for which it waits may need one.
    #[must_use]
    pub fn step_aside(&self, waits_for: WaitsFor) -> Option<()> {
        let places = match waits_for {
            WaitsFor::Writers => &self.slots.0.writers,
            WaitsFor::Provider => &self.slots.0.flows,
            WaitsFor::Refresh => &self.slots.0.refreshes,
        };
        let place = Arc::clone(places).try_acquire_owned().ok()?;
        let slot = std::mem::replace(&mut *self.held(), Held::Aside(place));
        drop(slot);
        Some(())
    }

    /// Takes a slot again, before all calls that have had none.
    pub async fn step_back(&self) {
        if matches!(*self.held(), Held::Slot(_)) {
            return;
        }
        let waiting = {
            let mut state = self.slots.0.state();
            if state.free > 0 {
                state.free -= 1;
                None
            } else {
                let (next, waiting) = oneshot::channel();
                state.returning.push_back(next);
                Some(waiting)
            }
        };
        let slot = match waiting {
            None => Some(Slot(Arc::clone(&self.slots.0))),
            // A sender is not dropped before its call has gone.
            Some(waiting) => waiting.await.ok(),
        };
        if let Some(slot) = slot {
            *self.held() = Held::Slot(slot);
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
