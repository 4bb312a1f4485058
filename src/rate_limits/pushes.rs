//! The limits of what each provider pushes: tokens that report events. Who sent one is known only once it is
//! verified, and a stranger can send any number of them in a provider's name.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{RateLimiter, clock::DefaultClock, state::keyed::HashMapStateStore};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{brake::Brake, rate::Rate};
use crate::domain::{Provider, TenantId};

/// How many tokens of one provider are looked at per second. To verify one takes about a tenth of a
/// millisecond: a flood in the name of a provider takes a hundredth of a processor.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(100).expect("it is not zero");
/// How many tokens of one provider are verified at once. Each may wait for the provider's keys, so that a
/// provider that is down must not keep the tokens of others waiting.
const AT_ONCE: usize = 8;
/// How long a token waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What each provider has used of its limits, in the memory of this server. The providers must be those of
/// the configuration: names that strangers make up would take memory.
pub struct PushLimits {
    rates: RateLimiter<Pushing, HashMapStateStore<Pushing>, DefaultClock>,
    turns: Mutex<HashMap<Pushing, Arc<Semaphore>>>,
    brake: Brake,
}

/// A provider of a tenant.
type Pushing = (TenantId, Provider);

/// The turn of a token to be verified; ends on drop.
pub struct Turn(#[expect(dead_code, reason = "its drop ends the turn")] OwnedSemaphorePermit);

impl Default for PushLimits {
    fn default() -> Self {
        let rates = RateLimiter::keyed(Rate::per_second(PER_SECOND).quota());
        Self { rates, turns: Mutex::default(), brake: Brake::default() }
    }
}

impl PushLimits {
    /// Counts a token, and returns whether its provider is within the rate; `false` comes after a short
    /// pause.
    pub async fn passes(&self, tenant: &TenantId, provider: &Provider) -> bool {
        let passes = self.rates.check_key(&(tenant.clone(), provider.clone())).is_ok();
        if !passes {
            self.brake.hold_back().await;
        }
        passes
    }

    /// Waits until a token of this provider may be verified; `None` if too many others wait.
    pub async fn turn(&self, tenant: &TenantId, provider: &Provider) -> Option<Turn> {
        let turns = {
            let mut all = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            let turns = all.entry((tenant.clone(), provider.clone()));
            Arc::clone(turns.or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))))
        };
        timeout(LONGEST_WAIT, turns.acquire_owned()).await.ok()?.ok().map(Turn)
    }
}
