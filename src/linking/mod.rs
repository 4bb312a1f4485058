//! The use cases that change something: the rules, the store and the proofs, put together.
//!
//! A write runs in a task of its own, to its end, even if whoever asked for it goes away: first it
//! resolves who is meant, without a transaction; then it takes its locks, reads the rows again,
//! lets the rules decide on them, writes and commits. If the rows are not the ones that were
//! resolved, it starts again.

mod attachment;
mod attempts;
mod error;
mod link;
mod metadata;
mod preview;
mod primary;
mod release;
mod secondary;
mod sign_in;
mod spelling;
mod ticket_text;
mod undo;
mod unlink;
mod users;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use self::{
    attempts::{Reply, RequestId, Unkept},
    error::Error,
    link::{Link, LinkAnswer, MERGE_APP_METADATA, Outcome},
    metadata::{MergeMetadata, MergeSource, MergedMetadata},
    primary::SetPrimaryIdentity,
    release::{Release, ReleaseAnswer},
    secondary::Secondary,
    sign_in::{SignIn, SignInAnswer, SigningIn},
    spelling::SpelledAccount,
    ticket_text::TicketText,
    undo::{UndoLink, UndoneLink},
    unlink::{Unlink, UnlinkAnswer},
    users::{CreateUser, DeleteUser, UpdateUser, UserIdForm},
};
use crate::{
    auth::{Caller, Denial, Issuers, Permit, Purpose, Rule, Target, TokenUse, UserCaller, Who},
    config::Tenant,
    domain::{Named, Refusal, TenantId, User, UserId, unlinking::CallingToken},
    store::{Actor, ActorKind, Answer, Known, Link as StoredLink, LockKeys, Question, Session, Store},
};

/// What a person may do who may link.
const LINK: &str = "/identity.v1.IdentityService/Link";

/// Everything that the use cases need.
pub struct Linking {
    store: Store,
    issuers: Issuers,
    tenants: BTreeMap<TenantId, Tenant>,
    tasks: TaskTracker,
}

/// A change that a caller asked for.
pub trait Write: Send + Sync + 'static {
    /// What the caller is told.
    type Answer: Send + 'static;

    /// The rpc that asks for it: each has request ids of its own.
    const RPC: &'static str;

    /// On whose permission.
    fn permit(&self) -> &Permit;

    /// Makes the change once, but for its commit. [`Error::Moved`] if somebody else was faster.
    fn attempt(
        &self,
        linking: &Linking,
        session: &mut Session,
    ) -> impl Future<Output = Result<Self::Answer, Error>> + Send;

    /// Whoever is in the answer: it is not kept longer than they are.
    fn concerned(answer: &Self::Answer) -> Vec<Named>;

    /// Where the caller leaves its user by this very change: which user it is then, if any, and what its retry is
    /// told, without the data of a user that others still have.
    fn left(&self, _: &Self::Answer) -> Option<(Option<UserId>, Self::Answer)> {
        None
    }

    /// What is left to do once the change is committed. The caller waits for it, but the change stands
    /// whatever comes of it.
    fn finish(&self, _: &Linking) -> impl Future<Output = ()> + Send {
        async {}
    }
}

impl Linking {
    /// Use cases over this store, for these tenants, on the word of these issuers.
    pub fn new(store: Store, issuers: Issuers, tenants: BTreeMap<TenantId, Tenant>) -> Self {
        Self { store, issuers, tenants, tasks: TaskTracker::new() }
    }

    /// The store, for reading.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Whom we trust.
    pub fn issuers(&self) -> &Issuers {
        &self.issuers
    }

    /// Waits for the writes under way. No new ones may be begun.
    pub async fn drain(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Turns away a caller that signed in at a provider at which nobody signs in: one that is disabled, link-only, or
    /// not the tenant's.
    pub fn expect_sign_in(&self, permit: &Permit) -> Result<(), Denial> {
        let Caller::User(UserCaller { named: Named::Identity(identity), .. }) = permit.caller() else {
            return Ok(());
        };
        let tenant = self.tenants.get(permit.tenant());
        if tenant.is_some_and(|tenant| tenant.can_sign_in(&identity.provider)) {
            return Ok(());
        }
        Err(Denial::TokenInvalid("its provider is disabled, link-only or not declared"))
    }

    /// The permission to link of the person whose token a service passes on: what the gate would give to who
    /// calls `Link` with it.
    pub async fn permit_link(&self, by: &Permit, user_token: &str, now: DateTime<Utc>) -> Result<Permit, Error> {
        let token = self.issuers.verify(user_token, TokenUse::Bearer, now).await?;
        if token.who == Who::Service || !token.tenants.contains(by.tenant()) {
            return Err(Denial::TokenInvalid("of a service, or of another tenant").into());
        }
        let rule = Rule::of(LINK).ok_or_else(|| Error::Fault(format!("{LINK} is not in the access table")))?;
        let permit = rule.permit(&token, || Ok(by.tenant().clone()))?;
        self.expect_sign_in(&permit)?;
        Ok(permit.in_place_of(by))
    }

    /// What a change wants of who can sign in as a user.
    pub fn fresh_write(&self, permit: &Permit) -> Result<Purpose, Error> {
        Ok(Purpose::FreshWrite(self.tenant(permit)?.max_sign_in_age))
    }

    /// What is special about the tenant of a permit.
    pub fn tenant(&self, permit: &Permit) -> Result<&Tenant, Error> {
        let tenant = self.tenants.get(permit.tenant());
        tenant.ok_or_else(|| Error::Fault(format!("tenant {} is not configured", permit.tenant())))
    }
}

/// This id of a new user, `provider|subject` of its own account, if that is free.
async fn free_id(session: &mut Session, id: UserId) -> Result<Option<UserId>, Error> {
    let known = unanswered(session, &[Question::from(Named::UserId(id.clone()))]).await?;
    Ok(known.iter().all(Answer::is_free_id).then_some(id))
}

/// The token of a user that calls for itself.
fn calling_token(permit: &Permit) -> Option<CallingToken> {
    match permit.caller() {
        Caller::User(user) => Some(CallingToken { named: user.named.clone(), hash: user.stamp.hash }),
        Caller::Service { .. } => None,
    }
}

/// The locked row of the user that a call changes; a fresh sign-in there vouches for what came after it by an old one.
async fn vouch(
    session: &mut Session,
    target: &Target,
    user: &mut User,
    validate_only: bool,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let vouched = target.vouches_for(user, now);
    if vouched.is_empty() {
        return Ok(());
    }
    user.vouch_for(&vouched);
    if !validate_only {
        session.vouch_for(&vouched).await?;
    }
    Ok(())
}

/// A new random user id.
fn random_user_id() -> Result<UserId, Error> {
    let id = format!("usr_{}", Uuid::new_v4().simple());
    UserId::parse(&id).ok_or_else(|| Error::Fault("a random id is not well-formed".to_owned()))
}

/// Who does it, for the history: a service, or the user `own` itself, whichever of its identities
/// or former ids the token names.
fn actor(permit: &Permit, own: &UserId) -> Actor {
    match permit.caller() {
        Caller::User(user) => Actor { kind: ActorKind::User, issuer: user.issuer.clone(), subject: own.to_string() },
        Caller::Service { issuer, subject } => {
            Actor { kind: ActorKind::Service, issuer: issuer.clone(), subject: subject.clone() }
        }
    }
}

/// A user, its identities, and the users that they came from.
fn named_in(user: &User) -> Vec<Named> {
    let identities = user.identities.iter();
    let others = identities.flat_map(|of| [Named::Identity(of.id.clone()), Named::UserId(of.home.clone())]);
    [Named::UserId(user.id.clone())].into_iter().chain(others).collect()
}

/// Whoever a link names.
fn named_in_link(link: &StoredLink) -> impl Iterator<Item = Named> {
    let users = [&link.primary].into_iter().chain(&link.secondary).cloned().map(Named::UserId);
    users.chain(link.moved.iter().cloned().map(Named::Identity))
}

/// An answer that tells of what was done before is kept too, under a request id, and must not outlive a
/// deletion: locks whoever is in it. [`Error::Moved`] if the link is another behind the locks.
async fn lock_told(session: &mut Session, users: &[&UserId], link: Option<&StoredLink>) -> Result<(), Error> {
    if session.has_request_id() { lock_named(session, users, link).await } else { Ok(()) }
}

/// Locks users, and whoever is in a link, where something that names them is about to be written.
/// [`Error::Moved`] if the link is another behind the locks.
async fn lock_named(session: &mut Session, users: &[&UserId], link: Option<&StoredLink>) -> Result<(), Error> {
    let keys = users.iter().fold(LockKeys::default(), |keys, id| keys.user(id));
    let keys = link.iter().flat_map(|link| named_in_link(link)).fold(keys, |keys, named| match named {
        Named::Identity(identity) => keys.identity(&identity),
        Named::UserId(id) => keys.user(&id),
    });
    session.begin_locked(&keys).await?;
    match link {
        Some(link) if session.link(link.id).await?.as_ref() != Some(link) => Err(Error::Moved),
        _ => Ok(()),
    }
}

/// The live user that a call is about, in one statement together with what else is asked. The
/// answers to `also` come back beside it. [`Error::Answered`] if the call was answered before.
pub async fn resolve<const N: usize>(
    session: &mut Session,
    target: &Target,
    purpose: Purpose,
    also: [Question; N],
    now: DateTime<Utc>,
) -> Result<(UserId, [Answer; N]), Error> {
    let mut questions: Vec<Question> = target.names().into_iter().map(Question::from).collect();
    if let Some(first) = questions.first_mut() {
        first.token = target.token();
    }
    let own = questions.len();
    questions.extend(also);
    let Known { mut answers, stored, stored_for } = session.standing(&questions).await?;
    let also = answers.split_off(own);
    let found: Vec<_> = answers.into_iter().map(|answer| answer.standing).collect();
    if let Some(stored) = stored {
        target.judge_caller(&found, stored_for.as_ref(), now)?;
        return Err(Error::Answered(stored));
    }
    let user = target.judge(&found, purpose, now)?;
    if target.token().is_some() {
        session.note_caller(Some(user.clone()));
    }
    let also = also.try_into().map_err(|_| Error::Fault("a question got no answer".to_owned()))?;
    Ok((user, also))
}

/// The user that a read is about.
pub async fn read_user(session: &mut Session, target: &Target, now: DateTime<Utc>) -> Result<User, Error> {
    if let Some(id) = target.named_by_service() {
        let user = session.user_by_id(id).await?.ok_or(Refusal::UserNotFound)?;
        target.expect_meant(&user)?;
        return Ok(user);
    }
    let (id, []) = resolve(session, target, Purpose::Read, [], now).await?;
    Ok(session.user_by_id(&id).await?.ok_or(Refusal::UserNotFound)?)
}

/// The answers to questions about whomever no permission depends on. [`Error::Answered`] if the call was
/// answered before.
async fn unanswered(session: &mut Session, questions: &[Question]) -> Result<Vec<Answer>, Error> {
    match session.standing(questions).await? {
        Known { stored: Some(stored), .. } => Err(Error::Answered(stored)),
        Known { answers, stored: None, .. } => Ok(answers),
    }
}

/// Takes the user with this id out of the rows that were read; it must be there.
fn take(users: &mut Vec<User>, id: &UserId) -> Result<User, Error> {
    let at = users.iter().position(|user| user.id == *id).ok_or(Error::Moved)?;
    Ok(users.swap_remove(at))
}

/// The same, and it must be live.
fn take_live(users: &mut Vec<User>, id: &UserId) -> Result<User, Error> {
    let user = take(users, id)?;
    if user.absorbed.is_some() { Err(Error::Moved) } else { Ok(user) }
}

/// The same, and it must still be the user whom the call is about.
fn take_target(users: &mut Vec<User>, id: &UserId, target: &Target) -> Result<User, Error> {
    let user = take_live(users, id)?;
    if target.still_means(&user) { Ok(user) } else { Err(Error::Moved) }
}
