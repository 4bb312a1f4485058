//! The keys of one issuer, as verification reads them, and the task that fetches them.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::Algorithm;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{AuthError, KeySource, key_set::KeySet, key_source::KeySourceError};
use crate::{
    http_client::HttpClient,
    outgoing::Authorities,
    telemetry::{Label, metrics::KeyMetrics},
};

/// The pause before a retry after a failure.
const RETRY: Duration = Duration::from_secs(10);
/// The longest time between two reads of a file: reading it costs little, and a key that an operator
/// removed from it is then dead within ten seconds.
const FILE_REFRESH: Duration = Duration::from_secs(5);
/// The shortest pause between fetches that unknown key ids cause.
const REQUEST_EVERY: Duration = Duration::from_secs(30);

/// The settings of an issuer's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    /// The source of the keys.
    pub source: KeySource,
    /// The time between reads. A key that the issuer removed stays valid for at most this long. A
    /// file is read every five seconds at least.
    pub refresh: Duration,
    /// How long the last keys stay valid while no new ones can be read.
    pub max_age: Duration,
    /// The only authorities of the source's certificate; `None` for those of the configuration.
    pub authorities: Option<Authorities>,
}

impl KeySettings {
    /// The time between two reads.
    fn interval(&self) -> Duration {
        match self.source {
            KeySource::File(_) => self.refresh.min(FILE_REFRESH),
            KeySource::Url(_) | KeySource::Discovery { .. } => self.refresh,
        }
    }
}

/// The present keys of one issuer.
pub struct Keys {
    settings: KeySettings,
    algorithms: Vec<Algorithm>,
    state: watch::Sender<State>,
    requested: Notify,
    /// The issuer, as the metrics name it.
    issuer: Label,
    metrics: KeyMetrics,
}

/// The state of the keys. Requests are counted: one is pending while `requested` is above
/// `completed`.
#[derive(Default)]
struct State {
    latest: Option<(Arc<KeySet>, Instant)>,
    requested: u64,
    requested_at: Option<Instant>,
    completed: u64,
    /// Whether the last read failed.
    failing: bool,
    /// Whether a read has ended.
    was_read: bool,
    /// Whether the task that reads the keys has ended.
    is_over: bool,
}

impl State {
    /// The keys; `None` if there are none, or they are too old.
    fn keys(&self, max_age: Duration, now: Instant) -> Option<&Arc<KeySet>> {
        let (keys, latest_at) = self.latest.as_ref()?;
        (now.saturating_duration_since(*latest_at) <= max_age).then_some(keys)
    }

    /// Requests new keys, or joins a pending request. `None` if there was a request a moment ago: a
    /// key that was missing then counts as still missing, however many callers need it.
    fn request(&mut self, now: Instant) -> Option<u64> {
        if self.is_over {
            return None;
        }
        if self.requested == self.completed {
            if self.requested_at.is_some_and(|at| now.saturating_duration_since(at) < REQUEST_EVERY)
            {
                return None;
            }
            self.requested += 1;
            self.requested_at = Some(now);
        }
        Some(self.requested)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Keys {
    /// Keys that have not been read yet.
    pub fn new(settings: KeySettings, algorithms: Vec<Algorithm>) -> Self {
        let (state, requested) = (watch::Sender::default(), Notify::new());
        let (issuer, metrics) = Default::default();
        Self { settings, algorithms, state, requested, issuer, metrics }
    }

    /// The same keys, whose reads are counted here for this issuer.
    #[must_use]
    pub fn with_metrics(self, issuer: &str, metrics: KeyMetrics) -> Self {
        Self { issuer: Label::from(issuer.to_owned()), metrics, ..self }
    }

    /// Whether these keys are of such a source, for such algorithms.
    pub(super) fn are_of(&self, settings: &KeySettings, algorithms: &[Algorithm]) -> bool {
        self.settings == *settings && self.algorithms == algorithms
    }

    /// Updates the state of the keys in the metrics. Keys that were never read have no age.
    pub fn report_state(&self) {
        self.metrics.set_state(&self.issuer, self.age(), self.current().is_ok());
    }

    /// How long ago the keys were last read; `None` if they never were.
    pub fn age(&self) -> Option<Duration> {
        self.state.borrow().latest.as_ref().map(|(_, at)| at.elapsed())
    }

    /// The keys for verification.
    ///
    /// # Errors
    /// [`AuthError::KeysUnavailable`] if there are none, or they are too old.
    pub fn current(&self) -> Result<Arc<KeySet>, AuthError> {
        let state = self.state.borrow();
        state.keys(self.settings.max_age, Instant::now()).cloned().ok_or(AuthError::KeysUnavailable)
    }

    /// The keys to verify a token that names this key. An unknown key may be new, so the keys are
    /// then fetched: one fetch serves all waiting callers, and no other follows for a while. Waits
    /// for the end of the first read.
    ///
    /// # Errors
    /// [`AuthError::KeysUnavailable`] if there are no keys, or the fetch for an unknown key failed.
    pub async fn current_for(&self, id: Option<&str>) -> Result<Arc<KeySet>, AuthError> {
        self.current_with(|keys| id.is_none_or(|id| !keys.named(id).is_empty())).await
    }

    /// The same for a token whose key they have if `has_it` says so.
    ///
    /// # Errors
    /// As of [`Keys::current_for`].
    pub(super) async fn current_with(
        &self,
        has_it: impl Fn(&KeySet) -> bool,
    ) -> Result<Arc<KeySet>, AuthError> {
        let mut state = self.state.subscribe();
        // Cannot fail: the sender is in self.
        drop(state.wait_for(|state| state.was_read || state.is_over).await);
        let keys = self.current()?;
        if has_it(&keys) {
            return Ok(keys);
        }
        let mut request = None;
        self.state.send_if_modified(|state| {
            let before = state.requested;
            request = state.request(Instant::now());
            if state.requested > before {
                self.requested.notify_one();
            }
            false
        });
        if let Some(request) = request {
            drop(state.wait_for(|state| state.completed >= request || state.is_over).await);
        }
        let keys = self.current()?;
        // A failed fetch does not prove that the key does not exist.
        let is_unsure = || {
            let state = self.state.borrow();
            state.failing || state.is_over
        };
        if !has_it(&keys) && is_unsure() {
            return Err(AuthError::KeysUnavailable);
        }
        Ok(keys)
    }

    /// Waits until other keys than these are read.
    pub(super) async fn replaced(&self, keys: &Arc<KeySet>) {
        let mut state = self.state.subscribe();
        let are_others = |state: &State| {
            state.latest.as_ref().is_some_and(|(latest, _)| !Arc::ptr_eq(latest, keys))
        };
        // Cannot fail: the sender is in self.
        drop(state.wait_for(are_others).await);
    }

    /// Reads the keys once. After a failure the earlier keys stay.
    ///
    /// # Errors
    /// [`KeySourceError`].
    pub async fn refresh(&self, http: &HttpClient) -> Result<(), KeySourceError> {
        let requested = self.state.borrow().requested;
        let http = http.trusting(self.settings.authorities.as_ref());
        let read = self.settings.source.read(&http, &self.algorithms).await;
        let (read, outcome) = match read {
            Ok(keys) => (Some(Arc::new(keys)), Ok(())),
            Err(error) => (None, Err(error)),
        };
        self.metrics.read(&self.issuer, outcome.is_ok());
        let read_at = Instant::now();
        self.state.send_modify(|state| {
            state.completed = requested;
            state.failing = read.is_none();
            state.was_read = true;
            if let Some(new) = &read {
                // The same set is kept if the document is the same, so that tokens verified with it
                // stay verified.
                let old = state.latest.take().map(|(old, _)| old).filter(|old| old.is_same_as(new));
                state.latest = Some((old.unwrap_or_else(|| Arc::clone(new)), read_at));
            }
        });
        outcome
    }

    /// Reads the keys repeatedly until `stop`. Only this task reads them, so at most one fetch runs
    /// at a time. Then no caller waits for a read any more.
    pub async fn keep_fresh(self: Arc<Self>, http: HttpClient, stop: CancellationToken) {
        stop.run_until_cancelled(self.keep_reading(&http)).await;
        self.state.send_modify(|state| state.is_over = true);
    }

    async fn keep_reading(&self, http: &HttpClient) {
        let interval = self.settings.interval();
        let mut failing = self.current().is_err();
        loop {
            let pause = if failing { RETRY.min(interval) } else { interval };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.requested.notified() => {}
            }
            let refreshed = self.refresh(http).await;
            match &refreshed {
                // Logged once, not with each attempt.
                Err(error) if !failing => {
                    tracing::warn!(source = %self.settings.source, %error, "an issuer's keys cannot be read");
                }
                Ok(()) if failing => {
                    tracing::info!(source = %self.settings.source, "an issuer's keys can be read");
                }
                _ => {}
            }
            failing = refreshed.is_err();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[u8] =
        br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    #[test]
    fn the_last_keys_are_good_for_a_while() {
        let (begin, hour) = (Instant::now(), Duration::from_secs(3600));
        let keys = Arc::new(KeySet::parse(KEYS, &[Algorithm::EdDSA]).unwrap());
        let state = State { latest: Some((keys, begin)), ..State::default() };

        assert!(State::default().keys(hour, begin).is_none());
        assert!(state.keys(hour, begin).is_some());
        assert!(state.keys(hour, begin + hour).is_some());
        assert!(state.keys(hour, begin + hour + Duration::from_secs(1)).is_none());
    }

    #[test]
    fn a_caller_joins_a_fetch_that_is_in_progress() {
        let now = Instant::now();
        let mut state = State::default();

        assert_eq!(state.request(now), Some(1));
        assert_eq!(state.request(now + 2 * REQUEST_EVERY), Some(1));
        state.completed = 1;
        assert_eq!(state.request(now + 2 * REQUEST_EVERY), Some(2));
    }

    #[test]
    fn a_fetch_is_not_repeated_for_thirty_seconds() {
        let now = Instant::now();
        let mut state =
            State { requested: 1, completed: 1, requested_at: Some(now), ..State::default() };

        assert_eq!(state.request(now), None);
        assert_eq!(state.request(now + Duration::from_secs(29)), None);
        assert_eq!(state.request(now + Duration::from_secs(30)), Some(2));
    }
}
