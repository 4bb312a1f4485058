//! HTTP/1.1 beside HTTP/2 on the one port, for clients of `/api/v2` and of Connect.

use super::*;
use crate::support::{
    auth0::AUTH0,
    child::temp_dir,
    cluster::cluster,
    http1::*,
    tls::{Authority, TlsClient, tls_toml},
    *,
};

/// A request that needs no token.
pub(super) const OPEN: &str = "GET /api/v2/openapi.json HTTP/1.1\r\nhost: a\r\n\r\n";

/// A server of both protocols, with limits that a test can wait for.
pub(super) async fn server(
    change: impl FnOnce(&mut identity_link::listener::Limits),
) -> TestServer {
    TestServer::start_limited_with(|toml| toml + AUTH0, change).await
}

/// The head of a backend's request, without the empty line that ends it.
pub(super) fn authorized(line: &str) -> String {
    format!(
        "{line} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n",
        Token::of("services", "backend").sign()
    )
}

/// The path of the user with this identity at Google.
const GOOGLE: &str = "/api/v2/users/google-oauth2%7Cg";
const CHANGE: &str = r#"{"user_metadata":{"a":1}}"#;

/// A request that changes that user.
fn change() -> String {
    format!(
        "{}content-length: {}\r\n\r\n{CHANGE}",
        authorized(&format!("PATCH {GOOGLE}")),
        CHANGE.len()
    )
}

/// Makes a call with a token, about a user that does not exist, so that the server admits the
/// client.
pub(super) async fn is_let_in(client: &mut Http1) {
    let answer = client.ask(authorized("GET /api/v2/users/nobody") + "\r\n").await;
    assert_eq!(answer.status, 404, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_protocols_are_served_on_one_port_and_over_tls_by_what_the_client_offers() {
    let clear = server(|_| {}).await;
    assert_eq!(Http1::connect(clear.address).await.ask(OPEN).await.status, 200);
    still_served(&mut Peer::connect(clear.address).await).await;

    let database = cluster().db_migrated().await;
    let dir = temp_dir(&database.name);
    let ours = Authority::new("ours");
    ours.issue().write(&dir);
    let server = TestServer::start_with(database, |toml| toml + AUTH0 + &tls_toml(&dir)).await;
    let client = TlsClient::new(&ours, None);
    for (offer, chosen) in [
        (&[&b"h2"[..]][..], Some(&b"h2"[..])),
        (&[b"http/1.1"], Some(b"http/1.1")),
        // The server prefers HTTP/2.
        (&[b"http/1.1", b"h2"], Some(b"h2")),
        (&[], None),
    ] {
        let stream = client.offering(offer).connect(server.address).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
    }
    for offer in [&[&b"http/1.1"[..]][..], &[]] {
        let stream = client.offering(offer).connect(server.address).await.unwrap();
        assert_eq!(Http1::over(stream).ask(OPEN).await.status, 200);
    }
    for offer in [&[&b"h2"[..]][..], &[]] {
        let service = Token::of("services", "backend").sign();
        let service = Caller::new(client.offering(offer).channel(server.address), Some(service));
        let subject = format!("g{}", offer.len());
        let user = service.create("google-oauth2", &subject).await;
        assert_eq!(service.user(&user.id).await, user);
    }
    let refused = client.offering(&[b"h3"]).refusal(server.address).await;
    assert_eq!(refused, "received fatal alert: NoApplicationProtocol");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_one_by_one_on_one_connection() {
    let server = server(|_| {}).await;
    server.service().create("google-oauth2", "g").await;
    let mut client = Http1::connect(server.address).await;

    assert_eq!(client.ask(OPEN).await.status, 200);
    assert_eq!(client.ask(change()).await.status, 200);
    // The same body in chunks.
    let chunked = authorized(&format!("PATCH {GOOGLE}")) + "transfer-encoding: Chunked\r\n\r\n";
    let chunks = format!("{:x}\r\n{CHANGE}\r\n0\r\n\r\n", CHANGE.len());
    assert_eq!(client.ask(chunked + &chunks).await.status, 200);
    // Pipelined requests get their responses in order.
    client.send([OPEN, "GET /api/v2/users/x HTTP/1.1\r\nhost: a\r\n\r\n", OPEN].concat()).await;
    for status in [200, 401, 200] {
        assert_eq!(client.answer().await.status, status);
    }
    // The last request on the connection.
    client.send(OPEN.replace("host: a", "host: a\r\nconnection: close")).await;
    assert_eq!(client.rest().await.len(), 1);
}

/// G16: other features of HTTP/1.1.
#[tokio::test(flavor = "multi_thread")]
async fn heads_and_other_targets_are_answered_and_no_protocol_is_changed() {
    let server = server(|_| {}).await;
    let mut client = Http1::connect(server.address).await;

    let whole = client.ask(OPEN).await;
    let head = client.ask_head(OPEN.replace("GET", "HEAD")).await;
    assert_eq!((head.status, head.header("content-length")), (200, whole.header("content-length")));
    let absolute = OPEN.replace("GET /", "GET http://elsewhere.example/");
    assert_eq!(client.ask(absolute).await, whole);
    for upgrade in ["websocket", "h2c\r\nhttp2-settings: AAMAAABkAAQAAP__"] {
        let upgrade = format!("host: a\r\nconnection: upgrade\r\nupgrade: {upgrade}");
        assert_eq!(client.ask(OPEN.replace("host: a", &upgrade)).await.status, 200);
    }
    assert_eq!(client.ask("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.status, 404);
    assert_eq!(client.ask("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n").await.status, 405);
    assert_eq!(client.ask("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n").await.status, 405);
}

/// G16: HTTP/1.1 would lose the trailers of gRPC.
#[tokio::test(flavor = "multi_thread")]
async fn grpc_is_served_over_http2_only() {
    let server = server(|_| {}).await;
    for path in [CHECK, "/identitylink.v1.IdentityService/GetUser", "/nothing"] {
        let call = format!(
            "{}content-type: application/grpc\r\nte: trailers\r\n",
            authorized(&format!("POST {path}"))
        );
        let answer = Http1::connect(server.address)
            .await
            .ask(call + "content-length: 5\r\n\r\n\0\0\0\0\0")
            .await;
        assert_eq!((answer.status, answer.body.as_str()), (505, ""));
        assert_eq!((answer.header("grpc-status"), answer.header("trailer")), (None, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_requested_only_from_an_authorized_client() {
    let server = server(|_| {}).await;
    server.service().create("google-oauth2", "g").await;
    let expecting = change().replace("content-length", "expect: 100-continue\r\ncontent-length");
    let (head, _) = expecting.split_once(CHANGE).unwrap();

    let mut client = Http1::connect(server.address).await;
    assert_eq!(client.ask(head).await.status, 100);
    assert_eq!(client.ask(CHANGE).await.status, 200);

    let mut stranger = Http1::connect(server.address).await;
    stranger.send(head.replace("Bearer ", "Bearer x")).await;
    // Bytes that follow could be the body or not.
    assert_eq!(stranger.rest().await.iter().map(|answer| answer.status).collect::<Vec<_>>(), [401]);
}

/// G22: a stop under load.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_closes_idle_connections_at_once_and_finishes_calls_in_flight() {
    let server = server(|limits| limits.handshake_timeout = NEVER).await;
    let user = server.service().create("google-oauth2", "g").await;
    let (mut idle, mut busy) =
        (Http1::connect(server.address).await, Http1::connect(server.address).await);
    assert_eq!(idle.ask(OPEN).await.status, 200);
    let held = server.database.db_hold(&user.id).await;
    busy.send(change()).await;
    server.database.db_until_waiting(1).await;

    server.shutdown.cancel();

    assert_eq!(idle.rest().await, []);
    held.db_release().await;
    let answer = busy.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert_eq!(busy.rest().await, []);
}

/// A client that is about to send the body of a refused request could not write it, and would
/// report that in place of the refusal.
#[tokio::test(flavor = "multi_thread")]
async fn the_body_of_a_refused_request_may_come_after_its_head() {
    let server = server(|_| {}).await;
    let mut other = Http1::connect(server.address).await;
    let mut client = Http1::connect(server.address).await;
    for path in [GOOGLE, "/identitylink.v1.IdentityService/FindByEmail"] {
        for _ in 0..20 {
            let length = CHANGE.len();
            client
                .send(format!(
                    "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                     content-length: {length}\r\n\r\n"
                ))
                .await;
            // The server has the head by now.
            assert_eq!(other.ask(OPEN).await.status, 200);
            let refused = client.ask(CHANGE).await;
            assert!([401, 404, 405].contains(&refused.status), "{refused:?}");
            assert_eq!(client.ask(OPEN).await.status, 200);
        }
    }
}
