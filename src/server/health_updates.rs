//! Keeps health and readiness up to date, which agree: whether the database responds and has a schema
//! on which this server serves, and whether the feed advances.

use std::{future::pending, time::Duration};

use tokio::{sync::watch, task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;
use tonic_health::server::HealthReporter;

use crate::{
    grpc::health::Health,
    management::{DatabaseState, Readiness, ServerState},
    store::DatabaseCheck,
};

/// The pause between two checks of the database.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// How long the database may take to respond. Together with the pause, this is less than the five
/// seconds within which the health service shows that the database is lost or back.
const MAX_RESPONSE_TIME: Duration = Duration::from_secs(3);
/// The most reasons of one outage that are reported.
const MAX_REASONS: usize = 8;
/// How long an open transaction may delay the feed until the feed counts as unhealthy.
const LONG_DELAY: Duration = Duration::from_secs(60);

/// The task that keeps health and readiness up to date.
pub(super) struct HealthUpdates {
    state: ServerState,
    stop: CancellationToken,
    task: JoinHandle<Health>,
}

/// The health service of a server that stops.
pub(super) struct EndedHealth(Option<Health>);

impl HealthUpdates {
    /// Reports to `reporter` that everything is healthy, and starts the task, which runs until `stop`.
    pub(super) async fn start(
        reporter: HealthReporter,
        database_check: DatabaseCheck,
        delay: watch::Receiver<Duration>,
        state: ServerState,
        stop: CancellationToken,
    ) -> Self {
        let mut health = Health::new(reporter);
        health.report(true, true).await;
        let database = DatabaseState::Available;
        state.set_readiness(Readiness::Serving { database, feed_goes_on: true });
        state.metrics().database.set_up(true);
        let task =
            tokio::spawn(keep_updated(health, database_check, delay, state.clone(), stop.clone()));
        Self { state, stop, task }
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
    let (sender, database) = watch::channel(DatabaseState::Available);
    tokio::select! {
        () = stop.cancelled() => {}
        () = keep_checking(database_check, &sender) => {}
        () = keep_reporting(&mut health, &state, database, delay) => {}
    }
    health
}

async fn keep_checking(mut database_check: DatabaseCheck, sender: &watch::Sender<DatabaseState>) {
    // The reasons that were reported: a connection is closed first, and then no other one opens.
    let mut reasons: Vec<String> = Vec::new();
    loop {
        let (now, error) = match database_check.check(MAX_RESPONSE_TIME).await {
            Ok(Ok(())) => (DatabaseState::Available, None),
            Ok(Err(mismatch)) => (DatabaseState::Incompatible(mismatch.to_string()), None),
            Err(error) => (DatabaseState::Unavailable, Some(error.to_string())),
        };
        let is_new = |reason: &String| reasons.len() < MAX_REASONS && !reasons.contains(reason);
        let new_reason = error.filter(is_new);
        let was = sender.borrow().clone();
        if was != now || new_reason.is_some() {
            report_change(&was, &now, new_reason.as_deref());
        }
        match now {
            DatabaseState::Unavailable => reasons.extend(new_reason),
            _ => reasons.clear(),
        }
        if was != now {
            sender.send_replace(now);
        }
        sleep(CHECK_EVERY).await;
    }
}

fn report_change(was: &DatabaseState, now: &DatabaseState, error: Option<&str>) {
    match now {
        DatabaseState::Unavailable => {
            tracing::warn!(
                error,
                "the database is unavailable: health reports it until it is back"
            );
        }
        DatabaseState::Incompatible(reason) => {
            tracing::error!(
                reason,
                "this server cannot serve on the schema that the database has now"
            );
        }
        DatabaseState::Available if *was == DatabaseState::Unavailable => {
            tracing::info!("the database is available again");
        }
        DatabaseState::Available => {
            tracing::info!("the database has a schema again on which this server serves");
        }
    }
}

async fn keep_reporting(
    health: &mut Health,
    state: &ServerState,
    mut database: watch::Receiver<DatabaseState>,
    mut delay: watch::Receiver<Duration>,
) {
    loop {
        let goes_on = tokio::select! {
            changed = database.changed() => changed.is_ok(),
            changed = delay.changed() => changed.is_ok(),
        };
        if !goes_on {
            // The server stops.
            return pending().await;
        }
        let database = database.borrow_and_update().clone();
        let is_short = *delay.borrow_and_update() < LONG_DELAY;
        health.report(database == DatabaseState::Available, is_short).await;
        state.metrics().database.set_up(database != DatabaseState::Unavailable);
        state.set_readiness(Readiness::Serving { database, feed_goes_on: is_short });
    }
}
