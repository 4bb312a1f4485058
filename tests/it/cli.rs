//! The commands of the binary.

mod client;
mod doctor;
mod generated;
mod health;
mod messages;
pub(crate) mod schema;
mod secrets;
mod version;

use std::{fs, net::TcpListener, path::Path};

use data_encoding::BASE64URL_NOPAD;
use identity_link_dev::issuers::ensure_keys;
use serde_json::Value;

use crate::support::{
    child::{Ran, binary, run, run_command, temp_dir},
    cluster::{Database, cluster},
    server::config_toml,
    tokens::keys_dir,
};

/// A folder with this configuration as `config.toml`, and the tests' keys beside it.
pub(crate) fn folder_with(name: &str, toml: &str) -> std::path::PathBuf {
    let dir = temp_dir(name);
    fs::copy(keys_dir().join("github.json"), dir.join("keys.json")).unwrap();
    fs::write(dir.join("bad.json"), "{\"keys\": [").unwrap();
    fs::write(dir.join("config.toml"), toml).unwrap();
    dir
}

/// Runs a command with that configuration, in its folder.
pub(crate) fn run_in(dir: &Path, command: &str, environment: &[(&str, &str)]) -> Ran {
    let mut binary = binary(&Vec::from_iter(command.split(' ')));
    binary.args(["--config", "config.toml"]);
    binary.current_dir(dir).envs(environment.iter().copied());
    run_command(binary)
}

fn good_toml(database: &Database) -> String {
    config_toml("127.0.0.1:0".parse().unwrap(), &database.url)
}

/// A database at an address where no server listens, for configurations that are never used to
/// connect.
fn nowhere() -> Database {
    Database { name: "x".to_owned(), url: "postgres://postgres:sesame@127.0.0.1:1/x".to_owned() }
}

/// J14, S06: symmetric algorithms, empty secrets and endpoints without TLS are refused.
#[test]
fn check_config_lists_every_problem_at_once() {
    let issuer = |name: &str, rest: &str| {
        format!(
            "[issuers.{name}]\nissuer = \"https://{name}.example.com\"\nkind = \"user\"\ntenant = \"default\"\n\
             audiences = [\"api\"]\n{rest}\n"
        )
    };
    let toml = [
        "listen = \"nowhere\"\nlog = \"loud=louder\"\nlissten = \"127.0.0.1:1\"\nmax_call_time = \"0s\"\nmax_concurrent_calls = 0\nshutdown_grace = \"soon\"\nreflection = 1\n",
        "[listener]\nmax_connections = 0\nhandshake_timeout = \"2m\"\nidle_timeout = \"1s\"\nstall_timeout = \"1s\"\n",
        "[database]\nurl = \"mysql://root:sesame@db/x\"\nmax_connections = 0\n",
        "[tenants.\"Bad Name\"]\n[tenants.default]\nuser_ids = \"email\"\nproviders.GitHub = {}\n",
        "providers.a = { mode = \"both\", email_trust = \"always\", linking = \"maybe\", required_email = \"yes\" }\n",
        "providers.b.email_trust = \"authoritative_domains\"\nproviders.c.hosted_domains = true\n",
        "providers.d = { email_trust = \"authoritative_domains\", authoritative_domains = [\"gmail\", \"a@gmail.com\"] }\n",
        "providers.e = { email_trust = \"when_verified\", authoritative_domains = [\"gmail.com\"] }\n",
        "providers.f.oauth = { scope = \"openid\", kind = \"saml\", client_secret = \"sesame\", client_secret_file = \"sesame.txt\" }\n",
        "providers.h.oauth = { kind = \"oidc\", preset = \"google\", issuer = \"https://i.example.com\", client_id = 7, client_secret_file = \"missing.txt\" }\n",
        "providers.i.oauth = { kind = \"oidc\", client_id = \"c\", client_secret = \"sesame\", algorithms = [\"HS256\", \"none\"], redirect_uris = [\"https://a.example.com/#f\", \"http://a.example.com/\", \"/cb\"] }\n",
        "providers.j.oauth = { kind = \"oidc\", issuer = \"http://i.example.com\", client_id = \"c\", client_secret = \"sesame\", redirect_uris = [\"https://a.example.com/\"], api_url = \"https://api.example.com\", display_name = \" \" }\n",
        "providers.k.oauth = { preset = \"microsoft\", directory = \"contoso.example.com\", allowed_directories = [\"mine\"], client_id = \"c\", client_secret = \"sesame\", redirect_uris = [\"https://a.example.com/\"] }\n",
        "providers.l.oauth = { preset = \"github\", token_url = \"http://github.example.com/token\", issuer = \"https://github.com\", client_id = \"c\", client_secret = \"sesame\", redirect_uris = [\"https://a.example.com/\"] }\n",
        "providers.sms.oauth = { kind = \"oidc\", issuer = \"https://sms.example.com\", client_id = \"c\", client_secret = \"sesame\", redirect_uris = [\"https://a.example.com/\"] }\n",
        "providers.wallet.oauth = { kind = \"oidc\", issuer = \"https://wallet.example.com\", client_id = \"c\", client_secret = \"sesame\", redirect_uris = [\"https://a.example.com/\"] }\n",
        "providers.github.oauth = { preset = \"github\", client_id = \"c\", client_secret = \"sesame\", redirect_uris = [\"https://a.example.com/github\"] }\n",
        "providers.m = { linking = \"automatic\", required_email = \"verified\" }\n",
        "providers.n.oauth = { preset = \"microsoft\", directory = \"common\", allowed_directories = [], client_id = \"\", client_secret = \" \", redirect_uris = [\"https://a.example.com/n\"] }\n",
        "providers.o.oauth = { preset = \"microsoft\", directory = \"8eaef023-2b34-4da1-9baa-8bc8c9d6a490\", client_id = \"c\", client_secret = \"sesame\", redirect_uris = [\"https://a.example.com/o\"] }\n",
        &issuer("first", "subject = \"user_id\"\nalgorithms = [\"EdDSA\"]\njwks_file = \"keys.json\""),
        &issuer("second", "subject = \"user_id\"\nalgorithms = [\"EdDSA\"]\njwks_file = \"keys.json\""),
        &issuer("third", "subject = \"subject\"\nprovider = \"github\"\nalgorithms = [\"EdDSA\"]\njwks_file = \"keys.json\""),
        &issuer(
            "fourth",
            "subject = \"identity\"\nproviders = [\"github\"]\nalgorithms = [\"HS256\", \"EdDSA\", \"none\"]\n\
             jwks_file = \"keys.json\"\nallowed_scopes = [\"read:everything\"]",
        ),
        &issuer("fifth", "subject = \"subject\"\nprovider = \"sms\"\nalgorithms = [\"EdDSA\"]\njwks_file = \"missing.json\""),
        &issuer("sixth", "subject = \"subject\"\nprovider = \"a\"\nalgorithms = [\"EdDSA\"]\njwks_file = \"bad.json\""),
        &issuer("seventh", "subject = \"subject\"\nprovider = \"b\"\nalgorithms = [\"EdDSA\"]\njwks_url = \"http://issuer.example.com/jwks\"\njwks_refresh = \"10m\"\njwks_max_age = \"8m\""),
        "[issuers.eighth]\ndiscovery = true\njwks_url = \"https://eighth.example.com/jwks\"\njwks_max_age = \"2h\"\n",
        "[issuers.ninth]\nissuer = \"https://first.example.com\"\nkind = \"service\"\ntenant = \"nobody\"\nalgorithms = [\"EdDSA\"]\n\
         jwks_file = \"keys.json\"\nimplied_scopes = [\"read:current_user\"]\nlink_with.audiences = [\"api\"]\n",
    ]
    .concat();
    let toml = toml
        + "[issuers.tenth]\nissuer = \"https://first.example.com\"\nkind = \"service\"\ntenant = \"default\"\n\
                       algorithms = [\"EdDSA\"]\njwks_file = \"keys.json\"\naudiences = [\"api\"]\n\
           [issuers.eleventh]\nissuer = \"https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0\"\n\
                       kind = \"user\"\nsubject = \"subject\"\nprovider = \"o\"\ntenant = \"default\"\n\
                       algorithms = [\"EdDSA\"]\njwks_file = \"keys.json\"\naudiences = [\"api\"]\n\
           [issuers.twelfth]\nissuer = \"accounts.example.com\"\nkind = \"service\"\ntenant = \"default\"\n\
                       algorithms = [\"EdDSA\"]\ndiscovery = true\naudiences = [\"api\"]\n";

    let ran = run_in(&folder_with("bad_config", &toml), "config check", &[]);

    assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""));
    assert!(!ran.stderr.contains("sesame"), "the output should contain no secret");
    insta::assert_snapshot!(ran.stderr, @r#"
        identity-link: config.toml:
        line 1: listen: must be an address and a port in quotes, such as "127.0.0.1:50051" for this machine only, or "0.0.0.0:50051" for all networks
        line 2: log: is not a filter: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
        line 3: lissten: is not a known key: did you mean "listen", which is there already?
        line 4: max_call_time: must be longer than 0s
        line 5: max_concurrent_calls: must be a number from 1 to 100000
        line 6: shutdown_grace: must be a time with its unit, such as "30s", "10m" or "1h"
        line 7: reflection: must be true or false
        line 9: listener.max_connections: must be a number from 1 to 100000
        line 10: listener.handshake_timeout: must be from 1s to 1m
        line 11: listener.idle_timeout: must be from 10s to 1d
        line 12: listener.stall_timeout: is not a known key: there are max_connections, handshake_timeout, idle_timeout
        line 14: database.url: is not a Postgres URL such as postgres://user:password@host/database, with special characters in the password percent-encoded
        line 15: database.max_connections: must be a number from 1 to 1000
        line 16: tenants.Bad Name: the name must be 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit
        line 18: tenants.default.user_ids: must be one of "random", "provider|subject"
        line 19: tenants.default.providers.GitHub: the name must be 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit
        line 20: tenants.default.providers.a.mode: must be one of "sign_in", "link_only"
        line 20: tenants.default.providers.a.email_trust: must be one of "never", "when_verified", "authoritative_domains", "own_directory"
        line 20: tenants.default.providers.a.linking: must be one of "off", "suggest", "automatic"
        line 20: tenants.default.providers.a.required_email: must be one of "none", "any", "verified"
        line 21: tenants.default.providers.b.authoritative_domains: is required, or hosted_domains = true
        line 22: tenants.default.providers.c.email_trust: must be "authoritative_domains" for the domains to count
        line 23: tenants.default.providers.d.authoritative_domains: "a@gmail.com" is not a domain such as example.com
        line 23: tenants.default.providers.d.authoritative_domains: "gmail" is not a domain such as example.com
        line 24: tenants.default.providers.e.email_trust: must be "authoritative_domains" for the domains to count
        line 25: tenants.default.providers.f.oauth.kind: must be one of "oidc", "github"
        line 25: tenants.default.providers.f.oauth.client_id: is required
        line 25: tenants.default.providers.f.oauth.client_secret: exactly one of client_secret, client_secret_file and client_secret_key_file is required
        line 25: tenants.default.providers.f.oauth.redirect_uris: is required: where the provider may send the browser
        line 25: tenants.default.providers.f.oauth.scope: is not a known key: did you mean "scopes"?
        line 26: tenants.default.providers.h.oauth.preset: exactly one of preset and kind is required: what the provider speaks
        line 26: tenants.default.providers.h.oauth.client_id: must be a string
        line 26: tenants.default.providers.h.oauth.client_secret_file: names a file that cannot be read: No such file or directory (os error 2)
        line 26: tenants.default.providers.h.oauth.redirect_uris: is required: where the provider may send the browser
        line 27: tenants.default.providers.i.oauth.redirect_uris: "/cb" must be https, or http on this machine, without a fragment
        line 27: tenants.default.providers.i.oauth.redirect_uris: "http://a.example.com/" must be https, or http on this machine, without a fragment
        line 27: tenants.default.providers.i.oauth.redirect_uris: "https://a.example.com/#f" must be https, or http on this machine, without a fragment
        line 27: tenants.default.providers.i.oauth.algorithms: HS256 must be the only one: it signs with the client's secret
        line 27: tenants.default.providers.i.oauth.algorithms: "none" is not a signature algorithm such as "RS256"
        line 27: tenants.default.providers.i.oauth.issuer: is required: the iss of the provider's ID tokens
        line 28: tenants.default.providers.j.oauth.display_name: must be 1 to 64 characters without control characters
        line 28: tenants.default.providers.j.oauth.issuer: must be an https URL, or http on this machine
        line 28: tenants.default.providers.j.oauth.api_url: does not apply here (Of providers without OpenID Connect only)
        line 29: tenants.default.providers.k.oauth.allowed_directories: "mine" is not the id of a directory in lower case
        line 29: tenants.default.providers.k.oauth.directory: must be "organizations", "common" or the id of a directory in lower case
        line 30: tenants.default.providers.l.oauth.authorize_url: is required beside the other URLs: all three are of one server
        line 30: tenants.default.providers.l.oauth.api_url: is required beside the other URLs: all three are of one server
        line 30: tenants.default.providers.l.oauth.token_url: must be https, or http on this machine, without a query
        line 30: tenants.default.providers.l.oauth.issuer: does not apply here (Of OpenID Connect only)
        line 32: tenants.default.providers.wallet.oauth.redirect_uris: "https://a.example.com/" is a redirect URI of sms too: it must name one provider
        line 34: tenants.default.providers.m.linking: "automatic" requires an email_trust other than "never": no user would be linked
        line 34: tenants.default.providers.m.required_email: "verified" requires an email_trust other than "never": no new account could sign in
        line 35: tenants.default.providers.n.oauth.client_id: must not be empty
        line 35: tenants.default.providers.n.oauth.client_secret: must not be empty
        line 35: tenants.default.providers.n.oauth.allowed_directories: must name at least one; without it all are allowed
        line 45: issuers.second: names user ids of tenant default, and so does issuers.first: only one issuer may
        line 53: issuers.third: names subjects of provider github in tenant default, and so does issuers.fourth: one subject could then be two people
        line 53: issuers.third: names subjects of provider github in tenant default, at which people sign in with issuer https://github.com/login/oauth: one subject could then be two people
        line 62: issuers.fourth: names subjects of provider github in tenant default, at which people sign in with issuer https://github.com/login/oauth: one subject could then be two people
        line 69: issuers.fourth.algorithms: HS256 is symmetric: each party that can verify could also sign
        line 69: issuers.fourth.algorithms: "none" is not a signature algorithm such as "RS256"
        line 71: issuers.fourth.allowed_scopes: "read:everything" is not one of create:users, delete:current_user, delete:users, export:users, import:users, jobs:users, read:connections, read:current_user, read:events, read:provider_tokens, read:user_idp_tokens, read:users, receive:provider_events, sign_in:users, update:current_user_identities, update:current_user_metadata, update:users
        line 72: issuers.fifth: names subjects of provider sms in tenant default, at which people sign in with issuer https://sms.example.com: one subject could then be two people
        line 80: issuers.fifth.jwks_file: missing.json cannot be read: No such file or directory (os error 2)
        line 89: issuers.sixth.jwks_file: bad.json is not a JWKS document: EOF while parsing a list at line 1 column 10
        line 98: issuers.seventh.jwks_url: must be https, or http on this machine, without user and password
        line 99: issuers.seventh.jwks_refresh: must be from 1s to 9m
        line 101: issuers.eighth.issuer: is required
        line 101: issuers.eighth.algorithms: is required: the signature algorithms of this issuer, such as ["RS256"]
        line 101: issuers.eighth.kind: exactly one of kind and kind_claim is required: which callers the tokens name
        line 101: issuers.eighth.tenant: is required: one of the [tenants]; or tenant_claim; or, for services, tenants
        line 101: issuers.eighth.jwks_file: exactly one of jwks_file, jwks_url and discovery = true is required: where the issuer's public keys are
        line 101: issuers.eighth.audiences: is required, or a table link_with: otherwise no token of this issuer is accepted
        line 104: issuers.eighth.jwks_max_age: must be from 1s to 1h
        line 105: issuers.ninth: has the same issuer as issuers.first
        line 108: issuers.ninth.tenant: "nobody" is not one of the [tenants]
        line 111: issuers.ninth.implied_scopes: are for user tokens only
        line 112: issuers.ninth.link_with: is for user tokens only: a service token proves no user
        line 113: issuers.tenth: has the same issuer as issuers.first
        line 120: issuers.eleventh: names subjects of provider o in tenant default by sub, but sign-ins there are named by tid and oid: one person would be two
        line 134: issuers.twelfth.discovery: requires an issuer that is an https URL, or http on this machine
    "#);
}

#[test]
fn check_config_refuses_a_file_that_is_not_toml_or_does_not_exist() {
    let ran = run_in(&folder_with("not_toml", "listen = \n"), "config check", &[]);
    assert_eq!(ran.code, Some(64));
    insta::assert_snapshot!(ran.stderr, @"
        identity-link: config.toml:
        line 1: is not TOML: column 10: string values must be quoted, expected literal string
    ");

    let ran = run(&["config", "check", "--config", "/nowhere/config.toml"]);
    assert_eq!(ran.code, Some(64));
    insta::assert_snapshot!(ran.stderr, @r#"
        identity-link: /nowhere/config.toml:
        cannot be read: No such file or directory (os error 2)
    "#);
}

#[test]
fn check_config_accepts_a_good_configuration() {
    let ran = run_in(&folder_with("good_config", &good_toml(&nowhere())), "config check", &[]);

    let stdout = "the configuration is valid".to_owned();
    assert_eq!(ran, Ran { code: Some(0), stdout, stderr: String::new() });
}

#[test]
fn every_key_can_come_from_the_environment() {
    let dir = folder_with("environment", &good_toml(&nowhere()));
    let check = |environment: &[(&str, &str)]| {
        let ran = run_in(&dir, "config check", environment);
        format!("{:?} {}{}", ran.code.unwrap(), ran.stdout, ran.stderr)
    };

    insta::assert_snapshot!(check(&[("IDENTITY_LINK__LISTENN", "127.0.0.1:0")]), @"
        64 identity-link: config.toml:
        IDENTITY_LINK__LISTENN: listenn: is not a known key: did you mean IDENTITY_LINK__LISTEN?
    ");
    insta::assert_snapshot!(check(&[("IDENTITY_LINK__LISTEN", "here"), ("IDENTITY_LINK__DATABASE__MAX_CONNECTIONS", "many")]), @r#"
        64 identity-link: config.toml:
        IDENTITY_LINK__DATABASE__MAX_CONNECTIONS: database.max_connections: must be a number from 1 to 1000
        IDENTITY_LINK__LISTEN: listen: must be an address and a port in quotes, such as "127.0.0.1:50051" for this machine only, or "0.0.0.0:50051" for all networks
    "#);
    insta::assert_snapshot!(check(&[("IDENTITY_LINK__ISSUERS__GOOGLE_OAUTH2__ALGORITHMS", "EdDSA, HS256")]), @"
        64 identity-link: config.toml:
        IDENTITY_LINK__ISSUERS__GOOGLE_OAUTH2__ALGORITHMS: issuers.google-oauth2.algorithms: HS256 is symmetric: each party that can verify could also sign
    ");
    insta::assert_snapshot!(check(&[("IDENTITY_LINK__LISTEN__PORT", "1")]), @r#"
        64 identity-link: config.toml:
        IDENTITY_LINK__LISTEN__PORT: listen: must be an address and a port in quotes, such as "127.0.0.1:50051" for this machine only, or "0.0.0.0:50051" for all networks
    "#);
    insta::assert_snapshot!(check(&[("IDENTITY_LINK__SHUTDOWN_GRACE", "5s"), ("IDENTITY_LINK__REFLECTION", "false")]), @"0 the configuration is valid");
}

#[tokio::test]
async fn migrate_runs_missing_migrations_once() {
    let database = cluster().db_empty().await;
    let dir = folder_with(&database.name, &good_toml(&nowhere()));
    let environment = [("IDENTITY_LINK__DATABASE__URL", database.url.as_str())];

    let first = run_in(&dir, "migrate", &environment);
    let second = run_in(&dir, "migrate", &environment);

    let stdout =
        "migrated: 20261130000001, 20261201000001.expand, 20261201000002.expand, 20261201000003.expand, 20261201000004.expand, 20261201000005.expand, 20261201000006.expand, 20261201000007.expand, 20261201000008.expand, 20261202000009.expand, 20261202000010.expand, 20261202000011.expand, 20261203000012.expand, 20261204000013.expand".to_owned();
    assert_eq!(first, Ran { code: Some(0), stdout, stderr: String::new() });
    let stdout = "the schema is up to date".to_owned();
    assert_eq!(second, Ran { code: Some(0), stdout, stderr: String::new() });
}

/// A command that listens nowhere and verifies no token needs no word about either.
#[tokio::test]
async fn commands_on_the_database_need_no_listener_and_no_issuer() {
    let database = cluster().db_empty().await;
    let url = &database.url;
    let least = format!("[database]\nurl = \"{url}\"\n[tenants.default.providers.github]\n");
    let dir = folder_with(&database.name, &least);
    let user = r#"{"id": "ann", "identities": [{"provider": "github", "subject": "ann"}]}"#;
    fs::write(dir.join("users.ndjson"), format!("{user}\n")).unwrap();
    fs::write(dir.join("ids.txt"), "ann\n").unwrap();

    let ran = run_in(&dir, "migrate", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = run_in(&dir, "import --from neutral users.ndjson", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = run_in(&dir, "export", &[]);
    assert!(ran.code == Some(0) && ran.stdout.contains("\"ann\""), "{ran:?}");
    for command in [
        "duplicates --output plan.ndjson",
        "apply plan.ndjson",
        "undo --plan 0b8f3c56-4f5e-4c55-9a0b-7d2f6a1c9e10",
        "purge",
        "provider list",
        "erase --ids ids.txt",
    ] {
        let ran = run_in(&dir, command, &[]);
        assert_eq!(ran.code, Some(0), "{command}: {ran:?}");
    }
    for command in ["serve", "doctor", "health", "config check"] {
        let ran = run_in(&dir, command, &[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(64), ""), "{command}");
        assert_eq!(
            ran.stderr,
            "identity-link: config.toml:\nlisten: is required, such as \"127.0.0.1:50051\"\n\
             issuers: is required: without an issuer no call is accepted",
            "{command}"
        );
    }
}

/// What is there is checked, whichever command reads it.
#[test]
fn commands_on_the_database_check_what_the_file_has_of_a_server() {
    let least = "[database]\nurl = \"postgres://postgres@127.0.0.1:1/x\"\n[tenants.default]\n";
    let toml = format!(
        "listen = \"nowhere\"\n{least}[issuers.one]\nissuer = \"https://one.example.com\"\nalgorithms = [\"none\"]\n"
    );
    let dir = folder_with("checked_for_commands", &toml);

    let (export, check) = (run_in(&dir, "export", &[]), run_in(&dir, "config check", &[]));

    assert_eq!(export, check);
    assert_eq!(export.code, Some(64));
    for said in ["line 1: listen: ", "line 7: issuers.one.algorithms: "] {
        assert!(export.stderr.contains(said), "{export:?}");
    }
    // A key that is misspelt is not one that is missing.
    let dir = folder_with("misspelt_for_commands", &format!("lissten = \"127.0.0.1:0\"\n{least}"));
    let ran = run_in(&dir, "export", &[]);
    assert!(
        ran.stderr.contains("line 1: lissten: is not a known key: did you mean \"listen\"?"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn serve_exits_with_the_reason_why_it_cannot_serve() {
    let database = cluster().db_empty().await;
    let dir = folder_with(&database.name, &good_toml(&database));
    let serve = |environment: &[(&str, &str)]| {
        let ran = run_in(&dir, "serve", environment);
        assert_eq!(ran.stdout, "");
        // Without the log lines.
        let lines: Vec<&str> = ran.stderr.lines().filter(|line| !line.starts_with('{')).collect();
        format!("{} {}", ran.code.unwrap(), lines.join("\n"))
    };

    insta::assert_snapshot!(serve(&[]), @"1 identity-link: the database's schema is older than this binary: run `identity-link migrate` first (missing: 20261130000001, 20261201000001.expand, 20261201000002.expand, 20261201000003.expand, 20261201000004.expand, 20261201000005.expand, 20261201000006.expand, 20261201000007.expand, 20261201000008.expand, 20261202000009.expand, 20261202000010.expand, 20261202000011.expand, 20261203000012.expand, 20261204000013.expand)");
    insta::assert_snapshot!(serve(&[("IDENTITY_LINK__DATABASE__URL", &nowhere().url)]), @"1 identity-link: the database is unavailable: error connecting to server: connection refused (at 127.0.0.1: is Postgres running there?)");
    insta::assert_snapshot!(serve(&[("IDENTITY_LINK__ISSUERS__GITHUB__JWKS_FILE", "bad.json")]), @"
        64 identity-link: config.toml:
        IDENTITY_LINK__ISSUERS__GITHUB__JWKS_FILE: issuers.github.jwks_file: bad.json is not a JWKS document: EOF while parsing a list at line 1 column 10
    ");
    insta::assert_snapshot!(serve(&[("IDENTITY_LINK__NO_SUCH_KEY", "1")]), @"
        64 identity-link: config.toml:
        IDENTITY_LINK__NO_SUCH_KEY: no_such_key: is not a known key: `identity-link config example` shows all
    ");
    insta::assert_snapshot!(serve(&[("IDENTITY_LINK__LOG", "loud=louder")]), @r#"
        64 identity-link: config.toml:
        IDENTITY_LINK__LOG: log: is not a filter: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
    "#);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = serve(&[("IDENTITY_LINK__LISTEN", &address)]);
    insta::assert_snapshot!(said.replace(&address, "ADDRESS"), @"1 identity-link: ADDRESS is in use: stop what listens there, perhaps another identity-link, or choose another address");
}

#[test]
fn token_prints_one_jwt_and_nothing_else() {
    let dir = temp_dir("token");
    ensure_keys(&dir).unwrap();
    let token = |arguments: &[&str]| {
        let ran = run(&[&["token", "--data-dir", dir.to_str().unwrap()], arguments].concat());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        let parts: Vec<&str> = ran.stdout.split('.').collect();
        assert_eq!((parts.len(), ran.stdout.lines().count()), (3, 1), "{}", ran.stdout);
        let part = |i: usize| {
            serde_json::from_slice::<Value>(&BASE64URL_NOPAD.decode(parts[i].as_bytes()).unwrap())
                .unwrap()
        };
        let (header, mut claims) = (part(0), part(1));
        let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        for claim in ["exp", "iat", "jti", "auth_time"] {
            claims.as_object_mut().unwrap().remove(claim);
        }
        format!("{header}\n{claims}\n{lifetime} s")
    };

    insta::assert_snapshot!(token(&["--user", "usr_1"]), @r#"
        {"alg":"EdDSA","kid":"users","typ":"at+jwt"}
        {"aud":"identity-link","iss":"https://users.dev.identity-link.invalid","scope":"delete:current_user read:current_user update:current_user_identities update:current_user_metadata","sub":"usr_1","tenant":"default"}
        3600 s
    "#);
    insta::assert_snapshot!(token(&["--identity", "sms", "1", "--email", "a@b.c", "--email-verified", "--ttl", "10m"]), @r#"
        {"alg":"EdDSA","kid":"sms","typ":"at+jwt"}
        {"aud":"identity-link","email":"a@b.c","email_verified":true,"iss":"https://sms.dev.identity-link.invalid","scope":"delete:current_user read:current_user update:current_user_identities update:current_user_metadata","sub":"1","tenant":"default"}
        600 s
    "#);
    insta::assert_snapshot!(token(&["--service", "backend", "--scope", "read:users", "--tenant", "other"]), @r#"
        {"alg":"EdDSA","kid":"services","typ":"at+jwt"}
        {"aud":"identity-link","iss":"https://services.dev.identity-link.invalid","scope":"read:users","sub":"backend","tenant":"other"}
        3600 s
    "#);
}

#[test]
fn token_exits_with_the_reason_why_it_prints_no_token() {
    let dir = temp_dir("token_refused");
    ensure_keys(&dir).unwrap();
    let empty = temp_dir("token_no_keys");
    let token = |dir: &Path, arguments: &[&str]| {
        let ran = run(&[&["token", "--data-dir", dir.to_str().unwrap()], arguments].concat());
        assert_eq!(ran.stdout, "");
        format!(
            "{} {}",
            ran.code.unwrap(),
            ran.stderr.replace(dir.to_str().unwrap(), "DIR").lines().next().unwrap()
        )
    };

    insta::assert_snapshot!(token(&dir, &["--identity", "myspace", "1"]), @r#"1 identity-link: "myspace" is not a demo provider: there are auth0, github, google-oauth2, sms"#);
    insta::assert_snapshot!(token(&dir, &["--user", "u", "--tenant", "nobody"]), @r#"1 identity-link: "nobody" is not a tenant of dev: there are default, other"#);
    insta::assert_snapshot!(token(&empty, &["--user", "u"]), @"1 identity-link: there are no local issuers in DIR: run `identity-link dev` with this folder first");
    insta::assert_snapshot!(token(&dir, &["--user", "u", "--ttl", "soon"]), @"2 error: invalid value 'soon' for '--ttl <TTL>': must be a time such as 30s, 10m or 1h");
    insta::assert_snapshot!(token(&dir, &["--user", "u", "--service", "s"]), @"2 error: the argument '--user <USER_ID>' cannot be used with '--service <NAME>'");
    insta::assert_snapshot!(token(&dir, &[]), @"2 error: the following required arguments were not provided:");
}
