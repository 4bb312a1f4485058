//! One log line per call: what was called, caller kind, code, reason, duration, trace id. Never a token, an
//! email, or anything else out of a message.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Instant,
};

use http::{HeaderMap, Request, Response};
use tower::{Layer, Service};
use uuid::Uuid;

use super::Body;

/// What the layers below tell the log about a call: an extension of the request.
#[derive(Debug, Clone, Default)]
pub struct CallRecord(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    name: OnceLock<String>,
    caller: OnceLock<&'static str>,
}

impl CallRecord {
    /// Says what is called, in words of ours: a path that is nothing's could hold anything, a token for one.
    pub fn set_name(&self, name: impl Into<String>) {
        // Said once; a second word would be a second gate.
        let _ = self.0.name.set(name.into());
    }

    /// Says which kind of caller was accepted.
    pub fn set_caller(&self, kind: &'static str) {
        let _ = self.0.caller.set(kind);
    }

    fn name(&self) -> &str {
        self.0.name.get().map_or("?", String::as_str)
    }

    fn caller(&self) -> &'static str {
        self.0.caller.get().copied().unwrap_or("none")
    }
}

/// How a call ended, in the words of its transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its status.
    pub code: String,
    /// The stable reason of a refusal, else nothing.
    pub reason: String,
}

/// Logs each call of a service, by what its transport makes of an answer; nothing is answered to a client that
/// went away.
#[derive(Debug, Clone, Copy)]
pub struct TelemetryLayer(pub fn(Option<&Response<Body>>) -> Outcome);

impl<S> Layer<S> for TelemetryLayer {
    type Service = Telemetry<S>;

    fn layer(&self, inner: S) -> Telemetry<S> {
        Telemetry { inner, outcome: self.0 }
    }
}

/// A service whose calls are logged.
#[derive(Debug, Clone)]
pub struct Telemetry<S> {
    inner: S,
    outcome: fn(Option<&Response<Body>>) -> Outcome,
}

impl<S, B> Service<Request<B>> for Telemetry<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let line = Line {
            trace: trace_id(request.headers()),
            record: CallRecord::default(),
            begun: Instant::now(),
            outcome: (self.outcome)(None),
        };
        request.extensions_mut().insert(line.record.clone());
        let outcome = self.outcome;
        let call = self.inner.call(request);
        Box::pin(async move {
            let mut line = line;
            let answer = call.await?;
            line.outcome = outcome(Some(&answer));
            Ok(answer)
        })
    }
}

/// The line of one call. It is written when this is dropped: also if the client went away, while
/// what it asked for goes on.
struct Line {
    trace: String,
    record: CallRecord,
    begun: Instant,
    outcome: Outcome,
}

impl Drop for Line {
    fn drop(&mut self) {
        tracing::info!(
            target: "identity_link::call",
            rpc = self.record.name(),
            caller = self.record.caller(),
            code = self.outcome.code,
            reason = self.outcome.reason,
            duration_us = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            trace_id = self.trace,
            "call"
        );
    }
}

/// The trace id of the W3C `traceparent` header (version-traceid-parentid-flags), or a new one.
fn trace_id(headers: &HeaderMap) -> String {
    let told =
        headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(|value| value.split('-').nth(1));
    let is_id = |id: &&str| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    told.filter(is_id).map_or_else(|| Uuid::new_v4().simple().to_string(), str::to_owned)
}
