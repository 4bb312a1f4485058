//! Keeps the health service true: whether the database is there, and whether the feed goes on.

use std::{future::pending, time::Duration};

use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{grpc::health::Health, store::Presence};

/// How often the database is asked whether it is there.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How long it may take to answer. Together with the pause that is less than the five seconds within which its
/// going and its coming back are told.
const LONGEST_ANSWER: Duration = Duration::from_secs(3);
/// For how long the feed may wait for a transaction that is open, and still be well.
const LONG_DELAY: Duration = Duration::from_secs(60);

/// Tells both until `stop`, and gives back what they are told by.
pub(super) async fn keep_told(
    mut health: Health,
    presence: Presence,
    delay: watch::Receiver<Duration>,
    stop: CancellationToken,
) -> Health {
    let (tell, is_there) = watch::channel(true);
    tokio::select! {
        () = stop.cancelled() => {}
        () = keep_asking(presence, &tell) => {}
        () = keep_telling(&mut health, is_there, delay) => {}
    }
    health
}

async fn keep_asking(mut presence: Presence, tell: &watch::Sender<bool>) {
    loop {
        let answer = presence.ask(LONGEST_ANSWER).await;
        let has_changed = tell.send_if_modified(|is_there| {
            let was_there = std::mem::replace(is_there, answer.is_ok());
            was_there != *is_there
        });
        match answer {
            Ok(()) if has_changed => tracing::info!("the database is there again"),
            Err(error) if has_changed => {
                tracing::warn!(%error, "the database is gone: health says so until it is back");
            }
            _ => {}
        }
        sleep(ASK_EVERY).await;
    }
}

async fn keep_telling(health: &mut Health, mut is_there: watch::Receiver<bool>, mut delay: watch::Receiver<Duration>) {
    loop {
        let goes_on = tokio::select! {
            changed = is_there.changed() => changed.is_ok(),
            changed = delay.changed() => changed.is_ok(),
        };
        if !goes_on {
            // The server ends.
            return pending().await;
        }
        let is_there = *is_there.borrow_and_update();
        let is_short = *delay.borrow_and_update() < LONG_DELAY;
        health.tell(is_there, is_short).await;
    }
}
