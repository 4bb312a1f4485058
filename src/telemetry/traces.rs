//! Traces of a sample of calls, over OTLP: a span for each call, and a span for each step of it.
//!
//! Nothing is recorded of other calls, which therefore cost nothing more. A span contains names and
//! times, and never a token, an email, or metadata.

use std::{borrow::Cow, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{HeaderMap, HeaderValue};
use opentelemetry::{
    Context, KeyValue, Value,
    trace::{
        Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags,
        TraceId, TraceState, Tracer as _, TracerProvider as _,
    },
};
use opentelemetry_otlp::{
    SpanExporter, WithExportConfig as _, WithTonicConfig as _,
    tonic_types::transport::ClientTlsConfig,
};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider, Span},
};

use super::CallRecord;

/// The header of a trace (W3C Trace Context §3.2).
pub const TRACEPARENT: &str = "traceparent";
/// How long one export may take.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the end of the server waits for the last export.
const PATIENCE_AT_END: Duration = Duration::from_secs(2);

/// How many calls per second are recorded because their caller records the trace. Strangers can send
/// the header too, and what they have recorded must leave room for the others in the exporter's
/// queue.
const REQUESTED_PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

/// Where traces go, and of which calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceSettings {
    /// The URL of the receiver of OTLP over gRPC.
    pub endpoint: String,
    /// Of so many calls, one is recorded: of those without a trace of their caller, and of those
    /// above the bound of calls that are recorded because their caller records the trace.
    pub one_in: u32,
}

/// Records the traces of calls, or of none. Clones share the connection to the receiver.
#[derive(Debug, Clone, Default)]
pub struct Traces(Option<Arc<Recorder>>);

#[derive(Debug)]
struct Recorder {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    one_in: u32,
    /// The calls that their callers have recorded.
    requested: DefaultDirectRateLimiter,
}

impl Traces {
    /// Traces to this receiver. Connects in the background, and again after a failure: calls never
    /// wait for the receiver. Needs the runtime.
    ///
    /// # Errors
    /// If there can be no client for the endpoint.
    pub fn start(settings: &TraceSettings) -> Result<Self, String> {
        let TraceSettings { endpoint, one_in } = settings;
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_timeout(EXPORT_TIMEOUT);
        let exporter = match endpoint.starts_with("https:") {
            true => exporter.with_tls_config(ClientTlsConfig::new().with_native_roots()),
            false => exporter,
        };
        let exporter = exporter.build().map_err(|error| error.to_string())?;
        let resource = Resource::builder_empty().with_attributes([
            KeyValue::new("service.name", "identity-link"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ]);
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            // Which calls are recorded is decided before there is a span.
            .with_sampler(Sampler::AlwaysOn)
            .with_batch_exporter(exporter)
            .build();
        let tracer = provider.tracer("identity-link");
        let requested = RateLimiter::direct(Quota::per_second(REQUESTED_PER_SECOND));
        Ok(Self(Some(Arc::new(Recorder { provider, tracer, one_in: *one_in, requested }))))
    }

    /// The span of a call with these headers, if it is recorded: because its caller records it, up
    /// to [`REQUESTED_PER_SECOND`], or by chance. A call whose caller does not record its trace is
    /// not recorded.
    pub(super) fn begin(&self, headers: &HeaderMap) -> Option<CallSpan> {
        let recorder = self.0.as_ref()?;
        let parent = parent(headers);
        let is_recorded = match &parent {
            Some(parent) if !parent.is_sampled() => false,
            Some(_) if recorder.requested.check().is_ok() => true,
            Some(_) | None => rand::random_ratio(1, recorder.one_in),
        };
        is_recorded.then(|| {
            let context = parent.map_or_else(Context::new, |parent| {
                Context::new().with_remote_span_context(parent)
            });
            let span = recorder.tracer.span_builder("call").with_kind(SpanKind::Server);
            let span = recorder.tracer.build_with_context(span, &context);
            CallSpan { context: context.with_span(span), tracer: recorder.tracer.clone() }
        })
    }

    /// Exports what is not exported yet, within a bound. For the end of the server.
    pub async fn stop(self) {
        let Some(recorder) = self.0 else { return };
        let stop = move || recorder.provider.shutdown_with_timeout(PATIENCE_AT_END);
        if let Ok(Err(error)) = tokio::task::spawn_blocking(stop).await {
            tracing::warn!(%error, "the last spans could not be exported");
        }
    }
}

/// The span of a call that is recorded.
#[derive(Debug, Clone)]
pub(super) struct CallSpan {
    context: Context,
    tracer: SdkTracer,
}

impl CallSpan {
    pub(super) fn trace_id(&self) -> String {
        self.context.span().span_context().trace_id().to_string()
    }

    /// Ends the span under the call's name.
    pub(super) fn end(&self, name: &str, attributes: Vec<KeyValue>, failure: Option<String>) {
        let span = self.context.span();
        span.update_name(name.to_owned());
        span.set_attributes(attributes);
        if let Some(failure) = failure {
            span.set_status(Status::error(failure));
        }
        span.end();
    }
}

/// A step of the present call, until it is dropped: a span, if the call is recorded.
#[derive(Debug)]
pub struct Step(Option<Span>);

impl Step {
    /// A step that this process does.
    pub fn begin(name: &'static str) -> Self {
        Self::of_kind(name, SpanKind::Internal)
    }

    /// A request to another process.
    pub fn request(name: impl Into<Cow<'static, str>>) -> Self {
        Self::of_kind(name, SpanKind::Client)
    }

    fn of_kind(name: impl Into<Cow<'static, str>>, kind: SpanKind) -> Self {
        Self(CallRecord::with_current(|record| {
            let call = record.span()?;
            let span = call.tracer.span_builder(name).with_kind(kind);
            Some(call.tracer.build_with_context(span, &call.context))
        }))
    }

    /// Adds an attribute.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        if let Some(span) = &mut self.0 {
            span.set_attribute(KeyValue::new(name, value));
        }
    }

    /// Marks the step as failed.
    pub fn fail(&mut self, why: &'static str) {
        if let Some(span) = &mut self.0 {
            span.set_status(Status::error(why));
        }
    }

    /// The value of `traceparent` for the request; `None` if the call is not recorded.
    pub fn traceparent(&self) -> Option<HeaderValue> {
        let context = self.0.as_ref()?.span_context();
        let text = format!("00-{}-{}-01", context.trace_id(), context.span_id());
        HeaderValue::try_from(text).ok()
    }
}

/// The caller's span (W3C Trace Context §3.2); `None` if there is none, or it is not well-formed.
fn parent(headers: &HeaderMap) -> Option<SpanContext> {
    let mut parts = headers.get(TRACEPARENT)?.to_str().ok()?.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // A later version may have more parts.
    if version.len() != 2 || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    if !(is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2)) {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::default(),
    );
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_parent_counts() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        const SPAN: &str = "00f067aa0ba902b7";
        let parsed = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT, HeaderValue::try_from(text).unwrap());
            parent(&headers).map(|parent| (parent.trace_id().to_string(), parent.is_sampled()))
        };

        let good = Some((TRACE.to_owned(), true));
        assert_eq!(parsed(&format!("00-{TRACE}-{SPAN}-01")), good);
        assert_eq!(parsed(&format!("01-{TRACE}-{SPAN}-01-more")), good);
        assert_eq!(parsed(&format!("00-{TRACE}-{SPAN}-00")), Some((TRACE.to_owned(), false)));
        for bad in [
            String::new(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{TRACE}-{SPAN}-zz"),
        ] {
            assert_eq!(parsed(&bad), None, "{bad}");
        }
    }
}
