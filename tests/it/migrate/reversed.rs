//! Migrations are run, reversed, and run again.

use identity_link::{
    grpc::proto as pb,
    store::{MigrateError, Target},
};

use super::{BASE, later, to};
use crate::{
    schema::db_objects,
    support::{
        cluster::cluster,
        imports::{ImportStore, imported, with_aliases},
        *,
    },
};

const LATER: [&str; 5] = [
    "20990101000001.expand",
    "20990101000002.expand",
    "20990101000003.expand",
    "20990201000001.move",
    "20990301000001.contract",
];

fn owned(versions: &[&str]) -> Vec<String> {
    versions.iter().map(|version| (*version).to_owned()).collect()
}

/// Each down.sql restores the schema before its up.sql, with users and links in the tables.
#[tokio::test(flavor = "multi_thread")]
async fn down_and_up_again_give_the_same_schema_and_keep_the_data() {
    let database = cluster().db_migrated().await;
    let server = TestServer::start_on(database.clone()).await;
    let service = server.service();
    for n in 0..3 {
        let primary = service.create("github", &n.to_string()).await;
        let secondary = service.create("google-oauth2", &n.to_string()).await;
        service.link(link_user(&primary.id, &secondary.id)).await.unwrap();
    }
    drop(server);
    let rows = database.db_everything().await;
    let mut before = Vec::new();
    for version in LATER {
        before.push(db_objects(&database).await);
        assert_eq!(later(&database, to(version), false).await.unwrap().ran, [version]);
    }
    let (objects_above, rows_above) = (db_objects(&database).await, database.db_everything().await);
    let unmoved = "SELECT id FROM users WHERE nickname IS DISTINCT FROM id";
    assert_eq!(database.db_texts(unmoved).await, [""; 0]);

    let below = [&[BASE], &LATER[..4]].concat();
    for (version, before) in below.iter().zip(&before).rev() {
        let reversed = later(&database, to(version), true).await.unwrap().reversed;
        assert_eq!(reversed.len(), 1);
        assert_eq!(db_objects(&database).await, *before, "{version}");
    }
    assert_eq!(database.db_everything().await, rows);

    let again = later(&database, Target::Complete, false).await.unwrap();
    assert_eq!(again.ran, LATER);
    assert_eq!(db_objects(&database).await, objects_above);
    assert_eq!(database.db_everything().await, rows_above);
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_are_reversed_only_on_demand() {
    let database = cluster().db_migrated().await;
    let ran = later(&database, Target::Rollout, false).await.unwrap();
    assert_eq!((ran.ran, ran.left), (owned(&LATER[..4]), owned(&LATER[4..])));
    let before = db_objects(&database).await;

    let refused = later(&database, to(BASE), false).await.unwrap_err();

    assert!(matches!(&refused, MigrateError::WouldReverse(_)), "{refused}");
    insta::assert_snapshot!(refused, @"this reverses 20990201000001.move, 20990101000003.expand, 20990101000002.expand, 20990101000001.expand, and what only the newer schema can hold is lost: add --yes if that is intended");
    assert_eq!(db_objects(&database).await, before);
}

/// Servers of the schema below would take an alias for a live user, and their feed would stop at the
/// event of an import. So while there are some, the migrations that made them possible stay.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_import_has_stored_is_not_reversed() {
    const FIRST: &str = "20261130000001";
    const OF_IMPORTS: &str = "20261201000002.expand";
    let database = cluster().db_migrated().await;
    let ann = with_aliases(imported("ann", &["github|1"]), &["old"]);
    ImportStore::open(&database).await.import(&[ann]).await.unwrap();
    // The migrations after them hold nothing of an import.
    later(&database, to(OF_IMPORTS), true).await.unwrap();
    let before = db_objects(&database).await;

    let refused = later(&database, to(FIRST), true).await.unwrap_err().to_string();
    assert!(
        refused.contains("column \"user_id\" of relation \"events\" contains null values"),
        "{refused}"
    );
    assert_eq!(db_objects(&database).await, before);

    database.db_execute("DELETE FROM events").await;
    let refused = later(&database, to(FIRST), true).await.unwrap_err().to_string();
    assert!(refused.contains("check constraint \"users_absorbed_whole\""), "{refused}");

    database.db_execute("DELETE FROM users WHERE alias_of IS NOT NULL").await;
    later(&database, to(FIRST), true).await.unwrap();
    assert_eq!(database.db_texts("SELECT id FROM users").await, ["ann"]);
}

/// Earlier servers cannot read the proof of a link by a plan, and `undo --plan` needs its id.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_with_a_plan_is_not_reversed() {
    let server = TestServer::start().await;
    let (service, database) = (server.service(), &server.database);
    let [ann, ben] = ["ann", "ben"].map(|name| async { service.create("github", name).await.id });
    let (ann, ben) = (ann.await, ben.await);
    let plan_id = uuid::Uuid::now_v7().to_string();
    service.link(pb::LinkRequest { plan_id, ..link_user(&ann, &ben) }).await.unwrap();

    let refused = later(database, to("20261201000002.expand"), true).await.unwrap_err();

    assert!(refused.to_string().contains("links have a plan"), "{refused}");
    let kept = "SELECT plan_id::text FROM links WHERE plan_id IS NOT NULL";
    assert_eq!(database.db_texts(kept).await.len(), 1);
}

/// A move is not one transaction: what is interrupted is run again from where it ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_commits_its_steps() {
    let server = TestServer::start().await;
    for n in 0..4 {
        server.service().create("github", &n.to_string()).await;
    }
    let database = &server.database;
    later(database, to("20990101000003"), false).await.unwrap();
    // The second step of two users fails.
    let fails = "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        IF (SELECT count(*) FROM users WHERE nickname IS NOT NULL) >= 2 THEN RAISE 'interrupted'; END IF; \
        RETURN NULL; END $$; \
        CREATE TRIGGER fails BEFORE UPDATE OF nickname ON users FOR EACH STATEMENT EXECUTE FUNCTION fail()";
    database.db_execute(fails).await;

    let failed = later(database, Target::Rollout, false).await.unwrap_err();
    assert!(failed.to_string().contains("interrupted"), "{failed}");
    let moved = "SELECT id FROM users WHERE nickname = id";
    assert_eq!(database.db_texts(moved).await.len(), 2);

    database.db_execute("DROP FUNCTION fail CASCADE").await;
    later(database, Target::Rollout, false).await.unwrap();
    assert_eq!(database.db_texts(moved).await.len(), 4);
}
