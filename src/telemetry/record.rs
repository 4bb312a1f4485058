//! The record of a call: who makes which call. The layers in front of a handler fill it in; the log,
//! the metrics and the trace read it.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use http::HeaderMap;
use opentelemetry::KeyValue;
use tokio::task::futures::TaskLocalFuture;
use uuid::Uuid;

use super::{TRACEPARENT, Traces, WireForm, metrics::CallsInFlight, traces::CallSpan};

tokio::task_local! {
    /// The call for which this task works, if it works for one.
    static CURRENT: Option<CallRecord>;
}

/// A short text out of a bounded set, which is cheap to copy. It names a series of a metric, so it
/// is never made of what a stranger sends.
#[derive(Debug, Clone)]
pub enum Label {
    /// Known at compile time.
    Static(&'static str),
    /// Known since the start.
    Shared(Arc<str>),
}

impl Label {
    /// The text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl Default for Label {
    fn default() -> Self {
        Self::Static("")
    }
}

impl From<&'static str> for Label {
    fn from(text: &'static str) -> Self {
        Self::Static(text)
    }
}

impl From<String> for Label {
    fn from(text: String) -> Self {
        Self::Shared(text.into())
    }
}

impl From<Arc<str>> for Label {
    fn from(text: Arc<str>) -> Self {
        Self::Shared(text)
    }
}

impl PartialEq for Label {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Label {}

impl Hash for Label {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of a call: an extension of its request. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct CallRecord(Arc<Fields>);

#[derive(Debug, Default)]
struct Fields {
    wire: WireForm,
    trace_id: String,
    span: Option<CallSpan>,
    in_flight: CallsInFlight,
    name: OnceLock<Label>,
    caller: OnceLock<Caller>,
    tenant: OnceLock<Label>,
    request_id: OnceLock<Uuid>,
}

/// The caller of a call that has verified its token.
#[derive(Debug)]
struct Caller {
    kind: &'static str,
    /// The name that the configuration gives the service; empty if it gives none.
    service: Label,
}

impl CallRecord {
    /// The record of a call in this form with these headers. Its trace begins here, or is the
    /// caller's. The call is counted in `in_flight` from its name until [`CallRecord::end`].
    pub fn begin(
        wire: WireForm,
        headers: &HeaderMap,
        traces: &Traces,
        in_flight: &CallsInFlight,
    ) -> Self {
        let (span, in_flight) = (traces.begin(headers), in_flight.clone());
        let trace_id = span.as_ref().map_or_else(|| trace_id(headers), CallSpan::trace_id);
        Self(Arc::new(Fields { wire, trace_id, span, in_flight, ..Fields::default() }))
    }

    /// Ends the call, once: it is in flight no more.
    pub fn end(&self) {
        if let Some(name) = self.0.name.get() {
            self.0.in_flight.leave(name.clone());
        }
    }

    /// Runs a future for this call: [`CallRecord::with_current`] finds the record.
    pub fn scope<F: Future>(&self, future: F) -> TaskLocalFuture<Option<Self>, F> {
        CURRENT.scope(Some(self.clone()), future)
    }

    /// Runs a future, perhaps in another task, for the call for which the present task works.
    pub fn inherited<F: Future>(future: F) -> TaskLocalFuture<Option<Self>, F> {
        let current = CURRENT.try_with(Clone::clone).unwrap_or_default();
        CURRENT.scope(current, future)
    }

    /// What the function makes of the record of the call for which the present task works; `None`
    /// outside of calls.
    pub fn with_current<T>(f: impl FnOnce(&Self) -> Option<T>) -> Option<T> {
        CURRENT.try_with(|record| record.as_ref().and_then(f)).ok().flatten()
    }

    /// Sets the name of the call. It must be one of identity-link's names: an unknown path could
    /// contain anything, for instance a token.
    pub fn set_name(&self, name: impl Into<Label>) {
        let name = name.into();
        // Set once; a second name could only come from a second gate.
        if self.0.name.set(name.clone()).is_ok() {
            self.0.in_flight.enter(name);
        }
    }

    /// Sets the kind of the caller that was accepted, and the name that the configuration gives the
    /// service.
    pub fn set_caller(&self, kind: &'static str, service: Option<Arc<str>>) {
        let service = service.map(Label::Shared).unwrap_or_default();
        let _ = self.0.caller.set(Caller { kind, service });
    }

    /// Sets the tenant of the call.
    pub fn set_tenant(&self, tenant: &str) {
        let _ = self.0.tenant.set(Label::Shared(tenant.into()));
    }

    /// Sets the id under which the caller may repeat the call.
    pub fn set_request_id(&self, id: Uuid) {
        let _ = self.0.request_id.set(id);
    }

    /// The id under which the caller may repeat the call, if it has one.
    pub fn request_id(&self) -> Option<Uuid> {
        self.0.request_id.get().copied()
    }

    /// Whether the call's trace is recorded.
    pub fn is_traced(&self) -> bool {
        self.0.span.is_some()
    }

    pub(super) fn span(&self) -> Option<&CallSpan> {
        self.0.span.as_ref()
    }

    /// Ends the call's span, if it is recorded. A call with a reason failed.
    pub fn end_span(&self, code: &Label, reason: &Label) {
        let Some(span) = self.span() else { return };
        let name = self.name();
        let text = |key: &'static str, value: &str| KeyValue::new(key, value.to_owned());
        let mut attributes = vec![
            text("rpc.response.status_code", code.as_str()),
            text("identity_link.caller", self.caller()),
            text("identity_link.wire", self.wire()),
        ];
        let known = [
            ("identity_link.reason", reason),
            ("identity_link.service", &self.service()),
            ("identity_link.tenant", &self.tenant()),
        ];
        let known = known.into_iter().filter(|(_, value)| !value.as_str().is_empty());
        attributes.extend(known.map(|(key, value)| text(key, value.as_str())));
        let failure = (!reason.as_str().is_empty()).then(|| reason.to_string());
        span.end(name.as_str(), attributes, failure);
    }

    /// The id of the call's trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.0.trace_id
    }

    /// The form in which the call came over the wire.
    pub fn wire(&self) -> &'static str {
        self.0.wire.name()
    }

    /// The name of the call; `?` for an unknown one.
    pub fn name(&self) -> Label {
        self.0.name.get().cloned().unwrap_or(Label::Static("?"))
    }

    /// The kind of the caller; `none` without an accepted token.
    pub fn caller(&self) -> &'static str {
        self.0.caller.get().map_or("none", |caller| caller.kind)
    }

    /// The name that the configuration gives the calling service; empty if it gives none.
    pub fn service(&self) -> Label {
        self.0.caller.get().map(|caller| caller.service.clone()).unwrap_or_default()
    }

    /// The tenant; empty until the call is permitted.
    pub fn tenant(&self) -> Label {
        self.0.tenant.get().cloned().unwrap_or_default()
    }
}

/// The trace id of the W3C `traceparent` header (version-traceid-parentid-flags), or a new one.
fn trace_id(headers: &HeaderMap) -> String {
    let received = headers
        .get(TRACEPARENT)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split('-').nth(1));
    let is_id = |id: &&str| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    // From the thread's generator, without a system call: a trace id is no secret.
    let new = || format!("{:032x}", rand::random::<u128>());
    received.filter(is_id).map_or_else(new, str::to_owned)
}
