//! The use cases that change data, and `ListEvents`. They combine the rules, the store and the
//! proofs.
//!
//! A write runs in a task of its own, to its end, even if the client disconnects. It first resolves
//! the users of the call, without a transaction. Then it takes its locks, reads the rows again,
//! applies the rules to them, writes and commits. If the rows differ from those that were resolved,
//! it starts again.

mod attachment;
mod complete_sign_in;
mod deletion;
mod error;
mod feed_start;
mod flow;
mod jobs;
mod link;
mod list_events;
mod metadata;
mod preview;
mod primary;
mod provider_events;
mod provider_tokens;
mod read_user;
mod release;
mod resolving;
mod run;
mod sign_in;
mod spelling;
mod start_sign_in;
mod ticket_text;
mod undo;
mod unlink;
mod users;

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use self::{
    complete_sign_in::{CompleteSignIn, CompletedSignIn, FlowLink},
    deletion::delete_as_operator,
    error::Error,
    feed_start::FeedStart,
    jobs::{
        EndUpload, ForgetJob, JobSignals, MAX_UNFINISHED, PlanJob, StartJob, StopJob, actor_of_job,
        readable_job,
    },
    link::{Link, LinkOutcome, LinkResult, MERGE_APP_METADATA, Secondary},
    list_events::{ListEvents, ListedEvents},
    metadata::{MergeMetadata, MergeMetadataResult, MergeSource},
    primary::SetPrimaryIdentity,
    provider_events::ReceiveEvents,
    provider_tokens::{AccessToken, GetProviderToken},
    read_user::read_user,
    release::{Release, ReleaseResult},
    resolving::resolve,
    run::{NotStored, Reply, RequestId},
    sign_in::{SignIn, SignInProof, SignInResult},
    spelling::SpelledAccount,
    start_sign_in::{StartSignIn, StartedSignIn},
    ticket_text::TicketText,
    undo::{UndoLink, UndoLinkResult},
    unlink::{Unlink, UnlinkResult},
    users::{CreateUser, DeleteUser, UpdateUser, UserIdForm},
};
use self::{
    provider_tokens::Refreshes,
    resolving::{lock_refs, lock_response, look_up, take, take_live, take_target, unless_retried},
};
use crate::{
    auth::{AuthError, Caller, Issuers, Permit, Purpose, Target, UserCaller},
    config::Tenant,
    domain::{TenantId, User, UserId, UserRef, unlinking::CallingToken},
    oauth::Clients,
    sealing::KeyRing,
    store::{Actor, ActorKind, Link as StoredLink, Lookup, LookupResult, Session, Store},
    telemetry::metrics::Metrics,
};

/// The dependencies of the use cases.
pub struct UseCases {
    store: Store,
    issuers: Issuers,
    clients: Clients,
    tenants: BTreeMap<TenantId, Tenant>,
    tasks: TaskTracker,
    metrics: Metrics,
    jobs: Arc<JobSignals>,
    token_keys: KeyRing,
    refreshes: Refreshes,
}

/// Counts a change that is committed.
pub type Counted = Box<dyn FnOnce(&Metrics) + Send>;

/// A change that a caller asks for.
pub trait WriteUseCase: Send + Sync + 'static {
    /// The result for the caller.
    type Output: Send + 'static;

    /// The rpc of the change. Each rpc has request ids of its own.
    const RPC: &'static str;

    /// The permit of the call.
    fn permit(&self) -> &Permit;

    /// Makes the change once, without the commit.
    ///
    /// # Errors
    /// [`Error::Stale`] if another writer changed the rows first.
    fn execute(
        &self,
        use_cases: &UseCases,
        session: &mut Session,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;

    /// The users and identities in the response: it is not kept after one of them is deleted.
    fn concerned(result: &Self::Output) -> Vec<UserRef>;

    /// For a change by which the caller leaves its user: the caller's user afterwards, if any, and
    /// the response for a retry, without the data of the user that it left. `None` for other
    /// changes.
    fn result_for_retry(&self, _: &Self::Output) -> Option<(Option<UserId>, Self::Output)> {
        None
    }

    /// Counts the change in the metrics, once it is committed.
    fn counted(&self, _: &UseCases, _: &Self::Output) -> Option<Counted> {
        None
    }

    /// Work after the commit. The caller waits for it, but its result does not affect the change.
    fn after_commit(&self, _: &UseCases) -> impl Future<Output = ()> + Send {
        async {}
    }
}

impl UseCases {
    /// The use cases over this store, for these tenants, with these trusted issuers and these
    /// clients at providers. Their writes run in `tasks`.
    pub fn new(
        store: Store,
        issuers: Issuers,
        clients: Clients,
        tenants: BTreeMap<TenantId, Tenant>,
        metrics: Metrics,
        tasks: TaskTracker,
    ) -> Self {
        let jobs = Arc::default();
        let (token_keys, refreshes) = (KeyRing::default(), Refreshes::default());
        Self { store, issuers, clients, tenants, tasks, metrics, jobs, token_keys, refreshes }
    }

    /// The same use cases with these keys for the tokens of providers.
    #[must_use]
    pub fn with_token_keys(self, token_keys: KeyRing) -> Self {
        Self { token_keys, ..self }
    }

    /// The use cases of a command of the operator: no token is verified, no provider is asked, and
    /// nothing reads its metrics.
    pub fn of_command(store: Store, tenants: BTreeMap<TenantId, Tenant>) -> Self {
        let (issuers, clients) = (Issuers::new(Vec::new()), Clients::none());
        Self::new(store, issuers, clients, tenants, Metrics::default(), TaskTracker::new())
    }

    /// The same use cases for jobs, on a store with connections of their own. A job has no token and asks
    /// no provider.
    #[must_use]
    pub fn for_jobs(&self, store: Store) -> Self {
        let (issuers, clients) = (Issuers::new(Vec::new()), Clients::none());
        let jobs = Arc::clone(&self.jobs);
        let (tenants, metrics) = (self.tenants.clone(), self.metrics.clone());
        let (token_keys, refreshes) = (KeyRing::default(), Refreshes::default());
        let tasks = self.tasks.clone();
        Self { store, issuers, clients, tenants, tasks, metrics, jobs, token_keys, refreshes }
    }

    /// The store, for reads.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The signals between the calls about jobs and the work on them.
    pub fn jobs(&self) -> &JobSignals {
        &self.jobs
    }

    /// The trusted issuers.
    pub fn issuers(&self) -> &Issuers {
        &self.issuers
    }

    /// The clients at providers.
    pub fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Refuses a caller whose token is of a provider at which no user signs in: one that is
    /// disabled, link-only, or not the tenant's.
    ///
    /// # Errors
    /// [`AuthError::TokenInvalid`].
    pub fn expect_sign_in(&self, permit: &Permit) -> Result<(), AuthError> {
        let Caller::User(UserCaller { named: UserRef::Identity(identity), .. }) = permit.caller()
        else {
            return Ok(());
        };
        let tenant = self.tenants.get(permit.tenant());
        if tenant.is_some_and(|tenant| tenant.can_sign_in(&identity.provider)) {
            return Ok(());
        }
        Err(AuthError::TokenInvalid("its provider is disabled, link-only or not declared"))
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
        let tenant = self.tenant_of(permit.tenant());
        tenant.ok_or_else(|| Error::Fault(format!("tenant {} is not configured", permit.tenant())))
    }

    /// The settings of a tenant; `None` if it is not configured.
    pub fn tenant_of(&self, tenant: &TenantId) -> Option<&Tenant> {
        self.tenants.get(tenant)
    }
}

/// The id of a new user, `provider|subject` of its own account; `None` if it is not free.
async fn free_id(session: &mut Session, id: UserId) -> Result<Option<UserId>, Error> {
    let found = look_up(session, &[Lookup::from(UserRef::UserId(id.clone()))]).await?;
    Ok(found.iter().all(LookupResult::is_free_id).then_some(id))
}

/// The token of a user that calls for itself; `None` for other callers.
fn calling_token(permit: &Permit) -> Option<CallingToken> {
    match permit.caller() {
        Caller::User(user) => {
            Some(CallingToken { named: user.named.clone(), hash: user.stamp.hash })
        }
        Caller::Service { .. } | Caller::Operator | Caller::Provider { .. } => None,
    }
}

/// Records on `user`, the locked row of the user that a call changes, that a fresh sign-in vouches
/// for the identities that an old one added after it.
fn vouch(
    session: &mut Session,
    target: &Target,
    user: &mut User,
    validate_only: bool,
    now: DateTime<Utc>,
) {
    let vouched = target.vouches_for(user, now);
    if vouched.is_empty() {
        return;
    }
    user.vouch_for(&vouched);
    if !validate_only {
        session.vouch_for(&vouched);
    }
}

/// A new random user id.
fn random_user_id() -> Result<UserId, Error> {
    let id = format!("usr_{}", Uuid::new_v4().simple());
    UserId::parse(&id).ok_or_else(|| Error::Fault("a random id is not well-formed".to_owned()))
}

/// The actor for the history: a service, the operator, or the user `own`, independently of which of its
/// identities or former ids the token names.
fn actor(permit: &Permit, own: &UserId) -> Actor {
    let (kind, subject) = match permit.caller() {
        Caller::User(_) => (ActorKind::User, own.to_string()),
        Caller::Service { subject, .. } => (ActorKind::Service, subject.clone()),
        Caller::Operator => (ActorKind::Operator, String::new()),
        Caller::Provider { provider, .. } => (ActorKind::Provider, provider.to_string()),
    };
    let (issuer, _) = permit.caller().issuer_and_subject();
    let reason = permit.reason().map(|reason| reason.as_str().to_owned());
    Actor { kind, issuer: issuer.to_owned(), subject, reason }
}

/// A user, its identities, and their origin users.
fn refs_in(user: &User) -> Vec<UserRef> {
    let identities = user.identities.iter();
    let others = identities
        .flat_map(|of| [UserRef::Identity(of.id.clone()), UserRef::UserId(of.origin.clone())]);
    [UserRef::UserId(user.id.clone())].into_iter().chain(others).collect()
}

/// The users and identities that a link names.
fn refs_in_link(link: &StoredLink) -> impl Iterator<Item = UserRef> {
    let users = [&link.primary].into_iter().chain(&link.secondary).cloned().map(UserRef::UserId);
    users.chain(link.moved.iter().cloned().map(UserRef::Identity))
}
