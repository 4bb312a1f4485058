//! The issuers to which providers are pinned, and how a running server notices a move.
//!
//! A subject is one person at its issuer only. So a configuration is used only while the database has
//! the same issuers. A move of a provider (`provider_moves.rs`) ends all connections of the service,
//! and commits before a new one is open. Each new connection counts the moves. If there are more than
//! at the last comparison, the issuers are compared again before the connection is used.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

use super::{StoreError, cached::Cached, connection::Connection};
use crate::domain::{Provider, TenantId};

/// Begins the text in the place of an issuer while a move renames the accounts of its provider. No
/// issuer begins so.
pub(super) const MOVING: &str = "moving from ";

/// Fewer moves than there ever are: pins that were not compared yet.
pub(super) const NEVER: i64 = -1;

/// The issuer of a provider's identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerPin {
    /// The tenant.
    pub tenant: TenantId,
    /// The provider.
    pub provider: Provider,
    /// The issuer, as the configuration names it.
    pub issuer: String,
}

/// The providers whose configured issuers differ from the stored ones: a text for each.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct IssuersChanged(pub Vec<String>);

/// A pin that the database has otherwise.
#[derive(QueryableByName)]
struct ChangedPin {
    #[diesel(sql_type = Text)]
    tenant: String,
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    configured: String,
    #[diesel(sql_type = Text)]
    pinned: String,
}

const COMPARE: &str = "SELECT pin.tenant, pin.provider, pin.issuer AS configured, pinned.issuer AS pinned \
    FROM unnest($1::text[], $2::text[], $3::text[]) AS pin(tenant, provider, issuer) \
    JOIN provider_issuers AS pinned ON pinned.tenant_id = pin.tenant AND pinned.provider = pin.provider \
    WHERE pinned.issuer <> pin.issuer ORDER BY pin.tenant, pin.provider, configured";

macro_rules! with_pins {
    ($sql:expr, $pins:expr) => {
        sql_query($sql)
            .bind::<Array<Text>, _>(column($pins, |pin| pin.tenant.as_str()))
            .bind::<Array<Text>, _>(column($pins, |pin| pin.provider.as_str()))
            .bind::<Array<Text>, _>(column($pins, |pin| &pin.issuer))
    };
}

/// The pins on which a configuration relies.
#[derive(Default)]
pub(super) struct Pinned {
    pins: Vec<IssuerPin>,
    judged: Mutex<Judged>,
}

/// The result of a comparison.
#[derive(Default)]
struct Judged {
    /// How many beginnings and ends of moves there were.
    moves: i64,
    /// The tenants with a pin that differs, and a text for each.
    changed: BTreeMap<String, String>,
}

impl Pinned {
    /// Pins that were compared after this many moves, and did not differ.
    pub(super) fn judged(pins: &[IssuerPin], moves: i64) -> Self {
        let judged = Judged { moves, changed: BTreeMap::new() };
        Self { pins: pins.to_vec(), judged: Mutex::new(judged) }
    }

    /// Refuses a tenant of which a pin differs. `moves` is how many moves the newest connection has
    /// counted; if there are more than at the last comparison, the pins are compared on `conn`.
    ///
    /// # Errors
    /// [`StoreError::OtherIssuer`]: another configuration is needed.
    pub(super) async fn expect(
        &self,
        tenant: &TenantId,
        conn: &Connection,
        moves: i64,
    ) -> Result<(), StoreError> {
        if self.pins.is_empty() {
            return Ok(());
        }
        if self.state().moves < moves {
            let changed: Vec<ChangedPin> =
                conn.load("compare_issuers", Cached(with_pins!(COMPARE, &self.pins))).await?;
            let changed = changed.iter().map(|pin| (pin.tenant.clone(), pin.to_string()));
            let changed: BTreeMap<String, String> = changed.collect();
            for text in changed.values() {
                tracing::error!(
                    problem = text,
                    "calls of a tenant are refused after a move of a provider"
                );
            }
            *self.state() = Judged { moves, changed };
        }
        match self.state().changed.get(tenant.as_str()) {
            None => Ok(()),
            Some(text) => Err(StoreError::OtherIssuer(text.clone())),
        }
    }

    fn state(&self) -> MutexGuard<'_, Judged> {
        // No panic can leave the state half changed.
        self.judged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Pins issuers at their first use, and compares with them afterwards. If one differs, the caller
/// has to roll back.
pub(super) async fn pin_issuers(
    conn: &mut AsyncPgConnection,
    pins: &[IssuerPin],
) -> Result<Result<(), IssuersChanged>, StoreError> {
    // In the order of the keys, so that two servers do not wait for each other.
    const PIN: &str = "INSERT INTO provider_issuers (tenant_id, provider, issuer, pin_time) \
        SELECT DISTINCT ON (tenant, provider) tenant, provider, issuer, now() \
        FROM unnest($1::text[], $2::text[], $3::text[]) AS pin(tenant, provider, issuer) ORDER BY tenant, provider, issuer \
        ON CONFLICT DO NOTHING";
    let mut changed: Vec<ChangedPin> = with_pins!(COMPARE, pins).load(conn).await?;
    if changed.is_empty() {
        with_pins!(PIN, pins).execute(conn).await?;
        // Another server may have pinned an issuer meanwhile.
        changed = with_pins!(COMPARE, pins).load(conn).await?;
    }
    let changed: Vec<String> = changed.iter().map(ToString::to_string).collect();
    Ok(if changed.is_empty() { Ok(()) } else { Err(IssuersChanged(changed)) })
}

/// One value of each pin.
fn column<'a>(pins: &'a [IssuerPin], value: impl Fn(&'a IssuerPin) -> &'a str) -> Vec<&'a str> {
    pins.iter().map(value).collect()
}

impl fmt::Display for ChangedPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenant, provider, configured, pinned } = self;
        write!(
            f,
            "tenant {tenant}: provider {provider} is configured with issuer {configured}, but "
        )?;
        match pinned.strip_prefix(MOVING) {
            Some(issuers) => write!(
                f,
                "`identity-link provider move` renames its accounts, from {issuers}: run the same command again until it is done"
            ),
            None => write!(
                f,
                "its identities came from {pinned}: subjects of another issuer are other people. Give the new issuer a \
                 provider name of its own. If it is the same provider under another URL, `identity-link provider move` moves it"
            ),
        }
    }
}
