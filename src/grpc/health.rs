//! The standard health service.

use tonic_health::{ServingStatus, server::HealthReporter};

/// The services whose health can be asked for: ours, and the server as a whole.
const SERVICES: [&str; 4] = ["", "identity.v1.IdentityService", "identity.v1.SignInService", EVENT_SERVICE];
const EVENT_SERVICE: &str = "identity.v1.EventService";

/// Says whether calls are served.
pub async fn report(reporter: &HealthReporter, serving: bool) {
    let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
    for service in SERVICES {
        reporter.set_service_status(service, status).await;
    }
}

/// Says whether the feed goes on: while it waits for a transaction that stays open, it does not.
pub async fn report_feed(reporter: &HealthReporter, goes_on: bool) {
    let status = if goes_on { ServingStatus::Serving } else { ServingStatus::NotServing };
    reporter.set_service_status(EVENT_SERVICE, status).await;
}

/// Ends the streams of whoever watches: they would keep their connections open.
pub async fn close(reporter: &mut HealthReporter) {
    for service in SERVICES {
        reporter.clear_service_status(service).await;
    }
}
