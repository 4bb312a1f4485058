//! What an operator configures.

use std::path::Path;

use identity_link::config::Config;

use super::*;
use crate::support::{http1::Http1, server::config_toml};

/// The problems of a configuration with these lines in `[console]`.
fn problems(console: &str) -> String {
    let base = config_toml(([127, 0, 0, 1], 0).into(), "postgres://me@127.0.0.1/x");
    let parsed = Config::parse(&format!("{base}\n[console]\n{console}"), Path::new("."), []);
    let problems = parsed.err().into_iter().flat_map(|problems| problems.0);
    let lines = problems.map(|problem| {
        let problem = problem.to_string();
        problem.split_once("console").map(|(_, rest)| format!("console{rest}")).unwrap_or(problem)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A102: among them claims that a person can choose.
#[test]
fn what_cannot_be_meant_is_refused_all_at_once() {
    insta::assert_snapshot!(problems(""), @r#"
    console.listen: is required, such as "127.0.0.1:50052"
    console.base_url: is required, such as "https://console.example.com"
    console.issuer: is required: where the staff sign in
    console.client_id: is required
    console.client_secret: exactly one of client_secret and client_secret_file is required
    console.viewers: at least one of viewers, support and operators must have a value
    "#);
    insta::assert_snapshot!(problems(
        "listen = \"50052\"\nbase_url = \"http://console.example.com/x\"\nissuer = \"http://id.example.com\"\nclient_id = \" \"\n\
         client_secret = \"a\"\nclient_secret_file = \"b\"\nalgorithms = [\"HS256\"]\nrole_claim = \"email\"\n\
         viewers = [\"\"]\ntenants = [\"nowhere\"]\nidle_time = \"1s\"\nkeep_looks = \"1h\"\nadmins = [\"x\"]\n"
    ), @r#"
    console.listen: must be an address and a port in quotes, such as "127.0.0.1:50052" for this machine only, or "0.0.0.0:50052" for all networks
    console.base_url: must be https, or http on this machine, as browsers write it, without a path and a slash at the end
    console.issuer: must be an https URL, or http on this machine
    console.client_id: must not be empty
    console.client_secret: exactly one of client_secret and client_secret_file is required
    console.algorithms: HS256 is symmetric: each party that can verify could also sign
    console.role_claim: "email" is a claim that a person can often choose: it must give no role
    console.viewers: must not have an empty text
    console.tenants: "nowhere" is no tenant of this file
    console.idle_time: must be from 1m to 8h
    console.keep_looks: must be from 1d to 3650d
    console.admins: is not a known key: `identity-link config example` shows all
    "#);
    for claim in ["name", "preferred_username", "phone_number", "updated_at"] {
        let found = problems(&format!("role_claim = \"{claim}\"\n"));
        assert!(found.contains("console.role_claim"), "{claim}: {found}");
    }
    let good = "listen = \"127.0.0.1:0\"\nbase_url = \"https://c.example.com\"\nissuer = \"https://id.example.com\"\n\
        client_id = \"x\"\nclient_secret = \"y\"\nrole_claim = \"sub\"\noperators = [\"carol\"]\n";
    assert_eq!(problems(good), "");
}

#[tokio::test]
async fn over_https_cookies_are_for_this_host_alone() {
    let provider = FakeOidc::start(staff(&["agents"])).await;
    let mut listen = None;
    let _server = TestServer::start_console(|address| {
        listen = Some(address);
        let plain = format!("base_url = \"http://{address}\"");
        table(address, &provider.issuer)
            .replace(&plain, "base_url = \"https://console.example.com\"")
    })
    .await;
    let mut connection = Http1::connect(listen.unwrap()).await;

    let begun =
        connection.ask("GET /sign-in/start HTTP/1.1\r\nhost: console.example.com\r\n\r\n").await;

    assert_eq!(begun.status, 303);
    let cookie = begun.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-console-attempt=") && cookie.contains("Secure"), "{cookie}");
    assert_eq!(begun.header("strict-transport-security"), Some("max-age=31536000"));
    let to = begun.header("location").unwrap();
    assert!(to.contains("redirect_uri=https%3A%2F%2Fconsole.example.com%2Fcallback"), "{to}");
    assert!(to.contains("code_challenge_method=S256") && to.contains("nonce="), "{to}");

    // A page of another site cannot begin it.
    let forged = "GET /sign-in/start HTTP/1.1\r\nhost: console.example.com\r\nsec-fetch-site: cross-site\r\n\r\n";
    assert_eq!(connection.ask(forged).await.status, 400);
}

#[tokio::test]
async fn a_provider_that_is_down_is_said_to_be() {
    let provider = FakeOidc::start(staff(&["agents"])).await;
    let issuer = provider.issuer.clone();
    drop(provider);
    let mut url = String::new();
    let _server = TestServer::start_console(|address| {
        url = format!("http://{address}");
        table(address, &issuer).replace(&issuer, "http://127.0.0.1:9")
    })
    .await;
    let mut browser = browser();
    let page = browser.open(&format!("{url}/sign-in")).await.page();

    let failed = browser.follow(&page, "Sign in").await.page();

    assert_eq!(
        (failed.status, text(&failed, "problem")),
        (StatusCode::BAD_GATEWAY, "The sign-in failed")
    );
}
