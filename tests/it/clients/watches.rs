//! Watches of the clients: each event once, across all that ends a stream.

use std::time::Duration;

use serde_json::{Value, json};
use tonic::Status;

use super::driver::Driver;
use crate::support::{
    TestServer,
    relay::{Fault, Relay},
    tokens::Token,
};

/// A consumer that watches, and a server on which users appear.
struct Story {
    driver: Driver,
    relay: Relay,
    created: Vec<String>,
}

impl Story {
    /// Begins to watch the feed for so many events.
    async fn begin(driver: Driver, server: &TestServer, tokens: &[Token], take: usize) -> Self {
        let mut driver = driver;
        let relay = Relay::start(server.address).await;
        let tokens: Vec<String> = tokens.iter().map(Token::sign).collect();
        let open = json!({"open": {"target": relay.address.to_string(), "tokens": tokens}});
        assert_eq!(driver.ask(&open).await, json!({"opened": true}));
        driver.order(&json!({"watch": {"fromEnd": "FEED_END_OLDEST"}, "take": take}));
        Self { driver, relay, created: Vec::new() }
    }

    /// Creates a user, and waits until the consumer has the event.
    async fn create(&mut self, server: &TestServer) {
        let subject = self.created.len().to_string();
        let id = server.service().create("github", &subject).await.id;
        self.created.push(id.clone());
        let seen = self.driver.next().await;
        assert_eq!(seen["event"]["userCreated"]["user"]["userId"], Value::String(id), "{seen}");
    }

    /// Waits until the consumer has begun so many streams.
    async fn until_streams(&self, count: usize) {
        self.relay.until_attempts("WatchEvents", count).await;
    }

    async fn ends(mut self) {
        assert_eq!(self.driver.next().await, json!({"done": true}));
    }
}

fn service() -> Token {
    Token::of("services", "backend")
}

/// The server ends each watch after a second, and the consumer goes on from its position.
pub(super) async fn goes_on_after_each_end(driver: Driver) {
    let server =
        TestServer::start_feed_changed(|config| config.feed.max_watch = Duration::from_secs(1))
            .await;
    let mut story = Story::begin(driver, &server, &[service()], 3).await;
    for streams in 1..=3 {
        story.until_streams(streams).await;
        story.create(&server).await;
    }
    story.ends().await;
}

/// The server stops, and another one has its place.
pub(super) async fn goes_on_at_another_server(driver: Driver) {
    let server = TestServer::start_feed().await;
    let other = server.another().await;
    let mut story = Story::begin(driver, &server, &[service()], 2).await;
    story.create(&server).await;
    story.relay.lead_to(other.address);
    server.shutdown.cancel();
    story.create(&other).await;
    story.ends().await;
}

/// The connection is lost behind a message, before the first one, and without a word.
pub(super) async fn goes_on_after_lost_connections(driver: Driver) {
    let server = TestServer::start_feed().await;
    let gone = || Box::new(Status::unavailable("the connection was lost"));
    let mut story = Story::begin(driver, &server, &[service()], 3).await;
    story.create(&server).await;
    for fault in [
        Fault::EndAfter(1, gone()),
        Fault::Refuse(gone()),
        Fault::EndAfter(1, Box::new(Status::ok(""))),
        Fault::EndAfter(1, Box::new(Status::internal("RST_STREAM"))),
    ] {
        story.relay.fail("WatchEvents", fault);
    }
    // Another server is reached by new streams alone: the first one ends, and each further one fails.
    let other = server.another().await;
    story.relay.lead_to(other.address);
    server.shutdown.cancel();
    story.until_streams(6).await;
    story.create(&other).await;
    story.create(&other).await;
    assert_eq!(story.relay.faults_left(), 0);
    story.ends().await;
}

/// The token has ended when the watch begins, and the consumer gets another one.
pub(super) async fn renews_its_token(driver: Driver) {
    let server = TestServer::start_feed().await;
    let old = service().issued_ago(7200);
    let ended = old.claims["iat"].as_i64().unwrap() + 3600;
    let tokens = [old.with("exp", ended), service()];
    let mut story = Story::begin(driver, &server, &tokens, 1).await;
    story.until_streams(2).await;
    story.create(&server).await;
    story.ends().await;
}

/// What no new stream mends is an error of the consumer.
pub(super) async fn ends_at_a_lost_position(mut driver: Driver) {
    let server = TestServer::start_feed().await;
    let relay = Relay::start(server.address).await;
    let open = json!({"open": {"target": relay.address.to_string(), "tokens": [service().sign()]}});
    assert_eq!(driver.ask(&open).await, json!({"opened": true}));
    let seen = driver.ask(&json!({"watch": {"after": "invented"}, "take": 1})).await;
    assert_eq!(seen["error"]["type"], "PositionInvalid", "{seen}");
    assert_eq!(relay.attempts().len(), 1);
}

/// The tests of this file, for the driver of one language.
macro_rules! watches {
    ($driver:expr) => {
        #[tokio::test]
        async fn a_watch_goes_on_after_each_end() {
            crate::clients::watches::goes_on_after_each_end($driver.await).await;
        }

        #[tokio::test]
        async fn a_watch_goes_on_at_another_server() {
            crate::clients::watches::goes_on_at_another_server($driver.await).await;
        }

        #[tokio::test]
        async fn a_watch_goes_on_after_lost_connections() {
            crate::clients::watches::goes_on_after_lost_connections($driver.await).await;
        }

        #[tokio::test]
        async fn a_watch_renews_its_token() {
            crate::clients::watches::renews_its_token($driver.await).await;
        }

        #[tokio::test]
        async fn a_watch_ends_at_a_lost_position() {
            crate::clients::watches::ends_at_a_lost_position($driver.await).await;
        }
    };
}

pub(super) use watches;
