//! The signature algorithms that an operator can name.

use jsonwebtoken::{Algorithm, AlgorithmFamily};

use super::problem::did_you_mean;

/// Whether this is the name of the symmetric algorithm that a provider may sign with in flows of
/// identity-link's client (OpenID Connect Core §10.1).
pub(super) fn is_hs256(name: &str) -> bool {
    name == "HS256"
}

/// The asymmetric algorithm of this name.
///
/// # Errors
/// What is wrong with the name, and what may be meant.
pub(super) fn asymmetric(name: &str) -> Result<Algorithm, String> {
    const KNOWN: [&str; 9] =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];
    match name.parse::<Algorithm>() {
        Ok(algorithm) if algorithm.family() == AlgorithmFamily::Hmac => {
            Err(format!("{name} is symmetric: each party that can verify could also sign"))
        }
        Ok(algorithm) => Ok(algorithm),
        Err(_) => Err(format!(
            "{name:?} is not a signature algorithm such as \"RS256\"{}",
            did_you_mean(name, KNOWN)
        )),
    }
}
