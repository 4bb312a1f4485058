//! The keys on which the verification of a token rests.

use std::sync::Arc;

use super::{AuthError, key_set::KeySet, keys::Keys};

/// The keys with which a token was verified.
#[derive(Clone)]
pub struct VerifiedBy {
    issuer_keys: Arc<Keys>,
    set: Arc<KeySet>,
}

impl std::fmt::Debug for VerifiedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("VerifiedBy").field(&self.issuer_keys).finish()
    }
}

impl VerifiedBy {
    /// These keys of an issuer.
    pub(super) fn new(issuer_keys: Arc<Keys>, set: Arc<KeySet>) -> Self {
        Self { issuer_keys, set }
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
