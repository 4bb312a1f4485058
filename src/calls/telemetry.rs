//! Logs one line per call: its name, caller kind, code, reason, duration, trace id. It never
//! contains a token, an email, or other content of a message.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Instant,
};

use http::{HeaderMap, Request, Response};
use tower::{Layer, Service};

use super::Body;

/// What the inner layers report to the log about a call: an extension of the request.
#[derive(Debug, Clone, Default)]
pub struct CallRecord(Arc<RecordFields>);

#[derive(Debug, Default)]
struct RecordFields {
    name: OnceLock<String>,
    caller: OnceLock<&'static str>,
}

impl CallRecord {
    /// Sets the name of the call. It must be one of identity-link's names: an unknown path could
    /// contain anything, for instance a token.
    pub fn set_name(&self, name: impl Into<String>) {
        // Set once; a second name could only come from a second gate.
        let _ = self.0.name.set(name.into());
    }

    /// Sets the kind of the caller that was accepted.
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

/// How a call ended, in the terms of its transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallOutcome {
    /// The status.
    pub code: String,
    /// The stable reason of a refusal; empty if there is none.
    pub reason: String,
}

/// Logs each call of a service. The function turns the response into an outcome; `None` stands for
/// a client that left before the response.
#[derive(Debug, Clone, Copy)]
pub struct TelemetryLayer(pub fn(Option<&Response<Body>>) -> CallOutcome);

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
    outcome: fn(Option<&Response<Body>>) -> CallOutcome,
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
        let line = LogLine {
            trace: trace_id(request.headers()),
            record: CallRecord::default(),
            started: Instant::now(),
            outcome: (self.outcome)(None),
        };
        request.extensions_mut().insert(line.record.clone());
        let outcome = self.outcome;
        let call = self.inner.call(request);
        Box::pin(async move {
            let mut line = line;
            let response = call.await?;
            line.outcome = outcome(Some(&response));
            Ok(response)
        })
    }
}

/// The log line of one call. It is written when this value is dropped, so also if the client went
/// away while its write continues.
struct LogLine {
    trace: String,
    record: CallRecord,
    started: Instant,
    outcome: CallOutcome,
}

impl Drop for LogLine {
    fn drop(&mut self) {
        tracing::info!(
            target: "identity_link::call",
            rpc = self.record.name(),
            caller = self.record.caller(),
            code = self.outcome.code,
            reason = self.outcome.reason,
            duration_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            trace_id = self.trace,
            "call"
        );
    }
}

/// The trace id of the W3C `traceparent` header (version-traceid-parentid-flags), or a new one.
fn trace_id(headers: &HeaderMap) -> String {
    let received = headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split('-').nth(1));
    let is_id = |id: &&str| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    // From the thread's generator, without a system call: a trace id is no secret.
    let new = || format!("{:032x}", rand::random::<u128>());
    received.filter(is_id).map_or_else(new, str::to_owned)
}
