//! Signing in: finds the owner of a proven account, and decides on an account without one.

mod seen;

use chrono::{DateTime, Utc};

use self::seen::Seen;
use super::{
    Error, Linking, Write, actor, attachment::Attachment, free_id, lock_told, named_in, named_in_link, random_user_id,
    take_live,
};
use crate::{
    auth::Permit,
    clock,
    config::Tenant,
    domain::{
        Event, Identity, Moved, Named, User, UserChange, UserId,
        linking::{LinkTerms, UnownedIdentity, owned},
        sign_in::{self, Decision, Outcome},
        tickets::{Proven, Ticket, TicketPurpose, UserThen},
        unlinking::user_of_its_own,
    },
    secret::sha256,
    store::{Inserted, Link as StoredLink, LockKeys, Proof, Session},
};

/// Decides which user signs in.
pub struct SignIn {
    /// The permit of the call.
    pub permit: Permit,
    /// The proof of the sign-in.
    pub with: SigningIn,
    /// Whether this is a preview, which changes nothing.
    pub validate_only: bool,
    /// The hash of the ticket that this may issue. A preview with a hash always issues one, for the sign-in that
    /// continues what was previewed. A preview without one writes nothing at all.
    pub ticket: Option<[u8; 32]>,
}

/// The proof of a sign-in.
pub enum SigningIn {
    /// An account that was just proven. Its email is marked verified if the provider claims so; whether that counts
    /// is judged here.
    Account {
        /// The account.
        account: Box<UnownedIdentity>,
        /// When the person signed in at the provider. Tokens of the account from then on prove as much as this
        /// sign-in.
        proven_at: DateTime<Utc>,
    },
    /// An account that was proven some minutes ago, as it was stored.
    Kept(Box<Proven>),
    /// The ticket with this hash: of candidates, to become a new user; or to continue a sign-in.
    Ticket([u8; 32]),
}

impl SigningIn {
    /// A ticket in the form in which a caller sends it.
    pub fn of_ticket(text: &str) -> Self {
        Self::Ticket(sha256(text.as_bytes()))
    }
}

/// The result of a sign-in.
pub struct SignInAnswer {
    /// The decision and its reason.
    pub decision: Decision,
    /// The account.
    pub account: UnownedIdentity,
    /// The user that signed in; `None` if that is undecided.
    pub user: Option<User>,
    /// The link that was made; `None` if none was.
    pub link: Option<StoredLink>,
    /// When the ticket to continue with expires; `None` if none was issued.
    pub ticket_expire_time: Option<DateTime<Utc>>,
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
        let is_read_only = self.validate_only && self.ticket.is_none();
        let writes_a_ticket = seen.used.is_some() || self.validate_only && !is_read_only;
        if seen.is_as_it_was(tenant) && !writes_a_ticket {
            return self.answer_known(tenant, session, seen).await;
        }
        let new_id = match seen.decision.outcome {
            Outcome::Created => Some(new_user_id(tenant, session, &seen.account).await?),
            _ => None,
        };
        if is_read_only {
            return self.act(tenant, session, seen, new_id, clock::now()).await;
        }
        session.begin_locked(&self.keys(&seen, new_id.as_ref())).await?;
        // Decides once more while holding the locks: this decision holds until it is written.
        let again = self.see(tenant, session).await?;
        if again.decision != seen.decision {
            return Err(Error::Moved);
        }
        let users = again.holders.iter().chain(&again.owner);
        let now = users.map(|user| user.update_time).fold(clock::now(), DateTime::max);
        let (owner, proven_at, used) = (again.owner.as_ref().map(UserThen::of), again.proven_at, again.used);
        let answer = self.act(tenant, session, again, new_id, now).await?;
        if self.validate_only {
            let proven = Proven { account: answer.account.clone(), owner, proven_at, time: now };
            let ticket_expire_time = self.issue(session, proven, TicketPurpose::SignIn).await?;
            return Ok(SignInAnswer { ticket_expire_time, ..answer });
        }
        if let Some(hash) = used {
            session.use_ticket(&hash).await?;
        }
        Ok(answer)
    }

    fn concerned(answer: &SignInAnswer) -> Vec<Named> {
        let account = [Named::Identity(answer.account.id.clone())];
        let evidence = answer.decision.evidence.iter().flat_map(|of| {
            [Named::Identity(of.identity.clone())].into_iter().chain(of.owner.clone().map(Named::UserId))
        });
        let candidates = match &answer.decision.outcome {
            Outcome::Candidates(candidates) => candidates.as_slice(),
            Outcome::SignedIn(_) | Outcome::Created | Outcome::Linked(_) | Outcome::RegistrationNeeded => &[],
        };
        let candidates = candidates.iter().flat_map(|candidate| {
            let others = candidate.others.iter().map(|(identity, _)| Named::Identity(identity.clone()));
            [Named::UserId(candidate.user.clone())].into_iter().chain(others)
        });
        let user = answer.user.iter().flat_map(named_in);
        let user = user.chain(candidates);
        account.into_iter().chain(evidence).chain(user).chain(answer.link.iter().flat_map(named_in_link)).collect()
    }
}

impl SignIn {
    /// The locks of the account, of the email that was looked for, and of all users that are changed or appear in the
    /// response.
    fn keys(&self, seen: &Seen, new_id: Option<&UserId>) -> LockKeys {
        let keys = LockKeys::default().identity(&seen.account.id);
        let email = sign_in::telling_email(&seen.account).filter(|_| seen.owner.is_none());
        let keys = email.into_iter().fold(keys, LockKeys::email);
        let evidence = seen.decision.evidence.iter().filter_map(|of| of.owner.as_ref());
        let keys = evidence.fold(keys, LockKeys::user);
        let keys = new_id.into_iter().fold(keys, LockKeys::user);
        match &seen.decision.outcome {
            Outcome::Created | Outcome::RegistrationNeeded => keys,
            Outcome::SignedIn(user) | Outcome::Linked(user) => keys.user(user),
            Outcome::Candidates(who) => who.iter().map(|candidate| &candidate.user).fold(keys, LockKeys::user),
        }
    }

    /// The response for a known account without changes. Under a request id it is stored, and must not outlive a
    /// deletion.
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
            Outcome::Candidates(_) | Outcome::RegistrationNeeded => self.ask(session, seen, now).await,
        }
    }

    /// Writes what the provider sent anew for a known account, and the identities for which this sign-in vouches.
    async fn refresh(
        &self,
        tenant: &Tenant,
        session: &mut Session,
        seen: Seen,
        now: DateTime<Utc>,
    ) -> Result<SignInAnswer, Error> {
        let Seen { account, owner, decision, .. } = seen;
        let mut user = owner.ok_or(Error::Moved)?;
        let vouched = sign_in::vouched_for(&user, &account, now);
        user.vouch_for(&vouched);
        let known = user.identity(&account.id).cloned().ok_or(Error::Moved)?;
        let policy = &tenant.provider(&account.id.provider).policy;
        let mut fresh = sign_in::refreshed(&known, &account, policy, now);
        if let Some(fresh) = &mut fresh {
            if sign_in::proves_an_address(&known, fresh) {
                *fresh = Identity { email_proven_among: false, ..fresh.clone() }.among(&user.identities);
                user.writes_valid_from = Some(now);
            }
            user.replace_identity(fresh);
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
        let Seen { account, proven_at, decision, .. } = seen;
        let mut users = match self.validate_only {
            true => session.users(&[id]).await?,
            false => session.users_for_update(&[id]).await?,
        };
        let user = take_live(&mut users, id)?;
        let terms = LinkTerms { require_shared_verified_email: true, ..LinkTerms::default() };
        let (permit, identity, proof) = (&self.permit, account.clone(), &Proof::VerifiedEmail);
        // The tokens of this same sign-in stay valid, however late it is written.
        let moved = Moved::at(proven_at.min(now));
        let attachment = Attachment { permit, user, identity, terms: &terms, proof, moved, now };
        let (user, link) = attachment.attach(session, self.validate_only).await?.ok_or(Error::Moved)?;
        Ok(SignInAnswer { link: Some(link), ..answer(decision, account, Some(user)) })
    }

    /// The person must choose a user, or confirm a new one. Only the ticket is written.
    async fn ask(&self, session: &mut Session, seen: Seen, now: DateTime<Utc>) -> Result<SignInAnswer, Error> {
        let Seen { account, proven_at, holders, decision, .. } = seen;
        if self.validate_only {
            return Ok(answer(decision, account, None));
        }
        let purpose = match &decision.outcome {
            Outcome::Candidates(who) => {
                let is_one = |user: &&User| who.iter().any(|candidate| candidate.user == user.id);
                TicketPurpose::Candidates(holders.iter().filter(is_one).map(candidate).collect())
            }
            _ => TicketPurpose::Registration,
        };
        let proven = Proven { account: account.clone(), owner: None, proven_at, time: now };
        let ticket_expire_time = self.issue(session, proven, purpose).await?;
        Ok(SignInAnswer { ticket_expire_time, ..answer(decision, account, None) })
    }

    /// Issues the ticket of this sign-in, and returns its expiry.
    async fn issue(
        &self,
        session: &mut Session,
        proven: Proven,
        purpose: TicketPurpose,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        let Some(hash) = &self.ticket else { return Ok(None) };
        Ok(Some(session.insert_ticket(hash, &Ticket { proven, purpose }).await?))
    }
}

/// A candidate as of now: any later change of the user counts as a change.
fn candidate(user: &User) -> UserThen {
    UserThen { identities_version: user.version, ..UserThen::of(user) }
}

fn answer(decision: Decision, account: UnownedIdentity, user: Option<User>) -> SignInAnswer {
    SignInAnswer { decision, account, user, link: None, ticket_expire_time: None }
}

/// The id of a new user.
async fn new_user_id(tenant: &Tenant, session: &mut Session, account: &UnownedIdentity) -> Result<UserId, Error> {
    let free = match tenant.user_id_of(&account.id) {
        Some(id) => free_id(session, id).await?,
        None => None,
    };
    free.map_or_else(random_user_id, Ok)
}
