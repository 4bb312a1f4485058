//! The schema: migrations, and what `serve` does with a wrong one.

use std::{collections::BTreeSet, fs, path::Path};

use identity_link::{
    config::Config,
    grpc::proto::DeleteUserRequest,
    server::serve,
    store::{Address, Store},
};
use rustix::process::Signal;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::{
    TestServer,
    child::{Running, binary, config_file},
    cluster::{Database, cluster},
    identities, link_user,
    server::config_toml,
    tokens::iss,
    unlink,
};

/// The condition for this project's tables, which leaves out diesel's own.
const OURS: &str = "n.nspname = 'public' AND c.relname <> '__diesel_schema_migrations'";

/// The text of `up.sql` or `down.sql` of every migration, in order.
fn migrations(file: &str) -> Vec<String> {
    let folders = fs::read_dir("migrations").unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = folders.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders.iter().map(|folder| fs::read_to_string(folder.join(file)).unwrap()).collect()
}

/// `table (key)` and `table.column Type` of every table in `src/store/schema.rs`.
fn in_source() -> Vec<String> {
    let source = fs::read_to_string("src/store/schema.rs").unwrap();
    let mut lines = Vec::new();
    for table in source.split("diesel::table! {").skip(1) {
        let (head, columns) = table.split_once('{').unwrap();
        let name = head.split_whitespace().next().unwrap();
        lines.push(head.trim().to_owned());
        let columns = columns.split_once('}').unwrap().0.split_terminator(',').map(str::trim);
        let columns = columns.filter_map(|column| column.split_once(" -> "));
        lines.extend(columns.map(|(column, kind)| format!("{name}.{column} {kind}")));
    }
    lines.sort();
    lines
}

/// The same lines from the database.
async fn db_columns(database: &Database) -> Vec<String> {
    let keys = format!(
        "SELECT c.relname || ' (' || string_agg(a.attname, ', ' ORDER BY k.position) || ')' \
         FROM pg_constraint p JOIN pg_class c ON c.oid = p.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace, \
              unnest(p.conkey) WITH ORDINALITY AS k(attnum, position) \
              JOIN pg_attribute a ON a.attnum = k.attnum \
         WHERE a.attrelid = c.oid AND p.contype = 'p' AND {OURS} GROUP BY c.relname"
    );
    let columns = "SELECT concat(table_name, '.', column_name, ' ', \
            CASE is_nullable WHEN 'YES' THEN 'Nullable<' || type || '>' ELSE type END) \
         FROM information_schema.columns, LATERAL (SELECT CASE data_type \
            WHEN 'text' THEN 'Text' WHEN 'bigint' THEN 'BigInt' WHEN 'integer' THEN 'Integer' WHEN 'smallint' THEN 'SmallInt' \
            WHEN 'boolean' THEN 'Bool' WHEN 'jsonb' THEN 'Jsonb' WHEN 'uuid' THEN 'Uuid' WHEN 'bytea' THEN 'Binary' \
            WHEN 'timestamp with time zone' THEN 'Timestamptz' WHEN 'ARRAY' THEN CASE udt_name WHEN '_uuid' THEN 'Array<Uuid>' WHEN '_int8' THEN 'Array<BigInt>' ELSE 'Array<Text>' END ELSE data_type END) AS t(type) \
         WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations' AND is_generated = 'NEVER'";
    let mut lines = database.db_texts(&format!("{keys} UNION ALL {columns}")).await;
    lines.sort();
    lines
}

/// Everything that the migrations create, as text.
pub(crate) async fn db_objects(database: &Database) -> Vec<String> {
    let mut objects = database
        .db_texts(
            "SELECT 'relation ' || c.oid::regclass || ' ' || coalesce(pg_get_indexdef(i.indexrelid), '') \
             FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace \
             UNION ALL SELECT concat('column ', table_name, '.', column_name, ' ', data_type, ' ', is_nullable, ' ', \
                 column_default, generation_expression) FROM information_schema.columns WHERE table_schema = 'public' \
             UNION ALL SELECT concat('constraint ', conrelid::regclass, ' ', conname, ' ', pg_get_constraintdef(oid)) \
                 FROM pg_constraint WHERE connamespace = 'public'::regnamespace \
             UNION ALL SELECT 'function ' || oid::regprocedure FROM pg_proc WHERE pronamespace = 'public'::regnamespace \
             UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typnamespace = 'public'::regnamespace",
        )
        .await;
    objects.sort();
    objects
}

#[tokio::test]
async fn the_schema_in_the_source_is_the_one_in_the_database() {
    let database = cluster().db_migrated().await;

    assert_eq!(in_source(), db_columns(&database).await);
}

#[tokio::test]
async fn every_table_begins_with_its_tenant_and_says_what_it_is_for() {
    let database = cluster().db_migrated().await;
    let tables = format!(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND {OURS}"
    );
    assert_eq!(database.db_texts(&tables).await.len(), 23);

    let without_comment = format!("{tables} AND obj_description(c.oid, 'pg_class') IS NULL");
    assert_eq!(database.db_texts(&without_comment).await, [""; 0]);

    // The same holds for unique indexes and foreign keys, so that the schema can be distributed by
    // tenant.
    let keys_elsewhere = "SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace \
         AND conrelid::regclass::text <> '__diesel_schema_migrations' AND contype IN ('p', 'u', 'f') \
         AND (SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1]) <> 'tenant_id'";
    // Epochs belong to the database.
    assert_eq!(database.db_texts(keys_elsewhere).await, ["epochs_pkey"]);
    // GIN takes no plain text beside the array.
    let indexes_elsewhere = "SELECT indexrelid::regclass::text FROM pg_index \
         JOIN pg_class c ON c.oid = indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_class i ON i.oid = indexrelid JOIN pg_am m ON m.oid = i.relam AND m.amname = 'btree' \
         WHERE (SELECT attname FROM pg_attribute WHERE attrelid = indrelid AND attnum = indkey[0]) <> 'tenant_id'";
    // One reader follows all tenants.
    let mut elsewhere = database.db_texts(&format!("{indexes_elsewhere} AND {OURS}")).await;
    elsewhere.sort();
    assert_eq!(elsewhere, ["epochs_pkey", "events_feed"]);
}

#[tokio::test]
async fn every_constraint_is_named_in_a_migration_and_foreign_keys_are_judged_at_commit() {
    let database = cluster().db_migrated().await;
    let up = migrations("up.sql").concat();
    let after = |text: &str| {
        text.split_whitespace().next().unwrap().trim_end_matches([',', ';']).to_owned()
    };
    let named: BTreeSet<String> = up.split("CONSTRAINT ").skip(1).map(after).collect();

    // NOT NULL is a constraint since Postgres 18, and its column names it.
    let constraints = "SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace \
         AND conrelid::regclass::text <> '__diesel_schema_migrations' AND contype <> 'n'";
    assert_eq!(BTreeSet::from_iter(database.db_texts(constraints).await), named);

    let judged_early = "SELECT conname FROM pg_constraint WHERE contype = 'f' AND NOT (condeferrable AND condeferred)";
    assert_eq!(database.db_texts(judged_early).await, [""; 0]);
    assert_eq!(
        database.db_texts("SELECT conname FROM pg_constraint WHERE contype = 'f'").await.len(),
        4
    );
}

#[tokio::test]
async fn every_migration_can_be_reverted() {
    let database = cluster().db_empty().await;
    let mut before = Vec::new();
    for up in migrations("up.sql") {
        before.push(db_objects(&database).await);
        database.db_execute(&up).await;
        assert_ne!(Some(&db_objects(&database).await), before.last());
    }

    for (down, before) in migrations("down.sql").iter().zip(before).rev() {
        database.db_execute(down).await;
        assert_eq!(db_objects(&database).await, before);
    }

    assert_eq!(db_objects(&database).await, [""; 0]);
}

/// F28: `migrate` is killed while a migration, which has created some tables, waits for another
/// transaction.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_migration_leaves_nothing_behind_and_is_run_again() {
    let database = cluster().db_migrated().await;
    let whole = db_objects(&database).await;
    for down in migrations("down.sql").iter().rev() {
        database.db_execute(down).await;
    }
    database.db_execute("DELETE FROM __diesel_schema_migrations").await;
    let before = db_objects(&database).await;
    // The migration creates this table among the last, and waits for its name.
    let held = database.db_hold_statement("CREATE TABLE event_floors ()").await;
    let config = config_file(&database, |toml| toml);
    let migrate = Running::start(binary(&["migrate", "--config", config.to_str().unwrap()]));
    database.db_until_waiting(1).await;

    migrate.signal(Signal::KILL);
    assert_eq!(migrate.finish().code, None);
    // Its transaction ends with the connection, and creates nothing.
    drop(held);
    database.db_until_alone().await;

    assert_eq!(db_objects(&database).await, before);
    Store::migrate(&Address::parse(&database.url).unwrap()).await.unwrap();
    assert_eq!(db_objects(&database).await, whole);
}

/// The error with which the server refuses to start on this database.
async fn refused_start(database: &Database, change: impl FnOnce(String) -> String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let toml = change(config_toml(listener.local_addr().unwrap(), &database.url));
    let config = Config::parse(&toml, Path::new("."), []).unwrap();
    serve(config, listener, CancellationToken::new()).await.unwrap_err().to_string()
}

#[tokio::test]
async fn an_older_schema_is_refused_and_the_error_names_migrate() {
    let database = cluster().db_empty().await;
    let empty = refused_start(&database, |toml| toml).await;
    insta::assert_snapshot!(empty, @"the database's schema is older than this binary: run `identity-link migrate` first (missing: 20261130000001, 20261201000001.expand, 20261201000002.expand, 20261201000003.expand, 20261201000004.expand, 20261201000005.expand, 20261201000006.expand, 20261201000007.expand, 20261201000008.expand, 20261202000009.expand, 20261202000010.expand, 20261202000011.expand, 20261203000012.expand, 20261204000013.expand)");
    assert_eq!(db_objects(&database).await, [""; 0], "the refused start should create nothing");

    let database = cluster().db_migrated().await;
    database
        .db_execute("DELETE FROM __diesel_schema_migrations WHERE version = '20261130000001'")
        .await;
    insta::assert_snapshot!(refused_start(&database, |toml| toml).await, @"the database's schema is older than this binary: run `identity-link migrate` first (missing: 20261130000001)");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_the_error_names_a_later_release() {
    let database = cluster().db_migrated().await;
    database
        .db_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')")
        .await;

    insta::assert_snapshot!(refused_start(&database, |toml| toml).await, @"the database's schema is newer than this binary: run the release that made it, or a later one (unknown: 20990101000000)");
}

#[tokio::test]
async fn a_provider_does_not_change_its_issuer() {
    let database = cluster().db_migrated().await;
    let server = TestServer::start_on(database.clone()).await;
    server.service().create("github", "1").await;

    let other = refused_start(&database, |toml| {
        toml.replace(&iss("github"), "https://elsewhere.example.com")
    })
    .await;
    insta::assert_snapshot!(other, @"
    tenant default: provider github is configured with issuer https://elsewhere.example.com, but its identities came from https://github.example.com: subjects of another issuer are other people. Give the new issuer a provider name of its own. If it is the same provider under another URL, `identity-link provider move` moves it
    tenant joined: provider github is configured with issuer https://elsewhere.example.com, but its identities came from https://github.example.com: subjects of another issuer are other people. Give the new issuer a provider name of its own. If it is the same provider under another URL, `identity-link provider move` moves it
    tenant other: provider github is configured with issuer https://elsewhere.example.com, but its identities came from https://github.example.com: subjects of another issuer are other people. Give the new issuer a provider name of its own. If it is the same provider under another URL, `identity-link provider move` moves it
    ");

    // The refused issuer was not pinned, so the one that was pinned is still accepted.
    TestServer::start_on(database).await.service().create("github", "2").await;
}

#[tokio::test]
async fn to_serve_the_database_role_needs_to_read_and_write_rows_and_no_more() {
    let database = cluster().db_migrated().await;
    database
        .db_execute(
            "DROP ROLE IF EXISTS rows_only; CREATE ROLE rows_only; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO rows_only",
        )
        .await;
    let url = format!("{}?options=-c%20role%3Drows_only", database.url);
    let limited = Database { name: database.name, url };
    assert_eq!(limited.db_texts("SELECT current_user::text").await, ["rows_only"]);
    let server = TestServer::start_on(limited).await;
    let service = server.service();
    let primary = service.create("google-oauth2", "1").await;
    let secondary = service.create("github", "2").await;

    service.link(link_user(&primary.id, &secondary.id)).await.unwrap();
    service.unlink(unlink(&primary.id, "github", "2")).await.unwrap();
    let delete = DeleteUserRequest { user_id: secondary.id, ..Default::default() };
    service.delete_user(delete).await.unwrap();
    assert_eq!(identities(&service.user(&primary.id).await), ["google-oauth2|1"]);
}
