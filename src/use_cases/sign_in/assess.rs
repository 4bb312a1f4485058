//! Reads the facts of a sign-in, and decides. Nothing is written here.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{SignIn, SignInProof};
use crate::{
    clock,
    config::Tenant,
    domain::{
        DomainError, Moved, Registration, User, UserId, UserRef,
        linking::UnownedIdentity,
        sign_in::{self, AccountHistory, Decision, SignInFacts, SignInOutcome, SignInRule},
        tickets::{ProvenAccount, Ticket, TicketPurpose},
    },
    store::{Lookup, Session},
    use_cases::{Error, look_up},
};

/// A sign-in that is at most this old is later than all deletions in the database, give or take a
/// second.
const NEARLY_NOW: TimeDelta = TimeDelta::seconds(1);

/// The facts of a sign-in and the decision.
pub(super) struct Assessment {
    /// The account, judged by today's configuration.
    pub account: UnownedIdentity,
    /// When the person signed in at the provider.
    pub proven_at: DateTime<Utc>,
    /// The user that owns the account; `None` if none does.
    pub owner: Option<User>,
    /// The users that have one of the emails that were looked for.
    pub holders: Vec<User>,
    /// The decision on the sign-in.
    pub decision: Decision,
    /// The ticket that this sign-in uses up.
    pub used: Option<[u8; 32]>,
}

impl Assessment {
    /// Whether a known account is unchanged and vouches for no identity, so that nothing must be
    /// written.
    pub(super) fn is_unchanged(&self, tenant: &Tenant) -> bool {
        let Some(owner) = &self.owner else { return false };
        let policy = &tenant.provider(&self.account.id.provider).policy;
        let known = owner.identity(&self.account.id);
        known.is_some_and(|known| {
            sign_in::refreshed(known, &self.account, policy, clock::now()).is_none()
        }) && sign_in::vouched_for(owner, &self.account, clock::now()).is_empty()
    }
}

impl SignIn {
    /// Reads the facts, and decides.
    ///
    /// # Errors
    /// [`DomainError::SignInInvalid`] if the proof no longer holds, and those of
    /// [`SignInFacts::decide`] and [`sign_in::apply_registration`].
    pub(super) async fn assess(
        &self,
        tenant: &Tenant,
        session: &mut Session,
    ) -> Result<Assessment, Error> {
        match &self.proof {
            SignInProof::Account { account, proven_at } => {
                assess_account(
                    tenant,
                    session,
                    UnownedIdentity::clone(account),
                    *proven_at,
                    None,
                    tenant.registration,
                )
                .await
            }
            SignInProof::Stored(proven) => {
                assess_stored(tenant, session, proven, tenant.registration).await
            }
            SignInProof::Ticket(hash) => assess_ticket(tenant, session, hash).await,
        }
    }
}

/// Reads the facts of an account, and decides. A `kept` account must still have the same owner.
async fn assess_account(
    tenant: &Tenant,
    session: &mut Session,
    account: UnownedIdentity,
    proven_at: DateTime<Utc>,
    kept: Option<&ProvenAccount>,
    registration: Registration,
) -> Result<Assessment, Error> {
    let provider = tenant.provider(&account.id.provider);
    let account = tenant.with_provider_settings(account);
    let owner = session.user_by_identity(&account.id).await?;
    if kept.is_some_and(|kept| !kept.is_still_of(owner.as_ref())) {
        return Err(DomainError::SignInInvalid.into());
    }
    // A sign-in from before the account moved to its owner is not that user's, just as an older
    // token is not.
    let known = owner.as_ref().and_then(|owner| owner.identity(&account.id));
    let moved = known.and_then(|identity| identity.moved);
    if moved.is_some_and(|moved| moved.is_later_than_sign_in(proven_at)) {
        return Err(DomainError::SignInInvalid.into());
    }
    // Nor does a sign-in count whose session the provider has ended since.
    if known.is_some_and(|identity| identity.has_ended(proven_at)) {
        return Err(DomainError::SignInInvalid.into());
    }
    let holders = if owner.is_none() && provider.policy.can_sign_in() {
        holders(session, &account).await?
    } else {
        Vec::new()
    };
    if let Some(kept) = kept
        && kept.is_outlived_by(session.delete_time(&UserRef::Identity(account.id.clone())).await?)
    {
        return Err(DomainError::SignInInvalid.into());
    }
    // Nor does a sign-in from before the account's release or deletion make a new user: the account
    // may be the next person's.
    if kept.is_none() && owner.is_none() && proven_at < clock::now() - NEARLY_NOW {
        let gone = session.delete_time(&UserRef::Identity(account.id.clone())).await?;
        if gone.is_some_and(|gone| Moved::at(gone).is_later_than_sign_in(proven_at)) {
            return Err(DomainError::SignInInvalid.into());
        }
    }
    let history = if holders.is_empty() {
        AccountHistory::default()
    } else {
        session.account_history(&account.id, &holders).await?
    };
    let (now, policy) = (clock::now(), &provider.policy);
    let facts = SignInFacts {
        account: &account,
        owner: owner.as_ref(),
        holders: &holders,
        history: &history,
        now,
        policy,
    };
    let decision = sign_in::apply_registration(facts.decide()?, registration)?;
    Ok(Assessment { account, proven_at, owner, holders, decision, used: None })
}

/// The users that have the account's email, and those that have proven one of its other emails.
async fn holders(session: &mut Session, account: &UnownedIdentity) -> Result<Vec<User>, Error> {
    let mut holders = match sign_in::linking_email(account) {
        Some(email) => session.email_holders(email).await?,
        None => Vec::new(),
    };
    let others: Vec<&str> = sign_in::suggesting_emails(account).into_iter().collect();
    if !others.is_empty() {
        let further = session.users_sharing_emails(None, &others).await?;
        let known: HashSet<UserId> = holders.iter().map(|user| user.id.clone()).collect();
        holders.extend(further.into_iter().filter(|user| !known.contains(&user.id)));
    }
    Ok(holders)
}

/// The same for a stored account. A proof from before the account moved to its present owner does
/// not sign in as that owner.
async fn assess_stored(
    tenant: &Tenant,
    session: &mut Session,
    kept: &ProvenAccount,
    registration: Registration,
) -> Result<Assessment, Error> {
    assess_account(tenant, session, kept.account.clone(), kept.proven_at, Some(kept), registration)
        .await
}

/// Decides by a ticket. A ticket of candidates makes a new user of its account; other tickets
/// continue a sign-in.
async fn assess_ticket(
    tenant: &Tenant,
    session: &mut Session,
    hash: &[u8; 32],
) -> Result<Assessment, Error> {
    let Ticket { proven, purpose } =
        session.ticket(hash).await?.ok_or(DomainError::SignInInvalid)?;
    let registration = match purpose {
        TicketPurpose::Candidates(_) => return assess_new_user(tenant, session, proven).await,
        TicketPurpose::SignIn => tenant.registration,
        TicketPurpose::Registration => tenant.registration.once_confirmed(),
        TicketPurpose::Link(_) => return Err(DomainError::SignInInvalid.into()),
    };
    Ok(Assessment {
        used: Some(*hash),
        ..assess_stored(tenant, session, &proven, registration).await?
    })
}

/// Makes a new user of an account for which candidates were listed, as long as it has no owner.
async fn assess_new_user(
    tenant: &Tenant,
    session: &mut Session,
    proven: ProvenAccount,
) -> Result<Assessment, Error> {
    let named = UserRef::Identity(proven.account.id.clone());
    let known = look_up(session, &[Lookup::from(named)]).await?;
    if known
        .iter()
        .any(|known| known.user_state.is_some() || proven.is_outlived_by(known.delete_time))
    {
        return Err(DomainError::SignInInvalid.into());
    }
    let ProvenAccount { account, proven_at, .. } = proven;
    let provider = tenant.provider(&account.id.provider);
    provider.policy.expect_sign_in()?;
    let account = tenant.with_provider_settings(account);
    let decision = Decision {
        outcome: SignInOutcome::Created,
        rule: SignInRule::NewUserChosen,
        evidence: Vec::new(),
    };
    let decision = sign_in::apply_registration(decision, tenant.registration.once_confirmed())?;
    Ok(Assessment { account, proven_at, owner: None, holders: Vec::new(), decision, used: None })
}
