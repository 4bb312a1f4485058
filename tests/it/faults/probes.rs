//! What balancers and orchestrators see of a server: the health service and `/readyz`.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::time::interval;
use tonic::transport::Channel;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    management::{channel, got, serving},
    support::{Caller, child::Running, cluster::Database, tokens::Token},
};

/// The time within which both must show that the database is lost or back.
pub(super) const SOON: Duration = Duration::from_secs(5);

/// A running server: its process, and what clients and probes reach.
pub(super) struct Probed {
    _child: Running,
    management: SocketAddr,
    channel: Channel,
}

impl Probed {
    /// Starts the server on this database. No call may take longer than three seconds.
    pub(super) fn start(database: &Database) -> Self {
        let (child, management, calls) =
            serving(database, |toml| format!("max_call_time = \"3s\"\n{toml}"));
        Self { _child: child, management, channel: channel(calls) }
    }

    /// A client with the token of a service.
    pub(super) fn service(&self) -> Caller {
        Caller::new(self.channel.clone(), Some(Token::of("services", "backend").sign()))
    }

    /// Waits until the health service and `/readyz` both say that the server serves, or both that it
    /// does not.
    pub(super) async fn until(&self, serves: bool) {
        let (began, mut again) = (Instant::now(), interval(Duration::from_millis(20)));
        while self.seen().await != (serves, serves) {
            assert!(began.elapsed() < SOON, "probes should show within {SOON:?}: {serves}");
            again.tick().await;
        }
    }

    async fn seen(&self) -> (bool, bool) {
        let mut health = HealthClient::new(self.channel.clone());
        let status = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
        let (ready, _) = got(self.management, "/readyz").await;
        (status.status() == ServingStatus::Serving, ready == 200)
    }
}
