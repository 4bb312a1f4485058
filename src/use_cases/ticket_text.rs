//! The texts of tickets. A text is derived from the call, so that a retry gets the same one. The
//! database stores only its hash, and stored responses are without it.

use super::RequestId;
use crate::{
    auth::Permit,
    secret::{NoRandomBytes, as_text, random_text, sha256},
    store::TenantKey,
};

/// The text of a ticket, 43 characters. It has no `Debug`, because the text is a secret.
#[derive(Clone)]
pub struct TicketText(String);

impl TicketText {
    /// The ticket of an attempt at a provider. Making it takes the state and the secret, which are
    /// not in the database, and the key, which is stored nowhere else.
    pub fn for_attempt(key: &TenantKey, state: &str, secret: &str) -> Self {
        Self(as_text(
            &key.mac("ticket of an attempt", &framed([state.as_bytes(), secret.as_bytes()])),
        ))
    }

    /// The ticket of a request with an id.
    pub fn for_request(key: &TenantKey, permit: &Permit, request_id: RequestId) -> Self {
        Self(as_text(&key.mac("ticket of a request", &request_id.digest(permit))))
    }

    /// A ticket of a request that cannot be retried.
    ///
    /// # Errors
    /// [`NoRandomBytes`].
    pub fn random() -> Result<Self, NoRandomBytes> {
        random_text().map(Self)
    }

    /// The hash under which the ticket is stored.
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }

    /// The text that the caller gets.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RequestId {
    /// The digest of a request: its caller, its id and its content.
    pub fn digest(&self, permit: &Permit) -> [u8; 32] {
        let (issuer, subject) = permit.caller().issuer_and_subject();
        let parts =
            [permit.kind().as_bytes(), issuer.as_bytes(), subject.as_bytes(), self.id.as_bytes()];
        sha256(&framed(parts.into_iter().chain([self.fingerprint.as_slice()])))
    }
}

/// Joins parts into one message, each with its length before it: no two lists of parts give the
/// same message.
fn framed<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    parts
        .into_iter()
        .flat_map(|part| part.len().to_be_bytes().into_iter().chain(part.iter().copied()))
        .collect()
}
