//! J31: keys that leave the key set of an issuer.

use serde_json::json;

use super::*;
use crate::support::{
    server::config_toml,
    tokens::{iss, jwk, keys_dir},
    web_server::{Answer, WebServer},
};

/// The configuration with this source of the services' keys.
fn with_keys(toml: &str, source: &str) -> String {
    let file = format!("jwks_file = \"{}\"", keys_dir().join("services.json").display());
    assert!(toml.contains(&file));
    toml.replace(&file, source)
}

/// A server with these keys of services, a service whose token is remembered, and its watcher.
async fn watched(source: &str) -> (TestServer, Caller, Watcher) {
    let server = TestServer::start_feed_with(|toml| with_keys(&toml, source)).await;
    let service = server.service();
    service.create("github", "ann").await;
    let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Newest)).await;
    watcher.caught_up().await;
    (server, service, watcher)
}

/// The watch has ended, and the token is dead.
async fn is_dead(service: &Caller, mut watcher: Watcher) {
    let end = timeout(SOON, watcher.end()).await.expect("the watch should end soon");
    assert_eq!(refusal::<()>(Err(end)), "Unavailable WATCH_EXPIRED");
    let again = service.watch_events(watch_from(FeedEnd::Newest)).await;
    assert_eq!(refusal(again.map(drop)), "Unauthenticated TOKEN_INVALID");
    assert_eq!(refusal(service.get_user(get("x")).await), "Unauthenticated TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_leaves_a_jwks_file_is_dead_within_ten_seconds() {
    let dir = child::temp_dir("reload_jwks_file");
    let file = dir.join("services.json");
    fs::write(&file, json!({"keys": [jwk("services")]}).to_string()).unwrap();
    let (_server, service, watcher) = watched(&format!("jwks_file = \"{}\"", file.display())).await;

    fs::write(&file, json!({"keys": [jwk("stranger")]}).to_string()).unwrap();

    is_dead(&service, watcher).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_leaves_a_jwks_url_is_dead_after_the_next_read() {
    let answer = |issuer: &str| Answer::ok(&json!({"keys": [jwk(issuer)]}).to_string());
    let keys = WebServer::of_keys(answer("services")).await;
    let source = format!("jwks_url = \"http://{}/jwks\"\njwks_refresh = \"1s\"", keys.address);
    let (_server, service, watcher) = watched(&source).await;

    keys.answer("/jwks", answer("stranger"));

    is_dead(&service, watcher).await;
}

/// An issuer that does not respond delays no reload for long, and only its own callers get no
/// answer. Other issuers keep their keys, which are not read again.
#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_down_does_not_hold_up_a_reload() {
    let answer = Answer::ok(&json!({"keys": [jwk("services")]}).to_string());
    let keys = WebServer::of_keys(answer).await;
    let database = cluster().db_migrated().await;
    let source = format!("jwks_url = \"http://{}/jwks\"", keys.address);
    let mut server = Reloading::start(&database, |toml| with_keys(&toml, &source));
    assert_eq!(keys.asked(), 1);

    let added = format!(
        "[issuers.stranger]\nissuer = \"{}\"\nalgorithms = [\"EdDSA\"]\nkind = \"user\"\nsubject = \"subject\"\n\
         provider = \"p\"\ntenant = \"default\"\naudiences = [\"identity-link\"]\n\
         allowed_scopes = [\"read:current_user\"]\njwks_url = \"http://127.0.0.1:1/jwks\"\n",
        iss("stranger")
    );
    let line = server.reload(|toml| format!("{toml}{added}"), RELOADED);

    assert_eq!(line["added"], format!("issuer {}", iss("stranger")), "{line}");
    let stranger = server.caller(&Token::of("stranger", "1"));
    assert_eq!(refusal(stranger.get_user(get("")).await), "Unavailable KEYS_UNAVAILABLE");
    server.service().create("p", "1").await;
    assert_eq!(keys.asked(), 1, "the keys of an issuer that stays are not read again");

    // With another source they are.
    let file = format!("jwks_file = \"{}\"", keys_dir().join("services.json").display());
    let line = server.reload(|toml| toml.replace(&source, &file), RELOADED);
    assert_eq!(line["changed"], format!("issuer {}", iss("services")), "{line}");
    server.service().create("p", "2").await;
    assert!(config_toml(server.calls, &database.url).contains(&file));
}

/// The tokens leaked, and the key did not.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_from_before_a_time_are_dead_after_a_reload() {
    let database = feed_cluster().db_migrated().await;
    let mut server = Reloading::start(&database, |toml| toml);
    let leaked = server.caller(&Token::of("services", "backend").issued_ago(60));
    let user = leaked.create("github", "ann").await.id;
    let mut watcher = Watcher::begin(&leaked, watch_from(FeedEnd::Newest)).await;
    watcher.caught_up().await;

    // Times of tokens are whole seconds.
    let now = identity_link::clock::now().format("%Y-%m-%dT%H:%M:%SZ");
    let table = "[issuers.services]\n";
    let from = format!("{table}tokens_valid_from = \"{now}\"\n");
    let line = server.reload(|toml| toml.replace(table, &from), RELOADED);

    assert_eq!(line["changed"], "issuer https://services.example.com", "{line}");
    is_dead(&leaked, watcher).await;
    server.service().user(&user).await;
}
