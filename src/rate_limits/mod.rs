//! Limits of the calls that each caller may make, by class of call. They are kept in the memory of
//! this server: with several, each has its own.
//!
//! Only callers with a verified token are counted, and providers of the configuration, so strangers take
//! no memory here.

mod brake;
mod pushes;
mod rate;
mod shadow;

use std::{collections::HashMap, time::Duration};

use governor::{
    RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::HashMapStateStore,
};

use self::{brake::Brake, shadow::ShadowLog};
pub use self::{
    pushes::{PushLimits, Turn},
    rate::Rate,
};
use crate::{
    auth::{CallClass, TokenCaller, VerifiedToken},
    secret::sha256,
    telemetry::metrics::RateLimitMetrics,
};

/// The limits that an operator sets; by default none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateLimitSettings {
    /// Of each service that has no settings of its own.
    pub services: CallerSettings,
    /// Of each user.
    pub users: CallerSettings,
    /// Of single services.
    pub named_services: Vec<NamedService>,
}

/// The limits of one caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallerSettings {
    /// Calls that only read; `None` for no limit.
    pub reads: Option<Rate>,
    /// Calls that change something.
    pub writes: Option<Rate>,
    /// Sign-ins.
    pub sign_ins: Option<Rate>,
    /// Whether calls above a limit are only counted.
    pub shadow: bool,
}

/// A service with limits of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedService {
    /// The issuer of its tokens.
    pub issuer: String,
    /// The `sub` of its tokens.
    pub subject: String,
    /// Its limits.
    pub settings: CallerSettings,
}

/// What the limits say about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is within its limit, of which this is left; `None` if no limit applies.
    Passed(Option<Standing>),
    /// It is above its limit.
    Refused(Exceeded),
    /// It is above a limit in shadow, so it is carried out.
    WouldRefuse,
}

/// What is left of a caller's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How many calls the caller may make at once.
    pub limit: u32,
    /// How many more it may make now.
    pub remaining: u32,
    /// After which time it may make all of them again; or, if none remains, the next one.
    pub reset_after: Duration,
}

/// A limit that a call exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// The class of the call.
    pub class: CallClass,
    /// The limit.
    pub rate: Rate,
    /// After which time the same call is within the limit, if the caller makes no other.
    pub retry_after: Duration,
}

impl Exceeded {
    /// What is left: nothing.
    pub fn standing(&self) -> Standing {
        Standing { limit: self.rate.calls(), remaining: 0, reset_after: self.retry_after }
    }
}

/// The limits of all callers, and what the callers have used of them.
pub struct RateLimits {
    services: CallerLimits,
    users: CallerLimits,
    named_services: HashMap<CallerKey, CallerLimits>,
    brake: Brake,
    metrics: RateLimitMetrics,
}

/// Names a caller among those of its kind, in little memory. No caller can choose its subject so
/// that it gets the name of another.
type CallerKey = [u8; 16];

impl RateLimits {
    /// Limits of which nothing is used. Calls above them are counted here.
    pub fn new(settings: &RateLimitSettings, metrics: RateLimitMetrics) -> Self {
        let named_services = settings.named_services.iter().map(|service| {
            (
                caller_key(&service.issuer, &service.subject),
                CallerLimits::new("service", &service.settings),
            )
        });
        Self {
            services: CallerLimits::new("service", &settings.services),
            users: CallerLimits::new("user", &settings.users),
            named_services: named_services.collect(),
            brake: Brake::default(),
            metrics,
        }
    }

    /// Judges a call of this class, and counts it if it passes. A refusal comes after a short pause.
    pub async fn judge(&self, token: &VerifiedToken, class: CallClass) -> Verdict {
        let caller = || caller_key(&token.issuer, &token.subject);
        let limits = match token.caller {
            TokenCaller::User(_) => &self.users,
            // Without limits, a call costs no hash.
            TokenCaller::Service if self.named_services.is_empty() => &self.services,
            TokenCaller::Service => self.named_services.get(&caller()).unwrap_or(&self.services),
        };
        let verdict = limits.judge(class, caller);
        match verdict {
            Verdict::Refused(_) => {
                self.metrics.above(limits.kind, class.name(), false);
                self.brake.hold_back().await;
            }
            Verdict::WouldRefuse => self.metrics.above(limits.kind, class.name(), true),
            Verdict::Passed(_) => {}
        }
        verdict
    }

    /// Forgets the callers that have all of their limits left. A caller who makes no calls costs no
    /// memory after that.
    pub fn forget_idle_callers(&self) {
        let all = [&self.services, &self.users].into_iter().chain(self.named_services.values());
        for limit in all.flat_map(|limits| &limits.by_class).flatten() {
            limit.limiter.retain_recent();
            limit.limiter.shrink_to_fit();
        }
    }
}

/// The limits of one kind of callers.
struct CallerLimits {
    /// Of reads, writes and sign-ins.
    by_class: [Option<ClassLimit>; 3],
    /// Whether calls above a limit are only counted.
    shadow: bool,
    /// What the callers are: `user` or `service`.
    kind: &'static str,
}

/// A limit of one class of calls.
struct ClassLimit {
    rate: Rate,
    limiter: RateLimiter<
        CallerKey,
        HashMapStateStore<CallerKey>,
        DefaultClock,
        StateInformationMiddleware,
    >,
    shadow_log: ShadowLog,
}

impl CallerLimits {
    fn new(kind: &'static str, settings: &CallerSettings) -> Self {
        let CallerSettings { reads, writes, sign_ins, shadow } = settings;
        let limit = |rate: &Option<Rate>| rate.map(ClassLimit::new);
        Self { by_class: [limit(reads), limit(writes), limit(sign_ins)], shadow: *shadow, kind }
    }

    /// Each verdict comes from here.
    fn judge(&self, class: CallClass, caller: impl FnOnce() -> CallerKey) -> Verdict {
        let [reads, writes, sign_ins] = &self.by_class;
        let limit = match class {
            CallClass::Read => reads,
            CallClass::Write => writes,
            CallClass::SignIn => sign_ins,
        };
        let Some(limit) = limit else { return Verdict::Passed(None) };
        match limit.spend(&caller()) {
            // A client would take the headers of a limit in shadow for one that applies.
            Ok(_) if self.shadow => Verdict::Passed(None),
            Ok(standing) => Verdict::Passed(Some(standing)),
            Err(_) if self.shadow => {
                limit.shadow_log.note(self.kind, class, limit.rate);
                Verdict::WouldRefuse
            }
            Err(retry_after) => Verdict::Refused(Exceeded { class, rate: limit.rate, retry_after }),
        }
    }
}

impl ClassLimit {
    fn new(rate: Rate) -> Self {
        let limiter = RateLimiter::keyed(rate.quota());
        let limiter = limiter.with_middleware::<StateInformationMiddleware>();
        Self { rate, limiter, shadow_log: ShadowLog::default() }
    }

    /// Counts a call of a caller, and returns what is left; or the time to wait.
    fn spend(&self, caller: &CallerKey) -> Result<Standing, Duration> {
        let left = self
            .limiter
            .check_key(caller)
            .map_err(|not_until| not_until.wait_time_from(self.limiter.clock().now()))?;
        let (limit, remaining) = (self.rate.calls(), left.remaining_burst_capacity());
        let interval = self.rate.interval();
        let reset_after =
            if remaining == 0 { interval } else { interval * limit.saturating_sub(remaining) };
        Ok(Standing { limit, remaining, reset_after })
    }
}

fn caller_key(issuer: &str, subject: &str) -> CallerKey {
    // The issuer is the operator's text: only a NUL in it could make two callers one.
    let hash = sha256(format!("{issuer}\0{subject}").as_bytes());
    let mut key = CallerKey::default();
    key.copy_from_slice(&hash[..16]);
    key
}
