//! Keeps health and readiness up to date, which agree: whether the database responds, and whether the
//! feed advances.

use std::{future::pending, time::Duration};

use tokio::{sync::watch, task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;
use tonic_health::server::{HealthReporter, HealthService};

use crate::{
    grpc::health::Health,
    management::{Readiness, ServerState},
    store::DatabaseCheck,
};

/// The pause between two checks of the database.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// How long the database may take to respond. Together with the pause, this is less than the five
/// seconds within which the health service shows that the database is lost or back.
const MAX_RESPONSE_TIME: Duration = Duration::from_secs(3);
/// How long an open transaction may delay the feed until the feed counts as unhealthy.
const LONG_DELAY: Duration = Duration::from_secs(60);

/// The task that keeps health and readiness up to date.
pub(super) struct HealthUpdates {
    reporter: HealthReporter,
    state: ServerState,
    stop: CancellationToken,
    task: JoinHandle<Health>,
}

/// The health service of a server that stops.
pub(super) struct EndedHealth(Option<Health>);

impl HealthUpdates {
    /// Reports that everything is healthy, and starts the task, which runs until `stop`.
    pub(super) async fn start(
        database_check: DatabaseCheck,
        delay: watch::Receiver<Duration>,
        state: ServerState,
        stop: CancellationToken,
    ) -> Self {
        let reporter = HealthReporter::new();
        let mut health = Health::new(reporter.clone());
        health.report(true, true).await;
        state.set_readiness(Readiness::Serving { has_database: true, feed_goes_on: true });
        state.metrics().database.set_up(true);
        let task =
            tokio::spawn(keep_updated(health, database_check, delay, state.clone(), stop.clone()));
        Self { reporter, state, stop, task }
    }

    /// The health service that the task keeps up to date.
    pub(super) fn service(&self) -> HealthService {
        HealthService::from_health_reporter(self.reporter.clone())
    }

    /// Stops the task, and reports that the server stops. Watchers of its health stay.
    pub(super) async fn end(self) -> EndedHealth {
        self.stop.cancel();
        let mut health = self.task.await.ok();
        if let Some(health) = &mut health {
            health.report(false, false).await;
        }
        self.state.set_readiness(Readiness::Stopping);
        EndedHealth(health)
    }
}

impl EndedHealth {
    /// Ends the streams of watchers.
    pub(super) async fn close(self) {
        if let Some(health) = self.0 {
            health.close().await;
        }
    }
}

/// Updates `health` until `stop`, and returns it.
async fn keep_updated(
    mut health: Health,
    database_check: DatabaseCheck,
    delay: watch::Receiver<Duration>,
    state: ServerState,
    stop: CancellationToken,
) -> Health {
    let (sender, is_there) = watch::channel(true);
    tokio::select! {
        () = stop.cancelled() => {}
        () = keep_checking(database_check, &sender) => {}
        () = keep_reporting(&mut health, &state, is_there, delay) => {}
    }
    health
}

async fn keep_checking(mut database_check: DatabaseCheck, sender: &watch::Sender<bool>) {
    loop {
        let checked = database_check.check(MAX_RESPONSE_TIME).await;
        let has_changed = sender.send_if_modified(|is_there| {
            let was_there = std::mem::replace(is_there, checked.is_ok());
            was_there != *is_there
        });
        match checked {
            Ok(()) if has_changed => tracing::info!("the database is available again"),
            Err(error) if has_changed => {
                tracing::warn!(%error, "the database is unavailable: health reports it until it is back");
            }
            _ => {}
        }
        sleep(CHECK_EVERY).await;
    }
}

async fn keep_reporting(
    health: &mut Health,
    state: &ServerState,
    mut is_there: watch::Receiver<bool>,
    mut delay: watch::Receiver<Duration>,
) {
    loop {
        let goes_on = tokio::select! {
            changed = is_there.changed() => changed.is_ok(),
            changed = delay.changed() => changed.is_ok(),
        };
        if !goes_on {
            // The server stops.
            return pending().await;
        }
        let is_there = *is_there.borrow_and_update();
        let is_short = *delay.borrow_and_update() < LONG_DELAY;
        health.report(is_there, is_short).await;
        let readiness = Readiness::Serving { has_database: is_there, feed_goes_on: is_short };
        state.set_readiness(readiness);
        state.metrics().database.set_up(is_there);
    }
}
