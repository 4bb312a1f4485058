//! Providers that speak OAuth 2.0 and not OpenID Connect, or not enough of it, as data: the
//! endpoints, and where the account is in the answers of their APIs. A place is an RFC 6901
//! pointer. A fact that a document states has its source, and the date on which it was read there.
//! In each of them the id is the provider's own for the account: it stays when the person changes
//! names and addresses.

use super::OfflineWay;
use crate::oauth::AuthMethod;

/// A provider that speaks OAuth 2.0 alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OAuthPreset {
    /// GitHub, or a GitHub Enterprise server.
    GitHub,
    /// Facebook.
    Facebook,
    /// Discord.
    Discord,
    /// `LinkedIn`.
    LinkedIn,
    /// X, formerly Twitter.
    X,
    /// Spotify.
    Spotify,
    /// Bitbucket Cloud.
    Bitbucket,
}

/// What is known of a provider that speaks OAuth 2.0 alone.
#[derive(Debug)]
pub struct OAuthFacts {
    /// The provider's name on a login page.
    pub display_name: &'static str,
    /// What asserts its accounts, for as long as there are any: an endpoint may move, this name may
    /// not. It is the provider's `iss` (RFC 9207), if it sends one.
    pub issuer: &'static str,
    /// The authorization endpoint.
    pub authorize: &'static str,
    /// The token endpoint.
    pub token: &'static str,
    /// The base URL of its API.
    pub api: &'static str,
    /// The scopes to request.
    pub scopes: &'static [&'static str],
    /// How the client authenticates at the token endpoint.
    pub auth_method: AuthMethod,
    /// What its documents say about codes that another person stole.
    pub codes: Codes,
    /// The parameter of the authorization request for the account that the person probably uses;
    /// `None` if it has none.
    pub hint: Option<&'static str>,
    /// Whether it takes the parameter `prompt`.
    pub takes_prompt: bool,
    /// The headers of each request to its API, `accept` among them.
    pub headers: &'static [(&'static str, &'static str)],
    /// The path and the query of the person, below the base URL.
    pub person: &'static str,
    /// Where the person's answer has the account's id.
    pub subject: Id,
    /// Where the email is.
    pub email: EmailAt,
    /// Claims of OpenID Connect, and where the person's answer has the text of each.
    pub profile: &'static [(&'static str, &'static str)],
    /// How a flow asks it for a refresh token.
    pub offline: OfflineWay,
    /// How what a person granted is taken back.
    pub revocation: Revocation,
}

/// How a client takes back what a person granted to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// The service does not: the tokens end when they expire, or when the person takes them back.
    Never,
    /// By RFC 7009, at the URL that this relative reference names beside the token endpoint.
    Beside(&'static str),
    /// By DELETE of `/applications/{client_id}/grant` below the base URL of the API
    /// (<https://docs.github.com/en/rest/apps/oauth-applications>).
    Grant,
}

/// Whether a code works in the flow for which it was issued only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codes {
    /// It does: the provider compares the verifier (RFC 7636).
    Bound,
    /// No document says so. A party that reads another person's code on its way can then sign in as
    /// that person.
    Unbound,
}

/// Where an account's id is, and its JSON type. An id of another type is refused: it may be another
/// account's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Id {
    /// A whole number, which becomes its decimal digits.
    Number(&'static str),
    /// A text.
    Text(&'static str),
}

/// Where an account's email is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailAt {
    /// In the person's answer.
    Person {
        /// Where the address is.
        email: &'static str,
        /// Whether the provider asserts that it verified the address.
        verified: Verified,
    },
    /// In a list of its own, of which the primary entry counts. The other verified ones suggest
    /// users, and are not stored.
    List {
        /// The path and the query of the list, below the base URL.
        path: &'static str,
        /// Where the answer has the entries of a page.
        entries: &'static str,
        /// Where an entry says whether it is the primary one.
        primary: &'static str,
        /// Where an entry has the address.
        email: &'static str,
        /// Where an entry says whether it is verified.
        verified: &'static str,
        /// Where the next page is.
        next: NextPage,
    },
}

/// Whether a provider asserts that it verified an email.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// Its documents do not say so: no email counts.
    Never,
    /// The place has verified addresses only.
    Always,
    /// Where there is the JSON value `true`.
    If(&'static str),
}

/// Where the URL of the next page of a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextPage {
    /// In the header `Link` (RFC 8288).
    Link,
    /// In the answer.
    At(&'static str),
}

const JSON: &[(&str, &str)] = &[("accept", "application/json")];

/// The version of the API for which this was written is a header. The email of the person's answer
/// is the public one, which need not be the person's. PKCE is enforced
/// (<https://github.blog/changelog/2025-07-14-pkce-support-for-oauth-and-github-app-authentication>,
/// read on 2026-12-02).
static GITHUB: OAuthFacts = OAuthFacts {
    display_name: "GitHub",
    issuer: "https://github.com/login/oauth",
    authorize: "https://github.com/login/oauth/authorize",
    token: "https://github.com/login/oauth/access_token",
    api: "https://api.github.com",
    scopes: &["read:user", "user:email"],
    auth_method: AuthMethod::Post,
    codes: Codes::Bound,
    hint: Some("login"),
    takes_prompt: true,
    headers: &[("accept", "application/vnd.github+json"), ("x-github-api-version", "2022-11-28")],
    person: "/user",
    subject: Id::Number("/id"),
    email: EmailAt::List {
        path: "/user/emails?per_page=100",
        entries: "",
        primary: "/primary",
        email: "/email",
        verified: "/verified",
        next: NextPage::Link,
    },
    profile: &[
        ("name", "/name"),
        ("preferred_username", "/login"),
        ("picture", "/avatar_url"),
        ("profile", "/html_url"),
    ],
    offline: OfflineWay::Unasked,
    revocation: Revocation::Grant,
};

/// <https://developers.facebook.com/documentation/facebook-login/guides/advanced/manual-flow>, read
/// on 2026-12-02. PKCE is documented for the scope `openid` alone, "still in testing" (`oidc-token`
/// beside it). No document says that Facebook verified the email. The id is the account's for this
/// app. URLs without a version never expire.
static FACEBOOK: OAuthFacts = OAuthFacts {
    display_name: "Facebook",
    issuer: "https://www.facebook.com",
    authorize: "https://www.facebook.com/dialog/oauth",
    token: "https://graph.facebook.com/oauth/access_token",
    api: "https://graph.facebook.com",
    scopes: &["email", "public_profile"],
    auth_method: AuthMethod::Post,
    codes: Codes::Unbound,
    hint: None,
    takes_prompt: false,
    headers: JSON,
    person: "/me?fields=id,name,email",
    subject: Id::Text("/id"),
    email: EmailAt::Person { email: "/email", verified: Verified::Never },
    profile: &[("name", "/name")],
    offline: OfflineWay::Unasked,
    revocation: Revocation::Never,
};

/// <https://github.com/discord/discord-api-docs>, `docs/topics/OAuth2` and `docs/resources/User`,
/// read on 2026-12-02. A code with a challenge needs its verifier
/// (<https://github.com/discord/discord-api-docs/pull/7046>,
/// <https://github.com/pilcrowonpaper/arctic/issues/167>). A revocation ends all tokens of the person
/// for the client (<https://github.com/discord/discord-api-docs/pull/7670>).
static DISCORD: OAuthFacts = OAuthFacts {
    display_name: "Discord",
    issuer: "https://discord.com",
    authorize: "https://discord.com/oauth2/authorize",
    token: "https://discord.com/api/oauth2/token",
    api: "https://discord.com/api/v10",
    scopes: &["identify", "email"],
    auth_method: AuthMethod::Basic,
    codes: Codes::Bound,
    hint: None,
    takes_prompt: true,
    headers: JSON,
    person: "/users/@me",
    subject: Id::Text("/id"),
    email: EmailAt::Person { email: "/email", verified: Verified::If("/verified") },
    profile: &[
        ("name", "/global_name"),
        ("preferred_username", "/username"),
        ("locale", "/locale"),
    ],
    offline: OfflineWay::Unasked,
    revocation: Revocation::Beside("token/revoke"),
};

/// <https://learn.microsoft.com/en-us/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2>,
/// read on 2026-12-02. `LinkedIn` has OpenID Connect, but its ID tokens have no nonce, so its
/// userinfo is used. PKCE is for apps for which `LinkedIn` enabled it. The subject is the account's
/// for this app.
static LINKEDIN: OAuthFacts = OAuthFacts {
    display_name: "LinkedIn",
    issuer: "https://www.linkedin.com/oauth",
    authorize: "https://www.linkedin.com/oauth/v2/authorization",
    token: "https://www.linkedin.com/oauth/v2/accessToken",
    api: "https://api.linkedin.com",
    scopes: &["openid", "profile", "email"],
    auth_method: AuthMethod::Post,
    codes: Codes::Unbound,
    hint: None,
    takes_prompt: false,
    headers: JSON,
    person: "/v2/userinfo",
    subject: Id::Text("/sub"),
    email: EmailAt::Person { email: "/email", verified: Verified::If("/email_verified") },
    profile: &[
        ("name", "/name"),
        ("given_name", "/given_name"),
        ("family_name", "/family_name"),
        ("picture", "/picture"),
    ],
    offline: OfflineWay::Unasked,
    revocation: Revocation::Never,
};

/// <https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code>, read on
/// 2026-12-02: PKCE is part of each flow, and clients with a secret send it by Basic.
/// `confirmed_email` has confirmed addresses only, and is missing without one
/// (<https://www.rubydoc.info/gems/omniauth-twitter2>, which repeats X's announcement of 2025-04).
static X: OAuthFacts = OAuthFacts {
    display_name: "X",
    issuer: "https://x.com",
    authorize: "https://x.com/i/oauth2/authorize",
    token: "https://api.x.com/2/oauth2/token",
    api: "https://api.x.com/2",
    // Without tweet.read, X refuses the person's answer.
    scopes: &["tweet.read", "users.read", "users.email"],
    auth_method: AuthMethod::Basic,
    codes: Codes::Bound,
    hint: None,
    takes_prompt: false,
    headers: JSON,
    person: "/users/me?user.fields=confirmed_email,profile_image_url",
    subject: Id::Text("/data/id"),
    email: EmailAt::Person { email: "/data/confirmed_email", verified: Verified::Always },
    profile: &[
        ("name", "/data/name"),
        ("preferred_username", "/data/username"),
        ("picture", "/data/profile_image_url"),
    ],
    offline: OfflineWay::Scope("offline.access"),
    revocation: Revocation::Beside("revoke"),
};

/// <https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile>: "This
/// email address is unverified; there is no proof that it actually belongs to the user"
/// (<https://hexdocs.pm/spotify_web_api/Spotify.Users.html>, which repeats it, read on 2026-12-02).
/// PKCE is for clients without a secret (<https://arcticjs.dev/providers/spotify>, read on
/// 2026-12-02).
static SPOTIFY: OAuthFacts = OAuthFacts {
    display_name: "Spotify",
    issuer: "https://accounts.spotify.com",
    authorize: "https://accounts.spotify.com/authorize",
    token: "https://accounts.spotify.com/api/token",
    api: "https://api.spotify.com/v1",
    scopes: &["user-read-email"],
    auth_method: AuthMethod::Basic,
    codes: Codes::Unbound,
    hint: None,
    takes_prompt: false,
    headers: JSON,
    person: "/me",
    subject: Id::Text("/id"),
    email: EmailAt::Person { email: "/email", verified: Verified::Never },
    profile: &[
        ("name", "/display_name"),
        ("picture", "/images/0/url"),
        ("profile", "/external_urls/spotify"),
    ],
    offline: OfflineWay::Unasked,
    revocation: Revocation::Never,
};

/// <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/>, read on 2026-12-02. No
/// document of Bitbucket has PKCE.
static BITBUCKET: OAuthFacts = OAuthFacts {
    display_name: "Bitbucket",
    issuer: "https://bitbucket.org",
    authorize: "https://bitbucket.org/site/oauth2/authorize",
    token: "https://bitbucket.org/site/oauth2/access_token",
    api: "https://api.bitbucket.org/2.0",
    scopes: &["account", "email"],
    auth_method: AuthMethod::Basic,
    codes: Codes::Unbound,
    hint: None,
    takes_prompt: false,
    headers: JSON,
    person: "/user",
    subject: Id::Text("/uuid"),
    email: EmailAt::List {
        path: "/user/emails?pagelen=100",
        entries: "/values",
        primary: "/is_primary",
        email: "/email",
        verified: "/is_confirmed",
        next: NextPage::At("/next"),
    },
    profile: &[
        ("name", "/display_name"),
        ("nickname", "/nickname"),
        ("picture", "/links/avatar/href"),
        ("profile", "/links/html/href"),
    ],
    offline: OfflineWay::Unasked,
    revocation: Revocation::Never,
};

impl OAuthPreset {
    /// What is known of the provider.
    pub fn facts(self) -> &'static OAuthFacts {
        match self {
            Self::GitHub => &GITHUB,
            Self::Facebook => &FACEBOOK,
            Self::Discord => &DISCORD,
            Self::LinkedIn => &LINKEDIN,
            Self::X => &X,
            Self::Spotify => &SPOTIFY,
            Self::Bitbucket => &BITBUCKET,
        }
    }
}
