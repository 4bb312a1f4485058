//! The secondary side of a link: how it is named, what proves it, and the step that follows.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Error, UseCases};
use crate::{
    auth::{AuthError, Caller, Permit, RECENT_SIGN_IN, TokenCaller, TokenUse, VerifiedToken},
    config::Tenant,
    domain::{
        DomainError, EmailVerification, IdentityEmail, IdentityRef, Metadata, User, UserId,
        UserRef, Verifier,
        error::LinkTokenProblem,
        linking::UnownedIdentity,
        tickets::{ProvenAccount, Ticket, TicketPurpose},
    },
    secret::sha256,
    store::{LookupResult, Proof},
};

/// How the secondary side of a link is named.
pub enum Secondary {
    /// By a token of the secondary user, which has been verified.
    Token(Arc<VerifiedToken>),
    /// By one of its identities, named by a service.
    Identity(IdentityRef),
    /// By its main identity, named by a service: the primary identity, or the one that gave the
    /// user its id. An identity that a link moved to another user names no user. Nor does one whose
    /// `provider|subject` is another user's id, because the service may mean that user.
    MainIdentity(IdentityRef),
    /// By its id, named by a service.
    User(UserId),
    /// By the ticket with this hash.
    Ticket([u8; 32]),
    /// By an account at which the person has just signed in, for this link only.
    Account(Box<UnownedIdentity>),
    /// By an account at which the person signed in some minutes ago, for this link only, as it was
    /// stored.
    StoredAccount(Box<ProvenAccount>),
}

/// The next step for the secondary side.
pub(super) enum Step {
    /// Absorb this user.
    Absorb(UserId),
    /// Attach an identity without an owner.
    Attach(Box<AttachableAccount>),
    /// Nothing, because the users are linked already.
    Nothing {
        /// The link that joined them; `None` if no link did.
        link: Option<Uuid>,
    },
}

/// A proven identity without an owner.
pub(super) struct AttachableAccount {
    /// The identity.
    pub account: UnownedIdentity,
    /// When it was proven.
    pub proven_at: DateTime<Utc>,
}

impl UseCases {
    /// Verifies a `link_with` token as a proof for a link in the permit's tenant.
    ///
    /// # Errors
    /// [`DomainError::LinkTokenInvalid`], and [`AuthError::KeysUnavailable`] if the issuer's keys
    /// cannot be read.
    pub async fn verify_link_with(
        &self,
        permit: &Permit,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Secondary, Error> {
        let proof = self.issuers.verify(token, TokenUse::LinkWith, now).await.map_err(
            |denial| match denial {
                AuthError::KeysUnavailable => Error::Auth(AuthError::KeysUnavailable),
                _ => DomainError::LinkTokenInvalid(LinkTokenProblem::Invalid).into(),
            },
        )?;
        if let Caller::User(caller) = permit.caller() {
            self.issuers.expect_same_client(caller, &proof)?;
        }
        let is_enabled = match &proof.caller {
            TokenCaller::User(UserRef::Identity(identity)) => {
                self.tenant(permit)?.provider(&identity.provider).policy.enabled
            }
            TokenCaller::User(UserRef::UserId(_)) => true,
            TokenCaller::Service => false,
        };
        // A proof must be as fresh as the sign-in that the link demands. A token that was renewed
        // just now may be of an old session.
        let is_fresh = proof.authenticated_at.is_some_and(|time| time >= now - RECENT_SIGN_IN);
        if is_enabled && is_fresh && proof.tenants.contains(permit.tenant()) {
            Ok(Secondary::Token(proof))
        } else {
            Err(DomainError::LinkTokenInvalid(LinkTokenProblem::Invalid).into())
        }
    }
}

impl Secondary {
    /// A ticket in the form in which a caller sends it.
    pub fn from_ticket(text: &str) -> Self {
        Self::Ticket(sha256(text.as_bytes()))
    }

    /// Whether a proof supports it, and not only a service's claim.
    pub(super) fn is_proven(&self) -> bool {
        match self {
            Self::Token(_) | Self::Ticket(_) | Self::Account(_) | Self::StoredAccount(_) => true,
            Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) => false,
        }
    }

    /// The user or identity that it names; for a ticket, the account that the ticket proves.
    pub(super) fn named(&self, ticket: Option<&Ticket>) -> Result<UserRef, Error> {
        match self {
            Self::Identity(identity) | Self::MainIdentity(identity) => {
                Ok(UserRef::Identity(identity.clone()))
            }
            Self::User(id) => Ok(UserRef::UserId(id.clone())),
            Self::Token(proof) => match &proof.caller {
                TokenCaller::User(named) => Ok(named.clone()),
                TokenCaller::Service => {
                    Err(DomainError::LinkTokenInvalid(LinkTokenProblem::Invalid).into())
                }
            },
            Self::Ticket(_) => {
                let ticket = ticket.ok_or(DomainError::LinkTicketInvalid)?;
                Ok(UserRef::Identity(ticket.proven.account.id.clone()))
            }
            Self::Account(account) => Ok(UserRef::Identity(account.id.clone())),
            Self::StoredAccount(proven) => Ok(UserRef::Identity(proven.account.id.clone())),
        }
    }

    /// Whether it rests on a flow at a provider, which demanded a fresh sign-in when it began.
    pub(super) fn is_of_flow(&self, ticket: Option<&Ticket>) -> bool {
        let is_of_preview =
            ticket.is_some_and(|ticket| matches!(ticket.purpose, TicketPurpose::Link(_)));
        matches!(self, Self::Account(_) | Self::StoredAccount(_)) || is_of_preview
    }

    /// The account at which the person signed in for this link, and the time; `None` for other
    /// proofs.
    pub(super) fn account(&self, now: DateTime<Utc>) -> Option<(&UnownedIdentity, DateTime<Utc>)> {
        match self {
            Self::Account(account) => Some((account, now)),
            Self::StoredAccount(proven) => Some((&proven.account, proven.proven_at)),
            Self::Token(_)
            | Self::Identity(_)
            | Self::MainIdentity(_)
            | Self::User(_)
            | Self::Ticket(_) => None,
        }
    }

    /// The proof from before this call, which must still hold.
    fn stored_proof<'a>(&'a self, ticket: Option<&'a Ticket>) -> Option<&'a ProvenAccount> {
        match self {
            Self::StoredAccount(proven) => Some(proven),
            Self::Ticket(_) => ticket.map(|ticket| &ticket.proven),
            _ => None,
        }
    }

    /// Refuses if the ticket is not for the primary user, or if the secondary user has changed
    /// since its account was proven. Both users are locked rows.
    ///
    /// # Errors
    /// [`Secondary::refusal`].
    pub(super) fn expect_unchanged(
        &self,
        ticket: Option<&Ticket>,
        primary: &User,
        secondary: Option<&User>,
    ) -> Result<(), DomainError> {
        let is_for_primary = ticket.is_none_or(|ticket| ticket.is_for(primary));
        let is_unchanged =
            self.stored_proof(ticket).is_none_or(|proven| match (&proven.owner, secondary) {
                (Some(_), Some(_)) => proven.is_still_of(secondary),
                (None, None) => true,
                _ => false,
            });
        if is_for_primary && is_unchanged { Ok(()) } else { Err(self.refusal()) }
    }

    /// The user id that it also seems to name, beside the identity.
    pub(super) fn user_id(&self) -> Option<UserId> {
        match self {
            Self::MainIdentity(identity) => identity.as_user_id(),
            _ => None,
        }
    }

    /// Whether the lookup's result still holds for the row that was locked since.
    pub(super) fn still_names(&self, named: &UserRef, user: &User) -> bool {
        let is_outdated = |token: &VerifiedToken| {
            user.has_withdrawn(&token.stamp()) || user.only_reads(named, &token.stamp())
        };
        user.is_meant_by(named) && !self.token().is_some_and(is_outdated)
    }

    /// The token that proves it; `None` for other proofs.
    pub(super) fn token(&self) -> Option<&VerifiedToken> {
        match self {
            Self::Token(token) => Some(token),
            _ => None,
        }
    }

    /// The hash that marks a proof as used; `None` if none is needed.
    pub(super) fn proof_hash(&self) -> Option<[u8; 32]> {
        match self {
            // The attempt is used up already.
            Self::Identity(_)
            | Self::MainIdentity(_)
            | Self::User(_)
            | Self::Account(_)
            | Self::StoredAccount(_) => None,
            Self::Token(token) => Some(token.hash),
            Self::Ticket(hash) => Some(*hash),
        }
    }

    pub(super) fn proof(&self) -> Proof {
        match self {
            Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) => Proof::Service,
            Self::Token(token) => Proof::Token {
                issuer: token.issuer.clone(),
                subject: token.subject.clone(),
                hash: token.hash,
            },
            Self::Ticket(hash) => Proof::Ticket { hash: *hash },
            Self::Account(_) | Self::StoredAccount(_) => Proof::SignIn,
        }
    }

    /// The refusal of an invalid proof, the same for each cause.
    pub(super) fn refusal(&self) -> DomainError {
        match self {
            Self::Ticket(_) => DomainError::LinkTicketInvalid,
            Self::Account(_) | Self::StoredAccount(_) => DomainError::SignInInvalid,
            Self::Token(_) | Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) => {
                DomainError::LinkTokenInvalid(LinkTokenProblem::Invalid)
            }
        }
    }

    /// Refuses a user beyond the reach of the proof. An account that cannot sign in does not prove
    /// a user that can: it would be a way into that user. Nor does an account that an old sign-in
    /// added to the user: no older account has confirmed its owner.
    ///
    /// # Errors
    /// [`DomainError::IdentityTaken`], and [`Secondary::refusal`].
    pub(super) fn expect_reach(
        &self,
        tenant: &Tenant,
        ticket: Option<&Ticket>,
        user: &User,
    ) -> Result<(), DomainError> {
        let (proving, refusal) = match self {
            Self::MainIdentity(identity)
                if user.primary != *identity
                    && identity.as_user_id().as_ref() != Some(&user.id) =>
            {
                return Err(DomainError::IdentityTaken);
            }
            Self::Token(token) => match &token.caller {
                TokenCaller::User(UserRef::Identity(identity)) => {
                    (identity, DomainError::LinkTokenInvalid(LinkTokenProblem::Invalid))
                }
                // The token does not show at which account the person signed in.
                TokenCaller::User(UserRef::UserId(_)) if !user.is_all_vouched() => {
                    return Err(DomainError::LinkTokenInvalid(LinkTokenProblem::Invalid));
                }
                TokenCaller::User(UserRef::UserId(_)) | TokenCaller::Service => return Ok(()),
            },
            Self::Account(account) => (&account.id, DomainError::IdentityTaken),
            Self::StoredAccount(_) | Self::Ticket(_) => {
                let proven = self.stored_proof(ticket).ok_or_else(|| self.refusal())?;
                (&proven.account.id, DomainError::IdentityTaken)
            }
            Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) => return Ok(()),
        };
        // A provider that is disabled or undeclared today may accept sign-ins again tomorrow.
        let is_link_only =
            |identity: &IdentityRef| tenant.provider(&identity.provider).policy.link_only;
        let reaches = tenant.can_sign_in(&proving.provider)
            || user.identities.iter().all(|of| is_link_only(&of.id));
        if reaches && user.is_vouched(proving) { Ok(()) } else { Err(refusal) }
    }

    /// The next step, given the lookup's result for the secondary side.
    ///
    /// # Errors
    /// [`DomainError`] if it does not exist, its proof is invalid, or the rules refuse the link.
    pub(super) fn step(
        &self,
        tenant: &Tenant,
        ticket: Option<&Ticket>,
        primary: &UserId,
        found: &LookupResult,
        now: DateTime<Utc>,
    ) -> Result<Step, DomainError> {
        if let Some(used) = &found.proof_use {
            // The same call again, perhaps because its response was lost; any other use is a
            // replay. The identity may have left the primary user although the link stands for
            // others.
            let is_here =
                found.user_state.as_ref().is_some_and(|user_state| user_state.holder == *primary);
            let again = used.primary.as_ref() == Some(primary) && !used.undone && is_here;
            return if again {
                Ok(Step::Nothing { link: Some(used.link) })
            } else {
                Err(self.refusal())
            };
        }
        match self {
            Self::Token(token) => proven_step(tenant, token, primary, found),
            Self::Ticket(_) => ticket_step(tenant, ticket, primary, found),
            Self::Account(account) => account_step(tenant, account, primary, found, now),
            Self::StoredAccount(proven) => {
                stored_step(tenant, proven, primary, found)?.ok_or(DomainError::SignInInvalid)
            }
            Self::Identity(identity) | Self::MainIdentity(identity) => {
                tenant.provider(&identity.provider).policy.expect_known()?;
                match &found.user_state {
                    None => Err(DomainError::IdentityNotFound),
                    Some(owner) if owner.holder == *primary => {
                        Ok(Step::Nothing { link: found.moved_by })
                    }
                    Some(owner) => Ok(Step::Absorb(owner.holder.clone())),
                }
            }
            Self::User(_) => match &found.user_state {
                None => Err(DomainError::UserNotFound),
                Some(user) => match &user.absorbed {
                    None => Ok(Step::Absorb(user.holder.clone())),
                    Some(absorbed) if absorbed.into == *primary => {
                        Ok(Step::Nothing { link: Some(absorbed.by_link) })
                    }
                    Some(_) => Err(DomainError::UserAbsorbed),
                },
            },
        }
    }
}

/// The step that a token proves now. The token is judged like a bearer token, but each cause gives
/// the same refusal.
fn proven_step(
    tenant: &Tenant,
    token: &VerifiedToken,
    primary: &UserId,
    found: &LookupResult,
) -> Result<Step, DomainError> {
    let Some(user_state) = &found.user_state else {
        // A token from before the deletion of what it names proves nothing.
        let outlived = found.delete_time.is_some_and(|deleted| token.issued_at <= deleted);
        return match &token.caller {
            TokenCaller::User(UserRef::Identity(identity)) if !outlived => {
                let account =
                    tenant.with_provider_settings(account_of_token(identity.clone(), token));
                Ok(Step::Attach(Box::new(AttachableAccount {
                    account,
                    proven_at: token.issued_at,
                })))
            }
            _ => Err(DomainError::LinkTokenInvalid(LinkTokenProblem::Invalid)),
        };
    };
    if user_state.has_withdrawn_tokens_of(token.issued_at) || !user_state.has_identity {
        return Err(DomainError::LinkTokenInvalid(LinkTokenProblem::Invalid));
    }
    if user_state.holder == *primary {
        let link = user_state.absorbed.as_ref().map(|absorbed| absorbed.by_link);
        return Ok(Step::Nothing { link: link.or(found.moved_by) });
    }
    if user_state.only_reads(token.issued_at) {
        return Err(DomainError::LinkTokenInvalid(LinkTokenProblem::Invalid));
    }
    Ok(Step::Absorb(user_state.holder.clone()))
}

/// The step that a ticket proves now. A ticket of candidates proves an account as long as it has no
/// owner. A ticket of a link proves the previewed account, to the user that began the link.
fn ticket_step(
    tenant: &Tenant,
    ticket: Option<&Ticket>,
    primary: &UserId,
    found: &LookupResult,
) -> Result<Step, DomainError> {
    let Ticket { proven, purpose } = ticket.ok_or(DomainError::LinkTicketInvalid)?;
    let is_for_it = match purpose {
        TicketPurpose::Candidates(_) => found.user_state.is_none(),
        TicketPurpose::Link(user) => user.id == *primary,
        TicketPurpose::SignIn | TicketPurpose::Registration => false,
    };
    let step =
        if is_for_it { stored_step(tenant, proven, primary, found).ok().flatten() } else { None };
    step.ok_or(DomainError::LinkTicketInvalid)
}

/// The step that an account proven before this call proves now; `None` if its owner has changed.
fn stored_step(
    tenant: &Tenant,
    proven: &ProvenAccount,
    primary: &UserId,
    found: &LookupResult,
) -> Result<Option<Step>, DomainError> {
    let provider = tenant.provider(&proven.account.id.provider);
    if !provider.policy.enabled {
        return Err(DomainError::ProviderDisabled);
    }
    if proven.is_outlived_by(found.delete_time) {
        return Ok(None);
    }
    Ok(match (&found.user_state, &proven.owner) {
        (Some(user_state), _) if user_state.holder == *primary => {
            let link = user_state.absorbed.as_ref().map(|absorbed| absorbed.by_link);
            Some(Step::Nothing { link: link.or(found.moved_by) })
        }
        (Some(user_state), Some(then)) if user_state.holder == then.id => {
            Some(Step::Absorb(user_state.holder.clone()))
        }
        (None, None) => {
            let account = tenant.with_provider_settings(proven.account.clone());
            Some(Step::Attach(Box::new(AttachableAccount { account, proven_at: proven.time })))
        }
        _ => None,
    })
}

/// The step for an account at which the person signed in within this call: its owner is that
/// person.
fn account_step(
    tenant: &Tenant,
    account: &UnownedIdentity,
    primary: &UserId,
    found: &LookupResult,
    now: DateTime<Utc>,
) -> Result<Step, DomainError> {
    let provider = tenant.provider(&account.id.provider);
    match &found.user_state {
        _ if !provider.policy.enabled => Err(DomainError::ProviderDisabled),
        Some(user_state) if user_state.holder == *primary => {
            let link = user_state.absorbed.as_ref().map(|absorbed| absorbed.by_link);
            Ok(Step::Nothing { link: link.or(found.moved_by) })
        }
        Some(user_state) => Ok(Step::Absorb(user_state.holder.clone())),
        // The account was deleted while the person signed in at the provider.
        None if found.delete_time.is_some_and(|deleted| now <= deleted) => {
            Err(DomainError::SignInInvalid)
        }
        None => {
            let account = tenant.with_provider_settings(account.clone());
            Ok(Step::Attach(Box::new(AttachableAccount { account, proven_at: now })))
        }
    }
}

/// The identity as its token describes it.
fn account_of_token(id: IdentityRef, token: &VerifiedToken) -> UnownedIdentity {
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
        profile_data,
        signed_in_at: token.authenticated_at,
    }
}
