//! The samples of the sources become users, with the accounts that they have linked there.

use expect_test::expect;

use super::Desk;
use crate::support::{cluster::Database, *};

/// A configuration with the providers that the samples name.
fn with_providers(toml: &str, providers: &[&str]) -> String {
    let tables = providers.iter().map(|name| {
        format!("[tenants.default.providers.{name}]\nemail_trust = \"when_verified\"\nimported_emails = true\n")
    });
    format!("{toml}\n{}", tables.collect::<String>())
}

async fn db_identities(database: &Database) -> Vec<String> {
    let sql = "SELECT owner_id || ': ' || string_agg(provider || '|' || subject, ' ' ORDER BY ordinal) \
        FROM identities WHERE tenant_id = 'default' GROUP BY owner_id ORDER BY owner_id";
    database.db_texts(sql).await
}

async fn db_verified(database: &Database) -> Vec<String> {
    let sql = "SELECT provider || ' ' || email || ' ' || (email_verifier::text) FROM identities \
        WHERE tenant_id = 'default' AND email_verified ORDER BY provider, email";
    database.db_texts(sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_firebase_keep_their_accounts() {
    let server = TestServer::start().await;
    let desk = Desk::new(&server.database, |toml| with_providers(&toml, &["password", "phone"]));
    let sample = desk.sample("firebase-batchget.json");
    let options = [
        "--provider",
        "google.com=google-oauth2",
        "--provider",
        "github.com=github",
        "--provider",
        "apple.com=apple",
        "--provider",
        "oidc.acme=acme",
        "--provider",
        "saml.acme=-",
        "--provider",
        "facebook.com=-",
    ];

    let ran = desk.import("firebase", &[&sample], &options);

    expect![[r#"
        Ran {
            code: Some(
                3,
            ),
            stdout: "6 rows\nskipped: 1 (an anonymous user: no sign-in would find it again)\nprovider apple.com: 1 accounts -> apple\nprovider facebook.com: 1 accounts -> left out\nprovider github.com: 1 accounts -> github\nprovider google.com: 2 accounts -> google-oauth2\nprovider oidc.acme: 1 accounts -> acme\nprovider password: 1 accounts -> password\nprovider phone: 1 accounts -> phone\nprovider saml.acme: 1 accounts -> left out\nemails: 1 are verified by the word of the source; they count at the providers with imported_emails = true\nleft out: 1. Passwords are left out: people sign in, and passwords are checked, at your providers.\nleft out: 2. Emails of users with several accounts are left out where the file does not say which account has them: the next sign-in brings them.\nleft out: the field lastLoginAt of 4 rows\nleft out: the field lastRefreshAt of 5 rows\nleft out: the field passwordUpdatedAt of 1 rows\ncreated: 3, present: 0, skipped: 1, refused: 2\nREPEATED: 2 rows\n  firebase-batchget.json:1: identities/1: This account is also in firebase-batchget.json:1 (record 6 of the line): both rows are refused.\n  firebase-batchget.json:1 (record 6 of the line): identities/0: This account is also in firebase-batchget.json:1: both rows are refused.\nthe refused rows: import-0b9c7c95-refused.ndjson",
            stderr: "identity-link: 2 rows were refused",
        }"#]].assert_eq(&format!("{ran:#?}"));
    expect![[r#"
        fbOff00000000000000000000005: github|7654321
        fbPhone000000000000000000003: phone|fbPhone000000000000000000003
        fbTomas000000000000000000002: apple|000123.0a0b0c0d.0001 acme|acme|42"#]]
    .assert_eq(&db_identities(&server.database).await.join("\n"));
    let found = db_verified(&server.database).await;
    expect![[""]].assert_eq(&found.join("\n"));
    server.database.db_assert_invariants().await;
}
