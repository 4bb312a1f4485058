//! ID tokens that a provider issues to this service (OpenID Connect Core §3.1.3.7). They are
//! verified like callers' tokens, with additional rules.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, AlgorithmFamily};

use super::{
    AuthError, Keys,
    claims::Claims,
    jwt::{self, Expected, Jwt, LEEWAY, MAX_TOKEN},
};
use crate::secret::Secret;

/// The largest age of an ID token: it comes directly from its provider.
const FRESH: Duration = Duration::from_secs(600);

/// The requirements for a provider's ID tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdTokenRules {
    /// The accepted issuers.
    pub issuer: IssuerRule,
    /// The client id, which must be an audience.
    pub client_id: String,
    /// The audiences that may be named beside the client.
    pub trusted_audiences: BTreeSet<String>,
    /// How the provider signs.
    pub signatures: Signatures,
}

/// How a provider signs its ID tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signatures {
    /// With a private key, by one of these algorithms. The provider publishes the public key.
    PrivateKey(Vec<Algorithm>),
    /// With the client's secret, by HS256 (OpenID Connect Core §10.1). It vouches in a flow of this
    /// client alone, whose provider knows the secret anyway: such a token is neither a caller's nor
    /// a proof.
    ClientSecret(Secret),
}

/// What verifies the signatures of a provider.
#[derive(Clone)]
pub enum SignatureVerifier {
    /// The keys that the provider publishes.
    Published(Arc<Keys>),
    /// The client's secret.
    ClientSecret(Secret),
}

impl Signatures {
    /// The algorithms of the signatures.
    pub fn algorithms(&self) -> &[Algorithm] {
        match self {
            Self::PrivateKey(algorithms) => algorithms,
            Self::ClientSecret(_) => &[Algorithm::HS256],
        }
    }

    /// The names of the algorithms, as metadata list them.
    pub fn names(&self) -> Vec<String> {
        self.algorithms().iter().map(|algorithm| format!("{algorithm:?}")).collect()
    }
}

/// Whether this is the name of an asymmetric algorithm that an operator can configure.
pub fn is_asymmetric(name: &str) -> bool {
    name.parse::<Algorithm>().is_ok_and(|algorithm| algorithm.family() != AlgorithmFamily::Hmac)
}

/// The issuers whose ID tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuerRule {
    /// This issuer, compared byte by byte.
    Exactly(String),
    /// One issuer per directory. The directory's id replaces `{tenantid}` in the issuer's name, and
    /// must equal the claim `tid` of its tokens.
    PerDirectory {
        /// The issuer's name with `{tenantid}` in it.
        template: String,
        /// The accepted directories; empty for all.
        directories: BTreeSet<String>,
    },
}

/// The content of a verified ID token.
#[derive(Debug, Clone)]
pub struct IdToken {
    /// Its `sub`.
    pub subject: String,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// When the person signed in at the provider: `auth_time`, or without it the time of issue.
    pub authenticated_at: DateTime<Utc>,
    /// All its claims.
    pub claims: Claims,
}

/// The values of the authorization request that the ID token must match.
#[derive(Clone, Copy)]
pub struct IdTokenExpectations<'a> {
    /// The nonce of the flow.
    pub nonce: &'a str,
    /// The largest age of the sign-in at the provider; `None` for any.
    pub max_age: Option<Duration>,
}

impl IssuerRule {
    const PLACEHOLDER: &'static str = "{tenantid}";

    /// The issuer's name in its metadata.
    pub fn name(&self) -> &str {
        match self {
            Self::Exactly(issuer) => issuer,
            Self::PerDirectory { template, .. } => template,
        }
    }

    /// Whether this issuer is accepted.
    pub fn allows(&self, issuer: &str) -> bool {
        match self {
            Self::Exactly(exactly) => issuer == exactly,
            Self::PerDirectory { .. } => self.directory(issuer).is_some(),
        }
    }

    /// The directory in the name of an accepted issuer; `None` for other issuers.
    fn directory<'a>(&self, issuer: &'a str) -> Option<&'a str> {
        let Self::PerDirectory { template, directories } = self else { return None };
        let (before, after) = template.split_once(Self::PLACEHOLDER)?;
        let directory = issuer.strip_prefix(before)?.strip_suffix(after)?;
        let is_one = uuid::Uuid::try_parse(directory)
            .is_ok_and(|id| id.hyphenated().to_string() == directory);
        (is_one && (directories.is_empty() || directories.contains(directory))).then_some(directory)
    }
}

impl IdTokenRules {
    /// Whether both accept the same issuer with the same algorithms.
    pub fn expect_the_same_signer_as(&self, other: &Self) -> bool {
        self.issuer.name() == other.issuer.name() && self.signatures == other.signatures
    }

    /// Verifies an ID token. Waits for the provider's keys if the token names a key that may be
    /// new.
    ///
    /// # Errors
    /// [`AuthError::TokenInvalid`]; [`AuthError::KeysUnavailable`] if the provider's keys cannot be
    /// read.
    pub async fn verify(
        &self,
        token: &str,
        verifier: &SignatureVerifier,
        expectations: IdTokenExpectations<'_>,
        now: DateTime<Utc>,
    ) -> Result<IdToken, AuthError> {
        let issuer = self.unverified_issuer(token)?;
        let (audiences, types) = (self.audiences(), types());
        let expected = self.expected(&issuer, &audiences, &types);
        let token = match verifier {
            SignatureVerifier::Published(keys) => jwt::verify(token, &expected, keys, now).await?.0,
            SignatureVerifier::ClientSecret(secret) => {
                jwt::verify_by_secret(token, &expected, secret.reveal().as_bytes(), now)?
            }
        };
        self.check(&issuer, &token, expectations, now)?;
        let Jwt { subject, issued_at, authenticated_at, claims, .. } = token;
        Ok(IdToken { subject, issued_at, authenticated_at, claims })
    }

    /// Verifies the ID token of a refresh (OpenID Connect Core §12.2), as far as it says whose tokens
    /// came: it must be for this client, and signed as the ID tokens are. It proves no sign-in, so
    /// its times and its nonce are not compared. The caller compares the account.
    ///
    /// # Errors
    /// Those of [`Self::verify`].
    pub async fn verify_refreshed(
        &self,
        token: &str,
        verifier: &SignatureVerifier,
    ) -> Result<Claims, AuthError> {
        let claims = self.verify_userinfo(token, verifier).await?;
        self.check_client(&self.unverified_issuer(token)?, &claims)?;
        Ok(claims)
    }

    /// Verifies a signed userinfo response (OpenID Connect Core §5.3.2): it must be for this client,
    /// and signed as the ID tokens are. The caller compares its `sub`.
    ///
    /// # Errors
    /// Those of [`Self::verify`].
    pub async fn verify_userinfo(
        &self,
        token: &str,
        verifier: &SignatureVerifier,
    ) -> Result<Claims, AuthError> {
        let issuer = self.unverified_issuer(token)?;
        let (audiences, types) = (self.audiences(), types());
        let expected = self.expected(&issuer, &audiences, &types);
        match verifier {
            SignatureVerifier::Published(keys) => jwt::verify_claims(token, &expected, keys).await,
            SignatureVerifier::ClientSecret(secret) => {
                jwt::verify_claims_by_secret(token, &expected, secret.reveal().as_bytes())
            }
        }
    }

    /// The issuer that an unverified token names, if it is accepted.
    fn unverified_issuer(&self, token: &str) -> Result<String, AuthError> {
        let invalid = AuthError::TokenInvalid;
        if token.len() > MAX_TOKEN {
            return Err(invalid("longer than 8 KiB"));
        }
        let issuer =
            jwt::unverified_issuer(token).ok_or(invalid("not a signed JWT with an issuer"))?;
        if !self.issuer.allows(&issuer) {
            return Err(invalid("another issuer"));
        }
        Ok(issuer)
    }

    fn audiences(&self) -> BTreeSet<String> {
        BTreeSet::from([self.client_id.clone()])
    }

    fn expected<'a>(
        &'a self,
        issuer: &'a str,
        audiences: &'a BTreeSet<String>,
        types: &'a BTreeSet<String>,
    ) -> Expected<'a> {
        Expected { issuer, audiences, types, algorithms: self.signatures.algorithms() }
    }

    /// Whether all audiences are the client, or trusted.
    fn trusts_audiences(&self, claims: &Claims) -> bool {
        claims.texts("aud").is_some_and(|audiences| {
            audiences.iter().all(|audience| {
                *audience == self.client_id || self.trusted_audiences.contains(*audience)
            })
        })
    }

    /// Whether the claims are of this client alone, and of the directory that the issuer names.
    fn check_client(&self, issuer: &str, claims: &Claims) -> Result<(), AuthError> {
        let invalid = |text| Err(AuthError::TokenInvalid(text));
        if self
            .issuer
            .directory(issuer)
            .is_some_and(|directory| claims.text("tid") != Some(directory))
        {
            return invalid("tid is another directory than the issuer's");
        }
        // Another audience could have received the token before. §3.1.3.7: of several audiences,
        // `azp` says which one is the client.
        if !self.trusts_audiences(claims) {
            return invalid("aud names another audience besides this client");
        }
        let is_for_several = !claims.is_only("aud", &self.client_id);
        if (is_for_several || claims.has("azp")) && claims.text("azp") != Some(&self.client_id) {
            return invalid("azp is missing beside several audiences, or is another client");
        }
        Ok(())
    }

    fn check(
        &self,
        issuer: &str,
        token: &Jwt,
        expectations: IdTokenExpectations<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), AuthError> {
        let invalid = |text| Err(AuthError::TokenInvalid(text));
        let claims = &token.claims;
        self.check_client(issuer, claims)?;
        if claims.text("nonce") != Some(expectations.nonce) {
            return invalid("nonce is missing, or of another flow");
        }
        if jwt::is_older(token.issued_at, FRESH, now) {
            return invalid("not issued recently enough");
        }
        let Some(max_age) = expectations.max_age else { return Ok(()) };
        if !claims.has("auth_time") {
            return invalid("auth_time is missing, although max_age was sent");
        }
        match jwt::is_older(token.authenticated_at, max_age + LEEWAY, now) {
            true => invalid("the sign-in is longer ago than max_age"),
            false => Ok(()),
        }
    }
}

/// The types of ID tokens: most have none, and some say that they are JWTs.
fn types() -> BTreeSet<String> {
    BTreeSet::from(["JWT", ""].map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_the_template_with_one_directory() {
        let rule = |directories: &[&str]| IssuerRule::PerDirectory {
            template: "https://login.example.com/{tenantid}/v2.0".to_owned(),
            directories: directories.iter().map(|directory| (*directory).to_owned()).collect(),
        };
        let (one, other) =
            ("8eaef023-2b34-4da1-9baa-8bc8c9d6a490", "9188040d-6c67-4c5b-b112-36a304b66dad");
        let issuer = |directory: &str| format!("https://login.example.com/{directory}/v2.0");
        assert!(rule(&[]).allows(&issuer(one)) && rule(&[]).allows(&issuer(other)));
        assert!(rule(&[one]).allows(&issuer(one)) && !rule(&[one]).allows(&issuer(other)));
        for bad in
            ["{tenantid}", "", "common", "x", &format!("{one}/v2.0/{one}"), &one.to_uppercase()]
        {
            assert!(!rule(&[]).allows(&issuer(bad)), "{bad}");
        }
        assert!(!rule(&[]).allows(&format!("https://login.example.org/{one}/v2.0")));
    }
}
