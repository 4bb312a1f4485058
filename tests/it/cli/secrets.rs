//! A88: no output contains a secret of the configuration, for any mistake in it.

use super::*;

/// The secret of these tests, which no output may contain.
const SECRET: &str = "sesame";

/// Runs `command` with this configuration and environment, and returns its stderr. Panics unless
/// the command fails and its output does not contain the secret.
#[track_caller]
fn refused_by(command: &str, name: &str, toml: &str, environment: &[(&str, &str)]) -> String {
    let dir = folder_with(name, toml);
    fs::write(dir.join("secrets.pem"), format!("-----BEGIN {SECRET}\n{SECRET}\n")).unwrap();
    fs::write(dir.join("no_keys.json"), format!("{{\"keys\": \"{SECRET}\"}}")).unwrap();
    fs::write(dir.join("no_object.json"), format!("\"{SECRET}\"")).unwrap();
    fs::write(dir.join("broken.json"), format!("{{\"keys\": {SECRET}}}")).unwrap();
    let ran = run_in(&dir, command, environment);
    assert_ne!(ran.code, Some(0), "{toml}");
    assert!(
        !ran.stderr.contains(SECRET) && !ran.stdout.contains(SECRET),
        "{toml}:\n{}{}",
        ran.stderr,
        ran.stdout
    );
    ran.stderr
}

/// Each way in which a line with a secret can be no TOML.
#[test]
fn a_line_that_is_not_toml_is_not_shown() {
    let mut told = Vec::new();
    for line in [
        "url = postgres://u:sesame@h/x",
        "url = \"postgres://u:sesame@h/x",
        "url = 'postgres://u:sesame@h/x",
        "url = \"\"\"postgres://u:sesame@h/x",
        "url = \"postgres://u:sesame\\q@h/x\"",
        "url = \"postgres://u:sesame@h/x\" sesame",
        "url = \"sesame\"\nurl = \"sesame\"",
        "url \"sesame\"",
        "url: sesame",
        "client_secret = sesame",
        "client_secret = { sesame = }",
        "client_secret = [\"sesame\", sesame]",
        "client_secret = 1sesame",
        "client_secret = \"ses\u{0}ame sesame\"",
        "client_secret.sesame = 1\nclient_secret = \"sesame\"",
        "= \"sesame\"",
        "sesame",
        "\"sesame\"",
        "[sesame",
        "[[sesame] = 1",
        "é = sesame",
    ] {
        let toml = format!("listen = \"127.0.0.1:0\"\n[database]\n{line}\n[tenants.default]\n");
        let said = refused_by("config check", "not_toml_secret", &toml, &[]);
        told.push(said.lines().nth(1).unwrap().to_owned());
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
        line 3: is not TOML: column 7: string values must be quoted, expected literal string
        line 3: is not TOML: column 31: invalid basic string, expected `"`
        line 3: is not TOML: column 31: invalid literal string, expected `'`
        line 5: is not TOML: column 1: invalid multi-line basic string, expected `"`
        line 3: is not TOML: column 28: missing escaped value, expected `b`, `e`, `f`, `n`, `r`, `\`, `"`, `x`, `u`, `U`
        line 3: is not TOML: column 33: unexpected key or value, expected newline, `#`
        line 4: is not TOML: column 1: duplicate key
        line 3: is not TOML: column 5: key with no value, expected `=`
        line 3: is not TOML: column 6: key with no value, expected `=`
        line 3: is not TOML: column 17: string values must be quoted, expected literal string
        line 3: is not TOML: column 28: invalid literal string, expected `'`
        line 3: is not TOML: column 28: string values must be quoted, expected literal string
        line 3: is not TOML: column 18: invalid float, expected nothing
        line 3: is not TOML: column 21: invalid basic string, expected non-double-quote visible characters, `\`
        line 4: is not TOML: column 1: duplicate key
        line 3: is not TOML: column 1: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`
        line 3: is not TOML: column 7: key with no value, expected `=`
        line 3: is not TOML: column 9: key with no value, expected `=`
        line 3: is not TOML: column 8: unclosed table, expected `]`
        line 3: is not TOML: column 10: unclosed array table, expected `]`
        line 3: is not TOML: column 1: invalid unquoted key, expected letters, numbers, `-`, `_`
    "#);
}

/// Lines that are TOML, with a wrong value.
#[test]
fn a_value_that_is_wrong_is_not_shown() {
    let client = |line: &str| {
        let rest = "kind = \"oidc\"\nissuer = \"https://i.example.com\"\nclient_id = \"c\"\nredirect_uris = [\"https://a.example.com/\"]";
        format!("[tenants.default.providers.f.oauth]\n{rest}\n{line}\n")
    };
    let tls = |key: &str, certificate: &str| {
        format!("[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n")
    };
    let issuer = |file: &str| {
        format!(
            "[issuers.f]\nissuer = \"https://f.example.com\"\nkind = \"service\"\ntenant = \"default\"\n\
             algorithms = [\"EdDSA\"]\naudiences = [\"a\"]\njwks_file = \"{file}\"\n"
        )
    };
    let url = "postgres://postgres:sesame@127.0.0.1:1/x";
    let good = good_toml(&nowhere());
    let mut told = Vec::new();
    let mut tell = |toml: &str, environment: &[(&str, &str)]| {
        let said = refused_by("config check", "wrong_secret", toml, environment);
        told.push(said.lines().skip(1).collect::<Vec<_>>().join("\n"));
    };
    for wrong in [
        "[\"sesame\"]",
        "{ sesame = \"sesame\" }",
        "\"mysql://root:sesame@h/x\"",
        "\"postgres://u:p@sesame@h/x\"",
        "\"postgres://u:p@h/sesame@h/x\"",
        "\"postgres://u:p@h/x?sesame=sesame\"",
        "\"postgres://u:p@h/x?sslmode=sesame\"",
        "\"postgres://u:p@h/x?host=sesame\"",
        "\"postgres://u:p@h/x?sslmode=sesame&sslmode=sesame\"",
        "\"postgres://u:p@h/x?options=-c+sesame%3Dsesame\"",
        "\"postgres://u:p@h/x?sslrootcert=sesame\"",
        "\"postgres://u:p@h/x?sslmode=require&sslrootcert=secrets.pem\"",
        "\"postgres://u:p%sesame@h:sesame/x\"",
        "\"host=h user=u password=a sesame\"",
        "\"sesame\"",
    ] {
        tell(&good.replace(&format!("\"{url}\""), wrong), &[]);
    }
    for line in [
        "client_secret = [\"sesame\"]",
        "client_secret = { sesame = \"sesame\" }",
        "client_secret_file = \"sesame\"",
        "client_secret_file = [\"sesame\"]",
        "client_secret = \"sesame\"\nclient_secret_file = \"sesame\"",
    ] {
        tell(&(good.clone() + &client(line)), &[]);
    }
    tell(&(good.clone() + &tls("sesame", "secrets.pem")), &[]);
    tell(&(good.clone() + &tls("secrets.pem", "missing.pem")), &[]);
    for file in ["no_keys.json", "no_object.json", "broken.json"] {
        tell(&(good.clone() + &issuer(file)), &[]);
    }
    tell(&good, &[("IDENTITY_LINK__DATABASE__URL", "mysql://root:sesame@h/x")]);
    tell(&good, &[("IDENTITY_LINK__DATABASE__URL__PASSWORD", "sesame")]);
    tell(&good, &[("IDENTITY_LINK__DATABASE__PASSWORD", "sesame")]);
    let client = client("client_secret = \"sesame\"");
    let variable = "IDENTITY_LINK__TENANTS__DEFAULT__PROVIDERS__F__OAUTH__CLIENT_SECRET";
    tell(&(good.clone() + &client), &[(variable, " ")]);
    tell(&(good.clone() + &client), &[(&format!("{variable}__FILE"), "sesame")]);
    insta::assert_snapshot!(told.join("\n"), @r#"
        line 3: database.url: must be a string
        line 3: database.url: must be a string
        line 3: database.url: is not a Postgres URL such as postgres://user:password@host/database, with special characters in the password percent-encoded
        line 3: database.url: has more than one @: write an @ in the user or the password as %40
        line 3: database.url: has more than one @: write an @ in the user or the password as %40
        line 3: database.url: is not a Postgres URL such as postgres://user:password@host/database, with special characters in the password percent-encoded
        line 3: database.url: sslmode must be disable, prefer, require, verify-ca or verify-full
        line 3: database.url: has a host in front of its parameters, and again as a parameter: remove one of the two
        line 3: database.url: has a parameter twice
        line 3: database.url: has a + in options: write a space as %20, and a plus as %2B
        line 3: database.url: sslrootcert names a file that cannot be read: No such file or directory (os error 2)
        line 3: database.url: sslrootcert names a file that is not PEM
        line 3: database.url: is not a Postgres URL such as postgres://user:password@host/database, with special characters in the password percent-encoded
        line 3: database.url: is not a Postgres URL such as postgres://user:password@host/database, with special characters in the password percent-encoded
        line 3: database.url: is not a Postgres URL such as postgres://user:password@host/database, with special characters in the password percent-encoded
        line 158: tenants.default.providers.f.oauth.client_secret: must be a string
        line 158: tenants.default.providers.f.oauth.client_secret: must be a string
        line 158: tenants.default.providers.f.oauth.client_secret_file: names a file that cannot be read: No such file or directory (os error 2)
        line 158: tenants.default.providers.f.oauth.client_secret_file: must be a string
        line 158: tenants.default.providers.f.oauth.client_secret: exactly one of client_secret, client_secret_file and client_secret_key_file is required
        line 154: tls.certificate: secrets.pem is not PEM
        line 155: tls.key: names a file that cannot be read: No such file or directory (os error 2)
        line 154: tls.certificate: missing.pem cannot be read: No such file or directory (os error 2)
        line 155: tls.key: names a file that holds no private key (PEM, not encrypted)
        line 159: issuers.f.jwks_file: no_keys.json is not a JWKS document: expected an object with the list "keys" at line 1 column 17
        line 159: issuers.f.jwks_file: no_object.json is not a JWKS document: expected an object with the list "keys" at line 1 column 8
        line 159: issuers.f.jwks_file: broken.json is not a JWKS document: expected value at line 1 column 10
        IDENTITY_LINK__DATABASE__URL: database.url: is not a Postgres URL such as postgres://user:password@host/database, with special characters in the password percent-encoded
        IDENTITY_LINK__DATABASE__URL__PASSWORD: database.url: must be a string
        IDENTITY_LINK__DATABASE__PASSWORD: database.password: is not a known key: there are password_file, url, max_connections
        IDENTITY_LINK__TENANTS__DEFAULT__PROVIDERS__F__OAUTH__CLIENT_SECRET: tenants.default.providers.f.oauth.client_secret: must not be empty
        IDENTITY_LINK__TENANTS__DEFAULT__PROVIDERS__F__OAUTH__CLIENT_SECRET__FILE: tenants.default.providers.f.oauth.client_secret: must be a string
    "#);
}

/// The same with a good configuration, for a database that the command cannot connect to.
#[test]
fn an_unavailable_database_is_reported_without_its_password() {
    for command in ["serve", "migrate", "purge", "doctor"] {
        refused_by(command, &format!("away_{command}"), &good_toml(&nowhere()), &[]);
    }
}
