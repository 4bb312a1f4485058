//! What is special about widely used providers, as data. A fact that a document of the provider
//! states has its source, and the date on which it was read there. What is not here is as OpenID
//! Connect has it.

use super::{AuthMethod, Preset, ResponseMode};

/// What is special about a provider.
#[derive(Debug)]
pub struct Facts {
    /// The provider's name on a login page.
    pub display_name: &'static str,
    /// Its issuer; `None` where each customer has one. For Microsoft, the part with which all its
    /// issuers begin.
    pub issuer: Option<&'static str>,
    /// The scopes to request, beside `openid`.
    pub scopes: &'static [&'static str],
    /// The algorithms of its ID tokens.
    pub algorithms: &'static [&'static str],
    /// How the client authenticates; `None` goes by the metadata.
    pub auth_method: Option<AuthMethod>,
    /// How it sends the browser back; `None` for its default.
    pub response_mode: Option<ResponseMode>,
    /// The parameter `claims` of the authorization request (OpenID Connect Core §5.5).
    pub claims: Option<&'static str>,
    /// What names an account for good.
    pub subject: SubjectRule,
    /// The claim by which it asserts that it verified the email.
    pub verified_by: &'static str,
    /// The texts that mean `true` in that claim.
    pub verified_as: &'static [&'static str],
    /// Whether its userinfo has claims that its ID tokens may lack.
    pub has_userinfo: bool,
    /// How a flow asks it for a refresh token.
    pub offline: OfflineWay,
}

/// How a flow asks a provider for a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfflineWay {
    /// By the scope `offline_access` (OpenID Connect Core §11).
    Scope,
    /// By a parameter of the authorization request.
    Parameter(&'static str, &'static str),
    /// Not at all: the provider decides, and may refuse a scope that it does not know.
    Unasked,
}

/// What names an account for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectRule {
    /// The claim `sub`.
    Sub,
    /// Two claims, joined by a slash: the second alone is unique within the first only.
    Within(&'static str, &'static str),
    /// The same, both of them UUIDs in lower case.
    UuidWithinUuid(&'static str, &'static str),
}

/// A provider as OpenID Connect has it.
const PLAIN: Facts = Facts {
    display_name: "",
    issuer: None,
    scopes: &["email", "profile"],
    algorithms: &["RS256", "ES256"],
    auth_method: None,
    response_mode: None,
    claims: None,
    subject: SubjectRule::Sub,
    verified_by: "email_verified",
    verified_as: &[],
    has_userinfo: true,
    offline: OfflineWay::Scope,
};

/// Google issues a refresh token for `access_type=offline`, at the first consent of a person only,
/// or with `prompt=consent`
/// (<https://developers.google.com/identity/protocols/oauth2/web-server>).
static GOOGLE: Facts = Facts {
    display_name: "Google",
    issuer: Some("https://accounts.google.com"),
    offline: OfflineWay::Parameter("access_type", "offline"),
    ..PLAIN
};

static GITLAB: Facts = Facts {
    display_name: "GitLab",
    issuer: Some("https://gitlab.com"),
    offline: OfflineWay::Unasked,
    ..PLAIN
};

/// Microsoft's `sub` differs from client to client, and the object id in its directory names the person
/// everywhere. Each administrator of a directory can set `email`; `xms_edov` asserts that the
/// directory owns its domain. Both claims are in the ID token or nowhere.
static MICROSOFT: Facts = Facts {
    display_name: "Microsoft",
    issuer: Some("https://login.microsoftonline.com"),
    subject: SubjectRule::UuidWithinUuid("tid", "oid"),
    verified_by: "xms_edov",
    has_userinfo: false,
    ..PLAIN
};

/// `email_verified` is a string or a boolean (<https://authjs.dev/reference/core/providers/apple>,
/// which repeats Apple's reference, read on 2026-12-01). Apple demands `form_post` with any scope,
/// sends the name once, in the posted form, and has no userinfo endpoint.
static APPLE: Facts = Facts {
    display_name: "Apple",
    issuer: Some("https://appleid.apple.com"),
    scopes: &["email", "name"],
    auth_method: Some(AuthMethod::Post),
    response_mode: Some(ResponseMode::FormPost),
    verified_as: &["true"],
    has_userinfo: false,
    offline: OfflineWay::Unasked,
    ..PLAIN
};

/// A user id may be local to its workspace: `migration.exchange` of Slack's API maps such ids to
/// global ones (<https://docs.rs/slack-chat-api>, read on 2026-12-01).
static SLACK: Facts = Facts {
    display_name: "Slack",
    issuer: Some("https://slack.com"),
    subject: SubjectRule::Within("https://slack.com/team_id", "https://slack.com/user_id"),
    offline: OfflineWay::Unasked,
    ..PLAIN
};

/// <https://dev.twitch.tv/docs/authentication/getting-tokens-oidc/>, read on 2026-12-01: the email and its
/// verification are only in an ID token for which the parameter `claims` requests them.
static TWITCH: Facts = Facts {
    display_name: "Twitch",
    issuer: Some("https://id.twitch.tv/oauth2"),
    scopes: &["user:read:email"],
    auth_method: Some(AuthMethod::Post),
    claims: Some(
        r#"{"id_token":{"email":null,"email_verified":null,"picture":null,"preferred_username":null}}"#,
    ),
    offline: OfflineWay::Unasked,
    ..PLAIN
};

/// <https://developers.line.biz/en/docs/line-login/verify-id-token/>, read on 2026-12-01: web logins
/// have ID tokens with HS256, although the metadata list ES256. LINE does not say whether it verified an
/// email.
static LINE: Facts = Facts {
    display_name: "LINE",
    issuer: Some("https://access.line.me"),
    algorithms: &["HS256"],
    auth_method: Some(AuthMethod::Post),
    offline: OfflineWay::Unasked,
    ..PLAIN
};

/// <https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html>, read on
/// 2026-12-01: userinfo has `email_verified` as a string.
static COGNITO: Facts = Facts {
    display_name: "Cognito",
    verified_as: &["true"],
    offline: OfflineWay::Unasked,
    ..PLAIN
};

impl Preset {
    /// What is special about the provider.
    pub fn facts(self) -> &'static Facts {
        match self {
            Self::Google => &GOOGLE,
            Self::GitLab => &GITLAB,
            Self::Microsoft => &MICROSOFT,
            Self::Apple => &APPLE,
            Self::Slack => &SLACK,
            Self::Twitch => &TWITCH,
            Self::Line => &LINE,
            Self::Cognito => &COGNITO,
        }
    }
}

/// What holds of a provider with this preset, or without one.
pub(in crate::oauth) fn facts_of(preset: Option<Preset>) -> &'static Facts {
    static NONE: Facts = PLAIN;
    preset.map_or(&NONE, Preset::facts)
}
