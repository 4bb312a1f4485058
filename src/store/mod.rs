//! The only place that knows the database.
//!
//! A [`Store`] gives out [`Session`]s: one connection, bound to one tenant, which every statement
//! names. A session reads as it is; a write begins a transaction with the locks of its keys, reads, and
//! commits.

mod accounts;
mod cached;
mod candidates;
mod connect;
mod connection;
mod epochs;
mod erasures;
mod error;
mod events;
mod feed;
mod history;
mod leftovers;
mod links;
mod locks;
mod migrations;
mod presence;
mod releases;
mod request_ids;
mod rows;
mod schema;
mod search;
mod sign_in;
mod sign_in_attempts;
mod standing;
mod tenants;
mod tickets;
mod trust;
mod turns;
mod undoing;
mod users;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use diesel_async::{
    AsyncPgConnection,
    pooled_connection::deadpool::{Pool, PoolError},
};

use self::{
    connection::Connection,
    events::NewEvent,
    trust::Trust,
    turns::{Turn, Turns},
};
use crate::domain::{ProviderPolicies, TenantId, UserId};
pub use connect::{Address, AddressError};
pub use epochs::Horizon;
pub use erasures::Deleted;
pub use error::StoreError;
pub use events::EventsInserted;
pub use feed::{EventPage, PastEvent, Position, PositionStanding, Tail};
pub use history::{Effects, LinkPosition, PastLink, PastProof, PastTerms, PlacedEffect};
pub use leftovers::Leftovers;
pub use links::{Actor, ActorKind, Link, LinkInserted, NewLink, Proof};
pub use locks::LockKeys;
pub use migrations::SchemaMismatch;
pub use presence::Presence;
pub use request_ids::{AnswerInserted, Request, StoredAnswer};
pub use search::{After, EmailPrefix, Excluded, Key, Order, OrderBy, Page, UserSearch};
pub use sign_in_attempts::{AttemptName, Claimed, ExchangeEnd, Kept, SignInAttempt, Stage};
pub use standing::{About, Answer, Known, ProofUse, Question};
pub use tenants::{IssuerChanged, TenantKey};
pub use trust::AccountsAt;
pub use users::Inserted;

/// The database, as a pool of connections.
#[derive(Clone)]
pub struct Store {
    pool: Pool<AsyncPgConnection>,
    address: Arc<Address>,
    keys: Arc<HashMap<TenantId, TenantKey>>,
    trust: Arc<HashMap<TenantId, Arc<Trust>>>,
    turns: Arc<Turns>,
}

/// Why the database cannot be used at start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It does not answer, or not as it should.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It has not the schema of this binary.
    #[error(transparent)]
    Schema(#[from] SchemaMismatch),
}

impl Store {
    /// Runs the migrations that are missing, and says which.
    pub async fn migrate(address: &Address) -> Result<Vec<String>, StoreError> {
        migrations::run(connect(address).await?).await
    }

    /// Opens a pool of at most `size` connections on a database whose schema fits, and makes the
    /// keys of tenants that have none. Whether an email that is read counts as verified, `tenants` decides.
    pub async fn open(
        address: &Address,
        size: usize,
        tenants: BTreeMap<TenantId, ProviderPolicies>,
    ) -> Result<Self, OpenError> {
        let mut conn = connect(address).await?;
        migrations::check(&mut conn).await??;
        let keys = tenants::load_keys(&mut conn, tenants.keys()).await?;
        let pool = address.pool(size).map_err(StoreError::Fault)?;
        let trust = tenants.into_iter().map(|(tenant, policies)| (tenant, Arc::new(Trust::new(policies)))).collect();
        let (address, keys, trust, turns) =
            (Arc::new(address.clone()), Arc::new(keys), Arc::new(trust), Arc::default());
        let store = Self { pool, address, keys, trust, turns };
        store.begin_epoch().await?;
        Ok(store)
    }

    /// A connection for one tenant's data. Waits for a free one, but not long.
    pub async fn session(&self, tenant: &TenantId) -> Result<Session, StoreError> {
        let key = self.key(tenant)?.clone();
        let trust = self.trust.get(tenant).ok_or_else(|| StoreError::Fault(format!("tenant {tenant} has no trust")))?;
        let conn = self.connection().await?;
        let (store, tenant, trust) = (self.clone(), tenant.clone(), Arc::clone(trust));
        Ok(Session { conn, turn: None, store, tenant, key, trust, request: None, caller: None, events: Vec::new() })
    }

    async fn connection(&self) -> Result<Connection, StoreError> {
        let loan = self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(deadpool::managed::TimeoutType::Wait) => StoreError::Overloaded,
            other => StoreError::Unavailable(other.to_string()),
        })?;
        Ok(Connection::new(loan, Arc::clone(&self.address)))
    }

    /// The key of a configured tenant.
    pub fn key(&self, tenant: &TenantId) -> Result<&TenantKey, StoreError> {
        self.keys.get(tenant).ok_or_else(|| StoreError::Fault(format!("tenant {tenant} has no key")))
    }
}

async fn connect(address: &Address) -> Result<AsyncPgConnection, StoreError> {
    address.connect().await.map_err(|error| {
        StoreError::Unavailable(format!("{error} (at {}: is Postgres running there?)", address.place()))
    })
}

/// One connection, bound to one tenant, and to one request if that carries an id. If it is dropped in the middle of something, the database
/// stops doing that.
pub struct Session {
    // Fields are dropped in this order: the next in line wants the connection to be there.
    conn: Connection,
    /// The turn to write of the transaction that is open.
    turn: Option<Turn>,
    /// For another connection.
    store: Store,
    tenant: TenantId,
    key: TenantKey,
    trust: Arc<Trust>,
    request: Option<Request>,
    /// The user that the caller is, where it calls for itself.
    caller: Option<UserId>,
    /// What the transaction did that is open.
    events: Vec<NewEvent>,
}

impl Session {
    /// The same for this request: its id is looked up, locked and used up together with the rest.
    #[must_use]
    pub fn for_request(self, request: Option<Request>) -> Self {
        Self { request, ..self }
    }

    /// Whether this is for a request that carries an id.
    pub fn has_request_id(&self) -> bool {
        self.request.is_some()
    }

    /// Notes which user the caller is, where it calls for itself: its answer is for that user.
    pub fn note_caller(&mut self, user: Option<UserId>) {
        self.caller = user;
    }

    /// Begins a transaction. A session that is dropped inside one takes it back.
    pub async fn begin(&mut self) -> Result<(), StoreError> {
        self.conn.begin().await
    }

    /// Commits, if a transaction is open: what was written is durable when this returns.
    pub async fn commit(&mut self) -> Result<(), StoreError> {
        self.conn.commit().await?;
        self.turn = None;
        Ok(())
    }

    /// Takes back what was written since [`Session::begin`], if a transaction is open.
    pub async fn abandon(&mut self) -> Result<(), StoreError> {
        self.events.clear();
        self.conn.roll_back().await?;
        self.turn = None;
        Ok(())
    }
}
