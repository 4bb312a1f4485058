//! The code that the targets `token` and `event` and the seeds share: the issuers of `trust/`, and tokens that
//! they sign.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
        Ed25519KeyPair, UnparsedPublicKey,
    },
};
use data_encoding::BASE64URL_NOPAD;

/// An issuer whose private key is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// `issuers.people`, with the key of RFC 8037 appendix A.1.
    People,
    /// `issuers.services`, with the key of RFC 7515 appendix A.3.
    Services,
}

const ED25519_PRIVATE: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const ED25519_PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const P256_PRIVATE: &str = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
const P256_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const P256_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

impl Signer {
    /// The signer with this `iss`.
    pub fn of(iss: &str) -> Option<Self> {
        [Self::People, Self::Services].into_iter().find(|signer| signer.iss() == iss)
    }

    /// The signer's `iss`.
    pub fn iss(self) -> &'static str {
        match self {
            Self::People => "https://people.example",
            Self::Services => "https://services.example",
        }
    }

    /// The signer's `alg`.
    pub fn alg(self) -> &'static str {
        match self {
            Self::People => "EdDSA",
            Self::Services => "ES256",
        }
    }

    /// A signed token of these two texts, valid JSON or not.
    pub fn sign(self, header: &str, claims: &str) -> String {
        let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = self.signature(signed.as_bytes());
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    /// Whether this signer signed these bytes, verified without the service's code and its JWT
    /// library.
    pub fn signed(self, bytes: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::People => {
                UnparsedPublicKey::new(&ED25519, bytes_of(ED25519_PUBLIC)).verify(bytes, signature)
            }
            Self::Services => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, p256_public())
                .verify(bytes, signature),
        }
        .is_ok()
    }

    fn signature(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::People => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(
                    &bytes_of(ED25519_PRIVATE),
                    &bytes_of(ED25519_PUBLIC),
                );
                pair.expect("the RFC's key").sign(bytes).as_ref().to_vec()
            }
            Self::Services => {
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    &bytes_of(P256_PRIVATE),
                    &p256_public(),
                );
                let signature = pair.expect("the RFC's key").sign(&SystemRandom::new(), bytes);
                signature.expect("random bytes").as_ref().to_vec()
            }
        }
    }
}

fn p256_public() -> Vec<u8> {
    // An uncompressed point (SEC 1 §2.3.3).
    [vec![4], bytes_of(P256_X), bytes_of(P256_Y)].concat()
}

fn bytes_of(base64: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(base64.as_bytes()).expect("base64url")
}

/// The token with another character at a position that depends on `choice`.
pub fn with_one_character_changed(token: &str, choice: &str) -> String {
    let sum =
        choice.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let at = sum % token.len();
    let other = if &token[at..=at] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &token[..at], &token[at + 1..])
}
