//! A87: JSON that two readers would understand differently (RFC 7493).

use super::*;

const JSON: &[&str] = &["application/json"];

/// A name that comes twice, or a number that is no double, at any depth of a body.
#[tokio::test]
async fn ambiguous_json_is_refused_with_every_path() {
    let mut refusing = Refusing::start().await;
    for (method, path, body) in [
        (
            Method::POST,
            USERS,
            r#"{"connection":"github","user_id":"eve","app_metadata":{"roles":["user"],"roles":["admin"]}}"#,
        ),
        (Method::POST, USERS, r#"{"connection":"github","connection":"auth0","user_id":"eve"}"#),
        (
            Method::POST,
            USERS,
            r#"{"connection":"github","user_metadata":{"a":{"b":[{"c":1,"\u0063":2}]},"n":9007199254740993}}"#,
        ),
        (
            Method::PATCH,
            ANN,
            r#"{"user_metadata":{"n":0.1000000000000000055},"app_metadata":{"m":[1,-1e400],"k":1e-400}}"#,
        ),
        (Method::PATCH, ANN, r#"{"user_metadata":{"a":1},"user_metadata":{}}"#),
        (Method::PATCH, ANN, r#"{"user_metadata":{"a/b":{"~":1,"~":1}}}"#),
        (Method::POST, ANNS, r#"{"provider":"github","user_id":9007199254740993}"#),
        (Method::POST, ANNS, r#"{"provider":"github","user_id":"bob","user_id":"eve"}"#),
        // Not JSON in the first place.
        (Method::PATCH, ANN, r#"{"user_metadata":{"a":1,"a":1}"#),
    ] {
        refusing.ask(body, request(method, path, JSON, body)).await;
    }
    insta::assert_snapshot!(refusing.told().await, @r#"
        {"connection":"github","user_id":"eve","app_metadata":{"roles":["user"],"roles":["admin"]}} -> 400 invalid_body Payload validation error: 'app_metadata/roles: This name occurs twice in its object: send it once.'.
        {"connection":"github","connection":"auth0","user_id":"eve"} -> 400 invalid_body Payload validation error: 'connection: This name occurs twice in its object: send it once.'.
        {"connection":"github","user_metadata":{"a":{"b":[{"c":1,"\u0063":2}]},"n":9007199254740993}} -> 400 invalid_body Payload validation error: 'user_metadata/a/b/0/c: This name occurs twice in its object: send it once.; user_metadata/n: This number is not exactly a double, so readers would take it for another one: send one that is, or a string.'.
        {"user_metadata":{"n":0.1000000000000000055},"app_metadata":{"m":[1,-1e400],"k":1e-400}} -> 400 invalid_body Payload validation error: 'user_metadata/n: This number is not exactly a double, so readers would take it for another one: send one that is, or a string.; app_metadata/m/1: This number is not exactly a double, so readers would take it for another one: send one that is, or a string.; app_metadata/k: This number is not exactly a double, so readers would take it for another one: send one that is, or a string.'.
        {"user_metadata":{"a":1},"user_metadata":{}} -> 400 invalid_body Payload validation error: 'user_metadata: This name occurs twice in its object: send it once.'.
        {"user_metadata":{"a/b":{"~":1,"~":1}}} -> 400 invalid_body Payload validation error: 'user_metadata/a~1b/~0: This name occurs twice in its object: send it once.'.
        {"provider":"github","user_id":9007199254740993} -> 400 invalid_body Payload validation error: 'user_id: This number is not exactly a double, so readers would take it for another one: send one that is, or a string.'.
        {"provider":"github","user_id":"bob","user_id":"eve"} -> 400 invalid_body Payload validation error: 'user_id: This name occurs twice in its object: send it once.'.
        {"user_metadata":{"a":1,"a":1} -> 400 invalid_body Invalid request payload JSON format
    "#);
}

/// A number counts by its value, in each notation.
#[tokio::test]
async fn a_number_that_a_double_has_is_kept() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    let body = r#"{"connection":"github","user_id":"ann","user_metadata":{"a":1.0,"b":1e2,"c":100,"d":0.10,"e":-0,
        "f":9007199254740991,"g":0.1,"h":1.5e-7,"i":{"a":1},"j":0e400},"app_metadata":{"a":0.30000000000000004}}"#;
    let made = backend.send(request(Method::POST, USERS, JSON, body)).await.ok();

    let kept = json!({"a": 1, "b": 100, "c": 100, "d": 0.1, "e": 0, "f": 9_007_199_254_740_991_i64, "g": 0.1, "h": 1.5e-7,
        "i": {"a": 1}, "j": 0});
    assert_eq!(
        (&made["user_metadata"], &made["app_metadata"]),
        (&kept, &json!({"a": 0.30000000000000004}))
    );
    assert_eq!(backend.get(ANN).await.ok(), made);
}
