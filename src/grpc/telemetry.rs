//! One log line per call: rpc, caller kind, code, reason, duration, trace id. Never a token, an
//! email, or anything else out of a message.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Instant,
};

use http::{HeaderMap, Request, Response};
use tonic::{Code, Status, body::Body};
use tonic_types::StatusExt as _;
use tower::{Layer, Service};
use uuid::Uuid;

use super::{paths::is_known, status::in_our_words};

/// What the layers below tell the log about a call: an extension of the request.
#[derive(Debug, Clone, Default)]
pub struct CallRecord(Arc<OnceLock<&'static str>>);

impl CallRecord {
    /// Says which kind of caller was accepted.
    pub fn set_caller(&self, kind: &'static str) {
        // Said once; a second word would be a second gate.
        let _ = self.0.set(kind);
    }

    fn caller(&self) -> &'static str {
        self.0.get().copied().unwrap_or("none")
    }
}

/// Logs each call of a service.
#[derive(Debug, Clone, Copy)]
pub struct TelemetryLayer;

impl<S> Layer<S> for TelemetryLayer {
    type Service = Telemetry<S>;

    fn layer(&self, inner: S) -> Telemetry<S> {
        Telemetry { inner }
    }
}

/// A service whose calls are logged.
#[derive(Debug, Clone)]
pub struct Telemetry<S> {
    inner: S,
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
            rpc: rpc(request.uri().path()),
            trace: trace_id(request.headers()),
            record: CallRecord::default(),
            begun: Instant::now(),
            status: None,
        };
        request.extensions_mut().insert(line.record.clone());
        let call = self.inner.call(request);
        Box::pin(async move {
            let mut line = line;
            let outcome = call.await.map(in_our_words);
            // A refusal comes in the headers; otherwise the headers open an answer, which for a
            // unary call is there as a whole by now.
            line.status = Some(match &outcome {
                // Turned away before it was a call: the code that clients make of it.
                Ok(response) if !response.status().is_success() => Status::new(Code::Unknown, ""),
                Ok(response) => Status::from_header_map(response.headers()).unwrap_or_else(|| Status::ok("")),
                Err(_) => Status::new(Code::Unknown, ""),
            });
            outcome
        })
    }
}

/// The line of one call. It is written when this is dropped: also if the client went away, while
/// what it asked for goes on.
struct Line {
    rpc: String,
    trace: String,
    record: CallRecord,
    begun: Instant,
    /// None until there is an answer.
    status: Option<Status>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let code = self.status.as_ref().map_or(Code::Cancelled, Status::code);
        let info = self.status.as_ref().and_then(Status::get_details_error_info);
        tracing::info!(
            target: "identity_link::call",
            rpc = self.rpc,
            caller = self.record.caller(),
            ?code,
            reason = info.map(|info| info.reason).unwrap_or_default(),
            duration_us = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            trace_id = self.trace,
            "call"
        );
    }
}

/// The path as it may be logged: one that is no rpc's could hold anything, a token for one.
fn rpc(path: &str) -> String {
    if is_known(path) { path.trim_start_matches('/').to_owned() } else { "?".to_owned() }
}

/// The trace id of the W3C `traceparent` header (version-traceid-parentid-flags), or a new one.
fn trace_id(headers: &HeaderMap) -> String {
    let told =
        headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(|value| value.split('-').nth(1));
    let is_id = |id: &&str| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    told.filter(is_id).map_or_else(|| Uuid::new_v4().simple().to_string(), str::to_owned)
}
