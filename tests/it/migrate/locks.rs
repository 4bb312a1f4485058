//! `migrate` holds up neither calls nor another `migrate`.

use std::time::Duration;

use identity_link::store::{MigrateError, Target};
use tokio_util::sync::CancellationToken;

use super::{later_with, migrate, said};
use crate::support::{
    child::{Running, binary, config_file},
    cluster::cluster,
    *,
};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_once_the_second_waits_for_the_first() {
    let database = cluster().db_empty().await;
    let config = config_file(&database, |toml| toml);
    let start = || {
        let arguments = ["migrate", "--lock-timeout", "1h", "--config", config.to_str().unwrap()];
        Running::start(binary(&arguments))
    };
    // The migration creates this table among the last, and waits for its name.
    let held = database.db_hold_statement("CREATE TABLE event_floors ()").await;
    let first = start();
    database.db_until_waiting(1).await;
    let mut second = start();
    second.stderr_until(|line| line.contains("another `migrate` is at work"));

    drop(held);

    assert_eq!(
        said(first.finish()),
        "0 migrated: 20261130000001, 20261201000001.expand, 20261201000002.expand, 20261201000003.expand, 20261201000004.expand, 20261201000005.expand, 20261201000006.expand, 20261201000007.expand, 20261201000008.expand, 20261202000009.expand, 20261202000010.expand, 20261202000011.expand, 20261203000012.expand, 20261204000013.expand"
    );
    let second = second.finish();
    assert_eq!((second.code, second.stdout.as_str()), (Some(0), "the schema is up to date"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_gets_no_lock_is_rolled_back_and_says_why() {
    let database = cluster().db_empty().await;
    let config = config_file(&database, |toml| toml);
    let held = database.db_hold_statement("CREATE TABLE event_floors ()").await;

    insta::assert_snapshot!(said(migrate(&config, &["--lock-timeout", "5ms"])), @"1 identity-link: 20261130000001 did not get its locks within 5ms, 10 times, and was rolled back: find the long transaction in pg_stat_activity, and run it again when that has ended");
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = 'users'";
    assert_eq!(database.db_texts(tables).await, [""; 0]);

    drop(held);
    database.db_until_alone().await;
    assert_eq!(
        said(migrate(&config, &[])),
        "0 migrated: 20261130000001, 20261201000001.expand, 20261201000002.expand, 20261201000003.expand, 20261201000004.expand, 20261201000005.expand, 20261201000006.expand, 20261201000007.expand, 20261201000008.expand, 20261202000009.expand, 20261202000010.expand, 20261202000011.expand, 20261203000012.expand, 20261204000013.expand"
    );
    insta::assert_snapshot!(migrate(&config, &["--lock-timeout", "0s"]).stderr.lines().next().unwrap(), @"error: invalid value '0s' for '--lock-timeout <TIME>': must be from 1ms to 1h");
}

/// F28: a long transaction has read users, and a migration wants to change that table. Calls that came
/// after the migration would wait behind it for as long as the transaction is open.
#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_while_a_migration_gets_no_lock() {
    let server = TestServer::start().await;
    let user = server.service().create("github", "1").await;
    let _held = server.database.db_hold_statement("SELECT FROM users").await;
    let end = CancellationToken::new();
    let calls = tokio::spawn({
        let (service, end) = (server.service(), end.clone());
        async move {
            let mut count = 0;
            while !end.is_cancelled() {
                service.user(&user.id).await;
                count += 1;
            }
            count
        }
    });

    let wait = Duration::from_millis(50);
    let refused = later_with(&server.database, Target::Rollout, false, wait).await.unwrap_err();

    end.cancel();
    assert!(matches!(&refused, MigrateError::Locked { .. }), "{refused}");
    assert!(refused.to_string().starts_with("20990101000001.expand did not"), "{refused}");
    // At least one in each of the pauses.
    assert!(calls.await.unwrap() >= 10);
    server.service().create("github", "2").await;
}
