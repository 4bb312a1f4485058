//! The secondary side of a link: how it is named, what proves it, and what is to be done about it.

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

/// What a token tells as an email is left out if it is longer, in bytes. No address is.
const MAX_TOLD_EMAIL: usize = 320;

/// How the secondary side is named.
pub enum Secondary {
    /// By a token of it, which has been verified.
    Proven(Arc<VerifiedToken>),
    /// By one of its identities, on a service's word.
    Identity(IdentityRef),
    /// By its main identity, which is primary or gave it its id, on a service's word. One that another user has taken
    /// in names nobody, nor does one whose `provider|subject` is another user's id: who says so may mean that one.
    MainIdentity(IdentityRef),
    /// By its id, on a service's word.
    User(UserId),
    /// By the ticket with this hash.
    Ticket([u8; 32]),
    /// By an account at which the person has just signed in, for this very link.
    Account(Box<UnownedIdentity>),
    /// By an account at which the person signed in some minutes ago, for this very link, as it was kept.
    Kept(Box<Proven>),
}

/// What is to be done about the secondary side.
pub(super) enum Step {
    /// Absorb this user.
    Absorb(UserId),
    /// Attach an identity that nobody owns.
    Attach(Box<Arrival>),
    /// Nothing: it is done.
    Nothing {
        /// The link that did it.
        link: Option<Uuid>,
    },
}

/// An identity that was proven, and that nobody owns.
pub(super) struct Arrival {
    /// The identity.
    pub account: UnownedIdentity,
    /// When it was proven.
    pub proven_at: DateTime<Utc>,
}

impl Linking {
    /// Verifies a `link_with` token as a proof for a link in the permit's tenant.
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
        // A proof is as fresh as what it may lead to. A token that was renewed just now may be of an old session.
        let is_fresh = proof.authenticated_at.is_some_and(|time| time >= now - RECENT_SIGN_IN);
        if is_enabled && is_fresh && proof.tenants.contains(permit.tenant()) {
            Ok(Secondary::Proven(proof))
        } else {
            Err(Refusal::LinkTokenInvalid(LinkTokenProblem::Invalid).into())
        }
    }
}

impl Secondary {
    /// By a ticket, as a caller gives it.
    pub fn of_ticket(text: &str) -> Self {
        Self::Ticket(sha256(text.as_bytes()))
    }

    /// Whether something proves it, instead of a service's word.
    pub(super) fn is_proven(&self) -> bool {
        match self {
            Self::Proven(_) | Self::Ticket(_) | Self::Account(_) | Self::Kept(_) => true,
            Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) => false,
        }
    }

    /// Whom it names; a ticket, the account that it proves.
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

    /// Whether a flow at a provider stands behind it, which wanted a fresh sign-in when it began.
    pub(super) fn is_of_flow(&self, ticket: Option<&Ticket>) -> bool {
        let is_of_preview = ticket.is_some_and(|ticket| matches!(ticket.purpose, TicketPurpose::Link(_)));
        matches!(self, Self::Account(_) | Self::Kept(_)) || is_of_preview
    }

    /// The account at which the person signed in for this very link, and when.
    pub(super) fn account(&self, now: DateTime<Utc>) -> Option<(&UnownedIdentity, DateTime<Utc>)> {
        match self {
            Self::Account(account) => Some((account, now)),
            Self::Kept(proven) => Some((&proven.account, proven.proven_at)),
            Self::Proven(_) | Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) | Self::Ticket(_) => None,
        }
    }

    /// What was proven before this call, and must still be so.
    fn kept<'a>(&'a self, ticket: Option<&'a Ticket>) -> Option<&'a Proven> {
        match self {
            Self::Kept(proven) => Some(proven),
            Self::Ticket(_) => ticket.map(|ticket| &ticket.proven),
            _ => None,
        }
    }

    /// Refuses what does not hold of the locked rows: that the ticket is for the primary user, and that the secondary
    /// one, if there is one, is as it was when its account was proven.
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

    /// The id of the user that it seems to name, beside the identity.
    pub(super) fn user_id(&self) -> Option<UserId> {
        match self {
            Self::MainIdentity(identity) => identity.as_user_id(),
            _ => None,
        }
    }

    /// Whether what was found of it is still so of the row that was locked since.
    pub(super) fn still_names(&self, named: &Named, user: &User) -> bool {
        let is_outdated =
            |token: &VerifiedToken| user.has_withdrawn(&token.stamp()) || user.only_reads(named, &token.stamp());
        user.is_meant_by(named) && !self.token().is_some_and(is_outdated)
    }

    /// The token that proves it, if one does.
    pub(super) fn token(&self) -> Option<&VerifiedToken> {
        match self {
            Self::Proven(token) => Some(token),
            _ => None,
        }
    }

    /// What a proof is used up by.
    pub(super) fn proof_hash(&self) -> Option<[u8; 32]> {
        match self {
            // Its attempt is used up already.
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

    /// How it is refused if it does not prove anything, whatever the cause.
    pub(super) fn refusal(&self) -> Refusal {
        match self {
            Self::Ticket(_) => Refusal::LinkTicketInvalid,
            Self::Account(_) | Self::Kept(_) => Refusal::SignInInvalid,
            Self::Proven(_) | Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) => {
                Refusal::LinkTokenInvalid(LinkTokenProblem::Invalid)
            }
        }
    }

    /// Refuses a user that its naming does not reach. An account that nobody signs in with brings along no user
    /// who can sign in: it would be a way into that. Nor does an account that came to the user by an old sign-in: whose
    /// it is has not been shown by an account that was there before.
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
                // It says nothing of the account where the person signed in.
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
        // A provider that is disabled or undeclared today may let people in again tomorrow.
        let is_link_only = |identity: &IdentityRef| tenant.provider(&identity.provider).policy.link_only;
        let reaches = tenant.can_sign_in(&proving.provider) || user.identities.iter().all(|of| is_link_only(&of.id));
        if reaches && user.is_vouched(proving) { Ok(()) } else { Err(refusal) }
    }

    /// What is to be done, from what is known of the secondary side.
    pub(super) fn step(
        &self,
        tenant: &Tenant,
        ticket: Option<&Ticket>,
        primary: &UserId,
        known: &Answer,
        now: DateTime<Utc>,
    ) -> Result<Step, Refusal> {
        if let Some(used) = &known.proof_use {
            // The same call again, perhaps because its answer was lost; anything else is a replay.
            // What it names may have left the primary user though the link stands for others.
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

/// What a token proves now. It is judged like a bearer, but every cause has the one answer.
fn proven_step(tenant: &Tenant, token: &VerifiedToken, primary: &UserId, known: &Answer) -> Result<Step, Refusal> {
    let Some(standing) = &known.standing else {
        // A token that is older than the deletion of what it names proves nothing any more.
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

/// What a ticket proves now: one of candidates an account, for as long as nobody owns it; one of a link whatever the
/// link was previewed with, to the user that began it.
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

/// What an account that was proven before this call proves now; `None` if it has another owner than then.
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

/// What an account that the person signed in at in this very call proves: whoever has it is that person.
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
        // Deleted while the person signed in there.
        None if known.delete_time.is_some_and(|deleted| now <= deleted) => Err(Refusal::SignInInvalid),
        None => {
            let account = tenant.described(account.clone());
            Ok(Step::Attach(Box::new(Arrival { account, proven_at: now })))
        }
    }
}

/// The identity as its token describes it.
fn told(id: IdentityRef, token: &VerifiedToken) -> UnownedIdentity {
    // What does not fit is not worth refusing a link for: it is the provider's, and it can be
    // had from there again.
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
