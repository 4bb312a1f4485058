//! How the database finds rows: by a key, however many rows there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use identity_link::grpc::proto as pb;

use super::{NEW_PLANS, all_statements, logged_server, statements};
use crate::{
    search::db_session,
    support::{
        child::{config_file, run},
        tokens::Token,
        *,
    },
};

/// Enough rows to matter to the planner: users with an identity and a link each. The emails, links,
/// responses, tickets, attempts, releases and tokens of providers are as many.
pub(super) const CROWD: &str = "\
    INSERT INTO users (tenant_id, id, create_time, update_time, primary_provider, primary_subject, ancestors) \
    SELECT 'default', 'crowd_' || n, now(), now(), 'crowd', n::text, ARRAY['crowd_' || n + 1] FROM generate_series(1, 5000) n; \
    INSERT INTO identities (tenant_id, provider, subject, owner_id, home_id, ordinal, connection, social, email, \
      email_canonical, email_verified, email_verify_time, email_verifier, attach_time) \
    SELECT 'default', 'crowd', n::text, 'crowd_' || n, 'crowd_' || n, 0, 'crowd', false, n || '@example.com', \
      n || '@example.com', true, now(), '{\"kind\": \"issuer\", \"issuer\": \"crowd\"}', now() \
    FROM generate_series(1, 5000) n; \
    INSERT INTO links (tenant_id, id, primary_id, secondary_id, primary_version, terms, moved, changes, actor, proof, \
      link_time, undo_time, undo_actor) \
    SELECT 'default', gen_random_uuid(), 'crowd_' || n, 'crowd_' || n + 1, 1, '{}', '[]', '{}', '{}', '{}', \
      now(), now(), '{}' FROM generate_series(1, 5000) n; \
    INSERT INTO request_ids (tenant_id, rpc, caller_kind, issuer, subject, request_id, fingerprint, answer, concerned, \
      expire_time) \
    SELECT 'default', 'UpdateUser', 'service', 'crowd', 'crowd', gen_random_uuid(), sha256('crowd'), '', \
      ARRAY['crowd_' || n], now() FROM generate_series(1, 5000) n; \
    INSERT INTO sign_in_tickets (tenant_id, hash, provider, subject, account, candidate_ids, candidate_versions, issue_time, \
      expire_time) \
    SELECT 'default', sha256(n::text::bytea), 'crowd', n::text, '{}', \
      ARRAY['crowd_' || n], ARRAY[1], now(), now() + interval '10 minutes' FROM generate_series(1, 5000) n; \
    INSERT INTO sign_in_attempts (tenant_id, state_hash, secret_hash, provider, user_id, nonce, pkce_verifier, redirect_uri, \
      expire_time) \
    SELECT 'default', sha256(n::text::bytea), sha256('s'), 'crowd', 'crowd_' || n, 'n', 'v', \
      'https://www.example.com/', now() + interval '10 minutes' FROM generate_series(1, 5000) n; \
    INSERT INTO tombstones (tenant_id, id_hash, delete_time, deleted, released_by) \
    SELECT 'default', sha256(('released ' || n)::bytea), now(), false, ARRAY['crowd_' || n] FROM generate_series(1, 5000) n; \
    INSERT INTO jobs (tenant_id, id, kind, settings, actor, outcome, end_time, expire_time) \
    SELECT 'default', md5(n::text)::uuid, 'find_duplicates', '{}', '{}', 'succeeded', now(), now() + interval '30 days' \
      FROM generate_series(1, 5000) n; \
    INSERT INTO job_lines (tenant_id, job_id, number, line, concerned) \
    SELECT 'default', md5(n::text)::uuid, 1, '{}', ARRAY['crowd_' || n] FROM generate_series(1, 5000) n; \
    INSERT INTO events (tenant_id, epoch, ordinal, user_id, other_user_id, actor, detail, event_time) \
    SELECT 'default', 1, n, 'crowd_' || n, 'crowd_' || n + 1, '{}', '{}', now() FROM generate_series(1, 5000) n; \
    INSERT INTO provider_tokens (tenant_id, provider, subject, issuer, key_id, sealed, scopes, refreshable) \
    SELECT 'default', 'crowd', n::text, 'crowd', 'k', 'sealed', '{}', true FROM generate_series(1, 5000) n; \
    INSERT INTO console_looks (tenant_id, id, look_time, expire_time, session_hash, issuer, subject, role, page, user_id) \
    SELECT 'default', gen_random_uuid(), now(), now() + interval '1 day', 's', 'crowd', 'crowd', 'viewer', 'user', \
      'crowd_' || n FROM generate_series(1, 5000) n";

/// The lines of a plan that read more of a table or an index than a key selects.
fn read_without_key(plan: &[String]) -> Vec<&String> {
    let is_scan = |line: &str| {
        ["Seq Scan", "Index Scan", "Index Only Scan"].iter().any(|scan| line.contains(scan))
    };
    // A tenant has few rows in these: what is left of deletions under way, the issuers of its
    // providers and their moves, and the one floor of its feed, which is read while no event is below
    // the horizon.
    let is_few = |line: &str| {
        [" on erasures ", " on provider_issuers ", " on provider_moves ", " on event_floors "]
            .iter()
            .any(|table| line.contains(table))
    };
    // The first rows in the order of an index.
    let is_first = |at: usize| {
        let around = [at.checked_sub(1).and_then(|before| plan.get(before)), plan.get(at + 1)];
        let [Some(above), Some(condition)] = around else { return false };
        let is_filtered = plan.get(at + 2).is_some_and(|line| line.contains("Filter:"));
        above.contains("Limit")
            && condition.contains("Index Cond: (tenant_id = $1)")
            && !is_filtered
    };
    let has_key = |at: usize| {
        let condition =
            plan.get(at + 1).filter(|line| line.trim_start().starts_with("Index Cond:"));
        // The tenant and something else, or the elements of an array, whose index has no tenant
        // beside them.
        condition.is_some_and(|line| [" AND ", " @> ", " && "].iter().any(|key| line.contains(key)))
    };
    plan.iter()
        .enumerate()
        .filter(|(at, line)| is_scan(line) && !is_few(line) && !is_first(*at) && !has_key(*at))
        .map(|(_, line)| line)
        .collect()
}

/// P16: a page of links that match a filter reads along an index, too.
#[tokio::test]
async fn look_ups_lists_and_history_read_by_a_key() {
    let server = logged_server().await;
    let service = server.service();
    let one = service.create_with("google-oauth2", "g1", verified("ann@example.com")).await.id;
    let other = service.create_with("github", "h1", verified("ann@example.com")).await.id;
    server.database.db_execute(&format!("{CROWD}; ANALYZE")).await;
    let person = server.person("google-oauth2", "g1");
    let candidates = pb::ListLinkCandidatesRequest { user_id: one.clone() };

    let mut asked = statements(&server, person.get_user(get(""))).await;
    let by_id = server.caller(&Token::of("users", &one));
    asked.extend(statements(&server, by_id.get_user(get(""))).await);
    asked.extend(statements(&server, service.get_user(get(&one))).await);
    asked.extend(statements(&server, service.find_by_identity(owner_of("github", "h1"))).await);
    asked.extend(statements(&server, service.find_by_email(by_email("ann@example.com"))).await);
    asked.extend(statements(&server, service.resolve_users(resolve([one.as_str(), &other]))).await);
    asked.extend(statements(&server, service.list_users(pb::ListUsersRequest::default())).await);
    asked.extend(statements(&server, service.list_links(links_of(&one))).await);
    asked.extend(statements(&server, service.list_link_candidates(candidates)).await);
    let of_tenant = |plan_id: &str| {
        let actor =
            Some(pb::Actor { kind: pb::actor::Kind::Operator.into(), ..Default::default() });
        let filter = pb::LinkFilter { plan_id: plan_id.to_owned(), actor, ..Default::default() };
        pb::ListLinksRequest { filter: Some(filter), ..Default::default() }
    };
    let plan = uuid::Uuid::new_v4().to_string();
    asked.extend(statements(&server, service.list_links(of_tenant(""))).await);
    asked.extend(statements(&server, service.list_links(of_tenant(&plan))).await);
    let by_id = pb::LinkFilter { link_id: plan.clone(), ..Default::default() };
    let by_id = pb::ListLinksRequest { filter: Some(by_id), ..Default::default() };
    asked.extend(statements(&server, service.list_links(by_id)).await);

    assert!(db_read_by_keys(&server, &asked).await >= 17, "{asked:?}");
}

/// The steps of a plan, without the estimates. To find rows by an index, and to read them in the
/// order of the table, is the same as to read them one by one.
fn steps(plan: &[String]) -> String {
    let step = |line: &String| {
        let line = line.split("  (cost=").next().unwrap().trim_start().trim_start_matches("->  ");
        let index = line.strip_prefix("Index Scan using ").and_then(|scan| scan.split(' ').next());
        let index = index.or_else(|| line.strip_prefix("Bitmap Index Scan on "));
        index.unwrap_or(line).to_owned()
    };
    let is_step =
        |line: &String| !line.starts_with("Bitmap Heap ") && !line.starts_with("Recheck ");
    plan.iter().map(step).filter(is_step).collect::<Vec<_>>().join("\n")
}

/// Connections keep their plans for a minute. So a plan must be right for the data of later times,
/// also if it was made before the first ANALYZE.
#[tokio::test]
async fn plans_do_not_depend_on_what_the_tables_contain() {
    let server = logged_server().await;
    let service = server.service();
    let one = service.create_with("google-oauth2", "g1", verified("ann@example.com")).await.id;
    let other = service.create_with("github", "h1", verified("ann@example.com")).await.id;
    let person = server.person("google-oauth2", "g1");
    let mut asked = statements(&server, person.get_user(get(""))).await;
    asked.extend(statements(&server, service.get_user(get(&one))).await);
    asked.extend(statements(&server, service.find_by_identity(owner_of("github", "h1"))).await);
    asked.extend(statements(&server, service.find_by_email(by_email("ann@example.com"))).await);
    asked.extend(statements(&server, service.resolve_users(resolve([one.as_str()]))).await);
    asked.extend(statements(&server, service.link(link_user(&one, &other))).await);
    asked.extend(statements(&server, service.unlink(unlink(&one, "github", "h1"))).await);
    let proof = link_with(&Token::of("github", "h1").sign());
    asked.extend(statements(&server, person.link(proof)).await);
    let asked: BTreeSet<String> = asked
        .iter()
        .filter_map(|asked| asked.split_once(": "))
        .map(|(_, statement)| statement.to_owned())
        // The texts of the others do not show the types of their parameters.
        .filter(|statement| statement.starts_with("SELECT") || statement.contains("unnest("))
        .filter(|statement| statement.contains("tenant_id = $1"))
        .collect();
    assert!(asked.len() >= 8, "{asked:?}");

    let without_autovacuum = "ALTER TABLE users SET (autovacuum_enabled = off); \
        ALTER TABLE identities SET (autovacuum_enabled = off); ALTER TABLE links SET (autovacuum_enabled = off)";
    server.database.db_execute(without_autovacuum).await;
    let shared_addresses = "UPDATE identities SET email_canonical = subject::integer / 10 || '@example.com' \
        WHERE provider = 'crowd'; UPDATE links SET undo_time = NULL, undo_actor = NULL; ANALYZE";
    let mut plans = BTreeMap::new();
    for data in [CROWD, "ANALYZE", shared_addresses] {
        server.database.db_execute(data).await;
        for statement in &asked {
            let steps = steps(&server.database.db_plan(statement).await);
            let first = plans.entry(statement).or_insert_with(|| steps.clone());
            assert_eq!(steps, *first, "{statement}");
        }
    }
}

#[tokio::test]
async fn accounts_at_undeclared_providers_are_counted_by_a_key() {
    let server = logged_server().await;
    server.database.db_execute(&format!("{CROWD}; ANALYZE")).await;
    let mut session = db_session(&server.database, "default").await;
    let count = async { Ok(session.accounts_at_unknown_providers().await.unwrap()) };

    let asked = statements(&server, count).await;

    assert_eq!(db_read_by_keys(&server, &asked).await, 1, "{asked:?}");
}

#[tokio::test]
async fn a_deletion_and_its_erasing_read_by_a_key() {
    let server = logged_server().await;
    let service = server.service();
    let one = service.create("google-oauth2", "g1").await.id;
    let other = service.create("github", "h1").await.id;
    let link = service.link(link_user(&one, &other)).await.unwrap().link.unwrap().id;
    service.undo_link(pb::UndoLinkRequest { link_id: link, ..Default::default() }).await.unwrap();
    server.database.db_execute(&format!("{CROWD}; ANALYZE")).await;

    let asked = statements(&server, service.delete_user(delete(&one))).await;

    assert!(db_read_by_keys(&server, &asked).await >= 14, "{asked:?}");
}

#[tokio::test]
async fn a_purge_reads_by_a_key() {
    let server = logged_server().await;
    server.database.db_execute(&format!("{CROWD}; ANALYZE")).await;
    let file = config_file(&server.database, |toml| toml);
    let purge = async { Ok(run(&["purge", "--config", file.to_str().unwrap()])) };

    let asked = statements(&server, purge).await;

    assert!(db_read_by_keys(&server, &asked).await >= 9, "{asked:?}");
}

#[tokio::test]
async fn an_export_of_looks_reads_by_a_key() {
    let server = logged_server().await;
    server.database.db_execute(&format!("{CROWD}; ANALYZE")).await;
    let file = config_file(&server.database, |toml| toml);
    let mut seen = 0;
    for filter in [&[][..], &["--user", "crowd_7"], &["--staff", "crowd"]] {
        let looks = ["looks", "--config", file.to_str().unwrap(), "--tenant", "default"];
        let looks = async { Ok(run(&[&looks, filter].concat())) };
        let asked = statements(&server, looks).await;
        seen += db_read_by_keys(&server, &asked).await;
        for statement in asked.iter().filter(|asked| asked.contains(" AND user_id = $7")) {
            let (_, statement) = statement.split_once(": ").unwrap();
            let plan = server.database.db_plan(statement).await.join("\n");
            assert!(plan.contains("console_looks_user"), "{plan}");
        }
    }
    // Six pages of the tenant, one of the user, six of the tenant for the staff member.
    assert_eq!(seen, 13);
}

/// Fails if one of these statements on a tenant reads more than a key selects. Returns how many
/// statements those were.
pub(super) async fn db_read_by_keys(server: &TestServer, asked: &[String]) -> usize {
    let mut seen = 0;
    for statement in
        asked.iter().filter_map(|asked| asked.split_once(": ")).map(|(_, statement)| statement)
    {
        // This leaves out the statements that set a new connection up.
        if statement.contains("tenant_id = $1") {
            let plan = server.database.db_plan(statement).await;
            assert_eq!(read_without_key(&plan), [""; 0], "{statement}\n{}", plan.join("\n"));
            seen += 1;
        }
    }
    seen
}

#[tokio::test]
async fn a_look_up_without_an_index_is_seen() {
    let server = logged_server().await;
    for statement in [
        "SELECT id FROM users WHERE tenant_id = $1 AND version = $2",
        "SELECT id FROM links WHERE tenant_id = $1 ORDER BY link_time",
        "SELECT id FROM users",
    ] {
        let plan = server.database.db_plan(statement).await;
        assert_eq!(read_without_key(&plan).len(), 1, "{}", plan.join("\n"));
    }
}

/// Tables grow while a connection is open, whose first plans were for nearly empty ones.
#[tokio::test]
async fn a_connection_makes_its_plans_anew() {
    let server = logged_server().await;
    let service = server.service();
    let one = service.create("google-oauth2", "g1").await.id;

    let renewed = async {
        loop {
            let asked = all_statements(&server, service.get_user(get(&one))).await;
            if asked.iter().any(|asked| asked.contains(NEW_PLANS)) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), renewed).await.expect("after a second");
}
