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
const ASIDE_PER_SLOT: usize = 8;

/// The slots of a server.
#[derive(Debug, Clone)]
pub struct CallSlots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    max: usize,
    state: Mutex<State>,
    aside: Arc<Semaphore>,
}

#[derive(Debug)]
struct State {
    /// Slots that no call has. If there are any, no call waits that is to be served.
    free: usize,
    /// Calls that had a slot before. They are served first, in the order of their return.
    returning: VecDeque<oneshot::Sender<Slot>>,
    /// Calls that have had none, from the oldest.
    line: VecDeque<Waiting>,
    few: usize,
    /// Since when more than a few wait.
    many_since: Option<Instant>,
}

/// A call that waits for its first slot.
#[derive(Debug)]
struct Waiting {
    since: Instant,
    next: oneshot::Sender<Slot>,
}

/// A slot. When it is dropped, the next call has it.
#[derive(Debug)]
struct Slot(Arc<Shared>);

/// The slot of a call, which the call gives to others while it only waits. A writer that waits for
/// other writers of the same user uses nothing: without that, the writers of one busy user could hold
/// all slots, and callers of other users would be refused.
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
            few: max * FEW_PER_SLOT,
            many_since: None,
        };
        let aside = Arc::new(Semaphore::new(max * ASIDE_PER_SLOT));
        Self(Arc::new(Shared { max, state: Mutex::new(state), aside }))
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
        let waiting = {
            let mut state = self.0.state();
            if state.free > 0 {
                state.free -= 1;
                drop(state);
                return Some(self.hold(Slot(Arc::clone(&self.0))));
            }
            state.forget_gone();
            if state.line.len() >= self.0.max * WAITING_PER_SLOT {
                return None;
            }
            let (next, waiting) = oneshot::channel();
            state.join(next, Instant::now());
            waiting
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
    /// Adds a call to the line.
    fn join(&mut self, next: oneshot::Sender<Slot>, now: Instant) {
        self.line.push_back(Waiting { since: now, next });
        if self.line.len() > self.few {
            self.many_since.get_or_insert(now);
        }
    }

    /// Takes the call from its line that has the next free slot.
    fn next(&mut self, now: Instant) -> Option<oneshot::Sender<Slot>> {
        loop {
            self.forget_gone();
            let next = match self.returning.pop_front() {
                Some(first) => first,
                None if self.line.len() > self.few => {
                    let is_late = |waiting: &Waiting| {
                        now.saturating_duration_since(waiting.since) > LONGEST_WAIT_OVERLOADED
                    };
                    if self.is_no_burst(now) && self.line.back().is_some_and(is_late) {
                        return None;
                    }
                    self.line.pop_back()?.next
                }
                None => self.line.pop_front()?.next,
            };
            if !next.is_closed() {
                return Some(next);
            }
        }
    }

    fn is_no_burst(&self, now: Instant) -> bool {
        self.many_since.is_some_and(|since| now.saturating_duration_since(since) > LONGEST_BURST)
    }

    /// Removes the calls at both ends that no longer wait. All calls wait equally long, so those that
    /// have given up are at the front.
    fn forget_gone(&mut self) {
        let is_gone = |waiting: &Waiting| waiting.next.is_closed();
        while self.line.front().is_some_and(is_gone) {
            self.line.pop_front();
        }
        while self.line.back().is_some_and(is_gone) {
            self.line.pop_back();
        }
        if self.line.len() <= self.few {
            self.many_since = None;
        }
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
    /// Gives the slot to others; `None` if too many calls wait without one. The call then must not
    /// wait in its slot: those for which it waits may need one.
    #[must_use]
    pub fn step_aside(&self) -> Option<()> {
        let place = Arc::clone(&self.slots.0.aside).try_acquire_owned().ok()?;
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
mod tests {
    use std::pin::{Pin, pin};

    use futures_util::FutureExt as _;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    type Waiting<'a> = Pin<Box<dyn Future<Output = Option<CallSlot>> + 'a>>;

    fn take(slots: &CallSlots) -> CallSlot {
        slots.take(LONG).now_or_never().flatten().unwrap()
    }

    /// So many calls that wait, one after the other.
    fn wait(slots: &CallSlots, count: usize) -> Vec<Waiting<'_>> {
        let mut waiting: Vec<Waiting<'_>> =
            (0..count).map(|_| Box::pin(slots.take(LONG)) as Waiting<'_>).collect();
        assert!(waiting.iter_mut().all(|call| call.now_or_never().is_none()));
        waiting
    }

    /// The number of the call that has got a slot.
    fn served(waiting: &mut [Waiting<'_>]) -> Option<(usize, CallSlot)> {
        let mut calls = waiting.iter_mut().enumerate();
        calls.find_map(|(at, call)| Some((at, call.now_or_never()??)))
    }

    #[tokio::test]
    async fn while_few_wait_the_oldest_is_next() {
        let slots = CallSlots::new(2);
        let first = take(&slots);
        let _second = take(&slots);
        let mut waiting = wait(&slots, 2);

        drop(first);
        let (at, slot) = served(&mut waiting).unwrap();
        assert_eq!(at, 0);
        drop(waiting.remove(0));
        drop(slot);
        assert_eq!(served(&mut waiting).unwrap().0, 0);
    }

    #[tokio::test]
    async fn while_many_wait_the_newest_is_next_until_few_are_left() {
        let slots = CallSlots::new(1);
        let mut slot = take(&slots);
        let mut waiting = wait(&slots, 4);
        for newest in [3, 2, 1] {
            drop(slot);
            let (at, next) = served(&mut waiting).unwrap();
            assert_eq!(at, newest);
            drop(waiting.pop());
            slot = next;
        }
        drop(slot);
        assert_eq!(served(&mut waiting).unwrap().0, 0);
    }

    #[test]
    fn in_an_overload_a_call_that_has_waited_is_passed_over_until_few_are_left() {
        let start = Instant::now();
        let later = |wait| start + LONGEST_BURST + wait;
        let late = LONGEST_WAIT_OVERLOADED * 2;
        let mut state = State {
            free: 0,
            returning: VecDeque::new(),
            line: VecDeque::new(),
            few: 1,
            many_since: None,
        };
        let mut calls = Vec::new();
        let mut join = |state: &mut State, now| {
            let (next, call) = oneshot::channel();
            state.join(next, now);
            calls.push(call);
        };
        join(&mut state, start);
        join(&mut state, start);
        join(&mut state, start);
        assert!(state.next(start + LONGEST_BURST).is_some(), "in a burst, each one is served");

        assert!(state.next(later(late)).is_none());
        join(&mut state, later(late));
        assert!(state.next(later(late)).is_some(), "the newcomer");
        assert!(state.next(later(late)).is_none());
        calls.truncate(1);
        assert!(state.next(later(late)).is_some(), "the last one");
    }

    #[tokio::test]
    async fn a_call_that_gets_no_slot_in_time_is_refused_and_takes_none_later() {
        let slots = CallSlots::new(1);
        let slot = take(&slots);
        assert!(slots.take(Duration::from_millis(1)).await.is_none());

        drop(slot);
        assert_eq!(slots.free(), 1);
    }

    #[tokio::test]
    async fn a_call_that_goes_takes_no_slot_with_it() {
        let slots = CallSlots::new(1);
        let slot = take(&slots);
        let mut waiting = wait(&slots, 3);
        // The one in the middle went before it was its turn, the newest when it had its slot.
        drop(waiting.remove(1));
        drop(slot);
        drop(waiting.pop());

        let (at, slot) = served(&mut waiting).unwrap();
        assert_eq!(at, 0);
        drop((waiting, slot));
        assert_eq!(slots.free(), 1);
    }

    #[tokio::test]
    async fn a_call_behind_too_many_others_is_refused_at_once() {
        let slots = CallSlots::new(1);
        let _slot = take(&slots);
        let mut waiting = wait(&slots, WAITING_PER_SLOT);

        let refused = slots.take(LONG).now_or_never().map(|slot| slot.is_none());
        assert_eq!(refused, Some(true));
        waiting.clear();
        assert!(slots.take(LONG).now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_call_that_steps_aside_gives_its_slot_to_another_until_it_steps_back() {
        let slots = CallSlots::new(1);
        let writer = take(&slots);
        writer.step_aside().unwrap();
        let other = take(&slots);
        let mut waiting = wait(&slots, 3);
        {
            let mut back = pin!(writer.step_back());
            assert!(back.as_mut().now_or_never().is_none());
            drop(other);
            assert!(served(&mut waiting).is_none(), "the one that had a slot before is first");
            back.await;
        }
        drop(waiting);
        assert_eq!((slots.free(), slots.0.aside.available_permits()), (0, ASIDE_PER_SLOT));
        drop(writer);
        assert_eq!(slots.free(), 1);
    }

    #[tokio::test]
    async fn a_call_keeps_its_slot_if_too_many_wait_without_one() {
        let slots = CallSlots::new(1);
        let aside: Vec<_> = (0..ASIDE_PER_SLOT)
            .map(|_| {
                let writer = take(&slots);
                writer.step_aside().unwrap();
                writer
            })
            .collect();
        let last = take(&slots);
        assert_eq!(last.step_aside(), None);
        assert_eq!(slots.free(), 0);
        last.step_back().now_or_never().unwrap();
        drop((aside, last));
        assert_eq!((slots.free(), slots.0.aside.available_permits()), (1, ASIDE_PER_SLOT));
    }
}
