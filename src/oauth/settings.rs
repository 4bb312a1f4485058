//! What an operator configures about a client of identity-link at a provider.

use std::collections::BTreeSet;

use http::Uri;

use super::{AuthMethod, Flow, OAuthPreset, OfflineWay, Preset, ResponseMode, SubjectRule};
use crate::{
    auth::{ClientSecret, EventSource, IdTokenRules, IssuerRule},
    outgoing::Authorities,
};

/// The settings of a client of identity-link at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSettings {
    /// The client's id at the provider.
    pub client_id: String,
    /// The secret by which the client authenticates to the provider.
    pub client_secret: ClientSecret,
    /// The scopes that a flow requests.
    pub scopes: BTreeSet<String>,
    /// The URIs to which the provider may send the browser, compared byte by byte.
    pub redirect_uris: BTreeSet<String>,
    /// The provider's name on a login page.
    pub display_name: String,
    /// The protocol that the provider speaks.
    pub protocol: Protocol,
    /// The only authorities of the provider's certificates; `None` for those of the configuration.
    pub authorities: Option<Authorities>,
    /// How the tokens of flows are kept; `None` if they are dropped.
    pub tokens: Option<TokenSettings>,
}

/// What an operator configures about the tokens of a provider that are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSettings {
    /// The services that may get the access tokens, by their names in the configuration.
    pub services: BTreeSet<String>,
    /// The scopes that a caller may add to those of each flow.
    pub scopes: BTreeSet<String>,
    /// Whether flows ask for a refresh token.
    pub offline: bool,
}

/// The protocol that a provider speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protocol {
    /// OpenID Connect.
    Oidc(OidcSettings),
    /// OAuth 2.0 alone.
    OAuth(OAuthSettings),
}

impl Protocol {
    /// Whether the provider is reached over https, so that its certificate is verified.
    pub fn is_https(&self) -> bool {
        let url = match self {
            Self::Oidc(oidc) => &oidc.metadata,
            Self::OAuth(oauth) => &oauth.token,
        };
        url.scheme_str() == Some("https")
    }

    /// Whether all accounts of the issuer are of one organisation, as far as it is known.
    pub fn has_one_directory(&self) -> bool {
        match self {
            Self::Oidc(oidc) => match &oidc.rules.issuer {
                IssuerRule::Exactly(issuer) => !Preset::is_shared(issuer),
                IssuerRule::PerDirectory { .. } => false,
            },
            Self::OAuth(_) => false,
        }
    }
}

/// What an operator configures about a provider that speaks OpenID Connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcSettings {
    /// What its ID tokens must fulfil.
    pub rules: IdTokenRules,
    /// The URL of its metadata.
    pub metadata: Uri,
    /// The provider's built-in special behaviour; `None` for a plain provider.
    pub preset: Option<Preset>,
    /// How the client authenticates at the token endpoint; `None` goes by the metadata.
    pub auth_method: Option<AuthMethod>,
    /// How the provider sends the browser back; `None` for its default.
    pub response_mode: Option<ResponseMode>,
    /// The texts that mean `true` in the claim `email_verified`.
    pub email_verified_as: BTreeSet<String>,
    /// The domains, in canonical form, in which an email counts as verified although the provider
    /// says nothing of its verification: it is the directory of the organisation that has them.
    pub own_domains: BTreeSet<String>,
    /// What becomes of tokens by which it reports events; `None` accepts none.
    pub events: Option<EventSettings>,
}

/// What becomes of tokens by which a provider reports events of its accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSettings {
    /// Whether the provider itself may send them, over HTTP.
    pub is_pushed: bool,
    /// Whether events of accounts withdraw the tokens of users.
    pub withdraws_tokens: bool,
    /// Who issues security event tokens, and for which audiences.
    pub source: EventSource,
}

/// What an operator configures about a provider that speaks OAuth 2.0 alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthSettings {
    /// The provider, or what another server speaks like.
    pub preset: OAuthPreset,
    /// The authorization endpoint.
    pub authorize: Uri,
    /// The token endpoint.
    pub token: Uri,
    /// The base URL of its API, without a slash at the end.
    pub api: Uri,
}

impl ClientSettings {
    /// The scopes that this flow requests, and the further parameters by which it asks for a refresh
    /// token.
    pub(super) fn requested(
        &self,
        flow: &Flow,
    ) -> (BTreeSet<String>, Option<(&'static str, String)>) {
        let mut scopes: BTreeSet<String> = self.scopes.union(&flow.scopes).cloned().collect();
        if !self.tokens.as_ref().is_some_and(|tokens| tokens.offline) {
            return (scopes, None);
        }
        let way = match &self.protocol {
            Protocol::Oidc(oidc) => super::presets::facts_of(oidc.preset).offline,
            Protocol::OAuth(oauth) => oauth.preset.facts().offline,
        };
        let parameter = match way {
            OfflineWay::Scope(scope) => {
                scopes.insert(scope.to_owned());
                None
            }
            OfflineWay::Parameter(name, value) => Some((name, value.to_owned())),
            OfflineWay::Unasked => None,
        };
        (scopes, parameter)
    }

    /// The issuer that asserts the accounts. With OAuth 2.0 alone, that is the preset's; of another
    /// server, its authorization endpoint without `/authorize`, which is what GitHub calls itself
    /// in its metadata (RFC 8414).
    pub fn issuer(&self) -> String {
        match &self.protocol {
            Protocol::Oidc(oidc) => oidc.rules.issuer.name().to_owned(),
            Protocol::OAuth(oauth) => {
                let facts = oauth.preset.facts();
                let authorize = oauth.authorize.to_string();
                if authorize == facts.authorize {
                    return facts.issuer.to_owned();
                }
                authorize.strip_suffix("/authorize").map(str::to_owned).unwrap_or(authorize)
            }
        }
    }

    /// What becomes of tokens that report events; `None` if none are accepted.
    pub fn events(&self) -> Option<&EventSettings> {
        match &self.protocol {
            Protocol::Oidc(oidc) => oidc.events.as_ref(),
            Protocol::OAuth(_) => None,
        }
    }

    /// The two claims by which the provider's accounts are named; `None` if that is `sub`.
    pub fn subject_claims(&self) -> Option<(&'static str, &'static str)> {
        let Protocol::Oidc(oidc) = &self.protocol else { return None };
        match oidc.preset?.facts().subject {
            SubjectRule::Sub => None,
            SubjectRule::Within(outer, inner) | SubjectRule::UuidWithinUuid(outer, inner) => {
                Some((outer, inner))
            }
        }
    }
}
