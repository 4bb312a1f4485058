//! The `[tenants.*.providers.*.oauth]` tables: the clients of identity-link at providers.

mod oidc;
mod secret;
#[cfg(test)]
mod tests;
pub(super) mod tokens;

use std::{collections::BTreeSet, path::Path};

use http::Uri;

use super::{
    declare::keys,
    keys::{Flag, Key, List, Nested, OneOf, Text},
    outgoing,
    reader::Reader,
};
use crate::{
    auth::ClientSecret,
    http_client::is_fetchable,
    oauth::{
        AuthMethod, ClientSettings, Codes, OAuthPreset, OAuthSettings, Preset, Protocol,
        ResponseMode,
    },
    outgoing::Authorities,
};

/// The longest display name, in characters: it goes on a button.
const MAX_DISPLAY_NAME: usize = 64;

keys! {
    /// The client of identity-link at a provider, for `StartSignIn` and `CompleteSignIn`.
    static KEYS: OauthKeys = "tenants.<tenant>.providers.<provider>.oauth" {
        /// A provider whose protocol, endpoints and peculiarities are known. What the other keys set
        /// goes before what the preset has. Exactly one of `preset` and `kind` is required.
        preset: OneOf<ProtocolKind, 22> = OneOf {
            words: [
                ("google", ProtocolKind::Oidc(Some(Preset::Google))),
                ("gitlab", ProtocolKind::Oidc(Some(Preset::GitLab))),
                ("microsoft", ProtocolKind::Oidc(Some(Preset::Microsoft))),
                ("github", ProtocolKind::OAuth(OAuthPreset::GitHub)),
                ("apple", ProtocolKind::Oidc(Some(Preset::Apple))),
                ("slack", ProtocolKind::Oidc(Some(Preset::Slack))),
                ("twitch", ProtocolKind::Oidc(Some(Preset::Twitch))),
                ("line", ProtocolKind::Oidc(Some(Preset::Line))),
                ("cognito", ProtocolKind::Oidc(Some(Preset::Cognito))),
                ("okta", ProtocolKind::Oidc(Some(Preset::Okta))),
                ("auth0", ProtocolKind::Oidc(Some(Preset::Auth0))),
                ("keycloak", ProtocolKind::Oidc(Some(Preset::Keycloak))),
                ("salesforce", ProtocolKind::Oidc(Some(Preset::Salesforce))),
                ("entra-external-id", ProtocolKind::Oidc(Some(Preset::EntraExternalId))),
                ("yahoo", ProtocolKind::Oidc(Some(Preset::Yahoo))),
                ("orcid", ProtocolKind::Oidc(Some(Preset::Orcid))),
                ("facebook", ProtocolKind::OAuth(OAuthPreset::Facebook)),
                ("discord", ProtocolKind::OAuth(OAuthPreset::Discord)),
                ("linkedin", ProtocolKind::OAuth(OAuthPreset::LinkedIn)),
                ("x", ProtocolKind::OAuth(OAuthPreset::X)),
                ("spotify", ProtocolKind::OAuth(OAuthPreset::Spotify)),
                ("bitbucket", ProtocolKind::OAuth(OAuthPreset::Bitbucket)),
            ],
            default: None,
        },
        /// The protocol of any other provider: OpenID Connect, or that of GitHub.
        kind: OneOf<ProtocolKind, 2> = OneOf {
            words: [
                ("oidc", ProtocolKind::Oidc(None)),
                ("github", ProtocolKind::OAuth(OAuthPreset::GitHub)),
            ],
            default: None,
        },
        /// The client's id, as the provider issued it.
        client_id: Text = Text::Required(""),
        /// The client's secret. Exactly one of `client_secret`, `client_secret_file` and
        /// `client_secret_key_file` is required.
        client_secret: Text = Text::Optional,
        /// The file of the client's secret; white space at its end is left out.
        client_secret_file: Text = Text::Optional,
        /// The file of the private key, in PEM, with which the client's secrets are signed: a new one
        /// for each sign-in. Of `preset = "apple"` only, together with `client_secret_key_id` and
        /// `client_secret_team_id`.
        client_secret_key_file: Text = Text::Optional,
        /// The id of that key, as Apple shows it. Of `client_secret_key_file` only.
        client_secret_key_id: Text = Text::Optional,
        /// The id of the team to which that key belongs. Of `client_secret_key_file` only.
        client_secret_team_id: Text = Text::Optional,
        /// The URIs to which the provider may send the browser, byte by byte as the client
        /// registered them there; at least one. Each is https, or http on this machine, without a
        /// fragment, and belongs to one provider of the tenant.
        redirect_uris: List = List::Required(": where the provider may send the browser"),
        /// The scopes to request. The default is the preset's, or `email` and `profile`. With OpenID
        /// Connect `openid` is always added.
        scopes: List = List::Optional,
        /// The provider's name for people, as the text of a button: 1 to 64 characters. The default
        /// is the preset's, or the provider's name.
        display_name: Text = Text::Optional,
        /// The issuer of the provider's ID tokens: an https URL, or http on this machine. Of OpenID
        /// Connect only. Required for `kind`, and for a preset of which each customer has an issuer,
        /// as of `cognito`; the default is the preset's.
        issuer: Text = Text::Optional,
        /// The algorithms of the provider's ID tokens; at least one, and none of them symmetric. The
        /// exception is `["HS256"]`, alone, for a provider that can do nothing else: it then signs
        /// with the client's secret, which needs at least 32 bytes. Such tokens count in flows of
        /// this client only, never as a caller's token or in `link_with`. Of OpenID Connect only.
        algorithms: List = List::Default(&["RS256", "ES256"]),
        /// How the client authenticates with the provider. If it is missing, the provider's
        /// metadata decides; an id or a secret that `client_secret_basic` would encode (RFC 6749
        /// §2.3.1) is then sent by `client_secret_post` if the provider takes that.
        /// `client_secret_basic_raw` is for providers that do not decode them. Of OpenID Connect
        /// only.
        token_endpoint_auth_method: OneOf<AuthMethod, 3> = OneOf {
            words: [
                ("client_secret_basic", AuthMethod::Basic),
                ("client_secret_basic_raw", AuthMethod::BasicRaw),
                ("client_secret_post", AuthMethod::Post),
            ],
            default: None,
        },
        /// How the provider sends the browser back to the redirect URI: with a query, or with a form
        /// that the browser posts there, as Apple does when `scopes` are requested. If it is
        /// missing, the provider decides. Of OpenID Connect only.
        response_mode: OneOf<ResponseMode, 2> = OneOf {
            words: [("query", ResponseMode::Query), ("form_post", ResponseMode::FormPost)],
            default: None,
        },
        /// The texts that mean `true` in the claim `email_verified`, for a provider whose documents
        /// say that it sends texts, such as `["true"]` for Apple and for Amazon Cognito's userinfo.
        /// Without them only the JSON value `true` counts. Of OpenID Connect only, and not of
        /// `preset = "microsoft"`.
        email_verified_as: List = List::Default(&[]),
        /// The audiences that ID tokens may name beside the client, whose `azp` must then be the
        /// client. List only parties that may sign in to your application in any person's name:
        /// they receive the same tokens. Of OpenID Connect only.
        trusted_audiences: List = List::Default(&[]),
        /// From where tokens are accepted by which the provider reports events of its accounts: logout
        /// tokens (OpenID Connect Back-Channel Logout) and security event tokens (RISC and CAEP). `rpc`
        /// takes them from services, by `ReceiveLogoutToken` and `ReceiveSecurityEvents`. `http` also
        /// takes what the provider itself sends to `/providers/<tenant>/<provider>/backchannel-logout` and
        /// `/providers/<tenant>/<provider>/security-events`. Of OpenID Connect only, for accounts that are
        /// named by `sub`, and not with HS256.
        events: OneOf<EventEntrance, 3> = OneOf {
            words: [
                ("off", EventEntrance::Off),
                ("rpc", EventEntrance::Rpc),
                ("http", EventEntrance::Http),
            ],
            default: Some(EventEntrance::Off),
        },
        /// What events of security event tokens do. With `report` they are in the feed only. With
        /// `withdraw_tokens`, those that concern access also withdraw the tokens of the user that has the
        /// account, all that were issued before: set it if you trust the provider with the sessions of
        /// such users at other providers too. Requires `events`.
        account_events: OneOf<bool, 2> = OneOf {
            words: [("report", false), ("withdraw_tokens", true)],
            default: Some(false),
        },
        /// The issuer of the provider's security event tokens, if it is another than that of its ID
        /// tokens. They are signed with the same keys. The default is the preset's, or the provider's
        /// `issuer`. Requires `events`.
        event_issuer: Text = Text::Optional,
        /// The audiences of security event tokens for this client, beside its id: what the provider calls
        /// the receiver. Requires `events`.
        event_audiences: List = List::Default(&[]),
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
        /// The URL to which the browser is sent. Of providers without OpenID Connect only: those of
        /// `kind = "github"` and of the presets `github`, `facebook`, `discord`, `linkedin`, `x`,
        /// `spotify` and `bitbucket`. A server of your own, such as GitHub Enterprise, needs all
        /// three URLs. The default is the preset's.
        authorize_url: Text = Text::Optional,
        /// The URL at which codes are exchanged. Of providers without OpenID Connect only.
        token_url: Text = Text::Optional,
        /// The base URL of the API. Of providers without OpenID Connect only.
        api_url: Text = Text::Optional,
        /// Whether you accept that the provider's documents do not bind a code to its flow (PKCE,
        /// RFC 7636): a party that reads another person's code on its way to your callback can then
        /// sign in as that person. Of providers without OpenID Connect only. It must be true for the
        /// presets `facebook`, `linkedin`, `spotify` and `bitbucket`, and is refused for others.
        without_pkce: Flag = Flag { default: false },
        /// The tokens that are kept.
        tokens: Nested = Nested::Optional,
    }
}

/// From where tokens that report events are accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EventEntrance {
    Off,
    Rpc,
    Http,
}

/// The protocol, before the whole table is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ProtocolKind {
    Oidc(Option<Preset>),
    OAuth(OAuthPreset),
}

impl ProtocolKind {
    /// The default scopes.
    fn scopes(self) -> BTreeSet<String> {
        let scopes = match self {
            Self::Oidc(Some(preset)) => preset.facts().scopes,
            Self::Oidc(None) => &["email", "profile"],
            Self::OAuth(preset) => preset.facts().scopes,
        };
        texts(scopes)
    }

    /// The default display name; `None` for the provider's name.
    fn display_name(self) -> Option<&'static str> {
        match self {
            Self::Oidc(preset) => preset.map(|preset| preset.facts().display_name),
            Self::OAuth(preset) => Some(preset.facts().display_name),
        }
    }
}

fn texts(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Reads the client at this provider. Relative paths start at `base`.
pub(super) fn read(mut r: Reader, provider: &str, base: &Path) -> Option<ClientSettings> {
    let kind = read_kind(&mut r);
    let client_id = r.text(&KEYS.client_id);
    let client_id = not_empty(&r, &KEYS.client_id, client_id);
    let client_secret = secret::read(&mut r, kind, base);
    let redirect_uris = read_redirect_uris(&mut r);
    let scopes = r.list(&KEYS.scopes);
    let display_name = read_display_name(&mut r);
    let authorities = outgoing::read_authorities(&mut r, &KEYS.ca, base, Authorities::only);
    let tokens = r.table(&KEYS.tokens).map(tokens::read);
    let protocol = match kind {
        Some(ProtocolKind::Oidc(preset)) => {
            let secret = client_secret.as_ref().and_then(ClientSecret::issued);
            oidc::read(&mut r, preset, client_id.as_deref(), secret)
        }
        Some(ProtocolKind::OAuth(preset)) => read_oauth(&mut r, preset),
        None => {
            // The meaning of these keys depends on the protocol.
            r.skip([KEYS.issuer.name, KEYS.algorithms.name, KEYS.token_endpoint_auth_method.name]);
            r.skip([
                KEYS.response_mode.name,
                KEYS.email_verified_as.name,
                KEYS.trusted_audiences.name,
            ]);
            r.skip([KEYS.events.name, KEYS.account_events.name, KEYS.event_issuer.name]);
            r.skip([KEYS.event_audiences.name]);
            r.skip([KEYS.directory.name, KEYS.allowed_directories.name]);
            r.skip([KEYS.authorize_url.name, KEYS.token_url.name, KEYS.api_url.name]);
            r.skip([KEYS.without_pkce.name]);
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
        tokens: tokens.flatten(),
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

fn read_oauth(r: &mut Reader, preset: OAuthPreset) -> Option<Protocol> {
    let facts = preset.facts();
    let (authorize, token, api) = (facts.authorize, facts.token, facts.api);
    match (facts.codes, r.flag(&KEYS.without_pkce)) {
        (Codes::Bound, false) | (Codes::Unbound, true) => {}
        (Codes::Bound, true) => {
            r.problem(KEYS.without_pkce.name, "is not for this provider, which binds codes by PKCE");
        }
        (Codes::Unbound, false) => r.lacks(
            &[KEYS.without_pkce.name],
            "must be true to accept that this provider binds no code to its flow: a party that reads another person's \
             code on its way to your callback can sign in as that person",
        ),
    }
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
    Some(Protocol::OAuth(OAuthSettings { preset, authorize: authorize?, token: token?, api: api? }))
}
