//! A key set: the public keys of an issuer at one time, from its JWKS document.

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::digest::{Digest, SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey,
    jwk::{
        AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse, RSAKeyParameters,
        ThumbprintHash,
    },
};
use serde::Deserialize;
use serde_json::error::Category;

/// The accepted sizes of an RSA modulus, in bits (NIST SP 800-131A; larger ones only burn time).
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// The longest accepted RSA exponent, in bytes.
const RSA_EXPONENT: usize = 4;

/// A key, bound to the algorithms with which it is used (RFC 8725 §3.1).
#[derive(Clone)]
pub struct Key {
    /// The one algorithm that the key names. Of a key that names none (RFC 7517 §4.4), those of the
    /// issuer's algorithms that keys of its kind can sign with.
    pub algorithms: Vec<Algorithm>,
    /// The public key.
    pub key: DecodingKey,
    /// The name of the public key, whatever id it has (RFC 7638, by SHA-256): the same in each
    /// document.
    pub thumbprint: Arc<str>,
}

/// The public keys of an issuer at one time, by key id. A set is immutable: a new document makes a
/// new set.
#[derive(Clone)]
pub struct KeySet {
    by_id: HashMap<Option<String>, Vec<Key>>,
    left_out: usize,
    fingerprint: Digest,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

/// Why a document gives no key set.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    /// Not a JWKS document (RFC 7517 §5). The text has the position and the expected form, and no
    /// part of the document, which may contain private keys.
    #[error("is not a JWKS document: {0}")]
    Malformed(String),
    /// The document contains no usable key.
    #[error("holds no public key for signatures with {0}")]
    Empty(String),
}

impl KeySet {
    /// Parses a JWKS document. Keys that are not public signature keys for one of `algorithms` are
    /// left out. An `oct` key, for example, would let each reader of the document sign.
    ///
    /// # Errors
    /// [`KeySetError`] if the document does not parse or contains no usable key.
    pub fn parse(document: &[u8], algorithms: &[Algorithm]) -> Result<Self, KeySetError> {
        let entries =
            serde_json::from_slice::<Document>(document).map_err(|error| malformed(&error))?.keys;
        let mut set =
            Self { by_id: HashMap::new(), left_out: 0, fingerprint: digest(&SHA256, document) };
        // Entries are parsed one by one, so that an invalid one does not cost the others.
        for entry in entries {
            let usable = serde_json::from_value::<Jwk>(entry).ok().and_then(|jwk| {
                let key = usable(&jwk, algorithms)?;
                Some((jwk.common.key_id, key))
            });
            match usable {
                Some((id, key)) => set.by_id.entry(id).or_default().push(key),
                None => set.left_out += 1,
            }
        }
        if set.by_id.is_empty() {
            return Err(KeySetError::Empty(format!("{algorithms:?}")));
        }
        Ok(set)
    }

    /// The keys with this key id.
    pub fn named(&self, id: &str) -> &[Key] {
        self.by_id.get(&Some(id.to_owned())).map(Vec::as_slice).unwrap_or_default()
    }

    /// The key that verifies a token with this key id and algorithm. Several keys under one id (RFC
    /// 7517 §4.5) differ by algorithm. A token without an id can be verified only if exactly one
    /// key is for its algorithm.
    pub fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Key> {
        let is_for = |key: &&Key| key.algorithms.contains(&algorithm);
        match id {
            Some(id) => self.named(id).iter().find(is_for),
            None => sole(self.by_id.values().flatten().filter(is_for)),
        }
    }

    /// Whether the public key with this thumbprint is one of them, under any id.
    pub fn has(&self, thumbprint: &str) -> bool {
        self.by_id.values().flatten().any(|key| *key.thumbprint == *thumbprint)
    }

    /// The number of keys.
    #[expect(clippy::len_without_is_empty, reason = "a set without keys is not made")]
    pub fn len(&self) -> usize {
        self.by_id.values().map(Vec::len).sum()
    }

    /// The number of entries that were left out.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Whether both were read from the same document.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.fingerprint.as_ref() == other.fingerprint.as_ref()
    }
}

fn malformed(error: &serde_json::Error) -> KeySetError {
    KeySetError::Malformed(match error.classify() {
        // The text of such an error would contain the value.
        Category::Data => {
            format!(
                "expected an object with the list \"keys\" at line {} column {}",
                error.line(),
                error.column()
            )
        }
        Category::Syntax | Category::Eof | Category::Io => error.to_string(),
    })
}

fn usable(jwk: &Jwk, algorithms: &[Algorithm]) -> Option<Key> {
    let common = &jwk.common;
    let for_signatures =
        common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let may_verify = common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !for_signatures || !may_verify || !is_sound(&jwk.algorithm) {
        return None;
    }
    // A key that names an algorithm of another kind of key is not used.
    let mut fitting: Vec<Algorithm> = algorithms.to_vec();
    fitting.retain(|algorithm| fits(&jwk.algorithm, *algorithm));
    if let Some(named) = &common.key_algorithm {
        let named = Algorithm::try_from(*named).ok()?;
        fitting.retain(|algorithm| *algorithm == named);
    }
    let key = (!fitting.is_empty()).then(|| DecodingKey::from_jwk(jwk).ok())??;
    let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).ok()?.into();
    Some(Key { algorithms: fitting, key, thumbprint })
}

fn sole<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    items.next().filter(|_| items.next().is_none())
}

/// Whether a key of this kind can sign with the algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
fn fits(key: &AlgorithmParameters, algorithm: Algorithm) -> bool {
    match key {
        AlgorithmParameters::RSA(_) => algorithm.family() == AlgorithmFamily::Rsa,
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => algorithm == Algorithm::ES256,
            EllipticCurve::P384 => algorithm == Algorithm::ES384,
            _ => false,
        },
        AlgorithmParameters::OctetKeyPair(key) => {
            key.curve == EllipticCurve::Ed25519 && algorithm == Algorithm::EdDSA
        }
        _ => false,
    }
}

/// Whether a key has the form and the strength that its kind demands.
fn is_sound(key: &AlgorithmParameters) -> bool {
    let length =
        |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).map_or(0, |bytes| bytes.len());
    match key {
        AlgorithmParameters::RSA(key) => is_sound_rsa(key),
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => [length(&key.x), length(&key.y)] == [32; 2],
            EllipticCurve::P384 => [length(&key.x), length(&key.y)] == [48; 2],
            _ => false,
        },
        AlgorithmParameters::OctetKeyPair(key) => length(&key.x) == 32,
        _ => false,
    }
}

/// FIPS 186-5 §A.1.1: the exponent is odd and above 2^16. With exponent 1, signatures can be
/// forged.
fn is_sound_rsa(key: &RSAKeyParameters) -> bool {
    let number = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).ok();
    let Some((modulus, exponent)) = number(&key.n).zip(number(&key.e)) else { return false };
    let bits = |bytes: &[u8]| {
        let zeros: usize = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes
            .get(zeros)
            .map_or(0, |first| (bytes.len() - zeros) * 8 - first.leading_zeros() as usize)
    };
    let is_odd = |bytes: &[u8]| bytes.last().is_some_and(|last| last % 2 == 1);
    RSA_BITS.contains(&bits(&modulus))
        && is_odd(&modulus)
        && (17..=RSA_EXPONENT * 8).contains(&bits(&exponent))
        && is_odd(&exponent)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ALL: [Algorithm; 4] =
        [Algorithm::RS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];

    fn parse(keys: &[Value]) -> Result<KeySet, KeySetError> {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes(), &ALL)
    }

    fn ed(kid: &str) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": BASE64URL_NOPAD.encode(&[5; 32])})
    }

    fn rsa(bytes: usize, exponent: &[u8]) -> Value {
        let mut modulus = vec![0xff; bytes];
        modulus[0] = 0x80;
        json!({"kty": "RSA", "kid": "r", "n": BASE64URL_NOPAD.encode(&modulus), "e": BASE64URL_NOPAD.encode(exponent)})
    }

    #[test]
    fn a_bad_entry_removes_no_good_one() {
        let ec = |crv: &str, x: usize, y: usize| {
            let part = |bytes: usize| BASE64URL_NOPAD.encode(&vec![1; bytes]);
            json!({"kty": "EC", "crv": crv, "kid": "e", "x": part(x), "y": part(y)})
        };
        let with = |name: &str, value: Value| {
            let mut key = ed("2");
            key[name] = value;
            key
        };
        let mut padded = rsa(255, &[1, 0, 1]);
        padded["n"] = json!(BASE64URL_NOPAD.encode(&[vec![0; 8], vec![0xff; 255]].concat()));
        for bad in [
            padded,
            json!(null),
            json!(7),
            json!({}),
            json!({"kty": "future", "kid": "2"}),
            json!({"kty": "oct", "kid": "2", "k": "c2VjcmV0", "alg": "HS256"}),
            with("x", json!("not base64!")),
            with("x", json!(BASE64URL_NOPAD.encode(&[5; 31]))),
            with("use", json!("enc")),
            with("alg", json!("RS256")),
            with("alg", json!("HS256")),
            with("kid", json!(7)),
            with("crv", json!("X25519")),
            ec("P-256", 32, 31),
            ec("P-384", 32, 32),
            ec("P-521", 66, 66),
            rsa(64, &[1, 0, 1]),
            rsa(255, &[1, 0, 1]),
            rsa(1025, &[1, 0, 1]),
            rsa(256, &[1]),
            rsa(256, &[3]),
            rsa(256, &[1, 0, 0]),
            rsa(256, &[]),
            rsa(256, &[1, 0, 0, 0, 1]),
        ] {
            let set = parse(&[bad.clone(), ed("1"), bad.clone()]).unwrap();
            assert_eq!((set.len(), set.left_out()), (1, 2), "{bad}");
            assert_eq!(set.named("1").len(), 1, "{bad}");
            assert!(parse(std::slice::from_ref(&bad)).is_err(), "{bad}");
        }
        for good in [
            ec("P-256", 32, 32),
            ec("P-384", 48, 48),
            rsa(256, &[1, 0, 1]),
            rsa(1024, &[0, 1, 0, 1]),
        ] {
            assert_eq!(
                parse(std::slice::from_ref(&good)).map(|set| set.len()).ok(),
                Some(1),
                "{good}"
            );
        }
    }

    #[test]
    fn a_key_without_an_algorithm_has_those_that_fit_its_kind() {
        let key = rsa(256, &[1, 0, 1]);
        let with = |alg: &str| {
            let mut key = key.clone();
            key["alg"] = json!(alg);
            key
        };
        let both = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256];
        let parse = |key: &Value, algorithms: &[Algorithm]| {
            KeySet::parse(json!({ "keys": [key] }).to_string().as_bytes(), algorithms)
        };
        let set = parse(&key, &both).unwrap();
        for (algorithm, is_for) in [
            (Algorithm::RS256, true),
            (Algorithm::PS256, true),
            // Not in the list, of another kind of key, and symmetric.
            (Algorithm::RS384, false),
            (Algorithm::ES256, false),
            (Algorithm::HS256, false),
        ] {
            assert_eq!(set.find(Some("r"), algorithm).is_some(), is_for, "{algorithm:?}");
        }
        // A key that names its algorithm has that one alone.
        let named = parse(&with("PS256"), &both).unwrap();
        assert!(named.find(Some("r"), Algorithm::PS256).is_some());
        assert!(named.find(Some("r"), Algorithm::RS256).is_none());
        for alg in ["RS384", "ES256", "HS256", "RSA-OAEP"] {
            assert!(parse(&with(alg), &both).is_err(), "{alg}");
        }
        assert!(parse(&key, &[Algorithm::ES256]).is_err());
    }

    #[test]
    fn without_a_key_id_one_key_must_fit() {
        let found =
            |keys: &[Value], algorithm| parse(keys).unwrap().find(None, algorithm).is_some();
        let mut unnamed = ed("1");
        unnamed.as_object_mut().unwrap().remove("kid");
        for (keys, is_found) in [
            (vec![ed("1")], true),
            (vec![ed("1"), ed("2")], false),
            (vec![ed("1"), ed("1")], false),
            (vec![unnamed.clone()], true),
            (vec![unnamed, ed("1")], false),
            // The other key could not have signed the token.
            (vec![ed("1"), rsa(256, &[1, 0, 1])], true),
        ] {
            assert_eq!(found(&keys, Algorithm::EdDSA), is_found, "{keys:?}");
        }
        assert!(!found(&[ed("1")], Algorithm::ES256));
    }

    /// The example of RFC 8037 §A.3.
    #[test]
    fn a_key_has_its_thumbprint_under_any_id() {
        let mut key = ed("1");
        key["x"] = json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        let mut renamed = key.clone();
        renamed["kid"] = json!("2");
        let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert!(parse(&[ed("1"), key]).unwrap().has(thumbprint));
        assert!(parse(&[renamed]).unwrap().has(thumbprint));
        assert!(!parse(&[ed("1")]).unwrap().has(thumbprint));
        assert!(!parse(&[ed("1")]).unwrap().has(""));
    }

    #[test]
    fn the_same_document_is_the_same_set() {
        let one = parse(&[ed("1")]).unwrap();
        assert!(one.is_same_as(&parse(&[ed("1")]).unwrap()));
        assert!(!one.is_same_as(&parse(&[ed("2")]).unwrap()));
    }
}
