//! Many users, as a tenant has them after some time: for tests and benchmarks of what calls cost
//! when tables are large.

use super::cluster::Database;

/// What each of these users has, as a statement's rows. Of ten users one is absorbed by its
/// neighbour, and one was and came back.
const PEOPLE: &str = "CREATE TEMP TABLE people AS SELECT n, n % 10 = 0 AS is_absorbed, n % 10 IN (0, 5) AS was_linked, \
    'usr_' || md5(n::text) AS id, 'usr_' || md5((n - 1)::text) AS neighbour, md5('link ' || n)::uuid AS link, \
    '115' || lpad(n::text, 18, '0') AS subject, 'person.' || n || '@example.com' AS email, \
    now() - interval '1 year' + n * interval '1 second' AS time FROM generate_series(1, ";

/// Fills the tables. No trigger judges the rows one by one, which would take longer than the rest.
const ROWS: &str = "SET session_replication_role = replica; \
    INSERT INTO users (tenant_id, id, create_time, update_time, absorbed_into, absorbed_by_link, absorbed_time, \
      primary_provider, primary_subject, user_metadata, ancestors) \
    SELECT 'default', id, time, time, CASE WHEN is_absorbed THEN neighbour END, CASE WHEN is_absorbed THEN link END, \
      CASE WHEN is_absorbed THEN time END, 'google-oauth2', subject, '{\"color\": \"red\", \"language\": \"en\"}', \
      CASE WHEN n % 10 = 7 THEN ARRAY[neighbour] END FROM people; \
    INSERT INTO identities (tenant_id, provider, subject, owner_id, home_id, ordinal, connection, social, email, \
      email_canonical, email_verified, email_verify_time, email_verifier, profile_data, attach_time) \
    SELECT 'default', 'google-oauth2', subject, CASE WHEN is_absorbed THEN neighbour ELSE id END, id, is_absorbed::integer, \
      'google-oauth2', true, email, email, true, time, '{\"kind\": \"issuer\", \"issuer\": \"https://accounts.google.com\"}', \
      jsonb_build_object('name', 'Person ' || n, 'picture', 'https://lh3.googleusercontent.com/a/' || md5(email)), time \
    FROM people; \
    INSERT INTO links (tenant_id, id, primary_id, secondary_id, primary_version, secondary_version, terms, moved, \
      changes, actor, proof, proof_hash, link_time, undo_time, undo_actor) \
    SELECT 'default', link, neighbour, id, 2, 2, '{\"user_metadata\": {\"strategy\": \"keep_primary\"}, \
        \"app_metadata\": {\"strategy\": \"keep_primary\"}, \"require_shared_verified_email\": false}', \
      jsonb_build_array(jsonb_build_object('provider', 'google-oauth2', 'subject', subject)), \
      '{\"user_metadata\": [], \"app_metadata\": []}', actor, jsonb_build_object('kind', 'token', \
        'issuer', 'https://accounts.google.com', 'subject', subject), sha256(id::bytea), time, \
      CASE WHEN NOT is_absorbed THEN time END, CASE WHEN NOT is_absorbed THEN actor END \
    FROM people, LATERAL (SELECT jsonb_build_object('kind', 'user', 'issuer', 'https://accounts.google.com', \
      'subject', neighbour) AS actor) a WHERE was_linked; \
    INSERT INTO events (tenant_id, epoch, xid, ordinal, user_id, other_user_id, actor, detail, event_time) \
    SELECT 'default', 0, n, 0, id, CASE WHEN was_linked THEN neighbour END, '{\"kind\": \"service\", \
      \"issuer\": \"https://services.example.com\", \"subject\": \"backend\"}', jsonb_build_object('kind', 'user_created', \
      'user', jsonb_build_object('id', id, 'before', 0, 'after', 1), 'identities', jsonb_build_array(jsonb_build_object( \
      'provider', 'google-oauth2', 'subject', subject)), 'blocked', false), now() FROM people; \
    INSERT INTO request_ids (tenant_id, rpc, caller_kind, issuer, subject, request_id, fingerprint, answer, concerned, \
      caller_user_id, expire_time) \
    SELECT 'default', 'Link', 'service', 'https://services.example.com', 'backend', link, sha256(id::bytea), \
      decode(repeat(md5(id), 10), 'hex'), ARRAY[id, 'google-oauth2|' || subject], NULL, now() + interval '1 day' \
    FROM people WHERE was_linked; \
    INSERT INTO sign_in_tickets (tenant_id, hash, provider, subject, account, candidate_ids, candidate_versions, \
      issue_time, expire_time) \
    SELECT 'default', sha256(id::bytea), 'github', subject, '{}', ARRAY[id], ARRAY[1], now(), now() + interval '1 day' \
    FROM people WHERE was_linked; \
    INSERT INTO sign_in_attempts (tenant_id, state_hash, secret_hash, provider, user_id, nonce, pkce_verifier, \
      redirect_uri, expire_time) \
    SELECT 'default', sha256(id::bytea), sha256('secret'), 'github', id, 'n', 'v', 'https://www.example.com/', \
      now() + interval '1 day' FROM people WHERE was_linked; \
    INSERT INTO tombstones (tenant_id, id_hash, delete_time, deleted, released_by) \
    SELECT 'default', sha256(id::bytea), now(), false, ARRAY[id] FROM people WHERE was_linked; \
    SET session_replication_role = DEFAULT; DROP TABLE people";

/// Copies the rows of the users and identities in which a text occurs, with the text and a number in
/// its place. One of the columns is computed by the database.
const COPIES: &str = "SET session_replication_role = replica; \
    DO $do$ DECLARE rows_of text; columns text; BEGIN \
      FOREACH rows_of IN ARRAY ARRAY['users', 'identities'] LOOP \
        SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute \
          WHERE attrelid = rows_of::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''; \
        EXECUTE format('INSERT INTO %1$I (%2$s) SELECT %2$s FROM (SELECT (jsonb_populate_record(o, \
          replace(to_jsonb(o)::text, %3$L, %3$L || n)::jsonb)).* FROM %1$I o, generate_series(1, %4$s) n \
          WHERE o::text LIKE ''%%'' || %3$L || ''%%'') copies', rows_of, columns, 'TEXT', COUNT); \
      END LOOP; END $do$; SET session_replication_role = DEFAULT";

impl Database {
    /// Makes so many copies of the users and identities in which this text occurs. Each copy has a
    /// number behind the text, from 1.
    pub async fn db_multiply(&self, text: &str, count: usize) {
        self.db_execute(&COPIES.replace("TEXT", text).replace("COUNT", &count.to_string())).await;
        self.db_execute("VACUUM ANALYZE").await;
    }

    /// Makes this many users, a multiple of ten, in the tenant `default`.
    pub async fn db_populate(&self, users: usize) {
        self.db_execute(&format!("{PEOPLE} {users}) n; {ROWS}")).await;
        self.db_execute("VACUUM ANALYZE").await;
    }
}
