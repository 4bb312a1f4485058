//! Positions in the feed as clients keep them: sealed for their tenant, so that nobody makes one up, and
//! encrypted, since transaction ids count what all tenants do.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use chrono::DateTime;
use data_encoding::BASE64URL_NOPAD;

use crate::store::{Position, StoreError, TenantKey};

/// The longest position that is looked at, in bytes.
const MAX_BYTES: usize = 200;

/// The positions of one tenant.
pub(super) struct Positions(LessSafeKey);

impl Positions {
    /// Those that are sealed under this key.
    pub(super) fn of(key: &TenantKey) -> Result<Self, StoreError> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, &key.mac("feed position", b""));
        let key = key.map_err(|_| StoreError::Fault("a key of 32 bytes is none".to_owned()))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// A position as a client keeps it.
    pub(super) fn text(&self, position: Position) -> String {
        let Position { epoch, xid, ordinal, time } = position;
        let mut sealed = format!("{epoch} {xid} {ordinal} {}", time.timestamp_micros()).into_bytes();
        // Of so few bytes it does not fail; an empty position would be refused.
        match self.0.seal_in_place_append_tag(nonce(), Aad::empty(), &mut sealed) {
            Ok(()) => BASE64URL_NOPAD.encode(&sealed),
            Err(_) => String::new(),
        }
    }

    /// What a client has kept; `None` if it is none of ours.
    pub(super) fn parse(&self, text: &str) -> Option<Position> {
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
}

/// Always the same: one position is one text. That is what this mode allows (RFC 8452 §1).
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}
