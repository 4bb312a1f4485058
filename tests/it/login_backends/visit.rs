//! A backend, and a browser that visits it.

use std::{fs, process::Command};

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    flows::{CALLBACK, oidc},
    support::{
        TestServer,
        browser::{Browser, Page, attribute},
        child::{Running, temp_dir},
        cluster::cluster,
        fake_oidc::FakeOidc,
        form,
        tokens::Token,
    },
};

/// The URL at which people reach the backend, as behind a proxy. The redirect URIs are below it.
pub(super) const SITE: &str = "http://127.0.0.1:9";

/// How a backend starts.
pub(super) type Start = fn() -> Command;

/// A running backend with two providers, at which Alice is signed in with the same email, and its
/// identity-link.
pub(super) struct Site {
    pub server: TestServer,
    pub mail: FakeOidc,
    pub office: FakeOidc,
    pub backend: Running,
    /// Where the backend listens.
    pub address: String,
    /// The URL at which people reach it.
    url: &'static str,
}

/// The claims of an account.
pub(super) fn account(subject: &str, email: &str) -> Value {
    json!({"sub": subject, "email": email, "email_verified": true, "name": "Alice"})
}

impl Site {
    /// Starts a backend.
    pub(super) async fn open(start: &Start) -> Self {
        Self::open_at(start, SITE, "open").await
    }

    /// Starts a backend that people reach at this URL, and whose tenant has this `registration`.
    pub(super) async fn open_at(start: &Start, url: &'static str, registration: &str) -> Self {
        let mail = FakeOidc::start(account("alice", "alice@example.com")).await;
        let office = FakeOidc::start(account("a.smith", "alice@example.com")).await;
        let clients = oidc("mail", &mail.issuer) + &oidc("office", &office.issuer);
        let clients = clients.replace(CALLBACK, &format!("{url}/callback"));
        let tenant = format!(
            "[tenants.default]\nregistration = \"{registration}\"\n[tenants.default.providers]\n"
        );
        let database = cluster().db_migrated().await;
        let folder = temp_dir(&database.name);
        let server = TestServer::start_with(database, |toml| {
            toml.replacen("[tenants.default.providers]\n", &tenant, 1) + &clients
        })
        .await;
        let token = folder.join("token");
        let scopes = "sign_in:users read:users update:users";
        fs::write(&token, Token::of("services", "backend").scope(scopes).sign()).unwrap();
        let (start, here) = (*start, format!("http://{}", server.address));
        let starting = move || {
            let mut command = start();
            command.env("BASE_URL", url).env("LISTEN", "http://127.0.0.1:0");
            command.env("IDENTITY_LINK", here).env("TOKEN_FILE", token);
            let mut backend = Running::start(command);
            let line = backend.stdout_until(|line| line.starts_with("serving "));
            (backend, line.rsplit(' ').next().unwrap().to_owned())
        };
        let (backend, address) = tokio::task::spawn_blocking(starting).await.unwrap();
        Self { server, mail, office, backend, address, url }
    }

    /// A person's browser, which shows the login page.
    pub(super) async fn visit(&self) -> Visit {
        let mut visit = Visit {
            browser: Browser::new(&format!("{}/callback", self.url)),
            address: self.address.clone(),
            url: self.url,
            query: String::new(),
        };
        assert_contains(&visit.home().await, "<h1>Sign in</h1>");
        visit
    }
}

/// A person's browser.
pub(super) struct Visit {
    pub browser: Browser,
    pub address: String,
    url: &'static str,
    /// The query with which a provider last sent the browser back.
    pub query: String,
}

impl Visit {
    /// The first page.
    pub(super) async fn home(&mut self) -> Page {
        self.browser.open(&format!("{}/", self.address)).await.page()
    }

    /// Presses the button with this text, the form of which contains these texts.
    pub(super) async fn press(&mut self, page: &Page, button: &str, having: &str) -> Page {
        let (action, fields) = form_of(page, button, having);
        self.send(self.url, &action, &fields).await
    }

    /// Sends a form from a page of this origin.
    pub(super) async fn send(
        &mut self,
        origin: &str,
        action: &str,
        fields: &[(String, String)],
    ) -> Page {
        let url = format!("{}{action}", self.address);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        self.browser.post_from(origin, &url, &fields).await.page()
    }

    /// Sends a form as a program does, without an origin.
    pub(super) async fn send_without_origin(&mut self, action: &str, field: (&str, &str)) -> Page {
        self.browser.post(&format!("{}{action}", self.address), &[field]).await
    }

    /// Presses the button of a provider, and stays there, signed in, before it returns.
    pub(super) async fn leave_for(&mut self, page: &Page, button: &str, provider: &str) {
        let (action, fields) = form_of(page, button, &format!("value=\"{provider}\""));
        let url = format!("{}{action}", self.address);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let back = self.browser.post_from(self.url, &url, &fields).await.back();
        self.query = form::write(back.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    }

    /// Returns from this provider with this query.
    pub(super) async fn returns(&mut self, provider: &str, query: &str) -> Page {
        self.browser.open(&format!("{}/callback/{provider}?{query}", self.address)).await.page()
    }

    /// Signs in, or links, by the button of a provider on a page.
    pub(super) async fn by(&mut self, page: &Page, button: &str, provider: &str) -> Page {
        self.leave_for(page, button, provider).await;
        let query = self.query.clone();
        self.returns(provider, &query).await
    }

    /// Signs in at this provider from the login page.
    pub(super) async fn sign_in(&mut self, provider: &str) -> Page {
        let page = self.home().await;
        self.by(&page, "Sign in with", provider).await
    }

    /// Has this value in the cookie of the attempt.
    pub(super) fn keep_attempt(&mut self, value: &str) {
        self.browser.set_cookie(&self.address, "attempt", value);
    }

    /// Signs out.
    pub(super) async fn sign_out(&mut self) {
        let page = self.home().await;
        let page = self.press(&page, "Sign out", "").await;
        assert_contains(&page, "<h1>Sign in</h1>");
    }
}

/// The path and the hidden fields of the form with this button.
fn form_of(page: &Page, button: &str, having: &str) -> (String, Vec<(String, String)>) {
    let mut forms =
        page.html.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap());
    let is_it = |form: &&str| form.contains(&format!("<button>{button}")) && form.contains(having);
    let form = forms.find(is_it).unwrap_or_else(|| panic!("no {button} {having}: {}", page.html));
    let field = |input| (attribute(input, "name").unwrap(), attribute(input, "value").unwrap());
    (attribute(form, "action").unwrap(), form.split("<input").skip(1).map(field).collect())
}

/// How many accounts the settings page shows.
pub(super) fn accounts(page: &Page) -> usize {
    assert_contains(page, "<h1>Your settings</h1>");
    page.html.matches("<li>").count()
}

/// Whether the page has the button of a provider.
pub(super) fn offers(page: &Page, provider: &str) -> bool {
    page.html.contains(&format!("name=\"provider\" value=\"{provider}\""))
}

#[track_caller]
pub(super) fn assert_contains(page: &Page, text: &str) {
    assert!(page.html.contains(text), "{} {}: no {text} in {}", page.status, page.url, page.html);
}

#[track_caller]
pub(super) fn assert_refused(page: &Page, status: StatusCode, sentence: &str) {
    assert_eq!(page.status, status, "{}", page.html);
    assert_contains(page, sentence);
}
