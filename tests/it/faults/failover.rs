//! A standby takes over under load.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{interval, timeout};

use super::{Extent, PATIENCE, load::Load, probes::Probed, seen::Connections};
use crate::support::{Races, own_postgres::OwnPostgres};

const NAME: &str = "replicated";

#[tokio::test(flavor = "multi_thread")]
async fn a_synchronous_standby_that_takes_over_has_each_acknowledged_change() {
    take_over(Extent::Brief).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: `just faults`"]
async fn a_synchronous_standby_that_takes_over_in_full() {
    take_over(Extent::Full).await;
}

/// F03, F16: the primary is killed, the standby is promoted, and the next round has a new standby in
/// the place of the old primary. The URL of the server names both places.
async fn take_over(extent: Extent) {
    let rounds = extent.of(1, 10);
    let places = ["faults-failover-1", "faults-failover-2"];
    let mut primary = OwnPostgres::start(places[0]);
    primary.db_migrated(NAME).await;
    let mut standby = primary.db_standby(places[1]).await;
    let (server, mut races) =
        (Probed::start(&primary.the_writable_one(&standby, NAME)), Races::begin());
    let load = Load::start(&server.service(), Connections::Stay);
    let mut longest = Duration::ZERO;
    for round in 0..rounds {
        if round > 0 {
            standby = primary.db_standby(places[(round + 1) % 2]).await;
        }
        db_commit_on_both(&primary).await;
        load.until_more_changes(races.number(10..=60)).await;
        primary.end_by(Signal::KILL);
        standby.db_promote().await;
        longest = longest.max(load.until_served().await);
        server.until(true).await;
        std::mem::swap(&mut primary, &mut standby);
    }
    let scenario = format!("failover to a synchronous standby, {rounds} rounds");
    load.db_end(&scenario, longest, &primary.database(NAME)).await;
}

/// From now on, a commit is acknowledged after the standby has it.
async fn db_commit_on_both(primary: &OwnPostgres) {
    let admin = primary.database("postgres");
    admin.db_execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await;
    admin.db_execute("SELECT pg_reload_conf()").await;
    let in_force = "SELECT application_name FROM pg_stat_replication WHERE sync_state = 'sync'";
    let both = async {
        let mut again = interval(Duration::from_millis(20));
        while admin.db_texts(in_force).await.is_empty() {
            again.tick().await;
        }
    };
    timeout(PATIENCE, both).await.expect("the standby should be synchronous");
}
