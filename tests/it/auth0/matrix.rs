//! Every route and every kind of caller: the tables of `access/matrix.rs`, over HTTP. A new route
//! needs a good request here.

use futures_util::{StreamExt as _, stream};
use http::{Request, header};
use hyper::body::Bytes;
use identity_link::auth::AccessRule;
use serde_json::{Value, json};

use crate::{
    access::matrix::{
        MOVED,
        callers::{self, Call, Cast},
        drawn, generous_with,
    },
    support::{
        TestServer,
        auth0::{AUTH0, Asker, Said},
        tokens::{SERVICE_SCOPES, Token},
    },
};

/// The answers of the matrix in short.
const WORDS: [(&str, &str); 11] = [
    ("missing", "401 - Missing authentication"),
    ("invalid", "401 - Invalid token."),
    (
        "not yours",
        "403 unowned_resource User to be acted on does not match subject in bearer token.",
    ),
    (
        "sign in",
        "403 reauthentication_required The sign-in behind this token is too old for this call: let the user sign in again.",
    ),
    ("blocked", "403 user_blocked The user of this token is blocked."),
    ("not served", "403 tenant_not_served The users of this tenant are not served here."),
    (
        "is blocked",
        "400 user_blocked Unable to link with the secondary account: one of the two users is blocked.",
    ),
    ("is blocked", "400 user_blocked The user is blocked: unblock it first."),
    (
        "absorbed",
        "404 inexistent_user The user does not exist any more: it was linked into another, which reading it with ?resolve=true shows.",
    ),
    ("no user", "404 inexistent_user The user does not exist."),
    ("no job", "404 inexistent_job The job does not exist."),
];

/// A route, as its description says.
struct Route {
    /// Such as `GET /api/v2/users/{id}`.
    name: String,
    /// Of the rpc that it stands on.
    rule: &'static AccessRule,
    /// Of the other one, if it stands on two.
    or_rule: Option<&'static AccessRule>,
    /// The scopes that its description asks for.
    scopes: Vec<String>,
}

/// The routes that the server describes.
async fn routes(server: &TestServer) -> Vec<Route> {
    let described = server.stranger().get("/api/v2/openapi.json").await.ok();
    let mut routes = Vec::new();
    for (path, operations) in described["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let rule = |rpc: &str| {
                let rule =
                    |service| AccessRule::for_path(&format!("/identitylink.v1.{service}/{rpc}"));
                ["IdentityService", "TransferService"].into_iter().find_map(rule).unwrap()
            };
            let or_rule = operation.get("x-or-rpc").map(|rpc| rule(rpc.as_str().unwrap()));
            let rule = rule(operation["x-rpc"].as_str().unwrap());
            let scope = |needed: &Value| needed["bearer"][0].as_str().unwrap().to_owned();
            let scopes = operation["security"].as_array().unwrap().iter().map(scope).collect();
            let name = format!("{} {path}", method.to_uppercase());
            routes.push(Route { name, rule, or_rule, scopes });
        }
    }
    routes
}

/// One minimal valid request per route, so that the response depends only on the caller.
fn request(
    route: &str,
    user_id: &str,
    call: &Call,
    Cast { subject, .. }: &Cast,
    job: &str,
) -> Request<Bytes> {
    let user_id = user_id.replace('|', "%7C");
    let (path, body) = match route {
        "GET /api/v2/users" => {
            (format!("/users?q=identities.user_id:%22{subject}%22"), Value::Null)
        }
        "POST /api/v2/users" => {
            ("/users".to_owned(), json!({"connection": "apple", "user_id": subject}))
        }
        "GET /api/v2/connections" => ("/connections".to_owned(), Value::Null),
        "GET /api/v2/users-by-email" => {
            (format!("/users-by-email?email={subject}@example.com"), Value::Null)
        }
        "GET /api/v2/users/{id}" | "DELETE /api/v2/users/{id}" => {
            (format!("/users/{user_id}"), Value::Null)
        }
        "PATCH /api/v2/users/{id}" => {
            (format!("/users/{user_id}"), json!({"user_metadata": {"seen": true}}))
        }
        "POST /api/v2/users/{id}/identities" => {
            let proof = Token::of("wallet", subject).tenant(call.tenant).sign();
            (format!("/users/{user_id}/identities"), json!({"link_with": proof}))
        }
        "DELETE /api/v2/users/{id}/identities/{provider}/{user_id}" => {
            (format!("/users/{user_id}/identities/sms/{subject}"), Value::Null)
        }
        "POST /api/v2/jobs/users-imports" => return import(call),
        "POST /api/v2/jobs/users-exports" => {
            ("/jobs/users-exports".to_owned(), json!({"limit": 1}))
        }
        "GET /api/v2/jobs/{id}" => (format!("/jobs/{job}"), Value::Null),
        "GET /api/v2/jobs/{id}/errors" => (format!("/jobs/{job}/errors"), Value::Null),
        _ => panic!(
            "the matrix needs a good request for {route}, here, and then its line in each table"
        ),
    };
    let request =
        Request::builder().method(route.split(' ').next().unwrap()).uri(format!("/api/v2{path}"));
    let request = call
        .authorization
        .iter()
        .fold(request, |request, value| request.header(header::AUTHORIZATION, value));
    let body = if body.is_null() { String::new() } else { body.to_string() };
    request.body(Bytes::from(body)).unwrap()
}

/// An import of no user.
fn import(call: &Call) -> Request<Bytes> {
    let part = |name: &str, value: &str| {
        format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = [part("users", "[]"), part("connection_id", "sms"), "--b--\r\n".to_owned()].concat();
    let request = Request::post("/api/v2/jobs/users-imports")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    let request = call
        .authorization
        .iter()
        .fold(request, |request, value| request.header(header::AUTHORIZATION, value));
    request.body(Bytes::from(body)).unwrap()
}

/// The id of an export of the tenant `default`.
async fn export(server: &TestServer) -> String {
    let job = server.backend().post("/api/v2/jobs/users-exports", &json!({})).await.ok();
    job["id"].as_str().unwrap().to_owned()
}

/// Who calls, by name. The ids of users are the same in every tenant that has their first
/// identities.
async fn call(server: &TestServer, caller: &str, rule: &AccessRule, cast: &Cast) -> (Call, String) {
    let tenantless = |token: &Token| {
        let authorization = Some(format!("Bearer {}", token.clone().tenant("joined").sign()));
        (Call { authorization, user_id: String::new(), tenant: "joined" }, cast.own.clone())
    };
    match caller {
        "user, not served" => {
            tenantless(&Token::of("stranger", &cast.subject).with("kind", "user"))
        }
        "service, not served" => tenantless(
            &Token::of("stranger", "backend").with("kind", "service").scope(SERVICE_SCOPES),
        ),
        _ => {
            let call = callers::call(server, caller, rule, cast).await;
            let named = match caller {
                // The caller's tenant has no user of that name.
                "user elsewhere" => &cast.absorbed,
                _ if call.user_id.is_empty() => &cast.own,
                _ => &call.user_id,
            };
            let named = named.clone();
            (call, named)
        }
    }
}

/// A route's response in one word. A search without a result is no error.
fn word(said: &Said) -> String {
    match &said.body {
        Value::Array(none) if none.is_empty() => "nobody".to_owned(),
        _ if said.status.is_success() => "ok".to_owned(),
        _ => {
            let refused = said.refused();
            let word =
                WORDS.iter().find(|(_, said)| *said == refused).map(|(word, _)| (*word).to_owned());
            // `the_scopes_of_the_routes` tests that the response names the scope.
            let scope = refused.strip_prefix("403 insufficient_scope ").map(|_| "scope".to_owned());
            word.or(scope).unwrap_or(refused)
        }
    }
}

/// The response to one caller of one route, about users of this cell alone.
async fn cell(
    server: &TestServer,
    asker: &Asker,
    route: &Route,
    caller: &str,
    subject: String,
) -> String {
    let cast = Cast::create(server, subject).await;
    let (call, named) = call(server, caller, route.rule, &cast).await;
    let job = export(server).await;
    word(&asker.send(request(&route.name, &named, &call, &cast, &job)).await)
}

/// A line per route, a column per caller.
async fn table(title: &str, callers: &[&str]) -> String {
    let two = AUTH0.replace("[\"default\"]", "[\"default\", \"other\"]");
    let server = &generous_with(&two).await;
    let (routes, asker) = (&routes(server).await, &server.stranger());
    let cells = routes.iter().flat_map(|route| callers.iter().map(move |caller| (route, *caller)));
    let cells = cells
        .enumerate()
        .map(|(at, (route, caller))| cell(server, asker, route, caller, format!("{title}-{at}")));
    let answers: Vec<String> = stream::iter(cells).buffered(6).collect().await;
    let names: Vec<&str> = routes.iter().map(|route| route.name.as_str()).collect();
    drawn(title, callers, &names, &answers)
}

/// A caller without a fully valid token gets no data, and no reason for the refusal.
#[tokio::test]
async fn tokens() {
    let callers = [
        "service",
        "nobody",
        "garbage",
        "expired",
        "audience",
        "issuer",
        "type",
        "algorithm",
        "key",
    ];
    insta::assert_snapshot!(table("tokens", &callers).await, @r#"
        tokens                                                    | service | nobody  | garbage | expired | audience | issuer  | type    | algorithm | key
        GET /api/v2/connections                                   | ok      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
        POST /api/v2/jobs/users-exports                           | ok      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
        POST /api/v2/jobs/users-imports                           | ok      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
        GET /api/v2/jobs/{id}                                     | ok      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
        GET /api/v2/jobs/{id}/errors                              | ok      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
        GET /api/v2/users                                         | ok      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
        POST /api/v2/users                                        | ok      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
        GET /api/v2/users-by-email                                | ok      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
        DELETE /api/v2/users/{id}                                 | ok      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
        GET /api/v2/users/{id}                                    | ok      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
        PATCH /api/v2/users/{id}                                  | ok      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
        POST /api/v2/users/{id}/identities                        | ok      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
        DELETE /api/v2/users/{id}/identities/{provider}/{user_id} | ok      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    "#);
}

/// The scope of the route's rpc, whole, and of the caller's own kind.
#[tokio::test]
async fn scopes() {
    let callers = [
        "user",
        "user, other scopes",
        "user, service scopes",
        "service",
        "service, other scopes",
        "service, self scopes",
        "service, part of it",
        "service, more than it",
    ];
    insta::assert_snapshot!(table("scopes", &callers).await, @r#"
        scopes                                                    | user  | user, other scopes | user, service scopes | service | service, other scopes | service, self scopes | service, part of it | service, more than it
        GET /api/v2/connections                                   | scope | scope              | scope                | ok      | scope                 | scope                | scope               | scope
        POST /api/v2/jobs/users-exports                           | scope | scope              | scope                | ok      | scope                 | scope                | scope               | scope
        POST /api/v2/jobs/users-imports                           | scope | scope              | scope                | ok      | scope                 | scope                | scope               | scope
        GET /api/v2/jobs/{id}                                     | scope | scope              | scope                | ok      | no job                | scope                | scope               | scope
        GET /api/v2/jobs/{id}/errors                              | scope | scope              | scope                | ok      | no job                | scope                | scope               | scope
        GET /api/v2/users                                         | scope | scope              | scope                | ok      | scope                 | scope                | scope               | scope
        POST /api/v2/users                                        | scope | scope              | scope                | ok      | scope                 | scope                | scope               | scope
        GET /api/v2/users-by-email                                | scope | scope              | scope                | ok      | scope                 | scope                | scope               | scope
        DELETE /api/v2/users/{id}                                 | ok    | scope              | scope                | ok      | scope                 | scope                | scope               | scope
        GET /api/v2/users/{id}                                    | ok    | scope              | scope                | ok      | scope                 | scope                | scope               | scope
        PATCH /api/v2/users/{id}                                  | ok    | scope              | scope                | ok      | scope                 | scope                | scope               | scope
        POST /api/v2/users/{id}/identities                        | ok    | scope              | scope                | ok      | scope                 | scope                | scope               | scope
        DELETE /api/v2/users/{id}/identities/{provider}/{user_id} | ok    | scope              | scope                | ok      | scope                 | scope                | scope               | scope
    "#);
}

/// A user acts on itself, by its id or by the account with which the person signed in; a service on
/// its tenant; neither by the id of a user that was linked into another, nor on a tenant that is
/// not served.
#[tokio::test]
async fn whose() {
    let callers = [
        "user",
        "user, another's id",
        "user, absorbed id",
        "linked account, its own id",
        "linked account, its own id, before",
        "user that never was",
        "user elsewhere",
        "user, not served",
        "service",
        "service, absorbed id",
        "service elsewhere",
        "service, not served",
    ];
    insta::assert_snapshot!(table("whose", &callers).await, @r#"
        whose                                                     | user  | user, another's id | user, absorbed id | linked account, its own id | linked account, its own id, before | user that never was | user elsewhere | user, not served | service | service, absorbed id | service elsewhere | service, not served
        GET /api/v2/connections                                   | scope | scope              | scope             | scope                      | scope                              | scope               | scope          | scope            | ok      | ok                   | ok                | not served
        POST /api/v2/jobs/users-exports                           | scope | scope              | scope             | scope                      | scope                              | scope               | scope          | scope            | ok      | ok                   | ok                | not served
        POST /api/v2/jobs/users-imports                           | scope | scope              | scope             | scope                      | scope                              | scope               | scope          | scope            | ok      | ok                   | ok                | not served
        GET /api/v2/jobs/{id}                                     | scope | scope              | scope             | scope                      | scope                              | scope               | scope          | scope            | ok      | ok                   | no job            | not served
        GET /api/v2/jobs/{id}/errors                              | scope | scope              | scope             | scope                      | scope                              | scope               | scope          | scope            | ok      | ok                   | no job            | not served
        GET /api/v2/users                                         | scope | scope              | scope             | scope                      | scope                              | scope               | scope          | scope            | ok      | ok                   | nobody            | not served
        POST /api/v2/users                                        | scope | scope              | scope             | scope                      | scope                              | scope               | scope          | scope            | ok      | ok                   | ok                | not served
        GET /api/v2/users-by-email                                | scope | scope              | scope             | scope                      | scope                              | scope               | scope          | scope            | ok      | ok                   | nobody            | not served
        DELETE /api/v2/users/{id}                                 | ok    | not yours          | absorbed          | ok                         | sign in                            | no user             | not yours      | not served       | ok      | absorbed             | no user           | not served
        GET /api/v2/users/{id}                                    | ok    | not yours          | absorbed          | ok                         | ok                                 | no user             | not yours      | not served       | ok      | absorbed             | no user           | not served
        PATCH /api/v2/users/{id}                                  | ok    | not yours          | absorbed          | ok                         | sign in                            | no user             | not yours      | not served       | ok      | absorbed             | no user           | not served
        POST /api/v2/users/{id}/identities                        | ok    | not yours          | absorbed          | ok                         | sign in                            | no user             | not yours      | not served       | ok      | absorbed             | no user           | not served
        DELETE /api/v2/users/{id}/identities/{provider}/{user_id} | ok    | not yours          | absorbed          | ok                         | sign in                            | no user             | not yours      | not served       | ok      | absorbed             | no user           | not served
    "#);
}

/// What a user that is what it was may do, and what it may not do any more. A sign-in of eleven
/// minutes links and unlinks: `max_sign_in_age` is that of the tutorial.
#[tokio::test]
async fn standing() {
    let callers = [
        "absorbed identity",
        "absorbed id, before",
        "absorbed id, after",
        "blocked user",
        "service, blocked user",
        "withdrawn token",
        "old sign-in",
    ];
    insta::assert_snapshot!(table("standing", &callers).await, @r#"
        standing                                                  | absorbed identity | absorbed id, before | absorbed id, after | blocked user | service, blocked user | withdrawn token | old sign-in
        GET /api/v2/connections                                   | scope             | scope               | scope              | scope        | ok                    | scope           | scope
        POST /api/v2/jobs/users-exports                           | scope             | scope               | scope              | scope        | ok                    | scope           | scope
        POST /api/v2/jobs/users-imports                           | scope             | scope               | scope              | scope        | ok                    | scope           | scope
        GET /api/v2/jobs/{id}                                     | scope             | scope               | scope              | scope        | ok                    | scope           | scope
        GET /api/v2/jobs/{id}/errors                              | scope             | scope               | scope              | scope        | ok                    | scope           | scope
        GET /api/v2/users                                         | scope             | scope               | scope              | scope        | ok                    | scope           | scope
        POST /api/v2/users                                        | scope             | scope               | scope              | scope        | ok                    | scope           | scope
        GET /api/v2/users-by-email                                | scope             | scope               | scope              | scope        | ok                    | scope           | scope
        DELETE /api/v2/users/{id}                                 | ok                | sign in             | ok                 | blocked      | ok                    | invalid         | sign in
        GET /api/v2/users/{id}                                    | ok                | ok                  | ok                 | blocked      | ok                    | invalid         | ok
        PATCH /api/v2/users/{id}                                  | ok                | sign in             | ok                 | blocked      | ok                    | invalid         | ok
        POST /api/v2/users/{id}/identities                        | ok                | sign in             | ok                 | blocked      | is blocked            | invalid         | ok
        DELETE /api/v2/users/{id}/identities/{provider}/{user_id} | ok                | sign in             | ok                 | blocked      | is blocked            | invalid         | ok
    "#);
}

/// A60: what tokens of an account may do that are older than its coming to its present user,
/// however that was.
#[tokio::test]
async fn moved() {
    insta::assert_snapshot!(table("moved", &MOVED).await, @r#"
        moved                                                     | absorbed before | absorbed, that second | proven before | proven, that second | proven after | attached before | attached after | in a chain before | once more before
        GET /api/v2/connections                                   | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
        POST /api/v2/jobs/users-exports                           | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
        POST /api/v2/jobs/users-imports                           | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
        GET /api/v2/jobs/{id}                                     | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
        GET /api/v2/jobs/{id}/errors                              | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
        GET /api/v2/users                                         | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
        POST /api/v2/users                                        | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
        GET /api/v2/users-by-email                                | scope           | scope                 | scope         | scope               | scope        | scope           | scope          | scope             | scope
        DELETE /api/v2/users/{id}                                 | sign in         | ok                    | sign in       | sign in             | ok           | sign in         | ok             | absorbed          | invalid
        GET /api/v2/users/{id}                                    | ok              | ok                    | ok            | ok                  | ok           | ok              | ok             | absorbed          | invalid
        PATCH /api/v2/users/{id}                                  | sign in         | ok                    | sign in       | sign in             | ok           | sign in         | ok             | absorbed          | invalid
        POST /api/v2/users/{id}/identities                        | sign in         | ok                    | sign in       | sign in             | ok           | sign in         | ok             | absorbed          | invalid
        DELETE /api/v2/users/{id}/identities/{provider}/{user_id} | sign in         | ok                    | sign in       | sign in             | ok           | sign in         | ok             | absorbed          | invalid
    "#);
}

/// Each route demands the scopes of its rpc. The refusal of a caller without them names them.
#[tokio::test]
async fn the_scopes_of_the_routes() {
    let server = generous_with(AUTH0).await;
    let cast = Cast::create(&server, "scopes".to_owned()).await;
    let job = export(&server).await;
    let mut told = Vec::new();
    for route in routes(&server).await {
        let other = route.or_rule.and_then(|rule| rule.service_scope);
        let rule = [route.rule.self_scope, route.rule.service_scope, other];
        assert_eq!(route.scopes, rule.into_iter().flatten().collect::<Vec<_>>(), "{}", route.name);
        let (call, named) = call(&server, "service, other scopes", route.rule, &cast).await;
        let request = request(&route.name, &named, &call, &cast, &job);
        let said = server.stranger().send(request).await;
        told.push(format!("{}: {}", route.name, said.refused()));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
        GET /api/v2/connections: 403 insufficient_scope Insufficient scope; expected any of: read:connections.
        POST /api/v2/jobs/users-exports: 403 insufficient_scope Insufficient scope; expected any of: export:users.
        POST /api/v2/jobs/users-imports: 403 insufficient_scope Insufficient scope; expected any of: import:users.
        GET /api/v2/jobs/{id}: 404 inexistent_job The job does not exist.
        GET /api/v2/jobs/{id}/errors: 404 inexistent_job The job does not exist.
        GET /api/v2/users: 403 insufficient_scope Insufficient scope; expected any of: read:users.
        POST /api/v2/users: 403 insufficient_scope Insufficient scope; expected any of: create:users.
        GET /api/v2/users-by-email: 403 insufficient_scope Insufficient scope; expected any of: read:users.
        DELETE /api/v2/users/{id}: 403 insufficient_scope Insufficient scope; expected any of: delete:users,delete:current_user.
        GET /api/v2/users/{id}: 403 insufficient_scope Insufficient scope; expected any of: read:users,read:current_user.
        PATCH /api/v2/users/{id}: 403 insufficient_scope Insufficient scope; expected any of: update:users,update:current_user_metadata.
        POST /api/v2/users/{id}/identities: 403 insufficient_scope Insufficient scope; expected: update:users, update:current_user_identities.
        DELETE /api/v2/users/{id}/identities/{provider}/{user_id}: 403 insufficient_scope Insufficient scope; expected: update:users, update:current_user_identities.
    "#);
}
