//! What calls read while tables are large: no table as a whole, and no more for more users. That
//! includes the reads of deferred keys, which are judged at the commit and which no plan of a
//! call's statements shows.

use std::collections::BTreeMap;

use identity_link::grpc::proto::{
    self as pb, merge_metadata_request::Source, resolve_sign_in_request::Proof,
};
use serde_json::json;

use crate::{
    flows,
    support::{
        child::{config_file, run},
        cluster::{Database, cluster},
        events::list_from,
        fake_oidc::FakeOidc,
        tokens::Token,
        *,
    },
};

const USERS: usize = 100_000;
/// A table with so many rows is never read as a whole.
const LARGE: i64 = 5000;
/// The most rows of one table or index that one call and the start of a server read: a fiftieth of
/// the users. The start looks at a thousand events, some of which may be too old.
const FEW_ROWS: i64 = 2000;
/// The most pages of one of them. An index of all users has several times as many.
const FEW_PAGES: i64 = 200;

/// Postgres counts what autovacuum reads like any read.
const NO_AUTOVACUUM: &str = "DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relkind = 'r' \
    AND relnamespace = 'public'::regnamespace LOOP EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', t); \
    END LOOP; END $$";
/// Many ended links of the same two users.
const LONG_HISTORY: &str = "INSERT INTO links (tenant_id, id, primary_id, secondary_id, primary_version, terms, moved, changes, \
      actor, proof, link_time, undo_time, undo_actor) \
    SELECT 'default', gen_random_uuid(), one.owner_id, two.owner_id, 1, l.terms, '[]', l.changes, l.actor, \
      '{\"kind\": \"service\"}', now() - l.n * interval '1 minute', now(), l.actor \
    FROM identities one, identities two, (SELECT *, row_number() OVER () AS n FROM links LIMIT 5000) l \
    WHERE one.provider = 'okta' AND one.subject = 'one' AND two.provider = 'acme' AND two.subject = 'two'; \
    ANALYZE links";
/// A key whose referencing side has no index: only a trigger reads it, at the commit of a link.
const KEY_WITHOUT_INDEX: &str = "CREATE TABLE notes AS SELECT tenant_id, live_id AS user_id FROM users \
      WHERE live_id IS NOT NULL LIMIT 10000; \
    ALTER TABLE notes ADD CONSTRAINT notes_user FOREIGN KEY (tenant_id, user_id) \
      REFERENCES users (tenant_id, live_id) DEFERRABLE INITIALLY DEFERRED NOT VALID";

/// What has been read of a table or an index.
#[derive(Debug, Clone, Copy)]
struct Counts {
    /// How often it was read from the beginning; of an index, 0.
    scans: i64,
    rows: i64,
    pages: i64,
}

/// Reads of tables and indexes, by their names.
type Reads = BTreeMap<String, Counts>;

/// Counts what all connections to a database read.
struct Meter {
    database: Database,
    /// The tables that are not to be read as a whole.
    large: Vec<String>,
    /// What was read too much, and by which call.
    too_much: Vec<String>,
}

impl Meter {
    async fn of(database: Database) -> Self {
        let large =
            format!("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > {LARGE}");
        let large = database.db_texts(&large).await;
        Self { database, large, too_much: Vec::new() }
    }

    /// All reads so far.
    async fn db_reads(&self) -> Reads {
        const TABLES: &str = "SELECT concat_ws(' ', s.relname, s.seq_scan, s.seq_tup_read, heap_blks_read + heap_blks_hit) \
            FROM pg_stat_user_tables s JOIN pg_statio_user_tables io USING (relid)";
        const INDEXES: &str = "SELECT concat_ws(' ', s.indexrelname, 0, idx_tup_read, idx_blks_read + idx_blks_hit) \
            FROM pg_stat_user_indexes s JOIN pg_statio_user_indexes io USING (indexrelid)";
        let lines = self.database.db_texts(&format!("{TABLES} UNION ALL {INDEXES}")).await;
        let read = |line: &String| {
            let (name, counts) = line.split_once(' ').unwrap();
            let counts: Vec<i64> = counts.split(' ').map(|count| count.parse().unwrap()).collect();
            (name.to_owned(), Counts { scans: counts[0], rows: counts[1], pages: counts[2] })
        };
        lines.iter().map(read).collect()
    }

    /// What a call and the start of its own server read. Postgres counts what a connection has read
    /// after the connection has ended.
    async fn call(&mut self, what: &str, more: &str, call: impl AsyncFnOnce(&TestServer)) -> Reads {
        let database = self.database.clone();
        self.work(what, async || {
            let server = TestServer::start_with(database, |toml| toml + more).await;
            call(&server).await;
            server.shutdown.cancel();
        })
        .await
    }

    /// What any work on the database reads.
    async fn work(&mut self, what: &str, work: impl AsyncFnOnce()) -> Reads {
        self.database.db_until_alone().await;
        let before = self.db_reads().await;
        work().await;
        self.database.db_until_alone().await;
        let mut reads = self.db_reads().await;
        for (name, counts) in &mut reads {
            if let Some(before) = before.get(name) {
                counts.scans -= before.scans;
                counts.rows -= before.rows;
                counts.pages -= before.pages;
            }
        }
        reads.retain(|_, counts| counts.pages > 0);
        for (name, counts) in &reads {
            let is_scan = counts.scans > 0 && self.large.contains(name);
            if is_scan || counts.rows > FEW_ROWS || counts.pages > FEW_PAGES {
                self.too_much.push(format!("{what}: {name}: {counts:?}"));
            }
        }
        reads
    }
}

/// Creates the users of the calls: two pairs, each with one email, and one at another provider.
async fn create(server: &TestServer) {
    let service = server.service();
    service.create_with("okta", "one", verified("eve@example.com")).await;
    service.create_with("acme", "two", verified("eve@example.com")).await;
    service.create("sms", "s").await;
    create_pair(server).await;
}

async fn create_pair(server: &TestServer) {
    let service = server.service();
    service.create_with("google-oauth2", "g", verified("ann@example.com")).await;
    service.create_with("github", "h", verified("ann@example.com")).await;
}

async fn link_and_unlink(server: &TestServer) {
    let person = server.person("google-oauth2", "g");
    person.link(link_with(&server.later_proof("github", "h"))).await.unwrap();
    let service = server.service();
    let google = service.owner("google-oauth2", "g").await;
    service.unlink(unlink(&google, "github", "h")).await.unwrap();
}

/// Links and unlinks two users that were linked and unlinked many times.
async fn link_once_more(server: &TestServer) {
    let service = server.service();
    let [one, other] = [service.owner("okta", "one").await, service.owner("acme", "two").await];
    service.link(link_user(&one, &other)).await.unwrap();
    service.unlink(unlink(&one, "acme", "two")).await.unwrap();
    service.list_links(links_of(&one)).await.unwrap();
}

async fn link_and_undo(server: &TestServer) {
    let service = server.service();
    let google = service.owner("google-oauth2", "g").await;
    let request_id = uuid::Uuid::new_v4().to_string();
    let request = pb::LinkRequest { request_id, ..link_identity(&google, "github", "h") };
    let link = service.link(request.clone()).await.unwrap().link.unwrap().id;
    assert_eq!(service.link(request).await.unwrap().link.unwrap().id, link);
    service.undo_link(pb::UndoLinkRequest { link_id: link, ..Default::default() }).await.unwrap();
}

/// Attaches two accounts that no user has. One becomes a user of its own, the other is released.
async fn attach(server: &TestServer) {
    let (person, service) = (server.person("google-oauth2", "g"), server.service());
    let google = service.owner("google-oauth2", "g").await;
    for account in ["a1", "a2"] {
        person.link(link_with(&server.later_proof("apple", account))).await.unwrap();
    }
    service.unlink(unlink(&google, "apple", "a1")).await.unwrap();
    service.unlink(release(&google, "apple", "a2")).await.unwrap();
}

async fn change(server: &TestServer) {
    let service = server.service();
    let [google, github] =
        [service.owner("google-oauth2", "g").await, service.owner("github", "h").await];
    let update = |blocked| service.update_user(block(&google, blocked));
    update(true).await.unwrap();
    update(false).await.unwrap();
    service
        .merge_metadata(pb::MergeMetadataRequest {
            user_id: google.clone(),
            source: Some(Source::SourceUserId(github.clone())),
            user_metadata: merge_default(),
            ..Default::default()
        })
        .await
        .unwrap();
    service.link(link_user(&google, &github)).await.unwrap();
    service
        .set_primary_identity(pb::SetPrimaryIdentityRequest {
            user_id: google,
            identity: identity_ref("github", "h"),
            ..Default::default()
        })
        .await
        .unwrap();
}

/// Sign-ins of a new account, a known one, one that an email links, and one that is asked.
async fn sign_in(server: &TestServer) {
    let service = server.service();
    let sign_in = async |provider: &str, subject: &str, email: &str| {
        let account = pb::ProvenAccount {
            identity_ref: identity_ref(provider, subject),
            email: email.to_owned(),
            email_verified: true,
            profile_data: object(json!({ "name": subject })),
            ..Default::default()
        };
        service.resolve_sign_in(sign_in_with(account)).await.unwrap().decision.unwrap()
    };
    sign_in("google-oauth2", "new", "ben@example.com").await;
    sign_in("google-oauth2", "new", "ben@example.net").await;
    sign_in("github", "linked", "ben@example.net").await;
    let ticket = sign_in("apple", "asked", "ben@example.net").await.ticket;
    let proof = Some(Proof::SignInTicket(ticket));
    service
        .resolve_sign_in(pb::ResolveSignInRequest { proof, ..Default::default() })
        .await
        .unwrap();
}

/// A flow to sign in and one to link, at a provider.
async fn flow(server: &TestServer) {
    let token = Token::of("sms", "s").sign();
    flows::sign_in(server, "fake").await.unwrap();
    let begun = server.service().start_sign_in(flows::to_link("fake", &token)).await.unwrap();
    let request = pb::CompleteSignInRequest { user_token: token, ..flows::come_back(&begun).await };
    server.service().complete_sign_in(request).await.unwrap();
}

async fn read(server: &TestServer) {
    let service = server.service();
    let google = service.owner("google-oauth2", "g").await;
    service.get_user(get(&google)).await.unwrap();
    service.find_by_email(by_email("ann@example.com")).await.unwrap();
    service.resolve_users(resolve([google.as_str()])).await.unwrap();
    service.list_links(links_of(&google)).await.unwrap();
    // No link matches, so the page reads as many as it may.
    let by_operator = pb::Actor { kind: pb::actor::Kind::Operator.into(), ..Default::default() };
    let filter = pb::LinkFilter { actor: Some(by_operator), ..Default::default() };
    let page = pb::ListLinksRequest { filter: Some(filter), ..Default::default() };
    assert_eq!(service.list_links(page).await.unwrap().links, []);
    let candidates = pb::ListLinkCandidatesRequest { user_id: google };
    service.list_link_candidates(candidates).await.unwrap();
    let page = pb::ListUsersRequest { page_size: 50, ..Default::default() };
    service.list_users(page).await.unwrap();
    let page = pb::ListEventsRequest { page_size: 50, ..list_from(pb::FeedEnd::Oldest) };
    service.list_events(page).await.unwrap();
}

/// Deletes a user that has absorbed, linked and released others, and the user of a flow.
async fn delete_users(server: &TestServer) {
    let service = server.service();
    service.delete(&service.owner("google-oauth2", "g").await).await;
    service.delete(&service.owner("sms", "s").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_reads_few_rows_and_pages_however_many_users_there_are() {
    let database = cluster().db_migrated().await;
    database.db_populate(USERS).await;
    database.db_execute(NO_AUTOVACUUM).await;
    let mut meter = Meter::of(database.clone()).await;
    let large = ["users", "identities", "links", "events", "request_ids", "tombstones"];
    assert!(
        large.iter().all(|table| meter.large.contains(&(*table).to_owned())),
        "{:?}",
        meter.large
    );
    let fake = FakeOidc::start(json!({"sub": "alice", "email": "alice@example.com"})).await;
    let provider = flows::oidc("fake", &fake.issuer);

    let created = meter.call("CreateUser", "", create).await;
    assert!(created.contains_key("users_pkey"), "the reads are seen: {created:?}");
    meter.call("Link and Unlink", "", link_and_unlink).await;
    database.db_execute(LONG_HISTORY).await;
    meter.call("Link and Unlink once more", "", link_once_more).await;
    meter.call("Link and UndoLink", "", link_and_undo).await;
    meter.call("Link of an account without a user, and its release", "", attach).await;
    meter.call("UpdateUser, MergeMetadata, SetPrimaryIdentity", "", change).await;
    meter.call("ResolveSignIn", "", sign_in).await;
    meter.call("CompleteSignIn", &provider, flow).await;
    meter.call("reads", "", read).await;
    meter.call("DeleteUser", &provider, delete_users).await;
    // Each server sweeps when it starts.
    meter.call("the sweep", "", async |_| ()).await;
    let file = config_file(&database, |toml| toml);
    let purge =
        async || assert_eq!(run(&["purge", "--config", file.to_str().unwrap()]).code, Some(0));
    meter.work("purge", purge).await;
    assert_eq!(meter.too_much, [""; 0], "{:#?}", meter.too_much);

    database.db_execute(KEY_WITHOUT_INDEX).await;
    meter.call("CreateUser", "", create_pair).await;
    meter.call("Link and Unlink", "", link_and_unlink).await;
    assert_eq!(meter.too_much.len(), 1, "{:#?}", meter.too_much);
    assert!(meter.too_much[0].starts_with("Link and Unlink: notes: "), "{:#?}", meter.too_much);
}
