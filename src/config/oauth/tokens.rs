//! The `[tenants.*.providers.*.oauth.tokens]` tables: the tokens that are kept.

use super::super::{
    declare::keys,
    keys::{Flag, List},
    reader::Reader,
};
use crate::oauth::TokenSettings;

/// The longest scope, in bytes.
const MAX_SCOPE: usize = 256;

keys! {
    /// Keeps the tokens that the provider issues in flows of this service, sealed, so that services
    /// get access tokens by `GetProviderToken`. Without this table they are dropped after the
    /// sign-in.
    static KEYS: TokensKeys = "tenants.<tenant>.providers.<provider>.oauth.tokens" {
        /// The names of the `[services]` that may get the access tokens; at least one. Each also
        /// needs the scope `read:provider_tokens`.
        services: List = List::Required(": the services that may get the access tokens"),
        /// The scopes that a caller of `StartSignIn` may request beside `oauth.scopes`.
        scopes: List = List::Default(&[]),
        /// Whether flows ask the provider for a refresh token: by the scope `offline_access`; with
        /// `preset = "google"` by `access_type=offline`. Providers that issue refresh tokens of
        /// their own accord are not asked.
        offline: Flag = Flag { default: false },
    }
}

/// Whether a text is a scope (RFC 6749 §3.3).
fn is_scope(text: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (1..=MAX_SCOPE).contains(&text.len()) && text.bytes().all(is_allowed)
}

pub(super) fn read(mut r: Reader) -> Option<TokenSettings> {
    let services = r.list(&KEYS.services);
    if services.as_ref().is_some_and(std::collections::BTreeSet::is_empty) {
        r.missing(&KEYS.services);
    }
    let scopes = r.list(&KEYS.scopes).unwrap_or_default();
    for scope in scopes.iter().filter(|scope| !is_scope(scope)) {
        r.problem(KEYS.scopes.name, format!("{scope:?} is not a scope (RFC 6749 §3.3)"));
    }
    let offline = r.flag(&KEYS.offline);
    r.finish(&TokensKeys::described());
    Some(TokenSettings { services: services?, scopes, offline })
}
