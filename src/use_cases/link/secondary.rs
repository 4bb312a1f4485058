//! The secondary side of a link: what names it, and what proves it.

use chrono::{DateTime, Utc};

use super::link_with::{ProofToken, refused};
use crate::{
    config::Tenant,
    domain::{
        DomainError, IdentityRef, KeptTokens, TokenStamp, User, UserId, UserRef,
        linking::UnownedIdentity,
        tickets::{ProvenAccount, Ticket, TicketPurpose},
    },
    store::Proof,
    use_cases::Error,
};

/// The secondary side of a link: named by a service, or with a proof. A token has been verified.
pub(in crate::use_cases) enum SecondarySide {
    /// By a token of the secondary user.
    Token(ProofToken),
    /// By one of its identities, named by a service.
    Identity(IdentityRef),
    /// By its main identity, named by a service.
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

impl SecondarySide {
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
            Self::Token(token) => Ok(token.named().clone()),
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

    /// The tokens that a flow has brought for the account that it proved; `None` for other proofs.
    pub(super) fn tokens<'a>(
        &'a self,
        ticket: Option<&'a Ticket>,
    ) -> Option<(&'a IdentityRef, &'a KeptTokens)> {
        let account = match self {
            Self::Account(account) => account,
            _ => &self.stored_proof(ticket)?.account,
        };
        Some((&account.id, account.tokens.as_ref()?))
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
    /// [`SecondarySide::refusal`].
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
        if is_for_primary && is_unchanged {
            Ok(())
        } else {
            Err(self.refusal("an account changed hands"))
        }
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
        let is_outdated =
            |stamp: TokenStamp| user.has_withdrawn(named, &stamp) || user.only_reads(named, &stamp);
        user.is_meant_by(named) && !self.token_stamp().is_some_and(is_outdated)
    }

    /// The facts about the token that proves it; `None` for other proofs.
    pub(super) fn token_stamp(&self) -> Option<TokenStamp> {
        match self {
            Self::Token(token) => Some(token.stamp()),
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
            Self::Token(token) => Some(token.hash()),
            Self::Ticket(hash) => Some(*hash),
        }
    }

    /// The proof, as the link records it.
    pub(super) fn proof(&self) -> Proof {
        match self {
            Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) => Proof::Service,
            Self::Token(token) => token.proof(),
            Self::Ticket(hash) => Proof::Ticket { hash: *hash },
            Self::Account(_) | Self::StoredAccount(_) => Proof::SignIn,
        }
    }

    /// The refusal of an invalid proof, the same for each cause. The cause of a token's goes to the
    /// log.
    pub(super) fn refusal(&self, cause: &'static str) -> DomainError {
        match self {
            Self::Ticket(_) => DomainError::LinkTicketInvalid,
            Self::Account(_) | Self::StoredAccount(_) => DomainError::SignInInvalid,
            Self::Token(_) | Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) => {
                refused(cause)
            }
        }
    }

    /// Refuses a user beyond the reach of the proof. An account that cannot sign in does not prove
    /// a user that can: it would be a way into that user. Nor does an account that an old sign-in
    /// added to the user: no older account has confirmed its owner.
    ///
    /// # Errors
    /// [`DomainError::IdentityTaken`], and [`SecondarySide::refusal`].
    pub(super) fn expect_reach(
        &self,
        tenant: &Tenant,
        ticket: Option<&Ticket>,
        user: &User,
    ) -> Result<(), DomainError> {
        let proving = match self {
            Self::MainIdentity(identity)
                if user.primary != *identity
                    && identity.as_user_id().as_ref() != Some(&user.id) =>
            {
                return Err(DomainError::IdentityTaken);
            }
            Self::Token(token) => match token.named() {
                UserRef::Identity(identity) => identity,
                // The token does not show at which account the person signed in.
                UserRef::UserId(_) if !user.is_all_vouched() => {
                    return Err(refused("an old sign-in added an account of the user"));
                }
                UserRef::UserId(_) => return Ok(()),
            },
            Self::Account(account) => &account.id,
            Self::StoredAccount(_) | Self::Ticket(_) => {
                let proven = self.stored_proof(ticket);
                &proven.ok_or_else(|| self.refusal("it is gone"))?.account.id
            }
            Self::Identity(_) | Self::MainIdentity(_) | Self::User(_) => return Ok(()),
        };
        // A provider that is disabled or undeclared today may accept sign-ins again tomorrow.
        let is_link_only =
            |identity: &IdentityRef| tenant.provider(&identity.provider).policy.link_only;
        let reaches = tenant.can_sign_in(&proving.provider)
            || user.identities.iter().all(|of| is_link_only(&of.id));
        match self {
            _ if reaches && user.is_vouched(proving) => Ok(()),
            Self::Token(_) => Err(refused(
                "its account cannot sign in while others of the user can, or an old sign-in added it",
            )),
            _ => Err(DomainError::IdentityTaken),
        }
    }
}
