//! `tokens_valid_from` of an issuer: what an operator sets after a backup was restored.

use std::path::Path;

use identity_link::{clock, config::Config};

use super::stranger;
use crate::support::{server::config_toml, tokens::Token, *};

const PEOPLE: &str = "tenant = \"default\"\nkind = \"user\"\nsubject = \"subject\"\nprovider = \"p\"\n\
    audiences = [\"identity-link\"]\nlink_with.audiences = [\"identity-link\"]\n\
    allowed_scopes = [\"read:current_user\", \"update:current_user_identities\"]";

fn valid_from(toml: &str, time: &str) -> String {
    stranger(toml, &format!("{PEOPLE}\ntokens_valid_from = \"{time}\""))
}

/// F33: tokens that an unlink withdrew after the backup.
#[tokio::test]
async fn tokens_that_an_issuer_issued_too_early_neither_call_nor_prove() {
    let now = clock::now();
    let time = now.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let database = cluster::cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| valid_from(&toml, &time)).await;
    let user = server.service().create("p", "1").await;
    let main = server.service().create("github", "h1").await;
    let issued = |seconds: i64| Token::of("stranger", "1").with("iat", now.timestamp() + seconds);

    assert_eq!(
        refusal(server.caller(&issued(-1)).get_user(get("")).await),
        "Unauthenticated TOKEN_INVALID"
    );
    let person = server.person("github", "h1");
    let early = server.db_refused(person.link(link_with(&issued(-1).sign()))).await;
    assert_eq!(early, "FailedPrecondition LINK_TOKEN_INVALID");
    assert_eq!(server.caller(&issued(0)).user("").await, user);
    // Other issuers' tokens are as good as before.
    let old = Token::of("github", "h1").issued_ago(60);
    assert_eq!(server.caller(&old).user("").await.id, main.id);
    let linked = person.link(link_with(&issued(0).sign())).await.unwrap();
    assert_eq!(identities(&linked.user.unwrap()), ["github|h1", "p|1"]);
}

#[test]
fn a_time_has_an_offset() {
    let toml = config_toml(([127, 0, 0, 1], 0).into(), "postgres://postgres@127.0.0.1:1/x");
    let problems = |time: &str| {
        let toml = valid_from(&toml, time);
        Config::parse(&toml, Path::new("."), []).err().map(|problems| problems.to_string())
    };

    assert_eq!(problems("2026-12-01T04:00:00.5+01:00"), None);
    for wrong in ["2026-12-01T03:00:00", "2026-12-01", "yesterday", ""] {
        let problem = problems(wrong).unwrap();
        assert!(
            problem.contains(
                "issuers.stranger.tokens_valid_from: must be a time with its offset, such as \"2026-12-01T03:00:00Z\""
            ),
            "{problem}"
        );
    }
}
