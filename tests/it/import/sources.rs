//! The samples of the sources become users, with the accounts that they have linked there.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use expect_test::expect;
use serde_json::json;

use super::{Desk, db_users, lines};
use crate::support::{
    cluster::{Database, cluster},
    *,
};

/// A configuration with the providers and connections that the samples name.
fn with_providers(toml: &str, providers: &[&str]) -> String {
    let [one, both] = [
        r#"["Username-Password-Authentication"]"#,
        r#"["Username-Password-Authentication", "old-customers"]"#,
    ];
    let toml = toml.replace(one, both);
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
            stdout: "6 rows\nskipped: 1 (an anonymous user: no sign-in would find it again)\nprovider apple.com: 1 account -> apple\nprovider facebook.com: 1 account -> left out\nprovider github.com: 1 account -> github\nprovider google.com: 2 accounts -> google-oauth2\nprovider oidc.acme: 1 account -> acme\nprovider password: 1 account -> password\nprovider phone: 1 account -> phone\nprovider saml.acme: 1 account -> left out\nemails: 1 is verified by the word of the source, of which 1 counts here: a provider needs imported_emails = true, and an email_trust that covers the address\nleft out: 1. Passwords are left out: people sign in, and passwords are checked, at your providers.\nleft out: 2. Emails of users with several accounts are left out where the file does not say which account has them: the next sign-in brings them.\nleft out: the field lastLoginAt of 4 rows\nleft out: the field lastRefreshAt of 5 rows\nleft out: the field passwordUpdatedAt of 1 row\ncreated: 3, present: 0, skipped: 1, refused: 2\nREPEATED: 2 rows\n  firebase-batchget.json:1: identities/1: This account is also in firebase-batchget.json:1 (record 6 of the line): neither row becomes a new user.\n  firebase-batchget.json:1 (record 6 of the line): identities/0: This account is also in firebase-batchget.json:1: neither row becomes a new user.\nthe refused rows: import-0b9c7c95-refused.ndjson",
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

/// What an import of samples left behind.
struct Brought {
    server: TestServer,
    /// The last lines that were printed, from the counts on.
    outcome: String,
}

impl Brought {
    /// Imports samples with the binary. The first list declares providers whose imported emails
    /// count, the second one names providers of the file.
    async fn of(from: &str, files: &[&str], declared: &[&str], options: &[&str]) -> Self {
        let change = |toml: String| with_providers(&toml, declared);
        let server = TestServer::start_with(cluster().db_migrated().await, change).await;
        let desk = Desk::new(&server.database, change);
        let files: Vec<PathBuf> = files.iter().map(|file| desk.sample(file)).collect();
        let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
        // The accounts of CSV are an option.
        let files = if from == "csv" { &files[..1] } else { &files[..] };
        let ran = desk.import(from, files, options);
        let at = ran.stdout.find("created: ").unwrap_or_else(|| panic!("{ran:?}"));
        let outcome = ran.stdout[at..].lines().next().unwrap().to_owned();
        assert_eq!(ran.code, Some(if outcome.ends_with("refused: 0") { 0 } else { 3 }), "{ran:?}");
        server.database.db_assert_invariants().await;
        Self { server, outcome }
    }

    /// The counts, and each user: its accounts, and the emails that count here.
    async fn story(&self) -> String {
        let service = self.server.service();
        let mut story = self.outcome.clone();
        for id in db_users(&self.server.database).await {
            let user = service.user(&id).await;
            let blocked = if user.blocked { " (blocked)" } else { "" };
            // A user whose id could not stay has a random one.
            let id = if id.starts_with("usr_") { "usr_…" } else { &id };
            let _ = write!(story, "\n{id}{blocked}");
            for (identity, name) in user.identities.iter().zip(identities(&user)) {
                let counts = if identity.email_verified { " counts" } else { "" };
                let account = format!("{name} {}{counts}", identity.email);
                let _ = write!(story, "\n  {}", account.trim_end());
            }
        }
        story
    }

    /// The user that a sign-in with this account finds. It creates none.
    async fn signs_in(&self, provider: &str, subject: &str) -> String {
        let users = db_users(&self.server.database).await;
        let request = sign_in(provider, subject);
        let response = self.server.service().resolve_sign_in(request).await.unwrap();
        assert_eq!(db_users(&self.server.database).await, users);
        response.decision.unwrap().user.unwrap().id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_auth0_keep_their_accounts() {
    let brought = Brought::of("auth0", &["auth0.ndjson"], &["email", "samlp"], &[]).await;

    expect![[r#"
        created: 6, present: 0, skipped: 0, refused: 2
        auth0|65f0c0ffee0000000000a007
          auth0|65f0c0ffee0000000000a007
          google-oauth2|109000000000000000007
        email|65f0c0ffee0000000000a004 (blocked)
          email|65f0c0ffee0000000000a004 mara.quill@example.com counts
        google-oauth2|109000000000000000002
          google-oauth2|109000000000000000002 Tomas.Berg@Example.com
        samlp|acme-saml|jo.ives@acme.example
          samlp|acme-saml|jo.ives@acme.example jo.ives@acme.example
        sms|65f0c0ffee0000000000a003
          sms|65f0c0ffee0000000000a003
        usr_…
          auth0|legacy 42/é paul@example.com"#]]
    .assert_eq(&brought.story().await);
    assert_eq!(
        brought.signs_in("google-oauth2", "109000000000000000007").await,
        "auth0|65f0c0ffee0000000000a007"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_supabase_keep_their_accounts() {
    let options = [
        "--provider",
        "google=google-oauth2",
        "--provider",
        "sso:21648a9d-8d5a-4555-a9d1-d6375dc14e92=acme",
    ];
    let brought =
        Brought::of("supabase", &["supabase.ndjson"], &["email", "phone"], &options).await;

    expect![[r#"
        created: 3, present: 0, skipped: 2, refused: 0
        11111111-1111-4111-8111-111111111111
          email|11111111-1111-4111-8111-111111111111 Mara.Quill@Example.com counts
          google-oauth2|109000000000000000001 Mara.Q@Gmail.example
        22222222-2222-4222-8222-222222222222 (blocked)
          phone|22222222-2222-4222-8222-222222222222
        44444444-4444-4444-8444-444444444444
          acme|jo.ives@acme.example jo.ives@acme.example"#]]
    .assert_eq(&brought.story().await);
    let mara = "11111111-1111-4111-8111-111111111111";
    assert_eq!(brought.signs_in("google-oauth2", "109000000000000000001").await, mara);
    assert_eq!(brought.signs_in("email", mara).await, mara);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_keycloak_keep_their_accounts() {
    let options = ["--provider", "google=google-oauth2", "--provider", "Acme OIDC=acme"];
    let brought =
        Brought::of("keycloak", &["keycloak-users-0.json"], &["keycloak"], &options).await;

    expect![[r#"
        created: 4, present: 0, skipped: 1, refused: 0
        6a1e0000-0000-4000-8000-000000000001
          keycloak|6a1e0000-0000-4000-8000-000000000001 mara.quill@example.com counts
          google-oauth2|109000000000000000001
          github|7654321
        6a1e0000-0000-4000-8000-000000000002
          keycloak|6a1e0000-0000-4000-8000-000000000002 tomas.berg@example.com
        6a1e0000-0000-4000-8000-000000000003 (blocked)
          acme|acme|42
        f:6a1e0000-0000-4000-8000-0000000000ff:jdoe
          keycloak|f:6a1e0000-0000-4000-8000-0000000000ff:jdoe jdoe@example.com counts"#]]
    .assert_eq(&brought.story().await);
    let mara = "6a1e0000-0000-4000-8000-000000000001";
    assert_eq!(brought.signs_in("github", "7654321").await, mara);
    assert_eq!(brought.signs_in("keycloak", mara).await, mara);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_cognito_keep_their_accounts() {
    let options = [
        "--provider",
        "Google=google-oauth2",
        "--provider",
        "SignInWithApple=apple",
        "--provider",
        "Acme-SAML=acme",
    ];
    let brought =
        Brought::of("cognito", &["cognito-list-users.json"], &["cognito"], &options).await;

    expect![[r#"
        created: 3, present: 0, skipped: 0, refused: 2
        0b8f3f5e-0002-4002-8002-000000000002
          google-oauth2|109000000000000000002 Tomas.Berg@Example.com
        0b8f3f5e-0003-4003-8003-000000000003
          acme|Jo.Ives@Acme.example jo.ives@acme.example
        0b8f3f5e-0004-4004-8004-000000000004 (blocked)
          cognito|0b8f3f5e-0004-4004-8004-000000000004"#]]
    .assert_eq(&brought.story().await);
    assert_eq!(
        brought.signs_in("google-oauth2", "109000000000000000002").await,
        "0b8f3f5e-0002-4002-8002-000000000002"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_tables_keep_their_accounts() {
    let options = [
        "--column=id=id",
        "--column=email=email",
        "--column=email_verify_time=emailVerified",
        "--accounts=authjs-accounts.csv",
        "--account-column=user_id=userId",
        "--account-column=provider=provider",
        "--account-column=subject=providerAccountId",
        "--provider=google=google-oauth2",
    ];
    let files = ["authjs-users.csv", "authjs-accounts.csv"];
    let brought = Brought::of("csv", &files, &[], &options).await;

    expect![[r#"
        created: 2, present: 0, skipped: 0, refused: 2
        1
          google-oauth2|109000000000000000001
          github|7654321
        2
          github|7654322 tomas.berg@example.com"#]]
    .assert_eq(&brought.story().await);
    assert_eq!(brought.signs_in("google-oauth2", "109000000000000000001").await, "1");
}

/// A verified email of a file counts only at a provider with `imported_emails`. An alias leads to
/// its user.
#[tokio::test(flavor = "multi_thread")]
async fn an_email_counts_by_the_key_and_an_alias_resolves() {
    let account = |provider: &str| json!({"provider": provider, "subject": "1", "email": "ann@example.com", "email_verified": true});
    let row = json!({"id": "ann", "aliases": ["ann_of_2019"], "identities": [account("local"), account("github")]});
    let change = |toml: String| with_providers(&toml, &["local"]);
    let server = TestServer::start_with(cluster().db_migrated().await, change).await;
    let desk = Desk::new(&server.database, change);
    let file = desk.write("users.ndjson", lines([row]));

    let ran = desk.import("neutral", &[&file], &[]);

    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ann = server.service().user("ann_of_2019").await;
    assert_eq!(ann.id, "ann");
    let counts: Vec<bool> = ann.identities.iter().map(|identity| identity.email_verified).collect();
    assert_eq!(counts, [true, false]);
    assert_eq!(
        db_verified(&server.database).await.len(),
        2,
        "both are stored, so that the key can be set later"
    );
}
