//! What HTTP/1.1 may cost: it has the bounds of HTTP/2.

use super::{http1::*, *};
use crate::support::{auth0::AUTH0, cluster::cluster, get, http1::*, refusal};

/// G06: nothing, half a method, a head that arrives byte by byte and has no end.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_whole_head_is_cut() {
    let server = server(|limits| {
        limits.handshake_timeout = SOON;
        limits.first_call_timeout = SOON;
        limits.idle_timeout = NEVER;
    })
    .await;

    let attack = async {
        for said in ["", "P", "G", &OPEN[..OPEN.len() - 1]] {
            let mut client = Http1::connect(server.address).await;
            client.send(said).await;
            assert_eq!(client.rest().await, [], "{said}");
        }
        let (mut client, service) = (Http1::connect(server.address).await, server.service());
        client.send("GET / HTTP/1.1\r\nhost: a\r\nx: ").await;
        client.send_until_cut("x", async || drop(service.get_user(get("x")).await)).await;
        assert_eq!(client.rest().await, []);
    };
    while_attacked(&server, attack).await;
}

/// G06: a request without a token gains no more time.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_an_authorized_call_is_closed() {
    let server = server(|limits| {
        limits.first_call_timeout = SOON;
        limits.idle_timeout = NEVER;
    })
    .await;

    let attack = async {
        for path in ["/api/v2/openapi.json", "/api/v2/users/x", "/api/v2/nothing", "/nothing"] {
            let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
            Http1::connect(server.address).await.ask_until_closed(request).await;
        }
    };
    while_attacked(&server, attack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_further_request_is_closed() {
    let server = server(|limits| {
        limits.first_call_timeout = NEVER;
        limits.handshake_timeout = NEVER;
        limits.idle_timeout = SOON;
        limits.stall_timeout = SOON;
    })
    .await;

    let attack = async {
        // The beginning of a next request is not a request.
        for more in ["", "\r\n", "GET / HTTP/1.1\r\n"] {
            let mut client = Http1::connect(server.address).await;
            is_let_in(&mut client).await;
            client.send(more).await;
            assert_eq!(client.rest().await, [], "{more}");
        }
    };
    while_attacked(&server, attack).await;
}

/// G14: 16 KiB, and a hundred headers.
#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_bounded() {
    let server = server(|_| {}).await;
    let head = |size: usize| {
        let begin = "GET /api/v2/openapi.json HTTP/1.1\r\nhost: a\r\nx: ";
        format!("{begin}{}\r\n\r\n", "x".repeat(size - begin.len() - 4))
    };
    let headers =
        |count: usize| OPEN.replace("host: a", &format!("host: a{}", "\r\nx: y".repeat(count - 1)));

    let attack = async {
        for (request, status) in [
            (head(16 * 1024), 200),
            (head(16 * 1024 + 1), 431),
            // A head that stops before its end.
            (head(17 * 1024)[..16 * 1024].to_owned(), 431),
            (headers(100), 200),
            (headers(101), 431),
        ] {
            let mut client = Http1::connect(server.address).await;
            assert_eq!(client.ask(request).await.status, status);
            if status != 200 {
                assert_eq!(client.rest().await, []);
            }
        }
    };
    while_attacked(&server, attack).await;
}

/// G08: a body that arrives slowly or never holds the one permit for as long as a call may take.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_not_waited_for_longer_than_a_call_may_take() {
    let database = cluster().db_migrated().await;
    let change = |toml| format!("max_call_time = \"1s\"\nmax_concurrent_calls = 1\n{toml}{AUTH0}");
    let server = TestServer::start_with(database, change).await;
    let mut other = Http1::connect(server.address).await;
    let head = authorized("PATCH /api/v2/users/x") + "content-length: 100000\r\n\r\n{";

    let mut stalling = Http1::connect(server.address).await;
    stalling.send(&head).await;
    let answers = stalling.rest().await;
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [504]);

    let mut dripping = Http1::connect(server.address).await;
    dripping.send(&head).await;
    let other = tokio::sync::Mutex::new(&mut other);
    dripping
        .send_until_cut(" ", async || assert_eq!(other.lock().await.ask(OPEN).await.status, 200))
        .await;
    let answers = dripping.rest().await;
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [504]);

    server.service().create("google-oauth2", "g").await;
}

/// G09: the server knows that responses wait, and waits for the client no longer than
/// `stall_timeout`.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_no_responses_is_cut() {
    let server = server(|limits| {
        limits.first_call_timeout = NEVER;
        limits.idle_timeout = NEVER;
        limits.stall_timeout = SOON;
    })
    .await;

    let attack = async {
        Http1::connect(server.address).await.send_until_cut(OPEN.repeat(100), async || {}).await;
    };
    while_attacked(&server, attack).await;
}

/// G25: responses without a body, to requests whose body the server does not wait for. Each of them
/// would count as activity, so that the connection would never be idle.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_no_responses_gains_no_time_by_more_requests() {
    let server = server(|limits| {
        limits.first_call_timeout = NEVER;
        limits.handshake_timeout = SOON;
        limits.idle_timeout = SOON;
        limits.stall_timeout = SOON;
    })
    .await;
    let request =
        "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\nx";

    let attack = async {
        let mut client = Http1::connect(server.address).await;
        is_let_in(&mut client).await;
        client.send_until_cut(request.repeat(1000), async || {}).await;
    };
    while_attacked(&server, attack).await;
}

/// A token that gRPC accepts fits into a head of HTTP/1.1, and a longer one is refused alike.
#[tokio::test]
async fn the_longest_token_is_accepted_over_both_protocols() {
    const LONGEST: usize = 8 * 1024;
    let server = server(|_| {}).await;
    let good = Token::of("services", "backend");
    let padded = |size: usize| good.clone().with("padding", "x".repeat(size));
    // Base64 has four bytes for each three.
    let room = (LONGEST - padded(0).sign().len()) * 3 / 4;
    let sizes = (0..=room).rev().map(|size| (size, padded(size).sign().len()));
    let (size, length) = sizes.into_iter().find(|(_, length)| *length <= LONGEST).unwrap();
    assert!(length > LONGEST - 2, "{length}");

    for (token, grpc, http1) in [
        (padded(size), "NotFound USER_NOT_FOUND", 404),
        (padded(size + 3), "Unauthenticated TOKEN_INVALID", 401),
    ] {
        assert_eq!(refusal(server.caller(&token).get_user(get("x")).await), grpc);
        let request = format!(
            "GET /api/v2/users/x HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n",
            token.sign()
        );
        let answer = Http1::connect(server.address).await.ask(request).await;
        assert_eq!(answer.status, http1);
        assert!(answer.body.contains("\"statusCode\""), "{}", answer.body);
    }
}
