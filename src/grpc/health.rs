//! The standard health service.

use std::collections::BTreeMap;

use tonic_health::{ServingStatus, server::HealthReporter};

/// The services whose health can be asked for: ours, and the server as a whole.
const SERVICES: [&str; 4] = ["", "identity.v1.IdentityService", "identity.v1.SignInService", EVENT_SERVICE];
const EVENT_SERVICE: &str = "identity.v1.EventService";

/// What the health service tells.
pub struct Health {
    reporter: HealthReporter,
    /// What was told last of each service: who watches is told of changes only.
    told: BTreeMap<&'static str, bool>,
}

impl Health {
    /// Tells it by this reporter.
    pub fn new(reporter: HealthReporter) -> Self {
        Self { reporter, told: BTreeMap::new() }
    }

    /// Tells whether calls are served, and whether the feed goes on: while it waits for a transaction that
    /// stays open, it does not.
    pub async fn tell(&mut self, serves: bool, feed_goes_on: bool) {
        for service in SERVICES {
            let serves = serves && (feed_goes_on || service != EVENT_SERVICE);
            if self.told.insert(service, serves) != Some(serves) {
                let status = if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
                self.reporter.set_service_status(service, status).await;
            }
        }
    }

    /// Tells that nothing is served any more, and ends the streams of those who watch: they would keep their
    /// connections open.
    pub async fn close(mut self) {
        self.tell(false, false).await;
        for service in SERVICES {
            self.reporter.clear_service_status(service).await;
        }
    }
}
