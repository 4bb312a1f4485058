//! The database ends, stands still, refuses writes, or ends connections, under load.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::sleep;

use super::{
    Extent,
    load::Load,
    probes::{Probed, SOON},
    seen::Connections,
};
use crate::support::{Races, cluster::Database, own_postgres::OwnPostgres};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_stops_and_starts_loses_no_acknowledged_change() {
    stop_and_start(Extent::Brief).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: `just faults`"]
async fn a_database_that_stops_and_starts_in_full() {
    stop_and_start(Extent::Full).await;
}

/// F03, F04: Postgres is stopped, in turns at once (`immediate`) and in order (`fast`), and started
/// again.
async fn stop_and_start(extent: Extent) {
    let rounds = extent.of(2, 20);
    let mut postgres = OwnPostgres::start("faults-stopped");
    let database = postgres.db_migrated("stopped").await;
    let (server, mut races) = (Probed::start(&database), Races::begin());
    let load = Load::start(&server.service(), Connections::Stay);
    let mut longest = Duration::ZERO;
    for round in 0..rounds {
        load.until_more_changes(races.number(10..=60)).await;
        postgres.end_by(if round % 2 == 0 { Signal::QUIT } else { Signal::INT });
        server.until(false).await;
        postgres.start_again();
        server.until(true).await;
        longest = longest.max(load.until_served().await);
    }
    load.db_end(&format!("Postgres stopped and started, {rounds} rounds"), longest, &database)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_stands_still_loses_no_acknowledged_change() {
    stand_still(Extent::Brief).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: `just faults`"]
async fn a_database_that_stands_still_in_full() {
    stand_still(Extent::Full).await;
}

/// F09: all processes of Postgres stand still (`SIGSTOP`), and go on.
async fn stand_still(extent: Extent) {
    let (rounds, time) =
        (extent.of(1, 5), extent.of(Duration::from_secs(2), Duration::from_secs(12)));
    let postgres = OwnPostgres::start("faults-halted");
    let database = postgres.db_migrated("halted").await;
    let (server, mut races) = (Probed::start(&database), Races::begin());
    let load = Load::start(&server.service(), Connections::Stay);
    let mut longest = Duration::ZERO;
    for _ in 0..rounds {
        load.until_more_changes(races.number(10..=60)).await;
        postgres.halt();
        let seen = async {
            if time > SOON {
                server.until(false).await;
            }
        };
        tokio::join!(sleep(time), seen);
        postgres.go_on();
        server.until(true).await;
        longest = longest.max(load.until_served().await);
    }
    let scenario = format!("Postgres stood still for {time:?}, {rounds} rounds");
    load.db_end(&scenario, longest, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_ended_lose_no_acknowledged_change() {
    end_connections(Extent::Brief).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: `just faults`"]
async fn connections_that_are_ended_in_full() {
    end_connections(Extent::Full).await;
}

/// Ends each connection to this database but its own.
async fn db_end_connections(database: &Database) {
    let end = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(!database.db_texts(end).await.is_empty());
}

/// F05, F07: an operator ends all connections of the server, again and again.
async fn end_connections(extent: Extent) {
    let rounds = extent.of(10, 300);
    let postgres = OwnPostgres::start("faults-ended");
    let database = postgres.db_migrated("ended").await;
    let (server, mut races) = (Probed::start(&database), Races::begin());
    let load = Load::start(&server.service(), Connections::Stay);
    let mut longest = Duration::ZERO;
    for _ in 0..rounds {
        load.until_more_changes(races.number(0..=20)).await;
        db_end_connections(&database).await;
        longest = longest.max(load.until_served().await);
    }
    server.until(true).await;
    let scenario = format!("pg_terminate_backend of all connections, {rounds} rounds");
    load.db_end(&scenario, longest, &database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_turns_read_only_loses_no_acknowledged_change() {
    turn_read_only(Extent::Brief).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: `just faults`"]
async fn a_database_that_turns_read_only_in_full() {
    turn_read_only(Extent::Full).await;
}

/// F15: each connection of the server ends, and the next ones refuse writes.
async fn turn_read_only(extent: Extent) {
    let rounds = extent.of(2, 30);
    let postgres = OwnPostgres::start("faults-read-only");
    let database = postgres.db_migrated("read_only").await;
    let (server, mut races) = (Probed::start(&database), Races::begin());
    let set = async |read_only: bool| {
        let set = "ALTER DATABASE read_only SET default_transaction_read_only";
        postgres.database("postgres").db_execute(&format!("{set} = {read_only}")).await;
        db_end_connections(&database).await;
    };
    let load = Load::start(&server.service(), Connections::Stay);
    let mut longest = Duration::ZERO;
    for _ in 0..rounds {
        load.until_more_changes(races.number(10..=60)).await;
        set(true).await;
        load.until_more_refusals(races.number(20..=40)).await;
        set(false).await;
        longest = longest.max(load.until_served().await);
    }
    server.until(true).await;
    load.db_end(&format!("Postgres read-only, {rounds} rounds"), longest, &database).await;
}
