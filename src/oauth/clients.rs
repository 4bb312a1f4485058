//! Our clients at the providers of each tenant.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{sync::Semaphore, time::timeout};

use super::{
    Account, ClientSettings, Flow, GitHubUrls, OAuthError, Protocol, Returned, Wish, github, known::KnownIssuers,
    oidc::Oidc,
};
use crate::{
    auth::Keys,
    domain::{Provider, TenantId},
    http_client::HttpClient,
    secret::random_text,
};

/// How long a provider may take for everything that is asked of it in one call.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Our clients at all providers.
pub struct Clients {
    clients: BTreeMap<TenantId, BTreeMap<Provider, Client>>,
    issuers: KnownIssuers,
}

/// A client of ours at a provider.
pub struct Client {
    provider: Provider,
    settings: ClientSettings,
    speaks: Speaks,
    http: HttpClient,
    /// As many as may wait for the provider at once, whosever client it is.
    places: Arc<Semaphore>,
}

enum Speaks {
    Oidc(Oidc),
    GitHub(GitHubUrls),
}

/// A flow that has begun.
pub struct Begun {
    /// Where to send the browser.
    pub authorization_url: String,
    /// What the provider sends back with it.
    pub state: String,
    /// What is to be remembered.
    pub flow: Flow,
}

impl Clients {
    /// These clients, by tenant and provider. Nothing is asked of the providers yet.
    /// As many as `at_once` may wait for each issuer, by whatever clients: one that hangs must not take all places of
    /// the server.
    pub fn new(
        settings: impl IntoIterator<Item = (TenantId, Provider, ClientSettings)>,
        http: &HttpClient,
        at_once: usize,
    ) -> Self {
        let mut all = Self { clients: BTreeMap::new(), issuers: KnownIssuers::default() };
        let mut places = BTreeMap::new();
        for (tenant, provider, settings) in settings {
            let places = places.entry(settings.issuer()).or_insert_with(|| Arc::new(Semaphore::new(at_once)));
            let speaks = Speaks::of(&settings.protocol, &mut all.issuers);
            let (http, places) = (http.clone(), Arc::clone(places));
            let client = Client { provider: provider.clone(), settings, speaks, http, places };
            all.clients.entry(tenant).or_default().insert(provider, client);
        }
        all
    }

    /// The client at a provider of a tenant.
    pub fn get(&self, tenant: &TenantId, provider: &Provider) -> Option<&Client> {
        self.clients.get(tenant)?.get(provider)
    }

    /// The clients of a tenant, in the order of their providers' names.
    pub fn of(&self, tenant: &TenantId) -> impl Iterator<Item = &Client> {
        self.clients.get(tenant).into_iter().flat_map(BTreeMap::values)
    }

    /// The keys of the issuers among them, to be kept fresh.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &Arc<Keys>)> {
        self.issuers.keys()
    }
}

impl Speaks {
    fn of(protocol: &Protocol, issuers: &mut KnownIssuers) -> Self {
        match protocol {
            Protocol::Oidc { rules, metadata, preset, auth_method } => {
                Self::Oidc(Oidc::new(rules.clone(), issuers.of(rules, metadata), *preset, *auth_method))
            }
            Protocol::GitHub(urls) => Self::GitHub(urls.clone()),
        }
    }
}

impl Client {
    /// The provider.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// What was decided about it.
    pub fn settings(&self) -> &ClientSettings {
        &self.settings
    }

    /// Whether the provider can say when somebody signed in there.
    pub fn tells_auth_time(&self) -> bool {
        matches!(self.speaks, Speaks::Oidc(_))
    }

    /// Begins a flow.
    pub async fn begin(&self, wish: &Wish) -> Result<Begun, OAuthError> {
        let (flow, state) = (Flow::new(wish)?, random_text()?);
        let Self { settings, http, .. } = self;
        let authorization_url = match &self.speaks {
            Speaks::Oidc(oidc) => self.in_time(oidc.authorization_url(settings, http, wish, &flow, &state)).await?,
            Speaks::GitHub(urls) => github::authorization_url(settings, urls, wish, &flow, &state)?,
        };
        Ok(Begun { authorization_url, state, flow })
    }

    /// Ends a flow: who signed in.
    pub async fn finish(&self, flow: &Flow, returned: &Returned, now: DateTime<Utc>) -> Result<Account, OAuthError> {
        let (ours, http) = ((&self.settings, &self.provider), &self.http);
        match &self.speaks {
            Speaks::Oidc(oidc) => self.in_time(oidc.account(ours, http, flow, returned, now)).await,
            Speaks::GitHub(urls) => self.in_time(github::account(ours, urls, http, flow, returned, now)).await,
        }
    }

    async fn in_time<T>(&self, asking: impl Future<Output = Result<T, OAuthError>>) -> Result<T, OAuthError> {
        let _place = self.places.try_acquire().map_err(|_| OAuthError::unavailable("too many wait for it already"))?;
        let slow = || OAuthError::unavailable(format!("it takes longer than {} seconds", PATIENCE.as_secs()));
        timeout(PATIENCE, asking).await.unwrap_or_else(|_| Err(slow()))
    }
}
