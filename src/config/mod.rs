//! The configuration: one TOML file, of which the environment can override each key. It is read,
//! complete and checked before the server binds anything.

mod algorithms;
mod auth0;
mod changes;
mod command;
mod console;
mod database;
mod declare;
mod described;
mod example;
mod feed;
mod issuers;
mod jobs;
mod keys;
mod listener;
mod log;
mod management;
mod oauth;
mod origins;
mod outgoing;
mod pins;
mod problem;
mod provider_tokens;
mod providers;
mod rate_limits;
mod reader;
#[cfg(test)]
mod reference;
mod schema;
mod services;
mod shown;
mod source;
mod tenants;
mod tls;
mod tracing;
mod transfers;

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use http::HeaderValue;

pub use self::{
    auth0::Auth0,
    changes::Changes,
    command::CommandConfig,
    console::{CALLBACK, Console},
    database::Database,
    jobs::Jobs,
    log::LogFormat,
    problem::{ConfigProblems, Problem},
    providers::ProviderSettings,
    source::VARIABLES,
    tenants::{Tenant, TenantConnection, UserIds},
    transfers::Transfers,
};
use self::{
    database::MAX_CONNECTIONS,
    declare::keys,
    keys::{Flag, HOUR, List, Nested, Number, OneOf, Text, Time, seconds},
    reader::Reader,
};
use crate::{
    auth::{Issuer, NamedService},
    domain::{ProviderPolicies, TenantId},
    feed::FeedSettings,
    listener::{Limits, TlsFiles},
    outgoing::Outgoing,
    rate_limits::RateLimitSettings,
    sealing::KeyRing,
    telemetry::TraceSettings,
};

/// The default number of concurrent calls for each connection to the database: the last of them
/// waits for fifteen others. Even if each took 100 ms, that is less than the two seconds after
/// which the store gives up. So a burst is served, and calls beyond it are refused before that.
const CALLS_PER_CONNECTION: usize = 16;

keys! {
    /// The keys outside of all tables.
    static ROOT: RootKeys = "" {
        /// The address and the port to listen on, for gRPC and HTTP. Only `serve`, `health`, `doctor`,
        /// `provider move` and `config check` require it.
        listen: Text = Text::Required(", such as \"127.0.0.1:50051\""),
        /// Limits of the connections of clients.
        listener: Nested = Nested::Optional,
        /// The listener's certificate.
        tls: Nested = Nested::Optional,
        /// The listener for operators and their tools.
        management: Nested = Nested::Optional,
        /// The pages for support staff.
        console: Nested = Nested::Optional,
        /// Whether the server offers gRPC reflection, with which tools such as grpcurl need no
        /// proto files.
        reflection: Flag = Flag { default: true },
        /// The origins (RFC 6454) whose pages may call rpcs from a browser, by gRPC-Web or Connect, such
        /// as `https://app.example.com`, as browsers send them. Auth0's HTTP has a key of its own.
        allowed_origins: List = List::Default(&[]),
        /// How long a call may take at most, from its headers to those of its response. A client's
        /// own deadline only shortens it.
        max_call_time: Time = Time::not_zero(seconds(30)),
        /// How long the server still accepts connections and calls after a signal to stop, while its
        /// health and readiness already say that it stops: as long as the load balancer takes to
        /// notice.
        shutdown_delay: Time = Time::at_most(seconds(0), seconds(HOUR)),
        /// How long calls in progress may go on after that. What they began to write
        /// may then take 12 seconds more.
        shutdown_grace: Time = Time::any(seconds(20)),
        /// What is logged: a level (`off`, `error`, `warn`, `info`, `debug`, `trace`), or a list of
        /// `target=level`, separated by commas. `info` logs one line per call.
        log: Text = Text::Default("info"),
        /// The form of the log: `json`, an object in each line, or `text`, for people. The default is
        /// `text` on a terminal and `json` elsewhere.
        log_format: OneOf<LogFormat, 2> = OneOf {
            words: [("json", LogFormat::Json), ("text", LogFormat::Text)],
            default: None,
        },
        /// Traces of calls.
        tracing: Nested = Nested::Optional,
        /// The database. It must be Postgres 15 or later.
        database: Nested = Nested::Required(", with its url"),
        /// How the server connects to issuers, to providers and, over TLS, to the database.
        outgoing: Nested = Nested::Optional,
        /// How the feed of events is read, and how long it is kept.
        feed: Nested = Nested::Optional,
        /// The work on many users that calls start.
        jobs: Nested = Nested::Optional,
        /// How much callers may import and export over gRPC.
        transfers: Nested = Nested::Optional,
        /// The tenants, a table for each.
        tenants: Nested = Nested::Required(": at least one, such as [tenants.default]"),
        /// The keys by which the tokens of providers are sealed.
        provider_tokens: Nested = Nested::Optional,
        /// Auth0's Management API over HTTP.
        auth0: Nested = Nested::Optional,
        /// How many calls each caller may make.
        rate_limits: Nested = Nested::Optional,
        /// How many calls are processed at once. Further calls wait for 36 ms at most, 16 times as
        /// many at once, and are then refused with `OVERLOADED`. A writer that waits for others of
        /// the same user, and a call that waits for a provider, are not counted. The default is 16
        /// for each of `database.max_connections`.
        max_concurrent_calls: Number = Number {
            default: MAX_CONNECTIONS * CALLS_PER_CONNECTION,
            bounds: 1..=100_000,
        },
        /// Names for services that call, a table for each.
        services: Nested = Nested::Optional,
        /// The trusted issuers, a table for each. Only `serve`, `health`, `doctor`, `provider move` and
        /// `config check` require one.
        issuers: Nested = Nested::Required(": without an issuer no call is accepted"),
    }
}

/// Everything that an operator configures.
#[derive(PartialEq)]
pub struct Config {
    /// The address and port to listen on.
    pub listen: SocketAddr,
    /// The limits of connections.
    pub limits: Limits,
    /// The listener's certificate; `None` for connections in clear text.
    pub tls: Option<TlsFiles>,
    /// The address and port of the management listener; `None` for none.
    pub management: Option<SocketAddr>,
    /// The settings of the console; `None` for none.
    pub console: Option<Console>,
    /// Whether the server offers gRPC reflection.
    pub reflection: bool,
    /// The origins (RFC 6454) whose pages may call rpcs from a browser.
    pub allowed_origins: Vec<HeaderValue>,
    /// How long a call may take at most, from its headers to those of its response.
    pub max_call_time: Duration,
    /// How many calls are processed at once; further calls are refused.
    pub max_concurrent_calls: usize,
    /// How many calls each caller may make.
    pub rate_limits: RateLimitSettings,
    /// How long the server accepts calls after a signal to stop.
    pub shutdown_delay: Duration,
    /// How long calls in flight may take after that.
    pub shutdown_grace: Duration,
    /// What is logged, as a filter of the `tracing` crates; `info` logs one line per call.
    pub log: String,
    /// The form of the log; `None` for text on a terminal and JSON elsewhere.
    pub log_format: Option<LogFormat>,
    /// Where the traces of calls go; `None` for nowhere.
    pub tracing: Option<TraceSettings>,
    /// The database.
    pub database: Database,
    /// How the server connects to other servers.
    pub outgoing: Outgoing,
    /// The settings of the feed.
    pub feed: FeedSettings,
    /// The settings of jobs.
    pub jobs: Jobs,
    /// How much callers may import and export.
    pub transfers: Transfers,
    /// The keys by which the tokens of providers are sealed; none if none are kept.
    pub token_keys: KeyRing,
    /// The settings of Auth0's Management API; `None` if it is not served.
    pub auth0: Option<Auth0>,
    /// The tenants by id; at least one.
    pub tenants: BTreeMap<TenantId, Tenant>,
    /// The trusted issuers.
    pub issuers: Vec<Issuer>,
    /// The names of services.
    pub services: Vec<NamedService>,
    /// All of this as JSON, for operators: without secrets.
    pub shown: serde_json::Value,
}

/// What a configuration is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum User {
    /// A server, or what looks at one.
    Server,
    /// A command that listens nowhere and verifies no token.
    Command,
}

/// The address of a configuration that names none, which a [`CommandConfig`] leaves behind.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

impl Config {
    /// Whether a provider may send tokens that report events over HTTP.
    pub fn takes_pushes(&self) -> bool {
        let mut providers = self.tenants.values().flat_map(|tenant| tenant.providers.values());
        providers.any(|provider| {
            let events = provider.oauth.as_ref().and_then(|client| client.events());
            events.is_some_and(|events| events.is_pushed)
        })
    }

    /// The policies of the providers of each tenant.
    pub fn policies(&self) -> BTreeMap<TenantId, ProviderPolicies> {
        tenants::policies(&self.tenants)
    }

    /// Reads a file and overrides its keys by `environment`.
    ///
    /// # Errors
    /// If the file cannot be read, and all problems that [`Config::parse`] finds.
    pub fn load(
        file: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigProblems> {
        Self::load_for(User::Server, file, environment)
    }

    fn load_for(
        user: User,
        file: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigProblems> {
        let text = fs::read_to_string(file).map_err(|error| {
            ConfigProblems(vec![Problem::of_file(format!("cannot be read: {error}"))])
        })?;
        let base = file.parent().unwrap_or(Path::new("."));
        Self::parse_for(user, &text, base, environment)
    }

    /// The JSON Schema (draft 2020-12) of the file, for editors. It has no rules between keys.
    pub fn schema() -> serde_json::Value {
        schema::schema()
    }

    /// A file with every key and its meaning, of which the lines that are no comments are valid.
    pub fn example() -> String {
        example::example()
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
        Self::parse_for(User::Server, text, base, environment)
    }

    fn parse_for(
        user: User,
        text: &str,
        base: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigProblems> {
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        let mut table = source::parse(text).map_err(ConfigProblems)?;
        source::overlay(&mut table, environment.clone());

        let mut shown = shown::shown(&table);
        let mut r = Reader::new(table);
        let listen = match user {
            User::Command if !r.has(ROOT.listen.name) => Some(NOWHERE),
            User::Server | User::Command => r.address(&ROOT.listen),
        };
        let limits = listener::read(r.table_or_empty(&ROOT.listener));
        let tls = r.table(&ROOT.tls).and_then(|table| tls::read(table, base));
        let management = r.table(&ROOT.management).and_then(management::read);
        let reflection = r.flag(&ROOT.reflection);
        let allowed_origins = origins::read(&mut r, &ROOT.allowed_origins);
        let max_call_time = r.time(&ROOT.max_call_time);
        let shutdown_delay = r.time(&ROOT.shutdown_delay);
        let shutdown_grace = r.time(&ROOT.shutdown_grace);
        let log = r.parsed(&ROOT.log, |text| log::check_filter(text).map(|()| text.to_owned()));
        let log_format = r.one_of(&ROOT.log_format);
        let tracing = r.table(&ROOT.tracing).and_then(tracing::read);
        let outgoing = outgoing::read(r.table_or_empty(&ROOT.outgoing), base, &environment);
        let database = r
            .table(&ROOT.database)
            .and_then(|table| database::read(table, base, outgoing.as_ref()));
        let feed = feed::read(r.table_or_empty(&ROOT.feed));
        let jobs = jobs::read(r.table_or_empty(&ROOT.jobs));
        let transfers = transfers::read(r.table_or_empty(&ROOT.transfers));
        let tenants = r.table(&ROOT.tenants);
        if tenants.as_ref().is_some_and(Reader::is_empty) {
            r.missing(&ROOT.tenants);
        }
        let mut tenants = tenants.map(|table| tenants::read(table, base)).unwrap_or_default();
        let auth0 = r.table(&ROOT.auth0).map(|table| auth0::read(table, &mut tenants));
        let connections =
            database.as_ref().map_or(MAX_CONNECTIONS, |database| database.max_connections);
        let max_concurrent_calls =
            r.number_or(&ROOT.max_concurrent_calls, connections * CALLS_PER_CONNECTION);
        // Its default depends on other keys.
        shown.insert(ROOT.max_concurrent_calls.name.to_owned(), max_concurrent_calls.into());
        let issuers = match user {
            User::Command if !r.has(ROOT.issuers.name) => None,
            User::Server | User::Command => r.table(&ROOT.issuers),
        };
        if user == User::Server && issuers.as_ref().is_some_and(Reader::is_empty) {
            r.missing(&ROOT.issuers);
        }
        let issuers = issuers.map(|table| issuers::read(table, &tenants, base)).unwrap_or_default();
        let services = r.table(&ROOT.services);
        let services = services.map(|table| services::read(table, &issuers)).unwrap_or_default();
        let console = r.table(&ROOT.console).and_then(|table| console::read(table, &tenants, base));
        let token_keys = r.table(&ROOT.provider_tokens);
        let has_keys = token_keys.is_some();
        let token_keys =
            token_keys.map(|table| provider_tokens::read(table, base)).unwrap_or_default();
        provider_tokens::check(&r, has_keys, &tenants, &services);
        let rate_limits = rate_limits::read(r.table_or_empty(&ROOT.rate_limits), &services);
        let (way, at) = (outgoing.as_ref(), database.as_ref());
        outgoing::check(&r, way, at, &tenants, console.as_ref(), &issuers);

        let problems = r.finish_all(&RootKeys::described());
        match (listen, log, database, outgoing) {
            (Some(listen), Some(log), Some(database), Some(outgoing)) if problems.0.is_empty() => {
                Ok(Self {
                    listen,
                    limits,
                    tls,
                    management,
                    console,
                    reflection,
                    allowed_origins,
                    max_call_time,
                    max_concurrent_calls,
                    rate_limits,
                    shutdown_delay,
                    shutdown_grace,
                    log,
                    log_format,
                    tracing,
                    database,
                    outgoing,
                    feed,
                    jobs,
                    transfers,
                    token_keys,
                    auth0,
                    tenants,
                    issuers,
                    services,
                    shown: shown.into(),
                })
            }
            _ => Err(problems),
        }
    }
}

/// All tables, in the order of the reference page.
fn tables() -> Vec<described::Table> {
    vec![
        RootKeys::described(),
        tls::TlsKeys::described(),
        listener::ListenerKeys::described(),
        management::ManagementKeys::described(),
        tracing::TracingKeys::described(),
        database::DatabaseKeys::described(),
        outgoing::OutgoingKeys::described(),
        feed::FeedKeys::described(),
        jobs::JobKeys::described(),
        transfers::TransferKeys::described(),
        provider_tokens::ProviderTokensKeys::described(),
        services::ServiceKeys::described(),
        rate_limits::RateLimitKeys::described(),
        rate_limits::ServiceLimitKeys::described(),
        rate_limits::UserLimitKeys::described(),
        rate_limits::NamedServiceKeys::described(),
        auth0::Auth0Keys::described(),
        tenants::TenantKeys::described(),
        providers::ProviderKeys::described(),
        oauth::OauthKeys::described(),
        oauth::tokens::TokensKeys::described(),
        issuers::IssuerKeys::described(),
        issuers::LinkWithKeys::described(),
        console::ConsoleKeys::described(),
    ]
}
