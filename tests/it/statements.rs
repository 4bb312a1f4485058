//! How many statements a call costs, and how they find their rows.

mod auth0;
mod duplicates;
mod growth;
mod imports;
mod plans;
mod round_trips;
mod search;
mod sign_in;

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    time::Duration,
};

use identity_link::grpc::proto::{
    CreateUserRequest, FindByEmailRequest, FindByIdentityRequest, GetUserRequest, LinkRecord,
    LinkRequest, NewIdentity, ResolveUsersRequest, UndoLinkRequest, UnlinkRequest,
    UpdateUserRequest, User,
    metadata_merge::{Arrays, Conflict},
};
use serde_json::json;
use tonic::Status;

use crate::support::{
    cluster::{Database, cluster},
    tokens::Token,
    *,
};

/// A server with one connection to its database, which logs every statement.
async fn logged_server() -> TestServer {
    logged_server_with("").await
}

/// The same, with more of a configuration.
async fn logged_server_with(more: &str) -> TestServer {
    logged_server_on(cluster().db_migrated().await, |toml| toml + more).await
}

/// The same on this database, with a changed configuration.
async fn logged_server_on(database: Database, change: impl FnOnce(String) -> String) -> TestServer {
    database
        .db_execute(&format!("ALTER DATABASE {} SET log_statement = 'all'", database.name))
        .await;
    let mut log = File::open(&cluster().log_file).unwrap();
    log.seek(SeekFrom::End(0)).unwrap();
    let server = TestServer::start_with(database, |toml| {
        let one = toml.replace("max_connections = 8", "max_connections = 1");
        assert_ne!(one, toml);
        // Without the look for jobs, which comes now and then.
        change(one) + "[jobs]\nat_once = 0\n"
    })
    .await;
    until_swept(&server, log).await;
    server
}

/// The statement that checks whether the database is there and has its schema, on a connection beside
/// the pool, and once at the start. No call costs it.
const PRESENCE: &str = "FROM __diesel_schema_migrations";
/// What each new connection asks: whether the database bounds what it does.
const BOUNDS: &str = "AS name WHERE current_setting(name)";
/// What a connection of a certain age sends ahead of its next statement.
const NEW_PLANS: &str = "DISCARD PLANS";

/// Returns after the first sweep has ended, which shares the one connection, and after the
/// connection beside the pool is set up. The sweep ends with the events of the last of three
/// tenants.
async fn until_swept(server: &TestServer, mut log: File) {
    let ours = format!("{}|", server.database.name);
    let mut text = String::new();
    let is_swept = |text: &str| {
        let said = |what: &str| {
            text.lines().filter(|line| line.starts_with(&ours) && line.contains(what)).count()
        };
        said("event_time FROM events WHERE tenant_id") >= 3 && said(PRESENCE) >= 2
    };
    let swept = async {
        while !is_swept(&text) {
            tokio::task::yield_now().await;
            let mut more = Vec::new();
            log.read_to_end(&mut more).unwrap();
            text.push_str(&String::from_utf8_lossy(&more));
        }
    };
    tokio::time::timeout(Duration::from_secs(30), swept).await.expect("the server should sweep");
}

/// Makes a call, which must succeed. Returns the statements that it cost.
async fn statements<T>(
    server: &TestServer,
    call: impl Future<Output = Result<T, Status>>,
) -> Vec<String> {
    let mut statements = all_statements(server, call).await;
    statements.retain(|said| ![PRESENCE, BOUNDS, NEW_PLANS].iter().any(|own| said.contains(own)));
    statements
}

/// The same, and what its connection or the server itself sent. Postgres logs each statement before
/// it executes it.
async fn all_statements<T>(
    server: &TestServer,
    call: impl Future<Output = Result<T, Status>>,
) -> Vec<String> {
    let mut log = File::open(&cluster().log_file).unwrap();
    log.seek(SeekFrom::End(0)).unwrap();
    call.await.unwrap();
    // A line of another test may be half written.
    let mut text = Vec::new();
    log.read_to_end(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text);
    let ours = format!("{}|", server.database.name);
    text.lines()
        .filter(|line| line.starts_with(&ours))
        .filter_map(|line| line.split_once("|LOG:  "))
        // The feed and the jobs have connections of their own, on which they look now and then.
        .filter(|(of, _)| {
            !of.ends_with("|identity-link feed") && !of.ends_with("|identity-link jobs")
        })
        .filter(|(_, said)| said.starts_with("statement: ") || said.starts_with("execute "))
        .map(|(_, said)| said.to_owned())
        .collect()
}

/// The same on a warmed connection, for a call that can be repeated.
async fn warm_statements<T, F>(server: &TestServer, call: impl Fn() -> F) -> Vec<String>
where
    F: Future<Output = Result<T, Status>>,
{
    for _ in 0..2 {
        call().await.unwrap();
    }
    statements(server, call()).await
}

#[track_caller]
fn assert_costs(allowed: std::ops::RangeInclusive<usize>, statements: &[String]) {
    let (count, list) = (statements.len(), statements.join("\n"));
    assert!(allowed.contains(&count), "{count} statements instead of {allowed:?}:\n{list}");
}

/// A user that has absorbed 29 users and has 30 identities, which all have one email.
async fn big_user(server: &TestServer) -> User {
    let service = server.service();
    let mut users = Vec::new();
    for i in 0..30 {
        let identity = NewIdentity {
            identity_ref: identity_ref("github", &format!("big-{i}")),
            email: "big@example.com".to_owned(),
            email_verified: true,
            ..Default::default()
        };
        users.push(
            service.create_with("github", "", |request| request.identity = Some(identity)).await,
        );
    }
    for user in &users[1..] {
        service.link(link_user(&users[0].id, &user.id)).await.unwrap();
    }
    service.user(&users[0].id).await
}

#[tokio::test]
async fn a_service_reads_in_one_statement() {
    let server = logged_server().await;
    let service = server.service();
    let big = big_user(&server).await;
    assert_eq!(big.identities.len(), 30);

    let get = || service.get_user(GetUserRequest { user_id: big.id.clone() });
    assert_costs(1..=1, &warm_statements(&server, get).await);

    let find = || {
        service
            .find_by_identity(FindByIdentityRequest { identity: identity_ref("github", "big-7") })
    };
    assert_costs(1..=1, &warm_statements(&server, find).await);

    let email = FindByEmailRequest { email: "Big@example.com".to_owned(), ..Default::default() };
    assert_eq!(service.find_by_email(email.clone()).await.unwrap().matches[0].identities.len(), 30);
    assert_costs(1..=1, &warm_statements(&server, || service.find_by_email(email.clone())).await);

    let resolve =
        |user_ids| async { service.resolve_users(ResolveUsersRequest { user_ids }).await };
    let known = vec![big.id.clone(); 500];
    assert_costs(1..=1, &warm_statements(&server, || resolve(known.clone())).await);
    // One more finds out which ids are of deleted users.
    let unknown = (0..499).map(|i| format!("usr_{i}"));
    let with_unknown: Vec<String> = unknown.chain([big.id.clone()]).collect();
    assert_costs(2..=2, &warm_statements(&server, || resolve(with_unknown.clone())).await);
}

#[tokio::test]
async fn a_user_reads_in_two_statements_at_most() {
    let server = logged_server().await;
    let big = big_user(&server).await;

    let by_identity = server.person("github", "big-7");
    let get = || by_identity.get_user(GetUserRequest::default());
    assert_eq!(get().await.unwrap().user.unwrap(), big);
    assert_costs(1..=2, &warm_statements(&server, get).await);

    let by_id = server.caller(&Token::of("users", &big.id));
    let get = || by_id.get_user(GetUserRequest { user_id: big.id.clone() });
    assert_costs(1..=2, &warm_statements(&server, get).await);
}

/// An open transaction would keep the pool from lending the connection again.
#[tokio::test]
async fn a_retry_that_is_found_under_the_locks_gives_its_connection_back() {
    let one = |toml: String| toml.replace("max_connections = 8", "max_connections = 1");
    let server = TestServer::start_with(cluster().db_migrated().await, one).await;
    let service = server.service();
    let identity = NewIdentity { identity_ref: identity_ref("github", "r1"), ..Default::default() };
    let request_id = uuid::Uuid::new_v4().to_string();
    let create = CreateUserRequest { identity: Some(identity), request_id, ..Default::default() };
    let created = service.create_user(create.clone()).await.unwrap();
    let connections = async || {
        let of_calls = "SELECT pid::text FROM pg_stat_activity \
            WHERE datname = current_database() AND application_name = 'identity-link' AND pid <> pg_backend_pid()";
        server.database.db_texts(of_calls).await
    };
    let before = connections().await;

    assert_eq!(service.create_user(create).await.unwrap(), created);
    service.user(&created.user.unwrap().id).await;

    assert_eq!(connections().await, before);
}

#[tokio::test]
async fn a_request_id_costs_one_statement() {
    let server = logged_server().await;
    let service = server.service();
    let big = big_user(&server).await;
    let person = server.person("google-oauth2", "g");
    let google = service.create("google-oauth2", "g").await;
    let (primary, big) = (google.id.as_str(), big.id.as_str());
    let id = || uuid::Uuid::new_v4().to_string();
    // Prepares the statement that stores a response.
    service
        .update_user(UpdateUserRequest { request_id: id(), ..block(primary, false) })
        .await
        .unwrap();

    let link = LinkRequest { request_id: id(), ..link_with(&Token::of("github", "big-3").sign()) };
    assert_costs(11..=11, &statements(&server, person.link(link.clone())).await);
    assert_costs(1..=1, &statements(&server, person.link(link)).await);

    // The link changed no metadata, so its end rewrites no later link.
    let request = UnlinkRequest { request_id: id(), ..unlink(primary, "github", "big-0") };
    assert_costs(1..=11, &statements(&server, service.unlink(request.clone())).await);
    assert_costs(1..=1, &statements(&server, service.unlink(request)).await);
    assert_eq!(service.user(big).await.id, big);

    // That unlink has withdrawn the person's tokens.
    let person = server.person("google-oauth2", "g");
    let link = LinkRequest { request_id: id(), ..link_with(&Token::of("sms", "new").sign()) };
    assert_costs(1..=11, &statements(&server, person.link(link)).await);
    let request = UnlinkRequest { request_id: id(), ..unlink("", "sms", "new") };
    assert_costs(1..=11, &statements(&server, person.unlink(request)).await);

    let link =
        person.link(link_with(&Token::of("github", "big-1").sign())).await.unwrap().link.unwrap();
    let request = UndoLinkRequest { link_id: link.id, request_id: id(), ..Default::default() };
    assert_costs(1..=11, &statements(&server, person.undo_link(request.clone())).await);
    assert_costs(1..=1, &statements(&server, person.undo_link(request)).await);
}

#[tokio::test]
async fn rewriting_later_links_costs_one_statement() {
    let server = logged_server().await;
    let service = server.service();
    let id = || uuid::Uuid::new_v4().to_string();
    let with = |lang: &str| {
        let metadata = object(json!({ "lang": lang }));
        move |request: &mut CreateUserRequest| request.user_metadata = metadata
    };
    let primary = service.create("google-oauth2", "g").await.id;
    let mut links = Vec::new();
    for (subject, lang) in [("h1", "en"), ("h2", "de"), ("h3", "fr"), ("h4", "it")] {
        let secondary = service.create_with("github", subject, with(lang)).await.id;
        let user_metadata = merge(Conflict::SecondaryWins, Arrays::Union);
        let request =
            LinkRequest { user_metadata, request_id: id(), ..link_user(&primary, &secondary) };
        links.push(service.link(request).await.unwrap().link.unwrap().id);
    }
    let rewritten = |statements: &[String]| {
        statements.iter().any(|said| said.contains("UPDATE links l SET changes"))
    };

    let request = UnlinkRequest { request_id: id(), ..unlink(&primary, "github", "h1") };
    let unlinked = statements(&server, service.unlink(request)).await;
    let request =
        UndoLinkRequest { link_id: links[1].clone(), request_id: id(), ..Default::default() };
    let undone = statements(&server, service.undo_link(request)).await;

    for statements in [unlinked, undone] {
        assert!(rewritten(&statements), "{statements:?}");
        assert_costs(1..=12, &statements);
    }
}

#[tokio::test]
async fn linking_unlinking_and_undoing_cost_ten_statements_at_most() {
    let server = logged_server().await;
    let service = server.service();
    // Each of these links also warms the connection.
    let big = big_user(&server).await;
    let person = server.person("google-oauth2", "g");
    let google = service.create("google-oauth2", "g").await;
    service.unlink(unlink(&big.id, "github", "big-29")).await.unwrap();

    // The secondary user has absorbed others, which are repointed to the primary user.
    let token = Token::of("github", "big-3").sign();
    let linked = statements(&server, person.link(link_with(&token))).await;
    assert_eq!(service.user(&big.id).await.id, google.id);
    assert_costs(1..=10, &linked);

    // The first user that comes back had absorbed none, the second one had.
    assert_costs(1..=10, &statements(&server, person.unlink(unlink("", "github", "big-5"))).await);
    assert_costs(
        1..=10,
        &statements(&server, service.unlink(unlink(&google.id, "github", "big-0"))).await,
    );
    assert_eq!(service.user(&big.id).await.id, big.id);

    // A link by a service without a proof.
    let linked =
        statements(&server, service.link(link_identity(&google.id, "github", "big-0"))).await;
    assert_costs(1..=10, &linked);

    // The service's unlink has withdrawn the person's tokens.
    let person = server.person("google-oauth2", "g");

    // An account that no user owns is attached, and later becomes a user of its own.
    let token = Token::of("sms", "new").sign();
    assert_costs(1..=10, &statements(&server, person.link(link_with(&token))).await);
    assert_costs(1..=10, &statements(&server, person.unlink(unlink("", "sms", "new"))).await);

    // Such an account is released. After that its holder releases an account whose user it
    // absorbed.
    person.link(link_with(&Token::of("sms", "phone").sign())).await.unwrap();
    assert_costs(1..=10, &statements(&server, person.unlink(release("", "sms", "phone"))).await);
    service.create("sms", "other").await;
    service.link(link_identity(&google.id, "sms", "other")).await.unwrap();
    assert_costs(
        1..=10,
        &statements(&server, service.unlink(release(&google.id, "sms", "other"))).await,
    );
    let person = server.person("google-oauth2", "g");

    // A whole link is undone, by a person and by a service.
    let undo = |link: Option<LinkRecord>| UndoLinkRequest {
        link_id: link.unwrap().id,
        ..Default::default()
    };
    let link = person.link(link_with(&Token::of("github", "big-1").sign())).await.unwrap().link;
    assert_costs(1..=10, &statements(&server, person.undo_link(undo(link))).await);
    let link = service.link(link_identity(&google.id, "github", "big-1")).await.unwrap().link;
    assert_costs(1..=10, &statements(&server, service.undo_link(undo(link))).await);

    // A link that attached an account is undone.
    let person = server.person("google-oauth2", "g");
    let link = person.link(link_with(&Token::of("sms", "newer").sign())).await.unwrap().link;
    assert_costs(1..=10, &statements(&server, person.undo_link(undo(link))).await);

    // The same link again: there is nothing to do.
    let again =
        statements(&server, service.link(link_identity(&google.id, "github", "big-0"))).await;
    assert_costs(1..=10, &again);
}
