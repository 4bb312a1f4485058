//! What all clients at one issuer share, over all tenants: its metadata and its keys, each read
//! once.

use std::{sync::Arc, time::Duration};

use http::Uri;

use super::metadata_cache::MetadataCache;
use crate::{
    auth::{IdTokenRules, KeySettings, KeySource, Keys, SignatureVerifier, Signatures},
    outgoing::Authorities,
    telemetry::metrics::KeyMetrics,
};

/// How often keys are read again.
const KEYS_REFRESH: Duration = Duration::from_secs(300);
/// How old keys may be and still be used, if they cannot be read again.
const KEYS_MAX_AGE: Duration = Duration::from_secs(3600);

/// The issuers at which identity-link has clients.
pub(super) struct SharedIssuers {
    known: Vec<SharedIssuer>,
    /// Those of the clients before.
    earlier: Vec<SharedIssuer>,
    metrics: KeyMetrics,
}

/// An issuer, shared by all clients that expect the same of its ID tokens.
#[derive(Clone)]
pub(super) struct SharedIssuer {
    rules: IdTokenRules,
    metadata: Uri,
    authorities: Option<Authorities>,
    /// The issuer's metadata.
    pub metadata_cache: Arc<MetadataCache>,
    /// What verifies the issuer's signatures.
    pub verifier: SignatureVerifier,
}

impl SharedIssuers {
    /// No issuers. Those that are added are taken from `earlier` if they are there, with what was
    /// read of them. Reads of the keys of others are counted here.
    pub(super) fn new(metrics: KeyMetrics, earlier: Option<&Self>) -> Self {
        let earlier = earlier.map(|earlier| earlier.known.clone()).unwrap_or_default();
        Self { known: Vec::new(), earlier, metrics }
    }

    /// The issuer of a client's ID tokens, with its metadata at this URL, of a server whose
    /// certificate is of these authorities. Adds it if it is new.
    pub(super) fn get_or_add(
        &mut self,
        rules: &IdTokenRules,
        metadata: &Uri,
        authorities: Option<&Authorities>,
    ) -> SharedIssuer {
        let is_it = |known: &&SharedIssuer| {
            known.metadata == *metadata
                && known.authorities.as_ref() == authorities
                && known.rules.expect_the_same_signer_as(rules)
        };
        if let Some(known) = self.known.iter().find(is_it) {
            return known.clone();
        }
        let earlier = self.earlier.iter().find(is_it).cloned();
        let known = earlier.unwrap_or_else(|| {
            SharedIssuer::new(rules, metadata, authorities.cloned(), self.metrics.clone())
        });
        self.known.push(known.clone());
        known
    }

    /// Forgets the earlier issuers that were not added.
    pub(super) fn forget_earlier(&mut self) {
        self.earlier.clear();
    }

    /// The key set of each issuer that publishes one, with the issuer's name.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&str, &Arc<Keys>)> {
        self.known.iter().filter_map(|known| match &known.verifier {
            SignatureVerifier::Published(keys) => Some((known.rules.issuer.name(), keys)),
            SignatureVerifier::ClientSecret(_) => None,
        })
    }
}

impl SharedIssuer {
    fn new(
        rules: &IdTokenRules,
        metadata: &Uri,
        authorities: Option<Authorities>,
        metrics: KeyMetrics,
    ) -> Self {
        let (rules, metadata, issuer) =
            (rules.clone(), metadata.clone(), rules.issuer.name().to_owned());
        let verifier = match &rules.signatures {
            Signatures::ClientSecret(secret) => SignatureVerifier::ClientSecret(secret.clone()),
            Signatures::PrivateKey(algorithms) => {
                let settings = KeySettings {
                    source: KeySource::Discovery {
                        issuer: issuer.clone(),
                        metadata: metadata.clone(),
                    },
                    refresh: KEYS_REFRESH,
                    max_age: KEYS_MAX_AGE,
                    authorities: authorities.clone(),
                };
                let keys = Keys::new(settings, algorithms.clone()).with_metrics(&issuer, metrics);
                SignatureVerifier::Published(Arc::new(keys))
            }
        };
        let metadata_cache = Arc::new(MetadataCache::new(issuer, metadata.clone()));
        Self { rules, metadata, authorities, metadata_cache, verifier }
    }
}
