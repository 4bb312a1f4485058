//! The standard health service.

use std::collections::BTreeMap;

use tonic_health::{ServingStatus, server::HealthReporter};

/// The services whose health is reported: identity-link's, and the server as a whole.
const SERVICES: [&str; 5] = [
    "",
    "identitylink.v1.IdentityService",
    "identitylink.v1.SignInService",
    "identitylink.v1.TransferService",
    EVENT_SERVICE,
];
const EVENT_SERVICE: &str = "identitylink.v1.EventService";

/// The status of the health service.
pub struct Health {
    reporter: HealthReporter,
    /// The last reported status of each service: watchers get a message only when it changes.
    reported: BTreeMap<&'static str, bool>,
}

impl Health {
    /// Reports by this reporter.
    pub fn new(reporter: HealthReporter) -> Self {
        Self { reporter, reported: BTreeMap::new() }
    }

    /// Reports whether calls are served, and whether the feed advances. The feed does not advance
    /// while it waits for a transaction that stays open.
    pub async fn report(&mut self, serves: bool, feed_goes_on: bool) {
        for service in SERVICES {
            let serves = serves && (feed_goes_on || service != EVENT_SERVICE);
            if self.reported.insert(service, serves) != Some(serves) {
                let status =
                    if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
                self.reporter.set_service_status(service, status).await;
            }
        }
    }

    /// Reports that nothing is served any more, and ends the streams of health watchers: they would
    /// keep their connections open.
    pub async fn close(mut self) {
        self.report(false, false).await;
        for service in SERVICES {
            self.reporter.clear_service_status(service).await;
        }
    }
}
