//! What operators learn of calls: the record of each one, the metrics, and the trace. All other
//! modules may use this one; it uses only the version.

pub mod metrics;
mod record;
mod traces;
mod wire_form;

pub use self::{
    record::{CallRecord, Label},
    traces::{Step, TRACEPARENT, TraceSettings, Traces},
    wire_form::WireForm,
};
