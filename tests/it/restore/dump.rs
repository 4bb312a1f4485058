//! A dump, loaded into a new database of the same cluster, and into the same database.

use super::*;
use crate::support::{
    cluster::feed_cluster,
    events::{Watcher, line, watch_after},
};

const DUMP: &[&str] = &["pg_dump --format=custom"];
const RESTORE: &[&str] = &["pg_restore --no-owner", "psql \"$NEW_DATABASE_URL\""];

/// F33: what the backup lacks.
#[tokio::test(flavor = "multi_thread")]
async fn a_dump_is_restored_into_another_database_as_the_page_says() {
    let database = feed_cluster().db_migrated().await;
    let restored = feed_cluster().db_empty().await;
    let operator = Operator::new(&database, &restored).await;
    let server = TestServer::start_on(database.clone()).await;
    let tenant = Tenant::backed_up(&server, &operator, || {
        operator.carries_out(DUMP);
    })
    .await;
    drop(server);
    database.db_until_alone().await;
    let stopped = operator.carries_out(&["date -u"]);

    assert_eq!(operator.carries_out(RESTORE).trim(), "ANALYZE");
    operator.configures(&restored);
    operator.carries_out(&["identity-link migrate"]);
    operator.carries_out(&["identity-link doctor"]);

    // Without `tokens_valid_from`, tokens are good that were withdrawn since.
    let server = TestServer::start_on(restored.clone()).await;
    tenant.is_as_before(&server).await;
    for (token, holder) in withdrawn().into_iter().zip([&tenant.linked, &tenant.deleted]) {
        assert_eq!(&server.caller(&token).user("").await.id, holder);
    }
    // The cluster counts its transactions on, so no epoch begins.
    assert_eq!(db_epochs(&restored).await, 1);
    drop(server);

    let server =
        TestServer::start_with(restored.clone(), |toml| valid_from(toml, stopped.trim())).await;
    let service = server.service();
    for token in withdrawn() {
        assert_eq!(refused(&server, &token).await, TOKEN_INVALID);
        let proof = server.person("apple", "a").link(link_with(&token.sign())).await;
        assert_eq!(refusal(proof), "FailedPrecondition LINK_TOKEN_INVALID");
    }
    assert_eq!(server.person("sms", "s").user("").await.id, tenant.linked);

    let mut consumer = Watcher::begin(&service, watch_after(&tenant.before)).await;
    consumer.caught_up().await;
    let lost = operator
        .carries_out_at(&server, &["last=", "grep -c", "sed \"1,/", "jq -r 'del(.position"]);
    let lost: Vec<&str> = lost.lines().map(str::trim).collect();
    assert_eq!(lost, ["1", "1 userBlocked", "1 userCreated", "1 userDeleted", "1 userUnlinked"]);
    operator.carries_out_at(&server, &["jq -r '.userDeleted", "while read"]);
    assert_eq!(refusal(service.get_user(get(&tenant.deleted)).await), "NotFound USER_NOT_FOUND");
    service.block(&tenant.blocked, true).await;
    service.unlink(unlink(&tenant.linked, "sms", "s")).await.unwrap();
    // It may be carried out again.
    operator.carries_out_at(&server, &["jq -r '.userDeleted", "while read"]);

    let made_good: Vec<String> = consumer.events(3).await.iter().map(line).collect();
    let kinds: Vec<&str> =
        made_good.iter().map(|line| line.split([' ', '=']).next().unwrap()).collect();
    assert_eq!(kinds, ["deleted", "blocked", "unlinked"]);
    tenant.has_no_later_position(&service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_of_a_database_that_is_restored_in_place_miss_nothing() {
    let database = feed_cluster().db_migrated().await;
    let operator = Operator::new(&database, &database).await;
    let server = TestServer::start_on(database.clone()).await;
    let tenant = Tenant::backed_up(&server, &operator, || {
        operator.carries_out(DUMP);
    })
    .await;
    drop(server);
    database.db_until_alone().await;

    operator.carries_out_in_place(RESTORE);

    let server = TestServer::start_on(database.clone()).await;
    tenant.is_as_before(&server).await;
    tenant.is_followed_from_before(&server.service()).await;
    assert_eq!(db_epochs(&database).await, 1);
}
