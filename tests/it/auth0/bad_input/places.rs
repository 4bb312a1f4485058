//! Paths, queries and methods that lead nowhere.

use http::StatusCode;

use super::*;
use crate::{
    access::stranger,
    support::{auth0::AUTH0, cluster::cluster, tokens::Token},
};

#[tokio::test]
async fn a_path_that_leads_nowhere_is_not_found() {
    let mut refusing = Refusing::start().await;
    for path in [
        "/api/v2",
        "/api/v2/",
        "/api/v2/nothing",
        "/api/v2/users/",
        "/api/v2//users",
        "/api/v2/Users",
        "/api/v2/user%73",
        "/api/v2/users/github%7Cann/",
        "/api/v2/users/github%7Cann/nothing",
        "/api/v2/users/github%7Cann/identities/",
        "/api/v2/users/github%7Cann/identities/sms",
        "/api/v2/users/github%7Cann/../github%7Cbob",
        "/api/v2/openapi.json/",
        "/api/v2/%FF",
    ] {
        refusing.ask(path, request(Method::DELETE, path, &[], "")).await;
    }
    insta::assert_snapshot!(refusing.told().await, @r#"
        /api/v2 -> 404 - Not Found
        /api/v2/ -> 404 - Not Found
        /api/v2/nothing -> 404 - Not Found
        /api/v2/users/ -> 404 - Not Found
        /api/v2//users -> 404 - Not Found
        /api/v2/Users -> 404 - Not Found
        /api/v2/user%73 -> 404 - Not Found
        /api/v2/users/github%7Cann/ -> 404 - Not Found
        /api/v2/users/github%7Cann/nothing -> 404 - Not Found
        /api/v2/users/github%7Cann/identities/ -> 404 - Not Found
        /api/v2/users/github%7Cann/identities/sms -> 404 - Not Found
        /api/v2/users/github%7Cann/../github%7Cbob -> 404 - Not Found
        /api/v2/openapi.json/ -> 404 - Not Found
        /api/v2/%FF -> 404 - Not Found
    "#);
}

/// A path with an id of no user is a 404, and a path that is no valid percent-encoding is a 400.
#[tokio::test]
async fn an_unknown_id_is_not_found() {
    let mut refusing = Refusing::start().await;
    let long = format!("/{}", "x".repeat(2000));
    for id in [
        "/github%7Ccarol",
        "/github|carol",
        "/GitHub%7Cann",
        "/github%7Cann%20",
        "/github%7Cann%00",
        "/github%257Cann",
        "/github%7Cann%2Fidentities",
        "/%20",
        "/%2E%2E",
        "/%",
        "/%7",
        "/%zz",
        "/github%FFann",
        "/github%C3",
        &long,
    ] {
        let what: String = id.chars().take(40).collect();
        refusing.ask(&what, request(Method::GET, &format!("{USERS}{id}"), &[], "")).await;
    }
    insta::assert_snapshot!(refusing.told().await, @r#"
        /github%7Ccarol -> 404 inexistent_user The user does not exist.
        /github|carol -> 404 inexistent_user The user does not exist.
        /GitHub%7Cann -> 404 inexistent_user The user does not exist.
        /github%7Cann%20 -> 404 inexistent_user The user does not exist.
        /github%7Cann%00 -> 404 inexistent_user The user does not exist.
        /github%257Cann -> 404 inexistent_user The user does not exist.
        /github%7Cann%2Fidentities -> 404 inexistent_user The user does not exist.
        /%20 -> 404 inexistent_user The user does not exist.
        /%2E%2E -> 404 inexistent_user The user does not exist.
        /% -> 400 invalid_uri Path validation error: 'it is not UTF-8 in percent-encoding (RFC 3986)'.
        /%7 -> 400 invalid_uri Path validation error: 'it is not UTF-8 in percent-encoding (RFC 3986)'.
        /%zz -> 400 invalid_uri Path validation error: 'it is not UTF-8 in percent-encoding (RFC 3986)'.
        /github%FFann -> 400 invalid_uri Path validation error: 'it is not UTF-8 in percent-encoding (RFC 3986)'.
        /github%C3 -> 400 invalid_uri Path validation error: 'it is not UTF-8 in percent-encoding (RFC 3986)'.
        /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx -> 404 inexistent_user The user does not exist.
    "#);
}

#[tokio::test]
async fn an_unknown_identity_cannot_be_unlinked() {
    let mut refusing = Refusing::start().await;
    for identity in [
        "/github/ann",
        "/sms/bob",
        "/github/bob",
        "/SMS/ann",
        "/sms/ann/",
        "/sms/ann%2F",
        "/sms%7C/ann",
        "/sms/a%00nn",
        "/sms/%FF",
        "/sms/%",
        "/%20/ann",
        "/sms%7Cann/ann",
    ] {
        refusing
            .ask(identity, request(Method::DELETE, &format!("{ANNS}{identity}"), &[], ""))
            .await;
    }
    insta::assert_snapshot!(refusing.told().await, @r#"
        /github/ann -> 400 operation_not_supported Main identity cannot be removed.
        /sms/bob -> 400 inexistent_identity The user has no such identity.
        /github/bob -> 400 inexistent_identity The user has no such identity.
        /SMS/ann -> 400 inexistent_identity The user has no such identity.
        /sms/ann/ -> 400 inexistent_identity The user has no such identity.
        /sms/ann%2F -> 400 inexistent_identity The user has no such identity.
        /sms%7C/ann -> 400 inexistent_identity The user has no such identity.
        /sms/a%00nn -> 400 inexistent_identity The user has no such identity.
        /sms/%FF -> 400 invalid_uri Path validation error: 'it is not UTF-8 in percent-encoding (RFC 3986)'.
        /sms/% -> 400 invalid_uri Path validation error: 'it is not UTF-8 in percent-encoding (RFC 3986)'.
        /%20/ann -> 400 inexistent_identity The user has no such identity.
        /sms%7Cann/ann -> 400 inexistent_identity The user has no such identity.
    "#);
}

/// The server reads an id in each encoding, with any characters that a provider uses.
#[tokio::test]
async fn ids_are_found_raw_and_encoded() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for account in ["a/b", "50%", "a+b", "a?b#c", "a%2Fb", "a|b", ".."] {
        let encoded: String = account.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let created =
            backend.post(USERS, &json!({"connection": "sms", "user_id": account})).await.ok();
        assert_eq!(created["user_id"], format!("sms|{account}"));
        assert_eq!(backend.get(&format!("{USERS}/sms%7C{encoded}")).await.ok(), created);
        assert_eq!(backend.get(&format!("{USERS}/sms|{encoded}")).await.ok(), created);
    }
    // A text that cannot be a user's id may still be an account's.
    for account in ["a b", "é"] {
        let created =
            backend.post(USERS, &json!({"connection": "sms", "user_id": account})).await.ok();
        assert!(created["user_id"].as_str().unwrap().starts_with("usr_"), "{created}");
        assert_eq!(created["identities"][0]["user_id"], account);
    }
    let ann = backend.post(USERS, &json!({"connection": "github", "user_id": "ann"})).await.ok();
    // The last parameter takes the rest of the path, even if a client does not encode it.
    for last in ["a/b", "a%2Fb", "a%2fb"] {
        backend.post(ANNS, &json!({"provider": "sms", "user_id": "a/b"})).await.ok();
        let left = backend.delete(&format!("{ANNS}/sms/{last}")).await.ok();
        assert_eq!(left, ann["identities"], "{last}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_served_is_refused_with_those_that_are() {
    let mut refusing = Refusing::start().await;
    for (path, methods) in [
        ("/api/v2/users", ["PUT", "DELETE", "PATCH", "TRACE"]),
        ("/api/v2/users-by-email", ["POST", "PUT", "DELETE", "PATCH"]),
        (ANN, ["POST", "PUT", "TRACE", "PROPFIND"]),
        (ANNS, ["GET", "PUT", "PATCH", "DELETE"]),
        ("/api/v2/users/github%7Cann/identities/sms/ann", ["GET", "POST", "PUT", "PATCH"]),
        ("/api/v2/openapi.json", ["POST", "PUT", "DELETE", "PATCH"]),
    ] {
        let mut allowed = Vec::new();
        for method in methods {
            let said = refusing.backend.send(request(method.parse().unwrap(), path, &[], "")).await;
            assert_eq!(said.refused(), "405 - Method Not Allowed", "{method} {path}");
            allowed.push(said.headers["allow"].to_str().unwrap().to_owned());
        }
        allowed.dedup();
        refusing.told.push(format!("{path} -> {}", allowed.join("; ")));
    }
    insta::assert_snapshot!(refusing.told().await, @r#"
        /api/v2/users -> GET,HEAD,POST
        /api/v2/users-by-email -> GET,HEAD
        /api/v2/users/github%7Cann -> GET,HEAD,PATCH,DELETE
        /api/v2/users/github%7Cann/identities -> POST
        /api/v2/users/github%7Cann/identities/sms/ann -> DELETE
        /api/v2/openapi.json -> GET,HEAD
    "#);
}

/// RFC 9110 §9.3.2.
#[tokio::test]
async fn head_is_get_without_the_body() {
    let refusing = Refusing::start().await;
    for (path, status) in [
        (USERS, StatusCode::OK),
        (ANN, StatusCode::OK),
        ("/api/v2/openapi.json", StatusCode::OK),
        ("/api/v2/users/github%7Ccarol", StatusCode::NOT_FOUND),
        (ANNS, StatusCode::METHOD_NOT_ALLOWED),
        ("/api/v2/nothing", StatusCode::NOT_FOUND),
    ] {
        let said = refusing.backend.send(request(Method::HEAD, path, &[], "")).await;
        assert_eq!((said.status, said.body), (status, Value::Null), "{path}");
        let stranger = refusing.server.stranger().send(request(Method::HEAD, path, &[], "")).await;
        let is_open = path.ends_with("openapi.json");
        assert_eq!(stranger.status.is_success(), is_open, "{path}");
    }
    refusing.told().await;
}

#[tokio::test]
async fn a_query_that_cannot_be_is_refused() {
    let mut refusing = Refusing::start().await;
    for query in [
        "/users?color=red",
        "/users?page=0&page=1",
        "/users?p%61ge=0&page=0",
        "/users?q=%FF",
        "/users?q=%zz",
        "/users?q=",
        "/users?q&q=email:a@example.com",
        "/users?page=-1",
        "/users?page=one",
        "/users?page=",
        "/users?page=99999999999999999999",
        "/users?per_page=101",
        "/users?per_page=-1",
        "/users?include_totals=yes",
        "/users?search_engine=v4",
        "/users?search_engine=",
        "/users?sort=created_at",
        "/users?sort=created_at:0",
        "/users?sort=-created_at",
        "/users?sort=",
        "/users?sort=email:1",
        "/users?sort=name:1",
        "/users?sort=last_login:-1",
        "/users?sort=created_at:1%20user_id:1",
        "/users?resolve=yes",
        "/users?primary_order=1",
        "/users?connection=",
        "/users?q=name:j*&sort=name:1&page=x",
        "/users?color",
        "/users?take=0",
        "/users?take=101",
        "/users?take=5&page=0",
        "/users?from=x&include_totals=true",
        "/users?from=x",
        "/users?from=%00",
        "/users?include_fields=maybe",
        "/users?%1B%5B31m=x",
        "/users-by-email",
        "/users-by-email?email",
        "/users-by-email?email=",
        "/users-by-email?email=nobody",
        "/users-by-email?email=a@example.com&email=b@example.com",
        "/users-by-email?email=a@example.com&page=0",
        "/users/github%7Cann?color=red",
        "/users/github%7Cann?include_fields=1",
    ] {
        refusing.ask(query, request(Method::GET, &format!("/api/v2{query}"), &[], "")).await;
    }
    insta::assert_snapshot!(refusing.told().await, @r#"
        /users?color=red -> 400 invalid_query_string Query validation error: 'Additional properties not allowed: color'.
        /users?page=0&page=1 -> 400 invalid_query_string Query validation error: 'page: occurs twice: send it once'.
        /users?p%61ge=0&page=0 -> 400 invalid_query_string Query validation error: 'page: occurs twice: send it once'.
        /users?q=%FF -> 400 invalid_query_string Query validation error: 'it is not UTF-8 in percent-encoding'.
        /users?q=%zz -> 400 invalid_query_string Query validation error: 'it is not UTF-8 in percent-encoding'.
        /users?q= -> 400 invalid_query_string Query validation error: 'q: ends where a term is expected; supported are user_id:"…", email:"…", email:jan* (three characters or more), email.raw:"…" (case-sensitive), email_verified:true, identities.provider:"…", identities.user_id:"…" and identities.connection:"…", joined by AND, with a leading - to exclude one; user_id, email and email.raw have an index: OR joins their terms too, in parentheses beside other terms'.
        /users?q&q=email:a@example.com -> 400 invalid_query_string Query validation error: 'q: occurs twice: send it once'.
        /users?page=-1 -> 400 invalid_query_string Query validation error: 'page: must be a number from 0 to 999999999'.
        /users?page=one -> 400 invalid_query_string Query validation error: 'page: must be a number from 0 to 999999999'.
        /users?page= -> 400 invalid_query_string Query validation error: 'page: must be a number from 0 to 999999999'.
        /users?page=99999999999999999999 -> 400 invalid_query_string Query validation error: 'page: must be a number from 0 to 999999999'.
        /users?per_page=101 -> 400 invalid_query_string Query validation error: 'per_page: must be a number from 0 to 100'.
        /users?per_page=-1 -> 400 invalid_query_string Query validation error: 'per_page: must be a number from 0 to 100'.
        /users?include_totals=yes -> 400 invalid_query_string Query validation error: 'include_totals: must be true or false'.
        /users?search_engine=v4 -> 400 invalid_query_string Query validation error: 'search_engine: must be v1, v2 or v3'.
        /users?search_engine= -> 400 invalid_query_string Query validation error: 'search_engine: must be v1, v2 or v3'.
        /users?sort=created_at -> 400 invalid_query_string Query validation error: 'sort: must be created_at:1, created_at:-1, user_id:1 or user_id:-1: these have an index'.
        /users?sort=created_at:0 -> 400 invalid_query_string Query validation error: 'sort: must be created_at:1, created_at:-1, user_id:1 or user_id:-1: these have an index'.
        /users?sort=-created_at -> 400 invalid_query_string Query validation error: 'sort: must be created_at:1, created_at:-1, user_id:1 or user_id:-1: these have an index'.
        /users?sort= -> 400 invalid_query_string Query validation error: 'sort: must be created_at:1, created_at:-1, user_id:1 or user_id:-1: these have an index'.
        /users?sort=email:1 -> 400 invalid_query_string Query validation error: 'sort: must be created_at:1, created_at:-1, user_id:1 or user_id:-1: these have an index'.
        /users?sort=name:1 -> 400 invalid_query_string Query validation error: 'sort: must be created_at:1, created_at:-1, user_id:1 or user_id:-1: these have an index'.
        /users?sort=last_login:-1 -> 400 invalid_query_string Query validation error: 'sort: must be created_at:1, created_at:-1, user_id:1 or user_id:-1: these have an index'.
        /users?sort=created_at:1%20user_id:1 -> 400 invalid_query_string Query validation error: 'sort: must be created_at:1, created_at:-1, user_id:1 or user_id:-1: these have an index'.
        /users?resolve=yes -> 400 invalid_query_string Query validation error: 'resolve: must be true or false'.
        /users?primary_order=1 -> 400 invalid_query_string Query validation error: 'primary_order: must be true or false'.
        /users?connection= -> 400 invalid_query_string Query validation error: 'connection: must be the name of a connection'.
        /users?q=name:j*&sort=name:1&page=x -> 400 invalid_query_string Query validation error: 'q: has the field `name`, which has no index; supported are user_id:"…", email:"…", email:jan* (three characters or more), email.raw:"…" (case-sensitive), email_verified:true, identities.provider:"…", identities.user_id:"…" and identities.connection:"…", joined by AND, with a leading - to exclude one; user_id, email and email.raw have an index: OR joins their terms too, in parentheses beside other terms; sort: must be created_at:1, created_at:-1, user_id:1 or user_id:-1: these have an index; page: must be a number from 0 to 999999999'.
        /users?color -> 400 invalid_query_string Query validation error: 'Additional properties not allowed: color'.
        /users?take=0 -> 400 invalid_query_string Query validation error: 'take: must be a number from 1 to 100'.
        /users?take=101 -> 400 invalid_query_string Query validation error: 'take: must be a number from 1 to 100'.
        /users?take=5&page=0 -> 400 invalid_query_string Query validation error: 'from, take: cannot be combined with page, per_page and include_totals'.
        /users?from=x&include_totals=true -> 400 invalid_query_string Query validation error: 'from, take: cannot be combined with page, per_page and include_totals'.
        /users?from=x -> 400 invalid_query_string Query validation error: 'from: is not a page token of this query'.
        /users?from=%00 -> 400 invalid_query_string Query validation error: 'from: is not a page token of this query'.
        /users?include_fields=maybe -> 400 invalid_query_string Query validation error: 'include_fields: must be true or false'.
        /users?%1B%5B31m=x -> 400 invalid_query_string Query validation error: 'Additional properties not allowed: [31m'.
        /users-by-email -> 400 invalid_query_string Query validation error: 'email: is required'.
        /users-by-email?email -> 400 invalid_query_string Query validation error: 'email: is required'.
        /users-by-email?email= -> 400 invalid_query_string Query validation error: 'email: The email address does not have exactly one @.'.
        /users-by-email?email=nobody -> 400 invalid_query_string Query validation error: 'email: The email address does not have exactly one @.'.
        /users-by-email?email=a@example.com&email=b@example.com -> 400 invalid_query_string Query validation error: 'email: occurs twice: send it once'.
        /users-by-email?email=a@example.com&page=0 -> 400 invalid_query_string Query validation error: 'Additional properties not allowed: page'.
        /users/github%7Cann?color=red -> 400 invalid_query_string Query validation error: 'Additional properties not allowed: color'.
        /users/github%7Cann?include_fields=1 -> 400 invalid_query_string Query validation error: 'include_fields: must be true or false'.
    "#);
}

/// A service of several tenants names the tenant of its call.
#[tokio::test]
async fn a_tenant_that_is_not_meant_clearly_is_refused() {
    let settings = "kind = \"service\"\ntenants = [\"default\", \"joined\"]\naudiences = [\"identity-link\"]\n\
                    allowed_scopes = [\"read:users\"]";
    let database = cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| stranger(&toml, settings) + AUTH0).await;
    server.backend().post(USERS, &json!({"connection": "github", "user_id": "ann"})).await.ok();
    let several = server.asker(&Token::of("stranger", "backend").scope("read:users"));
    let one = server.asker(&Token::of("services", "backend").tenant("joined"));
    let mut told = Vec::new();
    for (name, asker, given) in [
        ("several", &several, vec![]),
        ("several", &several, vec!["joined"]),
        ("several", &several, vec!["other"]),
        ("several", &several, vec!["nobodys"]),
        ("several", &several, vec![""]),
        ("several", &several, vec!["default", "default"]),
        ("several", &several, vec!["default, joined"]),
        ("joined", &one, vec![]),
        ("joined", &one, vec!["default"]),
    ] {
        let mut read = request(Method::GET, ANN, &[], "");
        for tenant in &given {
            read.headers_mut().append("x-tenant", tenant.parse().unwrap());
        }
        told.push(format!("{name} {given:?} -> {}", asker.send(read).await.refused()));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
        several [] -> 400 invalid_headers Header validation error: 'x-tenant: is required: the token serves several tenants'.
        several ["joined"] -> 403 tenant_not_served The users of this tenant are not served here.
        several ["other"] -> 400 invalid_headers Header validation error: 'x-tenant: must name a tenant that the token serves'.
        several ["nobodys"] -> 400 invalid_headers Header validation error: 'x-tenant: must name a tenant that the token serves'.
        several [""] -> 400 invalid_headers Header validation error: 'x-tenant: must name a tenant that the token serves'.
        several ["default", "default"] -> 400 invalid_headers Header validation error: 'x-tenant: must be given once'.
        several ["default, joined"] -> 400 invalid_headers Header validation error: 'x-tenant: must name a tenant that the token serves'.
        joined [] -> 403 tenant_not_served The users of this tenant are not served here.
        joined ["default"] -> 400 invalid_headers Header validation error: 'x-tenant: must name a tenant that the token serves'.
    "#);
    let mut read = request(Method::GET, ANN, &[], "");
    read.headers_mut().insert("x-tenant", "default".parse().unwrap());
    several.send(read).await.ok();
}

/// A101: why a service makes a change is a header of this API too.
#[tokio::test]
async fn a_reason_that_is_not_one_text_of_a_service_is_refused() {
    let server = TestServer::start_with(cluster().db_migrated().await, |toml| toml + AUTH0).await;
    for (provider, id) in [("github", "ann"), ("sms", "ann")] {
        let user = json!({"connection": provider, "user_id": id});
        server.backend().post(USERS, &user).await.ok();
    }
    let person = server.asker(&Token::of("github", "ann").scope("update:current_user_identities"));
    let body = r#"{"provider": "sms", "user_id": "ann"}"#;
    let link = |reasons: &[&str]| {
        let path = format!("{ANN}/identities");
        let mut link = request(Method::POST, &path, &["application/json"], body);
        for reason in reasons {
            link.headers_mut().append("x-reason", reason.parse().unwrap());
        }
        link
    };
    let backend = server.backend();
    let mut told = Vec::new();
    for (name, asker, reasons) in [
        ("backend", &backend, &["a", "b"][..]),
        ("backend", &backend, &["%ff"]),
        ("person", &person, &["a"]),
    ] {
        told.push(format!("{name} {reasons:?} -> {}", asker.send(link(reasons)).await.refused()));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    backend ["a", "b"] -> 400 invalid_headers Header validation error: 'x-reason: must be given once'.
    backend ["%ff"] -> 400 invalid_headers Header validation error: 'x-reason: must be 1 to 500 characters, without control characters, in percent-encoding of UTF-8'.
    person ["a"] -> 400 invalid_headers Header validation error: 'x-reason: is for services: a user token says no reason'.
    "#);

    backend.send(link(&["Ticket%2042"])).await.ok();

    let links =
        server.service().list_links(crate::support::links_of("github|ann")).await.unwrap().links;
    assert_eq!(links[0].actor.as_ref().unwrap().reason, "Ticket 42");
}
