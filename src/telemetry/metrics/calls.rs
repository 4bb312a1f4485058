//! The metrics of calls.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        exemplar::HistogramWithExemplars,
        family::{Family, MetricConstructor},
        gauge::Gauge,
    },
    registry::Registry,
};

use super::{SECONDS, registered};
use crate::telemetry::{CallRecord, Label};

/// How a call ended, and whose it was.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallLabels {
    rpc: Label,
    code: Label,
    reason: Label,
    caller: &'static str,
    service: Label,
    tenant: Label,
    wire: &'static str,
}

/// Which call it was.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RpcLabels {
    rpc: Label,
    code: Label,
}

/// Which call is in flight.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct InFlightLabels {
    rpc: Label,
}

/// A trace, as an exemplar.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Trace {
    trace_id: String,
}

type Durations = Family<RpcLabels, HistogramWithExemplars<Trace>, WithExemplars>;

#[derive(Debug, Clone, Copy)]
struct WithExemplars;

impl MetricConstructor<HistogramWithExemplars<Trace>> for WithExemplars {
    fn new_metric(&self) -> HistogramWithExemplars<Trace> {
        HistogramWithExemplars::new(SECONDS.into_iter())
    }
}

/// The metrics of calls.
#[derive(Debug, Clone)]
pub struct CallMetrics {
    ended: Family<CallLabels, Counter>,
    durations: Durations,
    in_flight: CallsInFlight,
}

/// How many calls are in flight, by their names. Clones share the numbers.
#[derive(Debug, Clone, Default)]
pub struct CallsInFlight(Family<InFlightLabels, Gauge>);

impl CallsInFlight {
    /// Counts one call more.
    pub fn enter(&self, rpc: Label) {
        self.0.get_or_create(&InFlightLabels { rpc }).inc();
    }

    /// Counts one call less.
    pub fn leave(&self, rpc: Label) {
        self.0.get_or_create(&InFlightLabels { rpc }).dec();
    }
}

impl CallMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        let durations = Durations::new_with_constructor(WithExemplars);
        r.register(
            "call_duration_seconds",
            "From the request's headers to those of the response, by rpc and code. A watch ends when its messages begin",
            durations.clone(),
        );
        Self {
            ended: registered(
                r,
                "calls",
                "The calls that ended: rpc is ? for an unknown path, service is empty for one without a name in the configuration",
            ),
            durations,
            in_flight: CallsInFlight(registered(
                r,
                "calls_in_flight",
                "The calls whose response has not begun: one with an unknown path is not among them",
            )),
        }
    }

    /// How many calls are in flight.
    pub fn in_flight(&self) -> &CallsInFlight {
        &self.in_flight
    }

    /// Counts a call that ended. A call whose trace is recorded becomes an exemplar.
    pub fn end(&self, record: &CallRecord, (code, reason): (&Label, &Label), took: Duration) {
        let rpc = record.name();
        let trace = record.is_traced().then(|| Trace { trace_id: record.trace_id().to_owned() });
        let labels = RpcLabels { rpc, code: code.clone() };
        self.durations.get_or_create(&labels).observe(took.as_secs_f64(), trace, None);
        let labels = CallLabels {
            rpc: labels.rpc,
            code: labels.code,
            reason: reason.clone(),
            caller: record.caller(),
            service: record.service(),
            tenant: record.tenant(),
            wire: record.wire(),
        };
        self.ended.get_or_create(&labels).inc();
    }
}
