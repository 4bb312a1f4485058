//! Signing in: finds the owner of a proven account, and decides on an account without one.

mod assess;

use chrono::{DateTime, Utc};

use self::assess::Assessment;
use super::{
    Counted, Error, UseCases, WriteUseCase, actor, attachment::Attachment, free_id, lock_response,
    random_user_id, refs_in, refs_in_link, take_live,
};
use crate::{
    auth::Permit,
    clock,
    config::Tenant,
    domain::{
        Event, Identity, Moved, User, UserChange, UserId, UserRef,
        linking::{LinkTerms, UnownedIdentity, owned_identity},
        sign_in::{self, Decision, SignInOutcome},
        tickets::{ProvenAccount, Ticket, TicketPurpose, UserSnapshot},
        unlinking::new_user,
    },
    secret::sha256,
    store::{Link as StoredLink, LockKeys, Proof, Session},
};

/// Decides which user signs in.
pub struct SignIn {
    /// The permit of the call.
    pub permit: Permit,
    /// The proof of the sign-in.
    pub proof: SignInProof,
    /// Whether this is a preview, which changes nothing.
    pub validate_only: bool,
    /// The hash of the ticket that this may issue. A preview with a hash always issues one, for the
    /// sign-in that continues what was previewed. A preview without one writes nothing at all.
    pub ticket: Option<[u8; 32]>,
}

/// The proof of a sign-in.
pub enum SignInProof {
    /// An account that was just proven. Its email is marked verified if the provider claims so;
    /// whether that counts is judged here.
    Account {
        /// The account.
        account: Box<UnownedIdentity>,
        /// When the person signed in at the provider. Tokens of the account from then on prove as
        /// much as this sign-in.
        proven_at: DateTime<Utc>,
    },
    /// An account that was proven some minutes ago, as it was stored.
    Stored(Box<ProvenAccount>),
    /// The ticket with this hash: of candidates, to become a new user; or to continue a sign-in.
    Ticket([u8; 32]),
}

impl SignInProof {
    /// A ticket in the form in which a caller sends it.
    pub fn from_ticket(text: &str) -> Self {
        Self::Ticket(sha256(text.as_bytes()))
    }
}

/// The result of a sign-in.
pub struct SignInResult {
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

impl WriteUseCase for SignIn {
    type Output = SignInResult;

    const RPC: &'static str = "SignIn";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn execute(
        &self,
        use_cases: &UseCases,
        session: &mut Session,
    ) -> Result<SignInResult, Error> {
        let tenant = use_cases.tenant(&self.permit)?;
        if let Some(stored) = session.stored_response().await? {
            return Err(Error::Retried(stored));
        }
        let assessment = self.assess(tenant, session).await?;
        let is_read_only = self.validate_only && self.ticket.is_none();
        let writes_a_ticket = assessment.used.is_some() || self.validate_only && !is_read_only;
        let keeps_tokens = assessment.account.tokens.is_some();
        if assessment.is_unchanged(tenant) && !writes_a_ticket && !keeps_tokens {
            return self.known_account_result(tenant, session, assessment).await;
        }
        let new_id = match assessment.decision.outcome {
            SignInOutcome::Created => {
                Some(new_user_id(tenant, session, &assessment.account).await?)
            }
            _ => None,
        };
        if is_read_only {
            return self.carry_out(tenant, session, assessment, new_id, clock::now()).await;
        }
        let now = session.begin_locked(&self.keys(&assessment, new_id.as_ref())).await?;
        // Decides once more while holding the locks: this decision holds until it is written.
        let again = self.assess(tenant, session).await?;
        if again.decision != assessment.decision {
            return Err(Error::Stale);
        }
        let users = again.holders.iter().chain(&again.owner);
        let now = users.map(|user| user.update_time).fold(now, DateTime::max);
        let (owner, proven_at, used) =
            (again.owner.as_ref().map(UserSnapshot::now), again.proven_at, again.used);
        let result = self.carry_out(tenant, session, again, new_id, now).await?;
        if self.validate_only {
            let proven =
                ProvenAccount { account: result.account.clone(), owner, proven_at, time: now };
            let ticket_expire_time = self.issue(session, proven, TicketPurpose::SignIn).await?;
            return Ok(SignInResult { ticket_expire_time, ..result });
        }
        if let Some(hash) = used {
            session.use_ticket(&hash);
        }
        Ok(result)
    }

    fn counted(&self, use_cases: &UseCases, result: &SignInResult) -> Option<Counted> {
        let tenant = use_cases.tenant(&self.permit).ok().filter(|_| !self.validate_only)?;
        // A caller may name any provider where the tenant allows undeclared ones.
        let provider = tenant.providers.get_key_value(&result.account.id.provider);
        let provider = provider.map_or("other", |(provider, _)| provider.as_str()).to_owned();
        let (tenant, decision) = (self.permit.tenant().clone(), &result.decision);
        let (outcome, rule) = (decision.outcome.as_str(), decision.rule.as_str());
        let is_automatic = matches!(decision.outcome, SignInOutcome::Linked(_));
        Some(Box::new(move |metrics| {
            metrics.sign_ins.decided(tenant.as_str(), &provider, outcome);
            if is_automatic {
                metrics.links.automatic(tenant.as_str(), rule);
            }
        }))
    }

    fn concerned(result: &SignInResult) -> Vec<UserRef> {
        let account = [UserRef::Identity(result.account.id.clone())];
        let evidence = result.decision.evidence.iter().flat_map(|of| {
            [UserRef::Identity(of.identity.clone())]
                .into_iter()
                .chain(of.owner.clone().map(UserRef::UserId))
        });
        let candidates = match &result.decision.outcome {
            SignInOutcome::Candidates(candidates) => candidates.as_slice(),
            SignInOutcome::SignedIn(_)
            | SignInOutcome::Created
            | SignInOutcome::Linked(_)
            | SignInOutcome::RegistrationNeeded => &[],
        };
        let candidates = candidates.iter().flat_map(|candidate| {
            let others =
                candidate.others.iter().map(|(identity, _)| UserRef::Identity(identity.clone()));
            [UserRef::UserId(candidate.user.clone())].into_iter().chain(others)
        });
        let user = result.user.iter().flat_map(refs_in);
        let user = user.chain(candidates);
        account
            .into_iter()
            .chain(evidence)
            .chain(user)
            .chain(result.link.iter().flat_map(refs_in_link))
            .collect()
    }
}

impl SignIn {
    /// The locks of the account, of the email that was looked for, and of all users that are
    /// changed or appear in the response.
    fn keys(&self, assessment: &Assessment, new_id: Option<&UserId>) -> LockKeys {
        let keys = LockKeys::default().identity(&assessment.account.id);
        let email =
            sign_in::linking_email(&assessment.account).filter(|_| assessment.owner.is_none());
        let keys = email.into_iter().fold(keys, LockKeys::email);
        let evidence = assessment.decision.evidence.iter().filter_map(|of| of.owner.as_ref());
        let keys = evidence.fold(keys, LockKeys::user);
        let keys = new_id.into_iter().fold(keys, LockKeys::user);
        match &assessment.decision.outcome {
            SignInOutcome::Created | SignInOutcome::RegistrationNeeded => keys,
            SignInOutcome::SignedIn(user) | SignInOutcome::Linked(user) => keys.user(user),
            SignInOutcome::Candidates(candidates) => {
                candidates.iter().map(|candidate| &candidate.user).fold(keys, LockKeys::user)
            }
        }
    }

    /// The response for a known account without changes. Under a request id it is stored, and must
    /// not outlive a deletion.
    async fn known_account_result(
        &self,
        tenant: &Tenant,
        session: &mut Session,
        assessment: Assessment,
    ) -> Result<SignInResult, Error> {
        let Some(user) = &assessment.owner else { return Err(Error::Stale) };
        if session.has_request_id() {
            lock_response(session, &[&user.id], None).await?;
            let again = self.assess(tenant, session).await?;
            if again.owner.as_ref() != Some(user) {
                return Err(Error::Stale);
            }
        }
        Ok(result(assessment.decision, assessment.account, assessment.owner))
    }

    async fn carry_out(
        &self,
        tenant: &Tenant,
        session: &mut Session,
        assessment: Assessment,
        new_id: Option<UserId>,
        now: DateTime<Utc>,
    ) -> Result<SignInResult, Error> {
        match assessment.decision.outcome.clone() {
            SignInOutcome::SignedIn(_) => self.refresh(tenant, session, assessment, now),
            SignInOutcome::Created => {
                self.create(session, assessment, new_id.ok_or(Error::Stale)?, now)
            }
            SignInOutcome::Linked(user) => self.link(session, assessment, &user, now).await,
            SignInOutcome::Candidates(_) | SignInOutcome::RegistrationNeeded => {
                self.offer_choice(session, assessment, now).await
            }
        }
    }

    /// Writes what the provider sent anew for a known account, and the identities for which this
    /// sign-in vouches.
    fn refresh(
        &self,
        tenant: &Tenant,
        session: &mut Session,
        assessment: Assessment,
        now: DateTime<Utc>,
    ) -> Result<SignInResult, Error> {
        let Assessment { account, owner, decision, .. } = assessment;
        let mut user = owner.ok_or(Error::Stale)?;
        let vouched = sign_in::vouched_for(&user, &account, now);
        user.vouch_for(&vouched);
        let known = user.identity(&account.id).cloned().ok_or(Error::Stale)?;
        let policy = &tenant.provider(&account.id.provider).policy;
        let mut fresh = sign_in::refreshed(&known, &account, policy, now);
        if let Some(fresh) = &mut fresh {
            if sign_in::proves_address(&known, fresh) {
                *fresh =
                    Identity { email_proven_among: false, ..fresh.clone() }.among(&user.identities);
                user.writes_valid_from = Some(now);
            }
            user.replace_identity(fresh);
            user.touch(now);
        }
        if !self.validate_only {
            if !vouched.is_empty() {
                session.vouch_for(&vouched);
            }
            if let Some(tokens) = &account.tokens {
                session.keep_tokens(&account.id, tokens);
            }
            if let Some(fresh) = fresh {
                session.refresh_identity(&fresh)?;
                session.save_users(&[&user]);
                let event =
                    Event::IdentityUpdated { user: UserChange::latest(&user), identity: fresh.id };
                session.record(actor(&self.permit, &user.id), event, now);
            }
        }
        Ok(result(decision, account, Some(user)))
    }

    fn create(
        &self,
        session: &mut Session,
        assessment: Assessment,
        id: UserId,
        now: DateTime<Utc>,
    ) -> Result<SignInResult, Error> {
        let Assessment { account, decision, .. } = assessment;
        let identity = owned_identity(account.clone(), id.clone(), 0, now);
        let user = new_user(id, &identity, now);
        if !self.validate_only {
            session.insert_user(&user, &identity)?;
            if let Some(tokens) = &account.tokens {
                session.keep_tokens(&account.id, tokens);
            }
            let identities = vec![identity.id];
            let event =
                Event::UserCreated { user: UserChange::latest(&user), identities, blocked: false };
            session.record(actor(&self.permit, &user.id), event, now);
        }
        Ok(result(decision, account, Some(user)))
    }

    async fn link(
        &self,
        session: &mut Session,
        assessment: Assessment,
        id: &UserId,
        now: DateTime<Utc>,
    ) -> Result<SignInResult, Error> {
        let Assessment { account, proven_at, decision, .. } = assessment;
        let mut users = match self.validate_only {
            true => session.users(&[id]).await?,
            false => session.users_for_update(&[id]).await?,
        };
        let user = take_live(&mut users, id)?;
        let terms = LinkTerms { require_shared_verified_email: true, ..LinkTerms::default() };
        let proof = &Proof::VerifiedEmail { rule: decision.rule };
        let (permit, identity) = (&self.permit, account.clone());
        // The tokens of this same sign-in stay valid, however late it is written.
        let moved = Moved::at(proven_at.min(now));
        let attachment = Attachment { permit, user, identity, terms: &terms, proof, moved, now };
        let (user, link) = attachment.attach(session, self.validate_only)?;
        Ok(SignInResult { link: Some(link), ..result(decision, account, Some(user)) })
    }

    /// The person must choose a user, or confirm a new one. Only the ticket is written.
    async fn offer_choice(
        &self,
        session: &mut Session,
        assessment: Assessment,
        now: DateTime<Utc>,
    ) -> Result<SignInResult, Error> {
        let Assessment { account, proven_at, holders, decision, .. } = assessment;
        if self.validate_only {
            return Ok(result(decision, account, None));
        }
        let purpose = match &decision.outcome {
            SignInOutcome::Candidates(candidates) => {
                let is_one =
                    |user: &&User| candidates.iter().any(|candidate| candidate.user == user.id);
                TicketPurpose::Candidates(
                    holders.iter().filter(is_one).map(candidate_now).collect(),
                )
            }
            _ => TicketPurpose::Registration,
        };
        let proven = ProvenAccount { account: account.clone(), owner: None, proven_at, time: now };
        let ticket_expire_time = self.issue(session, proven, purpose).await?;
        Ok(SignInResult { ticket_expire_time, ..result(decision, account, None) })
    }

    /// Issues the ticket of this sign-in, and returns its expiry.
    async fn issue(
        &self,
        session: &mut Session,
        proven: ProvenAccount,
        purpose: TicketPurpose,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        let Some(hash) = &self.ticket else { return Ok(None) };
        Ok(Some(session.insert_ticket(hash, &Ticket { proven, purpose }).await?))
    }
}

/// A candidate as of now: any later change of the user counts as a change.
fn candidate_now(user: &User) -> UserSnapshot {
    UserSnapshot { identities_version: user.version, ..UserSnapshot::now(user) }
}

fn result(decision: Decision, account: UnownedIdentity, user: Option<User>) -> SignInResult {
    SignInResult { decision, account, user, link: None, ticket_expire_time: None }
}

/// The id of a new user.
async fn new_user_id(
    tenant: &Tenant,
    session: &mut Session,
    account: &UnownedIdentity,
) -> Result<UserId, Error> {
    let free = match tenant.user_id_of(&account.id) {
        Some(id) => free_id(session, id).await?,
        None => None,
    };
    free.map_or_else(random_user_id, Ok)
}
