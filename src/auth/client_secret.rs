//! The secret of a client at a provider: the one that the provider issued, or a JWT that is signed
//! with the client's key, as Apple demands.

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;

use super::jwt::LEEWAY;
use crate::secret::Secret;

/// How long a signed secret is valid, in seconds. A new one is made for each exchange.
const LIFETIME: i64 = 300;

/// The secret of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientSecret {
    /// The provider issued it.
    Issued(Secret),
    /// It is signed with this key.
    Signed(SecretKey),
}

/// A key that signs secrets by ES256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretKey {
    pem: Secret,
    key_id: String,
    team_id: String,
}

/// The key does not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a private key for ES256 in PEM (PKCS #8)")]
pub struct NotASecretKey;

/// The claims of a signed secret.
#[derive(Serialize)]
struct SecretClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

impl SecretKey {
    /// A key in PEM, with the ids that the provider gave the key and the team to which it belongs.
    ///
    /// # Errors
    /// [`NotASecretKey`].
    pub fn new(pem: Secret, key_id: String, team_id: String) -> Result<Self, NotASecretKey> {
        let key = Self { pem, key_id, team_id };
        key.sign("", "", DateTime::UNIX_EPOCH)?;
        Ok(key)
    }

    fn sign(
        &self,
        client_id: &str,
        issuer: &str,
        now: DateTime<Utc>,
    ) -> Result<Secret, NotASecretKey> {
        let key = EncodingKey::from_ec_pem(self.pem.reveal().as_bytes());
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::ES256) };
        let now = now.timestamp();
        let claims = SecretClaims {
            iss: &self.team_id,
            sub: client_id,
            aud: issuer,
            // The provider's clock may be behind.
            iat: now.saturating_sub_unsigned(LEEWAY.as_secs()),
            exp: now + LIFETIME,
        };
        let signed = key.and_then(|key| encode(&header, &claims, &key));
        signed.map(Secret::new).map_err(|_| NotASecretKey)
    }
}

impl ClientSecret {
    /// The secret that the provider issued; `None` if it is signed with a key.
    pub fn issued(&self) -> Option<&Secret> {
        match self {
            Self::Issued(secret) => Some(secret),
            Self::Signed(_) => None,
        }
    }

    /// The secret by which this client authenticates now to the provider with this issuer.
    ///
    /// # Errors
    /// [`NotASecretKey`]; not for a key that has signed before.
    pub fn now(
        &self,
        client_id: &str,
        issuer: &str,
        now: DateTime<Utc>,
    ) -> Result<Secret, NotASecretKey> {
        match self {
            Self::Issued(secret) => Ok(secret.clone()),
            Self::Signed(key) => key.sign(client_id, issuer, now),
        }
    }
}
