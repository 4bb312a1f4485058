//! The `[outgoing]` table: how the server connects to other servers; and the files of certificate
//! authorities in other tables.

use std::{collections::BTreeMap, path::Path};

use super::{
    Console, Database, Tenant,
    declare::keys,
    keys::{Key, List, Text},
    reader::Reader,
};
use crate::{
    auth::Issuer,
    domain::TenantId,
    outgoing::{Authorities, AuthoritiesError, Outgoing, Proxy, ProxyProblem},
};

/// The variables of the environment with a proxy for https, as other programs have them.
const PROXY: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];
/// The variables with the hosts that are reached without it.
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

keys! {
    /// How the server connects to issuers, to providers and, over TLS, to the database. The table
    /// may be missing. The server trusts the certificate authorities of the system, as OpenSSL
    /// finds them: those of the variables `SSL_CERT_FILE` and `SSL_CERT_DIR`, or of the usual files.
    static KEYS: OutgoingKeys = "outgoing" {
        /// The file of further certificate authorities, in PEM, which the server trusts beside
        /// those of the system. It does not count where an issuer or a provider has a `ca` of its
        /// own, or the database's URL an `sslrootcert`.
        ca: Text = Text::Optional,
        /// The URL of a proxy for https, such as `http://user:password@proxy.example.com:3128`,
        /// with special characters of user and password percent-encoded. Its scheme is `http` or
        /// `https`, and its default port that of the scheme. An empty text is no proxy. If it is
        /// missing, the variable `HTTPS_PROXY` or `https_proxy` counts. This machine and the
        /// database are reached without it.
        proxy: Text = Text::Optional,
        /// The hosts that are reached without the proxy: names, with all names below them;
        /// addresses; ranges of addresses such as `10.0.0.0/8`; `*` for all. If it is missing, the
        /// variable `NO_PROXY` or `no_proxy` counts.
        no_proxy: List = List::Optional,
    }
}

/// Reads the table. Relative paths start at `base`.
pub(super) fn read(
    mut r: Reader,
    base: &Path,
    environment: &BTreeMap<String, String>,
) -> Option<Outgoing> {
    let has_ca = r.has(KEYS.ca.name);
    let authorities = read_authorities(&mut r, &KEYS.ca, base, Authorities::system_and);
    let authorities = if has_ca {
        authorities
    } else {
        let system = Authorities::system();
        system.map_err(|error| r.problem(KEYS.ca.name, format!("the system's {error}"))).ok()
    };
    let proxy = read_proxy(&mut r, environment);
    r.finish(&OutgoingKeys::described());
    Some(Outgoing { authorities: authorities?, proxy })
}

/// Reads the file of authorities that this key names.
pub(super) fn read_authorities(
    r: &mut Reader,
    key: &Key<Text>,
    base: &Path,
    read: impl FnOnce(&Path) -> Result<Authorities, AuthoritiesError>,
) -> Option<Authorities> {
    r.parsed(key, |file| {
        let file = base.join(file);
        read(&file).map_err(|error| format!("{} {error}", file.display()))
    })
}

fn read_proxy(r: &mut Reader, environment: &BTreeMap<String, String>) -> Option<Proxy> {
    let variable = |names: [&'static str; 2]| {
        names.into_iter().find_map(|name| Some((name, environment.get(name)?.as_str())))
    };
    let (url, url_from) = match r.has(KEYS.proxy.name) {
        true => (r.text(&KEYS.proxy)?, String::new()),
        false => {
            let (name, url) = variable(PROXY).unwrap_or_default();
            (url.to_owned(), format!("{name} of the environment "))
        }
    };
    let (exceptions, exceptions_from) = match r.list(&KEYS.no_proxy) {
        Some(exceptions) => (Vec::from_iter(exceptions), String::new()),
        None => {
            let (name, text) = variable(NO_PROXY).unwrap_or_default();
            let items = text.split(',').map(|item| item.trim().to_owned());
            let items = items.filter(|item| !item.is_empty()).collect();
            (items, format!("{name} of the environment: "))
        }
    };
    if url.is_empty() {
        return None;
    }
    let noted = |problem: &ProxyProblem| match problem {
        ProxyProblem::Url => r.problem(KEYS.proxy.name, format!("{url_from}{problem}")),
        ProxyProblem::Exception(_) => {
            r.problem(KEYS.no_proxy.name, format!("{exceptions_from}{problem}"));
        }
    };
    Proxy::new(&url, exceptions).map_err(|problems| problems.iter().for_each(noted)).ok()
}

/// Without any authority no certificate can be verified. That is a problem if one has to be.
pub(super) fn check(
    r: &Reader,
    outgoing: Option<&Outgoing>,
    database: Option<&Database>,
    tenants: &BTreeMap<TenantId, Tenant>,
    console: Option<&Console>,
    issuers: &[Issuer],
) {
    if !outgoing.is_some_and(|outgoing| outgoing.authorities.is_empty()) {
        return;
    }
    let mut clients = tenants
        .values()
        .flat_map(|tenant| tenant.providers.values())
        .filter_map(|provider| provider.oauth.as_ref())
        .chain(console.map(|console| &console.client));
    let are_needed = database.is_some_and(|database| database.address.needs_authorities())
        || issuers.iter().any(|it| it.keys.authorities.is_none() && it.keys.source.is_https())
        || clients.any(|client| client.authorities.is_none() && client.protocol.is_https());
    if are_needed {
        let errors = Authorities::system_errors().join("; ");
        let why = if errors.is_empty() { errors } else { format!(" ({errors})") };
        r.problem(
            "outgoing.ca",
            format!(
                "is required: this system has no certificate authorities{why}. Install them, in most systems the package ca-certificates, or name a file of them"
            ),
        );
    }
}
