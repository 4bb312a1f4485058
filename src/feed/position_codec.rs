//! The text form of positions in the feed. It is authenticated for its tenant, so that no client
//! can forge one, and encrypted, because transaction ids count the writes of all tenants.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use chrono::DateTime;
use data_encoding::BASE64URL_NOPAD;

use crate::{
    domain::DomainError,
    store::{Position, StoreError, TenantKey},
};

/// The longest text that is decoded, in bytes.
const MAX_BYTES: usize = 200;

/// The encoder and decoder of one tenant's positions.
pub struct PositionCodec(LessSafeKey);

impl PositionCodec {
    /// The codec under this key.
    ///
    /// # Errors
    /// [`StoreError::Fault`] if no cipher can be made of the key.
    pub fn new(key: &TenantKey) -> Result<Self, StoreError> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, &key.mac("feed position", b""));
        let key =
            key.map_err(|_| StoreError::Fault("a key of 32 bytes was not accepted".to_owned()))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// The text of a position.
    pub fn text(&self, position: Position) -> String {
        let Position { epoch, xid, ordinal, time } = position;
        let mut sealed =
            format!("{epoch} {xid} {ordinal} {}", time.timestamp_micros()).into_bytes();
        // Sealing so few bytes does not fail; the server would refuse an empty position.
        match self.0.seal_in_place_append_tag(nonce(), Aad::empty(), &mut sealed) {
            Ok(()) => BASE64URL_NOPAD.encode(&sealed),
            Err(_) => String::new(),
        }
    }

    /// The position of a text; `None` if it was not made here, or for another tenant.
    pub fn parse(&self, text: &str) -> Option<Position> {
        let text = Some(text).filter(|text| text.len() <= MAX_BYTES)?;
        let mut sealed = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let opened = self.0.open_in_place(nonce(), Aad::empty(), &mut sealed).ok()?;
        let mut parts = std::str::from_utf8(opened).ok()?.split(' ');
        let epoch = parts.next()?.parse().ok()?;
        let xid = parts.next()?.parse().ok()?;
        let ordinal = parts.next()?.parse().ok()?;
        let time = DateTime::from_timestamp_micros(parts.next()?.parse().ok()?)?;
        Some(Position { epoch, xid, ordinal, time })
    }

    /// The refusal of a position after which events were removed; after `oldest` all are kept.
    pub fn expired(&self, oldest: Position) -> DomainError {
        DomainError::PositionExpired { oldest: self.text(oldest) }
    }
}

/// A constant nonce: one position has one text. AES-GCM-SIV allows that (RFC 8452 §1).
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}
