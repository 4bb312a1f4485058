//! The OAuth clients of identity-link at the providers of each tenant.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{sync::Semaphore, time::timeout};

use super::{
    Account, AuthorizationRequest, AuthorizationResponse, ClientSettings, Flow, Misfit, OAuthError,
    OAuthSettings, Protocol, ProviderTokens, RefreshError, Revoked,
    fit::misfits,
    metadata_cache::{MetadataCache, ProviderEndpoints},
    oauth_only,
    oidc::{self, Oidc},
    revocation::Revocation,
    shared_issuers::SharedIssuers,
};
use crate::{
    auth::{EventToken, EventTokenError, EventTokenKind, Keys},
    call_slots::MAX_AT_ONE_PROVIDER,
    domain::{Provider, Subject, TenantId},
    http_client::HttpClient,
    secret::{Secret, random_text},
    telemetry::metrics::KeyMetrics,
};

/// How long all requests to a provider for one call may take in total.
pub const PROVIDER_TIMEOUT: Duration = Duration::from_secs(10);
/// How many calls ask one provider something at a time; the others wait for their turn. A provider that
/// takes a second for each answer completes so many flows a second. One that hangs completes none, and
/// a connection takes more memory than all else of the call that waits for it.
const MAX_ASKING_ONE_PROVIDER: usize = 128;

/// The clients at all providers of all tenants.
pub struct Clients {
    clients: BTreeMap<TenantId, BTreeMap<Provider, Client>>,
    /// The client at which the staff sign in to the console.
    staff: Option<Client>,
    issuers: SharedIssuers,
}

/// A client of identity-link at one provider.
pub struct Client {
    provider: Provider,
    settings: ClientSettings,
    protocol: ProtocolClient,
    http: HttpClient,
    places: Arc<Places>,
}

/// Places for calls at one issuer. All clients there share them.
struct Places {
    /// Places for calls that wait for the issuer.
    waiting: Semaphore,
    /// Turns to ask it something: each is a connection, unless the provider has HTTP/2.
    turns: Semaphore,
}

enum ProtocolClient {
    Oidc(Box<Oidc>),
    OAuth(Box<OAuthSettings>),
}

/// What does not fit between a client's settings and its provider's metadata.
pub struct ClientMisfit {
    /// The client's tenant.
    pub tenant: TenantId,
    /// The client's provider.
    pub provider: Provider,
    /// What it is.
    pub misfit: Misfit,
}

/// A flow that has begun.
pub struct StartedFlow {
    /// The URL to which the browser is sent.
    pub authorization_url: String,
    /// The `state` parameter, which the provider sends back with the browser.
    pub state: String,
    /// What the caller stores until the browser returns.
    pub flow: Flow,
}

impl Clients {
    /// No clients.
    pub fn none() -> Self {
        let issuers = SharedIssuers::new(KeyMetrics::default(), None);
        Self { clients: BTreeMap::new(), staff: None, issuers }
    }

    /// Creates the clients, by tenant and provider, and the one for the staff, without a request to any
    /// provider. At most
    /// [`MAX_AT_ONE_PROVIDER`] calls may wait for each issuer, over all its clients: a provider that
    /// hangs must not take the places of all others. What `earlier` clients read of an issuer is used
    /// again.
    pub fn new(
        settings: impl IntoIterator<Item = (TenantId, Provider, ClientSettings)>,
        staff: Option<(Provider, ClientSettings)>,
        http: &HttpClient,
        metrics: KeyMetrics,
        earlier: Option<&Self>,
    ) -> Self {
        let issuers = SharedIssuers::new(metrics, earlier.map(|earlier| &earlier.issuers));
        let mut all = Self { clients: BTreeMap::new(), staff: None, issuers };
        let mut places = BTreeMap::new();
        let mut client = |provider: Provider, settings: ClientSettings, issuers: &mut _| {
            let places = places.entry(settings.issuer()).or_insert_with(|| Arc::new(Places::new()));
            let protocol = ProtocolClient::new(&settings, issuers);
            let http = http.trusting(settings.authorities.as_ref());
            Client { provider, settings, protocol, http, places: Arc::clone(places) }
        };
        for (tenant, provider, settings) in settings {
            let client = client(provider.clone(), settings, &mut all.issuers);
            all.clients.entry(tenant).or_default().insert(provider, client);
        }
        all.staff = staff.map(|(name, settings)| client(name, settings, &mut all.issuers));
        all.issuers.forget_earlier();
        all
    }

    /// The client at which the staff sign in to the console; `None` without a console.
    pub fn staff(&self) -> Option<&Client> {
        self.staff.as_ref()
    }

    /// The client at a provider of a tenant; `None` if the tenant has none there.
    pub fn get(&self, tenant: &TenantId, provider: &Provider) -> Option<&Client> {
        self.clients.get(tenant)?.get(provider)
    }

    /// The clients of a tenant, in the order of their providers' names.
    pub fn of_tenant(&self, tenant: &TenantId) -> impl Iterator<Item = &Client> {
        self.clients.get(tenant).into_iter().flat_map(BTreeMap::values)
    }

    /// What does not fit between the settings of the clients of these tenants and their providers'
    /// metadata. The metadata of each issuer are read once, whatever is in the cache; a provider
    /// whose metadata cannot be read is left out.
    pub async fn misfits(&self, tenants: &[TenantId]) -> Vec<ClientMisfit> {
        let mut read: Vec<(&Arc<MetadataCache>, Option<Arc<ProviderEndpoints>>)> = Vec::new();
        let mut found = Vec::new();
        for tenant in tenants {
            for client in self.of_tenant(tenant) {
                let ProtocolClient::Oidc(oidc) = &client.protocol else { continue };
                let cache = oidc.metadata_cache();
                let known = read.iter().find(|(other, _)| Arc::ptr_eq(other, cache));
                let endpoints = match known {
                    Some((_, endpoints)) => endpoints.clone(),
                    None => {
                        let endpoints = cache.fetch(&client.http).await.ok();
                        read.push((cache, endpoints.clone()));
                        endpoints
                    }
                };
                let metadata = endpoints.iter().map(|endpoints| &endpoints.metadata);
                let misfits = metadata.flat_map(|metadata| misfits(&client.settings, metadata));
                found.extend(misfits.map(|misfit| ClientMisfit {
                    tenant: tenant.clone(),
                    provider: client.provider.clone(),
                    misfit,
                }));
            }
        }
        found
    }

    /// The key sets of the issuers of these clients, for the task that refreshes them.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &Arc<Keys>)> {
        self.issuers.keys()
    }
}

impl ProtocolClient {
    fn new(settings: &ClientSettings, issuers: &mut SharedIssuers) -> Self {
        match &settings.protocol {
            Protocol::Oidc(oidc) => Self::Oidc(Box::new(Oidc::new(
                oidc.clone(),
                issuers.get_or_add(&oidc.rules, &oidc.metadata, settings.authorities.as_ref()),
            ))),
            Protocol::OAuth(oauth) => Self::OAuth(Box::new(oauth.clone())),
        }
    }
}

impl Places {
    fn new() -> Self {
        Self {
            waiting: Semaphore::new(MAX_AT_ONE_PROVIDER),
            turns: Semaphore::new(MAX_ASKING_ONE_PROVIDER),
        }
    }
}

impl Client {
    /// The provider.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The client's settings.
    pub fn settings(&self) -> &ClientSettings {
        &self.settings
    }

    /// Whether the provider reports when the person signed in there.
    pub fn tells_auth_time(&self) -> bool {
        matches!(self.protocol, ProtocolClient::Oidc(_))
    }

    /// Whether the provider takes the parameter `prompt`.
    pub fn takes_prompt(&self) -> bool {
        match &self.protocol {
            ProtocolClient::Oidc(_) => true,
            ProtocolClient::OAuth(oauth) => oauth.preset.facts().takes_prompt,
        }
    }

    /// Begins a flow.
    ///
    /// # Errors
    /// If the provider's metadata cannot be read, or no random bytes can be had.
    pub async fn start(
        &self,
        authorization: &AuthorizationRequest,
    ) -> Result<StartedFlow, OAuthError> {
        let (flow, state) = (Flow::new(authorization)?, random_text()?);
        let Self { settings, http, .. } = self;
        let authorization_url = match &self.protocol {
            ProtocolClient::Oidc(oidc) => {
                // In no turn: all calls share one request for the metadata, and most need none.
                self.in_time(oidc.authorization_url(settings, http, authorization, &flow, &state))
                    .await?
            }
            ProtocolClient::OAuth(oauth) => {
                oauth_only::authorization_url(settings, oauth, authorization, &flow, &state)?
            }
        };
        Ok(StartedFlow { authorization_url, state, flow })
    }

    /// Ends a flow: exchanges the code and returns the account that signed in.
    ///
    /// # Errors
    /// If the provider rejects the code or the client, its response is invalid, or it is
    /// unavailable or slower than [`PROVIDER_TIMEOUT`].
    pub async fn complete(
        &self,
        flow: &Flow,
        response: &AuthorizationResponse,
        now: DateTime<Utc>,
    ) -> Result<Account, OAuthError> {
        let (ours, http) = ((&self.settings, &self.provider), &self.http);
        match &self.protocol {
            ProtocolClient::Oidc(oidc) => {
                self.in_turn(Box::pin(oidc.account(ours, http, flow, response, now))).await
            }
            ProtocolClient::OAuth(oauth) => {
                let account = oauth_only::account(ours, oauth, http, flow, response, now);
                self.in_turn(Box::pin(account)).await
            }
        }
    }

    /// Verifies a token by which the provider reports events. Waits for the provider's keys if the token
    /// names a key that may be new.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn verify_events(
        &self,
        token: &str,
        kind: EventTokenKind,
        now: DateTime<Utc>,
    ) -> Result<EventToken, EventTokenError> {
        match &self.protocol {
            ProtocolClient::Oidc(oidc) => oidc.verify_events(token, kind, now).await,
            ProtocolClient::OAuth(_) => Err(oidc::NO_EVENTS),
        }
    }

    /// Refreshes this account's access token by its refresh token, and returns the new tokens. Without
    /// a new refresh token, they have the given one (RFC 6749 §6).
    ///
    /// # Errors
    /// [`RefreshError::Gone`] if the grant has ended; otherwise as of [`Client::complete`].
    pub async fn refresh(
        &self,
        account: &Subject,
        refresh: &Secret,
        scopes: BTreeSet<String>,
        now: DateTime<Utc>,
    ) -> Result<ProviderTokens, RefreshError> {
        let (http, tokens) = (&self.http, (refresh.reveal(), scopes));
        let fresh = match &self.protocol {
            ProtocolClient::Oidc(oidc) => {
                let fresh = oidc.refresh((&self.settings, account), http, tokens, now);
                self.in_turn(Box::pin(fresh)).await?
            }
            ProtocolClient::OAuth(oauth) => {
                let fresh = oauth_only::refresh(&self.settings, oauth, http, tokens, now);
                self.in_turn(Box::pin(fresh)).await?
            }
        };
        Ok(ProviderTokens { refresh: fresh.refresh.or_else(|| Some(refresh.clone())), ..fresh })
    }

    /// Revokes tokens at the provider.
    ///
    /// # Errors
    /// If the provider is unavailable, or refuses to revoke them.
    pub async fn revoke(
        &self,
        tokens: &ProviderTokens,
        now: DateTime<Utc>,
    ) -> Result<Revoked, OAuthError> {
        let revocation = Revocation { settings: &self.settings, http: &self.http, tokens, now };
        match &self.protocol {
            ProtocolClient::Oidc(oidc) => self.in_turn(Box::pin(oidc.revoke(revocation))).await,
            ProtocolClient::OAuth(oauth) => {
                self.in_turn(Box::pin(oauth_only::revoke(oauth, revocation))).await
            }
        }
    }

    /// Asks the provider when it is this call's turn. The future is boxed by the caller: otherwise, that of
    /// this function would have room for it twice.
    async fn in_turn<T, E: From<OAuthError>>(
        &self,
        asking: impl Future<Output = Result<T, E>> + Unpin,
    ) -> Result<T, E> {
        self.in_time(async {
            let turns = &self.places.turns;
            let _turn =
                turns.acquire().await.map_err(|_| OAuthError::unavailable("it is closed"))?;
            asking.await
        })
        .await
    }

    async fn in_time<T, E: From<OAuthError>>(
        &self,
        asking: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let _place = self
            .places
            .waiting
            .try_acquire()
            .map_err(|_| OAuthError::unavailable("too many calls wait for it already"))?;
        let slow = || {
            OAuthError::unavailable(format!(
                "it takes longer than {} seconds",
                PROVIDER_TIMEOUT.as_secs()
            ))
        };
        timeout(PROVIDER_TIMEOUT, asking).await.unwrap_or_else(|_| Err(slow().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        oauth::fit::tests::client,
        outgoing::{Authorities, Outgoing},
    };

    /// A provider that hangs takes its own places, for any number of tenants that sign in there.
    #[tokio::test]
    async fn the_calls_that_wait_for_one_provider_are_limited() {
        let authorities = Authorities::system().unwrap();
        let http = HttpClient::new(&Outgoing { authorities, proxy: None });
        let tenants = ["one", "two"].map(|name| TenantId::parse(name).unwrap());
        let provider = Provider::parse("op").unwrap();
        let settings =
            tenants.iter().map(|tenant| (tenant.clone(), provider.clone(), client("secret")));
        let clients = Clients::new(settings, None, &http, KeyMetrics::default(), None);
        let [one, two] = tenants.each_ref().map(|tenant| clients.get(tenant, &provider).unwrap());
        let answered = || one.in_time(async { Ok::<_, OAuthError>(()) });

        let last = u32::try_from(MAX_AT_ONE_PROVIDER).unwrap();
        let waiting = two.places.waiting.try_acquire_many(last).unwrap();
        assert!(matches!(answered().await, Err(OAuthError::Unavailable(_))));
        drop(waiting);
        assert!(answered().await.is_ok());
    }
}
