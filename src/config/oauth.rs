//! The `[tenants.*.providers.*.oauth]` tables: the clients of identity-link at providers.

use std::{collections::BTreeSet, path::Path};

use http::Uri;
use jsonwebtoken::Algorithm;

use super::{
    algorithms::asymmetric,
    declare::keys,
    keys::{Key, List, OneOf, Text},
    outgoing,
    reader::Reader,
};
use crate::{
    auth::{IdTokenRules, IssuerRule, discovery::metadata_url},
    http_client::is_fetchable,
    oauth::{AuthMethod, ClientSettings, GitHubUrls, Preset, Protocol, Secret},
    outgoing::Authorities,
    secret::read_secret as read_secret_file,
};

/// The longest display name, in characters: it goes on a button.
const MAX_DISPLAY_NAME: usize = 64;
/// The endpoints of github.com.
const GITHUB: [&str; 3] = [
    "https://github.com/login/oauth/authorize",
    "https://github.com/login/oauth/access_token",
    "https://api.github.com",
];

keys! {
    /// The client of identity-link at a provider, for `StartSignIn` and `CompleteSignIn`.
    static KEYS: OauthKeys = "tenants.<tenant>.providers.<provider>.oauth" {
        /// A provider whose protocol and endpoints are known. Exactly one of `preset` and `kind` is
        /// required.
        preset: OneOf<ProtocolKind, 4> = OneOf {
            words: [
                ("google", ProtocolKind::Oidc(Some(Preset::Google))),
                ("gitlab", ProtocolKind::Oidc(Some(Preset::GitLab))),
                ("microsoft", ProtocolKind::Oidc(Some(Preset::Microsoft))),
                ("github", ProtocolKind::GitHub),
            ],
            default: None,
        },
        /// The protocol of any other provider: OpenID Connect, or that of GitHub.
        kind: OneOf<ProtocolKind, 2> = OneOf {
            words: [("oidc", ProtocolKind::Oidc(None)), ("github", ProtocolKind::GitHub)],
            default: None,
        },
        /// The client's id, as the provider issued it.
        client_id: Text = Text::Required(""),
        /// The client's secret. Exactly one of `client_secret` and `client_secret_file` is
        /// required.
        client_secret: Text = Text::Optional,
        /// The file of the client's secret; white space at its end is left out.
        client_secret_file: Text = Text::Optional,
        /// The URIs to which the provider may send the browser, byte by byte as the client
        /// registered them there; at least one. Each is https, or http on this machine, without a
        /// fragment, and belongs to one provider of the tenant.
        redirect_uris: List = List::Required(": where the provider may send the browser"),
        /// The scopes to request. With OpenID Connect the default is `email` and `profile`, and
        /// `openid` is always added. With GitHub the default is `read:user` and `user:email`.
        scopes: List = List::Optional,
        /// The provider's name for people, as the text of a button: 1 to 64 characters. The default
        /// is the preset's, or the provider's name.
        display_name: Text = Text::Optional,
        /// The issuer of the provider's ID tokens: an https URL, or http on this machine. Of OpenID
        /// Connect only. Required for `kind`; the default is the preset's.
        issuer: Text = Text::Optional,
        /// The algorithms of the provider's ID tokens, none of them symmetric; at least one. Of
        /// OpenID Connect only.
        algorithms: List = List::Default(&["RS256", "ES256"]),
        /// How the client authenticates with the provider. If it is missing, the provider's
        /// metadata decides. Of OpenID Connect only.
        token_endpoint_auth_method: OneOf<AuthMethod, 2> = OneOf {
            words: [("client_secret_basic", AuthMethod::Basic), ("client_secret_post", AuthMethod::Post)],
            default: None,
        },
        /// The directory whose accounts sign in, by its id in lower case; or `organizations` or
        /// `common` for all. Of `preset = "microsoft"` only, and required there.
        directory: Text = Text::Optional,
        /// The ids of the directories whose accounts sign in; at least one. If it is missing, all
        /// of them do. Of `directory = "organizations"` or `"common"` only.
        allowed_directories: List = List::Optional,
        /// The file of the certificate authorities, in PEM, one of which must have issued the
        /// certificates of the provider's servers. Other authorities do not count for them, those
        /// of the system and of `outgoing.ca` included.
        ca: Text = Text::Optional,
        /// The URL to which the browser is sent. Of GitHub only: a GitHub Enterprise server needs
        /// all three URLs. The default is that of github.com.
        authorize_url: Text = Text::Optional,
        /// The URL at which codes are exchanged. Of GitHub only.
        token_url: Text = Text::Optional,
        /// The base URL of the API. Of GitHub only.
        api_url: Text = Text::Optional,
    }
}

/// The protocol, before the whole table is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ProtocolKind {
    Oidc(Option<Preset>),
    GitHub,
}

impl ProtocolKind {
    /// The default scopes.
    fn scopes(self) -> BTreeSet<String> {
        let scopes = match self {
            Self::Oidc(_) => ["email", "profile"],
            Self::GitHub => ["read:user", "user:email"],
        };
        scopes.map(str::to_owned).into()
    }

    /// The default display name; `None` for the provider's name.
    fn display_name(self) -> Option<&'static str> {
        match self {
            Self::Oidc(preset) => preset.map(Preset::display_name),
            Self::GitHub => Some("GitHub"),
        }
    }
}

/// Reads the client at this provider. Relative paths start at `base`.
pub(super) fn read(mut r: Reader, provider: &str, base: &Path) -> Option<ClientSettings> {
    let kind = read_kind(&mut r);
    let client_id = r.text(&KEYS.client_id);
    let client_id = not_empty(&r, &KEYS.client_id, client_id);
    let client_secret = read_secret(&mut r, base);
    let redirect_uris = read_redirect_uris(&mut r);
    let scopes = r.list(&KEYS.scopes);
    let display_name = read_display_name(&mut r);
    let authorities = outgoing::read_authorities(&mut r, &KEYS.ca, base, Authorities::only);
    let protocol = match kind {
        Some(ProtocolKind::Oidc(preset)) => read_oidc(&mut r, preset, client_id.as_deref()),
        Some(ProtocolKind::GitHub) => read_github(&mut r),
        None => {
            // The meaning of these keys depends on the protocol.
            r.skip([KEYS.issuer.name, KEYS.algorithms.name, KEYS.token_endpoint_auth_method.name]);
            r.skip([KEYS.directory.name, KEYS.allowed_directories.name]);
            r.skip([KEYS.authorize_url.name, KEYS.token_url.name, KEYS.api_url.name]);
            None
        }
    };
    if authorities.is_some() && protocol.as_ref().is_some_and(|protocol| !protocol.is_https()) {
        r.problem(KEYS.ca.name, "is for a provider that is reached over https");
    }
    r.finish(&OauthKeys::described());
    let kind = kind?;
    let mut scopes = scopes.unwrap_or_else(|| kind.scopes());
    if matches!(kind, ProtocolKind::Oidc(_)) {
        // Without this scope there would be no ID token (OpenID Connect Core §3.1.2.1).
        scopes.insert("openid".to_owned());
    }
    Some(ClientSettings {
        client_id: client_id?,
        client_secret: client_secret?,
        scopes,
        redirect_uris: redirect_uris?,
        display_name: display_name
            .unwrap_or_else(|| kind.display_name().unwrap_or(provider).to_owned()),
        protocol: protocol?,
        authorities,
    })
}

fn read_kind(r: &mut Reader) -> Option<ProtocolKind> {
    match [r.has(KEYS.preset.name), r.has(KEYS.kind.name)] {
        [true, false] => r.one_of(&KEYS.preset),
        [false, true] => r.one_of(&KEYS.kind),
        _ => {
            r.lacks(
                &[KEYS.preset.name, KEYS.kind.name],
                "exactly one of preset and kind is required: what the provider speaks",
            );
            r.skip([KEYS.preset.name, KEYS.kind.name]);
            None
        }
    }
}

fn not_empty(r: &Reader, key: &Key<Text>, text: Option<String>) -> Option<String> {
    let text = text?;
    if text.trim().is_empty() {
        r.problem(key.name, "must not be empty");
        return None;
    }
    Some(text)
}

fn read_secret(r: &mut Reader, base: &Path) -> Option<Secret> {
    match [r.has(KEYS.client_secret.name), r.has(KEYS.client_secret_file.name)] {
        [true, false] => {
            let secret = r.text(&KEYS.client_secret);
            not_empty(r, &KEYS.client_secret, secret).map(Secret::new)
        }
        [false, true] => {
            // The path is not quoted: it may be a secret that was written here by mistake.
            let secret = read_secret_file(&base.join(r.text(&KEYS.client_secret_file)?));
            let problem = |error| {
                r.problem(KEYS.client_secret_file.name, format!("names a file that {error}"));
            };
            secret.map(Secret::new).map_err(problem).ok()
        }
        _ => {
            r.lacks(
                &[KEYS.client_secret.name, KEYS.client_secret_file.name],
                "exactly one of client_secret and client_secret_file is required",
            );
            r.skip([KEYS.client_secret.name, KEYS.client_secret_file.name]);
            None
        }
    }
}

fn read_redirect_uris(r: &mut Reader) -> Option<BTreeSet<String>> {
    let uris = r.list(&KEYS.redirect_uris)?;
    if uris.is_empty() {
        r.missing(&KEYS.redirect_uris);
        return None;
    }
    // A redirect URI must not have a fragment (RFC 6749 §3.1.2).
    let is_good = |uri: &&String| {
        !uri.contains('#') && uri.parse::<Uri>().is_ok_and(|uri| is_fetchable(&uri))
    };
    let bad: Vec<&String> = uris.iter().filter(|uri| !is_good(uri)).collect();
    for uri in &bad {
        r.problem(
            KEYS.redirect_uris.name,
            format!("{uri:?} must be https, or http on this machine, without a fragment"),
        );
    }
    bad.is_empty().then_some(uris)
}

fn read_display_name(r: &mut Reader) -> Option<String> {
    r.parsed(&KEYS.display_name, |text| {
        let is_good = !text.trim().is_empty()
            && text.chars().count() <= MAX_DISPLAY_NAME
            && !text.chars().any(char::is_control);
        let form =
            || format!("must be 1 to {MAX_DISPLAY_NAME} characters without control characters");
        is_good.then(|| text.to_owned()).ok_or_else(form)
    })
}

fn read_oidc(r: &mut Reader, preset: Option<Preset>, client_id: Option<&str>) -> Option<Protocol> {
    let algorithms = read_algorithms(r);
    let auth_method = r.one_of(&KEYS.token_endpoint_auth_method);
    let issuer = match (r.text(&KEYS.issuer), preset) {
        (Some(issuer), _) => Some(issuer),
        (None, Some(preset)) => Some(preset.issuer().to_owned()),
        (None, None) => {
            r.lacks(&[KEYS.issuer.name], "is required: the iss of the provider's ID tokens");
            None
        }
    };
    // Checked before it is used, so that one problem is reported once.
    let issuer = issuer.filter(|issuer| {
        let is_good = metadata_url(issuer).is_some();
        if !is_good {
            r.problem(KEYS.issuer.name, "must be an https URL, or http on this machine");
        }
        is_good
    });
    let (rule, metadata) = match preset {
        Some(Preset::Microsoft) => read_microsoft(r, issuer?.trim_end_matches('/'))?,
        Some(Preset::Google | Preset::GitLab) | None => {
            let issuer = issuer?;
            let metadata = metadata_url(&issuer)?;
            (IssuerRule::Exactly(issuer), metadata)
        }
    };
    let rules =
        IdTokenRules { issuer: rule, client_id: client_id?.to_owned(), algorithms: algorithms? };
    Some(Protocol::Oidc { rules, metadata, preset, auth_method })
}

/// Reads a directory's id, or a word for all directories and optionally the allowed ones.
fn read_microsoft(r: &mut Reader, base: &str) -> Option<(IssuerRule, Uri)> {
    let is_id = |text: &str| {
        uuid::Uuid::try_parse(text).is_ok_and(|id| id.hyphenated().to_string() == text)
    };
    let allowed = r.list(&KEYS.allowed_directories);
    if let Some(bad) = allowed.iter().flatten().find(|directory| !is_id(directory)) {
        r.problem(
            KEYS.allowed_directories.name,
            format!("{bad:?} is not the id of a directory in lower case"),
        );
    }
    if allowed.as_ref().is_some_and(BTreeSet::is_empty) {
        r.problem(
            KEYS.allowed_directories.name,
            "must name at least one; without it all are allowed",
        );
    }
    if !r.has(KEYS.directory.name) {
        r.lacks(&[KEYS.directory.name], "is required: whose accounts sign in");
    }
    let directory = r.text(&KEYS.directory)?;
    let is_many = matches!(directory.as_str(), "common" | "organizations");
    if !is_many && !is_id(&directory) {
        r.problem(
            KEYS.directory.name,
            "must be \"organizations\", \"common\" or the id of a directory in lower case",
        );
        return None;
    }
    if !is_many && allowed.is_some() {
        r.problem(KEYS.allowed_directories.name, "are for \"organizations\" and \"common\"");
    }
    let rule = Preset::microsoft_issuer(base, &directory, allowed.unwrap_or_default());
    Some((rule, metadata_url(&format!("{base}/{directory}/v2.0"))?))
}

fn read_algorithms(r: &mut Reader) -> Option<Vec<Algorithm>> {
    let names = r.list(&KEYS.algorithms)?;
    let parsed = names.iter().map(|name| asymmetric(name));
    let algorithms: Vec<Algorithm> = parsed
        .filter_map(|parsed| {
            parsed.map_err(|problem| r.problem(KEYS.algorithms.name, problem)).ok()
        })
        .collect();
    if names.is_empty() {
        r.problem(KEYS.algorithms.name, "must name at least one");
    }
    (!names.is_empty() && algorithms.len() == names.len()).then_some(algorithms)
}

fn read_github(r: &mut Reader) -> Option<Protocol> {
    let [authorize, token, api] = GITHUB;
    let keys = [&KEYS.authorize_url, &KEYS.token_url, &KEYS.api_url];
    // People who sign in at one server must not be taken for people of another.
    if keys.iter().any(|key| r.has(key.name)) {
        for key in keys.iter().filter(|key| !r.has(key.name)) {
            r.lacks(&[key.name], "is required beside the other URLs: all three are of one server");
        }
    }
    let mut url = |key: &Key<Text>, default: &str| {
        if !r.has(key.name) {
            return default.parse().ok();
        }
        r.parsed(key, |text| {
            let url =
                text.parse::<Uri>().ok().filter(|url| is_fetchable(url) && url.query().is_none());
            url.ok_or_else(|| "must be https, or http on this machine, without a query".to_owned())
        })
    };
    let (authorize, token, api) =
        (url(&KEYS.authorize_url, authorize), url(&KEYS.token_url, token), url(&KEYS.api_url, api));
    Some(Protocol::GitHub(GitHubUrls { authorize: authorize?, token: token?, api: api? }))
}
