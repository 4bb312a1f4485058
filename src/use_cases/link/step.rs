//! The step of a link that follows from the secondary side and what the database has of it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    SecondarySide,
    link_with::{ProofToken, refused},
};
use crate::{
    config::Tenant,
    domain::{
        Absorbed, DomainError, UserId, UserRef, UserState,
        linking::UnownedIdentity,
        tickets::{ProvenAccount, Ticket, TicketPurpose},
    },
    store::LookupResult,
};

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

impl Step {
    /// Nothing: the account belongs to the primary user already.
    fn already_linked(user_state: &UserState, found: &LookupResult) -> Self {
        let link = user_state.absorbed.as_ref().and_then(Absorbed::by_link);
        Self::Nothing { link: link.or(found.moved_by) }
    }
}

impl SecondarySide {
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
                Err(self.refusal("it was used before"))
            };
        }
        match self {
            Self::Token(token) => token_step(tenant, token, primary, found),
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
                        Ok(Step::Nothing { link: absorbed.by_link() })
                    }
                    Some(_) => Err(DomainError::UserAbsorbed),
                },
            },
        }
    }
}

/// The step that a token proves now. The token is judged like a bearer token, but each cause gives
/// the same refusal.
fn token_step(
    tenant: &Tenant,
    token: &ProofToken,
    primary: &UserId,
    found: &LookupResult,
) -> Result<Step, DomainError> {
    let Some(user_state) = &found.user_state else {
        // A token from before the deletion of what it names proves nothing.
        let outlived = found.delete_time.is_some_and(|deleted| token.issued_at() <= deleted);
        return match token.named() {
            UserRef::Identity(identity) if !outlived => {
                let account = tenant.with_provider_settings(token.account(identity.clone()));
                Ok(Step::Attach(Box::new(AttachableAccount {
                    account,
                    proven_at: token.issued_at(),
                })))
            }
            UserRef::Identity(_) => Err(refused("it is older than the deletion of its account")),
            UserRef::UserId(_) => Err(refused("the user that it names does not exist")),
        };
    };
    if user_state.has_withdrawn_tokens_of(token.issued_at()) {
        return Err(refused(
            "it was withdrawn: by an unlink, an undo, a deletion, or an event of its provider",
        ));
    }
    if !user_state.has_identity {
        return Err(refused("the user that it names has no account that can sign in"));
    }
    if user_state.holder == *primary {
        return Ok(Step::already_linked(user_state, found));
    }
    if user_state.only_reads(token.issued_at()) {
        return Err(refused("it is older than the move of its account to its present user"));
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
            Some(Step::already_linked(user_state, found))
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
            Ok(Step::already_linked(user_state, found))
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
