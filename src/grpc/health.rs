//! The standard health service.

use tonic_health::{ServingStatus, server::HealthReporter};

/// The services whose health can be asked for: ours, and the server as a whole.
const SERVICES: [&str; 2] = ["", "identity.v1.IdentityService"];

/// Says whether calls are served.
pub async fn report(reporter: &HealthReporter, serving: bool) {
    let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
    for service in SERVICES {
        reporter.set_service_status(service, status).await;
    }
}

/// Ends the streams of whoever watches: they would keep their connections open.
pub async fn close(reporter: &mut HealthReporter) {
    for service in SERVICES {
        reporter.clear_service_status(service).await;
    }
}
