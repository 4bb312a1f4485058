//! `identity-link purge` removes what is kept no longer, in small steps.

use std::{
    fs::{File, OpenOptions},
    io::Read as _,
    process::{Command, Stdio},
    time::Duration,
};

use identity_link::grpc::proto as pb;
use rustix::{
    process::Signal,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};
use serde_json::json as value;
use tokio::time::timeout;

use super::{
    management::serving,
    metrics::{scraped, series},
};
use crate::support::{
    child::{Ran, Running, binary, config_file, run_command},
    cluster::{Database, cluster},
    *,
};

/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// `purge` on this database.
fn purge(database: &Database, arguments: &[&str]) -> Command {
    let file = config_file(database, |toml| toml);
    binary(&[&["purge", "--config", file.to_str().unwrap()], arguments].concat())
}

/// What `purge` says that it has removed.
pub(crate) fn purged(database: &Database) -> String {
    run_command(purge(database, &[])).stdout
}

/// Undoes a link with this choice for the metadata. Returns the ids of the secondary user and of
/// the link.
async fn undone(
    server: &TestServer,
    name: &str,
    metadata: pb::UnlinkMetadata,
    by_person: bool,
) -> (String, String) {
    let service = server.service();
    let primary = service.create("google-oauth2", name).await.id;
    let fill =
        |request: &mut pb::CreateUserRequest| request.app_metadata = object(value!({"of": name}));
    let secondary = service.create_with("github", name, fill).await.id;
    let link = service.link(link_user(&primary, &secondary)).await.unwrap().link.unwrap().id;
    let undo = pb::UndoLinkRequest {
        link_id: link.clone(),
        metadata: metadata.into(),
        ..Default::default()
    };
    let caller = if by_person { &server.person("google-oauth2", name) } else { &service };
    caller.undo_link(undo).await.unwrap();
    (secondary, link)
}

async fn brought_back(server: &TestServer, (user_id, link): (String, String)) -> String {
    let merge = pb::MergeMetadataRequest {
        user_id,
        source: Some(pb::merge_metadata_request::Source::LinkId(link)),
        app_metadata: merge_default(),
        ..Default::default()
    };
    changes(&server.service().merge_metadata(merge).await.unwrap().metadata_changes)
}

/// Stores this many expired responses.
async fn db_expired_answers(database: &Database, count: usize) {
    database
        .db_execute(&format!(
            "INSERT INTO request_ids (tenant_id, rpc, caller_kind, issuer, subject, request_id, fingerprint, answer, \
               concerned, expire_time) \
             SELECT 'other', 'UpdateUser', 'service', 'i', 's', gen_random_uuid(), sha256('r'), '', '{{}}', \
               now() - interval '1 second' * n FROM generate_series(1, {count}) n"
        ))
        .await;
}

/// Stores three tickets and three attempts, of which two each have expired.
async fn db_tickets_and_attempts(database: &Database) {
    database
        .db_execute(
            "INSERT INTO sign_in_attempts (tenant_id, state_hash, secret_hash, provider, nonce, pkce_verifier, redirect_uri, \
               expire_time) \
             SELECT 'default', sha256(n::text::bytea), sha256('s'), 'github', 'n', 'v', 'https://www.example.com/', \
               now() + interval '1 minute' * (2 * n - 5) FROM generate_series(1, 3) n; \
             INSERT INTO sign_in_tickets (tenant_id, hash, provider, subject, account, candidate_ids, candidate_versions, \
               issue_time, expire_time) \
             SELECT 'default', sha256(n::text::bytea), 'github', n::text, '{}', '{}', '{}', now(), \
               now() + interval '1 minute' * (2 * n - 5) FROM generate_series(1, 3) n",
        )
        .await;
}

/// Stores the progress of four imports: one that ended long ago, one of another tenant, one that
/// ended lately, and one that began long ago and has not ended.
async fn db_imports(database: &Database) {
    database
        .db_execute(
            "INSERT INTO import_runs (tenant_id, id, rows, created, present, skipped, refused, report_bytes, ids_bytes, \
               begin_time, update_time, end_time) \
             SELECT tenant, gen_random_uuid(), n, n, 0, 0, 0, 0, 0, now() - days, now() - days, \
               CASE WHEN n < 4 THEN now() - days END \
             FROM (VALUES ('default', 1, interval '31 days'), ('other', 2, interval '31 days'), \
               ('default', 3, interval '29 days'), ('default', 4, interval '31 days')) runs(tenant, n, days)",
        )
        .await;
}

async fn db_answers(database: &Database) -> usize {
    database.db_texts("SELECT rpc FROM request_ids").await.len()
}

#[tokio::test]
async fn what_has_expired_is_removed_and_the_rest_stays() {
    use pb::UnlinkMetadata::{Discard, Unspecified};
    let server = TestServer::start().await;
    let old = undone(&server, "old", Discard, false).await;
    let withheld = undone(&server, "withheld", Unspecified, true).await;
    let earlier = "UPDATE links SET undo_time = now() - interval '31 days', link_time = now() - interval '32 days', \
        discard_time = discard_time - interval '31 days'";
    server.database.db_execute(earlier).await;
    let young = undone(&server, "young", Discard, false).await;
    let request_id = uuid::Uuid::new_v4().to_string();
    server
        .service()
        .update_user(pb::UpdateUserRequest { request_id, ..block(&old.0, false) })
        .await
        .unwrap();
    // The server is stopped, so that its sweep removes nothing first.
    server.shutdown.cancel();
    server.database.db_until_alone().await;
    db_expired_answers(&server.database, 2500).await;
    db_tickets_and_attempts(&server.database).await;
    let interrupted = "INSERT INTO erasures VALUES \
        ('default', gen_random_uuid(), '{usr_gone}', '{}', ARRAY[gen_random_uuid()], now())";
    server.database.db_execute(interrupted).await;

    let ran = run_command(purge(&server.database, &[]));

    let stdout = "default: removed 0 expired responses, 2 expired tickets, 2 expired attempts to sign in, 0 expired event tokens, 0 expired rows of the console, 0 rows of forgotten jobs, the discarded metadata of 1 links, 0 old events, the progress of 0 ended imports, and 2 rows that deletions had left\n\
        joined: removed 0 expired responses, 0 expired tickets, 0 expired attempts to sign in, 0 expired event tokens, 0 expired rows of the console, 0 rows of forgotten jobs, the discarded metadata of 0 links, 0 old events, the progress of 0 ended imports, and 0 rows that deletions had left\n\
        other: removed 2500 expired responses, 0 expired tickets, 0 expired attempts to sign in, 0 expired event tokens, 0 expired rows of the console, 0 rows of forgotten jobs, the discarded metadata of 0 links, 0 old events, the progress of 0 ended imports, and 0 rows that deletions had left";
    assert_eq!(ran, Ran { code: Some(0), stdout: stdout.to_owned(), stderr: String::new() });
    assert_eq!(db_answers(&server.database).await, 1);
    assert_eq!(server.database.db_texts("SELECT subject FROM sign_in_tickets").await, ["3"]);
    assert_eq!(server.database.db_texts("SELECT nonce FROM sign_in_attempts").await, ["n"]);
    let server = TestServer::start_on(server.database.clone()).await;
    let of_old = format!("SELECT withheld::text FROM links WHERE id = '{}'", old.1);
    assert_eq!(server.database.db_texts(&of_old).await, ["{}"]);
    assert_eq!(brought_back(&server, old).await, "");
    assert_eq!(brought_back(&server, withheld).await, "APP /of ADDED");
    assert_eq!(brought_back(&server, young.clone()).await, "APP /of ADDED");
    server.database.db_assert_invariants().await;

    let ran = run_command(purge(&server.database, &["--keep-discarded", "0s"]));
    let first = ran.stdout.lines().next().unwrap();
    assert!(first.contains("the discarded metadata of 1 links"), "{first}");
    let of_young = format!("SELECT withheld::text FROM links WHERE id = '{}'", young.1);
    assert_eq!(server.database.db_texts(&of_young).await, ["{}"]);
}

#[tokio::test]
async fn an_import_that_ended_is_forgotten_after_thirty_days() {
    let database = cluster().db_migrated().await;
    db_imports(&database).await;

    let ran = run_command(purge(&database, &[]));

    assert_eq!(ran.stdout.matches("the progress of 1 ended imports").count(), 2, "{}", ran.stdout);
    let left = database.db_texts("SELECT created::text FROM import_runs ORDER BY created").await;
    assert_eq!(left, ["3", "4"], "what ended lately, and what can continue");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_server_forgets_imports_that_ended_long_ago() {
    let database = cluster().db_migrated().await;
    db_imports(&database).await;

    let (_child, management, _) = serving(&database, |toml| toml);
    let swept = async {
        loop {
            let (_, text) = scraped(management, "*/*").await;
            let series = series(&text);
            if series["identity_link_last_sweep_timestamp_seconds"] > 0.0 {
                break series["identity_link_swept_rows_total{what=\"ended_imports\"}"];
            }
        }
    };

    // The server has three tenants, and sweeps each of them.
    assert_eq!(timeout(PATIENCE, swept).await.unwrap(), 2.0);
    let left = database.db_texts("SELECT created::text FROM import_runs ORDER BY created").await;
    assert_eq!(left, ["3", "4"]);
}

/// `purge` ends before it could be scraped: the servers show what it left.
#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_of_a_server_show_how_old_the_oldest_discarded_metadata_is() {
    let server = TestServer::start().await;
    undone(&server, "old", pb::UnlinkMetadata::Discard, false).await;
    undone(&server, "young", pb::UnlinkMetadata::Discard, false).await;
    let database = server.database.clone();
    let earlier = "UPDATE links SET undo_time = now() - interval '31 days', link_time = now() - interval '32 days', \
        discard_time = discard_time - interval '31 days' WHERE id = (SELECT min(id::text)::uuid FROM links)";
    database.db_execute(earlier).await;
    let oldest = "SELECT floor(extract(epoch FROM min(discard_time)))::bigint::text FROM links";
    let oldest: f64 = database.db_texts(oldest).await[0].parse().unwrap();
    let shown = async |tenant: &str| {
        let (_child, management, _) = serving(&database, |toml| toml);
        let swept = async {
            loop {
                let (_, text) = scraped(management, "*/*").await;
                let series = series(&text);
                if series["identity_link_last_sweep_timestamp_seconds"] > 0.0 {
                    let name = format!(
                        "identity_link_oldest_discarded_metadata_timestamp_seconds{{tenant=\"{tenant}\"}}"
                    );
                    break series.get(name.as_str()).copied();
                }
            }
        };
        timeout(PATIENCE, swept).await.unwrap()
    };

    assert_eq!(shown("default").await, Some(oldest));
    assert_eq!(shown("other").await, None);
    run_command(purge(&database, &["--keep-discarded", "0s"]));
    assert_eq!(shown("default").await, None);
}

#[tokio::test]
async fn it_stops_between_two_steps_and_reports_what_is_done() {
    const MANY: usize = 30_000;
    let database = cluster().db_migrated().await;
    db_expired_answers(&database, MANY).await;
    let held = database.db_hold_table("request_ids").await;
    let running = Running::start(purge(&database, &[]));
    database.db_until_waiting(1).await;

    running.signal(Signal::INT);
    held.db_release().await;

    let Ran { code, stdout, stderr } = running.finish();
    assert_eq!(
        (code, stderr.as_str()),
        (Some(130), "identity-link: stopped before the end: run it again for the rest")
    );
    let left = db_answers(&database).await;
    assert!(left > 0 && left.is_multiple_of(1000), "{left}");
    let said = format!("other: removed {} expired responses", MANY - left);
    assert!(stdout.contains(&said), "{stdout}");
}

/// Runs a command whose stderr is a terminal. Returns what it wrote to stdout, and what the terminal
/// showed.
pub(crate) fn on_a_terminal(mut command: Command) -> (String, String) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let end = OpenOptions::new().read(true).write(true).open(name).unwrap();

    command.env("TERM", "xterm").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(end);
    let child = command.spawn().unwrap();
    // The child now has the only handle of its end of the terminal.
    drop(command);
    let mut shown = Vec::new();
    // This ends with an error after the other end is closed.
    let _ = File::from(terminal).read_to_end(&mut shown);

    let ran = child.wait_with_output().unwrap();
    assert!(ran.status.success());
    (String::from_utf8(ran.stdout).unwrap(), String::from_utf8_lossy(&shown).into_owned())
}

#[tokio::test]
async fn a_terminal_shows_the_progress() {
    let database = cluster().db_migrated().await;
    db_expired_answers(&database, 1500).await;

    let (stdout, shown) = on_a_terminal(purge(&database, &[]));

    assert!(shown.contains("purging ") && shown.contains(" 0 of 1500"), "{shown:?}");
    assert!(stdout.contains("removed 1500 expired responses"));
}

#[tokio::test]
async fn the_reason_why_it_cannot_purge_is_reported() {
    let database = cluster().db_migrated().await;
    let said = |command| {
        let Ran { code, stdout, stderr } = run_command(command);
        assert_eq!(stdout, "");
        format!("{} {}", code.unwrap(), stderr.lines().next().unwrap())
    };

    insta::assert_snapshot!(said(purge(&database, &["--keep-discarded", "long"])), @"2 error: invalid value 'long' for '--keep-discarded <TIME>': must be a time such as 30s, 10m or 1h");
    insta::assert_snapshot!(said(purge(&database, &["--keep-discarded", "290000years"])), @"64 identity-link: --keep-discarded: is too long ago");
    insta::assert_snapshot!(said(binary(&["purge", "--config", "/nowhere/config.toml"])), @"64 identity-link: /nowhere/config.toml:");
    database.db_execute("DROP TABLE erasures; DELETE FROM __diesel_schema_migrations").await;
    insta::assert_snapshot!(said(purge(&database, &[])), @"1 identity-link: the database's schema is older than this binary: run `identity-link migrate` first (missing: 20261130000001, 20261201000001.expand, 20261201000002.expand, 20261201000003.expand, 20261201000004.expand, 20261201000005.expand, 20261201000006.expand, 20261201000007.expand, 20261201000008.expand, 20261202000009.expand, 20261202000010.expand, 20261202000011.expand, 20261203000012.expand, 20261204000013.expand)");
}
