//! The parameters that Auth0's clients send with each search by default.

use super::*;

/// Each client's query for a list, and whether the client expects the number of users in the
/// response.
const LISTS: [(&str, &str, bool); 8] = [
    ("auth0 2 to 4 for Node.js, auth0-java 2, auth0-PHP", "", false),
    (
        "auth0 5 for Node.js, auth0-python 5, auth0-java 3, auth0.net 8",
        "page=0&per_page=50&include_totals=true",
        true,
    ),
    ("auth0-python 3 and 4", "per_page=25&page=0&include_totals=true&include_fields=true", true),
    ("auth0.net 7", "page=0&per_page=50&include_totals=false", false),
    ("auth0-java 1", "search_engine=v2", false),
    ("go-auth0 1", "include_totals=true&per_page=50", true),
    (
        "go-auth0 1, with a query",
        "include_totals=true&per_page=50&q=-user_id%3Aa&search_engine=v3",
        true,
    ),
    // This client writes an absent parameter as a name without a value.
    (
        "auth0 5 for Ruby",
        "per_page&page&include_totals&sort&connection&fields&include_fields&q&search_engine",
        false,
    ),
];

#[tokio::test]
async fn what_clients_send_by_default_is_taken() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    people(&backend).await;
    let all = "github|a\"b github|bob google-oauth2|ann";
    for (client, query, is_counted) in LISTS {
        let said = backend.get(&format!("{USERS}?{query}")).await.ok();
        let users = if is_counted { &said["users"] } else { &said };
        assert_eq!(ids(users), all, "{client}");
    }
    for query in
        ["", "&include_fields=true", "&fields&include_fields", "&fields=&include_fields=true"]
    {
        let said = backend
            .get(&format!("/api/v2/users-by-email?email=ann%40example.com{query}"))
            .await
            .ok();
        assert_eq!(ids(&said), "google-oauth2|ann github|bob", "{query}");
        let said = backend.get(&format!("{USERS}/github%7Cbob?{query}")).await.ok();
        assert_eq!(said["user_id"], "github|bob", "{query}");
    }
    // auth0-java 1 sends this with a filter of fields.
    let said = backend
        .get(&format!("{USERS}/github%7Cbob?search_engine=v2&fields=user_id&include_fields=true"))
        .await;
    assert_eq!(said.ok(), json!({"user_id": "github|bob"}));
}

/// The older engines had the parameter `connection`. It has the same effect here.
#[tokio::test]
async fn a_connection_is_asked_for_beside_the_query() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    people(&backend).await;
    let mut told = Vec::new();
    for query in [
        "connection=github",
        "connection=sms&search_engine=v1",
        "connection=Github",
        "connection=nothing&include_totals=true",
        "connection=github&q=email:ann@example.com&sort=created_at:-1",
        "connection=sms&q=identities.provider:github",
        "connection=sms&q=identities.connection:sms",
        "connection=",
        "connection=%00",
        "search_engine=v4",
        "primary_order=maybe",
    ] {
        let said = backend.get(&format!("{USERS}?{query}")).await;
        let short =
            if said.body.get("total").is_some() { said.body.to_string() } else { in_short(&said) };
        told.push(format!("{query} -> {short}").trim_end().to_owned());
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
        connection=github -> github|a"b github|bob
        connection=sms&search_engine=v1 -> google-oauth2|ann
        connection=Github ->
        connection=nothing&include_totals=true -> {"length":0,"limit":50,"start":0,"total":0,"users":[]}
        connection=github&q=email:ann@example.com&sort=created_at:-1 -> github|bob
        connection=sms&q=identities.provider:github ->
        connection=sms&q=identities.connection:sms -> 400 invalid_query_string Query validation error: 'connection: cannot be combined with identities.connection in q'.
        connection= -> 400 invalid_query_string Query validation error: 'connection: must be the name of a connection'.
        connection=%00 -> 400 invalid_query_string Query validation error: 'connection: must be the name of a connection'.
        search_engine=v4 -> 400 invalid_query_string Query validation error: 'search_engine: must be v1, v2 or v3'.
        primary_order=maybe -> 400 invalid_query_string Query validation error: 'primary_order: must be true or false'.
    "#);
}
