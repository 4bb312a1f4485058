//! Events that a provider reports of an account: the end of its session, and what happened to the
//! account there.

use serde::{Deserialize, Serialize};

use super::Subject;

/// What a provider reports of one of its accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedEvent {
    /// The account, as the provider names it.
    pub subject: Subject,
    /// What it reports.
    pub what: ProviderEvent,
}

/// What a provider can report of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderEvent {
    /// The person signed out there (OpenID Connect Back-Channel Logout 1.0).
    Logout,
    /// Something happened to the account (OpenID RISC and CAEP).
    Account(AccountEvent),
}

/// What happened to an account at its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountEvent {
    /// It was disabled.
    Disabled,
    /// It was enabled again.
    Enabled,
    /// It was deleted for good.
    Purged,
    /// It must get another credential.
    CredentialChangeRequired,
    /// A credential of it was disclosed.
    CredentialCompromise,
    /// A credential of it was changed, added or removed.
    CredentialChange,
    /// One or all of its sessions were ended.
    SessionsRevoked,
    /// All tokens that the provider issued for it were revoked.
    TokensRevoked,
    /// The claims in its tokens have changed.
    TokenClaimsChange,
}

impl AccountEvent {
    /// The event that a type names; `None` for a type that is not known, which has no effect.
    ///
    /// Sources: OpenID RISC Profile 1.0 §2, OpenID CAEP 1.0 §3, and Google's "Cross-Account
    /// Protection" for `sessions-revoked` and `tokens-revoked`, read in 2026-12.
    pub fn of_type(uri: &str) -> Option<Self> {
        let name = uri.strip_prefix("https://schemas.openid.net/secevent/")?;
        Some(match name {
            "risc/event-type/account-disabled" => Self::Disabled,
            "risc/event-type/account-enabled" => Self::Enabled,
            "risc/event-type/account-purged" => Self::Purged,
            "risc/event-type/account-credential-change-required" => Self::CredentialChangeRequired,
            "risc/event-type/credential-compromise" => Self::CredentialCompromise,
            "caep/event-type/credential-change" => Self::CredentialChange,
            "risc/event-type/sessions-revoked" | "caep/event-type/session-revoked" => {
                Self::SessionsRevoked
            }
            "oauth/event-type/tokens-revoked" => Self::TokensRevoked,
            "caep/event-type/token-claims-change" => Self::TokenClaimsChange,
            _ => return None,
        })
    }

    /// Whether it withdraws the user's tokens, at a provider that is configured for that: another party
    /// may have the account, or the person has it no longer.
    pub fn withdraws_tokens(self) -> bool {
        match self {
            Self::Enabled | Self::TokenClaimsChange => false,
            Self::Disabled
            | Self::Purged
            | Self::CredentialChangeRequired
            | Self::CredentialCompromise
            | Self::CredentialChange
            | Self::SessionsRevoked
            | Self::TokensRevoked => true,
        }
    }

    /// Whether the tokens that the provider issued for the account work no longer, and never will.
    pub fn ends_tokens_of_provider(self) -> bool {
        match self {
            Self::Purged | Self::TokensRevoked => true,
            Self::Disabled
            | Self::Enabled
            | Self::CredentialChangeRequired
            | Self::CredentialCompromise
            | Self::CredentialChange
            | Self::SessionsRevoked
            | Self::TokenClaimsChange => false,
        }
    }
}

impl ProviderEvent {
    /// The event as text, for the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Account(AccountEvent::Disabled) => "disabled",
            Self::Account(AccountEvent::Enabled) => "enabled",
            Self::Account(AccountEvent::Purged) => "purged",
            Self::Account(AccountEvent::CredentialChangeRequired) => "credential_change_required",
            Self::Account(AccountEvent::CredentialCompromise) => "credential_compromise",
            Self::Account(AccountEvent::CredentialChange) => "credential_change",
            Self::Account(AccountEvent::SessionsRevoked) => "sessions_revoked",
            Self::Account(AccountEvent::TokensRevoked) => "tokens_revoked",
            Self::Account(AccountEvent::TokenClaimsChange) => "token_claims_change",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_known_type_is_an_event() {
        let known = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
        assert_eq!(AccountEvent::of_type(known), Some(AccountEvent::Disabled));
        for unknown in [
            "",
            "account-disabled",
            "https://schemas.openid.net/secevent/risc/event-type/account-disabled/",
            "https://schemas.openid.net/secevent/caep/event-type/account-disabled",
            "https://schemas.example.net/secevent/risc/event-type/account-disabled",
            "http://schemas.openid.net/event/backchannel-logout",
        ] {
            assert_eq!(AccountEvent::of_type(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn an_account_that_is_enabled_again_withdraws_no_tokens() {
        assert!(!AccountEvent::Enabled.withdraws_tokens());
        assert!(AccountEvent::Disabled.withdraws_tokens());
    }
}
