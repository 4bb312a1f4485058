//! The token of the secondary user, `link_with`. It is verified here and nowhere else.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{
    auth::{AuthError, Caller, Permit, RECENT_SIGN_IN, TokenCaller, TokenUse, VerifiedToken},
    domain::{
        DomainError, EmailVerification, IdentityEmail, IdentityRef, Metadata, TokenStamp, UserRef,
        Verifier, error::LinkTokenProblem, linking::UnownedIdentity,
    },
    store::Proof,
    use_cases::{Error, UseCases},
};

/// The refusal of a token that proves nothing, the same for each cause. The cause goes to the log:
/// the caller does not learn it.
pub(super) fn refused(cause: &'static str) -> DomainError {
    tracing::debug!(cause, "a link_with token was not accepted");
    DomainError::LinkTokenInvalid(LinkTokenProblem::Invalid)
}

/// A `link_with` token that has been verified. What the database has of the user that it names is
/// judged with the link.
pub(in crate::use_cases) struct ProofToken {
    token: Arc<VerifiedToken>,
    named: UserRef,
}

impl UseCases {
    /// Verifies a `link_with` token as a proof for a link in the permit's tenant.
    ///
    /// # Errors
    /// [`DomainError::LinkTokenInvalid`], and [`AuthError::KeysUnavailable`] if the issuer's keys
    /// cannot be read.
    pub(super) async fn verify_link_with(
        &self,
        permit: &Permit,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<ProofToken, Error> {
        let token = self.issuers.verify(token, TokenUse::LinkWith, now).await.map_err(
            |denial| match denial {
                AuthError::KeysUnavailable => Error::Auth(AuthError::KeysUnavailable),
                AuthError::TokenInvalid(cause) => refused(cause).into(),
                _ => refused("it may not be used as a proof").into(),
            },
        )?;
        if let Caller::User(caller) = permit.caller() {
            self.issuers.expect_same_client(caller, &token)?;
        }
        let TokenCaller::User(named) = token.caller.clone() else {
            return Err(refused("a service's token proves no user").into());
        };
        let is_enabled = match &named {
            UserRef::Identity(identity) => {
                self.tenant(permit)?.provider(&identity.provider).policy.enabled
            }
            UserRef::UserId(_) => true,
        };
        // A proof must be as fresh as the sign-in that the link demands. A token that was renewed
        // just now may be of an old session.
        let is_fresh = token.authenticated_at.is_some_and(|time| time >= now - RECENT_SIGN_IN);
        if !is_enabled {
            Err(refused("its provider is disabled or not declared").into())
        } else if !is_fresh {
            Err(refused("its sign-in is older than ten minutes").into())
        } else if !token.tenants.contains(permit.tenant()) {
            Err(refused("it is of another tenant").into())
        } else {
            Ok(ProofToken { token, named })
        }
    }
}

impl ProofToken {
    /// The user or identity that it names.
    pub(super) fn named(&self) -> &UserRef {
        &self.named
    }

    /// When it was issued.
    pub(super) fn issued_at(&self) -> DateTime<Utc> {
        self.token.issued_at
    }

    /// The facts about it that the rules need.
    pub(super) fn stamp(&self) -> TokenStamp {
        self.token.stamp()
    }

    /// The hash that marks it as used.
    pub(super) fn hash(&self) -> [u8; 32] {
        self.token.hash
    }

    /// The proof, as the link records it.
    pub(super) fn proof(&self) -> Proof {
        Proof::Token {
            issuer: self.token.issuer.clone(),
            subject: self.token.subject.clone(),
            hash: self.token.hash,
        }
    }

    /// The identity `id`, as the token describes it.
    pub(super) fn account(&self, id: IdentityRef) -> UnownedIdentity {
        let token = &self.token;
        // A profile that does not fit must not fail the link: the provider can send it again.
        let profile_data = Metadata::parse("", token.claims.profile()).unwrap_or_default();
        let verified = token.claims.is_true("email_verified").then(|| EmailVerification {
            time: token.issued_at,
            by: Verifier::Issuer(token.issuer.clone()),
        });
        let email = token.claims.text("email");
        let email = email.and_then(|given| IdentityEmail::claimed(given, verified));
        UnownedIdentity {
            id,
            connection: String::new(),
            social: false,
            email,
            other_emails: Vec::new(),
            profile_data,
            signed_in_at: token.authenticated_at,
            tokens: None,
        }
    }
}
