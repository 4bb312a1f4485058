//! The configuration of a command that works on the database: what such a command has no use for may
//! be missing in the file, and is checked if it is there.

use std::{collections::BTreeMap, path::Path};

use super::{Auth0, Config, ConfigProblems, Database, Tenant, User, tenants};
use crate::{
    auth::NamedService,
    domain::{ProviderPolicies, TenantId},
    feed::FeedSettings,
    store::IssuerPin,
};

/// What a command needs that listens nowhere and verifies no token.
pub struct CommandConfig {
    /// The database.
    pub database: Database,
    /// The settings of the feed.
    pub feed: FeedSettings,
    /// The settings of Auth0's Management API; `None` if it is not served.
    pub auth0: Option<Auth0>,
    /// The tenants by id; at least one.
    pub tenants: BTreeMap<TenantId, Tenant>,
    /// The names of services.
    pub services: Vec<NamedService>,
    /// The issuers by which the file names accounts of providers: those of tokens, if it has any, and
    /// those of clients.
    pub issuer_pins: Vec<IssuerPin>,
}

impl CommandConfig {
    /// Reads a file and overrides its keys by `environment`. It needs neither `listen` nor `issuers`.
    ///
    /// # Errors
    /// If the file cannot be read, and all other problems that [`Config::parse`] finds.
    pub fn load(
        file: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigProblems> {
        let config = Config::load_for(User::Command, file, environment)?;
        let issuer_pins = config.issuer_pins();
        let Config { database, feed, auth0, tenants, services, .. } = config;
        Ok(Self { database, feed, auth0, tenants, services, issuer_pins })
    }

    /// The policies of the providers of each tenant.
    pub fn policies(&self) -> BTreeMap<TenantId, ProviderPolicies> {
        tenants::policies(&self.tenants)
    }
}
