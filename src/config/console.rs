//! The `[console]` table: the pages for support staff, and who may use them.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::Path,
    time::Duration,
};

use http::Uri;

use super::{
    Tenant,
    algorithms::asymmetric,
    declare::keys,
    keys::{DAY, HOUR, Key, List, MINUTE, Text, Time, seconds},
    origins::parse_origin,
    outgoing,
    reader::Reader,
};
use crate::{
    auth::{Claims, ClientSecret, IdTokenRules, IssuerRule, Signatures, discovery::metadata_url},
    domain::{StaffRole, TenantId},
    http_client::is_fetchable,
    oauth::{ClientSettings, OidcSettings, Protocol},
    outgoing::Authorities,
    secret::{Secret, read_secret},
    store::SessionTimes,
};

/// The path to which the provider sends the browser back.
pub const CALLBACK: &str = "/callback";

keys! {
    /// The pages for support staff, on a listener of their own. People sign in at an OpenID Provider of
    /// yours, and a claim of their ID token gives them a role. Without the table there is no console.
    static KEYS: ConsoleKeys = "console" {
        /// The address and the port to listen on. It has the certificate of `tls`, if there is one.
        listen: Text = Text::Required(", such as \"127.0.0.1:50052\""),
        /// The URL at which browsers reach the console, without a path: https, or http on this machine.
        /// Register this URL followed by `/callback` as the redirect URI of the client.
        base_url: Text = Text::Required(", such as \"https://console.example.com\""),
        /// The tenants whose users are in the console. The default is all tenants.
        tenants: List = List::Optional,
        /// The issuer of the provider at which the staff sign in: an https URL, or http on this machine.
        issuer: Text = Text::Required(": where the staff sign in"),
        /// The client's id, as the provider issued it.
        client_id: Text = Text::Required(""),
        /// The client's secret. Exactly one of `client_secret` and `client_secret_file` is required.
        client_secret: Text = Text::Optional,
        /// The file of the client's secret; white space at its end is left out.
        client_secret_file: Text = Text::Optional,
        /// The scopes to request. `openid` is always added; some providers send groups only for a scope
        /// such as `groups`.
        scopes: List = List::Default(&["profile"]),
        /// The algorithms of the provider's ID tokens; at least one, and none of them symmetric.
        algorithms: List = List::Default(&["RS256", "ES256"]),
        /// The file of the certificate authorities, in PEM, one of which must have issued the
        /// certificates of the provider's servers. Other authorities do not count for them.
        ca: Text = Text::Optional,
        /// The claim of the ID token that gives roles: a text or a list of texts. It must be one that
        /// only the provider's administrators set, so not a claim of the person's profile.
        role_claim: Text = Text::Default("groups"),
        /// The values of that claim that make a viewer, who finds users and looks at them. At least one
        /// of `viewers`, `support` and `operators` has a value.
        viewers: List = List::Default(&[]),
        /// The values that make a member of the support, who may also change users.
        support: List = List::Default(&[]),
        /// The values that make an operator.
        operators: List = List::Default(&[]),
        /// How long a session lasts without a page that is opened.
        idle_time: Time = Time::within(seconds(15 * MINUTE), seconds(MINUTE), seconds(8 * HOUR)),
        /// How long a session lasts in any case.
        session_time: Time = Time::within(seconds(8 * HOUR), seconds(MINUTE), seconds(DAY)),
        /// How long the server keeps who looked at which user. A change holds for looks from then on.
        keep_looks: Time = Time::within(seconds(365 * DAY), seconds(DAY), seconds(3650 * DAY)),
    }
}

/// The settings of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    /// The address and port to listen on.
    pub listen: SocketAddr,
    /// The URL at which browsers reach it, without a slash at the end.
    pub base_url: String,
    /// The tenants whose users are in it; at least one.
    pub tenants: BTreeSet<TenantId>,
    /// Where the staff sign in.
    pub client: ClientSettings,
    /// The claim that gives roles.
    pub role_claim: String,
    /// The roles by the values of that claim.
    pub roles: BTreeMap<StaffRole, BTreeSet<String>>,
    /// How long a session lasts.
    pub session_times: SessionTimes,
    /// How long it is kept who looked at which user.
    pub keep_looks: Duration,
}

impl Console {
    /// Whether browsers reach it over https.
    pub fn is_https(&self) -> bool {
        self.base_url.starts_with("https://")
    }

    /// The highest role that these values of the claim give.
    pub fn role<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> Option<StaffRole> {
        let given: BTreeSet<&str> = values.into_iter().collect();
        let has = |of: &BTreeSet<String>| of.iter().any(|value| given.contains(value.as_str()));
        self.roles.iter().rev().find(|(_, values)| has(values)).map(|(role, _)| *role)
    }
}

/// Reads the settings. Relative paths start at `base`.
pub(super) fn read(
    mut r: Reader,
    tenants: &BTreeMap<TenantId, Tenant>,
    base: &Path,
) -> Option<Console> {
    let listen = r.address(&KEYS.listen);
    let base_url = read_base_url(&mut r);
    let of_tenants = read_tenants(&mut r, tenants);
    let client = read_client(&mut r, base_url.as_deref(), base);
    let role_claim = r.parsed(&KEYS.role_claim, |claim| match claim.trim() {
        "" => Err("must not be empty".to_owned()),
        claim if Claims::is_of_person(claim) => Err(format!(
            "{claim:?} is a claim that a person can often choose: it must give no role"
        )),
        _ => Ok(claim.to_owned()),
    });
    let roles = read_roles(&mut r);
    let session_times =
        SessionTimes { idle: r.time(&KEYS.idle_time), longest: r.time(&KEYS.session_time) };
    let keep_looks = r.time(&KEYS.keep_looks);
    r.finish(&ConsoleKeys::described());
    Some(Console {
        listen: listen?,
        base_url: base_url?,
        tenants: of_tenants?,
        client: client?,
        role_claim: role_claim?,
        roles: roles?,
        session_times,
        keep_looks,
    })
}

fn read_base_url(r: &mut Reader) -> Option<String> {
    r.parsed(&KEYS.base_url, |text| {
        let is_origin = parse_origin(text).is_some();
        let is_safe = text.parse::<Uri>().is_ok_and(|url| is_fetchable(&url));
        (is_origin && is_safe).then(|| text.to_owned()).ok_or_else(|| {
            "must be https, or http on this machine, as browsers write it, without a path and a slash at the end"
                .to_owned()
        })
    })
}

fn read_tenants(
    r: &mut Reader,
    tenants: &BTreeMap<TenantId, Tenant>,
) -> Option<BTreeSet<TenantId>> {
    let Some(names) = r.list(&KEYS.tenants) else { return Some(tenants.keys().cloned().collect()) };
    let mut found = BTreeSet::new();
    for name in &names {
        match TenantId::parse(name).filter(|name| tenants.contains_key(name)) {
            Some(tenant) => drop(found.insert(tenant)),
            None => r.problem(KEYS.tenants.name, format!("{name:?} is no tenant of this file")),
        }
    }
    if names.is_empty() {
        r.problem(KEYS.tenants.name, "must name at least one");
    }
    (!found.is_empty() && found.len() == names.len()).then_some(found)
}

fn read_client(r: &mut Reader, base_url: Option<&str>, base: &Path) -> Option<ClientSettings> {
    let issuer = r.parsed(&KEYS.issuer, |issuer| match metadata_url(issuer) {
        Some(metadata) => Ok((issuer.to_owned(), metadata)),
        None => Err("must be an https URL, or http on this machine".to_owned()),
    });
    let client_id = r.parsed(&KEYS.client_id, not_empty);
    let client_secret = read_client_secret(r, base);
    let mut scopes = r.list(&KEYS.scopes).unwrap_or_default();
    scopes.insert("openid".to_owned());
    let algorithms = read_algorithms(r);
    let authorities = outgoing::read_authorities(r, &KEYS.ca, base, Authorities::only);
    let (issuer, metadata) = issuer?;
    if authorities.is_some() && metadata.scheme_str() != Some("https") {
        r.problem(KEYS.ca.name, "is for a provider that is reached over https");
    }
    let client_id = client_id?;
    let rules = IdTokenRules {
        issuer: IssuerRule::Exactly(issuer),
        client_id: client_id.clone(),
        trusted_audiences: BTreeSet::new(),
        signatures: Signatures::PrivateKey(algorithms?),
    };
    Some(ClientSettings {
        client_id,
        client_secret: ClientSecret::Issued(client_secret?),
        scopes,
        redirect_uris: BTreeSet::from([format!("{}{CALLBACK}", base_url?)]),
        display_name: String::new(),
        protocol: Protocol::Oidc(OidcSettings {
            rules,
            metadata,
            preset: None,
            auth_method: None,
            response_mode: None,
            email_verified_as: BTreeSet::new(),
            own_domains: BTreeSet::new(),
            events: None,
        }),
        authorities,
        tokens: None,
    })
}

fn not_empty(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("must not be empty".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

fn read_client_secret(r: &mut Reader, base: &Path) -> Option<Secret> {
    let keys: [&Key<Text>; 2] = [&KEYS.client_secret, &KEYS.client_secret_file];
    match keys.map(|key| r.has(key.name)) {
        [true, false] => r.parsed(&KEYS.client_secret, not_empty).map(Secret::new),
        [false, true] => {
            // The path is not quoted: it may be a secret that was written here by mistake.
            let file = r.text(&KEYS.client_secret_file)?;
            let secret = read_secret(&base.join(file));
            let problem = |error| {
                r.problem(KEYS.client_secret_file.name, format!("names a file that {error}"));
            };
            secret.map(Secret::new).map_err(problem).ok()
        }
        _ => {
            let names = keys.map(|key| key.name);
            r.lacks(&names, "exactly one of client_secret and client_secret_file is required");
            r.skip(names);
            None
        }
    }
}

fn read_algorithms(r: &mut Reader) -> Option<Vec<jsonwebtoken::Algorithm>> {
    let names = r.list(&KEYS.algorithms)?;
    let key = KEYS.algorithms.name;
    let parsed = names.iter().map(|name| asymmetric(name));
    let algorithms: Vec<_> = parsed
        .filter_map(|parsed| parsed.map_err(|problem| r.problem(key, problem)).ok())
        .collect();
    if names.is_empty() {
        r.problem(key, "must name at least one");
    }
    (!names.is_empty() && algorithms.len() == names.len()).then_some(algorithms)
}

fn read_roles(r: &mut Reader) -> Option<BTreeMap<StaffRole, BTreeSet<String>>> {
    let keys: [(StaffRole, &Key<List>); 3] = [
        (StaffRole::Viewer, &KEYS.viewers),
        (StaffRole::Support, &KEYS.support),
        (StaffRole::Operator, &KEYS.operators),
    ];
    let mut roles = BTreeMap::new();
    let mut are_good = true;
    for (role, key) in keys {
        let values = r.list(key)?;
        if values.contains("") {
            r.problem(key.name, "must not have an empty text");
            are_good = false;
        }
        roles.insert(role, values);
    }
    if roles.values().all(BTreeSet::is_empty) {
        let names = keys.map(|(_, key)| key.name);
        r.lacks(&names, "at least one of viewers, support and operators must have a value");
        return None;
    }
    are_good.then_some(roles)
}
