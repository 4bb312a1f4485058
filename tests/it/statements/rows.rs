//! How many rows a call reads. That includes reads for the deferred keys that are judged at its
//! commit, which no plan of its statements shows.

use identity_link::grpc::proto as pb;

use super::plans::people;
use crate::support::{
    cluster::{Database, cluster},
    tokens::Token,
    *,
};

/// So many users that a call that reads a whole table would stand out.
const MANY: &str = people!("30000");
/// How many rows a call may read from all tables and indexes together, including the start of a
/// server: a tenth of one scan of all users.
const FEW: i64 = 3000;

/// How many rows of each table all connections have read so far, from the table itself and by its
/// indexes.
async fn db_rows_read(database: &Database) -> Vec<(String, i64)> {
    const READ: &str = "SELECT relname || '=' || seq_tup_read + coalesce(idx_tup_fetch, 0) + coalesce((SELECT \
          sum(idx_tup_read)::bigint FROM pg_stat_user_indexes i WHERE i.relid = t.relid), 0) \
        FROM pg_stat_user_tables t ORDER BY relname";
    let counts = database.db_texts(READ).await;
    let count = |line: &String| {
        let (table, count) = line.split_once('=').unwrap();
        (table.to_owned(), count.parse().unwrap())
    };
    counts.iter().map(count).collect()
}

/// How many rows of which tables are read by a call and by the start of its own server. Postgres
/// counts what a connection has read after the connection has ended.
async fn db_rows_read_by(
    database: &Database,
    call: impl AsyncFnOnce(&TestServer),
) -> Vec<(String, i64)> {
    database.db_until_alone().await;
    let before = db_rows_read(database).await;
    // The provider of these users is declared, so that the start of a server does not count them.
    let declared = |toml: String| toml + "[tenants.default.providers.crowd]\n";
    let server = TestServer::start_with(database.clone(), declared).await;
    call(&server).await;
    server.shutdown.cancel();
    database.db_until_alone().await;
    let after = db_rows_read(database).await;
    let read =
        after.into_iter().zip(before).map(|((table, after), (_, before))| (table, after - before));
    read.filter(|(_, rows)| *rows > 0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_and_its_end_read_few_rows_however_many_users_there_are() {
    let database = cluster().db_migrated().await;
    database.db_execute(&format!("{MANY}; ANALYZE")).await;
    let mut read = Vec::new();
    let mut expect_few = |what: &str, rows: Vec<(String, i64)>| {
        let sum: i64 = rows.iter().map(|(_, rows)| rows).sum();
        assert!(
            rows.iter().any(|(table, _)| table == "users"),
            "{what}: the rows read are not seen: {rows:?}"
        );
        read.push((what.to_owned(), sum, rows));
    };

    let rows = db_rows_read_by(&database, async |server| {
        server.service().create("google-oauth2", "g").await;
        server.service().create("github", "h").await;
    })
    .await;
    expect_few("CreateUser", rows);
    let rows = db_rows_read_by(&database, async |server| {
        let person = server.person("google-oauth2", "g");
        person.link(link_with(&Token::of("github", "h").sign())).await.unwrap();
    })
    .await;
    expect_few("Link", rows);
    let rows = db_rows_read_by(&database, async |server| {
        server.person("google-oauth2", "g").unlink(unlink("", "github", "h")).await.unwrap();
    })
    .await;
    expect_few("Unlink", rows);
    let rows = db_rows_read_by(&database, async |server| {
        let service = server.service();
        let primary = service.owner("google-oauth2", "g").await;
        let link =
            service.link(link_identity(&primary, "github", "h")).await.unwrap().link.unwrap().id;
        service
            .undo_link(pb::UndoLinkRequest { link_id: link, ..Default::default() })
            .await
            .unwrap();
    })
    .await;
    expect_few("UndoLink", rows);
    let rows = db_rows_read_by(&database, async |server| {
        let service = server.service();
        service.delete(&service.owner("google-oauth2", "g").await).await;
    })
    .await;
    expect_few("DeleteUser", rows);

    assert!(read.iter().all(|(_, sum, _)| *sum < FEW), "{read:#?}");
}
