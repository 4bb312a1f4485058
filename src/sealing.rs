//! Sealing of what the database keeps and may not read: by AES-256-GCM, under the keys of the
//! configuration. The first key seals, and each of them opens.

use std::{fmt, sync::Arc};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use data_encoding::{BASE64, HEXLOWER};

use crate::secret::sha256;

/// How many bytes of a key's hash name it.
const ID_BYTES: usize = 8;

/// The keys of the configuration. Clones share them. `Debug` shows their ids only, and equal keys
/// have equal ids.
#[derive(Clone, Default)]
pub struct KeyRing(Arc<Vec<Key>>);

struct Key {
    id: String,
    key: RandomizedNonceKey,
}

/// Sealed bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Names the key that opens them.
    pub key_id: String,
    /// The nonce, the encrypted bytes and the tag.
    pub bytes: Vec<u8>,
}

/// Why a text is no key. It follows the name of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It has another form.
    #[error("is not a key: it must have 32 random bytes in base64")]
    Form,
    /// The ring has it already.
    #[error("has a key that another file has, too")]
    Repeated,
}

/// Why bytes are not sealed or not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealingError {
    /// The ring has no key of this id, or none at all.
    #[error("no configured key has the id {0:?}")]
    NoKey(String),
    /// They were not sealed by this key with this associated data, or have changed since.
    #[error("they do not open")]
    Closed,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl PartialEq for KeyRing {
    fn eq(&self, other: &Self) -> bool {
        self.ids().eq(other.ids())
    }
}

impl KeyRing {
    /// The ring of these keys, each 32 bytes in base64.
    ///
    /// # Errors
    /// The index of each text that is no key, or is one a second time, and why.
    pub fn parse(texts: &[&str]) -> Result<Self, Vec<(usize, KeyError)>> {
        let (mut keys, mut wrong): (Vec<Key>, _) = (Vec::new(), Vec::new());
        for (at, text) in texts.iter().enumerate() {
            match Key::parse(text) {
                Some(key) if keys.iter().any(|known| known.id == key.id) => {
                    wrong.push((at, KeyError::Repeated));
                }
                Some(key) => keys.push(key),
                None => wrong.push((at, KeyError::Form)),
            }
        }
        if wrong.is_empty() { Ok(Self(Arc::new(keys))) } else { Err(wrong) }
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ids of the keys. The first one is that of the key that seals.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.id.as_str())
    }

    /// Seals bytes. Only the same associated data opens them.
    ///
    /// # Errors
    /// [`SealingError::NoKey`] if the ring is empty; [`SealingError::Closed`] if the system gives no
    /// random bytes.
    pub fn seal(&self, associated: &[u8], mut bytes: Vec<u8>) -> Result<Sealed, SealingError> {
        let Key { id, key } = self.0.first().ok_or_else(|| SealingError::NoKey(String::new()))?;
        let nonce = key
            .seal_in_place_append_tag(Aad::from(associated), &mut bytes)
            .map_err(|_| SealingError::Closed)?;
        let bytes = [nonce.as_ref().as_slice(), &bytes].concat();
        Ok(Sealed { key_id: id.clone(), bytes })
    }

    /// Opens sealed bytes.
    ///
    /// # Errors
    /// [`SealingError`].
    pub fn open(
        &self,
        key_id: &str,
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, SealingError> {
        let key = self.0.iter().find(|key| key.id == key_id);
        let key = key.ok_or_else(|| SealingError::NoKey(key_id.to_owned()))?;
        let (nonce, bytes) = sealed.split_at_checked(NONCE_LEN).ok_or(SealingError::Closed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealingError::Closed)?;
        let mut bytes = bytes.to_vec();
        let opened = key.key.open_in_place(nonce, Aad::from(associated), &mut bytes);
        Ok(opened.map_err(|_| SealingError::Closed)?.to_vec())
    }
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.as_bytes()).ok().filter(|bytes| bytes.len() == 32)?;
        let named = sha256(&[b"identity-link sealing key\0".as_slice(), &bytes].concat());
        let id = HEXLOWER.encode(named.get(..ID_BYTES)?);
        Some(Self { id, key: RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const NEW: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    fn ring(keys: &[&str]) -> KeyRing {
        KeyRing::parse(keys).unwrap()
    }

    #[test]
    fn the_first_key_seals_and_each_key_opens() {
        let old = ring(&[OLD]).seal(b"ann", b"secret".to_vec()).unwrap();
        let rotated = ring(&[NEW, OLD]);
        let new = rotated.seal(b"ann", b"secret".to_vec()).unwrap();
        assert_ne!(old.key_id, new.key_id);
        for sealed in [&old, &new] {
            let opened = rotated.open(&sealed.key_id, b"ann", &sealed.bytes);
            assert_eq!(opened.as_deref(), Ok(b"secret".as_slice()));
        }
        let without = ring(&[NEW]).open(&old.key_id, b"ann", &old.bytes);
        assert_eq!(without, Err(SealingError::NoKey(old.key_id)));
    }

    /// A database that swaps, cuts or changes sealed bytes gets nothing opened.
    #[test]
    fn nothing_opens_in_another_place_or_after_a_change() {
        let ring = ring(&[OLD]);
        let Sealed { key_id, bytes } = ring.seal(b"ann", b"secret".to_vec()).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"secret"));
        assert_eq!(ring.open(&key_id, b"ben", &bytes), Err(SealingError::Closed));
        for length in 0..bytes.len() {
            assert_eq!(ring.open(&key_id, b"ann", &bytes[..length]), Err(SealingError::Closed));
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(ring.open(&key_id, b"ann", &changed), Err(SealingError::Closed));
        }
        assert_ne!(ring.seal(b"ann", b"secret".to_vec()).unwrap().bytes, bytes);
    }

    #[test]
    fn only_32_bytes_are_a_key_and_each_key_is_there_once() {
        let wrong = KeyRing::parse(&["", "secret", OLD, &OLD[4..], NEW, OLD]).unwrap_err();
        let forms = [0, 1, 3].map(|at| (at, KeyError::Form));
        assert_eq!(wrong, [forms.as_slice(), &[(5, KeyError::Repeated)]].concat());
        assert_eq!(
            KeyRing::default().seal(b"", Vec::new()),
            Err(SealingError::NoKey(String::new()))
        );
        assert_eq!(format!("{:?}", ring(&[OLD])).len(), ID_BYTES * 2 + 4);
    }
}
