//! The log says why a server cannot be reached, so that an operator can act on it.

use std::{collections::BTreeMap, fs};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;
use crate::support::{
    child::{Running, binary, config_file, run_command, temp_dir},
    cluster::cluster,
    connect_proxy::ConnectProxy,
    server::config_toml,
};

/// Serves with issuers that have keys at these URLs, and returns why the keys of each could not be
/// read, by the issuer's name.
async fn logged(settings: &str, urls: &[(&str, String)]) -> String {
    let database = cluster().db_migrated().await;
    let issuers: String = urls
        .iter()
        .map(|(name, url)| named_issuer(&name.replace(' ', "-"), name, url, ""))
        .collect();
    let config = config_file(&database, |toml| toml + settings + &issuers);
    let mut serve = binary(&["serve", "--config", config.to_str().unwrap()]);
    serve.env_remove("HTTPS_PROXY").env_remove("https_proxy");
    let mut child = Running::start(serve);
    let mut errors = BTreeMap::new();
    while errors.len() < urls.len() {
        let line = child.stderr_until(|line| line.contains("the issuer's keys could not be read"));
        let line: Value = serde_json::from_str(&line).unwrap();
        let (issuer, error) = (line["issuer"].as_str().unwrap(), line["error"].as_str().unwrap());
        let (_, why) = error.split_once(" cannot be fetched: ").unwrap();
        errors.insert(issuer.to_owned(), why.to_owned());
    }
    errors.iter().map(|(issuer, why)| format!("{issuer}: {why}\n")).collect()
}

/// A port of this machine on which nothing listens.
async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// The port of a server of HTTP without TLS, which refuses what it does not understand.
async fn in_clear_text() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            // The client may hang up before it has read it all.
            drop(client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
            // Closed with unread bytes, it would be reset, and the response lost.
            drop(client.read_to_end(&mut Vec::new()).await);
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_what_is_wrong_with_a_server() {
    let (ours, file) = authority_in(&temp_dir("outgoing_why"), "ours");
    let unknown = Authority::new("unknown").issue();
    let mut urls = Vec::new();
    for (name, pair) in [
        ("unknown issuer", unknown),
        ("other name", ours.issue_for("other.example.test")),
        ("expired", ours.issue_expired("localhost")),
        ("authority as server", ours.as_server()),
    ] {
        let (_, address) = keys_behind(&pair).await;
        urls.push((name, format!("https://localhost:{}/jwks", address.port())));
    }
    urls.push(("clear text", format!("https://localhost:{}/jwks", in_clear_text().await)));
    urls.push(("closed port", format!("https://localhost:{}/jwks", closed_port().await)));
    let gone = WebServer::of_keys(Answer::Reset).await;
    urls.push(("reset", format!("http://{}/jwks", gone.address)));
    let huge = "x".repeat(300 * 1024);
    let huge = WebServer::of_keys(Answer::ok(&huge)).await;
    urls.push(("too long", format!("http://{}/jwks", huge.address)));

    insta::assert_snapshot!(logged(&format!("[outgoing]\n{}\n", ca(&file)), &urls).await, @"
    authority as server: the certificate is that of an authority, not of a server
    clear text: the other side does not speak TLS
    closed port: connection refused
    expired: the certificate has expired
    other name: the certificate is for other names: other.example.test
    reset: connection reset
    too long: the response is longer than 256 KiB
    unknown issuer: the certificate's issuer is unknown
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_what_is_wrong_with_a_proxy() {
    let guarded = ConnectProxy::start_with_password(&[], "ann:sesame").await.address;
    let open = ConnectProxy::start(&[]).await.address;
    let not_a_proxy = WebServer::of_keys(Answer::Reset).await.address;
    let mut found = Vec::new();
    for proxy in [
        format!("http://ann:other@{guarded}"),
        format!("http://{open}"),
        format!("http://ann:sesame@127.0.0.1:{}", closed_port().await),
        format!("https://ann:sesame@localhost:{}", in_clear_text().await),
        format!("http://{not_a_proxy}"),
    ] {
        let url = format!("https://{AWAY}/jwks");
        found.push(logged(&format!("[outgoing]\nproxy = \"{proxy}\"\n"), &[("away", url)]).await);
    }
    insta::assert_snapshot!(found.concat(), @"
    away: the proxy answered 407: it requires a user and a password, or does not accept these
    away: the proxy refused to connect to this host
    away: the proxy cannot be reached: connection refused
    away: the proxy cannot be reached: the other side does not speak TLS
    away: the proxy refused to connect to this host
    ");
}

/// The name of the database's host is looked up likewise. No name server is asked for a name with a
/// part of more than 63 letters.
#[test]
fn a_name_that_cannot_be_resolved_is_named_as_such() {
    let dir = temp_dir("outgoing_no_host");
    let url = format!("postgres://p@{}.test/x?sslmode=disable", "a".repeat(64));
    fs::write(dir.join("config.toml"), config_toml("127.0.0.1:0".parse().unwrap(), &url)).unwrap();
    let mut command = binary(&["migrate", "--config", "config.toml"]);
    command.current_dir(&dir);

    let refused = run_command(command).stderr;

    assert!(refused.contains("the host's name cannot be resolved: "), "{refused}");
}

/// A88: neither the problems of a proxy nor those of a URL show a password.
#[test]
fn a_proxy_that_would_not_be_used_as_written_is_refused() {
    let dir = temp_dir("outgoing_bad_proxy");
    let check = |settings: &str, environment: &[(&str, &str)]| {
        let toml = config_toml("127.0.0.1:0".parse().unwrap(), "postgres://p@127.0.0.1:1/x");
        fs::write(dir.join("config.toml"), toml + settings).unwrap();
        let mut command = binary(&["check-config", "--config", "config.toml"]);
        for unset in ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] {
            command.env_remove(unset);
        }
        command.current_dir(&dir).envs(environment.iter().copied());
        let ran = run_command(command);
        assert!(!ran.stderr.contains("sesame"), "{}", ran.stderr);
        ran.stderr
    };

    let own = "[outgoing]\nproxy = \"http://u:ses@me:sesame@proxy.test\"\nno_proxy = [\"a.test:81\", \"10.0.0.0/40\"]\n";
    let url = issuer("https://u:sesame@keys.example.test/jwks", "");
    insta::assert_snapshot!(check(&format!("{own}{url}"), &[]), @r#"
    identity-link: config.toml:
    line 154: outgoing.proxy: must be a URL such as http://user:password@proxy.example.com:3128, of http or https, with special characters of user and password percent-encoded
    line 155: outgoing.no_proxy: "10.0.0.0/40" must be a host, a domain, an address, or a range of addresses such as 10.0.0.0/8
    line 155: outgoing.no_proxy: "a.test:81" must be a host, a domain, an address, or a range of addresses such as 10.0.0.0/8
    line 159: issuers.stranger.jwks_url: must be https, or http on this machine, without user and password
    "#);
    let environment =
        [("HTTPS_PROXY", "socks5://u:sesame@proxy.test"), ("NO_PROXY", "a.test,b.test:81")];
    insta::assert_snapshot!(check("", &environment), @r#"
    identity-link: config.toml:
    outgoing.no_proxy: NO_PROXY of the environment: "b.test:81" must be a host, a domain, an address, or a range of addresses such as 10.0.0.0/8
    outgoing.proxy: HTTPS_PROXY of the environment must be a URL such as http://user:password@proxy.example.com:3128, of http or https, with special characters of user and password percent-encoded
    "#);
}
