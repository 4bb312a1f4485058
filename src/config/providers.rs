//! The `[tenants.*.providers.*]` tables: the providers of a tenant.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    declare::keys,
    keys::{Flag, List, Nested, OneOf},
    oauth,
    reader::Reader,
};
use crate::{
    domain::{
        Email, EmailTrust, LinkingPolicy, Provider, ProviderPolicy, RequiredEmail, Undeclared,
    },
    oauth::{ClientSettings, Protocol},
};

/// The longest name of a connection, in bytes.
const MAX_CONNECTION: usize = 128;

keys! {
    /// A provider of a tenant. The table may be empty; without it, `undeclared_providers` applies.
    /// The name has the same form as a tenant's.
    static KEYS: ProviderKeys = "tenants.<tenant>.providers.<provider>" {
        /// Whether accounts at the provider can sign in, be proofs, or be linked at all.
        enabled: Flag = Flag { default: true },
        /// What accounts at the provider can do. With `link_only` they can be linked to users, and
        /// never sign in on their own.
        mode: OneOf<bool, 2> = OneOf { words: [("sign_in", false), ("link_only", true)], default: Some(false) },
        /// Which emails count as verified if the provider says so: none, all, or those in domains
        /// over which it has authority. With `own_directory` those count as well of which it says
        /// nothing, as directories of organisations do. It is for OpenID Connect sign-ins (`oauth`)
        /// at an issuer that has your organisation's accounts alone, and refused for issuers that
        /// several organisations share, such as Microsoft's `organizations`, Google or Salesforce's
        /// login page: there, another administrator could set your people's addresses.
        email_trust: OneOf<TrustWord, 4> = OneOf {
            words: [
                ("never", TrustWord::Never),
                ("when_verified", TrustWord::WhenVerified),
                ("authoritative_domains", TrustWord::AuthoritativeDomains),
                ("own_directory", TrustWord::OwnDirectory),
            ],
            default: Some(TrustWord::Never),
        },
        /// Whether the domain that an account's claim `hd` names counts as well, as Google sends it
        /// for the accounts of an organisation. Of `email_trust = "authoritative_domains"` only.
        hosted_domains: Flag = Flag { default: false },
        /// The domains over which the provider has authority, such as `gmail.com`. Required for
        /// `email_trust = "own_directory"`, and for `"authoritative_domains"` unless
        /// `hosted_domains` is true; refused for any other.
        authoritative_domains: List = List::Optional,
        /// Whether an email that an import says is verified counts as well, where `email_trust`
        /// covers it. Without it, such an email counts from the first sign-in at the provider that
        /// says so too. Set it only if the system from which you import had each email confirmed.
        /// Requires an `email_trust` other than `never`.
        imported_emails: Flag = Flag { default: false },
        /// What a first sign-in does if another user has its verified email: `off` keeps the two
        /// apart, `suggest` returns that user as a candidate, `automatic` links the account. Of the
        /// providers of both sides, the more restrictive setting applies. `automatic` requires an
        /// `email_trust` other than `never`.
        linking: OneOf<LinkingPolicy, 3> = OneOf {
            words: [
                ("off", LinkingPolicy::Off),
                ("suggest", LinkingPolicy::Suggest),
                ("automatic", LinkingPolicy::Automatic),
            ],
            default: Some(LinkingPolicy::Suggest),
        },
        /// Which email an account must have to become a new user by its sign-in. `verified`
        /// requires an `email_trust` other than `never`.
        required_email: OneOf<RequiredEmail, 3> = OneOf {
            words: [("none", RequiredEmail::None), ("any", RequiredEmail::Any), ("verified", RequiredEmail::Verified)],
            default: Some(RequiredEmail::None),
        },
        /// Whether it is a social provider, as Auth0 uses the word. Applies to accounts that arrive
        /// from now on.
        social: Flag = Flag { default: false },
        /// The connections through which accounts sign in, as Auth0 names them, each of 1 to 128
        /// bytes. An account has one of these or the provider's name as its connection. A
        /// connection belongs to one provider of the tenant.
        connections: List = List::Default(&[]),
        /// The client of identity-link at the provider. Without this table, `StartSignIn` starts no
        /// sign-in there.
        oauth: Nested = Nested::Optional,
    }
}

/// The words of `email_trust`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TrustWord {
    Never,
    WhenVerified,
    AuthoritativeDomains,
    OwnDirectory,
}

/// An operator's settings of a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderSettings {
    /// Whether it is a social provider, as Auth0 means it.
    pub social: bool,
    /// The connections through which its accounts sign in, as Auth0 names them, in addition to its
    /// own name.
    pub connections: BTreeSet<String>,
    /// What it may do, and which of its assertions count.
    pub policy: ProviderPolicy,
    /// The client of identity-link there; `None` if identity-link does not sign people in there.
    pub oauth: Option<ClientSettings>,
}

impl ProviderSettings {
    /// The settings of a provider that the configuration does not name.
    pub(super) fn undeclared(what: Undeclared) -> Self {
        Self { policy: what.policy().clone(), ..Self::default() }
    }

    /// The connection of an account that names none: the only one, or else the provider's name.
    pub(super) fn connection(&self, provider: &Provider) -> String {
        match self.connections.iter().collect::<Vec<_>>().as_slice() {
            [only] => (*only).clone(),
            _ => provider.to_string(),
        }
    }
}

/// Reads the providers of a tenant. Relative paths start at `base`.
pub(super) fn read(mut r: Reader, base: &Path) -> BTreeMap<Provider, ProviderSettings> {
    let mut providers = BTreeMap::new();
    for (name, table) in r.tables() {
        let settings = read_provider(table, &name, base);
        match Provider::parse(&name) {
            Some(provider) => drop(providers.insert(provider, settings)),
            None => r.problem(&name, format!("the name {}", Provider::FORM)),
        }
    }
    check_redirect_uris(&r, &providers);
    check_connections(&r, &providers);
    providers
}

/// A redirect URI names its provider: a code of one provider must not be sent to another.
fn check_redirect_uris(r: &Reader, providers: &BTreeMap<Provider, ProviderSettings>) {
    let mut by_uri = BTreeMap::new();
    for (provider, settings) in providers {
        for uri in settings.oauth.iter().flat_map(|client| &client.redirect_uris) {
            let first = *by_uri.entry(uri).or_insert(provider);
            if first != provider {
                let key = format!("{provider}.oauth.redirect_uris");
                r.problem(
                    &key,
                    format!("{uri:?} is a redirect URI of {first} too: it must name one provider"),
                );
            }
        }
    }
}

/// A connection names the provider of a new identity, so it belongs to one provider.
fn check_connections(r: &Reader, providers: &BTreeMap<Provider, ProviderSettings>) {
    for (provider, settings) in providers {
        for connection in &settings.connections {
            let others = providers.iter().filter(|(other, _)| *other != provider);
            let mut also = others.filter(|(other, theirs)| {
                theirs.connections.contains(connection) || other.as_str() == connection
            });
            if let Some((other, _)) = also.next() {
                r.problem(
                    &format!("{provider}.connections"),
                    format!("{connection:?} is a connection of {other} too"),
                );
            }
        }
    }
}

fn read_provider(mut r: Reader, name: &str, base: &Path) -> ProviderSettings {
    let enabled = r.flag(&KEYS.enabled);
    let link_only = r.one_of(&KEYS.mode);
    let (email_trust, is_own_directory) = read_email_trust(&mut r);
    let imported_emails = r.flag(&KEYS.imported_emails);
    let linking = r.one_of(&KEYS.linking);
    let required_email = r.one_of(&KEYS.required_email);
    let social = r.flag(&KEYS.social);
    let connections = r.list(&KEYS.connections).unwrap_or_default();
    if connections.iter().any(|name| {
        name.is_empty() || name.len() > MAX_CONNECTION || name.chars().any(char::is_control)
    }) {
        r.problem(KEYS.connections.name, format!("must be names of 1 to {MAX_CONNECTION} bytes"));
    }
    let has_client = r.has(KEYS.oauth.name);
    let mut oauth = r.table(&KEYS.oauth).and_then(|table| oauth::read(table, name, base));
    if is_own_directory && !has_client {
        r.problem(
            KEYS.email_trust.name,
            "\"own_directory\" requires the table oauth: it is for sign-ins at an issuer of your own",
        );
    }
    if let (true, Some(client)) = (is_own_directory, &mut oauth) {
        read_own_directory(&r, client, email_trust.as_ref());
    }
    if email_trust == Some(EmailTrust::Never) {
        check_without_trust(&r, imported_emails, linking, required_email);
    }
    r.finish(&ProviderKeys::described());
    let policy = ProviderPolicy {
        is_known: true,
        enabled,
        link_only: link_only.unwrap_or_default(),
        email_trust: email_trust.unwrap_or_default(),
        imported_emails,
        linking: linking.unwrap_or_default(),
        required_email: required_email.unwrap_or_default(),
    };
    ProviderSettings { social, connections, policy, oauth }
}

/// Settings that need verified emails have no effect if no email counts.
fn check_without_trust(
    r: &Reader,
    imported_emails: bool,
    linking: Option<LinkingPolicy>,
    required_email: Option<RequiredEmail>,
) {
    if imported_emails {
        r.problem(
            KEYS.imported_emails.name,
            "requires an email_trust other than \"never\": no email would count",
        );
    }
    if linking == Some(LinkingPolicy::Automatic) {
        r.problem(
            KEYS.linking.name,
            "\"automatic\" requires an email_trust other than \"never\": no user would be linked",
        );
    }
    if required_email == Some(RequiredEmail::Verified) {
        r.problem(
            KEYS.required_email.name,
            "\"verified\" requires an email_trust other than \"never\": no new account could sign in",
        );
    }
}

/// Has the provider vouch for the addresses of its own domains, if no other organisation has
/// accounts there.
fn read_own_directory(r: &Reader, client: &mut ClientSettings, trust: Option<&EmailTrust>) {
    if !client.protocol.has_one_directory() {
        r.problem(
            KEYS.email_trust.name,
            "\"own_directory\" is for OpenID Connect at an issuer that has your organisation's accounts alone: another \
             administrator at this provider could set your people's addresses",
        );
    } else if let (Protocol::Oidc(oidc), Some(EmailTrust::AuthoritativeDomains { domains, .. })) =
        (&mut client.protocol, trust)
    {
        oidc.own_domains.clone_from(domains);
    }
}

/// Reads `email_trust` and its domains, `None` if there is a problem with them; and whether it is
/// the trust in an own directory.
fn read_email_trust(r: &mut Reader) -> (Option<EmailTrust>, bool) {
    let hosted = r.flag(&KEYS.hosted_domains);
    let domains = r.list(&KEYS.authoritative_domains);
    let are_given = domains.is_some() || hosted;
    let word = r.one_of(&KEYS.email_trust);
    let is_own = word == Some(TrustWord::OwnDirectory);
    let trust = match (word, are_given) {
        (Some(TrustWord::OwnDirectory), _) if hosted => {
            r.problem(
                KEYS.hosted_domains.name,
                "is not for \"own_directory\": list the domains in authoritative_domains",
            );
            None
        }
        (Some(TrustWord::OwnDirectory), false) => {
            r.lacks(&[KEYS.authoritative_domains.name], "is required: your organisation's domains");
            None
        }
        (Some(TrustWord::AuthoritativeDomains | TrustWord::OwnDirectory), true) => {
            Some(EmailTrust::AuthoritativeDomains {
                domains: read_domains(r, domains.unwrap_or_default()),
                hosted,
            })
        }
        (Some(TrustWord::AuthoritativeDomains), false) => {
            r.lacks(
                &[KEYS.authoritative_domains.name, KEYS.hosted_domains.name],
                "is required, or hosted_domains = true",
            );
            None
        }
        (Some(TrustWord::Never | TrustWord::WhenVerified), true) => {
            r.problem(
                KEYS.email_trust.name,
                "must be \"authoritative_domains\" for the domains to count",
            );
            None
        }
        (Some(TrustWord::Never), false) => Some(EmailTrust::Never),
        (Some(TrustWord::WhenVerified), false) => Some(EmailTrust::WhenVerified),
        (None, _) => None,
    };
    (trust, is_own)
}

/// Checks the domains and brings them into the form that canonical emails have.
fn read_domains(r: &Reader, given: BTreeSet<String>) -> BTreeSet<String> {
    let mut domains = BTreeSet::new();
    for domain in given {
        let email = Email::parse(&format!("x@{domain}"));
        match email.as_ref().ok().and_then(|email| email.canonical().split_once('@')) {
            Some((_, canonical)) => drop(domains.insert(canonical.to_owned())),
            None => {
                r.problem(
                    KEYS.authoritative_domains.name,
                    format!("{domain:?} is not a domain such as example.com"),
                );
            }
        }
    }
    domains
}
