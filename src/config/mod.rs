//! The configuration: one TOML file, of which the environment can override each key. It is read, complete and checked
//! before the server binds anything.

mod auth0;
mod feed;
mod issuers;
mod listener;
mod oauth;
mod providers;
mod reader;
mod tls;

use std::{
    collections::BTreeMap, fs, net::SocketAddr, ops::RangeInclusive, path::Path, sync::LazyLock, time::Duration,
};

use chrono::TimeDelta;
use toml::Table;
use tracing_subscriber::EnvFilter;

use self::reader::Reader;
pub use self::{auth0::Auth0, listener::Limits, providers::ProviderSettings};
use crate::{
    auth::{Issuer, RECENT_SIGN_IN},
    domain::{
        IdentityRef, Provider, ProviderPolicies, Registration, TenantId, Undeclared, UserId, linking::UnownedIdentity,
        sign_in::judged,
    },
    feed::FeedSettings,
    store::Address,
    tls::TlsFiles,
};

/// The default number of concurrent calls for each connection to the database: the last of them waits for fifteen
/// others. Even if each took 100 ms, that is less than the two seconds after which the store gives up. So a burst is
/// served, and calls beyond it are refused at once.
const CALLS_PER_CONNECTION: usize = 16;
/// How old a sign-in may be for `Link`, `Unlink` and `UndoLink`: default and bounds.
const MAX_SIGN_IN_AGE: (Duration, RangeInclusive<Duration>) =
    (Duration::from_secs(600), Duration::from_secs(1)..=Duration::from_secs(24 * 3600));

/// Everything that an operator configures.
pub struct Config {
    /// The address and port to listen on.
    pub listen: SocketAddr,
    /// The limits of connections.
    pub limits: Limits,
    /// The listener's certificate; `None` for connections in clear text.
    pub tls: Option<TlsFiles>,
    /// Whether the server offers gRPC reflection.
    pub reflection: bool,
    /// How long a call may take at most, from its headers to those of its response.
    pub max_call_time: Duration,
    /// How many calls are processed at once; further calls are refused.
    pub max_concurrent_calls: usize,
    /// How long calls in flight may take after a signal to stop.
    pub shutdown_grace: Duration,
    /// What is logged, as a filter of the `tracing` crates; `info` logs one line per call.
    pub log: String,
    /// The database.
    pub database: Database,
    /// The settings of the feed.
    pub feed: FeedSettings,
    /// The settings of Auth0's Management API; `None` if it is not served.
    pub auth0: Option<Auth0>,
    /// The tenants by id; at least one.
    pub tenants: BTreeMap<TenantId, Tenant>,
    /// The trusted issuers.
    pub issuers: Vec<Issuer>,
}

/// The settings of the database.
pub struct Database {
    /// The address and credentials of the database.
    pub address: Address,
    /// The most connections that the pool holds.
    pub max_connections: usize,
}

/// The settings of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// How new users' ids are made; `None` for random ids.
    pub user_ids: Option<UserIds>,
    /// How old the sign-in behind a user token may be for the calls that change who can sign in as the user: Link,
    /// Unlink, UndoLink. At most a day.
    pub max_sign_in_age: TimeDelta,
    /// Whether an account without an owner becomes a new user when it signs in.
    pub registration: Registration,
    /// The providers that the tenant declares.
    pub providers: BTreeMap<Provider, ProviderSettings>,
    /// How providers that are not declared are treated.
    pub undeclared: Undeclared,
}

/// How new users' ids are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserIds {
    /// At random.
    Random,
    /// `provider|subject` of the first identity, if that is free; otherwise random.
    ProviderSubject,
}

impl Default for Tenant {
    fn default() -> Self {
        Self {
            user_ids: None,
            max_sign_in_age: RECENT_SIGN_IN,
            registration: Registration::default(),
            providers: BTreeMap::new(),
            undeclared: Undeclared::default(),
        }
    }
}

impl Tenant {
    /// The settings of a provider, declared or not.
    pub fn provider(&self, provider: &Provider) -> &ProviderSettings {
        static REFUSED: LazyLock<ProviderSettings> = LazyLock::new(|| ProviderSettings::undeclared(Undeclared::Refuse));
        static ALLOWED: LazyLock<ProviderSettings> = LazyLock::new(|| ProviderSettings::undeclared(Undeclared::Allow));
        self.providers.get(provider).unwrap_or_else(|| match self.undeclared {
            Undeclared::Refuse => &REFUSED,
            Undeclared::Allow => &ALLOWED,
        })
    }

    /// The policies of all providers.
    pub fn policies(&self) -> ProviderPolicies {
        let declared = self.providers.iter().map(|(name, settings)| (name.clone(), settings.policy.clone()));
        ProviderPolicies { declared: declared.collect(), undeclared: self.undeclared }
    }

    /// The id of a new user with this account, to be used if it is free; `None` if ids are random, or the account
    /// gives none.
    pub fn user_id_of(&self, account: &IdentityRef) -> Option<UserId> {
        account.as_user_id().filter(|_| self.user_ids == Some(UserIds::ProviderSubject))
    }

    /// The provider of the identities that a connection makes: the one that lists it, or the one of that name.
    pub fn provider_of_connection(&self, connection: &str) -> Option<&Provider> {
        let lists = |(_, settings): &(&Provider, &ProviderSettings)| settings.connections.contains(connection);
        let listing = self.providers.iter().find(lists).map(|(provider, _)| provider);
        listing.or_else(|| self.providers.keys().find(|provider| provider.as_str() == connection))
    }

    /// Whether accounts of a provider may sign in through this connection. If the provider lists connections, it is
    /// one of them or the provider's name. It is never a connection of another provider. An empty name always passes.
    pub fn has_connection(&self, provider: &Provider, connection: &str) -> bool {
        let lists_none = || self.providers.get(provider).is_none_or(|settings| settings.connections.is_empty());
        connection.is_empty() || self.provider_of_connection(connection).map_or_else(lists_none, |of| of == provider)
    }

    /// The account with what the configuration says of its provider, for all ways in: whether the provider is social,
    /// what its email assertion is worth, and the connection if the account names none.
    pub fn described(&self, account: UnownedIdentity) -> UnownedIdentity {
        let provider = account.id.provider.clone();
        let account = judged(account, &self.provider(&provider).policy);
        let declared = self.providers.get(&provider);
        let social = declared.map_or(account.social, |settings| settings.social);
        let connection = match account.connection.as_str() {
            "" => self.provider(&provider).connection(&provider),
            _ => account.connection,
        };
        UnownedIdentity { social, connection, ..account }
    }

    /// Whether identities of a provider can sign in.
    pub fn can_sign_in(&self, provider: &Provider) -> bool {
        self.provider(provider).policy.can_sign_in()
    }
}

/// All problems of a configuration.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigProblems(pub Vec<String>);

impl std::fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigProblems {}

impl Config {
    /// The policies of the providers of each tenant.
    pub fn policies(&self) -> BTreeMap<TenantId, ProviderPolicies> {
        self.tenants.iter().map(|(id, tenant)| (id.clone(), tenant.policies())).collect()
    }

    /// Reads a file and overrides its keys by `environment`.
    ///
    /// # Errors
    /// If the file cannot be read, and all problems that [`Config::parse`] finds.
    pub fn load(file: &Path, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigProblems> {
        let text =
            fs::read_to_string(file).map_err(|error| ConfigProblems(vec![format!("cannot be read: {error}")]))?;
        let base = file.parent().unwrap_or(Path::new("."));
        Self::parse(&text, base, environment)
    }

    /// Parses a configuration. Relative paths in it start at `base`.
    ///
    /// # Errors
    /// All problems of the configuration.
    pub fn parse(
        text: &str,
        base: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigProblems> {
        let mut table: Table = text.parse().map_err(|error| ConfigProblems(vec![not_toml(text, &error)]))?;
        reader::overlay(&mut table, environment);

        let mut r = Reader::new(table);
        if !r.has("listen") {
            r.problem("listen", "is required, such as \"127.0.0.1:50051\"");
        }
        let listen = r.parsed("listen", |text| text.parse().map_err(|_| "must be an address and a port".to_owned()));
        let limits = r.table("listener").map(listener::read).unwrap_or_default();
        let tls = r.table("tls").and_then(|table| tls::read(table, base));
        let reflection = r.boolean("reflection", true);
        let max_call_time = r.duration("max_call_time", Duration::from_secs(30));
        if max_call_time.is_zero() {
            r.problem("max_call_time", "must be longer than 0s");
        }
        let shutdown_grace = r.duration("shutdown_grace", Duration::from_secs(20));
        let log = r.parsed("log", |text| check_log_filter(text).map(|()| text.to_owned()));
        let database = r.table("database");
        if database.is_none() {
            r.problem("database", "is required, with its url");
        }
        let database = database.and_then(read_database);
        let feed = feed::read(r.table("feed"));
        let mut tenants = r.table("tenants").map(|table| read_tenants(table, base)).unwrap_or_default();
        if tenants.is_empty() {
            r.problem("tenants", "is required: at least one, such as [tenants.default]");
        }
        let auth0 = r.table("auth0").map(|table| auth0::read(table, &mut tenants));
        let fitting = database.as_ref().map_or(CALLS_PER_CONNECTION, |d| d.max_connections * CALLS_PER_CONNECTION);
        let max_concurrent_calls = r.number("max_concurrent_calls", fitting, 1..=100_000);
        let issuers = r.table("issuers");
        if issuers.as_ref().is_none_or(Reader::is_empty) {
            r.problem("issuers", "is required: without an issuer no call is accepted");
        }
        let issuers = issuers.map(|table| issuers::read(table, &tenants, base)).unwrap_or_default();

        let problems = r.finish();
        match listen.zip(database) {
            Some((listen, database)) if problems.is_empty() => {
                let log = log.unwrap_or_else(|| "info".to_owned());
                Ok(Self {
                    listen,
                    limits,
                    tls,
                    reflection,
                    max_call_time,
                    max_concurrent_calls,
                    shutdown_grace,
                    log,
                    database,
                    feed,
                    auth0,
                    tenants,
                    issuers,
                })
            }
            _ => Err(ConfigProblems(problems)),
        }
    }
}

/// Where the text is not TOML, and why. Quotes nothing of the text, which contains passwords.
fn not_toml(text: &str, error: &toml::de::Error) -> String {
    let message = error.message();
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return format!("is not TOML: {message}");
    };
    let (line, column) =
        (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
    format!("is not TOML: line {line}, column {column}: {message}")
}

/// A single word that is not a level would name a target, and silence everything else.
fn check_log_filter(text: &str) -> Result<(), String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_clear = |directive: &str| {
        directive.contains(['=', '[']) || LEVELS.contains(&directive.trim().to_ascii_lowercase().as_str())
    };
    match EnvFilter::try_new(text) {
        Ok(_) if text.split(',').all(is_clear) => Ok(()),
        Ok(_) => Err(format!("must be a level ({}), or target=level", LEVELS.join(", "))),
        Err(error) => Err(format!("is not a filter: {error}")),
    }
}

fn read_database(mut r: Reader) -> Option<Database> {
    let url = r.required_text("url");
    let address = url.and_then(|url| Address::parse(&url).map_err(|error| r.problem("url", error)).ok());
    let max_connections = r.number("max_connections", 8, 1..=1000);
    r.finish();
    Some(Database { address: address?, max_connections })
}

fn read_tenants(mut r: Reader, base: &Path) -> BTreeMap<TenantId, Tenant> {
    let mut tenants = BTreeMap::new();
    for (name, mut table) in r.tables() {
        let user_ids = table.parsed("user_ids", |text| match text {
            "random" => Ok(UserIds::Random),
            "provider|subject" => Ok(UserIds::ProviderSubject),
            _ => Err("must be \"random\" or \"provider|subject\"".to_owned()),
        });
        let max_sign_in_age = table.duration_within("max_sign_in_age", MAX_SIGN_IN_AGE);
        let registration = table
            .one_of(
                "registration",
                [("open", Registration::Open), ("ask", Registration::Ask), ("closed", Registration::Closed)],
            )
            .unwrap_or_default();
        let providers = table.table("providers").map(|table| providers::read(table, base)).unwrap_or_default();
        let undeclared =
            table.one_of("undeclared_providers", [("refuse", Undeclared::Refuse), ("allow", Undeclared::Allow)]);
        table.finish();
        let undeclared = undeclared.unwrap_or_default();
        // The age is within its bounds, or a problem was noted and this value is not used.
        let max_sign_in_age = TimeDelta::from_std(max_sign_in_age).unwrap_or(RECENT_SIGN_IN);
        match TenantId::parse(&name) {
            Some(id) => {
                let tenant = Tenant { user_ids, max_sign_in_age, registration, providers, undeclared };
                drop(tenants.insert(id, tenant));
            }
            None => r.problem(&name, format!("the name {}", TenantId::FORM)),
        }
    }
    r.finish();
    tenants
}

#[cfg(test)]
mod tests {
    use super::check_log_filter;

    #[test]
    fn a_log_filter_that_would_silence_everything_is_refused() {
        for good in ["info", "WARN", "info,identity_link::grpc::status=debug", "off"] {
            assert_eq!(check_log_filter(good), Ok(()), "{good}");
        }
        for bad in ["", "loud", "info,loud", "info,a=loud"] {
            assert!(check_log_filter(bad).is_err(), "{bad}");
        }
    }
}
