//! `doctor`: what an operator reads of the things on which a server depends.

use serde_json::json;

use super::*;
use crate::{
    flows::oidc,
    support::{
        fake_oidc::FakeOidc,
        tls::Authority,
        web_server::{Answer, Asked, WebServer},
    },
};

/// A configuration with one issuer, whose keys are there.
fn toml(database: &Database, keys: &WebServer, rest: &str) -> String {
    format!(
        "listen = \"127.0.0.1:0\"\n[database]\nurl = \"{}\"\n[issuers.svc]\nissuer = \"https://a.example.com\"\n\
         kind = \"service\"\ntenant = \"default\"\njwks_url = \"http://{}/jwks\"\nalgorithms = [\"EdDSA\"]\n\
         audiences = [\"a\"]\n[tenants.default]\n{rest}",
        database.url, keys.address
    )
}

/// A server of an issuer's keys, whose clock is ahead by this many seconds, and further header
/// lines.
async fn keys(ahead: i64, head: &'static str) -> WebServer {
    let keys = fs::read_to_string(keys_dir().join("github.json")).unwrap();
    let answer = move |_: &Asked| {
        let time = identity_link::clock::now() + chrono::TimeDelta::seconds(ahead);
        let date = time.format("%a, %d %b %Y %H:%M:%S GMT");
        Answer::new("200 OK", &format!("date: {date}\r\n{head}"), &keys)
    };
    WebServer::start(move |_| answer).await
}

/// Runs the command on this configuration. Returns its exit code and lines, without what differs
/// from run to run.
async fn examined(name: &str, toml: String, hidden: &[(&str, &str)]) -> String {
    let dir = folder_with(&format!("doctor_{name}"), &toml);
    let ran = tokio::task::spawn_blocking(move || run_in(&dir, "doctor", &[])).await.unwrap();
    let mut text = format!("{}\n{}\n{}", ran.code.unwrap(), ran.stdout, ran.stderr);
    for (what, shown) in hidden {
        text = text.replace(what, shown);
    }
    assert!(!text.contains("sesame"), "{text}");
    text.trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_in_order_is_a_line_each_and_exit_code_0() {
    let database = cluster().db_migrated().await;
    let (keys, provider) = (keys(0, "").await, FakeOidc::start(json!({})).await);
    let dir = temp_dir("doctor_pair");
    // A newer release may have expanded the schema.
    let expanded = "INSERT INTO __diesel_schema_migrations VALUES ('39990101000000.expand')";
    database.db_execute(expanded).await;
    let pair = Authority::new("doctor").issue();
    fs::write(dir.join("server.pem"), pair.certificate).unwrap();
    fs::write(dir.join("server.key"), pair.key).unwrap();
    let tls = format!(
        "[tls]\ncertificate = \"{0}/server.pem\"\nkey = \"{0}/server.key\"\n",
        dir.display()
    );
    let toml = toml(&database, &keys, &format!("{}{tls}", oidc("fake", &provider.issuer)));

    let version = database.db_texts("SELECT current_setting('server_version')").await.remove(0);
    let (keys, folder) = (keys.address.to_string(), dir.display().to_string());
    let hidden = [
        (keys.as_str(), "KEYS"),
        (provider.issuer.as_str(), "PROVIDER"),
        (folder.as_str(), "DIR"),
        (version.as_str(), "VERSION"),
    ];
    let text = examined("good", toml, &hidden).await;
    let host = text.split_once("database ").unwrap().1.split_once(": ").unwrap().0.to_owned();
    insta::assert_snapshot!(text.replace(&host, "HOST"), @"
        0
        ok    tls: DIR/server.pem is valid until 4096-01-01
        ok    database HOST: Postgres VERSION, writable, with a schema on which this release serves; the clocks agree
        ok    provider fake of tenant default: PROVIDER/token responds
        ok    issuer https://a.example.com: http://KEYS/jwks has keys
    ");
}

/// F11: among them a database that bounds nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_or_stale_or_read_only_or_unbounded_fails() {
    let keys = keys(0, "").await;
    let (empty, migrated) = (cluster().db_empty().await, cluster().db_migrated().await);
    migrated.db_execute("INSERT INTO __diesel_schema_migrations VALUES ('39990101000000')").await;
    let mut read_only = cluster().db_migrated().await;
    let separator = if read_only.url.contains('?') { '&' } else { '?' };
    read_only.url.push_str(&format!(
        "{separator}options=-c%20default_transaction_read_only%3Don%20-c%20statement_timeout%3D0"
    ));
    let mut said = Vec::new();
    for (name, database) in
        [("away", &nowhere()), ("empty", &empty), ("newer", &migrated), ("read_only", &read_only)]
    {
        let address = keys.address.to_string();
        let text = examined(name, toml(database, &keys, ""), &[(&address, "KEYS")]).await;
        let lines = text.lines().filter(|line| !line.starts_with("ok"));
        let database = lines.map(|line| match line.split_once(": ") {
            Some((head, rest)) if head.contains("database ") => format!("{} … {rest}", &head[..4]),
            _ => line.to_owned(),
        });
        said.push(Vec::from_iter(database).join("\n"));
    }
    insta::assert_snapshot!(said.join("\n"), @"
        1
        fail … the database is unavailable: error connecting to server: connection refused (at 127.0.0.1: is Postgres running there?). To do: start it, or correct database.url and what lies between
        identity-link: doctor found one failure
        1
        fail … the database's schema is older than this binary: run `identity-link migrate` first (missing: 20261130000001, 20261201000001.expand, 20261201000002.expand, 20261201000003.expand, 20261201000004.expand, 20261201000005.expand, 20261201000006.expand, 20261201000007.expand, 20261201000008.expand, 20261202000009.expand, 20261202000010.expand, 20261202000011.expand, 20261203000012.expand, 20261204000013.expand)
        identity-link: doctor found one failure
        1
        fail … the database's schema is newer than this binary: run the release that made it, or a later one (unknown: 39990101000000)
        identity-link: doctor found one failure
        1
        fail … it refuses writes. To do: connect to the primary, not to a standby, with a role and a database that may write
        fail … these bounds are not in force: statement_timeout. To do: let a pooler in between pass the startup option `options` on, or set them with ALTER ROLE, such as statement_timeout = '10s', lock_timeout = '5s', idle_in_transaction_session_timeout = '30s'; set none of them to 0
        identity-link: doctor found 2 failures
    ");
}

/// A line without the number of seconds, as a clock may tick meanwhile, and without why a document
/// cannot be fetched, which the client's own tests hold.
fn without_details(line: &str) -> String {
    let mut line = line.to_owned();
    for (before, after) in [("its clock is ", " seconds "), ("cannot be fetched: ", ". To do")] {
        if let Some((head, rest)) = line.split_once(before)
            && let Some((_, tail)) = rest.split_once(after)
        {
            line = format!("{head}{before}…{after}{tail}");
        }
    }
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_away_or_wrong_or_late_is_named() {
    let database = cluster().db_migrated().await;
    let garbage = WebServer::of_keys(Answer::ok("<html>")).await;
    let missing = WebServer::of_keys(Answer::status("404 Not Found")).await;
    let reset = WebServer::of_keys(Answer::Reset).await;
    let (late, early) = (keys(-15, "").await, keys(3600, "").await);
    let cached = keys(-3600, "age: 3600\r\n").await;
    let mut said = Vec::new();
    for (name, keys) in [
        ("garbage", garbage),
        ("missing", missing),
        ("reset", reset),
        ("late", late),
        ("early", early),
        ("cached", cached),
    ] {
        let address = keys.address.to_string();
        let text = examined(name, toml(&database, &keys, ""), &[(&address, "KEYS")]).await;
        let (code, lines) = text.split_once('\n').unwrap();
        let lines = lines.lines().filter(|line| line.contains("issuer"));
        let lines = lines.map(without_details);
        said.push(format!("{name} {code}\n{}", Vec::from_iter(lines).join("\n")));
    }
    insta::assert_snapshot!(said.join("\n"), @"
        garbage 1
        fail  issuer https://a.example.com: no keys: http://KEYS/jwks is not a JWKS document: expected value at line 1 column 1. To do: see whether this machine may reach the URL, and whether it is the one for this issuer's keys
        missing 1
        fail  issuer https://a.example.com: no keys: http://KEYS/jwks cannot be fetched: …. To do: see whether this machine may reach the URL, and whether it is the one for this issuer's keys
        reset 1
        fail  issuer https://a.example.com: no keys: http://KEYS/jwks cannot be fetched: …. To do: see whether this machine may reach the URL, and whether it is the one for this issuer's keys
        late 0
        ok    issuer https://a.example.com: http://KEYS/jwks has keys
        warn  issuer https://a.example.com: its clock is … seconds behind this machine's. To do: synchronize both clocks, by NTP: tokens are judged by the time
        early 1
        ok    issuer https://a.example.com: http://KEYS/jwks has keys
        fail  issuer https://a.example.com: its clock is … seconds ahead of this machine's. To do: synchronize both clocks, by NTP: tokens are judged by the time
        cached 0
        ok    issuer https://a.example.com: http://KEYS/jwks has keys
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_is_named_in_the_json_too() {
    let database = cluster().db_migrated().await;
    let keys = keys(0, "").await;
    let provider = oidc("fake", "http://127.0.0.1:1");
    let dir = folder_with("doctor_json", &toml(&database, &keys, &provider));
    let ran =
        tokio::task::spawn_blocking(move || run_in(&dir, "doctor --json", &[])).await.unwrap();

    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (Some(1), "identity-link: doctor found one failure")
    );
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(told["level"], "fail");
    let findings = told["findings"].as_array().unwrap();
    let levels: Vec<&str> =
        findings.iter().map(|finding| finding["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["ok", "fail", "ok"]);
    assert_eq!(findings[1]["subject"], "provider fake of tenant default");
    assert!(
        findings[1]["state"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:1/.well-known/openid-configuration cannot be fetched")
    );
    assert_ne!(findings[1]["advice"], "");
}

/// A provider whose metadata do not fit the settings: `doctor` says which setting to change, and so
/// does `config check --online`, which needs no database.
#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_does_not_fit_a_provider_is_named() {
    let (keys, provider) = (keys(0, "").await, FakeOidc::start(json!({})).await);
    provider.metadata_with(&json!({
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "scopes_supported": ["openid", "email"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "response_modes_supported": ["form_post"],
    }));
    let slashed = FakeOidc::start(json!({})).await;
    slashed.metadata_with(&json!({"issuer": format!("{}/", slashed.issuer)}));
    let clients = oidc("fake", &provider.issuer) + &oidc("slashed", &slashed.issuer);
    let toml = toml(&nowhere(), &keys, &clients);
    let dir = folder_with("doctor_misfits", &toml);
    let run = move |command: &'static str| run_in(&dir, command, &[]);
    let run = |command| {
        let run = run.clone();
        tokio::task::spawn_blocking(move || run(command))
    };
    let doctor = run("doctor").await.unwrap();
    let online = run("config check --online").await.unwrap();

    let shown =
        |text: &str| text.replace(&provider.issuer, "PROVIDER").replace(&slashed.issuer, "SLASHED");
    assert_eq!(
        (online.code, online.stderr.as_str()),
        (Some(1), "identity-link: the check found 3 failures")
    );
    insta::assert_snapshot!(shown(&online.stdout), @r#"
        the configuration is valid
        ok    provider fake of tenant default: PROVIDER/token responds
        fail  provider fake of tenant default: it signs ID tokens with EdDSA, and algorithms is ES256, RS256. To do: set algorithms = ["EdDSA"]
        fail  provider fake of tenant default: it takes clients by private_key_jwt, and identity-link has a secret. To do: register the client for client_secret_basic or client_secret_post at the provider; if it takes one of them nevertheless, name it in token_endpoint_auth_method
        warn  provider fake of tenant default: it does not list the scopes profile. To do: correct scopes, unless the provider's documents name them
        warn  provider fake of tenant default: it sends browsers back by form_post, not by query. To do: set response_mode = "form_post"
        fail  provider slashed of tenant default: SLASHED/.well-known/openid-configuration is the metadata of the issuer "SLASHED/", not of "SLASHED": they differ by the slash at the end. If it is the right one, set issuer to that. To do: correct issuer, or have the provider correct its metadata
    "#);
    // The same lines, between those about the database and the issuer.
    let of_providers = |text: &str| {
        let lines = text.lines().filter(|line| line.contains("provider "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of_providers(&doctor.stdout), of_providers(&online.stdout));
    assert_eq!(doctor.code, Some(1));
}

/// The command looks, and changes nothing: not even what a server writes at its start.
#[tokio::test(flavor = "multi_thread")]
async fn it_writes_nothing_to_the_database() {
    let database = cluster().db_migrated().await;
    let keys = keys(0, "").await;
    let rows = async || {
        let keys = database.db_texts("SELECT to_jsonb(k)::text FROM tenant_keys k").await;
        (keys, database.db_everything().await)
    };
    let before = rows().await;
    let text = examined("writes", toml(&database, &keys, ""), &[]).await;
    assert!(text.starts_with("0\n"), "{text}");
    assert_eq!(rows().await, before);
}
