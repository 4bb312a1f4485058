//! gRPC through the proxies of `docs/how-to/proxies.md`, with their very configurations.

use std::{net::SocketAddr, time::Duration};

use identity_link::grpc::proto as pb;
use tokio::time::{Instant, timeout};

use crate::support::{
    Caller, TestServer,
    auth0::AUTH0,
    child::{Running, temp_dir},
    cluster::cluster,
    events::watch_from,
    grpc_proxies::GrpcProxy,
    http1::Http1,
    tls::{Authority, TlsClient},
    tokens::Token,
    *,
};

/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest token that the service accepts, in bytes.
const MAX_TOKEN: usize = 8 * 1024;

/// A service behind a proxy, and a caller that reaches it through the proxy.
struct Behind {
    caller: Caller,
    /// Where the proxy listens.
    address: SocketAddr,
    /// The authority of its certificate.
    authority: Authority,
    _proxy: Running,
    _server: TestServer,
}

/// A token that is nearly as long as a token may be.
fn long_token() -> String {
    let short = Token::of("services", "backend").sign();
    // Base64 makes four bytes of three.
    let padding = "x".repeat((MAX_TOKEN - short.len()) * 3 / 4 - 64);
    let long = Token::of("services", "backend").with("padding", padding).sign();
    assert!((MAX_TOKEN - 100..=MAX_TOKEN).contains(&long.len()), "{}", long.len());
    long
}

async fn behind(proxy: GrpcProxy) -> Behind {
    let database = cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| {
        toml.replace("[feed]\n", "[feed]\nheartbeat = \"4s\"\n") + AUTH0
    })
    .await;
    let dir = temp_dir(&format!("{}_{proxy:?}", server.database.name));
    let authority = Authority::new("everyone's");
    authority.issue().write(&dir);
    let (running, address) = proxy.start(&dir, server.address).await;
    let channel = TlsClient::new(&authority, None).channel(address);
    let caller = Caller::new(channel, Some(long_token()));
    Behind { caller, address, authority, _proxy: running, _server: server }
}

/// Calls and their refusals arrive whole, and a watch lasts.
async fn nothing_gets_lost(proxy: GrpcProxy, calls: usize, watched: Duration) {
    let Behind { caller, _proxy, _server, .. } = behind(proxy).await;
    let mut watch = caller.watch_events(watch_from(pb::FeedEnd::Newest)).await.unwrap();

    let user = caller.create("google-oauth2", "a").await;
    for _ in 0..calls {
        caller.get_user(get(&user.id)).await.unwrap();
    }
    assert_eq!(refusal(caller.get_user(get("nobody")).await), "NotFound USER_NOT_FOUND");
    let refused = caller.create_user(pb::CreateUserRequest::default()).await;
    assert_eq!(refusal(refused), "InvalidArgument REQUEST_INVALID\nidentity: is required");

    // The event comes at once, and heartbeats follow for as long as the test watches.
    let (began, mut events) = (Instant::now(), 0);
    while events == 0 || began.elapsed() < watched {
        let message = timeout(PATIENCE, watch.message()).await.unwrap();
        let message = message.unwrap_or_else(|status| panic!("{proxy:?}: {status}"));
        events += message.expect("the watch should go on").events.len();
    }
    assert_eq!(events, 1);
}

/// nginx takes a thousand calls over one connection, unless it is configured otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_gets_lost_behind_nginx() {
    nothing_gets_lost(GrpcProxy::Nginx, 1_050, Duration::ZERO).await;
}

/// Envoy ends a response after 15 seconds, unless it is configured otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_gets_lost_behind_envoy() {
    nothing_gets_lost(GrpcProxy::Envoy, 10, Duration::from_secs(17)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_gets_lost_behind_haproxy() {
    nothing_gets_lost(GrpcProxy::HaProxy, 10, Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_gets_lost_behind_caddy() {
    nothing_gets_lost(GrpcProxy::Caddy, 10, Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_gets_lost_behind_httpd() {
    nothing_gets_lost(GrpcProxy::Httpd, 50, Duration::ZERO).await;
}

/// httpd sends an empty frame with each response that has trailers, and h2 takes a hundred of them.
/// Auth0's HTTP has no trailers.
#[tokio::test(flavor = "multi_thread")]
async fn behind_httpd_a_connection_of_a_client_in_rust_ends_after_a_hundred_calls() {
    let Behind { caller, address, authority, _proxy, _server } = behind(GrpcProxy::Httpd).await;
    let user = caller.create("google-oauth2", "a").await.id;

    let mut calls = 0;
    let ended = loop {
        calls += 1;
        if let Err(status) = caller.get_user(get(&user)).await {
            break status;
        }
    };
    assert!((90..=110).contains(&calls), "{calls}");
    assert!(format!("{ended:?}").contains("too_many_data_frames"), "{ended:?}");

    let tls = TlsClient::new(&authority, None).offering(&[b"http/1.1"]);
    let mut client = Http1::over(tls.connect(address).await.unwrap());
    let token = Token::of("services", "backend").sign();
    for _ in 0..50 {
        let request = format!(
            "GET /api/v2/users/{user} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        let answer = client.ask(request.replace('|', "%7C")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}
