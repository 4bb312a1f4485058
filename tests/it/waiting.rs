//! `serve --wait`: a server that is started before its database, or beside `migrate`.

use identity_link::store::{Address, Store};
use rustix::process::Signal;
use serde_json::json;

use crate::{
    management::{got, starting_with},
    support::{
        child::{binary, config_file, run_command},
        cluster::{Database, cluster},
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_waits_for_its_schema_and_says_so() {
    let database = cluster().db_empty().await;
    let (mut child, management) = starting_with(&database, |toml| toml, &["--wait", "1h"]);

    let line = child.stderr_until(|line| line.contains(r#""message":"waiting for the database""#));
    assert!(line.contains("run `identity-link migrate` first"), "{line}");
    assert_eq!(got(management, "/readyz").await, (503, json!({"status": "starting"})));

    Store::migrate(&Address::parse(&database.url).unwrap()).await.unwrap();
    child.stderr_until(|line| line.contains(r#""message":"serving""#));
    assert_eq!(got(management, "/readyz").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_waits_for_a_database_that_is_not_there_yet() {
    let existing = cluster().db_empty().await;
    let database = Database { name: existing.name.clone(), url: format!("{}_later", existing.url) };
    // Without a time, it waits for a minute.
    let (mut child, _) = starting_with(&database, |toml| toml, &["--wait"]);
    child.stderr_until(|line| line.contains(r#""message":"waiting for the database""#));

    existing.db_execute(&format!("CREATE DATABASE {}_later", existing.name)).await;
    Store::migrate(&Address::parse(&database.url).unwrap()).await.unwrap();
    child.stderr_until(|line| line.contains(r#""message":"serving""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_waits_stops_on_a_signal() {
    let database = cluster().db_empty().await;
    let (mut child, _) = starting_with(&database, |toml| toml, &["--wait", "1h"]);
    child.stderr_until(|line| line.contains(r#""message":"waiting for the database""#));

    child.signal(Signal::TERM);

    assert_eq!(child.finish().code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_with_the_reason_and_does_not_begin_for_a_newer_schema() {
    let database = cluster().db_empty().await;
    let serve = |wait: &str| {
        let config = config_file(&database, |toml| toml);
        let ran =
            run_command(binary(&["serve", "--wait", wait, "--config", config.to_str().unwrap()]));
        (ran.code, ran.stderr.lines().last().unwrap().to_owned())
    };
    let (code, error) = serve("1ms");
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(error, @"identity-link: the database's schema is older than this binary: run `identity-link migrate` first (missing: 20261130000001, 20261201000001.expand, 20261201000002.expand, 20261201000003.expand, 20261201000004.expand, 20261201000005.expand, 20261201000006.expand, 20261201000007.expand, 20261201000008.expand, 20261202000009.expand, 20261202000010.expand, 20261202000011.expand, 20261203000012.expand, 20261204000013.expand)");

    Store::migrate(&Address::parse(&database.url).unwrap()).await.unwrap();
    database
        .db_execute("INSERT INTO __diesel_schema_migrations VALUES ('20990101000001.contract')")
        .await;
    let (code, error) = serve("1h");
    assert_eq!(code, Some(1));
    assert!(error.contains("newer than this binary"), "{error}");
}
