//! How many calls are carried out at once. One too many is told so at once, instead of waiting for a
//! connection behind all the others until nobody wants its answer any more.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::auth::Permit;

/// The places of the calls that are carried out at once, whichever transport they come by. They are given
/// behind the gate, so that whoever may not call takes nobody's place.
#[derive(Debug, Clone)]
pub struct Places {
    places: Arc<Semaphore>,
    max: usize,
}

/// There is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Places {
    /// At most `max` calls at once.
    pub fn new(max: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(max)), max }
    }

    /// How many there are.
    pub fn max(&self) -> usize {
        self.max
    }

    /// How many calls could begin now.
    pub fn free(&self) -> usize {
        self.places.available_permits()
    }

    /// Gives a call its place, which it keeps with its permit.
    pub fn seat(&self, permit: &mut Permit) -> Result<(), Full> {
        permit.keep(Arc::clone(&self.places).try_acquire_owned().map_err(|_| Full)?);
        Ok(())
    }
}
