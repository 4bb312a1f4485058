//! A provider's metadata, cached: read when a flow needs it, by one request for all flows that
//! wait.

use std::{sync::Arc, time::Duration};

use http::Uri;
use tokio::{
    sync::{Mutex, watch},
    time::Instant,
};

use super::OAuthError;
use crate::{
    auth::discovery::{self, IssuerMetadata, MetadataError},
    http_client::HttpClient,
    telemetry::CallRecord,
};

/// How old the metadata may be before it is read again.
const REFRESH: Duration = Duration::from_secs(300);
/// How old the metadata may be and still be used, if reading it again failed.
const MAX_AGE: Duration = Duration::from_secs(3600);
/// How long after a failure it is not read again, as long as the last metadata is usable.
const RETRY: Duration = Duration::from_secs(10);

/// The part of a provider's metadata that identity-link uses.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ProviderEndpoints {
    /// The authorization endpoint.
    pub authorize: Uri,
    /// The token endpoint.
    pub token: Uri,
    /// The userinfo endpoint; `None` if the provider has none.
    pub userinfo: Option<Uri>,
    /// The revocation endpoint; `None` if the provider has none.
    pub revoke: Option<Uri>,
    /// The metadata themselves, for what else they say.
    pub metadata: IssuerMetadata,
}

/// One provider's metadata and its cache.
pub(super) struct MetadataCache {
    issuer: String,
    url: Uri,
    state: watch::Sender<State>,
    reading: Mutex<()>,
}

#[derive(Default)]
struct State {
    latest: Option<(Arc<ProviderEndpoints>, Instant)>,
    /// When the last read failed, and the error text.
    failed: Option<(Instant, String)>,
}

impl State {
    /// The metadata, if it is usable without another read.
    fn good(&self, now: Instant) -> Option<Arc<ProviderEndpoints>> {
        let (latest, at) = self.latest.as_ref()?;
        let failed_just_now =
            self.failed.as_ref().is_some_and(|(at, _)| now.saturating_duration_since(*at) < RETRY);
        let age = now.saturating_duration_since(*at);
        (age < REFRESH || failed_just_now && age < MAX_AGE).then(|| Arc::clone(latest))
    }

    /// The error of a read that ended at or after `asked_at`. It holds for each caller that asked
    /// before that.
    fn failed_since(&self, asked_at: Instant) -> Option<&str> {
        self.failed.as_ref().filter(|(at, _)| *at >= asked_at).map(|(_, why)| why.as_str())
    }
}

impl MetadataCache {
    /// The metadata of this issuer, at this URL. Nothing is read yet.
    pub(super) fn new(issuer: String, url: Uri) -> Self {
        Self { issuer, url, state: watch::Sender::default(), reading: Mutex::default() }
    }

    /// Returns the metadata, and reads it first if it is due.
    pub(super) async fn endpoints(
        self: &Arc<Self>,
        http: &HttpClient,
    ) -> Result<Arc<ProviderEndpoints>, OAuthError> {
        let asked_at = Instant::now();
        if let Some(good) = self.state.borrow().good(asked_at) {
            return Ok(good);
        }
        // A task of its own: it continues for the other callers if this caller is cancelled.
        let (this, http) = (Arc::clone(self), http.clone());
        let reading = CallRecord::inherited(async move { this.read(&http, asked_at).await });
        let reading = tokio::spawn(reading);
        reading.await.unwrap_or_else(|error| {
            Err(OAuthError::Fault(format!("a task that reads did not finish: {error}")))
        })
    }

    async fn read(
        &self,
        http: &HttpClient,
        asked_at: Instant,
    ) -> Result<Arc<ProviderEndpoints>, OAuthError> {
        let _reading = self.reading.lock().await;
        {
            let state = self.state.borrow();
            if let Some(good) = state.good(Instant::now()) {
                return Ok(good);
            }
            if let Some(why) = state.failed_since(asked_at) {
                return Err(OAuthError::unavailable(why));
            }
        }
        let read = self.fetch(http).await.map_err(|error| error.to_string());
        let now = Instant::now();
        self.state.send_modify(|state| match &read {
            Ok(endpoints) => {
                *state = State { latest: Some((Arc::clone(endpoints), now)), failed: None }
            }
            Err(why) => state.failed = Some((now, why.clone())),
        });
        let kept = self.state.borrow().good(now);
        kept.ok_or_else(|| OAuthError::unavailable(read.err().unwrap_or_default()))
    }

    /// Reads the metadata, whatever is in the cache.
    pub(super) async fn fetch(
        &self,
        http: &HttpClient,
    ) -> Result<Arc<ProviderEndpoints>, MetadataError> {
        let found = discovery::fetch(http, &self.issuer, &self.url).await?;
        endpoints(found, &self.url).map(Arc::new)
    }
}

fn endpoints(found: IssuerMetadata, url: &Uri) -> Result<ProviderEndpoints, MetadataError> {
    let wrong = |text: &str| MetadataError::Content(url.clone(), text.to_owned());
    let required = |value: &Option<String>, name: &str| match value {
        Some(value) => discovery::endpoint(value, name, url),
        None => Err(wrong(&format!("has no {name}"))),
    };
    // A provider that lists no methods may still support S256, and is sent a challenge in any case.
    if found
        .code_challenge_methods_supported
        .as_ref()
        .is_some_and(|methods| !methods.iter().any(|m| m == "S256"))
    {
        return Err(wrong("does not list S256 as a code challenge method"));
    }
    let optional = |value: &Option<String>, name: &str| match value {
        Some(value) => discovery::endpoint(value, name, url).map(Some),
        None => Ok(None),
    };
    Ok(ProviderEndpoints {
        authorize: required(&found.authorization_endpoint, "authorization_endpoint")?,
        token: required(&found.token_endpoint, "token_endpoint")?,
        userinfo: optional(&found.userinfo_endpoint, "userinfo_endpoint")?,
        // It is no reason to refuse sign-ins that tokens cannot be revoked.
        revoke: optional(&found.revocation_endpoint, "revocation_endpoint").ok().flatten(),
        metadata: found,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(latest: Option<Instant>, failed: Option<Instant>) -> State {
        let endpoints = ProviderEndpoints {
            authorize: Uri::from_static("https://a.example.com/authorize"),
            token: Uri::from_static("https://a.example.com/token"),
            userinfo: None,
            revoke: None,
            metadata: IssuerMetadata::default(),
        };
        let endpoints = Arc::new(endpoints);
        State {
            latest: latest.map(|at| (endpoints, at)),
            failed: failed.map(|at| (at, "down".to_owned())),
        }
    }

    #[test]
    fn the_last_metadata_are_good_for_a_while() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        for (latest, failed, now, is_good) in [
            (None, None, 0, false),
            (Some(0), None, 299, true),
            (Some(0), None, 300, false),
            (Some(0), Some(300), 309, true),
            (Some(0), Some(300), 310, false),
            (Some(0), Some(3600), 3601, false),
        ] {
            let state = state(latest.map(at), failed.map(at));
            assert_eq!(state.good(at(now)).is_some(), is_good, "{latest:?} {failed:?} {now}");
        }
    }

    #[test]
    fn a_failure_is_returned_to_the_callers_that_asked_before_it() {
        let begin = Instant::now();
        let second = Duration::from_secs(1);
        let state = state(None, Some(begin + second));
        assert_eq!(state.failed_since(begin), Some("down"));
        assert_eq!(state.failed_since(begin + 2 * second), None);
    }
}
