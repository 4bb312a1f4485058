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
    /// Issuers that several customers share.
    pub shared_issuers: &'static [&'static str],
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
    /// The claims of these that its metadata listed when this was written; empty if it lists none.
    pub listed_claims: &'static [&'static str],
    /// Whether its userinfo has claims that its ID tokens may lack.
    pub has_userinfo: bool,
    /// How a flow asks it for a refresh token.
    pub offline: OfflineWay,
}

/// How a flow asks a provider for a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfflineWay {
    /// By a scope.
    Scope(&'static str),
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
    shared_issuers: &[],
    scopes: &["email", "profile"],
    algorithms: &["RS256", "ES256"],
    auth_method: None,
    response_mode: None,
    claims: None,
    subject: SubjectRule::Sub,
    verified_by: "email_verified",
    verified_as: &[],
    listed_claims: &[],
    has_userinfo: true,
    // OpenID Connect Core §11.
    offline: OfflineWay::Scope("offline_access"),
};

/// Google issues a refresh token for `access_type=offline`, at the first consent of a person only,
/// or with `prompt=consent`
/// (<https://developers.google.com/identity/protocols/oauth2/web-server>).
static GOOGLE: Facts = Facts {
    display_name: "Google",
    issuer: Some("https://accounts.google.com"),
    offline: OfflineWay::Parameter("access_type", "offline"),
    listed_claims: &["sub", "email", "email_verified"],
    ..PLAIN
};

static GITLAB: Facts = Facts {
    display_name: "GitLab",
    issuer: Some("https://gitlab.com"),
    offline: OfflineWay::Unasked,
    listed_claims: &["sub", "email", "email_verified"],
    ..PLAIN
};

/// Microsoft's `sub` differs from client to client, and the object id in its directory names the
/// person everywhere. Each administrator of a directory can set `email`; `xms_edov` asserts that
/// the directory owns its domain. Both claims are in the ID token or nowhere.
static MICROSOFT: Facts = Facts {
    display_name: "Microsoft",
    issuer: Some("https://login.microsoftonline.com"),
    // The directory of personal accounts, and the words for several directories.
    shared_issuers: &[
        "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        "https://login.microsoftonline.com/consumers/v2.0",
        "https://login.microsoftonline.com/organizations/v2.0",
        "https://login.microsoftonline.com/common/v2.0",
    ],
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

/// <https://dev.twitch.tv/docs/authentication/getting-tokens-oidc/>, read on 2026-12-01: the email
/// and its verification are only in an ID token for which the parameter `claims` requests them.
static TWITCH: Facts = Facts {
    display_name: "Twitch",
    issuer: Some("https://id.twitch.tv/oauth2"),
    scopes: &["user:read:email"],
    auth_method: Some(AuthMethod::Post),
    listed_claims: &["sub", "email", "email_verified"],
    claims: Some(
        r#"{"id_token":{"email":null,"email_verified":null,"picture":null,"preferred_username":null}}"#,
    ),
    offline: OfflineWay::Unasked,
    ..PLAIN
};

/// <https://developers.line.biz/en/docs/line-login/verify-id-token/>, read on 2026-12-01: web
/// logins have ID tokens with HS256, although the metadata list ES256. LINE does not say whether it
/// verified an email.
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

/// <https://support.okta.com/help/s/article/how-to-return-the-email-verified-claim>, read on
/// 2026-12-02: vendors should not take `email_verified` for the person's own verification, since
/// the organisation's administrators set the address.
static OKTA: Facts = Facts { display_name: "Okta", ..PLAIN };

/// <https://auth0.com/docs/get-started/apis/scopes/openid-connect-scopes>, read on 2026-12-02.
/// `sub` is the user id with the connection in front. The issuer ends with a slash. The tenant's
/// administrators, connections and actions set `email_verified`.
static AUTH0: Facts = Facts { display_name: "Auth0", ..PLAIN };

/// `sub` is the UUID of the user in the realm. The realm's administrators set the email and mark it
/// verified, and a realm whose *Verify email* is off sends addresses that the person typed, with
/// `email_verified` false.
static KEYCLOAK: Facts = Facts { display_name: "Keycloak", ..PLAIN };

/// `sub` is the URL of the user in its organisation
/// (<https://npmjs.com/package/@solarmosaic/sf-idp-client> shows a userinfo, read on 2026-12-02),
/// so one issuer's organisations do not meet. Each administrator of an organisation sets the emails
/// of its users.
static SALESFORCE: Facts = Facts {
    display_name: "Salesforce",
    shared_issuers: &["https://login.salesforce.com", "https://test.salesforce.com"],
    ..PLAIN
};

/// As of Microsoft: the object in its tenant names the account, and no document says that `email`
/// was verified (<https://learn.microsoft.com/en-us/entra/external-id/customers/>, read on
/// 2026-12-02). The issuer is `https://TENANT-ID.ciamlogin.com/TENANT-ID/v2.0`.
static ENTRA_EXTERNAL_ID: Facts = Facts {
    display_name: "Microsoft",
    subject: SubjectRule::UuidWithinUuid("tid", "oid"),
    verified_by: "xms_edov",
    has_userinfo: false,
    ..PLAIN
};

/// <https://firebase.google.com/docs/auth/web/yahoo-oauth>, read on 2026-12-02: the permissions are
/// `profile` and `email`. No document of Yahoo's own was at hand. It has given addresses of unused
/// accounts to other people.
static YAHOO: Facts =
    Facts { display_name: "Yahoo", issuer: Some("https://api.login.yahoo.com"), ..PLAIN };

/// <https://github.com/ORCID/ORCID-Source>, `orcid-web/ORCID_AUTH_WITH_OPENID_CONNECT.md`, read on
/// 2026-12-02: `sub` is the ORCID iD, the scope `openid`, and no answer has an email.
static ORCID: Facts = Facts {
    display_name: "ORCID",
    issuer: Some("https://orcid.org"),
    scopes: &[],
    has_userinfo: false,
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
            Self::Okta => &OKTA,
            Self::Auth0 => &AUTH0,
            Self::Keycloak => &KEYCLOAK,
            Self::Salesforce => &SALESFORCE,
            Self::EntraExternalId => &ENTRA_EXTERNAL_ID,
            Self::Yahoo => &YAHOO,
            Self::Orcid => &ORCID,
        }
    }
}

/// What holds of a provider with this preset, or without one.
pub(in crate::oauth) fn facts_of(preset: Option<Preset>) -> &'static Facts {
    static NONE: Facts = PLAIN;
    preset.map_or(&NONE, Preset::facts)
}
