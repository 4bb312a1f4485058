//! The `[provider_tokens]` table: the keys by which the tokens of providers are sealed.

use std::{collections::BTreeMap, path::Path};

use super::{
    declare::keys,
    keys::{List, Text},
    reader::Reader,
    tenants::Tenant,
};
use crate::{
    auth::NamedService,
    domain::TenantId,
    sealing::{KeyError, KeyRing},
    secret::read_secret,
};

keys! {
    /// The keys by which the tokens of providers are sealed in the database. Required if a provider
    /// has a table `oauth.tokens`.
    static KEYS: ProviderTokensKeys = "provider_tokens" {
        /// The file of the key that seals: 32 random bytes in base64, as `openssl rand -base64 32`
        /// writes them.
        key_file: Text = Text::Required(""),
        /// The files of earlier keys, which only open. The server seals anew what they open; when
        /// `doctor` names a key no longer, its file can be left out.
        old_key_files: List = List::Default(&[]),
    }
}

/// Reads the keys. Relative paths start at `base`.
pub(super) fn read(mut r: Reader, base: &Path) -> KeyRing {
    let sealing = r.text(&KEYS.key_file);
    let old = r.list(&KEYS.old_key_files).unwrap_or_default();
    let named = sealing.into_iter().map(|file| (KEYS.key_file.name, file));
    let named = named.chain(old.into_iter().map(|file| (KEYS.old_key_files.name, file)));
    let mut texts = Vec::new();
    for (key, file) in named {
        // The path is not quoted: it may be a key that was written here by mistake.
        match read_secret(&base.join(file)) {
            Ok(text) => texts.push((key, text)),
            Err(error) => r.problem(key, format!("names a file that {error}")),
        }
    }
    let ring = KeyRing::parse(&texts.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>());
    let noted = |(at, error): &(usize, KeyError)| {
        if let Some((key, _)) = texts.get(*at) {
            r.problem(key, format!("names a file that {error}"));
        }
    };
    let ring = ring.map_err(|wrong| wrong.iter().for_each(noted)).unwrap_or_default();
    r.finish(&ProviderTokensKeys::described());
    ring
}

/// Notes providers whose tokens are kept without a key, or for services that have no name.
pub(super) fn check(
    r: &Reader,
    has_keys: bool,
    tenants: &BTreeMap<TenantId, Tenant>,
    services: &[NamedService],
) {
    for (tenant, settings) in tenants {
        for (provider, settings) in &settings.providers {
            let Some(tokens) = settings.oauth.as_ref().and_then(|client| client.tokens.as_ref())
            else {
                continue;
            };
            let path = format!("tenants.{tenant}.providers.{provider}.oauth.tokens");
            if !has_keys {
                r.problem(&path, "needs [provider_tokens] with its key_file: tokens are sealed");
            }
            let is_named = |name: &&String| services.iter().any(|known| *known.name == ***name);
            for name in tokens.services.iter().filter(|name| !is_named(name)) {
                let text = format!("{name:?} is none of the [services]");
                r.problem(&format!("{path}.services"), text);
            }
        }
    }
}
