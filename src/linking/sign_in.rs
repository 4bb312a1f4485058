//! Signing in: whose an account is that was just proven, and what becomes of it if it is nobody's.

use chrono::{DateTime, Utc};

use super::{
    Error, Linking, Write, actor, attachment::Attachment, free_id, lock_told, named_in, named_in_link, random_user_id,
    take_live, unanswered,
};
use crate::{
    auth::Permit,
    clock,
    config::Tenant,
    domain::{
        Event, Moved, Named, Refusal, User, UserChange, UserId,
        linking::{LinkTerms, UnownedIdentity, owned},
        sign_in::{self, Decision, Facts, Outcome, Past, Rule},
        tickets::Ticket,
        unlinking::user_of_its_own,
    },
    secret::{random_text, sha256},
    store::{Inserted, Link as StoredLink, LockKeys, Proof, Question, Session},
};

/// Decides who signs in.
pub struct SignIn {
    /// On whose permission.
    pub permit: Permit,
    /// With what.
    pub with: SigningIn,
    /// Whether to change nothing.
    pub validate_only: bool,
}

/// With what somebody signs in.
pub enum SigningIn {
    /// An account that was just proven. Its email is verified if the provider says so; whether that counts is
    /// judged here.
    Account {
        /// The account.
        account: UnownedIdentity,
        /// When the person signed in there: tokens of the account from then on are as good as this sign-in.
        proven_at: DateTime<Utc>,
    },
    /// The ticket with this hash, to be a user of its own.
    Ticket([u8; 32]),
}

impl SigningIn {
    /// With a ticket, as a caller gives it.
    pub fn of_ticket(text: &str) -> Self {
        Self::Ticket(sha256(text.as_bytes()))
    }
}

/// What a sign-in came to.
pub struct SignInAnswer {
    /// What was decided, and why.
    pub decision: Decision,
    /// The account.
    pub account: UnownedIdentity,
    /// Whoever signed in; `None` if that is still to be said.
    pub user: Option<User>,
    /// The link that was made.
    pub link: Option<StoredLink>,
    /// With what whoever signed in goes on, if that is still to be said.
    pub ticket: Option<IssuedTicket>,
}

/// A ticket, as its bearer is given it.
pub struct IssuedTicket {
    /// Says who has proven what.
    pub text: String,
    /// When it is worth nothing more.
    pub expire_time: DateTime<Utc>,
}

/// What is known.
struct Seen {
    account: UnownedIdentity,
    owner: Option<User>,
    holders: Vec<User>,
    decision: Decision,
}

impl Write for SignIn {
    type Answer = SignInAnswer;

    const RPC: &'static str = "SignIn";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn attempt(&self, linking: &Linking, session: &mut Session) -> Result<SignInAnswer, Error> {
        let tenant = linking.tenant(&self.permit)?;
        if let Some(stored) = session.stored_answer().await? {
            return Err(Error::Answered(stored));
        }
        let seen = self.see(tenant, session).await?;
        if seen.is_as_it_was(tenant) {
            return self.answer_known(tenant, session, seen).await;
        }
        let new_id = match seen.decision.outcome {
            Outcome::Created => Some(new_user_id(tenant, session, &seen.account).await?),
            _ => None,
        };
        if self.validate_only {
            return self.act(tenant, session, seen, new_id, clock::now()).await;
        }
        session.begin_locked(&self.keys(&seen, new_id.as_ref())).await?;
        // Once more, behind the locks: what is decided now stays so until it is written.
        let again = self.see(tenant, session).await?;
        if again.decision != seen.decision {
            return Err(Error::Moved);
        }
        let users = again.holders.iter().chain(&again.owner);
        let now = users.map(|user| user.update_time).fold(clock::now(), DateTime::max);
        self.act(tenant, session, again, new_id, now).await
    }

    fn concerned(answer: &SignInAnswer) -> Vec<Named> {
        let account = [Named::Identity(answer.account.id.clone())];
        let evidence = answer.decision.evidence.iter().flat_map(|of| {
            [Named::Identity(of.identity.clone())].into_iter().chain(of.owner.clone().map(Named::UserId))
        });
        let candidates = match &answer.decision.outcome {
            Outcome::Candidates(candidates) => candidates.as_slice(),
            Outcome::SignedIn(_) | Outcome::Created | Outcome::Linked(_) => &[],
        };
        let candidates = candidates.iter().flat_map(|candidate| {
            let others = candidate.others.iter().map(|(identity, _)| Named::Identity(identity.clone()));
            [Named::UserId(candidate.user.clone())].into_iter().chain(others)
        });
        let user = answer.user.iter().flat_map(named_in);
        let user = user.chain(candidates);
        account.into_iter().chain(evidence).chain(user).chain(answer.link.iter().flat_map(named_in_link)).collect()
    }

    fn is_kept(answer: &SignInAnswer) -> bool {
        // A ticket is kept nowhere; whoever asks again is given another.
        answer.ticket.is_none()
    }
}

impl Seen {
    /// Whether a known account is as it was, and vouches for none, so that nothing is to be written.
    fn is_as_it_was(&self, tenant: &Tenant) -> bool {
        let Some(owner) = &self.owner else { return false };
        let policy = &tenant.provider(&self.account.id.provider).policy;
        let known = owner.identity(&self.account.id);
        known.is_some_and(|known| sign_in::refreshed(known, &self.account, policy, clock::now()).is_none())
            && owner.vouched_for_by(&self.account.id).is_empty()
    }
}

impl SignIn {
    /// Reads what there is to know, and decides.
    async fn see(&self, tenant: &Tenant, session: &mut Session) -> Result<Seen, Error> {
        let account = match &self.with {
            SigningIn::Account { account, .. } => account.clone(),
            SigningIn::Ticket(hash) => return self.see_ticket(tenant, session, hash).await,
        };
        let provider = tenant.provider(&account.id.provider);
        let account = tenant.described(account);
        let owner = session.user_by_identity(&account.id).await?;
        let email = sign_in::telling_email(&account).filter(|_| owner.is_none());
        let holders = match email.filter(|_| provider.policy.can_sign_in()) {
            Some(email) => session.email_holders(email).await?,
            None => Vec::new(),
        };
        let past = if holders.is_empty() { Past::default() } else { session.past(&account.id).await? };
        let (now, policy) = (clock::now(), &provider.policy);
        let facts = Facts { account: &account, owner: owner.as_ref(), holders: &holders, past: &past, now, policy };
        let decision = facts.decide()?;
        Ok(Seen { account, owner, holders, decision })
    }

    /// A ticket makes a user of its own of its account, as long as that is nobody's.
    async fn see_ticket(&self, tenant: &Tenant, session: &mut Session, hash: &[u8; 32]) -> Result<Seen, Error> {
        let ticket = session.ticket(hash).await?.ok_or(Refusal::SignInInvalid)?;
        let named = Named::Identity(ticket.account.id.clone());
        let known = unanswered(session, &[Question::from(named)]).await?;
        let is_worthless =
            known.iter().any(|known| known.standing.is_some() || ticket.is_outlived_by(known.delete_time));
        if is_worthless {
            return Err(Refusal::SignInInvalid.into());
        }
        let provider = tenant.provider(&ticket.account.id.provider);
        provider.policy.expect_sign_in()?;
        let account = tenant.described(ticket.account);
        let decision = Decision { outcome: Outcome::Created, rule: Rule::OwnUserWanted, evidence: Vec::new() };
        Ok(Seen { account, owner: None, holders: Vec::new(), decision })
    }

    /// The account, the email that was looked for, and everybody who is changed or told of.
    fn keys(&self, seen: &Seen, new_id: Option<&UserId>) -> LockKeys {
        let keys = LockKeys::default().identity(&seen.account.id);
        let email = sign_in::telling_email(&seen.account).filter(|_| seen.owner.is_none());
        let keys = email.into_iter().fold(keys, LockKeys::email);
        let evidence = seen.decision.evidence.iter().filter_map(|of| of.owner.as_ref());
        let keys = evidence.fold(keys, LockKeys::user);
        let keys = new_id.into_iter().fold(keys, LockKeys::user);
        match &seen.decision.outcome {
            Outcome::Created => keys,
            Outcome::SignedIn(user) | Outcome::Linked(user) => keys.user(user),
            Outcome::Candidates(who) => who.iter().map(|candidate| &candidate.user).fold(keys, LockKeys::user),
        }
    }

    /// Somebody whom nothing new is told of. An answer that is kept must not outlive a deletion.
    async fn answer_known(&self, tenant: &Tenant, session: &mut Session, seen: Seen) -> Result<SignInAnswer, Error> {
        let Some(user) = &seen.owner else { return Err(Error::Moved) };
        if session.has_request_id() {
            lock_told(session, &[&user.id], None).await?;
            let again = self.see(tenant, session).await?;
            if again.owner.as_ref() != Some(user) {
                return Err(Error::Moved);
            }
        }
        Ok(answer(seen.decision, seen.account, seen.owner))
    }

    async fn act(
        &self,
        tenant: &Tenant,
        session: &mut Session,
        seen: Seen,
        new_id: Option<UserId>,
        now: DateTime<Utc>,
    ) -> Result<SignInAnswer, Error> {
        match seen.decision.outcome.clone() {
            Outcome::SignedIn(_) => self.refresh(tenant, session, seen, now).await,
            Outcome::Created => self.create(session, seen, new_id.ok_or(Error::Moved)?, now).await,
            Outcome::Linked(user) => self.link(session, seen, &user, now).await,
            Outcome::Candidates(_) => self.suggest(session, seen, now).await,
        }
    }

    /// A known account of which the provider tells something else now, or which vouches for others by this sign-in.
    async fn refresh(
        &self,
        tenant: &Tenant,
        session: &mut Session,
        seen: Seen,
        now: DateTime<Utc>,
    ) -> Result<SignInAnswer, Error> {
        let Seen { account, owner, decision, .. } = seen;
        let mut user = owner.ok_or(Error::Moved)?;
        let vouched = user.vouched_for_by(&account.id);
        user.vouch_for(&vouched);
        let known = user.identities.iter_mut().find(|identity| identity.id == account.id).ok_or(Error::Moved)?;
        let policy = &tenant.provider(&account.id.provider).policy;
        let fresh = sign_in::refreshed(known, &account, policy, now);
        if let Some(fresh) = &fresh {
            let proves_an_address = sign_in::proves_an_address(known, fresh);
            *known = fresh.clone();
            if proves_an_address {
                user.writes_valid_from = Some(now);
            }
            user.touch(now);
        }
        if !self.validate_only {
            if !vouched.is_empty() {
                session.vouch_for(&vouched).await?;
            }
            if let Some(fresh) = fresh {
                session.refresh_identity(&fresh).await?;
                session.save_users(&[&user]).await?;
                let event = Event::IdentityUpdated { user: UserChange::of(&user), identity: fresh.id };
                session.record(actor(&self.permit, &user.id), event, now);
            }
        }
        Ok(answer(decision, account, Some(user)))
    }

    async fn create(
        &self,
        session: &mut Session,
        seen: Seen,
        id: UserId,
        now: DateTime<Utc>,
    ) -> Result<SignInAnswer, Error> {
        let Seen { account, decision, .. } = seen;
        let identity = owned(account.clone(), id.clone(), 0, now);
        let user = user_of_its_own(id, &identity, now);
        if !self.validate_only {
            if session.insert_user(&user, &identity).await? != Inserted::Inserted {
                return Err(Error::Moved);
            }
            let identities = vec![identity.id];
            let event = Event::UserCreated { user: UserChange::of(&user), identities, blocked: false };
            session.record(actor(&self.permit, &user.id), event, now);
        }
        Ok(answer(decision, account, Some(user)))
    }

    async fn link(
        &self,
        session: &mut Session,
        seen: Seen,
        id: &UserId,
        now: DateTime<Utc>,
    ) -> Result<SignInAnswer, Error> {
        let Seen { account, decision, .. } = seen;
        let mut users = match self.validate_only {
            true => session.users(&[id]).await?,
            false => session.users_for_update(&[id]).await?,
        };
        let user = take_live(&mut users, id)?;
        let terms = LinkTerms { require_shared_verified_email: true, ..LinkTerms::default() };
        let (permit, identity, proof) = (&self.permit, account.clone(), &Proof::VerifiedEmail);
        // So that the tokens of this very sign-in are good, whenever it comes to be written.
        let SigningIn::Account { proven_at, .. } = self.with else { return Err(Error::Moved) };
        let moved = Moved::at(proven_at.min(now));
        let attachment = Attachment { permit, user, identity, terms: &terms, proof, moved, now };
        let (user, link) = attachment.attach(session, self.validate_only).await?.ok_or(Error::Moved)?;
        Ok(SignInAnswer { link: Some(link), ..answer(decision, account, Some(user)) })
    }

    /// It is for the person to say who it is. The ticket is all that is written.
    async fn suggest(&self, session: &mut Session, seen: Seen, now: DateTime<Utc>) -> Result<SignInAnswer, Error> {
        let Seen { account, holders, decision, .. } = seen;
        if self.validate_only {
            return Ok(answer(decision, account, None));
        }
        let text = random_text()?;
        let Outcome::Candidates(who) = &decision.outcome else { return Err(Error::Moved) };
        let is_one = |user: &&User| who.iter().any(|candidate| candidate.user == user.id);
        let candidates = holders.iter().filter(is_one).map(|user| (user.id.clone(), user.version)).collect();
        let ticket = Ticket { account: account.clone(), candidates, issue_time: now };
        let expire_time = session.insert_ticket(&sha256(text.as_bytes()), &ticket).await?;
        let ticket = Some(IssuedTicket { text, expire_time });
        Ok(SignInAnswer { ticket, ..answer(decision, account, None) })
    }
}

fn answer(decision: Decision, account: UnownedIdentity, user: Option<User>) -> SignInAnswer {
    SignInAnswer { decision, account, user, link: None, ticket: None }
}

/// What a newcomer will be called.
async fn new_user_id(tenant: &Tenant, session: &mut Session, account: &UnownedIdentity) -> Result<UserId, Error> {
    let free = match tenant.user_id_of(&account.id) {
        Some(id) => free_id(session, id).await?,
        None => None,
    };
    free.map_or_else(random_user_id, Ok)
}
