//! The lines on their way to stderr. A call adds its line here and goes on; a thread of its own
//! writes. After a write it rests for a moment, so that the lines of many calls leave together and
//! few calls wake it.

use std::{
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::line::{Importance, Line};

/// The capacity, in bytes, that a batch keeps for the next lines.
const KEPT_CAPACITY: usize = 64 * 1024;

/// How long the writer rests between two writes. A line waits this long at most.
const REST: Duration = Duration::from_millis(5);
/// So many bytes end its rest.
const MANY: usize = 256 * 1024;

/// The lines that wait to be written, in their order.
#[derive(Debug)]
pub(super) struct LineQueue {
    state: Mutex<State>,
    /// There is something to do for the writer, which sleeps or rests.
    filled: Condvar,
    /// All lines are written.
    emptied: Condvar,
}

#[derive(Debug)]
struct State {
    lines: Vec<u8>,
    lost: Lost,
    writer: Writer,
    /// Whether the end of the process waits for all lines.
    is_ending: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Writer {
    /// It waits for lines.
    Asleep,
    /// It was woken, and has not taken the lines yet.
    Woken,
    /// It writes lines that it took.
    Writing,
    /// It has written, and takes the next lines in a moment.
    Resting,
}

/// How many lines found no room.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lost {
    /// Those of [`Importance::Ordinary`].
    pub ordinary: u64,
    /// All others.
    pub important: u64,
}

/// Lines to write, and the number of lines that were lost behind them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub lines: Vec<u8>,
    pub lost: Lost,
}

impl Importance {
    /// The bytes that may wait when a line of this importance arrives. The rest of the room is for
    /// more important lines.
    fn room(self) -> usize {
        const KIB: usize = 1024;
        match self {
            Self::Ordinary => 1024 * KIB,
            Self::RefusedToken => 1536 * KIB,
            Self::Major => 2048 * KIB,
        }
    }
}

impl LineQueue {
    pub(super) const fn new() -> Self {
        let lost = Lost { ordinary: 0, important: 0 };
        let state = State { lines: Vec::new(), lost, writer: Writer::Woken, is_ending: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), emptied: Condvar::new() }
    }

    /// Adds a line, or counts it as lost if there is no room for its importance. Never waits for
    /// the writer.
    pub(super) fn push(&self, line: &Line) {
        let mut state = self.state();
        if state.lines.len() + line.text.len() > line.importance.room() {
            match line.importance {
                Importance::Ordinary => state.lost.ordinary += 1,
                Importance::RefusedToken | Importance::Major => state.lost.important += 1,
            }
            return;
        }
        state.lines.extend_from_slice(&line.text);
        let is_awaited = match state.writer {
            Writer::Asleep => true,
            Writer::Resting => state.lines.len() >= MANY,
            Writer::Woken | Writer::Writing => false,
        };
        if is_awaited {
            state.writer = Writer::Woken;
            drop(state);
            self.filled.notify_one();
        }
    }

    /// For the writer: all lines that wait, after a rest, as soon as there are any. The lines that it
    /// took before count as written.
    pub(super) fn take(&self, batch: &mut Batch) {
        batch.lines.clear();
        batch.lines.shrink_to(KEPT_CAPACITY);
        let mut state = self.state();
        if state.writer == Writer::Writing {
            state.writer = Writer::Resting;
            let rests = |state: &mut State| state.writer == Writer::Resting && !state.is_ending;
            let rested = self.filled.wait_timeout_while(state, REST, rests);
            state = rested.unwrap_or_else(PoisonError::into_inner).0;
        }
        while state.lines.is_empty() {
            state.writer = Writer::Asleep;
            if state.is_ending {
                self.emptied.notify_all();
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writer = Writer::Writing;
        mem::swap(&mut state.lines, &mut batch.lines);
        batch.lost = mem::take(&mut state.lost);
    }

    /// Waits until all lines are written, for `patience` at most: stderr may be blocked. Returns
    /// whether they are.
    pub(super) fn flush(&self, patience: Duration) -> bool {
        let is_behind =
            |state: &mut State| !state.lines.is_empty() || state.writer == Writer::Writing;
        let mut state = self.state();
        state.is_ending = true;
        self.filled.notify_one();
        let waited = self.emptied.wait_timeout_while(state, patience, is_behind);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(importance: Importance, text: &str) -> Line {
        Line { importance, text: format!("{text}\n").into_bytes() }
    }

    fn taken(queue: &LineQueue) -> (String, Lost) {
        let mut batch = Batch::default();
        queue.take(&mut batch);
        (String::from_utf8(batch.lines).unwrap(), batch.lost)
    }

    #[test]
    fn lines_stay_in_order_and_leave_together() {
        let queue = LineQueue::new();
        for text in ["a", "b", "c"] {
            queue.push(&line(Importance::Ordinary, text));
        }
        assert_eq!(taken(&queue), ("a\nb\nc\n".to_owned(), Lost::default()));
    }

    #[test]
    fn without_room_ordinary_lines_are_lost_first_and_major_ones_last() {
        let queue = LineQueue::new();
        let fill = |importance: Importance, with: &str| {
            let text = with.repeat(1023);
            for _ in 0..1000 {
                queue.push(&line(importance, &text));
            }
        };
        fill(Importance::RefusedToken, "r");
        fill(Importance::Ordinary, "o");
        fill(Importance::RefusedToken, "r");
        fill(Importance::Major, "m");
        queue.push(&line(Importance::Ordinary, "o"));

        let (lines, lost) = taken(&queue);
        let count = |with: &str| lines.lines().filter(|line| line.starts_with(with)).count();
        assert!(lines.lines().all(|line| line.len() == 1023));
        assert_eq!([count("o"), count("r"), count("m")], [24, 1512, 512]);
        assert_eq!(lost, Lost { ordinary: 977, important: 488 + 488 });

        // There is room again, and a loss is reported once.
        queue.push(&line(Importance::Ordinary, "later"));
        assert_eq!(taken(&queue), ("later\n".to_owned(), Lost::default()));
    }

    #[test]
    fn a_flush_ends_when_all_is_written_or_its_patience() {
        let queue = LineQueue::new();
        assert!(queue.flush(Duration::ZERO));
        queue.push(&line(Importance::Ordinary, "a"));
        assert!(!queue.flush(Duration::ZERO));
        // Taken, but not written.
        taken(&queue);
        assert!(!queue.flush(Duration::ZERO));

        std::thread::scope(|threads| {
            queue.push(&line(Importance::Ordinary, "b"));
            threads.spawn(|| {
                let mut batch = Batch::default();
                // Both are written when the writer comes back for the last one.
                queue.take(&mut batch);
                queue.take(&mut batch);
            });
            assert!(queue.flush(Duration::MAX));
            // Ends the writer.
            queue.push(&line(Importance::Ordinary, "c"));
        });
    }
}
