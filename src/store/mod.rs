//! All access to the database.
//!
//! A [`Store`] hands out [`Session`]s. A session is one connection that is bound to one tenant, and
//! each of its statements names the tenant. A read needs no transaction. A write begins a
//! transaction with the locks of its keys, then reads, and commits.
//!
//! All functions here that query the database fail with a [`StoreError`]. Their docs name only the
//! errors that are special to them.

mod bind;
mod bounds;
mod cached;
mod candidates;
mod cluster;
mod connect;
mod connection;
mod connections;
mod console;
mod database_check;
mod database_url;
mod diagnosis;
mod duplicates;
mod epochs;
mod erasures;
mod error;
mod event_tokens;
mod events;
mod export;
mod feed;
mod history;
mod identities;
mod imports;
mod jobs;
mod leftovers;
mod link_pages;
mod links;
mod load;
mod locks;
mod look_pages;
mod lookup;
mod migrations;
mod move_count;
mod pins;
mod provider_moves;
mod provider_tokens;
mod reads;
mod releases;
mod renames;
mod request_ids;
mod rows;
mod schema;
mod search;
mod sign_in;
mod sign_in_attempts;
mod stored;
mod tenant_sets;
mod tenants;
mod tickets;
mod token_revocations;
mod trust;
mod undoing;
mod user_rows;
mod user_state;
mod users;
mod write_queue;
mod writes;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use diesel_async::AsyncPgConnection;
use tokio::sync::Notify;

use self::{
    connection::Connection,
    connections::Connections,
    events::NewEvent,
    trust::Trust,
    write_queue::{WriteQueue, WriteTurn},
    writes::Write,
};
use crate::{
    call_slots::CallSlot,
    domain::{EventKind, JobLease, ProviderPolicies, TenantId, UserId},
    telemetry::metrics::Metrics,
};
pub use bounds::MissingBounds;
pub use connect::Address;
pub use console::{ConsoleAttempt, Look, SessionTimes, StaffMember};
pub use database_check::DatabaseCheck;
pub use database_url::AddressError;
pub use diagnosis::Diagnosis;
pub use duplicates::{AccountPlace, ClaimPage, Claims, EmailOwner, EmailPage, EmailPlace};
pub use epochs::Horizon;
pub use erasures::DeletedUsers;
pub use error::StoreError;
pub use event_tokens::{TokenUsed, UsedEventToken};
pub use export::AccountOwner;
pub use feed::{EventPage, PastEvent, Position, PositionState, Tail};
pub use history::{LinkPosition, PastLink};
pub use identities::AccountState;
pub use imports::{ImportRun, ImportedUser, StoredName, StoredNames};
pub use jobs::{
    AppliedPlan, ExportSettings, FindSettings, FoundDuplicates, ImportSettings, ImportedUsers, Job,
    JobLine, JobPlace, JobProgress, JobStep, NewJob, NewLine, PlanSettings, UndoSettings,
    WaitingJobs,
};
pub use leftovers::Leftovers;
pub use link_pages::{ActorFilter, LinkFilter, LinkPage};
pub use links::{Link, NewLink, PlanLink};
pub use load::Load;
pub use locks::LockKeys;
pub use look_pages::{LookFilter, LookPage, LookPosition, PastLook};
pub use lookup::{Lookup, LookupBy, LookupResult, LookupResults, ProofUse};
pub use migrations::{
    LOCK_TIMEOUT, MigrateError, MigrateOptions, Migrated, MigrationKind, MigrationStatus,
    Migrations, SchemaMismatch, SchemaStatus, Target,
};
pub use pins::{IssuerPin, IssuersChanged};
pub use provider_moves::{
    Accounts, MoveRefused, PastMove, PinnedProvider, ProviderMove, accounts_of, begin_move,
    end_move, pinned_providers,
};
pub use provider_tokens::{RefreshLease, RefreshSaved, SealedRows, TokensOfIdentity};
pub use reads::{EmailSearch, IdState, Reads};
pub use renames::{Rename, RenameBatch, RenameState};
pub use request_ids::{IdentifiedRequest, StoredResponse};
pub use search::{After, EmailPrefix, Excluded, Key, Order, OrderBy, Page, UserSearch};
pub use sign_in_attempts::{
    AccountStored, AttemptKey, ClaimedAttempt, ExchangeEnd, SignInAttempt, Stage,
};
pub use stored::{
    actor::{Actor, ActorKind},
    effects::{Effects, PathEffect},
    proof::{PastProof, Proof},
    terms::PastTerms,
};
pub use tenants::TenantKey;
pub use token_revocations::{TokenRevocation, WaitingRevocations};
pub use trust::ProviderAccounts;

/// The database, as a pool of connections.
#[derive(Clone)]
pub struct Store {
    connections: Connections,
    keys: Arc<HashMap<TenantId, TenantKey>>,
    trust: Arc<HashMap<TenantId, Arc<Trust>>>,
    reads: Arc<HashMap<TenantId, Reads>>,
    /// How many connections the reads of one kind use at most.
    share: usize,
    write_queue: Arc<WriteQueue>,
    /// Notified when a transaction with events has been committed.
    events_committed: Arc<Notify>,
    metrics: Metrics,
}

/// Why the database cannot be used at startup.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database does not respond, or responds with an error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database does not have the schema of this binary.
    #[error(transparent)]
    Schema(#[from] SchemaMismatch),
    /// The database does not bound what a connection does.
    #[error("{0}: {advice}", advice = MissingBounds::ADVICE)]
    Bounds(#[from] MissingBounds),
}

impl Store {
    /// Runs all pending migrations, for a database on which no server runs, and returns their
    /// versions. Needs a multi-thread runtime.
    ///
    /// # Errors
    /// [`MigrateError`] if the database cannot be reached or a migration fails.
    pub async fn migrate(address: &Address) -> Result<Vec<String>, MigrateError> {
        let options = MigrateOptions {
            target: Target::Complete,
            may_reverse: false,
            lock_timeout: LOCK_TIMEOUT,
        };
        Ok(Migrations::embedded()?.migrate(address, &options, |_| {}).await?.ran)
    }

    /// Opens a pool of at most `size` connections on a database whose schema fits, and creates the
    /// keys of tenants that have none. `tenants` contains the policies that decide which emails
    /// count as verified.
    ///
    /// # Errors
    /// [`OpenError`] if the database cannot be reached, has another schema, or bounds no connection.
    pub async fn open(
        address: &Address,
        size: usize,
        tenants: BTreeMap<TenantId, ProviderPolicies>,
        metrics: &Metrics,
    ) -> Result<Self, OpenError> {
        let mut conn = connect(address).await?;
        bounds::check(&mut conn).await.map_err(StoreError::from)??;
        migrations::check(&mut conn).await??;
        let keys = tenants::load_keys(&mut conn, tenants.keys()).await?;
        let store = Self {
            connections: Connections::new(address, size, "calls", metrics)?,
            keys: Arc::default(),
            trust: Arc::default(),
            reads: Arc::default(),
            // Writes find a connection, however many look-ups there are.
            share: (size / 2).max(1),
            write_queue: Arc::default(),
            events_committed: Arc::default(),
            metrics: metrics.clone(),
        };
        let store = store.with_tenants(tenants, keys);
        store.begin_epoch().await?;
        Ok(store)
    }

    /// The same store on at most `size` connections of its own, which have this name in the metrics
    /// and behind `identity-link` in the database's list of connections. [`Store::reads`] stay on the
    /// connections of calls.
    ///
    /// # Errors
    /// [`StoreError::Fault`] if there can be no such pool.
    pub fn with_own_connections(
        &self,
        name: &'static str,
        size: usize,
    ) -> Result<Self, StoreError> {
        let address = self.connections.address().named(&format!("identity-link {name}"));
        let connections = Connections::new(&address, size, name, &self.metrics)?;
        Ok(Self { connections, ..self.clone() })
    }

    /// Changes how many connections this store has at most, with all its clones.
    pub fn resize(&self, size: usize) {
        self.connections.resize(size);
    }

    /// A connection for one tenant's data. Waits briefly for a free one.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] if none becomes free in time; [`StoreError::Unavailable`] if the
    /// database cannot be reached, or if a provider of the tenant has moved to another issuer than the
    /// configuration has.
    pub async fn session(&self, tenant: &TenantId) -> Result<Session, StoreError> {
        let key = self.key(tenant)?.clone();
        let trust = self
            .trust
            .get(tenant)
            .ok_or_else(|| StoreError::Fault(format!("tenant {tenant} has no trust")))?;
        let conn = self.connections.get_for(tenant).await?;
        let (store, tenant, trust) = (self.clone(), tenant.clone(), Arc::clone(trust));
        Ok(Session {
            conn,
            turn: None,
            store,
            tenant,
            key,
            trust,
            request: None,
            slot: None,
            lease: None,
            caller: None,
            events: Vec::new(),
            kinds: Vec::new(),
            writes: Vec::new(),
        })
    }

    /// The reads of one tenant's data that need no session.
    ///
    /// # Errors
    /// [`StoreError::Fault`] if the tenant is not configured.
    pub fn reads(&self, tenant: &TenantId) -> Result<&Reads, StoreError> {
        self.reads
            .get(tenant)
            .ok_or_else(|| StoreError::Fault(format!("tenant {tenant} has no reads")))
    }

    /// Waits until a transaction of this process has committed events. Commits since the last call
    /// count once. For one reader, the poll of the feed.
    pub async fn events_committed(&self) {
        self.events_committed.notified().await;
    }

    async fn connection(&self) -> Result<Connection, StoreError> {
        self.connections.get().await
    }

    /// The key of a configured tenant.
    ///
    /// # Errors
    /// [`StoreError::Fault`] if the tenant is not configured.
    pub fn key(&self, tenant: &TenantId) -> Result<&TenantKey, StoreError> {
        self.keys
            .get(tenant)
            .ok_or_else(|| StoreError::Fault(format!("tenant {tenant} has no key")))
    }
}

async fn connect(address: &Address) -> Result<AsyncPgConnection, StoreError> {
    address.connect().await.map_err(|error| {
        StoreError::Unavailable(format!(
            "{error} (at {}: is Postgres running there?)",
            address.hosts()
        ))
    })
}

/// One connection, bound to one tenant, and to one request if that has an id. If the session is
/// dropped while a statement runs, the statement is cancelled.
pub struct Session {
    // Fields are dropped in this order. The next writer in line needs the connection, so it is
    // returned before the turn ends.
    conn: Connection,
    /// The turn to write of the open transaction.
    turn: Option<WriteTurn>,
    /// Provides another connection.
    store: Store,
    tenant: TenantId,
    key: TenantKey,
    trust: Arc<Trust>,
    request: Option<IdentifiedRequest>,
    /// The slot of the call.
    slot: Option<Arc<CallSlot>>,
    /// The lease without which the session commits no write.
    lease: Option<JobLease>,
    /// The calling user, if the caller acts for itself.
    caller: Option<UserId>,
    /// The events of the open transaction that are not inserted yet.
    events: Vec<NewEvent>,
    /// The kinds of the events that the open transaction inserts.
    kinds: Vec<EventKind>,
    /// The writes of the open transaction.
    writes: Vec<Write>,
}

impl Session {
    /// The same session for this request. The request's id is looked up, locked and used up
    /// together with the session's other statements.
    #[must_use]
    pub fn for_request(self, request: Option<IdentifiedRequest>) -> Self {
        Self { request, ..self }
    }

    /// The same session for the call with this slot, which it gives to others while it waits for
    /// other writers.
    #[must_use]
    pub fn in_slot(self, slot: Option<&Arc<CallSlot>>) -> Self {
        Self { slot: slot.cloned(), ..self }
    }

    /// The same session for a job: its writes commit only while the database names the owner of this
    /// lease.
    #[must_use]
    pub fn under_lease(self, lease: Option<JobLease>) -> Self {
        Self { lease, ..self }
    }

    /// Whether the session is for a request with an id.
    pub fn has_request_id(&self) -> bool {
        self.request.is_some()
    }

    /// Records the calling user, if the caller acts for itself: the response is stored for that
    /// user.
    pub fn note_caller(&mut self, user: Option<UserId>) {
        self.caller = user;
    }

    /// Begins a transaction. A session that is dropped inside one rolls it back.
    pub async fn begin(&mut self) -> Result<(), StoreError> {
        self.conn.begin().await
    }

    /// Begins a transaction that only reads, and whose statements all see the same moment.
    /// [`Session::abandon`] ends it.
    pub async fn begin_snapshot(&mut self) -> Result<(), StoreError> {
        self.conn.begin_snapshot().await
    }

    /// Rolls the open transaction back, if there is one.
    pub async fn abandon(&mut self) -> Result<(), StoreError> {
        self.events.clear();
        self.writes.clear();
        self.kinds.clear();
        self.conn.roll_back().await?;
        self.turn = None;
        Ok(())
    }
}
