//! What an operator reads of a mistake in a configuration: one problem for each mistake, with its
//! line or its variable, and what would be accepted.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::*;

/// A small file, in which each mistake of these tests is made.
const GOOD: &str = "\
listen = \"127.0.0.1:0\"
[database]
url = \"postgres://a@127.0.0.1/x\"
[tenants.default]
[issuers.svc]
issuer = \"https://a.example.com\"
kind = \"service\"
tenant = \"default\"
jwks_url = \"https://a.example.com/jwks\"
algorithms = [\"ES256\"]
audiences = [\"a\"]
";

/// The problems of a file in this environment.
#[track_caller]
fn problems(toml: &str, environment: &[(&str, &str)]) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let dir = folder_with(&format!("messages_{}", COUNT.fetch_add(1, Relaxed)), toml);
    let ran = run_in(&dir, "config check", environment);
    assert_eq!(ran.code, Some(64), "{toml}");
    let (head, problems) = ran.stderr.split_once('\n').unwrap();
    assert_eq!(head, "identity-link: config.toml:");
    problems.to_owned()
}

/// The problems of files with one change each: the text that is replaced, and the new one. At the
/// end of a file, if there is no old text.
fn changed(changes: &[(&str, &str)]) -> String {
    let problems = changes.iter().map(|(old, new)| {
        let toml = match *old {
            "" => format!("{GOOD}{new}\n"),
            old => {
                assert!(GOOD.contains(old));
                GOOD.replacen(old, new, 1)
            }
        };
        problems(&toml, &[])
    });
    Vec::from_iter(problems).join("\n")
}

/// One line for each file.
#[test]
fn a_misspelt_name_is_one_problem_that_says_what_was_meant() {
    insta::assert_snapshot!(changed(&[
        ("listen", "lissten"),
        ("[database]", "[databse]"),
        ("[tenants.default]", "[tenant.default]"),
        ("[tenants.default]", "[tenants.default.provider.google]"),
        ("algorithms", "algoritms"),
        ("jwks_url", "jwksURL"),
        ("audiences", "audience"),
        ("kind = \"service\"", "kimd = \"service\""),
        ("listen", "lissten = \"\"\nlisten"),
        ("listen", "port = 50051\nlisten"),
        ("[database]", "[database]\npassword = \"sesame\""),
        ("[database]", "[database]\nretention = \"1h\""),
        ("[database]", "[database]\nclient_id = \"1h\""),
        ("listen = \"127.0.0.1:0\"\n[database]", "[database]\nlisten = \"127.0.0.1:0\""),
    ]), @r#"
        line 1: lissten: is not a known key: did you mean "listen"?
        line 2: databse: is not a known key: did you mean "database"?
        line 4: tenant: is not a known key: did you mean "tenants"?
        line 4: tenants.default.provider: is not a known key: did you mean "providers"?
        line 10: issuers.svc.algoritms: is not a known key: did you mean "algorithms"?
        line 9: issuers.svc.jwksURL: is not a known key: did you mean "jwks_url"?
        line 11: issuers.svc.audience: is not a known key: did you mean "audiences"?
        line 7: issuers.svc.kimd: is not a known key: did you mean "kind"?
        line 1: lissten: is not a known key: did you mean "listen", which is there already?
        line 1: port: is not a known key: `identity-link config example` shows all
        line 3: database.password: is not a known key: there are password_file, max_connections, url
        line 3: database.retention: is not a known key here: it belongs to [feed]
        line 3: database.client_id: is not a known key here: it belongs to [tenants.<tenant>.providers.<provider>.oauth]
        line 2: database.listen: is not a key of this table: it belongs above the first [table] of the file
    "#);
}

#[test]
fn a_misspelt_value_is_one_problem_that_says_what_was_meant() {
    insta::assert_snapshot!(changed(&[
        ("\"service\"", "\"servce\""),
        ("tenant = \"default\"", "tenant = \"defualt\""),
        ("ES256", "ES265"),
        ("", "allowed_scopes = [\"read:user\"]"),
        ("listen", "log = \"inf\"\nlisten"),
        ("[tenants.default]", "[tenants.default]\nregistration = \"close\"\nuser_ids = \"provider/subject\""),
        ("[tenants.default]", "[tenants.default.providers.p]\nemail_trust = \"authoritative\"\nauthoritative_domains = [\"gmail.com\"]"),
        ("[database]", "[auth0]\ntenants = [\"defalt\"]\n[database]"),
    ]), @r#"
        line 7: issuers.svc.kind: must be one of "user", "service": did you mean "service"?
        line 8: issuers.svc.tenant: "defualt" is not one of the [tenants]: did you mean "default"?
        line 10: issuers.svc.algorithms: "ES265" is not a signature algorithm such as "RS256": did you mean "ES256"?
        line 12: issuers.svc.allowed_scopes: "read:user" is not one of create:users, delete:current_user, delete:users, export:users, import:users, jobs:users, read:connections, read:current_user, read:events, read:provider_tokens, read:user_idp_tokens, read:users, receive:provider_events, sign_in:users, update:current_user_identities, update:current_user_metadata, update:users: did you mean "read:users"?
        line 1: log: must be a level (off, error, warn, info, debug, trace), or target=level: did you mean "info"?
        line 5: tenants.default.registration: must be one of "open", "ask", "closed": did you mean "closed"?
        line 6: tenants.default.user_ids: must be one of "random", "provider|subject": did you mean "provider|subject"?
        line 5: tenants.default.providers.p.email_trust: must be one of "never", "when_verified", "authoritative_domains", "own_directory"
        line 3: auth0.tenants: "defalt" is not one of the [tenants]: did you mean "default"?
    "#);
}

#[test]
fn a_wrong_value_is_one_problem_that_says_what_is_accepted() {
    insta::assert_snapshot!(changed(&[
        ("\"127.0.0.1:0\"", "\"8080\""),
        ("\"127.0.0.1:0\"", "\":50051\""),
        ("\"127.0.0.1:0\"", "8080"),
        ("\"127.0.0.1:0\"", "\"localhost:50051\""),
        ("[database]", "[management]\nlisten = \"9090\"\n[database]"),
        ("\"https://a.example.com\"", "7"),
        ("listen", "shutdown_grace = 20\nlisten"),
        ("listen", "max_call_time = \"20\"\nlisten"),
        ("listen", "reflection = \"yes\"\nlisten"),
        ("listen", "max_concurrent_calls = -1\nlisten"),
        ("[\"ES256\"]", "[256]"),
        ("[tenants.default]", "[tenants]\ndefault = true"),
        ("[tenants.default]\n", "[tenants]\n"),
        ("", "jwks_refresh = \"2h\""),
        ("", "types = true"),
        ("", "subject = \"user_id\""),
        ("", "provider = \"google\""),
    ]), @r#"
        line 1: listen: must be an address and a port in quotes, such as "127.0.0.1:8080" for this machine only, or "0.0.0.0:8080" for all networks
        line 1: listen: must be an address and a port in quotes, such as "127.0.0.1:50051" for this machine only, or "0.0.0.0:50051" for all networks
        line 1: listen: must be an address and a port in quotes, such as "127.0.0.1:8080" for this machine only, or "0.0.0.0:8080" for all networks
        line 1: listen: must be an address and a port in quotes, such as "127.0.0.1:50051" for this machine only, or "0.0.0.0:50051" for all networks
        line 3: management.listen: must be an address and a port in quotes, such as "127.0.0.1:9090" for this machine only, or "0.0.0.0:9090" for all networks
        line 6: issuers.svc.issuer: must be a string
        line 1: shutdown_grace: must be a time with its unit, such as "30s", "10m" or "1h"
        line 1: max_call_time: must be a time with its unit, such as "30s", "10m" or "1h", longer than 0s
        line 1: reflection: must be true or false
        line 1: max_concurrent_calls: must be a number from 1 to 100000
        line 10: issuers.svc.algorithms: must be a list of strings, such as ["a", "b"]
        line 5: tenants.default: must be a table: [tenants.default]
        line 4: tenants: is required: at least one, such as [tenants.default]
        line 12: issuers.svc.jwks_refresh: must be from 1s to 9m
        line 12: issuers.svc.types: must be a list of strings, such as ["a", "b"]
        line 12: issuers.svc.subject: does not apply beside the other keys of this table
        line 12: issuers.svc.provider: does not apply here (Required for subject = "subject", and of that only)
    "#);
}

#[test]
fn a_file_that_is_not_toml_has_each_place_listed() {
    insta::assert_snapshot!(problems(&format!("{GOOD}x = \"a\ny = 1\nz = 'b\nw = \n"), &[]), @r#"
        line 12: is not TOML: column 7: invalid basic string, expected `"`
        line 14: is not TOML: column 7: invalid literal string, expected `'`
        line 15: is not TOML: column 5: string values must be quoted, expected literal string
    "#);
    insta::assert_snapshot!(problems(&format!("listen = 1\n{GOOD}"), &[]), @"line 2: is not TOML: column 1: duplicate key");
    insta::assert_snapshot!(problems(&format!("{GOOD}[database]\nurl = \"x\"\nmax_connections = 1\n[tls]\n"), &[]), @"line 12: is not TOML: column 2: duplicate key");
}

#[test]
fn a_mistake_in_the_environment_names_the_variable() {
    let said = |environment: &[(&str, &str)]| problems(GOOD, environment);
    insta::assert_snapshot!(said(&[
        ("IDENTITY_LINK__LISTENN", "127.0.0.1:0"),
        ("IDENTITY_LINK__DATABSE__URL", "postgres://a@127.0.0.1/x"),
        ("IDENTITY_LINK__DATABASE__URLL", "postgres://a@127.0.0.1/x"),
        ("IDENTITY_LINK__DATABASE__MAX_CONNECTIONS", "many"),
        ("IDENTITY_LINK__MAX_CALL_TIME", "30"),
        ("IDENTITY_LINK__TENANTS__DEFAULT__REGISTRATION", "close"),
        ("IDENTITY_LINK__ISSUERS__SVC__ALGORITHMS", "ES256, HS256"),
        ("IDENTITY_LINK__ISSUERS__SVC__KIND__OF", "service"),
        ("IDENTITY_LINK__ISSUERS__OTHER__KIND", "service"),
    ]), @r#"
        IDENTITY_LINK__DATABASE__MAX_CONNECTIONS: database.max_connections: must be a number from 1 to 1000
        IDENTITY_LINK__DATABASE__URLL: database.urll: is not a known key: did you mean IDENTITY_LINK__DATABASE__URL?
        IDENTITY_LINK__DATABSE__URL: databse: is not a known key: did you mean IDENTITY_LINK__DATABASE?
        IDENTITY_LINK__ISSUERS__OTHER__KIND: issuers.other.issuer: is required
        IDENTITY_LINK__ISSUERS__OTHER__KIND: issuers.other.algorithms: is required: the signature algorithms of this issuer, such as ["RS256"]
        IDENTITY_LINK__ISSUERS__OTHER__KIND: issuers.other.tenant: is required: one of the [tenants]; or tenant_claim; or, for services, tenants
        IDENTITY_LINK__ISSUERS__OTHER__KIND: issuers.other.jwks_file: exactly one of jwks_file, jwks_url and discovery = true is required: where the issuer's public keys are
        IDENTITY_LINK__ISSUERS__OTHER__KIND: issuers.other.audiences: is required, or a table link_with: otherwise no token of this issuer is accepted
        IDENTITY_LINK__ISSUERS__SVC__ALGORITHMS: issuers.svc.algorithms: HS256 is symmetric: each party that can verify could also sign
        IDENTITY_LINK__ISSUERS__SVC__KIND__OF: issuers.svc.kind: must be one of "user", "service"
        IDENTITY_LINK__LISTENN: listenn: is not a known key: did you mean IDENTITY_LINK__LISTEN?
        IDENTITY_LINK__MAX_CALL_TIME: max_call_time: must be a time with its unit, such as "30s", "10m" or "1h", longer than 0s
        IDENTITY_LINK__TENANTS__DEFAULT__REGISTRATION: tenants.default.registration: must be one of "open", "ask", "closed": did you mean "closed"?
    "#);
}

#[test]
fn a_variable_that_is_not_utf_8_is_refused() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    let mut command = binary(&["config", "check", "--config", "config.toml"]);
    command.current_dir(folder_with("not_utf_8", GOOD));
    command.env("IDENTITY_LINK__DATABASE__URL", OsStr::from_bytes(b"sesame\xff"));
    let ran = run_command(command);
    assert_eq!(ran.code, Some(64));
    assert_eq!(ran.stderr, "identity-link: IDENTITY_LINK__DATABASE__URL is not UTF-8");
}

/// What is missing stands first, and the rest is in the order of the file.
#[test]
fn an_empty_file_and_an_empty_table_lack_what_is_required() {
    insta::assert_snapshot!(problems("", &[]), @r#"
        listen: is required, such as "127.0.0.1:50051"
        database: is required, with its url
        tenants: is required: at least one, such as [tenants.default]
        issuers: is required: without an issuer no call is accepted
    "#);
    insta::assert_snapshot!(problems("[issuers.a]\n[tls]\n[database]\n[auth0]\n[tenants.default.providers.p.oauth]\n", &[]), @r#"
        listen: is required, such as "127.0.0.1:50051"
        line 1: issuers.a.issuer: is required
        line 1: issuers.a.algorithms: is required: the signature algorithms of this issuer, such as ["RS256"]
        line 1: issuers.a.kind: exactly one of kind and kind_claim is required: which callers the tokens name
        line 1: issuers.a.tenant: is required: one of the [tenants]; or tenant_claim; or, for services, tenants
        line 1: issuers.a.jwks_file: exactly one of jwks_file, jwks_url and discovery = true is required: where the issuer's public keys are
        line 1: issuers.a.audiences: is required, or a table link_with: otherwise no token of this issuer is accepted
        line 2: tls.certificate: is required
        line 2: tls.key: is required
        line 3: database.url: is required
        line 4: auth0.tenants: is required: whose users are served
        line 5: tenants.default.providers.p.oauth.preset: exactly one of preset and kind is required: what the provider speaks
        line 5: tenants.default.providers.p.oauth.client_id: is required
        line 5: tenants.default.providers.p.oauth.client_secret: exactly one of client_secret, client_secret_file and client_secret_key_file is required
        line 5: tenants.default.providers.p.oauth.redirect_uris: is required: where the provider may send the browser
    "#);
}
