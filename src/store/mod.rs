//! The only place that knows the database.
//!
//! A [`Store`] gives out [`Session`]s: one connection, bound to one tenant, which every statement
//! names. A session reads as it is; a write begins a transaction, takes the locks of its keys,
//! reads, and commits.

mod cached;
mod connect;
mod error;
mod links;
mod locks;
mod migrations;
mod rows;
mod schema;
mod standing;
mod tenants;
mod users;

use std::{collections::HashMap, sync::Arc};

use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, TransactionManager as _,
    pooled_connection::deadpool::{Object, Pool, PoolError},
};

use crate::domain::TenantId;
pub use connect::{Address, AddressError};
pub use error::StoreError;
pub use links::{Actor, Link, LinkInserted, NewLink, Proof};
pub use locks::LockKeys;
pub use migrations::SchemaMismatch;
pub use standing::{Answer, ProofUse, Question};
pub use tenants::{IssuerChanged, TenantKey};
pub use users::Inserted;

/// The database, as a pool of connections.
#[derive(Clone)]
pub struct Store {
    pool: Pool<AsyncPgConnection>,
    keys: Arc<HashMap<TenantId, TenantKey>>,
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
    /// keys of tenants that have none.
    pub async fn open(address: &Address, size: usize, tenants: &[TenantId]) -> Result<Self, OpenError> {
        let mut conn = connect(address).await?;
        migrations::check(&mut conn).await??;
        let keys = tenants::load_keys(&mut conn, tenants).await?;
        let pool = address.pool(size).map_err(StoreError::Fault)?;
        Ok(Self { pool, keys: Arc::new(keys) })
    }

    /// A connection for one tenant's data. Waits for a free one, but not long.
    pub async fn session(&self, tenant: &TenantId) -> Result<Session, StoreError> {
        let key = self.key(tenant)?.clone();
        let conn = self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(deadpool::managed::TimeoutType::Wait) => StoreError::Overloaded,
            other => StoreError::Unavailable(other.to_string()),
        })?;
        Ok(Session { conn, tenant: tenant.clone(), key })
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

/// One connection, bound to one tenant.
pub struct Session {
    conn: Object<AsyncPgConnection>,
    tenant: TenantId,
    key: TenantKey,
}

impl Session {
    /// Begins a transaction. The connection of a session that is dropped inside one is given to nobody
    /// else: the pool throws it away.
    pub async fn begin(&mut self) -> Result<(), StoreError> {
        Ok(AnsiTransactionManager::begin_transaction(&mut *self.conn).await?)
    }

    /// Commits: what was written is durable when this returns.
    pub async fn commit(&mut self) -> Result<(), StoreError> {
        AnsiTransactionManager::commit_transaction(&mut *self.conn).await.map_err(StoreError::at_commit)
    }

    /// Takes back what was written since [`Session::begin`], if a transaction is open.
    pub async fn abandon(&mut self) -> Result<(), StoreError> {
        let status = AnsiTransactionManager::transaction_manager_status_mut(&mut *self.conn);
        if status.transaction_depth()?.is_some() {
            AnsiTransactionManager::rollback_transaction(&mut *self.conn).await?;
        }
        Ok(())
    }
}
