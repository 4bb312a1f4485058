//! A server of one test.

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use identity_link::{
    config::Config,
    domain::{ProviderPolicies, TenantId},
    listener::Limits,
    server::{Listeners, serve},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

use super::{
    callers::Caller,
    cluster::{Database, cluster},
    tls::{TlsClient, tls_toml},
    tokens::{AUDIENCE, ISSUERS, Token, iss, keys_dir},
};

/// The real server, in the runtime of the test.
pub struct TestServer {
    /// The address on which it listens.
    pub address: SocketAddr,
    /// Its database.
    pub database: Database,
    /// Stops the server when it is cancelled.
    pub shutdown: CancellationToken,
    channel: Channel,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl TestServer {
    /// A server on a database of its own.
    pub async fn start() -> Self {
        Self::start_on(cluster().db_migrated().await).await
    }

    /// A server on this database.
    pub async fn start_on(database: Database) -> Self {
        Self::start_with(database, |toml| toml).await
    }

    /// A server on this database, with a changed configuration.
    pub async fn start_with(database: Database, change: impl FnOnce(String) -> String) -> Self {
        Self::start_changed(database, change, |_| {}).await
    }

    /// A server on a database of its own, with limits that a test can wait for.
    pub async fn start_limited(change: impl FnOnce(&mut Limits)) -> Self {
        Self::start_limited_with(|toml| toml, change).await
    }

    /// The same, with a changed configuration.
    pub async fn start_limited_with(
        change_toml: impl FnOnce(String) -> String,
        change: impl FnOnce(&mut Limits),
    ) -> Self {
        let database = cluster().db_migrated().await;
        Self::start_changed(database, change_toml, |config| change(&mut config.limits)).await
    }

    /// A server with the certificate of this folder and such limits, whose callers use this client.
    pub async fn start_tls(
        dir: &Path,
        client: &TlsClient,
        change: impl FnOnce(&mut Limits),
    ) -> Self {
        let database = cluster().db_migrated().await;
        let change_toml = |toml: String| toml + &tls_toml(dir);
        let mut server =
            Self::start_changed(database, change_toml, |config| change(&mut config.limits)).await;
        server.channel = client.channel(server.address);
        server
    }

    /// A server on this database, with a changed configuration, also changed where there is no
    /// configuration key.
    pub(super) async fn start_changed(
        database: Database,
        change_toml: impl FnOnce(String) -> String,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        Self::start_listening(database, change_toml, change, None).await
    }

    /// A server with a console at this listener, whose tables its address makes.
    pub async fn start_console(console: impl FnOnce(SocketAddr) -> String) -> Self {
        Self::start_console_on(cluster().db_migrated().await, console).await
    }

    /// The same on this database.
    pub async fn start_console_on(
        database: Database,
        console: impl FnOnce(SocketAddr) -> String,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tables = console(listener.local_addr().unwrap());
        Self::start_listening(database, |toml| toml + &tables, |_| {}, Some(listener)).await
    }

    async fn start_listening(
        database: Database,
        change_toml: impl FnOnce(String) -> String,
        change: impl FnOnce(&mut Config),
        console: Option<TcpListener>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let toml = change_toml(config_toml(address, &database.url));
        let mut config = Config::parse(&toml, Path::new("."), []).unwrap();
        change(&mut config);
        let shutdown = CancellationToken::new();
        let listeners = Listeners { console, ..Listeners::from(listener) };
        let serving = serve(config, listeners, shutdown.clone());
        tokio::spawn(async move { serving.await.unwrap() });
        // The listener is bound: a connection waits in its queue until the server accepts.
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        Self { address, database, shutdown, channel }
    }

    /// Another server on the same database, with the tests' configuration. Writers of one server
    /// wait for each other in that server; writers of two servers wait in the database, where a
    /// test can see it.
    pub async fn another(&self) -> Self {
        Self::start_on(self.database.clone()).await
    }

    /// The connection that all callers of this server share.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// A client with this token.
    pub fn caller(&self, token: &Token) -> Caller {
        Caller::new(self.channel.clone(), Some(token.sign()))
    }

    /// A client without a token.
    pub fn nobody(&self) -> Caller {
        Caller::new(self.channel.clone(), None)
    }

    /// A client with the token of a service, with every scope.
    pub fn service(&self) -> Caller {
        self.caller(&Token::of("services", "backend"))
    }

    /// A client with the token of a person who signed in at this provider. The token is dated two
    /// seconds ahead, which the leeway of clocks permits: so it is later than any link of this
    /// second or the next.
    pub fn person(&self, provider: &'static str, subject: &str) -> Caller {
        self.caller(&Token::of(provider, subject).issued_ago(-2))
    }
}

/// The policies of providers in the configuration of the tests' servers.
pub fn policies() -> BTreeMap<TenantId, ProviderPolicies> {
    let toml = config_toml(([127, 0, 0, 1], 0).into(), "postgres://postgres@127.0.0.1:1/x");
    Config::parse(&toml, Path::new("."), []).unwrap().policies()
}

/// The configuration of the tests' servers without this provider in the tenant `default`: its
/// issuer then signs for the other tenants only.
pub fn without_provider(toml: &str, provider: &str) -> String {
    let (line, issuer) = (format!("\n{provider} = {{"), format!("[issuers.{provider}]\n"));
    let (before, from) = toml.split_once(&line).unwrap();
    let (_, behind) = from.split_once('\n').unwrap();
    let toml = format!("{before}\n{behind}");
    assert!(toml.contains(&issuer));
    toml.replace(&issuer, &format!("{issuer}tenants = [\"other\", \"joined\"]\n"))
}

/// The `[providers]` lines of another tenant; the emails of these providers are trusted.
fn providers(trusted: &[&str]) -> String {
    let names = [
        "google-oauth2",
        "github",
        "wallet",
        "myspace",
        "apple",
        "acme",
        "auth0",
        "okta",
        "sms",
        "ad",
        "p",
    ];
    let settings =
        |name| if trusted.contains(&name) { "email_trust = \"when_verified\"" } else { "" };
    names.map(|name| format!("{name} = {{ {} }}", settings(name))).join("\n")
}

/// The configuration of the tests' servers. It names all providers that tests use, except
/// `nobodys`.
pub fn config_toml(listen: SocketAddr, database_url: &str) -> String {
    let mut toml = format!(
        "listen = \"{listen}\"\n[database]\nurl = \"{database_url}\"\nmax_connections = 8\n\
         [feed]\npoll_interval = \"20ms\"\n\
         [tenants.default.providers]\n\
         google-oauth2 = {{ social = true, email_trust = \"when_verified\", linking = \"automatic\" }}\n\
         github = {{ social = true, email_trust = \"when_verified\", linking = \"automatic\" }}\n\
         wallet = {{ mode = \"link_only\", email_trust = \"when_verified\", linking = \"automatic\" }}\n\
         myspace = {{ enabled = false, email_trust = \"when_verified\", linking = \"automatic\" }}\n\
         apple = {{ email_trust = \"when_verified\" }}\n\
         acme = {{ email_trust = \"when_verified\" }}\n\
         auth0 = {{ email_trust = \"when_verified\", connections = [\"Username-Password-Authentication\"] }}\n\
         okta = {{ email_trust = \"when_verified\", linking = \"off\" }}\n\
         sms = {{}}\nad = {{}}\nbulk = {{}}\np = {{}}\ngithub2 = {{}}\n\
         [tenants.other.providers]\n{}\n[tenants.joined]\nuser_ids = \"provider|subject\"\n\
         [tenants.joined.providers]\n{}\n",
        providers(&["github"]),
        providers(&["google-oauth2", "github", "apple", "auth0", "okta"]),
    );
    for name in ISSUERS.into_iter().filter(|name| *name != "stranger") {
        let kind = match name {
            "services" => {
                "kind = \"service\"\nallowed_scopes = [\"create:users\", \"delete:users\", \"export:users\", \"import:users\", \"jobs:users\", \"read:connections\", \"read:events\", \"read:provider_tokens\", \"read:users\", \
                 \"receive:provider_events\", \"sign_in:users\", \"update:users\"]"
            }
            "users" => "kind = \"user\"\nsubject = \"user_id\"",
            "broker" => "kind = \"user\"\nsubject = \"identity\"\nproviders = [\"auth0\", \"ad\"]",
            _ => "kind = \"user\"\nsubject = \"subject\"",
        };
        let provider = match name {
            "services" | "users" | "broker" => String::new(),
            name => format!("provider = \"{name}\"\n"),
        };
        let user = match name {
            "services" => String::new(),
            _ => format!(
                "link_with.audiences = [\"{AUDIENCE}\"]\nallowed_scopes = [\"delete:current_user\", \"read:current_user\", \
                 \"update:current_user_identities\", \"update:current_user_metadata\"]\n"
            ),
        };
        let (iss, jwks) = (iss(name), keys_dir().join(format!("{name}.json")));
        toml.push_str(&format!(
            "[issuers.{name}]\nissuer = \"{iss}\"\n{kind}\n{provider}jwks_file = \"{}\"\n\
             algorithms = [\"EdDSA\", \"ES256\", \"PS256\", \"RS256\"]\n\
             tenant_claim = \"tenant\"\naudiences = [\"{AUDIENCE}\"]\n{user}",
            jwks.display()
        ));
    }
    toml
}
