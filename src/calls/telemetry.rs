//! Logs one line per call: who called what, how it ended, and how long it took. It never contains a
//! token, an email, or other content of a message. Counts the call in the metrics, and ends its
//! span.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use http::{HeaderValue, Request, Response, header::USER_AGENT};
use tower::{Layer, Service};

use super::Body;
use crate::{
    listener::Peer,
    telemetry::{CallRecord, Label, Traces, WireForm, metrics::CallMetrics},
};

/// The caller of a call without an accepted token.
const NOBODY: &str = "none";
/// The beginning of the names of health checks.
const HEALTH: &str = "grpc.health.v1.Health/";
/// The most bytes of a `User-Agent` that are logged.
const LONGEST_USER_AGENT: usize = 128;

/// How a call ended, in the terms of its transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallOutcome {
    /// The status.
    pub code: Label,
    /// The stable reason of a refusal; empty if there is none.
    pub reason: Label,
}

/// Turns the response into an outcome; `None` stands for a client that left before the response.
type Judge = fn(Option<&Response<Body>>) -> CallOutcome;

/// Logs and counts each call of a service. Clones share what they count in: the service is cloned
/// for each call.
#[derive(Debug, Clone)]
pub struct TelemetryLayer(Arc<Sinks>);

#[derive(Debug)]
struct Sinks {
    outcome: Judge,
    metrics: CallMetrics,
    traces: Traces,
}

impl TelemetryLayer {
    /// Judges the calls by this function, counts them, and records their traces.
    pub fn new(outcome: Judge, metrics: CallMetrics, traces: Traces) -> Self {
        Self(Arc::new(Sinks { outcome, metrics, traces }))
    }
}

impl<S> Layer<S> for TelemetryLayer {
    type Service = Telemetry<S>;

    fn layer(&self, inner: S) -> Telemetry<S> {
        Telemetry { inner, layer: self.clone() }
    }
}

/// A service whose calls are logged and counted.
#[derive(Debug, Clone)]
pub struct Telemetry<S> {
    inner: S,
    layer: TelemetryLayer,
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
        let TelemetryLayer(sinks) = self.layer.clone();
        let outcome = sinks.outcome;
        let wire = request.extensions().get::<WireForm>().copied().unwrap_or_default();
        let in_flight = sinks.metrics.in_flight();
        let record = CallRecord::begin(wire, request.headers(), &sinks.traces, in_flight);
        request.extensions_mut().insert(record.clone());
        let ending = Ending {
            record: record.clone(),
            started: Instant::now(),
            client: Client::of(&request),
            outcome: outcome(None),
            sinks,
        };
        let call = self.inner.call(request);
        Box::pin(record.scope(async move {
            let mut ending = ending;
            let response = call.await?;
            ending.outcome = outcome(Some(&response));
            Ok(response)
        }))
    }
}

/// The end of one call. It is logged and counted when this value is dropped, so also if the client
/// went away while its write continues.
struct Ending {
    record: CallRecord,
    started: Instant,
    client: Client,
    outcome: CallOutcome,
    sinks: Arc<Sinks>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let (record, CallOutcome { code, reason }) = (&self.record, &self.outcome);
        let took = self.started.elapsed();
        record.end();
        self.sinks.metrics.end(record, (code, reason), took);
        record.end_span(code, reason);
        let (name, service, tenant) = (record.name(), record.service(), record.tenant());
        let is_known = record.caller() != NOBODY;
        // A field that is `None` is left out.
        macro_rules! log {
            ($log:ident) => {
                tracing::$log!(
                    target: "identity_link::call",
                    rpc = name.as_str(),
                    wire = record.wire(),
                    caller = record.caller(),
                    service = present(service.as_str()),
                    tenant = present(tenant.as_str()),
                    code = code.as_str(),
                    reason = reason.as_str(),
                    duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                    request_id = record.request_id().map(tracing::field::display),
                    peer = self.client.peer.map(tracing::field::display),
                    // What a stranger sends is not logged.
                    user_agent = self.client.user_agent().filter(|_| is_known),
                    trace_id = record.trace_id(),
                    "call"
                )
            };
        }
        if name.as_str().starts_with(HEALTH) && reason.as_str().is_empty() {
            // A probe every few seconds from each prober.
            log!(debug);
        } else {
            log!(info);
        }
    }
}

fn present(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// What is known of a call's client besides its token.
struct Client {
    peer: Option<SocketAddr>,
    user_agent: Option<HeaderValue>,
}

impl Client {
    fn of<B>(request: &Request<B>) -> Self {
        Self {
            peer: request.extensions().get::<Peer>().map(|Peer(address)| *address),
            user_agent: request.headers().get(USER_AGENT).cloned(),
        }
    }

    /// The client's name of itself; `None` for one that is no text.
    fn user_agent(&self) -> Option<&str> {
        let text = self.user_agent.as_ref()?.to_str().ok()?;
        text.get(..text.len().min(LONGEST_USER_AGENT))
    }
}
