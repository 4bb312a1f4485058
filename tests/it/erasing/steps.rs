//! A deletion of many rows takes many short transactions.

use super::*;

/// More rows of each type than a step erases.
const MANY: usize = 1300;
/// The most rows that one transaction may change.
const BOUND: &str = "500";

/// Records which rows each transaction changes.
const HOOK: &str = "\
    CREATE TABLE touched (tx bigint, row_of text, which text); \
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
      INSERT INTO touched VALUES (txid_current(), TG_TABLE_NAME, OLD.ctid::text); RETURN NULL; END $$; \
    CREATE TRIGGER touch AFTER UPDATE OR DELETE ON request_ids FOR EACH ROW EXECUTE FUNCTION touch(); \
    CREATE FUNCTION touch_link() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
      INSERT INTO touched VALUES (txid_current(), TG_TABLE_NAME, OLD.id::text); RETURN NULL; END $$; \
    CREATE TRIGGER touch AFTER UPDATE OR DELETE ON links FOR EACH ROW EXECUTE FUNCTION touch_link(); \
    CREATE TRIGGER touch AFTER UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION touch_link()";

#[tokio::test]
async fn no_transaction_of_a_deletion_changes_many_rows_and_the_call_waits_for_all() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.create("google-oauth2", "ann").await.id;
    let ben = service.create("github", "ben").await.id;
    let one = link(&service, &ann, &ben).await;
    service
        .undo_link(pb::UndoLinkRequest {
            request_id: uuid::Uuid::new_v4().to_string(),
            ..undo(&one)
        })
        .await
        .unwrap();
    let columns = "terms, changes, actor, proof, link_time, undo_time, undo_actor";
    server
        .database
        .db_execute(&format!(
            "INSERT INTO links (tenant_id, id, primary_id, secondary_id, primary_version, moved, {columns}) \
             SELECT tenant_id, gen_random_uuid(), \
               CASE n % 3 WHEN 0 THEN primary_id ELSE 'usr_other' END, CASE n % 3 WHEN 1 THEN primary_id ELSE 'usr_else' END, \
               1, '[{{\"provider\": \"google-oauth2\", \"subject\": \"ann\"}}]', {columns} \
             FROM links, generate_series(1, {MANY}) n; \
             INSERT INTO request_ids (tenant_id, rpc, caller_kind, issuer, subject, request_id, fingerprint, answer, \
               concerned, expire_time) \
             SELECT tenant_id, rpc, caller_kind, issuer, subject, gen_random_uuid(), fingerprint, \
               answer, concerned, expire_time FROM request_ids, generate_series(1, {MANY}); \
             INSERT INTO users (tenant_id, id, create_time, update_time, ancestors, primary_provider, primary_subject) \
             SELECT 'default', 'usr_' || n, now(), now(), ARRAY['{ann}'], 'github', n::text FROM generate_series(1, {MANY}) n; \
             INSERT INTO identities (tenant_id, provider, subject, owner_id, home_id, ordinal, connection, social, \
               attach_time) \
             SELECT 'default', 'github', n::text, 'usr_' || n, 'usr_' || n, 0, 'github', false, now() \
             FROM generate_series(1, {MANY}) n; {HOOK}"
        ))
        .await;

    service.delete(&ann).await;

    let counted =
        "FROM (SELECT tx, count(DISTINCT (row_of, which)) AS rows FROM touched GROUP BY tx) t";
    let longest = server.database.db_texts(&format!("SELECT max(rows)::text {counted}")).await;
    assert_eq!(longest, [BOUND]);
    let transactions = server.database.db_texts(&format!("SELECT tx::text {counted}")).await;
    assert_eq!(transactions.len(), 1 + 3 * MANY.div_ceil(500));
    // The call returned after the last step, so nothing is left.
    server.database.db_execute("DROP TABLE touched").await;
    let dump = server.database.db_dump().await;
    let left: Vec<&str> =
        dump.lines().filter(|line| line.contains(&ann) || line.contains("ann\"")).take(3).collect();
    assert!(left.is_empty(), "{left:#?}");
}
