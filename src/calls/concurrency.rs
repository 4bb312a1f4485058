//! The bound on calls that the server carries out at once. A call beyond it waits briefly for its
//! turn, and is then refused. Without the bound it would wait for a connection behind all other
//! calls until its client has given up.
//!
//! The wait also slows clients down that repeat refused calls without a pause. A refusal costs
//! about as much as a short call: at once and without end, refusals would take the processors from
//! the calls that the server carries out.

use std::time::Duration;

use crate::{auth::Permit, call_slots::CallSlots};

/// How long a call waits for a slot before it is refused.
const LONGEST_WAIT: Duration = Duration::from_millis(36);

/// The slots for calls, shared by both transports. A call gets its slot behind the gate, so that a
/// refused caller takes none.
#[derive(Debug, Clone)]
pub struct ConcurrencyLimit(CallSlots);

/// No slot became free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitReached;

impl ConcurrencyLimit {
    /// At most `max` calls at once.
    pub fn new(max: usize) -> Self {
        Self(CallSlots::new(max))
    }

    /// The number of slots.
    pub fn max(&self) -> usize {
        self.0.max()
    }

    /// The number of free slots.
    pub fn free(&self) -> usize {
        self.0.free()
    }

    /// Takes a slot for a call, which has it as long as its permit.
    ///
    /// # Errors
    /// [`LimitReached`] if no slot becomes free in time, or too many calls wait.
    pub async fn acquire(&self, permit: &mut Permit) -> Result<(), LimitReached> {
        permit.hold(self.0.take(LONGEST_WAIT).await.ok_or(LimitReached)?);
        Ok(())
    }
}
