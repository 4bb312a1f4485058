//! `GET /connections`: Auth0's clients look a connection up before they import users into it.

use identity_link::grpc::proto as pb;
use serde_json::{Value, json};

use crate::support::{
    TestServer,
    auth0::{AUTH0, Asker},
    cluster::cluster,
    refusal,
    tokens::Token,
};

const PATH: &str = "/api/v2/connections";
const DATABASE: &str = "Username-Password-Authentication";
/// All connections of the tenant `default`: `myspace` is disabled, and `auth0` lists one.
const ALL: [&str; 12] = [
    DATABASE,
    "acme",
    "ad",
    "apple",
    "bulk",
    "github",
    "github2",
    "google-oauth2",
    "okta",
    "p",
    "sms",
    "wallet",
];

fn names(connections: &Value) -> Vec<String> {
    let connections = connections.as_array().unwrap().iter();
    connections.map(|of| of["name"].as_str().unwrap().to_owned()).collect()
}

async fn named(asker: &Asker, query: &str) -> Vec<String> {
    names(&asker.get(&format!("{PATH}?{query}")).await.ok())
}

#[tokio::test]
async fn the_connections_are_those_of_the_enabled_providers() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();

    let all = backend.get(PATH).await.ok();

    assert_eq!(names(&all), ALL);
    assert_eq!(
        all[0],
        json!({
            "id": DATABASE, "name": DATABASE, "strategy": "auth0", "options": {}, "realms": [DATABASE],
            "is_domain_connection": false, "enabled_clients": ["backend"],
        })
    );
    // No secret and no setting is in it.
    let keys = |of: &Value| of.as_object().unwrap().len();
    assert!(all.as_array().unwrap().iter().all(|of| keys(of) == 7), "{all}");
    // A tenant sees its own.
    let other = server.service_of("other");
    let theirs = other.list_connections(Default::default()).await.unwrap().connections;
    let theirs: Vec<&str> = theirs.iter().map(|of| of.name.as_str()).collect();
    assert!(theirs.contains(&"github") && !theirs.contains(&"github2"), "{theirs:?}");
}

#[tokio::test]
async fn a_list_is_filtered_and_paged_as_auth0_has_it() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();

    assert_eq!(named(&backend, "name=sms").await, ["sms"]);
    assert_eq!(named(&backend, "name=SMS").await, [""; 0]);
    assert_eq!(named(&backend, "name=myspace").await, [""; 0]);
    for strategies in [
        "strategy=auth0&strategy=sms",
        "strategy[]=auth0&strategy[]=sms",
        "strategy%5B0%5D=auth0&strategy%5B1%5D=sms&strategy%5B2%5D=email",
    ] {
        assert_eq!(named(&backend, strategies).await, [DATABASE, "sms"], "{strategies}");
    }
    assert_eq!(named(&backend, "strategy=auth0&name=sms").await, [""; 0]);
    assert_eq!(named(&backend, "per_page=5&page=2").await, ALL[10..]);
    assert_eq!(named(&backend, "per_page=5&page=3").await, [""; 0]);
    let counted = backend.get(&format!("{PATH}?per_page=5&page=1&include_totals=true")).await.ok();
    assert_eq!(names(&counted["connections"]), ALL[5..10]);
    let number = |name: &str| counted[name].as_u64().unwrap();
    assert_eq!(["start", "limit", "length", "total"].map(number), [5, 5, 5, 12]);
    let some = backend.get(&format!("{PATH}?name=sms&fields=id,strategy")).await.ok();
    assert_eq!(some, json!([{"id": "sms", "strategy": "sms"}]));
    let rest = format!("{PATH}?name=sms&fields=id,options,realms&include_fields=false");
    let rest = backend.get(&rest).await.ok();
    assert_eq!(rest[0].as_object().unwrap().len(), 4);

    let (mut found, mut from) = (Vec::new(), String::new());
    loop {
        let taken = backend.get(&format!("{PATH}?take=5{from}")).await.ok();
        found.extend(names(&taken["connections"]));
        let Some(next) = taken["next"].as_str() else { break };
        from = format!("&from={next}");
    }
    assert_eq!(found, ALL);

    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListConnectionsRequest { page_size: 5, page_token };
        let page = server.service().list_connections(request).await.unwrap();
        assert!(page.connections.len() <= 5);
        found.extend(page.connections.into_iter().map(|of| of.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found, ALL);
}

#[tokio::test]
async fn a_wrong_list_is_refused_with_all_that_is_wrong() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    let next =
        backend.get(&format!("{PATH}?take=1")).await.ok()["next"].as_str().unwrap().to_owned();
    let mut shown = Vec::new();
    for query in [
        "color=red&per_page=101&page=-1",
        "name=a&name=b",
        "strategy[x]=auth0&strategy[100]=auth0",
        "take=1&page=0",
        "from=nonsense",
        // A token of another query.
        &format!("name=sms&from={next}"),
    ] {
        shown.push(backend.get(&format!("{PATH}?{query}")).await.refused());
    }
    insta::assert_snapshot!(shown.join("\n"), @r"
        400 invalid_query_string Query validation error: 'page: must be a number from 0 to 999999999; per_page: must be a number from 0 to 100; Additional properties not allowed: color'.
        400 invalid_query_string Query validation error: 'name: occurs twice: send it once'.
        400 invalid_query_string Query validation error: 'Additional properties not allowed: strategy[100]; Additional properties not allowed: strategy[x]'.
        400 invalid_query_string Query validation error: 'from, take: cannot be combined with page, per_page and include_totals'.
        400 invalid_query_string Query validation error: 'from: is not a page token of this query'.
        400 invalid_query_string Query validation error: 'from: is not a page token of this query'.
    ");
    let request = pb::ListConnectionsRequest { page_size: -1, page_token: "x".to_owned() };
    insta::assert_snapshot!(refusal(server.service().list_connections(request).await), @r"
        InvalidArgument REQUEST_INVALID
        page_size: must be 0 to 100
        page_token: is not a page token of this query
    ");
}

/// A57: the scopes for users do not show the providers, and this scope shows no user.
#[tokio::test]
async fn connections_have_a_scope_of_their_own() {
    let server = TestServer::start_auth0().await;
    let with = |scope: &str| server.asker(&Token::of("services", "backend").scope(scope));

    let others = with(
        "create:users delete:users export:users import:users jobs:users read:users sign_in:users update:users",
    );
    let refused = others.get(PATH).await.refused();
    assert_eq!(
        refused,
        "403 insufficient_scope Insufficient scope; expected any of: read:connections."
    );
    assert_eq!(named(&with("read:connections"), "name=sms").await, ["sms"]);
    let refused = with("read:connections").get("/api/v2/users").await.refused();
    assert_eq!(refused, "403 insufficient_scope Insufficient scope; expected any of: read:users.");
    let person = server.asker(&Token::of("github", "ann")).get(PATH).await;
    assert_eq!(person.status, 403);
}

/// The requests of Auth0's command line for `auth0 users import`, as its source has them.
#[tokio::test]
async fn the_command_line_of_auth0_imports_users() {
    let database = cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| toml + AUTH0).await;
    let scopes = "import:users read:connections";
    let mover = server.asker(&Token::of("services", "mover").scope(scopes));
    let strategies = "strategy%5B0%5D=auth0&strategy%5B1%5D=email&strategy%5B2%5D=sms";
    let paging = "include_totals=true&per_page=100";

    let offered = mover.get(&format!("{PATH}?{paging}&{strategies}")).await.ok();
    let is_usable = |of: &&Value| !of["enabled_clients"].as_array().unwrap().is_empty();
    let offered: Vec<&Value> =
        offered["connections"].as_array().unwrap().iter().filter(is_usable).collect();
    assert_eq!(offered.len(), 2);
    let query = format!("{PATH}?include_totals=true&per_page=50&name={DATABASE}");
    let chosen = mover.get(&query).await.ok()["connections"][0].clone();
    assert!(is_usable(&&chosen));
    let users = json!([{"user_id": "a1", "email": "a@example.com"}]).to_string();
    let parts: [(&str, &str, &[u8]); 4] = [
        ("connection_id", "", chosen["id"].as_str().unwrap().as_bytes()),
        ("upsert", "", b"false"),
        ("send_completion_email", "", b"true"),
        ("users", "users.json", users.as_bytes()),
    ];
    let job = mover.post_form("/api/v2/jobs/users-imports", &parts).await.ok();
    server.service().done(&format!("operations/{}", job["id"].as_str().unwrap())).await;

    assert_eq!(server.service().user("auth0|a1").await.identities.len(), 1);
}
