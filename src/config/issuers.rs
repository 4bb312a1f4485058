//! The `[issuers.*]` tables: which issuers are trusted, and for what.

mod callers;
mod crossing;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use chrono::DateTime;
use jsonwebtoken::Algorithm;

use self::callers::{Caller, SubjectForm, read_kind, read_tenant};
use super::{
    Tenant,
    algorithms::asymmetric,
    declare::keys,
    keys::{DAY, Flag, HOUR, Key, List, MINUTE, Nested, OneOf, Text, Time, seconds},
    outgoing,
    problem::did_you_mean,
    reader::Reader,
};
use crate::{
    auth::{
        CallerKind, Issuer, KeySettings, KeySource, TenantRule, TokenUseRules, access, key_source,
    },
    domain::TenantId,
    http_client,
    outgoing::Authorities,
};

keys! {
    /// A trusted issuer of tokens. The name is of the operator's choice.
    static ISSUER: IssuerKeys = "issuers.<issuer>" {
        /// The issuer, as the claim `iss` of its tokens names it, byte by byte. No other table
        /// names the same.
        issuer: Text = Text::Required(""),
        /// The signature algorithms of the issuer's tokens, such as `RS256`, none of them
        /// symmetric.
        algorithms: List = List::Required(": the signature algorithms of this issuer, such as [\"RS256\"]"),
        /// Which callers the tokens name: `user` or `service`. Exactly one of `kind` and
        /// `kind_claim` is required.
        kind: OneOf<Caller, 2> = OneOf {
            words: [("user", Caller::User), ("service", Caller::Service)],
            default: None,
        },
        /// The claim that says in each token which caller it names: `user` or `service`.
        kind_claim: Text = Text::Optional,
        /// What the claim `sub` of user tokens means: `subject` of the account at `provider`,
        /// `identity` for `provider|subject`, or `user_id`. At most one issuer of a tenant names
        /// user ids. Required unless `kind` is `service`.
        subject: OneOf<SubjectForm, 3> = OneOf {
            words: [
                ("subject", SubjectForm::Subject),
                ("identity", SubjectForm::Identity),
                ("user_id", SubjectForm::UserId),
            ],
            default: None,
        },
        /// The provider whose subjects the tokens name. Required for `subject = "subject"`, and of
        /// that only.
        provider: Text = Text::Optional,
        /// The providers that the tokens may name. Required for `subject = "identity"`, and of that
        /// only.
        providers: List = List::Optional,
        /// The tenant of all tokens. One of `tenant`, `tenant_claim` and `tenants` is required.
        tenant: Text = Text::Optional,
        /// The claim that names the tenant in each token. With `tenants` it may name only those,
        /// without it any tenant of the configuration.
        tenant_claim: Text = Text::Optional,
        /// The tenants that the tokens are for. Without `tenant_claim` they are service tokens, and
        /// each call names its tenant in `x-tenant`.
        tenants: List = List::Optional,
        /// The file of the issuer's public keys, a JWKS. Exactly one of `jwks_file`, `jwks_url` and
        /// `discovery = true` is required.
        jwks_file: Text = Text::Optional,
        /// The URL of the issuer's public keys: https, or http on this machine.
        jwks_url: Text = Text::Optional,
        /// Whether the issuer's metadata says where its public keys are. The issuer must then be an
        /// https URL, or http on this machine.
        discovery: Flag = Flag { default: false },
        /// The file of the certificate authorities, in PEM, one of which must have issued the
        /// certificate of the server from which the keys come. Other authorities do not count for
        /// it, those of the system and of `outgoing.ca` included. Of `jwks_url` and `discovery` only.
        ca: Text = Text::Optional,
        /// How often the keys are read again; those of `jwks_file` every five seconds at least. A
        /// removed key is accepted for this time at most. If a token names an unknown key, the keys
        /// are read at once.
        // The upper bound holds that a removed key is dead within ten minutes.
        jwks_refresh: Time = Time::within(seconds(5 * MINUTE), seconds(1), seconds(9 * MINUTE)),
        /// How old keys may be and still be used, if they cannot be read again. Longer than
        /// `jwks_refresh`.
        jwks_max_age: Time = Time::within(seconds(HOUR), seconds(1), seconds(HOUR)),
        /// The audiences of which a bearer token must name one. If this key is missing, the
        /// issuer's tokens are proofs only: the table `link_with` is then required.
        audiences: List = List::Optional,
        /// What the header `typ` of the tokens must be; `""` stands for a token without it.
        types: List = List::Default(&[ACCESS_TOKEN]),
        /// The rules for the tokens as proofs in `link_with`. Without this table they prove no
        /// account. Of user tokens only.
        link_with: Nested = Nested::Optional,
        /// The scopes that the tokens can have. Other scopes that a token names have no effect.
        allowed_scopes: List = List::Default(&[]),
        /// The scopes that each token has without naming them. Of user tokens only.
        implied_scopes: List = List::Default(&[]),
        /// The longest time from `iat` to `exp` that a token may have.
        max_lifetime: Time = Time::any(seconds(DAY)),
        /// From when on the issuer's tokens are accepted, such as `2026-12-01T03:00:00Z`. Tokens with
        /// an earlier `iat` are refused, as bearers and as proofs. Set it after a backup was restored,
        /// which does not have the unlinks and deletions that have withdrawn tokens since. Without it,
        /// no token is too early.
        tokens_valid_from: Text = Text::Optional,
        /// Whether only the claim `auth_time` shows when the user signed in. If false, `iat` shows
        /// it in tokens without `auth_time`. Set it for an issuer that renews tokens without a new
        /// sign-in. Of user tokens only.
        require_auth_time: Flag = Flag { default: false },
    }
}

keys! {
    /// When a token of the issuer is a proof in `link_with`.
    static LINK_WITH: LinkWithKeys = "issuers.<issuer>.link_with" {
        /// The audiences of which a proof must name one.
        audiences: List = List::Required(""),
        /// What the header `typ` of the proofs must be; `""` stands for a token without it.
        types: List = List::Default(&[ACCESS_TOKEN]),
        /// How old a proof may be.
        max_age: Time = Time::at_most(seconds(10 * MINUTE), seconds(10 * MINUTE)),
        /// Whether a proof must be signed with RS256, come from the caller's issuer, and be issued
        /// for the client that calls, as Auth0 demands.
        same_client: Flag = Flag { default: false },
    }
}

/// The type of access tokens (RFC 9068).
const ACCESS_TOKEN: &str = "at+jwt";

/// Reads all issuers. Relative paths start at `base`.
pub(super) fn read(
    mut reader: Reader,
    tenants: &BTreeMap<TenantId, Tenant>,
    base: &Path,
) -> Vec<Issuer> {
    let names: BTreeSet<TenantId> = tenants.keys().cloned().collect();
    let drafts: Vec<(String, Draft)> = reader
        .tables()
        .into_iter()
        .map(|(name, table)| (name, read_issuer(table, &names, base)))
        .collect();
    crossing::check(&reader, &drafts, tenants);
    drafts.into_iter().filter_map(|(_, draft)| draft.whole).collect()
}

/// An issuer as far as it could be read. The rules between issuers are checked on the parts, so
/// that one problem does not hide another.
struct Draft {
    issuer: Option<String>,
    kind: Option<CallerKind>,
    tenant: Option<TenantRule>,
    whole: Option<Issuer>,
}

fn read_issuer(mut r: Reader, tenants: &BTreeSet<TenantId>, base: &Path) -> Draft {
    let issuer = r.text(&ISSUER.issuer);
    let algorithms = read_algorithms(&mut r);
    let kind = read_kind(&mut r);
    let service = matches!(kind, Some(CallerKind::Service));
    let tenant = read_tenant(&mut r, tenants, service);
    let keys = read_keys(&mut r, issuer.as_deref(), &algorithms, base);
    let bearer = r.list(&ISSUER.audiences).map(|audiences| TokenUseRules {
        audiences,
        types: r.list(&ISSUER.types).unwrap_or_default(),
        max_age: None,
        same_client: false,
    });
    let link_with = r.table(&ISSUER.link_with).and_then(read_link_with);
    let has_either = r.has(ISSUER.audiences.name) || r.has(ISSUER.link_with.name);
    if !has_either {
        r.lacks(
            &[ISSUER.audiences.name, ISSUER.link_with.name],
            "is required, or a table link_with: otherwise no token of this issuer is accepted",
        );
    }
    let allowed_scopes =
        read_scopes(&mut r, &ISSUER.allowed_scopes, &[access::IDP_TOKENS], |rule| {
            [rule.self_scope, rule.service_scope]
        });
    let implied_scopes =
        read_scopes(&mut r, &ISSUER.implied_scopes, &[], |rule| [rule.self_scope, None]);
    if service && !implied_scopes.is_empty() {
        r.problem(ISSUER.implied_scopes.name, "are for user tokens only");
    }
    if service && link_with.is_some() {
        r.problem(ISSUER.link_with.name, "is for user tokens only: a service token proves no user");
    }
    let max_lifetime = r.time(&ISSUER.max_lifetime);
    let tokens_valid_from = r.parsed(&ISSUER.tokens_valid_from, |text| {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| {
            "must be a time with its offset, such as \"2026-12-01T03:00:00Z\"".to_owned()
        })?;
        Ok(time.to_utc())
    });
    let require_auth_time = r.flag(&ISSUER.require_auth_time);
    if service && require_auth_time {
        r.problem(
            ISSUER.require_auth_time.name,
            "is for user tokens only: a service does not sign in",
        );
    }
    r.finish(&IssuerKeys::described());
    let parts = (issuer.clone(), kind.clone(), tenant.clone(), keys);
    let whole = match parts {
        (Some(issuer), Some(kind), Some(tenant), Some(keys)) => Some(Issuer {
            issuer,
            kind,
            tenant,
            algorithms,
            keys,
            bearer,
            link_with,
            allowed_scopes,
            implied_scopes,
            max_lifetime,
            tokens_valid_from,
            require_auth_time,
        }),
        _ => None,
    };
    Draft { issuer, kind, tenant, whole }
}

fn read_algorithms(r: &mut Reader) -> Vec<Algorithm> {
    let names = r.list(&ISSUER.algorithms).unwrap_or_default();
    let parsed = names.iter().map(|name| asymmetric(name));
    parsed
        .filter_map(|parsed| {
            parsed.map_err(|problem| r.problem(ISSUER.algorithms.name, problem)).ok()
        })
        .collect()
}

fn read_keys(
    r: &mut Reader,
    issuer: Option<&str>,
    algorithms: &[Algorithm],
    base: &Path,
) -> Option<KeySettings> {
    let source = read_key_source(r, issuer, algorithms, base);
    let refresh = r.time(&ISSUER.jwks_refresh);
    let max_age = r.time(&ISSUER.jwks_max_age);
    if max_age <= refresh {
        r.problem(
            ISSUER.jwks_max_age.name,
            "must be longer than jwks_refresh: otherwise there are no keys in between",
        );
    }
    let authorities = outgoing::read_authorities(r, &ISSUER.ca, base, Authorities::only);
    if authorities.is_some() && source.as_ref().is_some_and(|source| !source.is_https()) {
        r.problem(ISSUER.ca.name, "is for keys that come over https");
    }
    source.map(|source| KeySettings { source, refresh, max_age, authorities })
}

fn read_key_source(
    r: &mut Reader,
    issuer: Option<&str>,
    algorithms: &[Algorithm],
    base: &Path,
) -> Option<KeySource> {
    match [r.has(ISSUER.jwks_file.name), r.has(ISSUER.jwks_url.name), r.flag(&ISSUER.discovery)] {
        [true, false, false] => {
            let file = base.join(r.text(&ISSUER.jwks_file)?);
            if let Err(error) = key_source::read_file(&file, algorithms) {
                r.problem(ISSUER.jwks_file.name, format!("{} {error}", file.display()));
            }
            Some(KeySource::File(file))
        }
        [false, true, false] => r
            .parsed(&ISSUER.jwks_url, |text| {
                let url: http::Uri = text.parse().map_err(|_| "is not a URL".to_owned())?;
                let fetchable = http_client::is_fetchable(&url);
                fetchable.then_some(url).ok_or_else(|| {
                    "must be https, or http on this machine, without user and password".to_owned()
                })
            })
            .map(KeySource::Url),
        [false, false, true] => {
            let source = KeySource::discovery(issuer?);
            if source.is_none() {
                r.problem(
                    ISSUER.discovery.name,
                    "requires an issuer that is an https URL, or http on this machine",
                );
            }
            source
        }
        _ => {
            let text = "exactly one of jwks_file, jwks_url and discovery = true is required: where the issuer's public keys are";
            r.lacks(&[ISSUER.jwks_file.name, ISSUER.jwks_url.name, ISSUER.discovery.name], text);
            r.skip([ISSUER.jwks_file.name, ISSUER.jwks_url.name]);
            None
        }
    }
}

fn read_link_with(mut r: Reader) -> Option<TokenUseRules> {
    let audiences = r.list(&LINK_WITH.audiences);
    let types = r.list(&LINK_WITH.types).unwrap_or_default();
    let max_age = r.time(&LINK_WITH.max_age);
    let same_client = r.flag(&LINK_WITH.same_client);
    r.finish(&LinkWithKeys::described());
    Some(TokenUseRules { audiences: audiences?, types, max_age: Some(max_age), same_client })
}

fn read_scopes(
    r: &mut Reader,
    key: &Key<List>,
    further: &[&'static str],
    known: impl Fn(&access::AccessRule) -> [Option<&'static str>; 2],
) -> BTreeSet<String> {
    let scopes = r.list(key).unwrap_or_default();
    let known = access::TABLE.iter().flat_map(known).flatten();
    let known: BTreeSet<&str> = known.chain(further.iter().copied()).collect();
    for scope in scopes.iter().filter(|scope| !known.contains(scope.as_str())) {
        let meant = did_you_mean(scope, known.iter().copied());
        let known: Vec<&str> = known.iter().copied().collect();
        r.problem(key.name, format!("{scope:?} is not one of {}{meant}", known.join(", ")));
    }
    scopes
}
