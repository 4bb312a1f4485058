//! The `[auth0]` table: whom Auth0's Management API over HTTP is served for.

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderValue, Uri, uri::Scheme};

use super::{Tenant, UserIds, reader::Reader};
use crate::domain::TenantId;

/// How Auth0's Management API over HTTP is served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Auth0 {
    /// The tenants it is served for.
    pub tenants: BTreeSet<TenantId>,
    /// The origins (RFC 6454) whose pages may call it from a browser.
    pub allowed_origins: Vec<HeaderValue>,
}

/// Reads the table. The users that its tenants get from now on are named as Auth0 names them.
pub(super) fn read(mut r: Reader, tenants: &mut BTreeMap<TenantId, Tenant>) -> Auth0 {
    let mut served = BTreeSet::new();
    for name in r.list("tenants").unwrap_or_default() {
        match TenantId::parse(&name).and_then(|id| Some((tenants.get_mut(&id)?, id))) {
            Some((tenant, id)) => {
                if tenant.user_ids == Some(UserIds::Random) {
                    r.problem(
                        "tenants",
                        format!("{id} has user_ids = \"random\", which are not Auth0's: leave that out"),
                    );
                }
                tenant.user_ids = Some(UserIds::ProviderSubject);
                served.insert(id);
            }
            None => r.problem("tenants", format!("{name:?} is not one of the [tenants]")),
        }
    }
    if served.is_empty() {
        r.problem("tenants", "is required: whose users are served");
    }
    let mut allowed_origins = Vec::new();
    for origin in r.list("allowed_origins").unwrap_or_default() {
        match parse_origin(&origin) {
            Some(origin) => allowed_origins.push(origin),
            None => r.problem(
                "allowed_origins",
                format!("{origin:?} is not an origin such as \"https://app.example.com\", without a path"),
            ),
        }
    }
    r.finish();
    Auth0 { tenants: served, allowed_origins }
}

/// An origin as browsers send it: there is no other spelling to compare with.
fn parse_origin(text: &str) -> Option<HeaderValue> {
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme().filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme))?;
    let authority = uri.authority()?;
    let default_port = if *scheme == Scheme::HTTPS { 443 } else { 80 };
    let is_spelt_so = text == format!("{scheme}://{authority}")
        && text == text.to_ascii_lowercase()
        && !authority.as_str().contains(['@', '*'])
        && authority.port_u16() != Some(default_port);
    HeaderValue::from_str(text).ok().filter(|_| is_spelt_so)
}

#[cfg(test)]
mod tests {
    use super::parse_origin;

    #[test]
    fn an_origin_is_spelt_as_browsers_do() {
        for good in ["https://app.example.com", "http://127.0.0.1:3000", "https://[::1]:8443"] {
            assert!(parse_origin(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "*",
            "null",
            "app.example.com",
            "https://app.example.com/",
            "https://app.example.com/path",
            "https://App.example.com",
            "https://app.example.com:443",
            "http://app.example.com:80",
            "https://*.example.com",
            "https://me@app.example.com",
            "ftp://app.example.com",
            "https://",
        ] {
            assert!(parse_origin(bad).is_none(), "{bad}");
        }
    }
}
