//! What operators learn of calls: the record of each one, the metrics, and the trace. All other
//! modules may use this one, and it uses none of them.

pub mod metrics;
mod record;
mod traces;

pub use self::{
    record::{CallRecord, Label},
    traces::{Step, TRACEPARENT, TraceSettings, Traces},
};
