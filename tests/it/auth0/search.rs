//! Searches for users: by page, to the end, by `q`, by email.

mod clients;
mod order;
mod whose;

use serde_json::{Value, json};

use crate::support::{
    TestServer,
    auth0::{Asker, Said},
};

const USERS: &str = "/api/v2/users";

async fn five(backend: &Asker) {
    for account in 1..=5 {
        backend
            .post(USERS, &json!({"connection": "sms", "user_id": account.to_string()}))
            .await
            .ok();
    }
}

fn ids(users: &Value) -> String {
    let ids = users.as_array().unwrap().iter().map(|user| user["user_id"].as_str().unwrap());
    ids.collect::<Vec<_>>().join(" ")
}

fn in_short(said: &Said) -> String {
    if said.status.is_success() { ids(&said.body) } else { said.refused() }
}

#[tokio::test]
async fn pages_have_numbers_up_to_the_thousandth_user() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    five(&backend).await;
    let mut told = Vec::new();
    for query in [
        "",
        "page=0&per_page=2",
        "page=1&per_page=2",
        "page=2&per_page=2",
        "page=3&per_page=2",
        "per_page=0",
        "page=9&per_page=100",
        "page=10&per_page=100",
        "page=999&per_page=1",
        "page=1000&per_page=1",
        "page=1001&per_page=1",
    ] {
        let said = backend.get(&format!("{USERS}?{query}")).await;
        told.push(format!("{query} -> {}", in_short(&said)).trim_end().to_owned());
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
         -> sms|1 sms|2 sms|3 sms|4 sms|5
        page=0&per_page=2 -> sms|1 sms|2
        page=1&per_page=2 -> sms|3 sms|4
        page=2&per_page=2 -> sms|5
        page=3&per_page=2 ->
        per_page=0 ->
        page=9&per_page=100 ->
        page=10&per_page=100 -> 400 invalid_paging You can only page through the first 1000 records. Use from and take to see all of them.
        page=999&per_page=1 ->
        page=1000&per_page=1 -> 400 invalid_paging You can only page through the first 1000 records. Use from and take to see all of them.
        page=1001&per_page=1 -> 400 invalid_paging You can only page through the first 1000 records. Use from and take to see all of them.
    "#);

    let mut counted =
        backend.get(&format!("{USERS}?page=1&per_page=2&include_totals=true")).await.ok();
    assert_eq!(ids(&counted["users"].take()), "sms|3 sms|4");
    assert_eq!(counted, json!({"start": 2, "limit": 2, "length": 2, "total": 5, "users": null}));
    let plain = backend.get(&format!("{USERS}?include_totals=false")).await.ok();
    assert!(plain.is_array());
}

/// Page numbers reach a thousand users, which is also the most that is counted. `from` reaches the
/// rest.
#[tokio::test]
async fn what_lies_behind_the_thousandth_user_is_reached_by_going_on_only() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    let many = "INSERT INTO users (tenant_id, id, create_time, update_time, primary_provider, primary_subject) \
                SELECT 'default', 'sms|' || n, now(), now(), 'sms', n::text FROM generate_series(1001, 2005) n; \
                INSERT INTO identities (tenant_id, provider, subject, owner_id, home_id, ordinal, connection, social, \
                  attach_time) \
                SELECT 'default', 'sms', n::text, 'sms|' || n, 'sms|' || n, 0, 'sms', false, now() \
                FROM generate_series(1001, 2005) n";
    server.database.db_execute(many).await;

    let counted =
        backend.get(&format!("{USERS}?include_totals=true&page=333&per_page=3")).await.ok();
    // The last page that can be reached ends where the rest begins.
    assert_eq!((&counted["total"], ids(&counted["users"]).as_str()), (&json!(1000), "sms|2000"));
    let beyond = backend.get(&format!("{USERS}?page=334&per_page=3")).await;
    insta::assert_snapshot!(beyond.refused(), @"400 invalid_paging You can only page through the first 1000 records. Use from and take to see all of them.");

    let (mut query, mut taken) = ("take=100".to_owned(), 0);
    loop {
        let said = backend.get(&format!("{USERS}?{query}&fields=user_id")).await.ok();
        taken += said["users"].as_array().unwrap().len();
        let Some(next) = said.get("next") else { break };
        query = format!("take=100&from={}", next.as_str().unwrap());
    }
    assert_eq!(taken, 1005);
}

#[tokio::test]
async fn taking_goes_on_to_the_end() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    five(&backend).await;
    let mut pages = Vec::new();
    let mut query = "take=2".to_owned();
    let mut tokens = Vec::new();
    loop {
        let said = backend.get(&format!("{USERS}?{query}&fields=user_id")).await.ok();
        pages.push(ids(&said["users"]));
        let Some(next) = said.get("next") else { break };
        tokens.push(next.as_str().unwrap().to_owned());
        query = format!("take=2&from={}", tokens.last().unwrap());
    }
    assert_eq!(pages, ["sms|1 sms|2", "sms|3 sms|4", "sms|5"]);
    // The last page is no less whole for being full.
    let all = backend.get(&format!("{USERS}?take=5")).await.ok();
    assert_eq!(
        (ids(&all["users"]).as_str(), all.get("next")),
        ("sms|1 sms|2 sms|3 sms|4 sms|5", None)
    );

    // A `next` is valid only for its own search.
    let foreign = backend.get(&format!("{USERS}?q=email_verified:true&from={}", tokens[0])).await;
    insta::assert_snapshot!(foreign.refused(), @"400 invalid_query_string Query validation error: 'from: is not a page token of this query'.");
    let (first, rest) = tokens[0].split_at(1);
    let forged = format!("{}{rest}", if first == "A" { "B" } else { "A" });
    assert_eq!(backend.get(&format!("{USERS}?from={forged}")).await.status, 400);
}

/// Ann, who has two identities; Bob, whose email is not verified; and a user without an email.
async fn people(backend: &Asker) {
    for user in [
        json!({"connection": "google-oauth2", "user_id": "ann", "email": "Ann@Example.com", "email_verified": true}),
        json!({"connection": "sms", "user_id": "1", "email": "phone@example.com", "email_verified": true}),
        json!({"connection": "github", "user_id": "bob", "email": "ann@example.com"}),
        json!({"connection": "github", "user_id": "a\"b"}),
    ] {
        backend.post(USERS, &user).await.ok();
    }
    let sms = json!({"provider": "sms", "user_id": "1"});
    backend.post("/api/v2/users/google-oauth2|ann/identities", &sms).await.ok();
}

#[tokio::test]
async fn a_q_finds_the_users_that_it_describes() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    people(&backend).await;
    let mut told = Vec::new();
    for q in [
        "email:\"ann@example.com\"",
        "email:\"ANN@EXAMPLE.COM\" AND email_verified:true",
        "email:\"ann@example.com\" AND -email_verified:true",
        "email:\"ann@example.com\" NOT user_id:\"github|bob\"",
        "email.raw:\"Ann@Example.com\"",
        "email.raw:\"ann@example.com\" -user_id:\"sms|1\"",
        "email:\"ann@example.com\" -email.raw:\"Ann@Example.com\"",
        "email.raw:(\"Ann@Example.com\" OR \"bob@example.com\")",
        "email:ann*",
        "email:ANN@exam* -user_id:github|bob",
        "email:phone*",
        "email:anne*",
        "email:\"phone@example.com\"",
        "email_verified:true",
        "email_verified:false",
        "user_id:\"github|bob\"",
        "user_id:\"sms|1\"",
        "identities.provider:\"sms\"",
        "identities.provider:\"github\"",
        "identities.user_id:\"1\"",
        "identities.user_id:\"a\\\"b\"",
        "identities.provider:\"google-oauth2\" AND identities.user_id:\"1\"",
        "identities.connection:\"sms\"",
        "connection:\"sms\" AND identities.provider:\"google-oauth2\"",
        "-identities.connection:\"sms\"",
        "-identities.provider:\"github\"",
        "user_id:\"not an id\"",
        "email:\"ann@example.com\" OR user_id:\"google-oauth2|ann\"",
        "user_id:(github|bob OR github|nobody OR sms|1)",
        "(email:\"ann@example.com\" OR email:\"bob@example.com\") AND email_verified:true",
        "(email:\"ann@example.com\")",
        "name:\"ann\"",
        "phone_number:\"+1\"",
        "email:*",
        "email:an*",
        "email:*ann",
        "user_id:github*",
        "ann",
        "email:\"ann@example.com\" OR email:\"bob@example.com\" AND email_verified:true",
        "email:\"ann@example.com\" OR email_verified:true",
        "email:\"ann@example.com\" email_verified:true",
    ] {
        let encoded: String = q.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let said = backend.get(&format!("{USERS}?search_engine=v3&q={encoded}")).await;
        told.push(format!("{q} -> {}", in_short(&said)).trim_end().to_owned());
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
        email:"ann@example.com" -> github|bob google-oauth2|ann
        email:"ANN@EXAMPLE.COM" AND email_verified:true -> google-oauth2|ann
        email:"ann@example.com" AND -email_verified:true -> github|bob
        email:"ann@example.com" NOT user_id:"github|bob" -> google-oauth2|ann
        email.raw:"Ann@Example.com" -> google-oauth2|ann
        email.raw:"ann@example.com" -user_id:"sms|1" -> github|bob
        email:"ann@example.com" -email.raw:"Ann@Example.com" -> github|bob
        email.raw:("Ann@Example.com" OR "bob@example.com") -> google-oauth2|ann
        email:ann* -> github|bob google-oauth2|ann
        email:ANN@exam* -user_id:github|bob -> google-oauth2|ann
        email:phone* ->
        email:anne* ->
        email:"phone@example.com" ->
        email_verified:true -> google-oauth2|ann
        email_verified:false -> github|bob
        user_id:"github|bob" -> github|bob
        user_id:"sms|1" ->
        identities.provider:"sms" -> google-oauth2|ann
        identities.provider:"github" -> github|a"b github|bob
        identities.user_id:"1" -> google-oauth2|ann
        identities.user_id:"a\"b" -> github|a"b
        identities.provider:"google-oauth2" AND identities.user_id:"1" ->
        identities.connection:"sms" -> google-oauth2|ann
        connection:"sms" AND identities.provider:"google-oauth2" ->
        -identities.connection:"sms" -> github|a"b github|bob
        -identities.provider:"github" -> google-oauth2|ann
        user_id:"not an id" ->
        email:"ann@example.com" OR user_id:"google-oauth2|ann" -> github|bob google-oauth2|ann
        user_id:(github|bob OR github|nobody OR sms|1) -> github|bob
        (email:"ann@example.com" OR email:"bob@example.com") AND email_verified:true -> google-oauth2|ann
        (email:"ann@example.com") -> github|bob google-oauth2|ann
        name:"ann" -> 400 invalid_query_string Query validation error: 'q: has the field `name`, which has no index; supported are user_id:"…", email:"…", email:jan* (three characters or more), email.raw:"…" (case-sensitive), email_verified:true, identities.provider:"…", identities.user_id:"…" and identities.connection:"…", joined by AND, with a leading - to exclude one; user_id, email and email.raw have an index: OR joins their terms too, in parentheses beside other terms'.
        phone_number:"+1" -> 400 invalid_query_string Query validation error: 'q: has the field `phone_number`, which has no index; supported are user_id:"…", email:"…", email:jan* (three characters or more), email.raw:"…" (case-sensitive), email_verified:true, identities.provider:"…", identities.user_id:"…" and identities.connection:"…", joined by AND, with a leading - to exclude one; user_id, email and email.raw have an index: OR joins their terms too, in parentheses beside other terms'.
        email:* -> 400 invalid_query_string Query validation error: 'q: has the value `*`, which is neither quoted nor a plain word; supported are user_id:"…", email:"…", email:jan* (three characters or more), email.raw:"…" (case-sensitive), email_verified:true, identities.provider:"…", identities.user_id:"…" and identities.connection:"…", joined by AND, with a leading - to exclude one; user_id, email and email.raw have an index: OR joins their terms too, in parentheses beside other terms'.
        email:an* -> 400 invalid_query_string Query validation error: 'q: has a * after fewer than 3 ASCII characters; supported are user_id:"…", email:"…", email:jan* (three characters or more), email.raw:"…" (case-sensitive), email_verified:true, identities.provider:"…", identities.user_id:"…" and identities.connection:"…", joined by AND, with a leading - to exclude one; user_id, email and email.raw have an index: OR joins their terms too, in parentheses beside other terms'.
        email:*ann -> 400 invalid_query_string Query validation error: 'q: has the value `*ann`, which is neither quoted nor a plain word; supported are user_id:"…", email:"…", email:jan* (three characters or more), email.raw:"…" (case-sensitive), email_verified:true, identities.provider:"…", identities.user_id:"…" and identities.connection:"…", joined by AND, with a leading - to exclude one; user_id, email and email.raw have an index: OR joins their terms too, in parentheses beside other terms'.
        user_id:github* -> 400 invalid_query_string Query validation error: 'q: has a * in user_id: only an email can be found by its beginning, and no excluded term has a *; supported are user_id:"…", email:"…", email:jan* (three characters or more), email.raw:"…" (case-sensitive), email_verified:true, identities.provider:"…", identities.user_id:"…" and identities.connection:"…", joined by AND, with a leading - to exclude one; user_id, email and email.raw have an index: OR joins their terms too, in parentheses beside other terms'.
        ann -> 400 invalid_query_string Query validation error: 'q: has `ann` where a field and a colon are expected; supported are user_id:"…", email:"…", email:jan* (three characters or more), email.raw:"…" (case-sensitive), email_verified:true, identities.provider:"…", identities.user_id:"…" and identities.connection:"…", joined by AND, with a leading - to exclude one; user_id, email and email.raw have an index: OR joins their terms too, in parentheses beside other terms'.
        email:"ann@example.com" OR email:"bob@example.com" AND email_verified:true -> 400 invalid_query_string Query validation error: 'q: joins terms by OR beside other terms: put the terms that OR joins in parentheses; supported are user_id:"…", email:"…", email:jan* (three characters or more), email.raw:"…" (case-sensitive), email_verified:true, identities.provider:"…", identities.user_id:"…" and identities.connection:"…", joined by AND, with a leading - to exclude one; user_id, email and email.raw have an index: OR joins their terms too, in parentheses beside other terms'.
        email:"ann@example.com" OR email_verified:true -> 400 invalid_query_string Query validation error: 'q: has email_verified beside OR, which no index covers; supported are user_id:"…", email:"…", email:jan* (three characters or more), email.raw:"…" (case-sensitive), email_verified:true, identities.provider:"…", identities.user_id:"…" and identities.connection:"…", joined by AND, with a leading - to exclude one; user_id, email and email.raw have an index: OR joins their terms too, in parentheses beside other terms'.
        email:"ann@example.com" email_verified:true -> 400 invalid_query_string Query validation error: 'q: continues with `email_verified:true` where AND, OR or the end is expected; supported are user_id:"…", email:"…", email:jan* (three characters or more), email.raw:"…" (case-sensitive), email_verified:true, identities.provider:"…", identities.user_id:"…" and identities.connection:"…", joined by AND, with a leading - to exclude one; user_id, email and email.raw have an index: OR joins their terms too, in parentheses beside other terms'.
    "#);
}

/// Users with a verified email come first.
#[tokio::test]
async fn an_email_finds_the_users_whose_first_identity_has_it() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    people(&backend).await;
    for email in ["ann@example.com", "ANN@EXAMPLE.COM", "%61nn%40example.com"] {
        let found = backend.get(&format!("/api/v2/users-by-email?email={email}")).await;
        assert_eq!(in_short(&found), "google-oauth2|ann github|bob", "{email}");
    }
    for email in ["phone@example.com", "nobody@example.com", "ann@example.co"] {
        let found = backend.get(&format!("/api/v2/users-by-email?email={email}")).await.ok();
        assert_eq!(found, json!([]), "{email}");
    }
}
