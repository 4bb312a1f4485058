//! What a client's keys may not say.

use std::{fs, path::Path};

use super::super::Config;

/// The problems of a client with these lines, without the place and the path of each key.
fn problems(base: &Path, lines: &str) -> String {
    problems_of(base, "c", lines)
}

/// The same for a client with this id.
fn problems_of(base: &Path, id: &str, lines: &str) -> String {
    let toml = format!(
        "listen = \"127.0.0.1:1\"\n[database]\nurl = \"postgres://me@127.0.0.1/x\"\n[issuers.i]\nissuer = \"https://i.example.com\"\n\
         kind = \"service\"\ntenant = \"t\"\nalgorithms = [\"ES256\"]\ndiscovery = true\naudiences = [\"a\"]\n\
         [tenants.t.providers.p.oauth]\nclient_id = \"{id}\"\nredirect_uris = [\"https://www.example.com/cb\"]\n{lines}\n"
    );
    let found = Config::parse(&toml, base, []).err();
    let lines = found.iter().flat_map(|problems| &problems.0).map(|problem| {
        let text = problem.to_string();
        text.split_once("oauth.").map_or(text.clone(), |(_, rest)| rest.to_owned())
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// An OpenID Connect provider with this secret.
fn oidc(secret: &str, lines: &str) -> String {
    let issuer = "kind = \"oidc\"\nissuer = \"https://op.example.com\"";
    let text = format!("{issuer}\nclient_secret = \"{secret}\"\n{lines}");
    problems(Path::new("."), &text)
}

#[test]
fn hs256_stands_alone_and_needs_a_long_secret() {
    let long = "x".repeat(32);
    assert_eq!(oidc(&long, "algorithms = [\"HS256\"]"), "");
    insta::assert_snapshot!(oidc(&"x".repeat(31), "algorithms = [\"HS256\"]"), @"algorithms: HS256 needs a client secret of at least 32 bytes");
    insta::assert_snapshot!(oidc(&long, "algorithms = [\"HS256\", \"RS256\"]"), @"algorithms: HS256 must be the only one: it signs with the client's secret");
    insta::assert_snapshot!(oidc(&long, "algorithms = [\"HS512\"]"), @"algorithms: HS512 is symmetric: each party that can verify could also sign");
}

#[test]
fn a_text_that_does_not_mean_true_does_not_verify_emails() {
    assert_eq!(oidc("s", "email_verified_as = [\"true\", \"TRUE\", \"1\", \"yes\"]"), "");
    for text in ["false", "", "0", "true ", "verified"] {
        let found = oidc("s", &format!("email_verified_as = [\"{text}\"]"));
        assert!(
            found.starts_with("email_verified_as: ") && found.contains("does not mean true"),
            "{found}"
        );
    }
    let microsoft = "preset = \"microsoft\"\ndirectory = \"common\"\nclient_secret = \"s\"\nemail_verified_as = [\"true\"]";
    insta::assert_snapshot!(problems(Path::new("."), microsoft), @"email_verified_as: is not for Microsoft, whose email counts by xms_edov");
}

#[test]
fn an_id_with_a_colon_cannot_be_sent_as_it_is() {
    let raw = "token_endpoint_auth_method = \"client_secret_basic_raw\"";
    assert_eq!(oidc("s", raw), "");
    let text =
        "kind = \"oidc\"\nissuer = \"https://op.example.com\"\nclient_secret = \"s\"\n".to_owned();
    let found = problems_of(Path::new("."), "a:b", &(text + raw));
    insta::assert_snapshot!(found, @r#"token_endpoint_auth_method: "client_secret_basic_raw" is for a client_id without a colon"#);
}

#[test]
fn a_key_for_secrets_is_apples_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("bad.p8"),
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    )
    .unwrap();
    let of = |lines: &str| problems(folder.path(), lines);
    let ids = "client_secret_key_id = \"k\"\nclient_secret_team_id = \"t\"";
    insta::assert_snapshot!(of(&format!("preset = \"apple\"\nclient_secret_key_file = \"bad.p8\"\n{ids}")), @"client_secret_key_file: names a file that is not a private key for ES256 in PEM (PKCS #8)");
    insta::assert_snapshot!(of("preset = \"apple\"\nclient_secret_key_file = \"bad.p8\""), @"
        client_secret_key_id: is required beside client_secret_key_file
        client_secret_team_id: is required beside client_secret_key_file
    ");
    insta::assert_snapshot!(of(&format!("preset = \"google\"\nclient_secret_key_file = \"bad.p8\"\n{ids}")), @"client_secret_key_file: is of preset \"apple\" only");
    insta::assert_snapshot!(of(&format!("preset = \"apple\"\nclient_secret = \"s\"\nclient_secret_key_file = \"bad.p8\"\n{ids}")), @"client_secret: exactly one of client_secret, client_secret_file and client_secret_key_file is required");
    insta::assert_snapshot!(of("preset = \"cognito\"\nclient_secret = \"s\""), @"issuer: is required: the iss of the provider's ID tokens");
}

#[test]
fn a_provider_that_binds_no_code_must_be_accepted() {
    let of = |lines: &str| problems(Path::new("."), &format!("client_secret = \"s\"\n{lines}"));
    for preset in ["facebook", "linkedin", "spotify", "bitbucket"] {
        let preset = format!("preset = \"{preset}\"");
        let found = of(&preset);
        assert!(
            found.starts_with(
                "without_pkce: must be true to accept that this provider binds no code to its flow"
            ),
            "{found}"
        );
        assert_eq!(of(&format!("{preset}\nwithout_pkce = true")), "");
    }
    for preset in ["github", "discord", "x"] {
        let preset = format!("preset = \"{preset}\"");
        assert_eq!(of(&preset), "");
        let found = of(&format!("{preset}\nwithout_pkce = true"));
        assert_eq!(found, "without_pkce: is not for this provider, which binds codes by PKCE");
    }
    insta::assert_snapshot!(of("preset = \"discord\"\nauthorize_url = \"https://d.example.com/authorize\""), @"
    token_url: is required beside the other URLs: all three are of one server
    api_url: is required beside the other URLs: all three are of one server
    ");
    insta::assert_snapshot!(of("kind = \"oidc\"\nissuer = \"https://op.example.com\"\nwithout_pkce = true"), @"without_pkce: does not apply here (Of providers without OpenID Connect only)");
}

/// The problems of a provider with these lines, and with these of its client.
fn problems_of_trust(provider: &str, client: &str) -> String {
    let toml = format!(
        "listen = \"127.0.0.1:1\"\n[database]\nurl = \"postgres://me@127.0.0.1/x\"\n[issuers.i]\nissuer = \"https://i.example.com\"\n\
         kind = \"service\"\ntenant = \"t\"\nalgorithms = [\"ES256\"]\ndiscovery = true\naudiences = [\"a\"]\n\
         [tenants.t.providers.p]\n{provider}\n[tenants.t.providers.p.oauth]\nclient_id = \"c\"\nclient_secret = \"s\"\n\
         redirect_uris = [\"https://www.example.com/cb\"]\n{client}\n"
    );
    let found = Config::parse(&toml, Path::new("."), []).err();
    let lines = found.iter().flat_map(|problems| &problems.0).map(ToString::to_string);
    lines.collect::<Vec<_>>().join("\n")
}

/// A06: where another organisation has accounts, its administrator could set this one's addresses.
#[test]
fn a_directory_is_own_only_where_no_other_organisation_has_accounts() {
    const DIRECTORY: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    let own = "email_trust = \"own_directory\"\nauthoritative_domains = [\"acme.example.com\"]";
    let microsoft =
        |directory: &str| format!("preset = \"microsoft\"\ndirectory = \"{directory}\"");
    let oidc = |issuer: &str| format!("kind = \"oidc\"\nissuer = \"{issuer}\"");
    for good in [
        microsoft(DIRECTORY),
        oidc("https://id.acme.example.com"),
        oidc(&format!("https://login.microsoftonline.com/{DIRECTORY}/v2.0")),
        "preset = \"okta\"\nissuer = \"https://acme.okta.com\"".to_owned(),
        "preset = \"salesforce\"\nissuer = \"https://acme.my.salesforce.com\"".to_owned(),
    ] {
        assert_eq!(problems_of_trust(own, &good), "", "{good}");
    }
    for shared in [
        microsoft("organizations"),
        microsoft("common"),
        format!("{}\nallowed_directories = [\"{DIRECTORY}\"]", microsoft("organizations")),
        microsoft("9188040d-6c67-4c5b-b112-36a304b66dad"),
        oidc("https://accounts.google.com"),
        oidc("https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"),
        "preset = \"google\"".to_owned(),
        "preset = \"salesforce\"\nissuer = \"https://login.salesforce.com\"".to_owned(),
        "preset = \"github\"".to_owned(),
    ] {
        let found = problems_of_trust(own, &shared);
        assert!(
            found.contains("email_trust: \"own_directory\" is for OpenID Connect at"),
            "{shared}: {found}"
        );
    }
}

#[test]
fn an_own_directory_has_domains_and_a_client() {
    let okta = "preset = \"okta\"\nissuer = \"https://acme.okta.com\"";
    let without = problems_of_trust("email_trust = \"own_directory\"", okta);
    assert!(
        without.contains("authoritative_domains: is required: your organisation's domains"),
        "{without}"
    );
    let hosted = problems_of_trust("email_trust = \"own_directory\"\nhosted_domains = true", okta);
    assert!(hosted.contains("hosted_domains: is not for \"own_directory\""), "{hosted}");
}

/// An event ends tokens, so it must be the provider's, and name one account.
#[test]
fn events_are_signed_and_name_accounts_by_sub() {
    let all = "account_events = \"withdraw_tokens\"\nevent_issuer = \"https://e.example.com\"\nevent_audiences = [\"a\"]";
    assert_eq!(oidc("s", &format!("events = \"http\"\n{all}")), "");
    insta::assert_snapshot!(oidc("s", all), @r#"
    account_events: requires events = "rpc" or "http"
    event_issuer: requires events = "rpc" or "http"
    event_audiences: requires events = "rpc" or "http"
    "#);
    insta::assert_snapshot!(oidc("s", "events = \"rpc\"\nevent_issuer = \"\"\nevent_audiences = [\"\"]"), @r"
    event_issuer: must not be empty
    event_audiences: must not be empty
    ");
    let by_secret = oidc(&"x".repeat(32), "algorithms = [\"HS256\"]\nevents = \"rpc\"");
    insta::assert_snapshot!(by_secret, @"events: is for providers that sign with a private key, not by HS256");
    let microsoft = |directory: &str| {
        let preset = "preset = \"microsoft\"\nclient_secret = \"s\"\nevents = \"rpc\"";
        problems(Path::new("."), &format!("{preset}\ndirectory = \"{directory}\""))
    };
    insta::assert_snapshot!(microsoft("common"), @"events: is for providers with one issuer");
    insta::assert_snapshot!(microsoft("9188040d-6c67-4c5b-b112-36a304b66dad"), @"events: is for providers whose accounts are named by sub alone");
    for oauth_only in ["github", "discord"] {
        let client = format!("preset = \"{oauth_only}\"\nclient_secret = \"s\"\nevents = \"rpc\"");
        assert_ne!(problems(Path::new("."), &client), "");
    }
}
