//! The emails of an import: the word of its source counts where the operator says so, and a
//! sign-in that repeats it makes it the provider's.

use super::{counted::db_assert_counts, *};
use crate::support::imports::{ImportStore, imported, with_verified_email};

/// Settings of the provider `sms`, and whether an import's word on [`EMAIL`] counts by them.
const IMPORTED: [(&str, bool); 5] = [
    ("", false),
    ("email_trust = \"when_verified\"", false),
    ("email_trust = \"when_verified\", imported_emails = true", true),
    ("email_trust = \"when_verified\", imported_emails = true, enabled = false", false),
    (
        "email_trust = \"authoritative_domains\", authoritative_domains = [\"example.org\"], \
         imported_emails = true",
        false,
    ),
];

async fn import_ann(database: &Database, accounts: &[&str]) {
    let ann = with_verified_email(imported("ann", accounts), EMAIL);
    ImportStore::open(database).await.import(&[ann]).await.unwrap();
}

/// A94: in each response and look-up, an imported email counts only by the provider's key.
#[tokio::test]
async fn an_imported_email_counts_only_where_the_configuration_says_so() {
    let server = TestServer::start_auth0().await;
    import_ann(&server.database, &["sms|s1"]).await;
    let ann = server.service().user("ann").await;
    assert!(!ann.identities[0].email_verified);

    for (decision, counts) in IMPORTED {
        let server = deciding(&server.database, decision).await;
        db_assert_counts(&server, &ann, counts, decision).await;
    }
}

/// A94: no account is linked to a user, or offered one, by the word of a file alone.
#[tokio::test]
async fn a_sign_in_is_not_linked_by_the_word_of_an_import_unless_it_counts() {
    let database = cluster().db_migrated().await;
    import_ann(&database, &["google-oauth2|g1"]).await;

    let server = TestServer::start_on(database.clone()).await;
    assert_eq!(
        would_sign_in(&server.service(), "github", "h1").await,
        "CREATED EMAIL_UNVERIFIED_ON_OTHER_USERS"
    );
    let other = server.service().create_with("github", "h2", verified(EMAIL)).await.id;
    assert_eq!(candidates(&server.service(), &other).await, [""; 0]);
    let shared = server.service().link(sharing(&other, "ann")).await;
    assert_eq!(refusal(shared), "FailedPrecondition EMAIL_NOT_SHARED");
    server.service().delete(&other).await;

    let server = TestServer::start_with(database, |toml| accepting(&toml)).await;
    assert_eq!(
        would_sign_in(&server.service(), "github", "h1").await,
        "LINKED EMAIL_VERIFIED_ON_BOTH_SIDES"
    );
}

/// The configuration in which the emails of an import count for `google-oauth2`.
fn accepting(toml: &str) -> String {
    let accepting = toml.replacen(
        "google-oauth2 = { social = true,",
        "google-oauth2 = { social = true, imported_emails = true,",
        1,
    );
    assert_ne!(accepting, toml);
    accepting
}

/// A94: an account of the file whose own word does not count may be another person's that waited
/// for the owner of the address. So the user is a candidate, and is not linked to.
#[tokio::test]
async fn an_account_whose_word_does_not_count_keeps_a_user_from_being_linked_to() {
    let database = cluster().db_migrated().await;
    import_ann(&database, &["google-oauth2|g1", "sms|s1"]).await;
    let server = TestServer::start_with(database, |toml| accepting(&toml)).await;

    let decision = would_sign_in(&server.service(), "github", "h1").await;

    assert_eq!(decision, "CANDIDATES ACCOUNT_OLDER_THAN_EMAIL");
}

/// A sign-in that repeats what the import said makes it the provider's word, from then on.
#[tokio::test]
async fn the_next_sign_in_makes_the_email_the_provider_s_word() {
    let server = TestServer::start().await;
    let service = server.service();
    import_ann(&server.database, &["google-oauth2|g1"]).await;
    let account = pb::ProvenAccount {
        identity_ref: identity_ref("google-oauth2", "g1"),
        email: EMAIL.to_owned(),
        email_verified: true,
        ..Default::default()
    };
    let imported =
        "SELECT email_verifier->>'kind' || (email_proven_since > attach_time) FROM identities";
    assert_eq!(server.database.db_texts(imported).await, ["importtrue"]);

    service.resolve_sign_in(sign_in_with(account)).await.unwrap();

    let ann = service.user("ann").await;
    assert!(ann.identities[0].email_verified);
    let now = "SELECT (email_verifier->>'kind' <> 'import' AND email_proven_since = u.update_time AND \
        u.writes_valid_from = u.update_time)::text FROM identities i JOIN users u ON u.id = i.owner_id";
    assert_eq!(server.database.db_texts(now).await, ["true"]);
    assert_eq!(
        would_sign_in(&service, "github", "h1").await,
        "LINKED EMAIL_VERIFIED_ON_BOTH_SIDES"
    );
}
