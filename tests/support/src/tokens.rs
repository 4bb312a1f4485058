//! The issuers that the tests' servers trust, and tokens of these issuers.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::OnceLock};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair},
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use identity_link::clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto, jwk::Jwk};
use serde_json::{Value, json};

/// The audience of every token.
pub const AUDIENCE: &str = "identity-link";
/// Every scope that a user token can have.
pub const SELF_SCOPES: &str = "delete:current_user read:current_user update:current_user_identities update:current_user_metadata";
/// Every scope that a service token can have.
pub const SERVICE_SCOPES: &str = "create:users delete:users export:users import:users jobs:users read:connections read:events read:provider_tokens read:users receive:provider_events sign_in:users update:users";
/// The issuers: one per provider, one for user ids, one for services, and one whose subjects are
/// `provider|subject`.
pub const ISSUERS: [&str; 11] = [
    "google-oauth2",
    "github",
    "sms",
    "wallet",
    "myspace",
    "okta",
    "apple",
    "users",
    "services",
    "broker",
    "stranger",
];

/// Signing keys by issuer.
struct Keys(BTreeMap<&'static str, EncodingKey>);

/// The folder with the public keys.
pub fn keys_dir() -> PathBuf {
    keys();
    dir()
}

fn dir() -> PathBuf {
    super::artifacts::tmp_dir().join("issuers")
}

/// The algorithm of an issuer: one issuer for each type of key is enough.
fn algorithm(issuer: &str) -> Algorithm {
    match issuer {
        "okta" => Algorithm::RS256,
        "apple" => Algorithm::ES256,
        _ => Algorithm::EdDSA,
    }
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        fs::create_dir_all(dir()).unwrap();
        let keys = ISSUERS.map(|issuer| {
            let key = generate(algorithm(issuer));
            let jwks = json!({"keys": [public_jwk(&key, algorithm(issuer))]});
            fs::write(dir().join(format!("{issuer}.json")), jwks.to_string()).unwrap();
            (issuer, key)
        });
        Keys(BTreeMap::from(keys))
    })
}

fn generate(algorithm: Algorithm) -> EncodingKey {
    match algorithm {
        Algorithm::RS256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            let pkcs8: Pkcs8V1Der = pair.as_der().unwrap();
            EncodingKey::from_rsa_pem(pem("PRIVATE KEY", pkcs8.as_ref()).as_bytes()).unwrap()
        }
        Algorithm::ES256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
            EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref())
        }
        _ => EncodingKey::from_ed_der(
            Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap().as_ref(),
        ),
    }
}

fn public_jwk(key: &EncodingKey, algorithm: Algorithm) -> Value {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    jwk["kid"] = json!("1");
    jwk["use"] = json!("sig");
    jwk
}

/// The key that an issuer signs with.
pub fn signing_key(issuer: &str) -> &'static EncodingKey {
    &keys().0[issuer]
}

/// The only public key in an issuer's key set.
pub fn jwk(issuer: &str) -> Value {
    public_jwk(signing_key(issuer), algorithm(issuer))
}

/// A key in PEM (RFC 7468).
pub fn pem(label: &str, der: &[u8]) -> String {
    let lines: Vec<String> = der.chunks(48).map(|line| BASE64.encode(line)).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// The `iss` of an issuer.
pub fn iss(name: &str) -> String {
    format!("https://{name}.example.com")
}

/// The contents of a token, all good until a test changes them.
#[derive(Debug, Clone)]
pub struct Token {
    /// The issuer whose key signs it.
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
        let mut header = Header::new(algorithm(issuer));
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some("1".to_owned());
        let scope = if issuer == "services" { SERVICE_SCOPES } else { SELF_SCOPES };
        let claims = json!({
            "iss": iss(issuer), "sub": subject, "aud": AUDIENCE, "iat": now, "exp": now + 600,
            "scope": scope, "tenant": "default", "jti": uuid::Uuid::new_v4(),
        });
        Self { signer: issuer, header, claims }
    }

    /// The same with another value of a claim; `null` removes the claim.
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

    /// The signed token, as a client sends it.
    pub fn sign(&self) -> String {
        jsonwebtoken::encode(&self.header, &self.claims, signing_key(self.signer)).unwrap()
    }

    /// A token of these two texts, which may be invalid, with a good signature.
    pub fn sign_texts(&self, header: &str, claims: &str) -> String {
        let signed = [header, claims].map(|text| BASE64URL_NOPAD.encode(text.as_bytes())).join(".");
        let signature =
            crypto::sign(signed.as_bytes(), signing_key(self.signer), self.header.alg).unwrap();
        format!("{signed}.{signature}")
    }
}

/// The key file of the issuer of services, which a test changes.
pub struct ServiceKeys(PathBuf);

impl ServiceKeys {
    /// The file of a test, with the key of the issuer.
    pub fn of_test(name: &str) -> Self {
        let file = super::child::temp_dir(&format!("service_keys_{name}")).join("jwks.json");
        let keys = Self(file);
        keys.write(&["services"]);
        keys
    }

    /// The configuration, which names this file.
    pub fn named_in(&self, toml: &str) -> String {
        let own = keys_dir().join("services.json").display().to_string();
        let changed = toml.replace(&own, &self.0.display().to_string());
        assert_ne!(changed, toml);
        changed
    }

    /// Writes the keys of these issuers, each under its name.
    pub fn write(&self, issuers: &[&str]) {
        let keys: Vec<Value> = issuers
            .iter()
            .map(|issuer| {
                let mut key = jwk(issuer);
                key["kid"] = json!(issuer);
                key
            })
            .collect();
        fs::write(&self.0, json!({ "keys": keys }).to_string()).unwrap();
    }

    /// A token of a service, signed with the key of this issuer. If the server does not know the key
    /// yet, the token has it read the file again.
    pub fn token(&self, signer: &'static str) -> Token {
        let mut token = Token { signer, ..Token::of("services", "backend") };
        token.header.kid = Some(signer.to_owned());
        token
    }
}
