//! The `[tracing]` table: where the traces of calls go.

use super::{
    declare::keys,
    keys::{Number, Text},
    reader::Reader,
};
use crate::telemetry::TraceSettings;

keys! {
    /// Traces of calls, sent to a receiver of OTLP, such as the OpenTelemetry Collector. Without the
    /// table nothing is recorded. A span never contains a token, an email, or metadata.
    static KEYS: TracingKeys = "tracing" {
        /// The URL of the receiver, over gRPC: http, or https with a certificate that this machine
        /// trusts.
        endpoint: Text = Text::Required(", such as \"http://127.0.0.1:4317\""),
        /// Of so many calls, one is recorded. A call whose header `traceparent` names a trace is
        /// recorded if its caller records that trace, and otherwise not. At most 100 calls per
        /// second are recorded because of the header; above that, one in so many.
        one_in: Number = Number { default: 100, bounds: 1..=1_000_000 },
    }
}

/// The settings of the traces.
pub(super) fn read(mut r: Reader) -> Option<TraceSettings> {
    let endpoint = r.parsed(&KEYS.endpoint, |text| {
        let url: http::Uri = text.parse().map_err(|_| "is not a URL".to_owned())?;
        match (url.scheme_str(), url.host()) {
            (Some("http" | "https"), Some(_)) => Ok(text.to_owned()),
            _ => Err("must be an http or https URL".to_owned()),
        }
    });
    let one_in = u32::try_from(r.number(&KEYS.one_in)).unwrap_or(u32::MAX);
    r.finish(&TracingKeys::described());
    Some(TraceSettings { endpoint: endpoint?, one_in })
}
