//! The keys of one issuer: a snapshot that verification reads, and a task that renews it.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, RwLock},
    time::Duration,
};

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey,
    jwk::{AlgorithmParameters, Jwk, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{Denial, KeySource};
use crate::http_client::HttpClient;

/// How often keys are read again.
const REFRESH: Duration = Duration::from_secs(300);
/// How soon again while there are none.
const RETRY: Duration = Duration::from_secs(10);

/// A key, bound to the one algorithm that it is used with (RFC 8725 §3.1).
#[derive(Clone)]
pub struct Key {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The public key.
    pub key: DecodingKey,
}

/// The keys of an issuer at one time, by key id.
#[derive(Clone, Default)]
pub struct KeySet {
    by_id: HashMap<String, Key>,
    unnamed: Vec<Key>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

/// Why a document is no key set.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    /// Not a JWKS document (RFC 7517 §5).
    #[error("is not a JWKS document: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It holds no key that could be used.
    #[error("holds no public key for signatures with {0}")]
    Empty(String),
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
}

impl KeySet {
    /// Reads a JWKS document. Keys that are not public signature keys for one of `algorithms` are
    /// left out: an `oct` key among them would let anybody sign who can read the document.
    pub fn parse(document: &[u8], algorithms: &[Algorithm]) -> Result<Self, KeySetError> {
        let document: Document = serde_json::from_slice(document)?;
        let mut set = Self::default();
        // Entry by entry: one that does not parse must not cost the others.
        for entry in document.keys {
            let Ok(jwk) = serde_json::from_value(entry) else { continue };
            if let Some((id, key)) = usable(&jwk, algorithms) {
                match id {
                    Some(id) => drop(set.by_id.insert(id, key)),
                    None => set.unnamed.push(key),
                }
            }
        }
        if set.by_id.is_empty() && set.unnamed.is_empty() {
            return Err(KeySetError::Empty(format!("{algorithms:?}")));
        }
        Ok(set)
    }

    /// The key with this id. A token without a key id is verified only if there is just one key.
    pub fn find(&self, id: Option<&str>) -> Option<&Key> {
        match id {
            Some(id) => self.by_id.get(id),
            None if self.by_id.len() + self.unnamed.len() == 1 => self.by_id.values().chain(&self.unnamed).next(),
            None => None,
        }
    }
}

fn usable(jwk: &Jwk, algorithms: &[Algorithm]) -> Option<(Option<String>, Key)> {
    let common = &jwk.common;
    let for_signatures = common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let may_verify =
        common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !for_signatures || !may_verify || matches!(jwk.algorithm, AlgorithmParameters::OctetKey(_)) {
        return None;
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    let algorithm = match &common.key_algorithm {
        Some(named) => Algorithm::try_from(*named).ok().filter(|algorithm| algorithms.contains(algorithm))?,
        None => sole_algorithm(jwk, algorithms)?,
    };
    (key.family() == algorithm.family()).then(|| (common.key_id.clone(), Key { algorithm, key }))
}

/// The algorithm of a key that does not name one: the only one of the issuer's that fits it.
fn sole_algorithm(jwk: &Jwk, algorithms: &[Algorithm]) -> Option<Algorithm> {
    use jsonwebtoken::jwk::EllipticCurve as Curve;
    let fits = |algorithm: &&Algorithm| match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => algorithm.family() == AlgorithmFamily::Rsa,
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            Curve::P256 => **algorithm == Algorithm::ES256,
            Curve::P384 => **algorithm == Algorithm::ES384,
            _ => false,
        },
        AlgorithmParameters::OctetKeyPair(key) => key.curve == Curve::Ed25519 && **algorithm == Algorithm::EdDSA,
        _ => false,
    };
    let mut fitting = algorithms.iter().filter(fits);
    fitting.next().filter(|_| fitting.next().is_none()).copied()
}

/// The keys of one issuer, as they are now.
pub struct Keys {
    source: KeySource,
    algorithms: Vec<Algorithm>,
    snapshot: RwLock<Option<Arc<KeySet>>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Keys {
    /// Keys that have not been had yet.
    pub fn new(source: KeySource, algorithms: Vec<Algorithm>) -> Self {
        Self { source, algorithms, snapshot: RwLock::new(None) }
    }

    /// The keys to verify with.
    pub fn snapshot(&self) -> Result<Arc<KeySet>, Denial> {
        let snapshot = self.snapshot.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        snapshot.clone().ok_or(Denial::KeysUnavailable)
    }

    /// Reads the keys once. What was had before stays if this fails.
    pub async fn refresh(&self, http: &HttpClient) -> Result<(), KeySetError> {
        let set = match &self.source {
            KeySource::File(path) => read_file(path, &self.algorithms)?,
            KeySource::Url(url) => {
                let document = http.get_json(url).await;
                let document = document.map_err(|error| KeySetError::Unreadable(error.to_string()))?;
                KeySet::parse(&document, &self.algorithms)?
            }
        };
        *self.snapshot.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Arc::new(set));
        Ok(())
    }

    /// Goes on reading the keys until `stop`.
    pub async fn keep_fresh(self: Arc<Self>, http: HttpClient, stop: CancellationToken) {
        loop {
            let pause = if self.snapshot().is_ok() { REFRESH } else { RETRY };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            if let Err(error) = self.refresh(&http).await {
                tracing::warn!(source = ?self.source, %error, "an issuer's keys could not be read");
            }
        }
    }
}

/// Reads a JWKS file.
pub fn read_file(path: &Path, algorithms: &[Algorithm]) -> Result<KeySet, KeySetError> {
    let document = std::fs::read(path).map_err(|error| KeySetError::Unreadable(error.to_string()))?;
    KeySet::parse(&document, algorithms)
}
