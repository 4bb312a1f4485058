//! A base backup and the log since: a cluster is recovered up to a time.

use std::{path::Path, time::Duration};

use identity_link::clock;
use tokio::time::timeout;

use super::*;
use crate::{docs::pages::Page, support::own_postgres::OwnPostgres};

/// The settings of the page, with this archive and this time.
fn settings(archive: &Path, time: &str) -> Vec<(String, String)> {
    let blocks = Page::read("docs/how-to/back-up.md").blocks_in("ini");
    let [block] = blocks.as_slice() else { panic!("{blocks:?}") };
    let block = [
        ("/var/lib/postgresql/archive", archive.to_str().unwrap()),
        ("2026-12-01 02:58:00+00", time),
    ]
    .into_iter()
    .fold(block.clone(), |block, (name, here)| {
        assert!(block.contains(name), "{name}");
        block.replace(name, here)
    });
    let setting = |line: &str| {
        let (name, value) = line.split_once(" = ").unwrap();
        (name.to_owned(), value.trim_matches('\'').to_owned())
    };
    block.lines().map(setting).collect()
}

/// F33: a recovered cluster may give transaction ids again, so an epoch begins.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_recovered_to_a_point_in_time_as_the_page_says() {
    const NAME: &str = "recovered";
    let first = OwnPostgres::start("restore-1");
    let damaged = first.db_migrated(NAME).await;
    let backup = first.db_base_backup("restore-2", &[], Some("recovery.signal")).await;
    let operator = Operator::new(&damaged, &damaged).await;
    let server = TestServer::start_on(damaged).await;
    let mut time = String::new();
    let tenant = Tenant::backed_up(&server, &operator, || time = clock::now().to_rfc3339()).await;
    let log = first.log_dir();
    drop((server, first));

    let second = OwnPostgres::start_with(backup, settings(&log, &time));
    let restored = second.database(NAME);
    let recovered = async {
        let in_recovery = "SELECT 'yes' WHERE pg_is_in_recovery()";
        while !restored.db_texts(in_recovery).await.is_empty() {}
    };
    timeout(Duration::from_secs(60), recovered).await.expect("the recovery should end");

    let server = TestServer::start_on(restored.clone()).await;
    tenant.is_as_before(&server).await;
    tenant.is_followed_from_before(&server.service()).await;
    assert_eq!(db_epochs(&restored).await, 2);
}
