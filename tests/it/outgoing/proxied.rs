//! Through a proxy, and around it.

use super::*;
use crate::{
    flows,
    support::{
        child::{Running, binary, config_file, temp_dir},
        cluster::cluster,
        connect_proxy::ConnectProxy,
        fake_oidc::FakeOidc,
    },
};

/// The line of a proxy.
fn proxy(url: &str) -> String {
    format!("[outgoing]\nproxy = \"{url}\"\n")
}

/// P15: the tunnel ends at the issuer, whose certificate is verified, and not at the proxy.
#[tokio::test]
async fn keys_come_through_the_proxy() {
    let (ours, file) = authority_in(&temp_dir("outgoing_proxy"), "ours");
    let (keys, address) = keys_behind(&ours.issue_for(AWAY)).await;
    let through = ConnectProxy::start(&[(AWAY, address)]).await;
    let url = format!("https://{AWAY}/jwks");
    let start = async |further: &str| {
        let settings = proxy(&format!("http://{}", through.address)) + &issuer(&url, further);
        TestServer::start_with(cluster().db_migrated().await, |toml| toml + &settings).await
    };

    assert_eq!(outcome(&start(&ca(&file)).await).await, ACCEPTED);
    assert_eq!((through.asked(), keys.asked()), (vec![format!("{AWAY}:443")], 1));

    assert_eq!(outcome(&start("").await).await, NO_KEYS);
    assert_eq!((through.asked().len(), keys.asked()), (2, 1));
}

#[tokio::test]
async fn the_proxy_gets_its_user_and_password() {
    let (ours, file) = authority_in(&temp_dir("outgoing_proxy_password"), "ours");
    let (_keys, address) = keys_behind(&ours.issue_for(AWAY)).await;
    let through = ConnectProxy::start_with_password(&[(AWAY, address)], "ann:p@ss").await;
    let url = format!("https://{AWAY}/jwks");
    for (user, expected) in [("ann:p%40ss@", ACCEPTED), ("ann:wrong@", NO_KEYS), ("", NO_KEYS)] {
        let settings =
            proxy(&format!("http://{user}{}", through.address)) + &issuer(&url, &ca(&file));
        let database = cluster().db_migrated().await;
        let server = TestServer::start_with(database, |toml| toml + &settings).await;
        assert_eq!(outcome(&server).await, expected, "{user}");
    }
}

/// The proxy's own certificate is verified against the authorities of the configuration, and the
/// issuer's against those of the issuer.
#[tokio::test]
async fn the_way_to_the_proxy_can_be_tls() {
    let dir = temp_dir("outgoing_proxy_tls");
    let (ours, file) = authority_in(&dir, "ours");
    let (theirs, their_file) = authority_in(&dir, "theirs");
    let (_keys, address) = keys_behind(&theirs.issue_for(AWAY)).await;
    let through = ConnectProxy::start(&[(AWAY, address)]).await;
    let port = in_front_of(through.address, &ours.issue()).await.port();
    let url = format!("https://{AWAY}/jwks");
    let settings = format!("{}{}\n", proxy(&format!("https://localhost:{port}")), ca(&file));

    for (further, expected) in [(ca(&their_file), ACCEPTED), (String::new(), NO_KEYS)] {
        let settings = format!("{settings}{}", issuer(&url, &further));
        let database = cluster().db_migrated().await;
        let server = TestServer::start_with(database, |toml| toml + &settings).await;
        assert_eq!(outcome(&server).await, expected);
    }
}

/// All requests of a flow: the metadata, the keys, the exchange of the code, and the claims.
#[tokio::test]
async fn people_sign_in_through_the_proxy() {
    let (ours, file) = authority_in(&temp_dir("outgoing_proxy_flow"), "ours");
    let name = "id.example.test";
    let issuer = format!("https://{name}");
    let fake = FakeOidc::start_as(&issuer, flows::alice()).await;
    let address = in_front_of(fake.web.address, &ours.issue_for(name)).await;
    let through = ConnectProxy::start(&[(name, address)]).await;
    let settings = format!(
        "{}{}{}\n",
        proxy(&format!("http://{}", through.address)),
        flows::oidc("away", &issuer),
        ca(&file)
    );
    let server =
        TestServer::start_with(cluster().db_migrated().await, |toml| toml + &settings).await;
    let service = server.service();

    let mut begun = service.start_sign_in(flows::to_sign_in("away")).await.unwrap();
    // The browser of the test has no proxy.
    begun.authorization_url =
        begun.authorization_url.replace(&issuer, &format!("http://{}", fake.web.address));
    let back = flows::come_back(&begun).await;
    service.complete_sign_in(back).await.unwrap();

    assert_eq!(fake.exchanges(), 1);
    assert!(through.asked().iter().all(|target| *target == format!("{name}:443")));
    assert!(!through.asked().is_empty());
}

/// This machine and the exceptions are reached directly.
#[tokio::test]
async fn the_proxy_is_left_aside_for_this_machine_and_for_exceptions() {
    let (ours, file) = authority_in(&temp_dir("outgoing_no_proxy"), "ours");
    let (keys, address) = keys_behind(&ours.issue()).await;
    let (_away, away) = keys_behind(&ours.issue_for(AWAY)).await;
    let through = ConnectProxy::start(&[(AWAY, away)]).await;
    let proxy = proxy(&format!("http://{}", through.address));
    let here = issuer(&format!("https://localhost:{}/jwks", address.port()), &ca(&file));
    let away = issuer(&format!("https://{AWAY}/jwks"), &ca(&file));

    let start = async |settings: String| {
        TestServer::start_with(cluster().db_migrated().await, |toml| toml + &settings).await
    };
    assert_eq!(outcome(&start(format!("{proxy}{here}")).await).await, ACCEPTED);
    assert_eq!((through.asked().len(), keys.asked()), (0, 1));
    // Only the proxy could reach it.
    let exception = format!("{proxy}no_proxy = [\"example.test\"]\n{away}");
    assert_eq!(outcome(&start(exception).await).await, NO_KEYS);
    assert_eq!(through.asked().len(), 0);
    assert_eq!(outcome(&start(format!("{proxy}{away}")).await).await, ACCEPTED);
    assert_eq!(through.asked().len(), 1);
}

/// The variables of other programs count too, unless the configuration has the key.
#[tokio::test(flavor = "multi_thread")]
async fn the_environment_names_the_proxy_and_its_exceptions() {
    let (ours, file) = authority_in(&temp_dir("outgoing_environment"), "ours");
    let (_keys, address) = keys_behind(&ours.issue_for(AWAY)).await;
    let url = format!("https://{AWAY}/jwks");
    for (name, settings, no_proxy, is_used) in [
        ("HTTPS_PROXY", "", "", true),
        ("https_proxy", "", "localhost, .other.test", true),
        ("HTTPS_PROXY", "", "localhost,example.test", false),
        ("HTTPS_PROXY", "[outgoing]\nproxy = \"\"\n", "", false),
        ("HTTPS_PROXY", "[outgoing]\nno_proxy = []\n", "example.test", true),
    ] {
        let through = ConnectProxy::start(&[(AWAY, address)]).await;
        let database = cluster().db_migrated().await;
        let settings = format!("{settings}{}", issuer(&url, &ca(&file)));
        let config = config_file(&database, |toml| toml + &settings);
        let mut serve = binary(&["serve", "--config", config.to_str().unwrap()]);
        for unset in ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] {
            serve.env_remove(unset);
        }
        serve.env(name, format!("http://{}", through.address)).env("NO_PROXY", no_proxy);
        let mut child = Running::start(serve);
        child.stderr_until(|line| line.contains(r#""message":"serving""#));
        assert_eq!(through.asked().len(), usize::from(is_used), "{name} {settings} {no_proxy}");
    }
}
