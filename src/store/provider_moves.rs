//! Moves of providers: the beginning and the end, each of which pins another issuer, and the history.
//!
//! Each is one transaction. It locks the tables of the pins and of the moves, so that no new connection
//! of the service is used. Then it ends all other connections of the service, changes the pin, and
//! commits. So no call that relies on the pin from before runs on, and none begins.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Binary, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use uuid::Uuid;

use super::{Address, StoreError, connect, pins::MOVING};
use crate::domain::{Provider, TenantId};

/// A provider of a tenant, and the issuers between which it moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderMove {
    /// The tenant.
    pub tenant: TenantId,
    /// The provider.
    pub provider: Provider,
    /// The issuer that is pinned.
    pub from: String,
    /// The issuer that is to be pinned.
    pub to: String,
    /// SHA-256 of the file of new subjects; `None` if all accounts keep theirs.
    pub mapping: Option<[u8; 32]>,
    /// Whether accounts that the file does not name keep their subjects.
    pub keeps_unmapped: bool,
}

/// The accounts of a provider, or some of them: two sets with the same number and the same digest
/// are the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accounts {
    /// How many there are.
    pub count: i64,
    /// The sum of a hash of each subject.
    pub digest: i128,
}

/// A move as the history has it.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct PastMove {
    /// Identifies the move.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The provider.
    #[diesel(sql_type = Text)]
    pub provider: String,
    /// The issuer before.
    #[diesel(sql_type = Text)]
    pub from_issuer: String,
    /// The issuer afterwards.
    #[diesel(sql_type = Text)]
    pub to_issuer: String,
    /// The role of the database that the command used.
    #[diesel(sql_type = Text)]
    pub operator: String,
    /// SHA-256 of the file of new subjects; `None` if all accounts kept theirs.
    #[diesel(sql_type = Nullable<Binary>)]
    pub mapping: Option<Vec<u8>>,
    /// Whether accounts that the file does not name kept their subjects.
    #[diesel(sql_type = Bool)]
    pub keeps_unmapped: bool,
    /// The settled rows of the file.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// The accounts that got another subject.
    #[diesel(sql_type = BigInt)]
    pub renamed: i64,
    /// The accounts that kept their subject.
    #[diesel(sql_type = BigInt)]
    pub kept: i64,
    /// The rows whose account was deleted or released.
    #[diesel(sql_type = BigInt)]
    pub deleted: i64,
    /// The rows that named no account.
    #[diesel(sql_type = BigInt)]
    pub unknown: i64,
    /// When it began.
    #[diesel(sql_type = Timestamptz)]
    pub begin_time: DateTime<Utc>,
    /// When it ended; `None` while accounts are renamed.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub end_time: Option<DateTime<Utc>>,
}

/// A provider, the issuer to which it is pinned, and its moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedProvider {
    /// The provider.
    pub provider: String,
    /// The issuer; while a move renames accounts, a text that says so.
    pub issuer: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Its moves, the oldest one first.
    pub moves: Vec<PastMove>,
}

/// Why a move does not begin, or does not end. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum MoveRefused {
    /// The provider has no issuer yet.
    #[error("the provider has no issuer yet: no server with this provider has ever started")]
    NotPinned,
    /// Another issuer is pinned.
    #[error("the provider is pinned to {0}, and not to the issuer of --from-issuer")]
    PinnedTo(String),
    /// Accounts came or went since the file was checked.
    #[error("accounts were added or deleted while the file was checked: run the command again")]
    AccountsChanged,
    /// The role may not end the connections of the servers.
    #[error(
        "the role of the database may not end the connections of the servers: use the role that they use"
    )]
    NotPermitted,
    /// A connection did not end in time.
    #[error("{0} connections of the servers did not end in time: run the command again")]
    StillConnected(usize),
    /// Another process ended the move.
    #[error("the move has ended already, by another process")]
    Ended,
}

type Outcome<T> = Result<Result<T, MoveRefused>, StoreError>;

#[derive(QueryableByName)]
struct PinRow {
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    issuer: String,
    #[diesel(sql_type = Timestamptz)]
    pin_time: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct AccountsRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Text)]
    digest: String,
}

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    pid: i32,
    #[diesel(sql_type = Bool)]
    ended: bool,
}

/// The providers of a tenant with their issuers and moves, in the order of their names.
pub async fn pinned_providers(
    address: &Address,
    tenant: &TenantId,
) -> Result<Vec<PinnedProvider>, StoreError> {
    let mut conn = connect(address).await?;
    let pins: Vec<PinRow> = sql_query(
        "SELECT provider, issuer, pin_time FROM provider_issuers WHERE tenant_id = $1 ORDER BY provider",
    )
    .bind::<Text, _>(tenant.as_str())
    .load(&mut conn)
    .await?;
    let mut moves: Vec<PastMove> = sql_query(
        "SELECT id, provider, from_issuer, to_issuer, operator, mapping, keeps_unmapped, rows, renamed, kept, deleted, \
           unknown, begin_time, end_time FROM provider_moves WHERE tenant_id = $1 ORDER BY begin_time, id",
    )
    .bind::<Text, _>(tenant.as_str())
    .load(&mut conn)
    .await?;
    let pinned = pins.into_iter().map(|PinRow { provider, issuer, pin_time: since }| {
        let theirs = moves.extract_if(.., |past| past.provider == provider).collect();
        PinnedProvider { provider, issuer, since, moves: theirs }
    });
    Ok(pinned.collect())
}

/// The accounts of a provider, of which all are read.
pub async fn accounts_of(
    address: &Address,
    tenant: &TenantId,
    provider: &Provider,
) -> Result<Accounts, StoreError> {
    let mut conn = connect(address).await?;
    conn.batch_execute("SET statement_timeout = 0").await?;
    accounts(&mut conn, tenant, provider).await
}

/// Begins a move: pins the new issuer, or, if accounts are to be renamed, none. Ends all connections of
/// the service, and forgets all unfinished sign-ins at the provider. If `checked` are given, these
/// must be all accounts of the provider. Returns the move.
///
/// # Errors
/// [`MoveRefused`], and then nothing was changed.
pub async fn begin_move(
    address: &Address,
    order: &ProviderMove,
    checked: Option<Accounts>,
    kept: i64,
) -> Outcome<Uuid> {
    let ProviderMove { tenant, provider, from, to, .. } = order;
    let mut conn = begin_switch(address).await?;
    let pinned = pinned_issuer(&mut conn, tenant, provider).await?;
    match pinned {
        None => return Ok(Err(MoveRefused::NotPinned)),
        Some(other) if other != *from => return Ok(Err(MoveRefused::PinnedTo(other))),
        Some(_) => {}
    }
    if let Err(refused) = end_connections(&mut conn).await? {
        return Ok(Err(refused));
    }
    if let Some(checked) = checked
        && accounts(&mut conn, tenant, provider).await? != checked
    {
        return Ok(Err(MoveRefused::AccountsChanged));
    }
    let renames = order.mapping.is_some();
    let next = if renames { moving(from, to) } else { to.clone() };
    pin(&mut conn, tenant, provider, &next).await?;
    forget_sign_ins(&mut conn, tenant, provider).await?;
    let id = Uuid::new_v4();
    sql_query(
        "INSERT INTO provider_moves (tenant_id, id, provider, from_issuer, to_issuer, operator, mapping, keeps_unmapped, \
           rows, renamed, kept, deleted, unknown, begin_time, end_time) \
         VALUES ($1, $2, $3, $4, $5, session_user, $6, $7, 0, 0, $8, 0, 0, now(), CASE WHEN $9 THEN NULL ELSE now() END)",
    )
    .bind::<Text, _>(tenant.as_str())
    .bind::<SqlUuid, _>(id)
    .bind::<Text, _>(provider.as_str())
    .bind::<Text, _>(from)
    .bind::<Text, _>(to)
    .bind::<Nullable<Binary>, _>(order.mapping.map(Vec::from))
    .bind::<Bool, _>(order.keeps_unmapped)
    .bind::<BigInt, _>(kept)
    .bind::<Bool, _>(renames)
    .execute(&mut conn)
    .await?;
    conn.batch_execute("COMMIT").await.map_err(StoreError::at_commit)?;
    Ok(Ok(id))
}

/// Ends a move that has renamed all accounts: pins the new issuer.
///
/// # Errors
/// [`MoveRefused`], and then nothing was changed.
pub async fn end_move(address: &Address, order: &ProviderMove, id: Uuid) -> Outcome<()> {
    let ProviderMove { tenant, provider, from, to, .. } = order;
    let mut conn = begin_switch(address).await?;
    if pinned_issuer(&mut conn, tenant, provider).await? != Some(moving(from, to)) {
        return Ok(Err(MoveRefused::Ended));
    }
    if let Err(refused) = end_connections(&mut conn).await? {
        return Ok(Err(refused));
    }
    pin(&mut conn, tenant, provider, to).await?;
    forget_sign_ins(&mut conn, tenant, provider).await?;
    let ended = sql_query(
        "UPDATE provider_moves SET end_time = now() WHERE tenant_id = $1 AND id = $2 AND end_time IS NULL",
    )
    .bind::<Text, _>(tenant.as_str())
    .bind::<SqlUuid, _>(id)
    .execute(&mut conn)
    .await?;
    if ended == 0 {
        return Ok(Err(MoveRefused::Ended));
    }
    conn.batch_execute("COMMIT").await.map_err(StoreError::at_commit)?;
    Ok(Ok(()))
}

/// What is pinned while accounts are renamed. It tells each server, also one of an earlier release, that
/// it does not have the issuer.
fn moving(from: &str, to: &str) -> String {
    format!("{MOVING}{from} to {to}")
}

/// Begins the transaction of a change of pins. It ends with the connection.
async fn begin_switch(address: &Address) -> Result<AsyncPgConnection, StoreError> {
    // While it holds the locks, no connection of the service is used. So it waits for nothing that
    // takes long, except for the count of the accounts.
    const BEGIN: &str = "BEGIN; SET LOCAL statement_timeout = 0; \
        LOCK TABLE provider_moves, provider_issuers IN ACCESS EXCLUSIVE MODE";
    let mut conn = connect(&address.named("identity-link move")).await?;
    conn.batch_execute(BEGIN).await?;
    Ok(conn)
}

async fn pinned_issuer(
    conn: &mut AsyncPgConnection,
    tenant: &TenantId,
    provider: &Provider,
) -> Result<Option<String>, StoreError> {
    let rows: Vec<PinRow> = sql_query(
        "SELECT provider, issuer, pin_time FROM provider_issuers WHERE tenant_id = $1 AND provider = $2",
    )
    .bind::<Text, _>(tenant.as_str())
    .bind::<Text, _>(provider.as_str())
    .load(conn)
    .await?;
    Ok(rows.into_iter().next().map(|row| row.issuer))
}

async fn pin(
    conn: &mut AsyncPgConnection,
    tenant: &TenantId,
    provider: &Provider,
    issuer: &str,
) -> Result<(), StoreError> {
    let pinned = sql_query(
        "UPDATE provider_issuers SET issuer = $3, pin_time = now() WHERE tenant_id = $1 AND provider = $2",
    )
    .bind::<Text, _>(tenant.as_str())
    .bind::<Text, _>(provider.as_str())
    .bind::<Text, _>(issuer)
    .execute(conn)
    .await?;
    match pinned {
        1 => Ok(()),
        _ => Err(StoreError::Fault(format!("{pinned} pins were changed instead of 1"))),
    }
}

/// Ends all other connections of the service to this database.
async fn end_connections(conn: &mut AsyncPgConnection) -> Outcome<()> {
    // The command returns when each has ended, or after some seconds.
    const END: &str = "SELECT pid, pg_terminate_backend(pid, 5000) AS ended FROM pg_stat_activity \
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() \
          AND application_name LIKE 'identity-link%'";
    const LEFT: &str = "SELECT pid, false AS ended FROM pg_stat_activity WHERE datname = current_database() \
        AND pid = ANY($1)";
    let ended: Result<Vec<Backend>, _> = sql_query(END).load(conn).await;
    let ended = match ended {
        Err(error) if error.to_string().contains("permission denied to terminate") => {
            return Ok(Err(MoveRefused::NotPermitted));
        }
        ended => ended?,
    };
    // One that had gone before it was asked to is not reported as ended.
    let doubtful: Vec<i32> = ended.iter().filter(|of| !of.ended).map(|of| of.pid).collect();
    if doubtful.is_empty() {
        return Ok(Ok(()));
    }
    conn.batch_execute("SELECT pg_stat_clear_snapshot()").await?;
    let left: Vec<Backend> =
        sql_query(LEFT).bind::<diesel::sql_types::Array<Integer>, _>(doubtful).load(conn).await?;
    Ok(if left.is_empty() { Ok(()) } else { Err(MoveRefused::StillConnected(left.len())) })
}

async fn accounts(
    conn: &mut AsyncPgConnection,
    tenant: &TenantId,
    provider: &Provider,
) -> Result<Accounts, StoreError> {
    let row: AccountsRow = sql_query(
        "SELECT count(*) AS count, coalesce(sum(hashtextextended(subject, 0)), 0)::text AS digest \
         FROM identities WHERE tenant_id = $1 AND provider = $2",
    )
    .bind::<Text, _>(tenant.as_str())
    .bind::<Text, _>(provider.as_str())
    .get_result(conn)
    .await?;
    let digest = row.digest.parse().map_err(|_| StoreError::corrupt("digest"))?;
    Ok(Accounts { count: row.count, digest })
}

/// Deletes what sign-ins at the provider have proven, and what they have begun, and the tokens that
/// the provider issued: they are of the issuer from before.
async fn forget_sign_ins(
    conn: &mut AsyncPgConnection,
    tenant: &TenantId,
    provider: &Provider,
) -> Result<(), StoreError> {
    for table in ["sign_in_attempts", "sign_in_tickets", "provider_tokens"] {
        sql_query(format!("DELETE FROM {table} WHERE tenant_id = $1 AND provider = $2"))
            .bind::<Text, _>(tenant.as_str())
            .bind::<Text, _>(provider.as_str())
            .execute(conn)
            .await?;
    }
    Ok(())
}
