//! J33: providers that come and go, and their secrets.

use serde_json::json;

use super::*;
use crate::{
    flows::{come_back, oidc, to_sign_in},
    support::{fake_codes::CLIENT_SECRET, fake_oidc::FakeOidc},
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
