//! An example of the configuration file with every key, made from the declared keys.

use std::fmt::Write as _;

use super::{
    described::{KeyOfTable, Kind},
    keys::Presence,
    tables,
};

const TITLE: &str = "\
# The configuration of identity-link, with every key.
#
# The lines that are no comments are an example of the smallest file: change them. A line such as `#log = \"info\"` shows
# the default of a key; or a possible value, if its comment has no default. To set a key of another table, take the #
# away from the heading of that table, too.
";

/// The keys that the smallest file has.
const SMALLEST: [&str; 8] = [
    "listen",
    "database.url",
    "issuers.platform.issuer",
    "issuers.platform.algorithms",
    "issuers.platform.kind",
    "issuers.platform.tenant",
    "issuers.platform.jwks_url",
    "issuers.platform.audiences",
];

/// The tables that the smallest file has.
const SMALLEST_TABLES: [&str; 3] = ["database", "tenants.default", "issuers.platform"];

/// Values of the keys that have no default, in TOML.
const VALUES: [(&str, &str); 68] = [
    ("listen", r#""127.0.0.1:50051""#),
    ("tls.certificate", r#""server.pem""#),
    ("tls.key", r#""server.key""#),
    ("tls.client_ca", r#""clients.pem""#),
    ("management.listen", r#""127.0.0.1:9090""#),
    ("database.url", r#""postgres://identity_link:password@127.0.0.1/identity_link""#),
    ("database.password_file", r#""database.password""#),
    ("tracing.endpoint", r#""http://127.0.0.1:4317""#),
    ("outgoing.ca", r#""authorities.pem""#),
    ("outgoing.proxy", r#""http://proxy.example.com:3128""#),
    ("outgoing.no_proxy", r#"["internal.example.com"]"#),
    ("services.billing.issuer", r#""https://auth.example.com""#),
    ("services.billing.subject", r#""billing@production""#),
    ("rate_limits.services.reads", r#""500/s""#),
    ("rate_limits.services.writes", r#""100/s""#),
    ("rate_limits.services.sign_ins", r#""50/s""#),
    ("rate_limits.users.reads", r#""60/min""#),
    ("rate_limits.users.writes", r#""30/min""#),
    ("rate_limits.named_services.billing.reads", r#""unlimited""#),
    ("rate_limits.named_services.billing.writes", r#""1000/s""#),
    ("rate_limits.named_services.billing.sign_ins", r#""10/s""#),
    ("provider_tokens.key_file", r#""tokens.key""#),
    ("auth0.tenants", r#"["default"]"#),
    ("auth0.picture", r#""https://example.com/who.png""#),
    ("auth0.url", r#""https://login.example.com""#),
    ("tenants.default.providers.google.authoritative_domains", r#"["gmail.com"]"#),
    ("tenants.default.providers.google.oauth.client_id", r#""the-client-id""#),
    ("tenants.default.providers.google.oauth.client_secret", r#""the-client-secret""#),
    ("tenants.default.providers.google.oauth.client_secret_file", r#""google.secret""#),
    ("tenants.default.providers.google.oauth.client_secret_key_file", r#""apple.p8""#),
    ("tenants.default.providers.google.oauth.client_secret_key_id", r#""ABC123DEFG""#),
    ("tenants.default.providers.google.oauth.client_secret_team_id", r#""DEF123GHIJ""#),
    (
        "tenants.default.providers.google.oauth.redirect_uris",
        r#"["https://app.example.com/callback/google"]"#,
    ),
    ("tenants.default.providers.google.oauth.scopes", r#"["email", "profile"]"#),
    ("tenants.default.providers.google.oauth.display_name", r#""Google""#),
    ("tenants.default.providers.google.oauth.issuer", r#""https://accounts.google.com""#),
    ("tenants.default.providers.google.oauth.event_issuer", r#""https://events.example.com""#),
    ("tenants.default.providers.google.oauth.directory", r#""organizations""#),
    (
        "tenants.default.providers.google.oauth.allowed_directories",
        r#"["8eaef023-2b34-4da1-9baa-8bc8c9d6a490"]"#,
    ),
    (
        "tenants.default.providers.google.oauth.authorize_url",
        r#""https://github.example.com/login/oauth/authorize""#,
    ),
    (
        "tenants.default.providers.google.oauth.token_url",
        r#""https://github.example.com/login/oauth/access_token""#,
    ),
    ("tenants.default.providers.google.oauth.api_url", r#""https://github.example.com/api/v3""#),
    ("tenants.default.providers.google.oauth.tokens.services", r#"["billing"]"#),
    ("tenants.default.providers.google.oauth.ca", r#""authorities.pem""#),
    ("issuers.platform.ca", r#""authorities.pem""#),
    ("issuers.platform.issuer", r#""https://auth.example.com""#),
    ("issuers.platform.algorithms", r#"["ES256"]"#),
    ("issuers.platform.kind", r#""service""#),
    ("issuers.platform.kind_claim", r#""caller_kind""#),
    ("issuers.platform.provider", r#""google""#),
    ("issuers.platform.providers", r#"["google"]"#),
    ("issuers.platform.tenant", r#""default""#),
    ("issuers.platform.tenant_claim", r#""tenant""#),
    ("issuers.platform.tenants", r#"["default"]"#),
    ("issuers.platform.jwks_file", r#""jwks.json""#),
    ("issuers.platform.jwks_url", r#""https://auth.example.com/jwks.json""#),
    ("issuers.platform.audiences", r#"["identity-link"]"#),
    ("issuers.platform.link_with.audiences", r#"["identity-link"]"#),
    ("issuers.platform.subject", r#""subject""#),
    ("issuers.platform.tokens_valid_from", r#""2026-12-01T03:00:00Z""#),
    ("console.listen", r#""127.0.0.1:50052""#),
    ("console.base_url", r#""https://console.example.com""#),
    ("console.tenants", r#"["default"]"#),
    ("console.issuer", r#""https://staff.example.com""#),
    ("console.client_id", r#""the-client-id""#),
    ("console.client_secret", r#""the-client-secret""#),
    ("console.client_secret_file", r#""console.secret""#),
    ("console.ca", r#""authorities.pem""#),
];

/// The file.
pub(super) fn example() -> String {
    with(&|path, _| SMALLEST.contains(&path), &|path| SMALLEST_TABLES.contains(&path))
}

/// The file in which only these keys and these tables are no comments.
fn with(is_set: &dyn Fn(&str, &KeyOfTable) -> bool, has_table: &dyn Fn(&str) -> bool) -> String {
    let mut text = TITLE.to_owned();
    for table in tables() {
        let path = named(table.path);
        let _ = write!(text, "\n{}", comment(&table.about));
        if !path.is_empty() {
            let _ = writeln!(text, "{}[{path}]", if has_table(&path) { "" } else { "#" });
        }
        for key in table.keys.iter().filter(|key| key.form.kind != Kind::Table) {
            let path = named(&table.path_of(key));
            let mark = if is_set(&path, key) { "" } else { "#" };
            let about = format!("{} {}", key.meaning, form(key));
            let _ =
                write!(text, "\n{}{mark}{} = {}\n", comment(&about), key.name, value(&path, key));
        }
    }
    text
}

/// The path with names for what an operator names.
fn named(path: &str) -> String {
    path.replace("<tenant>", "default")
        .replace("<provider>", "google")
        .replace("<issuer>", "platform")
        .replace("<service>", "billing")
}

/// What the key may have, as a sentence.
fn form(key: &KeyOfTable) -> String {
    let kind = key.form.kind.to_string();
    let mut letters = kind.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    let kind: String = first.into_iter().chain(letters).collect();
    match &key.form.presence {
        Presence::Required(_) => format!("{kind}. Required."),
        Presence::Optional => format!("{kind}. No default."),
        Presence::Default(_) => format!("{kind}."),
    }
}

/// The default, or a possible value.
fn value(path: &str, key: &KeyOfTable) -> String {
    let example =
        || VALUES.iter().find(|(of, _)| *of == path).map(|(_, value)| (*value).to_owned());
    match (&key.form.presence, &key.form.kind) {
        (Presence::Default(default), _) => default.clone(),
        (_, Kind::OneOf(words)) => {
            example().unwrap_or_else(|| format!("{:?}", words.first().copied().unwrap_or_default()))
        }
        _ => example().unwrap_or_default(),
    }
}

/// Lines of comments of at most 120 characters.
fn comment(text: &str) -> String {
    let mut lines = vec!["#".to_owned()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < 120 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("# {word}")),
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn problems(toml: &str) -> Vec<String> {
        let parsed = Config::parse(toml, Path::new("."), []);
        parsed.err().iter().flat_map(|problems| &problems.0).map(ToString::to_string).collect()
    }

    #[test]
    fn the_example_is_a_valid_file() {
        assert_eq!(problems(&example()), [""; 0]);
    }

    #[test]
    fn each_default_of_the_example_is_that_of_the_code_and_valid() {
        let is_set = |path: &str, key: &KeyOfTable| {
            let is_default = matches!(key.form.presence, Presence::Default(_));
            SMALLEST.contains(&path)
                || (is_default
                    && !path.contains(".oauth.")
                    && !path.contains("link_with")
                    && ![
                        "auth0.",
                        "tracing.",
                        "provider_tokens.",
                        "rate_limits.named_services.",
                        "console.",
                    ]
                    .iter()
                    .any(|table| path.starts_with(table)))
        };
        let has_table = |path: &str| {
            let with_defaults = [
                "listener",
                "feed",
                "jobs",
                "transfers",
                "rate_limits.services",
                "rate_limits.users",
                "tenants.default.providers.google",
            ];
            with_defaults.contains(&path) || SMALLEST_TABLES.contains(&path)
        };
        let all = with(&is_set, &has_table);
        assert!(all.contains("\nheartbeat = \"15s\"\n"), "{all}");
        assert_eq!(problems(&all), [""; 0]);
    }

    /// Not all together: some exclude each other, or name files.
    #[test]
    fn each_value_of_the_example_has_the_form_of_its_key() {
        let all = with(&|_, _| true, &|_| true);
        let problems = problems(&all);
        for table in tables() {
            for key in table.keys.iter().filter(|key| key.form.kind != Kind::Table) {
                assert_ne!(value(&named(&table.path_of(key)), key), "", "{}", key.name);
            }
        }
        for wrong in ["is not TOML", "must be a", "must be one", "is not a known key", "is not an"]
        {
            assert!(!problems.iter().any(|problem| problem.contains(wrong)), "{problems:#?}");
        }
        assert!(!problems.is_empty());
    }
}
