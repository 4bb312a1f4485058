//! Invalid bodies, at each route that reads one.

use http::{Method, Request, header};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::*;
use crate::support::tokens::Token;

const JSON: &[&str] = &["application/json"];
const FORM: &[&str] = &["application/x-www-form-urlencoded"];

#[tokio::test]
async fn a_body_that_is_not_a_json_object_is_refused_alike_everywhere() {
    let mut refusing = Refusing::start().await;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let bodies: [&[u8]; 17] = [
        b"",
        b" ",
        b"{",
        b"nul",
        b"{\"a\":1}x",
        b"{\"a\":1,}",
        b"{'a':1}",
        b"{\"a\":NaN}",
        b"{\"a\":1e400}",
        b"{\"a\":\"\\ud800\"}",
        b"{\"a\":\"\xff\"}",
        deep.as_bytes(),
        b"null",
        b"\"text\"",
        b"[{\"connection\":\"github\"}]",
        b"{}",
        b"{\"blocked\":true,\"blocked\":1}",
    ];
    for body in bodies {
        let what = String::from_utf8_lossy(&body[..body.len().min(30)]).into_owned();
        let mut answers = Vec::new();
        for (method, path) in WITH_BODY {
            answers.push(
                refusing.backend.send(request(method, path, JSON, body.to_vec())).await.refused(),
            );
        }
        answers.dedup();
        refusing.told.push(format!("{what} -> {}", answers.join(", ")));
    }
    insta::assert_snapshot!(refusing.told().await, @r#"
         -> 400 invalid_body Invalid request payload JSON format
          -> 400 invalid_body Invalid request payload JSON format
        { -> 400 invalid_body Invalid request payload JSON format
        nul -> 400 invalid_body Invalid request payload JSON format
        {"a":1}x -> 400 invalid_body Invalid request payload JSON format
        {"a":1,} -> 400 invalid_body Invalid request payload JSON format
        {'a':1} -> 400 invalid_body Invalid request payload JSON format
        {"a":NaN} -> 400 invalid_body Invalid request payload JSON format
        {"a":1e400} -> 400 invalid_body Payload validation error: 'a: This number is not exactly a double, so readers would take it for another one: send one that is, or a string.'.
        {"a":"\ud800"} -> 400 invalid_body Invalid request payload JSON format
        {"a":"�"} -> 400 invalid_body Invalid request payload JSON format
        {"a":[[[[[[[[[[[[[[[[[[[[[[[[[ -> 400 invalid_body Invalid request payload JSON format
        null -> 400 invalid_body Payload validation error: 'Expected type object'.
        "text" -> 400 invalid_body Payload validation error: 'Expected type object'.
        [{"connection":"github"}] -> 400 invalid_body Payload validation error: 'Expected type object'.
        {} -> 400 invalid_body Payload validation error: 'Too few properties defined (0), minimum 1'.
        {"blocked":true,"blocked":1} -> 400 invalid_body Payload validation error: 'blocked: This name occurs twice in its object: send it once.'.
    "#);
}

#[tokio::test]
async fn a_body_of_another_kind_is_refused() {
    let mut refusing = Refusing::start().await;
    let kinds: [&[&str]; 8] = [
        &["text/plain"],
        &["application/json; charset=utf-16"],
        &["application/json", "application/json"],
        &["application/json, text/plain"],
        &["application/merge-patch+json"],
        &["multipart/form-data; boundary=x"],
        &[""],
        FORM,
    ];
    for kinds in kinds {
        let request = request(Method::PATCH, ANN, kinds, "{\"blocked\":true}");
        refusing.ask(&kinds.join(" and "), request).await;
    }
    let binary = Request::builder().method(Method::POST).uri(ANNS);
    let binary = binary
        .header(header::CONTENT_TYPE, &b"application/json\xff"[..])
        .body(Bytes::from("{}"))
        .unwrap();
    refusing.ask("bytes", binary).await;
    refusing
        .ask(
            "text, where a form may be",
            request(Method::POST, ANNS, &["text/plain"], "link_with=x"),
        )
        .await;
    insta::assert_snapshot!(refusing.told().await, @r#"
        text/plain -> 415 - Unsupported Media Type: send application/json.
        application/json; charset=utf-16 -> 415 - Unsupported Media Type: send application/json.
        application/json and application/json -> 415 - Unsupported Media Type: send application/json.
        application/json, text/plain -> 415 - Unsupported Media Type: send application/json.
        application/merge-patch+json -> 415 - Unsupported Media Type: send application/json.
        multipart/form-data; boundary=x -> 415 - Unsupported Media Type: send application/json.
         -> 415 - Unsupported Media Type: send application/json.
        application/x-www-form-urlencoded -> 415 - Unsupported Media Type: send application/json.
        bytes -> 415 - Unsupported Media Type: send application/json or application/x-www-form-urlencoded.
        text, where a form may be -> 415 - Unsupported Media Type: send application/json or application/x-www-form-urlencoded.
    "#);
}

#[tokio::test]
async fn an_ambiguous_form_is_refused() {
    let mut refusing = Refusing::start().await;
    let long = format!("link_with={}", "x".repeat(9 * 1024));
    let forms = [
        "",
        "=",
        "provider=github&provider=sms&user_id=bob",
        "provider=github&user_id=bob&user%5Fid=ann",
        "provider=github&user_id=%FF",
        "provider=github&user_id=%zz",
        "provider=github&user_id=bob&admin=true",
        "provider=github",
        "provider=github&user_id=",
        "link_with=x&provider=github&user_id=bob",
        "{\"provider\":\"github\",\"user_id\":\"bob\"}",
        &long,
    ];
    for form in forms {
        let what = form.chars().take(60).collect::<String>();
        refusing.ask(&what, request(Method::POST, ANNS, FORM, form.to_owned())).await;
    }
    insta::assert_snapshot!(refusing.told().await, @r#"
         -> 400 invalid_body Payload validation error: 'Too few properties defined (0), minimum 1'.
        = -> 400 invalid_body Payload validation error: ': unknown field ``, expected one of `link_with`, `provider`, `user_id`'.
        provider=github&provider=sms&user_id=bob -> 400 invalid_body Payload validation error: 'provider: occurs twice: send it once'.
        provider=github&user_id=bob&user%5Fid=ann -> 400 invalid_body Payload validation error: 'user_id: occurs twice: send it once'.
        provider=github&user_id=%FF -> 400 invalid_body Payload validation error: 'the form is not UTF-8 in percent-encoding'.
        provider=github&user_id=%zz -> 400 invalid_body Payload validation error: 'the form is not UTF-8 in percent-encoding'.
        provider=github&user_id=bob&admin=true -> 400 invalid_body Payload validation error: 'admin: unknown field `admin`, expected one of `link_with`, `provider`, `user_id`'.
        provider=github -> 400 invalid_body Payload validation error: 'Missing required property: link_with, or provider and user_id'.
        provider=github&user_id= -> 400 inexistent_connection The provider/connection is not configured.
        link_with=x&provider=github&user_id=bob -> 400 invalid_body Payload validation error: 'link_with cannot be combined with provider and user_id'.
        {"provider":"github","user_id":"bob"} -> 400 invalid_body Payload validation error: '{"provider":"github","user_id":"bob"}: unknown field `{"provider":"github","user_id":"bob"}`, expected one of `link_with`, `provider`, `user_id`'.
        link_with=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx -> 400 invalid_body Invalid token (link_with).
    "#);
}

/// The server stores no body that is too long, whether the client announces its length or not.
#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let mut refusing = Refusing::start().await;
    let long = format!("{{\"user_metadata\":{{\"a\":\"{}\"}}}}", "x".repeat(10 * 1024 * 1024));
    for (method, path) in WITH_BODY {
        refusing.ask("10 MiB", request(method.clone(), path, JSON, long.clone())).await;
        let unsaid = Request::builder().method(method).uri(path).body(chunks(10)).unwrap();
        let refused = refusing.backend.send_body(unsaid).await.refused();
        refusing.told.push(format!("10 MiB, unsaid -> {refused}"));
    }
    insta::assert_snapshot!(refusing.told().await, @r#"
        10 MiB -> 413 - Payload content length greater than maximum allowed: 131072
        10 MiB, unsaid -> 413 - Payload content length greater than maximum allowed: 131072
        10 MiB -> 413 - Payload content length greater than maximum allowed: 131072
        10 MiB, unsaid -> 413 - Payload content length greater than maximum allowed: 131072
        10 MiB -> 413 - Payload content length greater than maximum allowed: 131072
        10 MiB, unsaid -> 413 - Payload content length greater than maximum allowed: 131072
    "#);
}

/// The largest metadata and profile of a user fit into one body.
#[tokio::test]
async fn a_body_as_long_as_can_be_is_read() {
    let server = TestServer::start_auth0().await;
    let text = "x".repeat(15 * 1024);
    let user = json!({
        "connection": "github", "user_id": "ann", "user_metadata": {"a": text}, "app_metadata": {"a": text},
        "name": "x".repeat(10 * 1024),
    });
    assert_eq!(server.backend().post(USERS, &user).await.ok()["app_metadata"]["a"], text);
}

/// Many clients write all of it before they read: the refusal still arrives.
#[tokio::test]
async fn a_client_that_sends_a_long_body_to_its_end_reads_the_refusal() {
    let server = TestServer::start_auth0().await;
    let token = Token::of("services", "backend").sign();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let length = 10 * 1024 * 1024;
    let head = format!(
        "POST /api/v2/users HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; length]).await.unwrap();

    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();

    assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
    assert!(
        answer.ends_with(
            r#""message":"Payload content length greater than maximum allowed: 131072"}"#
        ),
        "{answer}"
    );
}

/// G08: a body that does not arrive holds its call only up to the time limit.
#[tokio::test]
async fn a_body_that_does_not_arrive_is_refused() {
    let server = TestServer::start_auth0().await;
    let token = Token::of("services", "backend").sign();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /api/v2/users HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();

    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();

    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
}
