//! One domain for the login and for the API: the proxies of `docs/how-to/auth0-one-domain.md` with
//! its very configurations, in front of a tenant and of this service.

use std::{fs, net::SocketAddr, path::PathBuf};

use serde_json::json;

use super::clients::{jane, node, outcomes, page, tokens};
use crate::support::{
    TestServer,
    auth0::AUTH0,
    child::{Running, temp_dir},
    chromium::Chromium,
    cluster::cluster,
    http1::Http1,
    proxies::{Proxy, Setting},
    tls::{Authority, TlsClient},
    tls_front::in_front_of,
    tokens::Token,
    web_server::{Answer, Asked, WebServer},
};

/// The tenant's response to a page of this origin.
fn tenant_for(origin: String) -> impl Fn(&Asked) -> Answer + Send + Sync + 'static {
    move |asked| {
        let cors = format!(
            "access-control-allow-origin: {origin}\r\naccess-control-allow-headers: authorization, auth0-client, content-type\r\n\
             content-type: application/json\r\n"
        );
        match (asked.method.as_str(), asked.path.as_str()) {
            ("OPTIONS", _) => Answer::new("204 No Content", &cors, ""),
            (_, "/userinfo") => {
                Answer::new("200 OK", &cors, &json!({"sub": "google-oauth2|1"}).to_string())
            }
            _ => Answer::new("404 Not Found", &cors, "{}"),
        }
    }
}

/// A running proxy, and how clients reach it.
struct Domain {
    address: SocketAddr,
    /// The file of the authority that the tenant's certificate is of, and the domain's.
    authority: PathBuf,
    client: TlsClient,
    _running: Running,
}

impl Domain {
    async fn start(
        proxy: Proxy,
        name: &str,
        identity_link: SocketAddr,
        tenant: SocketAddr,
    ) -> Self {
        let dir = temp_dir(&format!("{name}_{proxy:?}"));
        let authority = Authority::new("everyone's");
        authority.issue().write(&dir);
        let trusted = dir.join("authority.pem");
        fs::write(&trusted, authority.pem()).unwrap();
        let tenant = in_front_of(tenant, &authority.issue()).await;
        let setting = Setting { dir: &dir, authority: &trusted, identity_link, tenant };
        let (running, address) = proxy.start(setting).await;
        let client = TlsClient::new(&authority, None).offering(&[b"http/1.1"]);
        Self { address, authority: trusted, client, _running: running }
    }

    fn name(&self) -> String {
        format!("localhost:{}", self.address.port())
    }
}

/// Auth0's clients find the login and the API at one domain.
async fn clients_find_both(proxy: Proxy) {
    let app = page(10).await;
    let origin = format!("http://{}", app.address);
    let database = cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| {
        toml + &AUTH0.replace("https://app.example.com", &origin)
    })
    .await;
    jane(&server.service()).await;
    let tenant = WebServer::start(|_| tenant_for(origin.clone())).await;
    let domain = Domain::start(proxy, "one_domain", server.address, tenant.address).await;

    let (name, authority) = (domain.name(), domain.authority.clone());
    let run = move || {
        let lines = node(7, &name, &authority, &tokens());
        assert_eq!(lines, outcomes().collect::<Vec<_>>(), "{proxy:?}");
        let mut browser = Chromium::start_trusting_all(&format!("one_domain_page_{proxy:?}"));
        browser.open(&origin);
        // The calls end with an unlink, and older tokens with that.
        let token = Token::of("google-oauth2", "1").issued_ago(-2).sign();
        browser.run(&format!("whoIsIt({}, {}, 'google-oauth2|1')", json!(name), json!(token)))
    };
    let told = tokio::task::spawn_blocking(run).await.unwrap();

    assert_eq!(told, json!(["google-oauth2|1", "google-oauth2|1"]));
    let asked = tenant.asked_for("/userinfo");
    let asked = asked.iter().find(|asked| asked.method == "GET").unwrap();
    assert!(asked.headers["authorization"].starts_with("Bearer "));
}

/// Each path goes to one of the two services, unchanged.
async fn paths_are_split(proxy: Proxy) {
    let service = WebServer::start(|_| |_: &Asked| Answer::ok(r#""identity-link""#)).await;
    let tenant = WebServer::start(|_| |_: &Asked| Answer::ok(r#""tenant""#)).await;
    let domain = Domain::start(proxy, "split", service.address, tenant.address).await;
    for (path, at) in [
        ("/api/v2", "identity-link"),
        ("/api/v2/users", "identity-link"),
        ("/api/v2/users/auth0%7C67f1c2/identities/google-oauth2/1", "identity-link"),
        // Characters with a meaning of their own in a path.
        ("/api/v2/users/sms%7Ca%2F..%2Fb%7Cc%252F%3Fd%23e", "identity-link"),
        ("/api/v2/users/sms%7C..%2F..%2F..%2Fauthorize", "identity-link"),
        ("/api/v2/users/x/identities/sms/a%2Fb", "identity-link"),
        ("/api/v2x", "tenant"),
        ("/api/v1/users", "tenant"),
        ("/authorize", "tenant"),
        ("/.well-known/openid-configuration", "tenant"),
        ("/me/v1/authentication-methods", "tenant"),
        ("/identitylink.v1.IdentityService/GetUser", "tenant"),
        ("/", "tenant"),
    ] {
        let head = format!(
            "GET {path}?a=b%20c HTTP/1.1\r\nhost: {}\r\ncookie: auth0=secret\r\ncname-api-key: forged\r\n\
             x-forwarded-for: 192.0.2.66\r\nauthorization: Bearer token\r\n\r\n",
            domain.name()
        );
        let stream = domain.client.connect(domain.address).await.unwrap();
        let answer = Http1::over(stream).ask(head).await;

        assert_eq!((answer.status, answer.body), (200, format!("\"{at}\"")), "{path}");
        let server = if at == "tenant" { &tenant } else { &service };
        let asked =
            server.asked_for(path).pop().unwrap_or_else(|| panic!("{path} came as another"));
        assert_eq!(asked.query["a"], "b c");
        assert_eq!(asked.headers["authorization"], "Bearer token");
        let (cookie, key) = (asked.headers.get("cookie"), asked.headers.get("cname-api-key"));
        if at == "tenant" {
            assert_eq!(cookie.unwrap(), "auth0=secret");
            assert_eq!(key.unwrap(), "the key of your custom domain");
            assert!(asked.headers["host"].starts_with("localhost:"), "{asked:?}");
            assert_ne!(asked.headers["host"], domain.name());
        } else {
            assert_eq!(cookie, None);
            assert_eq!(asked.headers["host"], domain.name());
        }
    }
}

#[tokio::test]
async fn clients_find_the_login_and_the_api_behind_nginx() {
    clients_find_both(Proxy::Nginx).await;
}

#[tokio::test]
async fn clients_find_the_login_and_the_api_behind_caddy() {
    clients_find_both(Proxy::Caddy).await;
}

#[tokio::test]
async fn clients_find_the_login_and_the_api_behind_envoy() {
    clients_find_both(Proxy::Envoy).await;
}

#[tokio::test]
async fn nginx_splits_the_paths_of_one_domain() {
    paths_are_split(Proxy::Nginx).await;
}

#[tokio::test]
async fn caddy_splits_the_paths_of_one_domain() {
    paths_are_split(Proxy::Caddy).await;
}

#[tokio::test]
async fn envoy_splits_the_paths_of_one_domain() {
    paths_are_split(Proxy::Envoy).await;
}
