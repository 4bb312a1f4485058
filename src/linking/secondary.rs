//! The secondary side of a link: how it is named, what proves it, and the step that follows.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Error, Linking};
use crate::{
    auth::{Caller, Denial, Permit, RECENT_SIGN_IN, TokenUse, VerifiedToken, Who},
    config::Tenant,
    domain::{
        Email, IdentityEmail, IdentityRef, Metadata, Named, Refusal, User, UserId, Verified, Verifier,
        linking::UnownedIdentity,
        refusal::LinkTokenProblem,
        tickets::{Proven, Ticket, TicketPurpose},
    },
    secret::sha256,
    store::{Answer, Proof},
};

/// The longest email of a token that is kept, in bytes. No address is longer.
const MAX_TOLD_EMAIL: usize = 320;

/// How the secondary side of a link is named.
pub enum Secondary {
    /// By a token of the secondary user, which has been verified.
    Proven(Arc<VerifiedToken>),
    /// By one of its identities, named by a service.
    Identity(IdentityRef),
    /// By its main identity, named by a service: the primary identity, or the one that gave the user its id. An
    /// identity that a link moved to another user names no user. Nor does one whose `provider|subject` is another
    /// user's id, because the service may mean that user.
    MainIdentity(IdentityRef),
    /// By its id, named by a service.
    User(UserId),
    /// By the ticket with this hash.
    Ticket([u8; 32]),
    /// By an account at which the person has just signed in, for this link only.
    Account(Box<UnownedIdentity>),
    /// By an account at which the person signed in some minutes ago, for this link only, as it was stored.
    Kept(Box<Proven>),
}

/// The next step for the secondary side.
pub(super) enum Step {
    /// Absorb this user.
    Absorb(UserId),
    /// Attach an identity without an owner.
    Attach(Box<Arrival>),
    /// Nothing, because the users are linked already.
    Nothing {
        /// The link that joined them; `None` if no link did.
        link: Option<Uuid>,
    },
}

/// A proven identity without an owner.
pub(super) struct Arrival {
    /// The identity.
    pub account: UnownedIdentity,
    /// When it was proven.
    pub proven_at: DateTime<Utc>,
}

impl Linking {
    /// Verifies a `link_with` token as a proof for a link in the permit's tenant.
    ///
    /// # Errors
    /// [`Refusal::LinkTokenInvalid`], and [`Denial::KeysUnavailable`] if the issuer's keys cannot be read.
    pub async fn verify_link_with(&self, permit: &Permit, token: &str, now: DateTime<Utc>) -> Result<Secondary, Error> {
        let proof = self.issuers.verify(token, TokenUse::LinkWith, now).await.map_err(|denial| match denial {
            Denial::KeysUnavailable => Error::Denied(Denial::KeysUnavailable),
            _ => Refusal::LinkTokenInvalid(LinkTokenProblem::Invalid).into(),
        })?;
        if let Caller::User(caller) = permit.caller() {
            self.issuers.expect_same_client(caller, &proof)?;
        }
        let is_enabled = match &proof.who {
            Who::User(Named::Identity(identity)) => self.tenant(permit)?.provider(&identity.provider).policy.enabled,
            Who::User(Named::UserId(_)) => true,
            Who::Service => false,
        };
        // A proof must be as fresh as the sign-in that the link demands. A token that was renewed just now may be of
        // an old session.
        let is_fresh = proof.authenticated_at.is_some_and(|time| time >= now - RECENT_SIGN_IN);
        if is_enabled && is_fresh && proof.tenants.contains(permit.tenant()) {
            Ok(Secondary::Proven(proof))
        } else {
            Err(Refusal::LinkTokenInvalid(LinkTokenProblem::Invalid).into())
        }
    }
}

impl Secondary {
    /// A ticket in the form in which a caller sends it.
    pub fn of_ticket(text: &str) -> Self {
        Self::Ticket(sha256(text.as_bytes()))
    }

    /// Whether a proof supports it, and not only a service's claim.
    pub(super) fn is_proven(&self) -> bool {
        match self {
            Self::Proven(_) | Self::Ticket(_) | Self::Account(_) | Self::Kept(_) => true,
            Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) => false,
        }
    }

    /// The user or identity that it names; for a ticket, the account that the ticket proves.
    pub(super) fn named(&self, ticket: Option<&Ticket>) -> Result<Named, Error> {
        match self {
            Self::Identity(identity) | Self::MainIdentity(identity) => Ok(Named::Identity(identity.clone())),
            Self::User(id) => Ok(Named::UserId(id.clone())),
            Self::Proven(proof) => match &proof.who {
                Who::User(named) => Ok(named.clone()),
                Who::Service => Err(Refusal::LinkTokenInvalid(LinkTokenProblem::Invalid).into()),
            },
            Self::Ticket(_) => {
                let ticket = ticket.ok_or(Refusal::LinkTicketInvalid)?;
                Ok(Named::Identity(ticket.proven.account.id.clone()))
            }
            Self::Account(account) => Ok(Named::Identity(account.id.clone())),
            Self::Kept(proven) => Ok(Named::Identity(proven.account.id.clone())),
        }
    }

    /// Whether it rests on a flow at a provider, which demanded a fresh sign-in when it began.
    pub(super) fn is_of_flow(&self, ticket: Option<&Ticket>) -> bool {
        let is_of_preview = ticket.is_some_and(|ticket| matches!(ticket.purpose, TicketPurpose::Link(_)));
        matches!(self, Self::Account(_) | Self::Kept(_)) || is_of_preview
    }

    /// The account at which the person signed in for this link, and the time; `None` for other proofs.
    pub(super) fn account(&self, now: DateTime<Utc>) -> Option<(&UnownedIdentity, DateTime<Utc>)> {
        match self {
            Self::Account(account) => Some((account, now)),
            Self::Kept(proven) => Some((&proven.account, proven.proven_at)),
            Self::Proven(_) | Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) | Self::Ticket(_) => None,
        }
    }

    /// The proof from before this call, which must still hold.
    fn kept<'a>(&'a self, ticket: Option<&'a Ticket>) -> Option<&'a Proven> {
        match self {
            Self::Kept(proven) => Some(proven),
            Self::Ticket(_) => ticket.map(|ticket| &ticket.proven),
            _ => None,
        }
    }

    /// Refuses if the ticket is not for the primary user, or if the secondary user has changed since its account was
    /// proven. Both users are locked rows.
    ///
    /// # Errors
    /// [`Secondary::refusal`].
    pub(super) fn expect_as_it_was(
        &self,
        ticket: Option<&Ticket>,
        primary: &User,
        secondary: Option<&User>,
    ) -> Result<(), Refusal> {
        let is_for_primary = ticket.is_none_or(|ticket| ticket.is_for(primary));
        let is_as_it_was = self.kept(ticket).is_none_or(|proven| match (&proven.owner, secondary) {
            (Some(_), Some(_)) => proven.is_still_of(secondary),
            (None, None) => true,
            _ => false,
        });
        if is_for_primary && is_as_it_was { Ok(()) } else { Err(self.refusal()) }
    }

    /// The user id that it also seems to name, beside the identity.
    pub(super) fn user_id(&self) -> Option<UserId> {
        match self {
            Self::MainIdentity(identity) => identity.as_user_id(),
            _ => None,
        }
    }

    /// Whether the lookup's result still holds for the row that was locked since.
    pub(super) fn still_names(&self, named: &Named, user: &User) -> bool {
        let is_outdated =
            |token: &VerifiedToken| user.has_withdrawn(&token.stamp()) || user.only_reads(named, &token.stamp());
        user.is_meant_by(named) && !self.token().is_some_and(is_outdated)
    }

    /// The token that proves it; `None` for other proofs.
    pub(super) fn token(&self) -> Option<&VerifiedToken> {
        match self {
            Self::Proven(token) => Some(token),
            _ => None,
        }
    }

    /// The hash that marks a proof as used; `None` if none is needed.
    pub(super) fn proof_hash(&self) -> Option<[u8; 32]> {
        match self {
            // The attempt is used up already.
            Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) | Self::Account(_) | Self::Kept(_) => None,
            Self::Proven(token) => Some(token.hash),
            Self::Ticket(hash) => Some(*hash),
        }
    }

    pub(super) fn proof(&self) -> Proof {
        match self {
            Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) => Proof::Service,
            Self::Proven(token) => {
                Proof::Token { issuer: token.issuer.clone(), subject: token.subject.clone(), hash: token.hash }
            }
            Self::Ticket(hash) => Proof::Ticket { hash: *hash },
            Self::Account(_) | Self::Kept(_) => Proof::SignIn,
        }
    }

    /// The refusal of an invalid proof, the same for each cause.
    pub(super) fn refusal(&self) -> Refusal {
        match self {
            Self::Ticket(_) => Refusal::LinkTicketInvalid,
            Self::Account(_) | Self::Kept(_) => Refusal::SignInInvalid,
            Self::Proven(_) | Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) => {
                Refusal::LinkTokenInvalid(LinkTokenProblem::Invalid)
            }
        }
    }

    /// Refuses a user beyond the reach of the proof. An account that cannot sign in does not prove a user that can:
    /// it would be a way into that user. Nor does an account that an old sign-in added to the user: no older account
    /// has confirmed its owner.
    ///
    /// # Errors
    /// [`Refusal::IdentityTaken`], and [`Secondary::refusal`].
    pub(super) fn expect_reach(&self, tenant: &Tenant, ticket: Option<&Ticket>, user: &User) -> Result<(), Refusal> {
        let (proving, refusal) = match self {
            Self::MainIdentity(identity)
                if user.primary != *identity && identity.as_user_id().as_ref() != Some(&user.id) =>
            {
                return Err(Refusal::IdentityTaken);
            }
            Self::Proven(token) => match &token.who {
                Who::User(Named::Identity(identity)) => {
                    (identity, Refusal::LinkTokenInvalid(LinkTokenProblem::Invalid))
                }
                // The token does not show at which account the person signed in.
                Who::User(Named::UserId(_)) if !user.is_all_vouched() => {
                    return Err(Refusal::LinkTokenInvalid(LinkTokenProblem::Invalid));
                }
                Who::User(Named::UserId(_)) | Who::Service => return Ok(()),
            },
            Self::Account(account) => (&account.id, Refusal::IdentityTaken),
            Self::Kept(_) | Self::Ticket(_) => {
                let proven = self.kept(ticket).ok_or_else(|| self.refusal())?;
                (&proven.account.id, Refusal::IdentityTaken)
            }
            Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) => return Ok(()),
        };
        // A provider that is disabled or undeclared today may accept sign-ins again tomorrow.
        let is_link_only = |identity: &IdentityRef| tenant.provider(&identity.provider).policy.link_only;
        let reaches = tenant.can_sign_in(&proving.provider) || user.identities.iter().all(|of| is_link_only(&of.id));
        if reaches && user.is_vouched(proving) { Ok(()) } else { Err(refusal) }
    }

    /// The next step, given the lookup's result for the secondary side.
    ///
    /// # Errors
    /// [`Refusal`] if it does not exist, its proof is invalid, or the rules refuse the link.
    pub(super) fn step(
        &self,
        tenant: &Tenant,
        ticket: Option<&Ticket>,
        primary: &UserId,
        known: &Answer,
        now: DateTime<Utc>,
    ) -> Result<Step, Refusal> {
        if let Some(used) = &known.proof_use {
            // The same call again, perhaps because its response was lost; any other use is a replay. The identity may
            // have left the primary user although the link stands for others.
            let is_here = known.standing.as_ref().is_some_and(|standing| standing.holder == *primary);
            let again = used.primary.as_ref() == Some(primary) && !used.undone && is_here;
            return if again { Ok(Step::Nothing { link: Some(used.link) }) } else { Err(self.refusal()) };
        }
        match self {
            Self::Proven(token) => proven_step(tenant, token, primary, known),
            Self::Ticket(_) => ticket_step(tenant, ticket, primary, known),
            Self::Account(account) => account_step(tenant, account, primary, known, now),
            Self::Kept(proven) => kept_step(tenant, proven, primary, known)?.ok_or(Refusal::SignInInvalid),
            Self::Identity(identity) | Self::MainIdentity(identity) => {
                tenant.provider(&identity.provider).policy.expect_known()?;
                match &known.standing {
                    None => Err(Refusal::IdentityNotFound),
                    Some(owner) if owner.holder == *primary => Ok(Step::Nothing { link: known.home_link }),
                    Some(owner) => Ok(Step::Absorb(owner.holder.clone())),
                }
            }
            Self::User(_) => match &known.standing {
                None => Err(Refusal::UserNotFound),
                Some(user) => match &user.absorbed {
                    None => Ok(Step::Absorb(user.holder.clone())),
                    Some(absorbed) if absorbed.into == *primary => Ok(Step::Nothing { link: Some(absorbed.by_link) }),
                    Some(_) => Err(Refusal::UserAbsorbed),
                },
            },
        }
    }
}

/// The step that a token proves now. The token is judged like a bearer token, but each cause gives the same refusal.
fn proven_step(tenant: &Tenant, token: &VerifiedToken, primary: &UserId, known: &Answer) -> Result<Step, Refusal> {
    let Some(standing) = &known.standing else {
        // A token from before the deletion of what it names proves nothing.
        let outlived = known.delete_time.is_some_and(|deleted| token.issued_at <= deleted);
        return match &token.who {
            Who::User(Named::Identity(identity)) if !outlived => {
                let account = tenant.described(told(identity.clone(), token));
                Ok(Step::Attach(Box::new(Arrival { account, proven_at: token.issued_at })))
            }
            _ => Err(Refusal::LinkTokenInvalid(LinkTokenProblem::Invalid)),
        };
    };
    if standing.has_withdrawn_tokens_of(token.issued_at) || !standing.has_identity {
        return Err(Refusal::LinkTokenInvalid(LinkTokenProblem::Invalid));
    }
    if standing.holder == *primary {
        let link = standing.absorbed.as_ref().map(|absorbed| absorbed.by_link);
        return Ok(Step::Nothing { link: link.or(known.home_link) });
    }
    if standing.only_reads(token.issued_at) {
        return Err(Refusal::LinkTokenInvalid(LinkTokenProblem::Invalid));
    }
    Ok(Step::Absorb(standing.holder.clone()))
}

/// The step that a ticket proves now. A ticket of candidates proves an account as long as it has no owner. A ticket
/// of a link proves the previewed account, to the user that began the link.
fn ticket_step(tenant: &Tenant, ticket: Option<&Ticket>, primary: &UserId, known: &Answer) -> Result<Step, Refusal> {
    let Ticket { proven, purpose } = ticket.ok_or(Refusal::LinkTicketInvalid)?;
    let is_for_it = match purpose {
        TicketPurpose::Candidates(_) => known.standing.is_none(),
        TicketPurpose::Link(user) => user.id == *primary,
        TicketPurpose::SignIn | TicketPurpose::Registration => false,
    };
    let step = if is_for_it { kept_step(tenant, proven, primary, known).ok().flatten() } else { None };
    step.ok_or(Refusal::LinkTicketInvalid)
}

/// The step that an account proven before this call proves now; `None` if its owner has changed.
fn kept_step(tenant: &Tenant, proven: &Proven, primary: &UserId, known: &Answer) -> Result<Option<Step>, Refusal> {
    let provider = tenant.provider(&proven.account.id.provider);
    if !provider.policy.enabled {
        return Err(Refusal::ProviderDisabled);
    }
    if proven.is_outlived_by(known.delete_time) {
        return Ok(None);
    }
    Ok(match (&known.standing, &proven.owner) {
        (Some(standing), _) if standing.holder == *primary => {
            let link = standing.absorbed.as_ref().map(|absorbed| absorbed.by_link);
            Some(Step::Nothing { link: link.or(known.home_link) })
        }
        (Some(standing), Some(then)) if standing.holder == then.id => Some(Step::Absorb(standing.holder.clone())),
        (None, None) => {
            let account = tenant.described(proven.account.clone());
            Some(Step::Attach(Box::new(Arrival { account, proven_at: proven.time })))
        }
        _ => None,
    })
}

/// The step for an account at which the person signed in within this call: its owner is that person.
fn account_step(
    tenant: &Tenant,
    account: &UnownedIdentity,
    primary: &UserId,
    known: &Answer,
    now: DateTime<Utc>,
) -> Result<Step, Refusal> {
    let provider = tenant.provider(&account.id.provider);
    match &known.standing {
        _ if !provider.policy.enabled => Err(Refusal::ProviderDisabled),
        Some(standing) if standing.holder == *primary => {
            let link = standing.absorbed.as_ref().map(|absorbed| absorbed.by_link);
            Ok(Step::Nothing { link: link.or(known.home_link) })
        }
        Some(standing) => Ok(Step::Absorb(standing.holder.clone())),
        // The account was deleted while the person signed in at the provider.
        None if known.delete_time.is_some_and(|deleted| now <= deleted) => Err(Refusal::SignInInvalid),
        None => {
            let account = tenant.described(account.clone());
            Ok(Step::Attach(Box::new(Arrival { account, proven_at: now })))
        }
    }
}

/// The identity as its token describes it.
fn told(id: IdentityRef, token: &VerifiedToken) -> UnownedIdentity {
    // A profile that does not fit must not fail the link: the provider can send it again.
    let profile_data = Metadata::parse("", token.claims.profile()).unwrap_or_default();
    let can_be_kept =
        |given: &&str| (1..=MAX_TOLD_EMAIL).contains(&given.len()) && !given.chars().any(char::is_control);
    let email = token.claims.text("email").filter(can_be_kept).map(|given| {
        let canonical = Email::parse(given).ok().map(|email| email.canonical().to_owned());
        let is_verified = token.claims.is_true("email_verified");
        let verified =
            is_verified.then(|| Verified { time: token.issued_at, by: Verifier::Issuer(token.issuer.clone()) });
        IdentityEmail { given: given.to_owned(), canonical, verified, counts: None }
    });
    UnownedIdentity {
        id,
        connection: String::new(),
        social: false,
        email,
        profile_data,
        signed_in_at: token.authenticated_at,
    }
}
