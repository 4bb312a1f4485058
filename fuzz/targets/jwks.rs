//! JWKS documents: a key is accepted only if its document offers it for verifying signatures by one
//! of the issuer's algorithms.
#![no_main]

use std::collections::BTreeSet;

use data_encoding::BASE64URL_NOPAD;
use identity_link::auth::key_set::{Key, KeySet};
use jsonwebtoken::{Algorithm, AlgorithmFamily};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

fuzz_target!(|document: &[u8]| {
    let Ok(set) = KeySet::parse(document, &ALGORITHMS) else { return };
    let document: Value = serde_json::from_slice(document).expect("a key set is JSON");
    let entries = document["keys"].as_array().expect("a key set has keys");
    assert_eq!(set.len() + set.left_out(), entries.len());

    let mut found = 0;
    let ids: BTreeSet<&str> = entries.iter().filter_map(|entry| entry["kid"].as_str()).collect();
    for id in &ids {
        let named: Vec<&Value> = entries.iter().filter(|entry| entry["kid"] == *id).collect();
        let keys = set.named(id);
        for key in keys {
            let is_offered =
                |algorithm: &Algorithm| named.iter().any(|entry| offers(entry, key, *algorithm));
            assert!(!key.algorithms.is_empty() && key.algorithms.iter().all(is_offered), "{id:?}");
        }
        found += keys.len();
    }
    // Without an id there is no choice: the key that is found is the only one for its algorithm.
    for algorithm in ALGORITHMS {
        let usable = ids.iter().flat_map(|id| set.named(id));
        let fitting = usable.filter(|key| key.algorithms.contains(&algorithm)).count();
        if let Some(key) = set.find(None, algorithm) {
            assert!(fitting <= 1 && entries.iter().any(|entry| offers(entry, key, algorithm)));
        }
    }
    assert!(set.find(None, Algorithm::HS256).is_none());
    assert!(found <= set.len());
    assert!(ids.contains("unknown") || set.named("unknown").is_empty());
});

/// Whether an entry may have become this key for this algorithm: written from RFC 7517 and 7518, not
/// from the service's code.
fn offers(entry: &Value, key: &Key, algorithm: Algorithm) -> bool {
    let family = match entry["kty"].as_str() {
        Some("RSA") => AlgorithmFamily::Rsa,
        Some("EC") => AlgorithmFamily::Ec,
        Some("OKP") => AlgorithmFamily::Ed,
        // Above all not `oct`: each reader of the document could sign with it.
        _ => return false,
    };
    let names = format!("{algorithm:?}");
    let curve = match algorithm {
        Algorithm::ES256 => Some("P-256"),
        Algorithm::EdDSA => Some("Ed25519"),
        _ => None,
    };
    ALGORITHMS.contains(&algorithm)
        && (family != AlgorithmFamily::Rsa || is_strong(entry))
        && algorithm.family() == family
        && key.key.family() == family
        && curve.is_none_or(|curve| entry["crv"] == curve)
        && entry.get("use").is_none_or(|usage| usage.is_null() || usage == "sig")
        && entry.get("alg").is_none_or(|alg| alg.is_null() || *alg == names.as_str())
        && entry.get("key_ops").is_none_or(|operations| {
            operations.is_null()
                || operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"))
        })
}

/// At least 2048 bits (RFC 7518 §3.3), and no exponent for which a signature is easily forged.
fn is_strong(rsa: &Value) -> bool {
    let bits = |name: &str| {
        let bytes = BASE64URL_NOPAD.decode(rsa[name].as_str()?.as_bytes()).ok()?;
        let first = bytes.iter().position(|byte| *byte != 0)?;
        Some(8 * (bytes.len() - first) - bytes[first].leading_zeros() as usize)
    };
    bits("n").is_some_and(|bits| bits >= 2048) && bits("e").is_some_and(|bits| bits > 16)
}
