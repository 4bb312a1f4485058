//! Eight writers change few users in every way at once, for twenty seconds. After that all
//! invariants must hold, and what the responses contained must be in the tables and in the feed.

pub(crate) mod calls;
mod crowd;
mod followers;
mod ledger;
mod writer;

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use self::{
    crowd::Crowd,
    followers::Followers,
    ledger::Ledger,
    writer::{Succeeded, Writer},
};
use crate::support::*;

const WRITERS: usize = 8;
/// How long the writers make new calls.
const STORM: Duration = Duration::from_secs(20);

/// P13: the events of the feed add up to the tables. F13: eight writers of few users succeed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_storm_all_invariants_hold_and_all_responses_were_true() {
    let mut races = Races::begin();
    let server = Arc::new(TestServer::start_feed().await);
    let followers = Followers::begin(&server, races.lots());
    let crowds =
        Arc::new([Crowd::gather(&server, "lasting").await, Crowd::gather(&server, "mortal").await]);
    let end = Instant::now() + STORM;
    let succeeded = Succeeded::default();
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| Writer::new(number, &server, &crowds, races.lots(), &succeeded))
        .map(|writer| tokio::spawn(writer.write_until(end)))
        .collect();
    let mut ledger = Ledger::default();
    for writer in writers {
        ledger.add(writer.await.unwrap());
    }

    followers.db_assert_all_was_told(&server).await;
    ledger.assert_everything_was_done();
    server.database.db_assert_nothing_wrong().await;
    ledger.assert_one_state_per_version();
    for crowd in crowds.iter() {
        ledger.db_assert_nobody_is_lost(&server, crowd).await;
    }
    ledger.db_assert_links_are_there(&server).await;
    ledger.assert_deleted_is_deleted(&server).await;
    ledger.db_assert_told_again(&server).await;
}
