//! What `migrate --status` shows, and which versions `migrate` takes.

use serde_json::{Value, json};

use super::{BASE, migrate, said};
use crate::support::{child::config_file, cluster::cluster};

#[tokio::test]
async fn an_operator_sees_which_migrations_have_run_and_changes_nothing() {
    let database = cluster().db_empty().await;
    let config = config_file(&database, |toml| toml);

    insta::assert_snapshot!(said(migrate(&config, &["--status"])), @r"
    0 version                kind    name               state
    20261130000001         -       base               pending
    20261201000001.expand  expand  import             pending
    20261201000002.expand  expand  events_of_no_user  pending
    20261201000003.expand  expand  link_plan          pending
    20261201000004.expand  expand  links_time         pending
    20261201000005.expand  expand  provider_moves     pending
    20261201000006.expand  expand  link_plan_index    pending
    20261201000007.expand  expand  import_runs_end    pending
    20261201000008.expand  expand  jobs               pending
    20261202000009.expand  expand  provider_tokens    pending
    20261202000010.expand  expand  attempt_scopes     pending
    20261202000011.expand  expand  provider_events    pending
    20261203000012.expand  expand  console            pending
    20261204000013.expand  expand  looks_time         pending
    the database's schema is older than this binary: run `identity-link migrate` first (missing: 20261130000001, 20261201000001.expand, 20261201000002.expand, 20261201000003.expand, 20261201000004.expand, 20261201000005.expand, 20261201000006.expand, 20261201000007.expand, 20261201000008.expand, 20261202000009.expand, 20261202000010.expand, 20261202000011.expand, 20261203000012.expand, 20261204000013.expand)
    ");
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(database.db_texts(tables).await, [""; 0]);

    insta::assert_snapshot!(said(migrate(&config, &[])), @"0 migrated: 20261130000001, 20261201000001.expand, 20261201000002.expand, 20261201000003.expand, 20261201000004.expand, 20261201000005.expand, 20261201000006.expand, 20261201000007.expand, 20261201000008.expand, 20261202000009.expand, 20261202000010.expand, 20261202000011.expand, 20261203000012.expand, 20261204000013.expand");
    insta::assert_snapshot!(said(migrate(&config, &[])), @"0 the schema is up to date");
    insta::assert_snapshot!(said(migrate(&config, &["--status"])), @r"
    0 version                kind    name               state
    20261130000001         -       base               applied
    20261201000001.expand  expand  import             applied
    20261201000002.expand  expand  events_of_no_user  applied
    20261201000003.expand  expand  link_plan          applied
    20261201000004.expand  expand  links_time         applied
    20261201000005.expand  expand  provider_moves     applied
    20261201000006.expand  expand  link_plan_index    applied
    20261201000007.expand  expand  import_runs_end    applied
    20261201000008.expand  expand  jobs               applied
    20261202000009.expand  expand  provider_tokens    applied
    20261202000010.expand  expand  attempt_scopes     applied
    20261202000011.expand  expand  provider_events    applied
    20261203000012.expand  expand  console            applied
    20261204000013.expand  expand  looks_time         applied
    this release serves on this schema
    ");
}

#[tokio::test]
async fn an_operator_sees_migrations_of_a_newer_release_and_whether_this_one_serves_beside_them() {
    let database = cluster().db_migrated().await;
    let config = config_file(&database, |toml| toml);
    let add = |version| format!("INSERT INTO __diesel_schema_migrations VALUES ('{version}')");

    database.db_execute(&add("20990101000001.expand")).await;
    insta::assert_snapshot!(said(migrate(&config, &["--status"])), @r"
    0 version                kind    name               state
    20261130000001         -       base               applied
    20261201000001.expand  expand  import             applied
    20261201000002.expand  expand  events_of_no_user  applied
    20261201000003.expand  expand  link_plan          applied
    20261201000004.expand  expand  links_time         applied
    20261201000005.expand  expand  provider_moves     applied
    20261201000006.expand  expand  link_plan_index    applied
    20261201000007.expand  expand  import_runs_end    applied
    20261201000008.expand  expand  jobs               applied
    20261202000009.expand  expand  provider_tokens    applied
    20261202000010.expand  expand  attempt_scopes     applied
    20261202000011.expand  expand  provider_events    applied
    20261203000012.expand  expand  console            applied
    20261204000013.expand  expand  looks_time         applied
    20990101000001.expand  expand  -                  applied, and unknown to this release
    this release serves on this schema
    ");
    insta::assert_snapshot!(said(migrate(&config, &[])), @"0 the schema is up to date");

    database.db_execute(&add("20990102000001.contract")).await;
    let shown: Value =
        serde_json::from_str(&migrate(&config, &["--status", "--json"]).stdout).unwrap();
    assert_eq!(
        shown["migrations"].as_array().unwrap().last().unwrap(),
        &json!({"version": "20990102000001.contract", "kind": "contract", "name": null, "applied": true, "known": false})
    );
    assert_eq!(shown["serves"], false);
    let refused = "the database's schema is newer than this binary: run the release that made it, or a later one (unknown: 20990102000001.contract)";
    assert_eq!(shown["reason"], refused);
    assert_eq!(said(migrate(&config, &[])), format!("1 identity-link: {refused}"));
}

#[tokio::test]
async fn to_takes_a_version_that_this_release_has() {
    let database = cluster().db_empty().await;
    let config = config_file(&database, |toml| toml);

    insta::assert_snapshot!(said(migrate(&config, &["--to", "20270101000001"])), @"64 identity-link: 20270101000001 is not a version of a migration: this release has 20261130000001, 20261201000001.expand, 20261201000002.expand, 20261201000003.expand, 20261201000004.expand, 20261201000005.expand, 20261201000006.expand, 20261201000007.expand, 20261201000008.expand, 20261202000009.expand, 20261202000010.expand, 20261202000011.expand, 20261203000012.expand, 20261204000013.expand");
    insta::assert_snapshot!(said(migrate(&config, &["--to", BASE])), @"0 migrated: 20261130000001, 20261201000001.expand, 20261201000002.expand, 20261201000003.expand, 20261201000004.expand, 20261201000005.expand, 20261201000006.expand, 20261201000007.expand, 20261201000008.expand, 20261202000009.expand, 20261202000010.expand, 20261202000011.expand, 20261203000012.expand, 20261204000013.expand");
    insta::assert_snapshot!(said(migrate(&config, &["--to", BASE])), @"0 the schema is up to date");

    database
        .db_execute("INSERT INTO __diesel_schema_migrations VALUES ('20990101000001.expand')")
        .await;
    insta::assert_snapshot!(said(migrate(&config, &["--to", BASE, "--yes"])), @"1 identity-link: this release cannot reverse what it does not know (20990101000001.expand): use the release that ran it");
}
