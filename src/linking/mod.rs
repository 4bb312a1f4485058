//! The use cases that change data. They combine the rules, the store and the proofs.
//!
//! A write runs in a task of its own, to its end, even if the client disconnects. It first resolves the users of the
//! call, without a transaction. Then it takes its locks, reads the rows again, applies the rules to them, writes and
//! commits. If the rows differ from those that were resolved, it starts again.

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

/// The rpc whose permission a person needs to link.
const LINK: &str = "/identity.v1.IdentityService/Link";

/// The dependencies of the use cases.
pub struct Linking {
    store: Store,
    issuers: Issuers,
    tenants: BTreeMap<TenantId, Tenant>,
    tasks: TaskTracker,
}

/// A change that a caller asks for.
pub trait Write: Send + Sync + 'static {
    /// The result for the caller.
    type Answer: Send + 'static;

    /// The rpc of the change. Each rpc has request ids of its own.
    const RPC: &'static str;

    /// The permit of the call.
    fn permit(&self) -> &Permit;

    /// Makes the change once, without the commit.
    ///
    /// # Errors
    /// [`Error::Moved`] if another writer changed the rows first.
    fn attempt(
        &self,
        linking: &Linking,
        session: &mut Session,
    ) -> impl Future<Output = Result<Self::Answer, Error>> + Send;

    /// The users and identities in the response: it is not kept after one of them is deleted.
    fn concerned(answer: &Self::Answer) -> Vec<Named>;

    /// For a change by which the caller leaves its user: the caller's user afterwards, if any, and the response for a
    /// retry, without the data of the user that it left. `None` for other changes.
    fn left(&self, _: &Self::Answer) -> Option<(Option<UserId>, Self::Answer)> {
        None
    }

    /// Work after the commit. The caller waits for it, but its result does not affect the change.
    fn finish(&self, _: &Linking) -> impl Future<Output = ()> + Send {
        async {}
    }
}

impl Linking {
    /// The use cases over this store, for these tenants, with these trusted issuers.
    pub fn new(store: Store, issuers: Issuers, tenants: BTreeMap<TenantId, Tenant>) -> Self {
        Self { store, issuers, tenants, tasks: TaskTracker::new() }
    }

    /// The store, for reads.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The trusted issuers.
    pub fn issuers(&self) -> &Issuers {
        &self.issuers
    }

    /// Waits for the running writes. No new one may begin.
    pub async fn drain(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Refuses a caller whose token is of a provider at which no user signs in: one that is disabled, link-only, or
    /// not the tenant's.
    ///
    /// # Errors
    /// [`Denial::TokenInvalid`].
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

    /// The permit to link for the user whose token a service passes on: the permit that a caller of `Link` with this
    /// token gets.
    ///
    /// # Errors
    /// [`Error::Denied`] if the token is invalid, a service's, of another tenant, or without the permission.
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

    /// The purpose of a change of the identities that can sign in as a user.
    ///
    /// # Errors
    /// [`Error::Fault`] if the permit's tenant is not configured.
    pub fn fresh_write(&self, permit: &Permit) -> Result<Purpose, Error> {
        Ok(Purpose::FreshWrite(self.tenant(permit)?.max_sign_in_age))
    }

    /// The configuration of the permit's tenant.
    ///
    /// # Errors
    /// [`Error::Fault`] if the tenant is not configured.
    pub fn tenant(&self, permit: &Permit) -> Result<&Tenant, Error> {
        let tenant = self.tenants.get(permit.tenant());
        tenant.ok_or_else(|| Error::Fault(format!("tenant {} is not configured", permit.tenant())))
    }
}

/// The id of a new user, `provider|subject` of its own account; `None` if it is not free.
async fn free_id(session: &mut Session, id: UserId) -> Result<Option<UserId>, Error> {
    let known = unanswered(session, &[Question::from(Named::UserId(id.clone()))]).await?;
    Ok(known.iter().all(Answer::is_free_id).then_some(id))
}

/// The token of a user that calls for itself; `None` for a service.
fn calling_token(permit: &Permit) -> Option<CallingToken> {
    match permit.caller() {
        Caller::User(user) => Some(CallingToken { named: user.named.clone(), hash: user.stamp.hash }),
        Caller::Service { .. } => None,
    }
}

/// Records on `user`, the locked row of the user that a call changes, that a fresh sign-in vouches for the identities
/// that an old one added after it.
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

/// The actor for the history: a service, or the user `own`, independently of which of its identities or former ids
/// the token names.
fn actor(permit: &Permit, own: &UserId) -> Actor {
    match permit.caller() {
        Caller::User(user) => Actor { kind: ActorKind::User, issuer: user.issuer.clone(), subject: own.to_string() },
        Caller::Service { issuer, subject } => {
            Actor { kind: ActorKind::Service, issuer: issuer.clone(), subject: subject.clone() }
        }
    }
}

/// A user, its identities, and their origin users.
fn named_in(user: &User) -> Vec<Named> {
    let identities = user.identities.iter();
    let others = identities.flat_map(|of| [Named::Identity(of.id.clone()), Named::UserId(of.home.clone())]);
    [Named::UserId(user.id.clone())].into_iter().chain(others).collect()
}

/// The users and identities that a link names.
fn named_in_link(link: &StoredLink) -> impl Iterator<Item = Named> {
    let users = [&link.primary].into_iter().chain(&link.secondary).cloned().map(Named::UserId);
    users.chain(link.moved.iter().cloned().map(Named::Identity))
}

/// Locks the users and identities of a response about an earlier change. Under a request id this response is stored
/// too, and must not outlive a deletion.
///
/// # Errors
/// [`Error::Moved`] if the link changed before the locks were held.
async fn lock_told(session: &mut Session, users: &[&UserId], link: Option<&StoredLink>) -> Result<(), Error> {
    if session.has_request_id() { lock_named(session, users, link).await } else { Ok(()) }
}

/// Locks users, and the users and identities that a link names, before something that names them is written.
///
/// # Errors
/// [`Error::Moved`] if the link changed before the locks were held.
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

/// Resolves the live user of a call, and runs the lookups `also` in the same statement. Returns the user's id and the
/// results of `also`.
///
/// # Errors
/// [`Error::Answered`] if the call has a stored response; [`Error::Denied`] or [`Error::Refused`] if the caller may
/// not call.
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
///
/// # Errors
/// [`Refusal::UserNotFound`], and those of [`resolve`].
pub async fn read_user(session: &mut Session, target: &Target, now: DateTime<Utc>) -> Result<User, Error> {
    if let Some(id) = target.named_by_service() {
        let user = match (session.user_by_id(id).await?, target.account_to_resolve()) {
            // An account that a link attached never had a user of its own.
            (None, Some(account)) => session.user_by_identity(account).await?,
            (user, _) => user.map(|user| target.expect_meant(&user).map(|()| user)).transpose()?,
        };
        return Ok(user.ok_or(Refusal::UserNotFound)?);
    }
    let (id, []) = resolve(session, target, Purpose::Read, [], now).await?;
    Ok(session.user_by_id(&id).await?.ok_or(Refusal::UserNotFound)?)
}

/// The results of lookups on which no permission depends.
///
/// # Errors
/// [`Error::Answered`] if the call has a stored response.
async fn unanswered(session: &mut Session, questions: &[Question]) -> Result<Vec<Answer>, Error> {
    match session.standing(questions).await? {
        Known { stored: Some(stored), .. } => Err(Error::Answered(stored)),
        Known { answers, stored: None, .. } => Ok(answers),
    }
}

/// Takes the user with this id out of the rows that were read.
///
/// # Errors
/// [`Error::Moved`] if it is not among them.
fn take(users: &mut Vec<User>, id: &UserId) -> Result<User, Error> {
    let at = users.iter().position(|user| user.id == *id).ok_or(Error::Moved)?;
    Ok(users.swap_remove(at))
}

/// The same; [`Error::Moved`] also if the user is not live.
fn take_live(users: &mut Vec<User>, id: &UserId) -> Result<User, Error> {
    let user = take(users, id)?;
    if user.absorbed.is_some() { Err(Error::Moved) } else { Ok(user) }
}

/// The same; [`Error::Moved`] also if it is no longer the user of the call.
fn take_target(users: &mut Vec<User>, id: &UserId, target: &Target) -> Result<User, Error> {
    let user = take_live(users, id)?;
    if target.still_means(&user) { Ok(user) } else { Err(Error::Moved) }
}
