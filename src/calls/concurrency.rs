//! The bound on calls that the server carries out at once. A call beyond it is refused at once.
//! Otherwise it would wait for a connection behind all other calls until its client has given up.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::auth::Permit;

/// The slots for calls, shared by both transports. A call gets its slot behind the gate, so that a
/// refused caller takes none.
#[derive(Debug, Clone)]
pub struct ConcurrencyLimit {
    places: Arc<Semaphore>,
    max: usize,
}

/// No slot is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitReached;

impl ConcurrencyLimit {
    /// At most `max` calls at once.
    pub fn new(max: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(max)), max }
    }

    /// The number of slots.
    pub fn max(&self) -> usize {
        self.max
    }

    /// The number of free slots.
    pub fn free(&self) -> usize {
        self.places.available_permits()
    }

    /// Takes a slot for a call, which holds it as long as its permit.
    ///
    /// # Errors
    /// [`LimitReached`] if no slot is free.
    pub fn acquire(&self, permit: &mut Permit) -> Result<(), LimitReached> {
        permit.hold(Arc::clone(&self.places).try_acquire_owned().map_err(|_| LimitReached)?);
        Ok(())
    }
}
