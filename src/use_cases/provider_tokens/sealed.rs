//! Sealing and opening of tokens. What they are sealed for is their associated data: the tenant, the
//! identity and the issuer.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::super::{Error, UseCases};
use crate::{
    domain::{DomainError, IdentityRef, KeptTokens, Provider, TenantId},
    oauth::ProviderTokens,
    sealing::SealingError,
    secret::Secret,
};

/// The longest tokens that are kept, in bytes: the database takes little more.
const MAX_BYTES: usize = 32_000;

/// The tokens in the form that is sealed. No `Debug`.
#[derive(Serialize, Deserialize)]
struct Plain {
    access: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh: Option<String>,
}

/// Why tokens are not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotKept {
    /// They are too long.
    #[error("they have {0} bytes, which is too many")]
    TooLong(usize),
    /// They could not be sealed.
    #[error(transparent)]
    Sealing(#[from] SealingError),
}

fn associated(tenant: &TenantId, binding: &[u8; 32], issuer: &str) -> Vec<u8> {
    // No part but the last one has a length of its own choice, and a tenant's name has no zero byte.
    let parts: [&[u8]; 5] = [
        b"identity-link provider tokens\0",
        tenant.as_str().as_bytes(),
        b"\0",
        binding,
        issuer.as_bytes(),
    ];
    parts.concat()
}

impl UseCases {
    /// The tokens of a flow, to be kept with the account; `None` if the operator keeps none of this
    /// provider, or they cannot be kept, which is no reason to refuse the sign-in.
    pub(in crate::use_cases) fn kept(
        &self,
        tenant: &TenantId,
        identity: &IdentityRef,
        tokens: &ProviderTokens,
    ) -> Result<Option<KeptTokens>, Error> {
        let client = self.clients.get(tenant, &identity.provider);
        let Some(client) = client.filter(|client| client.settings().tokens.is_some()) else {
            return Ok(None);
        };
        match self.sealed(tenant, identity, client.settings().issuer(), tokens)? {
            Ok(kept) => Ok(Some(kept)),
            Err(why) => {
                let provider = &identity.provider;
                tracing::warn!(%tenant, %provider, %why, "the tokens of a sign-in were not kept");
                Ok(None)
            }
        }
    }

    /// Seals tokens for their identity.
    pub(super) fn sealed(
        &self,
        tenant: &TenantId,
        identity: &IdentityRef,
        issuer: String,
        tokens: &ProviderTokens,
    ) -> Result<Result<KeptTokens, NotKept>, Error> {
        let plain = Plain {
            access: tokens.access.reveal().to_owned(),
            refresh: tokens.refresh.as_ref().map(|token| token.reveal().to_owned()),
        };
        let plain = serde_json::to_vec(&plain).map_err(|error| Error::Fault(error.to_string()))?;
        if plain.len() > MAX_BYTES {
            return Ok(Err(NotKept::TooLong(plain.len())));
        }
        let binding = self.store.key(tenant)?.token_binding(identity);
        let sealed = self.token_keys.seal(&associated(tenant, &binding, &issuer), plain);
        Ok(sealed.map_err(NotKept::from).map(|sealed| KeptTokens {
            issuer,
            key_id: sealed.key_id,
            sealed: sealed.bytes,
            scopes: tokens.scopes.clone(),
            refreshable: tokens.refresh.is_some(),
            expire_time: tokens.expire_time,
        }))
    }

    /// Opens the tokens of an identity.
    ///
    /// # Errors
    /// [`DomainError::ProviderTokenGone`] if no key opens them; the log has the cause.
    pub(super) fn opened(
        &self,
        tenant: &TenantId,
        identity: &IdentityRef,
        tokens: &KeptTokens,
    ) -> Result<ProviderTokens, Error> {
        let binding = self.store.key(tenant)?.token_binding(identity);
        let KeptTokens { issuer, key_id, sealed, scopes, expire_time, .. } = tokens;
        let opened =
            self.opened_for(tenant, &identity.provider, &binding, issuer, (key_id, sealed));
        let opened = opened.ok_or(DomainError::ProviderTokenGone)?;
        Ok(ProviderTokens { scopes: scopes.clone(), expire_time: *expire_time, ..opened })
    }

    /// The same, by what binds them to their identity; `None` if no key opens them. Scopes and expiry
    /// are not sealed.
    pub(super) fn opened_for(
        &self,
        tenant: &TenantId,
        provider: &Provider,
        binding: &[u8; 32],
        issuer: &str,
        (key_id, sealed): (&str, &[u8]),
    ) -> Option<ProviderTokens> {
        let opened = self.token_keys.open(key_id, &associated(tenant, binding, issuer), sealed);
        let opened = opened.map_err(|error| error.to_string()).and_then(|bytes| {
            let plain = serde_json::from_slice::<Plain>(&bytes);
            // The error may quote them.
            plain.map_err(|_| "they do not parse".to_owned())
        });
        match opened {
            Ok(Plain { access, refresh }) => Some(ProviderTokens {
                access: Secret::new(access),
                refresh: refresh.map(Secret::new),
                scopes: BTreeSet::new(),
                expire_time: None,
            }),
            Err(why) => {
                tracing::error!(%tenant, %provider, why, "kept tokens of a provider cannot be opened");
                None
            }
        }
    }

    /// Seals some tokens of a tenant anew that an earlier key opens. Returns how many.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn reseal_some(&self, tenant: &TenantId) -> Result<usize, Error> {
        /// How many rows are read at once.
        const AT_ONCE: i64 = 100;
        let earlier: Vec<&str> = self.token_keys.ids().skip(1).collect();
        if earlier.is_empty() {
            return Ok(0);
        }
        let old = self.store.session(tenant).await?.old_seals(&earlier, AT_ONCE).await?;
        let mut done = 0;
        for (identity, tokens) in &old {
            let Ok(opened) = self.opened(tenant, identity, tokens) else { continue };
            if let Ok(new) = self.sealed(tenant, identity, tokens.issuer.clone(), &opened)? {
                let mut session = self.store.session(tenant).await?;
                let new = (new.key_id.as_str(), new.sealed.as_slice());
                done += usize::from(session.reseal(identity, &tokens.sealed, new).await?);
            }
        }
        Ok(done)
    }
}
