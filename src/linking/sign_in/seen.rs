//! Reads the facts of a sign-in, and decides. Nothing is written here.

use chrono::{DateTime, TimeDelta, Utc};

use super::{SignIn, SigningIn};
use crate::{
    clock,
    config::Tenant,
    domain::{
        Moved, Named, Refusal, Registration, User,
        linking::UnownedIdentity,
        sign_in::{self, Decision, Facts, Outcome, Past, Rule},
        tickets::{Proven, Ticket, TicketPurpose},
    },
    linking::{Error, unanswered},
    store::{Question, Session},
};

/// A sign-in that is at most this old is later than all deletions in the database, give or take a second.
const NEARLY_NOW: TimeDelta = TimeDelta::seconds(1);

/// The facts of a sign-in and the decision.
pub(super) struct Seen {
    /// The account, judged by today's configuration.
    pub account: UnownedIdentity,
    /// When the person signed in at the provider.
    pub proven_at: DateTime<Utc>,
    /// The user that owns the account; `None` if none does.
    pub owner: Option<User>,
    /// The users that have the email that was looked for.
    pub holders: Vec<User>,
    /// The decision on the sign-in.
    pub decision: Decision,
    /// The ticket that this sign-in uses up.
    pub used: Option<[u8; 32]>,
}

impl Seen {
    /// Whether a known account is unchanged and vouches for no identity, so that nothing must be written.
    pub fn is_as_it_was(&self, tenant: &Tenant) -> bool {
        let Some(owner) = &self.owner else { return false };
        let policy = &tenant.provider(&self.account.id.provider).policy;
        let known = owner.identity(&self.account.id);
        known.is_some_and(|known| sign_in::refreshed(known, &self.account, policy, clock::now()).is_none())
            && sign_in::vouched_for(owner, &self.account, clock::now()).is_empty()
    }
}

impl SignIn {
    /// Reads the facts, and decides.
    ///
    /// # Errors
    /// [`Refusal::SignInInvalid`] if the proof no longer holds, and those of [`Facts::decide`] and
    /// [`sign_in::admitted`].
    pub(super) async fn see(&self, tenant: &Tenant, session: &mut Session) -> Result<Seen, Error> {
        match &self.with {
            SigningIn::Account { account, proven_at } => {
                see_account(tenant, session, UnownedIdentity::clone(account), *proven_at, None, tenant.registration)
                    .await
            }
            SigningIn::Kept(proven) => see_kept(tenant, session, proven, tenant.registration).await,
            SigningIn::Ticket(hash) => see_ticket(tenant, session, hash).await,
        }
    }
}

/// Reads the facts of an account, and decides. A `kept` account must still have the same owner.
async fn see_account(
    tenant: &Tenant,
    session: &mut Session,
    account: UnownedIdentity,
    proven_at: DateTime<Utc>,
    kept: Option<&Proven>,
    registration: Registration,
) -> Result<Seen, Error> {
    let provider = tenant.provider(&account.id.provider);
    let account = tenant.described(account);
    let owner = session.user_by_identity(&account.id).await?;
    if kept.is_some_and(|kept| !kept.is_still_of(owner.as_ref())) {
        return Err(Refusal::SignInInvalid.into());
    }
    // A sign-in from before the account moved to its owner is not that user's, just as an older token is not.
    let moved = owner.as_ref().and_then(|owner| owner.identity(&account.id)).and_then(|identity| identity.moved);
    if moved.is_some_and(|moved| moved.is_later_than_sign_in(proven_at)) {
        return Err(Refusal::SignInInvalid.into());
    }
    let email = sign_in::telling_email(&account).filter(|_| owner.is_none());
    let holders = match email.filter(|_| provider.policy.can_sign_in()) {
        Some(email) => session.email_holders(email).await?,
        None => Vec::new(),
    };
    if let Some(kept) = kept
        && kept.is_outlived_by(session.delete_time(&Named::Identity(account.id.clone())).await?)
    {
        return Err(Refusal::SignInInvalid.into());
    }
    // Nor does a sign-in from before the account's release or deletion make a new user: the account may be the next
    // person's.
    if kept.is_none() && owner.is_none() && proven_at < clock::now() - NEARLY_NOW {
        let gone = session.delete_time(&Named::Identity(account.id.clone())).await?;
        if gone.is_some_and(|gone| Moved::at(gone).is_later_than_sign_in(proven_at)) {
            return Err(Refusal::SignInInvalid.into());
        }
    }
    let past = if holders.is_empty() { Past::default() } else { session.past(&account.id, &holders).await? };
    let (now, policy) = (clock::now(), &provider.policy);
    let facts = Facts { account: &account, owner: owner.as_ref(), holders: &holders, past: &past, now, policy };
    let decision = sign_in::admitted(facts.decide()?, registration)?;
    Ok(Seen { account, proven_at, owner, holders, decision, used: None })
}

/// The same for a stored account. A proof from before the account moved to its present owner does not sign in as that
/// owner.
async fn see_kept(
    tenant: &Tenant,
    session: &mut Session,
    kept: &Proven,
    registration: Registration,
) -> Result<Seen, Error> {
    see_account(tenant, session, kept.account.clone(), kept.proven_at, Some(kept), registration).await
}

/// Decides by a ticket. A ticket of candidates makes a new user of its account; other tickets continue a sign-in.
async fn see_ticket(tenant: &Tenant, session: &mut Session, hash: &[u8; 32]) -> Result<Seen, Error> {
    let Ticket { proven, purpose } = session.ticket(hash).await?.ok_or(Refusal::SignInInvalid)?;
    let registration = match purpose {
        TicketPurpose::Candidates(_) => return see_own_user_wanted(tenant, session, proven).await,
        TicketPurpose::SignIn => tenant.registration,
        TicketPurpose::Registration => tenant.registration.wanted(),
        TicketPurpose::Link(_) => return Err(Refusal::SignInInvalid.into()),
    };
    Ok(Seen { used: Some(*hash), ..see_kept(tenant, session, &proven, registration).await? })
}

/// Makes a new user of an account for which candidates were listed, as long as it has no owner.
async fn see_own_user_wanted(tenant: &Tenant, session: &mut Session, proven: Proven) -> Result<Seen, Error> {
    let named = Named::Identity(proven.account.id.clone());
    let known = unanswered(session, &[Question::from(named)]).await?;
    if known.iter().any(|known| known.standing.is_some() || proven.is_outlived_by(known.delete_time)) {
        return Err(Refusal::SignInInvalid.into());
    }
    let Proven { account, proven_at, .. } = proven;
    let provider = tenant.provider(&account.id.provider);
    provider.policy.expect_sign_in()?;
    let account = tenant.described(account);
    let decision = Decision { outcome: Outcome::Created, rule: Rule::OwnUserWanted, evidence: Vec::new() };
    let decision = sign_in::admitted(decision, tenant.registration.wanted())?;
    Ok(Seen { account, proven_at, owner: None, holders: Vec::new(), decision, used: None })
}
