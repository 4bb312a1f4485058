//! Who is next.

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
        joined: 0,
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
    state.leave(2);
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
async fn calls_that_have_gone_take_no_place_in_the_line() {
    let slots = CallSlots::new(1);
    let _slot = take(&slots);
    let mut waiting = wait(&slots, WAITING_PER_SLOT);
    waiting.drain(1..WAITING_PER_SLOT - 1);

    assert!(slots.take(LONG).now_or_never().is_none(), "it waits, and is not refused");
}

#[tokio::test]
async fn a_call_that_steps_aside_gives_its_slot_to_another_until_it_steps_back() {
    let slots = CallSlots::new(1);
    let writer = take(&slots);
    writer.step_aside(WaitsFor::Writers).unwrap();
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
    assert_eq!((slots.free(), slots.0.writers.available_permits()), (0, WRITERS_PER_SLOT));
    drop(writer);
    assert_eq!(slots.free(), 1);
}

#[tokio::test]
async fn a_call_keeps_its_slot_if_too_many_wait_without_one() {
    let slots = CallSlots::new(1);
    let aside: Vec<_> = (0..WRITERS_PER_SLOT)
        .map(|_| {
            let writer = take(&slots);
            writer.step_aside(WaitsFor::Writers).unwrap();
            writer
        })
        .collect();
    let last = take(&slots);
    assert_eq!(last.step_aside(WaitsFor::Writers), None);
    assert_eq!(slots.free(), 0);
    last.step_back().now_or_never().unwrap();
    // Calls that wait for a provider have places of their own.
    last.step_aside(WaitsFor::Provider).unwrap();
    last.step_back().now_or_never().unwrap();
    drop((aside, last));
    assert_eq!((slots.free(), slots.0.writers.available_permits()), (1, WRITERS_PER_SLOT));
}
