//! The texts of tickets. They are made of what the call brought, so that a retry is given the same one; the database
//! has their hashes only, and answers are kept without them.

use super::RequestId;
use crate::{
    auth::Permit,
    secret::{NoRandomBytes, as_text, random_text, sha256},
    store::TenantKey,
};

/// The text of a ticket, 43 characters. No `Debug`: who has it may use it.
#[derive(Clone)]
pub struct TicketText(String);

impl TicketText {
    /// The ticket of an attempt at a provider. Neither state nor secret is in the database, and the key is nowhere else:
    /// it takes both to make it.
    pub fn of_attempt(key: &TenantKey, state: &str, secret: &str) -> Self {
        Self(as_text(&key.mac("ticket of an attempt", &framed([state.as_bytes(), secret.as_bytes()]))))
    }

    /// The ticket of a request that carries an id.
    pub fn of_request(key: &TenantKey, permit: &Permit, request_id: RequestId) -> Self {
        Self(as_text(&key.mac("ticket of a request", &request_id.digest(permit))))
    }

    /// A ticket of a request that nobody can make again.
    pub fn random() -> Result<Self, NoRandomBytes> {
        random_text().map(Self)
    }

    /// What it is found by.
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }

    /// As its bearer is given it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RequestId {
    /// Stands for the whole request: who makes it, under which id, and what it asks for.
    pub fn digest(&self, permit: &Permit) -> [u8; 32] {
        let (issuer, subject) = permit.caller().issuer_and_subject();
        let parts = [permit.kind().as_bytes(), issuer.as_bytes(), subject.as_bytes(), self.id.as_bytes()];
        sha256(&framed(parts.into_iter().chain([self.fingerprint.as_slice()])))
    }
}

/// Parts in one message, each behind its length: no two lists of parts are the same message.
fn framed<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    parts.into_iter().flat_map(|part| part.len().to_be_bytes().into_iter().chain(part.iter().copied())).collect()
}
