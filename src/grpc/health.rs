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
