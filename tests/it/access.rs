//! Tests of access: tokens, keys, scopes, tenants, and paths that are no rpc.

mod credentials;
mod crossing;
mod discovery;
mod forgeries;
mod issuers;
mod keys;
pub(crate) mod matrix;
mod paths;
mod providers;
mod remembered;
mod rotation;
mod scopes;
mod subjects;
mod tenants;
mod tokens;
mod uses;
mod valid_from;

use identity_link::auth::access::TABLE;

/// The path of each rpc.
fn rpcs() -> impl Iterator<Item = &'static str> {
    assert!(TABLE.len() >= 11);
    TABLE.iter().map(|rule| rule.path)
}

/// A configuration with one more trusted issuer, whose tokens `Token::of("stranger", …)` makes.
pub(crate) fn stranger(toml: &str, settings: &str) -> String {
    let keys = crate::support::tokens::keys_dir().join("stranger.json");
    let iss = crate::support::tokens::iss("stranger");
    format!(
        "{toml}[issuers.stranger]\nissuer = \"{iss}\"\nalgorithms = [\"EdDSA\"]\njwks_file = \"{}\"\n{settings}\n",
        keys.display()
    )
}

/// The public key of the issuer `stranger`, under this key id.
pub(crate) fn stranger_jwk(kid: &str) -> serde_json::Value {
    let set = std::fs::read(crate::support::tokens::keys_dir().join("stranger.json")).unwrap();
    let mut key = serde_json::from_slice::<serde_json::Value>(&set).unwrap()["keys"][0].clone();
    key["kid"] = serde_json::json!(kid);
    key
}
