//! The certificate authorities that the server trusts: the system's, those of the configuration,
//! and those of one issuer or provider alone.

use std::fs;

use super::*;
use crate::support::{
    child::{Running, binary, config_file, run_command, temp_dir},
    cluster::{Database, cluster},
    server::config_toml,
};

/// Starts a server with these settings, and returns what a caller of the issuer gets.
async fn outcome_with(settings: &str) -> String {
    let server = TestServer::start_with(cluster().db_migrated().await, |toml| toml + settings);
    outcome(&server.await).await
}

/// P15: a server whose certificate no trusted authority has issued gets nothing, and says nothing.
#[tokio::test]
async fn keys_come_from_a_server_that_a_trusted_authority_certifies() {
    let dir = temp_dir("outgoing_ca");
    let (ours, file) = authority_in(&dir, "ours");
    let (_, other) = authority_in(&dir, "other");
    let (keys, address) = keys_behind(&ours.issue()).await;
    let url = format!("https://localhost:{}/jwks", address.port());

    assert_eq!(outcome_with(&issuer(&url, "")).await, NO_KEYS);
    assert_eq!(keys.asked(), 0);
    let global = |file| format!("[outgoing]\n{}\n{}", ca(file), issuer(&url, ""));
    assert_eq!(outcome_with(&global(&file)).await, ACCEPTED);
    assert_eq!(outcome_with(&global(&other)).await, NO_KEYS);
    assert_eq!(outcome_with(&issuer(&url, &ca(&file))).await, ACCEPTED);
}

/// P15: the authorities of an issuer are the only ones that count for it.
#[tokio::test]
async fn the_authorities_of_an_issuer_take_the_place_of_all_others() {
    let dir = temp_dir("outgoing_ca_only");
    let (ours, file) = authority_in(&dir, "ours");
    let (_, other) = authority_in(&dir, "other");
    let (keys, address) = keys_behind(&ours.issue()).await;
    let url = format!("https://localhost:{}/jwks", address.port());

    let settings = format!("[outgoing]\n{}\n{}", ca(&file), issuer(&url, &ca(&other)));

    assert_eq!(outcome_with(&settings).await, NO_KEYS);
    assert_eq!(keys.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authorities_of_the_system_are_trusted() {
    let database = cluster().db_migrated().await;
    let (ours, file) = authority_in(&temp_dir("outgoing_system"), "ours");
    let (keys, address) = keys_behind(&ours.issue()).await;
    let url = format!("https://localhost:{}/jwks", address.port());
    let config = config_file(&database, |toml| toml + &issuer(&url, ""));

    let mut serve = binary(&["serve", "--config", config.to_str().unwrap()]);
    serve.env("SSL_CERT_FILE", &file).env_remove("SSL_CERT_DIR");
    let mut child = Running::start(serve);

    child.stderr_until(|line| line.contains(r#""message":"serving""#));
    assert_eq!(keys.asked(), 1);
}

/// Without authorities, each certificate would be refused at run time, with a misleading reason.
#[test]
fn a_system_without_authorities_is_a_problem_if_a_certificate_is_to_be_verified() {
    let dir = temp_dir("outgoing_none");
    let (_, file) = authority_in(&dir, "ours");
    fs::write(dir.join("empty.pem"), "").unwrap();
    let check = |settings: &str, database: &str| {
        let toml = config_toml("127.0.0.1:0".parse().unwrap(), database);
        fs::write(dir.join("config.toml"), toml + settings).unwrap();
        let mut command = binary(&["check-config", "--config", "config.toml"]);
        command.current_dir(&dir).env("SSL_CERT_FILE", "empty.pem").env_remove("SSL_CERT_DIR");
        let ran = run_command(command);
        if ran.code == Some(0) { "valid".to_owned() } else { ran.stderr }
    };
    let (here, away) = ("postgres://postgres@127.0.0.1:1/x", "postgres://postgres@db.test/x");
    let url = "https://keys.example.test/jwks";

    insta::assert_snapshot!(check(&issuer(url, ""), here), @"
    identity-link: config.toml:
    outgoing.ca: is required: this system has no certificate authorities. Install them, in most systems the package ca-certificates, or name a file of them
    ");
    assert!(check("", away).contains("outgoing.ca: is required"));
    let provider = crate::flows::oidc("away", "https://id.example.test");
    assert!(check(&provider, here).contains("outgoing.ca: is required"));
    let other_ca = format!("[outgoing]\n{}\n", ca(&file));
    let own_ca = format!("{away}?sslrootcert={}", file.display());
    for (settings, database) in [
        (String::new(), here),
        (issuer("http://127.0.0.1:9/jwks", ""), here),
        (issuer(url, &ca(&file)), here),
        (format!("{provider}{}\n", ca(&file)), here),
        (String::new(), own_ca.as_str()),
        (other_ca + &issuer(url, "") + &provider, away),
    ] {
        assert_eq!(check(&settings, database), "valid", "{settings}");
    }
}

#[test]
fn each_file_of_authorities_that_cannot_be_used_is_a_problem() {
    let dir = temp_dir("outgoing_bad");
    fs::write(dir.join("empty.pem"), "").unwrap();
    fs::write(dir.join("broken.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n").unwrap();
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(dir.join("junk.pem"), junk).unwrap();
    authority_in(&dir, "good");
    let toml = config_toml("127.0.0.1:0".parse().unwrap(), "postgres://postgres@127.0.0.1:1/x")
        + "[outgoing]\nca = \"none.pem\"\n"
        + &issuer("https://keys.example.test/jwks", "ca = \"empty.pem\"")
        + &named_issuer("near", "near", "http://127.0.0.1:9/jwks", "ca = \"good.pem\"")
        + &crate::flows::oidc("a", "https://id.example.test")
        + "ca = \"broken.pem\"\n"
        + &crate::flows::oidc("b", "https://id.example.test")
        + "ca = \"junk.pem\"\n"
        + &crate::flows::oidc("c", "http://127.0.0.1:9")
        + "ca = \"good.pem\"\n";
    fs::write(dir.join("config.toml"), toml).unwrap();
    let mut command = binary(&["check-config", "--config", "config.toml"]);
    command.current_dir(&dir);

    insta::assert_snapshot!(run_command(command).stderr, @"
    identity-link: config.toml:
    line 154: outgoing.ca: none.pem cannot be read: No such file or directory (os error 2)
    line 163: issuers.stranger.ca: empty.pem holds no certificate (PEM)
    line 172: issuers.near.ca: is for keys that come over https
    line 181: tenants.default.providers.a.oauth.ca: broken.pem is not PEM
    line 190: tenants.default.providers.b.oauth.ca: junk.pem holds something that is no certificate
    line 199: tenants.default.providers.c.oauth.ca: is for a provider that is reached over https
    ");
}

/// The database's certificate is verified against the same authorities, unless its URL names others.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_trusted_by_the_same_authorities() {
    let database = cluster().db_migrated().await;
    let url = database.db_behind_tls().await;
    let (plain, file) = url.split_once("&sslrootcert=").unwrap();
    let (_, other) = authority_in(&temp_dir("outgoing_database"), "other");

    let behind = Database { url: plain.to_owned(), ..database.clone() };
    let trusting = |file: &str| format!("[outgoing]\nca = \"{file}\"\n");
    let server = TestServer::start_with(behind, |toml| toml + &trusting(file)).await;
    server.service().create("github", "1").await;

    let migrate = |url: &str, file: &str| {
        let toml = config_toml("127.0.0.1:0".parse().unwrap(), url) + &trusting(file);
        let config = other.with_file_name("config.toml");
        fs::write(&config, toml).unwrap();
        run_command(binary(&["migrate", "--config", config.to_str().unwrap()]))
    };
    let refused = migrate(plain, other.to_str().unwrap());
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("the certificate's issuer is unknown"), "{}", refused.stderr);
    assert_eq!(migrate(&url, other.to_str().unwrap()).code, Some(0));
}
