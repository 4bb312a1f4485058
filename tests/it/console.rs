//! The console: people sign in at their provider, find users, look at them and change them.

mod browser;
mod change;
mod feed;
mod find;
mod health;
mod jobs;
mod looks;
mod origins;
mod settings;
mod sign_in;
mod tickets;
mod timeline;
mod user;
mod why;

use std::net::SocketAddr;

use http::StatusCode;
use identity_link::{
    clock,
    grpc::proto::{
        self as pb, identity_service_client::IdentityServiceClient, link_request::Secondary,
    },
};
use serde_json::{Value, json};

use crate::support::{
    TestServer,
    browser::{Browser, Page},
    cluster::{Database, cluster, feed_cluster},
    fake_codes::{CLIENT_ID, CLIENT_SECRET},
    fake_oidc::FakeOidc,
    tokens::Token,
};

/// A console, its provider, and the users behind it.
struct Console {
    server: TestServer,
    provider: FakeOidc,
    /// The URL at which browsers reach it.
    url: String,
}

/// The claims of a person of these groups who has just signed in.
fn staff(groups: &[&str]) -> Value {
    json!({"sub": "carol", "name": "Carol", "groups": groups, "auth_time": clock::now().timestamp()})
}

/// The table of a console at this address, whose staff sign in at this issuer.
fn table(address: SocketAddr, issuer: &str) -> String {
    format!(
        "[console]\nlisten = \"{address}\"\nbase_url = \"http://{address}\"\nissuer = \"{issuer}\"\n\
         client_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\ntenants = [\"default\", \"other\"]\n\
         viewers = [\"helpdesk\"]\nsupport = [\"agents\", \"leads\"]\noperators = [\"admins\"]\n"
    )
}

impl Console {
    async fn start() -> Self {
        Self::start_with("").await
    }

    /// With further keys.
    async fn start_with(keys: &str) -> Self {
        Self::start_on(cluster().db_migrated().await, keys).await
    }

    /// In the cluster of the tests of the feed, with further keys.
    async fn start_feed(keys: &str) -> Self {
        Self::start_on(feed_cluster().db_migrated().await, keys).await
    }

    async fn start_on(database: Database, keys: &str) -> Self {
        let provider = FakeOidc::start(staff(&["agents"])).await;
        let mut url = String::new();
        let server = TestServer::start_console_on(database, |address| {
            url = format!("http://{address}");
            table(address, &provider.issuer) + keys
        })
        .await;
        Self { server, provider, url }
    }

    /// A browser in which a person of these groups is signed in, with the first page.
    async fn signed_in(&self, groups: &[&str]) -> (Browser, Page) {
        self.provider.person(staff(groups));
        let mut browser = browser();
        let page = self.sign_in(&mut browser, "/").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        (browser, page)
    }

    /// Opens a page, and signs in on the way. Returns what is shown afterwards.
    async fn sign_in(&self, browser: &mut Browser, path: &str) -> Page {
        let page = browser.open(&format!("{}{path}", self.url)).await.page();
        browser.follow(&page, "Sign in").await.page()
    }

    async fn open(&self, browser: &mut Browser, path: &str) -> Page {
        browser.open(&format!("{}{path}", self.url)).await.page()
    }
}

/// Links two users by the word of a service, for this reason. Returns the link's id.
async fn link(server: &TestServer, primary: &str, secondary: &str, reason: &str) -> String {
    let mut request = tonic::Request::new(pb::LinkRequest {
        user_id: primary.to_owned(),
        secondary: Some(Secondary::SecondaryUserId(secondary.to_owned())),
        ..pb::LinkRequest::default()
    });
    let token = Token::of("services", "backend").sign();
    let metadata = request.metadata_mut();
    metadata.insert("authorization", format!("Bearer {token}").parse().unwrap());
    metadata.insert("x-reason", reason.parse().unwrap());
    let mut client = IdentityServiceClient::new(server.channel());
    client.link(request).await.unwrap().into_inner().link.unwrap().id
}

/// A browser that stops nowhere.
fn browser() -> Browser {
    Browser::new("http://nowhere.example")
}

/// The path of the page of a user.
fn path(user: &str) -> String {
    format!("/users/default/{}", user.replace('|', "%7C"))
}

/// The header with the cookies of the browser's session.
fn session_cookie(browser: &Browser) -> String {
    let value = |name: &str| {
        let cookie = browser.set_cookies.iter().rev().find(|it| it.starts_with(name)).unwrap();
        cookie.split(';').next().unwrap().to_owned()
    };
    format!("{}; {}", value("console-session="), value("console-forms="))
}

/// Looks for a text in the first tenant.
async fn find(browser: &mut Browser, page: &Page, query: &str) -> Page {
    browser.submit_to(page, "/find", &[("query", query), ("tenant", "default")]).await.page()
}

/// The text in the element with this id.
fn text<'a>(page: &'a Page, id: &str) -> &'a str {
    let (_, rest) = page.html.split_once(&format!(" id=\"{id}\"")).expect(id);
    rest.split_once('>').unwrap().1.split_once('<').unwrap().0
}

/// Whether there is such an element.
fn has(page: &Page, id: &str) -> bool {
    page.html.contains(&format!(" id=\"{id}\""))
}
