//! J33: providers that come and go, and their secrets.

use serde_json::json;

use super::*;
use crate::{
    flows::{come_back, oidc, to_sign_in},
    support::{
        fake_codes::CLIENT_SECRET,
        fake_oidc::FakeOidc,
        imports::{ImportStore, imported, with_verified_email},
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_removed_ends_its_tokens_and_its_sign_ins() {
    let fake = FakeOidc::start(json!({"sub": "alice"})).await;
    let client = oidc("fake", &fake.issuer);
    let database = cluster().db_migrated().await;
    let mut server = Reloading::start(&database, |toml| toml + &client);
    let service = server.service();
    let user = service.create("github", "ann").await;
    let ann = server.caller(&Token::of("github", "ann"));
    assert_eq!(ann.user("").await.id, user.id);
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    let request = come_back(&begun).await;

    let line = server.reload(
        |toml| {
            let toml = toml.replace(&client, "");
            without_provider(&toml, "github")
        },
        RELOADED,
    );

    assert_eq!(
        line["removed"], "provider fake of tenant default, provider github of tenant default",
        "{line}"
    );
    assert_eq!(refusal(ann.get_user(get("")).await), "Unauthenticated TOKEN_INVALID");
    assert_eq!(
        refusal(service.start_sign_in(to_sign_in("fake")).await),
        "NotFound PROVIDER_UNKNOWN"
    );
    assert_eq!(refusal(service.complete_sign_in(request).await), "NotFound PROVIDER_UNKNOWN");
    assert_eq!(fake.exchanges(), 0);
}

/// The file of a client's secret changes, and the configuration file does not.
#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_a_client_is_read_when_its_file_changes() {
    let fake = FakeOidc::start(json!({"sub": "alice"})).await;
    let database = cluster().db_migrated().await;
    let file = child::temp_dir("reload_secret").join("secret");
    fs::write(&file, "of-yesterday\n").unwrap();
    let client = oidc("fake", &fake.issuer).replace(
        &format!("client_secret = \"{CLIENT_SECRET}\""),
        &format!("client_secret_file = \"{}\"", file.display()),
    );
    let mut server = Reloading::start(&database, |toml| toml + &client);
    let service = server.service();
    let sign_in = async || {
        let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
        service.complete_sign_in(come_back(&begun).await).await
    };
    assert!(sign_in().await.is_err());

    fs::write(&file, format!("{CLIENT_SECRET}\n")).unwrap();
    let line = server.line(RELOADED);

    assert_eq!(line["changed"], "provider fake of tenant default", "{line}");
    assert!(!line.to_string().contains(CLIENT_SECRET));
    sign_in().await.unwrap();
}

/// A provider's word on imported emails is trusted, or no longer: watches end as with any change of
/// what callers may see.
#[tokio::test(flavor = "multi_thread")]
async fn imported_emails_count_from_the_reload_that_says_so() {
    let database = feed_cluster().db_migrated().await;
    let ann = with_verified_email(imported("ann", &["github|ann"]), "ann@example.com");
    ImportStore::open(&database).await.import(&[ann]).await.unwrap();
    let mut server = Reloading::start(&database, |toml| toml);
    let service = server.service();
    assert!(!service.user("ann").await.identities[0].email_verified);
    let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Newest)).await;
    watcher.caught_up().await;

    let line = server.reload(
        |toml| toml.replacen("github = { social", "github = { imported_emails = true, social", 1),
        RELOADED,
    );

    assert_eq!(line["changed"], "provider github of tenant default", "{line}");
    let end = refusal::<()>(Err(timeout(SOON, watcher.end()).await.unwrap()));
    assert_eq!(end, "Unavailable WATCH_EXPIRED");
    assert!(service.user("ann").await.identities[0].email_verified);
}
