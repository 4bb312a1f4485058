//! The configuration file that `dev` writes, from which an operator can start.

use std::{collections::BTreeSet, fmt, net::SocketAddr};

use crate::{
    demo,
    issuers::{self, AUDIENCE, PROVIDERS, SERVICES, TENANT_CLAIM, TENANTS},
    keys,
};

/// All scopes that the service knows, which the local issuers may give.
#[derive(Debug, Clone, Default)]
pub struct Scopes {
    /// Those of user tokens.
    pub user: BTreeSet<&'static str>,
    /// Those of service tokens.
    pub service: BTreeSet<&'static str>,
}

/// What the configuration of `dev` depends on; its text is a file for `serve`.
#[derive(Debug, Clone)]
pub struct DevConfig<'a> {
    /// The address of the service.
    pub listen: SocketAddr,
    /// The URL of the database.
    pub database_url: &'a str,
    /// Where the demo is; `None` if there is no demo.
    pub demo: Option<&'a demo::Site>,
    /// The address of the console, whose staff sign in at the demo's provider; `None` without a demo.
    pub console: Option<SocketAddr>,
    /// The scopes that the local issuers may give.
    pub scopes: &'a Scopes,
}

impl fmt::Display for DevConfig<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Written by `identity-link dev` at each start.")?;
        writeln!(f, "listen = \"{}\"", self.listen)?;
        writeln!(f, "\n[database]\nurl = {:?}", self.database_url)?;
        writeln!(f, "\n[auth0]\ntenants = [{:?}]\nurl = \"http://{}\"", TENANTS[0], self.listen)?;
        for tenant in TENANTS {
            write_tenant(f, tenant)?;
        }
        if let Some(site) = self.demo {
            f.write_str(&demo::config_toml(TENANTS[0], site))?;
        }
        if let (Some(site), Some(console)) = (self.demo, self.console) {
            f.write_str(&demo::console_toml(console, site))?;
        }
        issuers::names().try_for_each(|name| self.write_issuer(f, name))
    }
}

impl DevConfig<'_> {
    fn write_issuer(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        writeln!(f, "\n[issuers.{name}]\nissuer = {:?}", issuers::iss(name))?;
        writeln!(f, "jwks_file = \"{}/{}\"", keys::KEYS_DIR, keys::jwks_name(name))?;
        writeln!(f, "algorithms = [\"EdDSA\"]")?;
        writeln!(f, "tenant_claim = {TENANT_CLAIM:?}\naudiences = [{AUDIENCE:?}]")?;
        if name == SERVICES {
            writeln!(f, "kind = \"service\"")?;
            return write_scopes(f, &self.scopes.service);
        }
        writeln!(f, "kind = \"user\"")?;
        match PROVIDERS.iter().any(|provider| provider.name == name) {
            true => writeln!(f, "subject = \"subject\"\nprovider = {name:?}")?,
            false => writeln!(f, "subject = \"user_id\"")?,
        }
        write_scopes(f, &self.scopes.user)?;
        writeln!(f, "link_with.audiences = [{AUDIENCE:?}]")
    }
}

fn write_tenant(f: &mut fmt::Formatter<'_>, tenant: &str) -> fmt::Result {
    writeln!(f, "\n[tenants.{tenant}]")?;
    for provider in PROVIDERS {
        writeln!(f, "providers.{}.social = {}", provider.name, provider.is_social)?;
        writeln!(f, "providers.{}.email_trust = {:?}", provider.name, provider.email_trust)?;
        if provider.email_trust != "never" {
            writeln!(f, "providers.{}.imported_emails = true", provider.name)?;
        }
    }
    writeln!(f, "providers.auth0.connections = [\"Username-Password-Authentication\"]")
}

fn write_scopes(f: &mut fmt::Formatter<'_>, scopes: &BTreeSet<&str>) -> fmt::Result {
    writeln!(f, "allowed_scopes = {:?}", Vec::from_iter(scopes))
}
