//! The `[tenants.*.providers.*.oauth]` tables: the clients of identity-link at providers.

use std::{collections::BTreeSet, fs, path::Path};

use http::Uri;
use jsonwebtoken::{Algorithm, AlgorithmFamily};

use super::reader::Reader;
use crate::{
    auth::{IdTokenRules, IssuerRule, discovery::metadata_url},
    http_client::is_fetchable,
    oauth::{AuthMethod, ClientSettings, GitHubUrls, Preset, Protocol, Secret},
};

/// The longest display name, in characters: it goes on a button.
const MAX_DISPLAY_NAME: usize = 64;
/// The endpoints of github.com.
const GITHUB: [&str; 3] = [
    "https://github.com/login/oauth/authorize",
    "https://github.com/login/oauth/access_token",
    "https://api.github.com",
];

/// The protocol, before the whole table is read.
#[derive(Clone, Copy)]
enum Speaks {
    Oidc(Option<Preset>),
    GitHub,
}

impl Speaks {
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
    let speaks = read_speaks(&mut r);
    let client_id = r.required_text("client_id");
    let client_id = not_empty(&r, "client_id", client_id);
    let client_secret = read_secret(&mut r, base);
    let redirect_uris = read_redirect_uris(&mut r);
    let scopes = r.list("scopes");
    let display_name = read_display_name(&mut r);
    let protocol = match speaks {
        Some(Speaks::Oidc(preset)) => read_oidc(&mut r, preset, client_id.as_deref()),
        Some(Speaks::GitHub) => read_github(&mut r),
        None => {
            // The meaning of these keys depends on the protocol.
            r.skip(["issuer", "algorithms", "token_endpoint_auth_method", "directory", "allowed_directories"]);
            r.skip(["authorize_url", "token_url", "api_url"]);
            None
        }
    };
    r.finish();
    let speaks = speaks?;
    let mut scopes = scopes.unwrap_or_else(|| speaks.scopes());
    if matches!(speaks, Speaks::Oidc(_)) {
        // Without this scope there would be no ID token (OpenID Connect Core §3.1.2.1).
        scopes.insert("openid".to_owned());
    }
    Some(ClientSettings {
        client_id: client_id?,
        client_secret: client_secret?,
        scopes,
        redirect_uris: redirect_uris?,
        display_name: display_name.unwrap_or_else(|| speaks.display_name().unwrap_or(provider).to_owned()),
        protocol: protocol?,
    })
}

fn read_speaks(r: &mut Reader) -> Option<Speaks> {
    let presets = [
        ("google", Speaks::Oidc(Some(Preset::Google))),
        ("gitlab", Speaks::Oidc(Some(Preset::GitLab))),
        ("microsoft", Speaks::Oidc(Some(Preset::Microsoft))),
        ("github", Speaks::GitHub),
    ];
    match [r.has("preset"), r.has("kind")] {
        [true, false] => r.one_of("preset", presets),
        [false, true] => r.one_of("kind", [("oidc", Speaks::Oidc(None)), ("github", Speaks::GitHub)]),
        _ => {
            r.problem("preset", "is required, or kind, and only one: what the provider speaks");
            r.skip(["preset", "kind"]);
            None
        }
    }
}

fn not_empty(r: &Reader, key: &str, text: Option<String>) -> Option<String> {
    let text = text?;
    if text.trim().is_empty() {
        r.problem(key, "must not be empty");
        return None;
    }
    Some(text)
}

fn read_secret(r: &mut Reader, base: &Path) -> Option<Secret> {
    match [r.has("client_secret"), r.has("client_secret_file")] {
        [true, false] => {
            let secret = r.text("client_secret");
            not_empty(r, "client_secret", secret).map(Secret::new)
        }
        [false, true] => {
            // The path is not quoted: it may be a secret that was written here by mistake.
            match fs::read_to_string(base.join(r.text("client_secret_file")?)) {
                Ok(text) if !text.trim_end().is_empty() => Some(Secret::new(text.trim_end().to_owned())),
                Ok(_) => {
                    r.problem("client_secret_file", "names a file that is empty");
                    None
                }
                Err(error) => {
                    r.problem("client_secret_file", format!("names a file that cannot be read: {error}"));
                    None
                }
            }
        }
        _ => {
            r.problem("client_secret", "is required, or client_secret_file, and only one");
            r.skip(["client_secret", "client_secret_file"]);
            None
        }
    }
}

fn read_redirect_uris(r: &mut Reader) -> Option<BTreeSet<String>> {
    let uris = r.list("redirect_uris").unwrap_or_default();
    if uris.is_empty() {
        r.problem("redirect_uris", "is required: where the provider may send the browser");
        return None;
    }
    // A redirect URI must not have a fragment (RFC 6749 §3.1.2).
    let is_good = |uri: &&String| !uri.contains('#') && uri.parse::<Uri>().is_ok_and(|uri| is_fetchable(&uri));
    let bad: Vec<&String> = uris.iter().filter(|uri| !is_good(uri)).collect();
    for uri in &bad {
        r.problem("redirect_uris", format!("{uri:?} must be https, or http on this machine, without a fragment"));
    }
    bad.is_empty().then_some(uris)
}

fn read_display_name(r: &mut Reader) -> Option<String> {
    r.parsed("display_name", |text| {
        let is_good =
            !text.trim().is_empty() && text.chars().count() <= MAX_DISPLAY_NAME && !text.chars().any(char::is_control);
        let form = || format!("must be 1 to {MAX_DISPLAY_NAME} characters, none of them for control");
        is_good.then(|| text.to_owned()).ok_or_else(form)
    })
}

fn read_oidc(r: &mut Reader, preset: Option<Preset>, client_id: Option<&str>) -> Option<Protocol> {
    let algorithms = read_algorithms(r);
    let methods = [("client_secret_basic", AuthMethod::Basic), ("client_secret_post", AuthMethod::Post)];
    let auth_method = r.one_of("token_endpoint_auth_method", methods);
    let issuer = match (r.text("issuer"), preset) {
        (Some(issuer), _) => Some(issuer),
        (None, Some(preset)) => Some(preset.issuer().to_owned()),
        (None, None) => {
            r.problem("issuer", "is required: what the provider's ID tokens call it");
            None
        }
    };
    // Checked before it is used, so that one problem is reported once.
    let issuer = issuer.filter(|issuer| {
        let is_good = metadata_url(issuer).is_some();
        if !is_good {
            r.problem("issuer", "must be an https URL, or http on this machine");
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
    let rules = IdTokenRules { issuer: rule, client_id: client_id?.to_owned(), algorithms: algorithms? };
    Some(Protocol::Oidc { rules, metadata, preset, auth_method })
}

/// Reads a directory's id, or a word for all directories and optionally the allowed ones.
fn read_microsoft(r: &mut Reader, base: &str) -> Option<(IssuerRule, Uri)> {
    let is_id = |text: &str| uuid::Uuid::try_parse(text).is_ok_and(|id| id.hyphenated().to_string() == text);
    let allowed = r.list("allowed_directories");
    if let Some(bad) = allowed.iter().flatten().find(|directory| !is_id(directory)) {
        r.problem("allowed_directories", format!("{bad:?} is not the id of a directory, in lower case"));
    }
    if allowed.as_ref().is_some_and(BTreeSet::is_empty) {
        r.problem("allowed_directories", "must name at least one; without it all are allowed");
    }
    let directory = r.required_text("directory")?;
    let is_many = matches!(directory.as_str(), "common" | "organizations");
    if !is_many && !is_id(&directory) {
        r.problem("directory", "must be the id of a directory, in lower case, \"organizations\" or \"common\"");
        return None;
    }
    if !is_many && allowed.is_some() {
        r.problem("allowed_directories", "are for \"organizations\" and \"common\"");
    }
    let rule = Preset::microsoft_issuer(base, &directory, allowed.unwrap_or_default());
    Some((rule, metadata_url(&format!("{base}/{directory}/v2.0"))?))
}

fn read_algorithms(r: &mut Reader) -> Option<Vec<Algorithm>> {
    let Some(names) = r.list("algorithms") else { return Some(vec![Algorithm::RS256, Algorithm::ES256]) };
    let mut algorithms = Vec::new();
    for name in &names {
        match name.parse::<Algorithm>() {
            Ok(algorithm) if algorithm.family() != AlgorithmFamily::Hmac => algorithms.push(algorithm),
            _ => {
                r.problem("algorithms", format!("{name:?} is not an asymmetric signature algorithm such as \"RS256\""));
            }
        }
    }
    if names.is_empty() {
        r.problem("algorithms", "must name at least one");
    }
    (!names.is_empty() && algorithms.len() == names.len()).then_some(algorithms)
}

fn read_github(r: &mut Reader) -> Option<Protocol> {
    let [authorize, token, api] = GITHUB;
    let keys = ["authorize_url", "token_url", "api_url"];
    // People who sign in at one server must not be taken for people of another.
    if keys.iter().any(|key| r.has(key)) {
        for key in keys.iter().filter(|key| !r.has(key)) {
            r.problem(key, "is required beside the others: they are of one server");
        }
    }
    let mut url = |key: &str, default: &str| {
        if !r.has(key) {
            return default.parse().ok();
        }
        r.parsed(key, |text| {
            let url = text.parse::<Uri>().ok().filter(|url| is_fetchable(url) && url.query().is_none());
            url.ok_or_else(|| "must be https, or http on this machine, without a query".to_owned())
        })
    };
    let (authorize, token, api) = (url("authorize_url", authorize), url("token_url", token), url("api_url", api));
    Some(Protocol::GitHub(GitHubUrls { authorize: authorize?, token: token?, api: api? }))
}
