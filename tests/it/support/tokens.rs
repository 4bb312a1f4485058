//! The issuers that the tests' servers trust, and tokens by them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use data_encoding::BASE64URL_NOPAD;
use identity_link::clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// The audience of every token.
pub const AUDIENCE: &str = "identity-link";
/// Every scope that a user token can have.
pub const SELF_SCOPES: &str =
    "delete:current_user read:current_user update:current_user_identities update:current_user_metadata";
/// Every scope that a service token can have.
pub const SERVICE_SCOPES: &str = "create:users delete:users read:users update:users";
/// The issuers: one per provider, one for user ids, one for services, and one whose subjects are
/// `provider|subject`.
pub const ISSUERS: [&str; 9] =
    ["google-oauth2", "github", "sms", "wallet", "myspace", "users", "services", "broker", "stranger"];

/// Signing keys by issuer.
struct Keys(BTreeMap<&'static str, EncodingKey>);

/// The folder with the public keys.
pub fn keys_dir() -> PathBuf {
    keys();
    dir()
}

fn dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("issuers")
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        fs::create_dir_all(dir()).unwrap();
        let keys = ISSUERS.map(|name| {
            let pkcs8 = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
            let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
            let x = BASE64URL_NOPAD.encode(pair.public_key().as_ref());
            let jwk = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "1", "x": x});
            fs::write(dir().join(format!("{name}.json")), json!({"keys": [jwk]}).to_string()).unwrap();
            (name, EncodingKey::from_ed_der(pkcs8.as_ref()))
        });
        Keys(BTreeMap::from(keys))
    })
}

/// The `iss` of an issuer.
pub fn iss(name: &str) -> String {
    format!("https://{name}.example.com")
}

/// A token to be: good in every way until it is changed.
#[derive(Debug, Clone)]
pub struct Token {
    /// Whose key signs it.
    pub signer: &'static str,
    /// Its header.
    pub header: Header,
    /// Its claims.
    pub claims: Value,
}

impl Token {
    /// A good token of an issuer, with every scope that it could have.
    pub fn of(issuer: &'static str, subject: &str) -> Self {
        let now = clock::now().timestamp();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some("1".to_owned());
        let scope = if issuer == "services" { SERVICE_SCOPES } else { SELF_SCOPES };
        let claims = json!({
            "iss": iss(issuer), "sub": subject, "aud": AUDIENCE, "iat": now, "exp": now + 600,
            "scope": scope, "tenant": "default", "jti": uuid::Uuid::new_v4(),
        });
        Self { signer: issuer, header, claims }
    }

    /// The same with another claim; `null` takes it out.
    pub fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let claims = self.claims.as_object_mut().unwrap();
        if value.is_null() {
            claims.remove(claim);
        } else {
            claims.insert(claim.to_owned(), value);
        }
        self
    }

    /// The same, issued some seconds ago.
    pub fn issued_ago(self, seconds: i64) -> Self {
        let issued = self.claims["iat"].as_i64().unwrap() - seconds;
        self.with("iat", issued)
    }

    /// The same with these scopes only.
    pub fn scope(self, scope: &str) -> Self {
        self.with("scope", scope)
    }

    /// The same in another tenant.
    pub fn tenant(self, tenant: &str) -> Self {
        self.with("tenant", tenant)
    }

    /// As it goes over the wire.
    pub fn sign(&self) -> String {
        jsonwebtoken::encode(&self.header, &self.claims, &keys().0[self.signer]).unwrap()
    }
}
