//! The traces of calls, as a receiver of OTLP gets them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{AnyValue, KeyValue, any_value::Value as Attribute},
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use rustix::process::Signal;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};

use crate::support::{
    child::Running,
    cluster::{Database, cluster},
    tokens::Token,
    *,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const EMAIL: &str = "ann.secret@example.com";
/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Passes all spans on that it receives.
struct Receiver(UnboundedSender<Span>);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = request.into_inner().resource_spans;
        let scopes = resources.into_iter().flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).for_each(|span| self.0.send(span).unwrap());
        Ok(Response::new(Default::default()))
    }
}

/// A receiver of OTLP, its address, and the spans that it receives.
async fn receiver() -> (SocketAddr, UnboundedReceiver<Span>) {
    let (sender, spans) = unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = TraceServiceServer::new(Receiver(sender));
    let incoming = TcpIncoming::from(listener);
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
    (address, spans)
}

/// A server whose traces go to this receiver, and a channel to it.
fn serve(database: &Database, receiver: SocketAddr, one_in: u32) -> (Running, Channel) {
    let (child, address) = Running::serve(database, |toml| {
        format!("{toml}\n[tracing]\nendpoint = \"http://{receiver}\"\none_in = {one_in}\n")
    });
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    (child, channel)
}

fn backend(channel: &Channel) -> Caller {
    Caller::new(channel.clone(), Some(Token::of("services", "backend").sign()))
}

/// Ends the server, which exports all its spans, and returns these and its log.
async fn ended(child: Running, mut spans: UnboundedReceiver<Span>) -> (Vec<Span>, Vec<Value>) {
    child.signal(Signal::TERM);
    let ran = tokio::task::spawn_blocking(|| child.finish()).await.unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let log = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut all = Vec::new();
    while let Ok(span) = spans.try_recv() {
        all.push(span);
    }
    (all, log)
}

fn text(value: &Option<AnyValue>) -> String {
    match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Attribute::StringValue(text)) => text.clone(),
        other => format!("{other:?}"),
    }
}

fn attributes(span: &Span) -> BTreeMap<&str, String> {
    let pair = |KeyValue { key, value, .. }: &'_ KeyValue| (key.as_str().to_owned(), text(value));
    let pairs = span.attributes.iter().map(pair);
    // The keys are the span's own texts.
    pairs
        .map(|(key, value)| {
            let own = span.attributes.iter().find(|own| own.key == key).unwrap();
            (own.key.as_str(), value)
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_a_span_in_its_callers_trace_with_a_span_for_each_step() {
    let database = cluster().db_migrated().await;
    let (address, spans) = receiver().await;
    let (child, channel) = serve(&database, address, 1_000_000);
    let service = backend(&channel);
    let a = service.create_with("google-oauth2", "a", verified(EMAIL)).await;
    let b = service.create_with("github", "b", unverified(EMAIL)).await;

    let parent = format!("00-{TRACE}-{SPAN}-01");
    let traced = service.clone().with_metadata("traceparent", &parent);
    traced.link(link_user(&a.id, &b.id)).await.unwrap();

    let (spans, log) = ended(child, spans).await;
    let call = spans.iter().find(|span| span.kind() == SpanKind::Server).unwrap();
    assert_eq!(call.name, "identitylink.v1.IdentityService/Link");
    assert_eq!((hex(&call.trace_id), hex(&call.parent_span_id)), (TRACE.into(), SPAN.into()));
    let told = attributes(call);
    assert_eq!(told["rpc.response.status_code"], "Ok");
    assert_eq!(told["identity_link.caller"], "service");
    assert_eq!(told["identity_link.tenant"], "default");
    // All others are its steps: the call is the only one that is recorded.
    let steps: Vec<&Span> = spans.iter().filter(|span| span.span_id != call.span_id).collect();
    for step in &steps {
        assert_eq!((&step.trace_id, &step.parent_span_id), (&call.trace_id, &call.span_id));
    }
    for name in ["verify_token", "wait_for_connection", "begin", "insert_link", "commit"] {
        assert!(steps.iter().any(|step| step.name == name), "{name} in {steps:?}");
    }
    let commit = steps.iter().find(|step| step.name == "commit").unwrap();
    assert_eq!(attributes(commit)["db.system.name"], "postgresql");
    // The log has the same trace, and no span has what the message contains.
    assert!(log.iter().any(|line| line["trace_id"] == TRACE && line["message"] == "call"));
    assert!(!format!("{spans:?}").contains("ann.secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_of_the_calls_without_a_trace_is_recorded_and_a_failure_is_marked() {
    let database = cluster().db_migrated().await;
    let (address, spans) = receiver().await;
    let (child, channel) = serve(&database, address, 1);

    refusal(backend(&channel).get_user(get("nobody")).await);
    // Its caller does not record it.
    let not_recorded = format!("00-{TRACE}-{SPAN}-00");
    let quiet = backend(&channel).with_metadata("traceparent", &not_recorded);
    refusal(quiet.get_user(get("nobody")).await);

    let (spans, log) = ended(child, spans).await;
    let calls: Vec<&Span> = spans.iter().filter(|span| span.kind() == SpanKind::Server).collect();
    let [call] = calls[..] else { panic!("one call should be recorded: {calls:?}") };
    assert_eq!(attributes(call)["identity_link.reason"], "USER_NOT_FOUND");
    assert_eq!(call.status.as_ref().unwrap().code(), StatusCode::Error);
    let trace = hex(&call.trace_id);
    let logged = log.iter().filter(|line| line["message"] == "call");
    let logged: Vec<&str> = logged.map(|line| line["trace_id"].as_str().unwrap()).collect();
    assert_eq!(logged, [&*trace, TRACE]);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_do_not_wait_for_a_receiver_that_is_gone() {
    let database = cluster().db_migrated().await;
    // Nobody listens there.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (child, channel) = serve(&database, gone, 1);

    let service = backend(&channel);
    timeout(PATIENCE, service.create("google-oauth2", "a")).await.unwrap();

    child.signal(Signal::TERM);
    let ran = tokio::task::spawn_blocking(|| child.finish()).await.unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

/// G27: a caller without a token can force few traces, so those of others find room.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_have_at_most_a_hundred_calls_per_second_recorded() {
    const CALLS: usize = 1000;
    let database = cluster().db_migrated().await;
    let (address, spans) = receiver().await;
    let (child, channel) = serve(&database, address, 1_000_000);
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let stranger = Caller::new(channel, None).with_metadata("traceparent", &parent);

    let began = Instant::now();
    let calls = (0..CALLS).map(|_| async {
        assert_eq!(refusal(stranger.get_user(get("")).await), "Unauthenticated TOKEN_MISSING");
    });
    join_all(calls).await;
    let seconds = began.elapsed().as_secs_f64();

    let (spans, _) = ended(child, spans).await;
    // All at once, and one more after each hundredth of a second. Two more may be recorded by chance.
    let most = 100.0 + 100.0 * seconds + 2.0;
    let recorded = spans.iter().filter(|span| span.kind() == SpanKind::Server).count();
    assert!(recorded >= 100, "{recorded} calls were recorded");
    assert!(recorded as f64 <= most, "{recorded} calls were recorded in {seconds} seconds");
}
