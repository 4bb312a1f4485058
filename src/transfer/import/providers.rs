//! Which provider of the tenant a provider of the file is.

use std::collections::BTreeMap;

use crate::{config::Tenant, domain::Provider};

/// What the map says of a name in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapped {
    /// It is this provider.
    To(Provider),
    /// Its accounts are left out.
    LeftOut,
    /// Nothing: the map has to be completed first.
    Missing,
}

/// The providers of the tenant by the names that the file has for them.
#[derive(Debug, Clone, Default)]
pub struct ProviderMap(BTreeMap<String, Option<Provider>>);

/// Why an entry of the map is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderMapError {
    /// It is no pair.
    #[error(
        "{0:?} must be FROM=TO, such as google.com=google-oauth2, or FROM=- to leave its accounts out"
    )]
    Form(String),
    /// The file's name has two entries.
    #[error("{0:?} is mapped twice")]
    Twice(String),
    /// The tenant has no such provider.
    #[error("the tenant has no provider {0:?}: declare it in the configuration first")]
    Unknown(String),
}

impl ProviderMap {
    /// Reads the entries `FROM=TO`; `-` leaves out the accounts of a provider.
    ///
    /// # Errors
    /// [`ProviderMapError`] of the first wrong entry.
    pub fn parse(entries: &[String], tenant: &Tenant) -> Result<Self, ProviderMapError> {
        let mut map = Self::default();
        for entry in entries {
            // A provider's own name has no `=`, and a name in a file may have one.
            let (from, to) =
                entry.rsplit_once('=').ok_or_else(|| ProviderMapError::Form(entry.clone()))?;
            map.insert(from, Some(to).filter(|to| *to != "-"), tenant)?;
        }
        Ok(map)
    }

    /// Adds an entry; `None` leaves out the accounts of the provider.
    ///
    /// # Errors
    /// [`ProviderMapError::Twice`] and [`ProviderMapError::Unknown`].
    pub fn insert(
        &mut self,
        from: &str,
        to: Option<&str>,
        tenant: &Tenant,
    ) -> Result<(), ProviderMapError> {
        let unknown = |to: &str| ProviderMapError::Unknown(to.to_owned());
        let to = to.map(|to| known(tenant, to).ok_or_else(|| unknown(to))).transpose()?;
        match self.0.insert(from.to_owned(), to) {
            None => Ok(()),
            Some(_) => Err(ProviderMapError::Twice(from.to_owned())),
        }
    }

    /// What a name in the file is. One that has no entry is the provider of the tenant that has the
    /// very same name.
    pub fn get(&self, name: &str, tenant: &Tenant) -> Mapped {
        match self.0.get(name) {
            Some(Some(provider)) => Mapped::To(provider.clone()),
            Some(None) => Mapped::LeftOut,
            None => known(tenant, name).map_or(Mapped::Missing, Mapped::To),
        }
    }

    /// The names that have an entry.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The entries, each as it was given.
    pub fn entries(&self) -> impl Iterator<Item = String> {
        self.0
            .iter()
            .map(|(from, to)| format!("{from}={}", to.as_ref().map_or("-", Provider::as_str)))
    }
}

fn known(tenant: &Tenant, name: &str) -> Option<Provider> {
    Provider::parse(name).filter(|provider| tenant.provider(provider).policy.is_known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ProviderSettings;

    fn tenant() -> Tenant {
        let known = ["google-oauth2", "github"].map(|name| {
            let settings = ProviderSettings::default();
            (Provider::parse(name).unwrap(), settings)
        });
        Tenant { providers: known.into(), ..Tenant::default() }
    }

    fn parse(entries: &[&str]) -> Result<ProviderMap, ProviderMapError> {
        let entries: Vec<String> = entries.iter().map(|&entry| entry.to_owned()).collect();
        ProviderMap::parse(&entries, &tenant())
    }

    #[test]
    fn a_name_is_the_provider_of_its_entry_or_of_the_same_name() {
        let map = parse(&["google.com=google-oauth2", "a=b=github", "saml.x=-"]).unwrap();
        let to = |name| Mapped::To(Provider::parse(name).unwrap());
        assert_eq!(map.get("google.com", &tenant()), to("google-oauth2"));
        assert_eq!(map.get("a=b", &tenant()), to("github"));
        assert_eq!(map.get("github", &tenant()), to("github"));
        assert_eq!(map.get("saml.x", &tenant()), Mapped::LeftOut);
        for unknown in ["GitHub", "gitlab", "-", ""] {
            assert_eq!(map.get(unknown, &tenant()), Mapped::Missing, "{unknown}");
        }
    }

    #[test]
    fn a_wrong_entry_is_refused() {
        let refused = |entries| parse(entries).unwrap_err().to_string();
        assert!(refused(&["google.com"]).contains("must be FROM=TO"));
        assert!(refused(&["x=github", "x=-"]).contains("mapped twice"));
        assert!(refused(&["x=gitlab"]).contains("declare it"));
    }
}
