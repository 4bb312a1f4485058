//! The `[tenants.*]` tables: separate sets of users.

use std::{collections::BTreeMap, path::Path, sync::LazyLock};

use chrono::TimeDelta;

use super::{
    declare::keys,
    keys::{DAY, MINUTE, Nested, OneOf, Time, seconds},
    providers::{self, ProviderSettings},
    reader::Reader,
};
use crate::{
    auth::RECENT_SIGN_IN,
    domain::{
        IdentityRef, Provider, ProviderPolicies, Registration, TenantId, Undeclared, UserId,
        linking::UnownedIdentity, sign_in::judged,
    },
};

keys! {
    /// A tenant: a separate set of users with its own providers. The name has 1 to 64 characters
    /// out of `a-z`, `0-9`, `.`, `_` and `-`, and begins with a letter or a digit.
    static TENANT: TenantKeys = "tenants.<tenant>" {
        /// How the ids of new users are made: `random`, or `provider|subject` of the first
        /// identity, if that is free. The default is `random`; for the tenants of `[auth0]` it is
        /// `provider|subject`, and `random` is refused.
        user_ids: OneOf<UserIds, 2> = OneOf {
            words: [("random", UserIds::Random), ("provider|subject", UserIds::ProviderSubject)],
            default: None,
        },
        /// How old the sign-in behind a user token may be for `Link`, `Unlink` and `UndoLink`.
        max_sign_in_age: Time = Time::within(seconds(10 * MINUTE), seconds(1), seconds(DAY)),
        /// What happens if an account signs in that belongs to no user, and no email identifies a
        /// user for it. `open` creates a user, `ask` creates it after a second call with a ticket,
        /// and `closed` refuses the sign-in.
        registration: OneOf<Registration, 3> = OneOf {
            words: [("open", Registration::Open), ("ask", Registration::Ask), ("closed", Registration::Closed)],
            default: Some(Registration::Open),
        },
        /// The providers of the tenant, a table for each.
        providers: Nested = Nested::Optional,
        /// Whether accounts at providers without a table can sign in.
        undeclared_providers: OneOf<Undeclared, 2> = OneOf {
            words: [("refuse", Undeclared::Refuse), ("allow", Undeclared::Allow)],
            default: Some(Undeclared::Refuse),
        },
    }
}

/// The settings of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// How new users' ids are made; `None` for random ids.
    pub user_ids: Option<UserIds>,
    /// How old the sign-in behind a user token may be for the calls that change who can sign in as
    /// the user: Link, Unlink, UndoLink. At most a day.
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

/// A connection of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantConnection<'a> {
    /// Its name.
    pub name: &'a str,
    /// The provider of its accounts.
    pub provider: &'a Provider,
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
        static REFUSED: LazyLock<ProviderSettings> =
            LazyLock::new(|| ProviderSettings::undeclared(Undeclared::Refuse));
        static ALLOWED: LazyLock<ProviderSettings> =
            LazyLock::new(|| ProviderSettings::undeclared(Undeclared::Allow));
        self.providers.get(provider).unwrap_or_else(|| match self.undeclared {
            Undeclared::Refuse => &REFUSED,
            Undeclared::Allow => &ALLOWED,
        })
    }

    /// The policies of all providers.
    pub fn policies(&self) -> ProviderPolicies {
        let declared =
            self.providers.iter().map(|(name, settings)| (name.clone(), settings.policy.clone()));
        ProviderPolicies { declared: declared.collect(), undeclared: self.undeclared }
    }

    /// The id of a new user with this account, to be used if it is free; `None` if ids are random,
    /// or the account gives none.
    pub fn user_id_of(&self, account: &IdentityRef) -> Option<UserId> {
        account.as_user_id().filter(|_| self.user_ids == Some(UserIds::ProviderSubject))
    }

    /// The connections of the enabled providers, in the order of their names: those that a provider
    /// lists, or the name of one that lists none.
    pub fn connections(&self) -> Vec<TenantConnection<'_>> {
        let enabled = self.providers.iter().filter(|(_, settings)| settings.policy.enabled);
        let mut connections: Vec<TenantConnection<'_>> = enabled
            .flat_map(|(provider, settings)| {
                let listed = settings.connections.iter().map(String::as_str);
                let own = settings.connections.is_empty().then(|| provider.as_str());
                listed.chain(own).map(move |name| TenantConnection { name, provider })
            })
            .filter(|connection| {
                // A name that another provider lists is that one's.
                self.provider_of_connection(connection.name) == Some(connection.provider)
            })
            .collect();
        connections.sort_by_key(|connection| connection.name);
        connections
    }

    /// The provider of the identities that a connection makes: the one that lists it, or the one of
    /// that name.
    pub fn provider_of_connection(&self, connection: &str) -> Option<&Provider> {
        let lists = |(_, settings): &(&Provider, &ProviderSettings)| {
            settings.connections.contains(connection)
        };
        let listing = self.providers.iter().find(lists).map(|(provider, _)| provider);
        listing.or_else(|| self.providers.keys().find(|provider| provider.as_str() == connection))
    }

    /// Whether accounts of a provider may sign in through this connection. If the provider lists
    /// connections, it is one of them or the provider's name. It is never a connection of another
    /// provider. An empty name always passes.
    pub fn has_connection(&self, provider: &Provider, connection: &str) -> bool {
        let lists_none =
            || self.providers.get(provider).is_none_or(|settings| settings.connections.is_empty());
        connection.is_empty()
            || self.provider_of_connection(connection).map_or_else(lists_none, |of| of == provider)
    }

    /// The account with what the configuration says of its provider, for all ways in: whether the
    /// provider is social, what its email assertion is worth, and the connection if the account
    /// names none.
    pub fn with_provider_settings(&self, account: UnownedIdentity) -> UnownedIdentity {
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

/// The policies of the providers of each tenant.
pub(super) fn policies(
    tenants: &BTreeMap<TenantId, Tenant>,
) -> BTreeMap<TenantId, ProviderPolicies> {
    tenants.iter().map(|(id, tenant)| (id.clone(), tenant.policies())).collect()
}

/// Reads the tenants. Relative paths start at `base`.
pub(super) fn read(mut r: Reader, base: &Path) -> BTreeMap<TenantId, Tenant> {
    let mut tenants = BTreeMap::new();
    for (name, mut table) in r.tables() {
        let user_ids = table.one_of(&TENANT.user_ids);
        let max_sign_in_age = table.time(&TENANT.max_sign_in_age);
        let registration = table.one_of(&TENANT.registration).unwrap_or_default();
        let providers = table
            .table(&TENANT.providers)
            .map(|table| providers::read(table, base))
            .unwrap_or_default();
        let undeclared = table.one_of(&TENANT.undeclared_providers);
        table.finish(&TenantKeys::described());
        let undeclared = undeclared.unwrap_or_default();
        // The age is within its bounds, or a problem was noted and this value is not used.
        let max_sign_in_age = TimeDelta::from_std(max_sign_in_age).unwrap_or(RECENT_SIGN_IN);
        match TenantId::parse(&name) {
            Some(id) => {
                let tenant =
                    Tenant { user_ids, max_sign_in_age, registration, providers, undeclared };
                drop(tenants.insert(id, tenant));
            }
            None => r.problem(&name, format!("the name {}", TenantId::FORM)),
        }
    }
    tenants
}
