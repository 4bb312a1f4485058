//! The keys on which the verification of a token rests.

use std::sync::Arc;

use super::{AuthError, jwt::UsedKey, key_set::KeySet, keys::Keys};

/// The keys with which a token was verified.
#[derive(Clone)]
pub struct VerifiedBy {
    issuer_keys: Arc<Keys>,
    set: Arc<KeySet>,
    thumbprint: Arc<str>,
}

impl std::fmt::Debug for VerifiedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("VerifiedBy").field(&self.issuer_keys).finish()
    }
}

impl VerifiedBy {
    /// These keys of an issuer, of which one was used.
    pub(super) fn new(issuer_keys: Arc<Keys>, UsedKey { set, thumbprint }: UsedKey) -> Self {
        Self { issuer_keys, set, thumbprint }
    }

    /// The thumbprint of the key that was used (RFC 7638).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Whether the issuer still has the same keys.
    ///
    /// # Errors
    /// [`AuthError::KeysUnavailable`] if they are too old.
    pub(super) fn is_current(&self) -> Result<bool, AuthError> {
        Ok(Arc::ptr_eq(&self.issuer_keys.current()?, &self.set))
    }

    /// Waits until the issuer has other keys. The one that signed the token may be gone.
    pub async fn replaced(self) {
        self.issuer_keys.replaced(&self.set).await;
    }
}
